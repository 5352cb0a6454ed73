"""Times as people say them, in English and Chinese: "every day at eight", "两小时后", "on mondays at 7".

    read_when("remind me to feed him every day at eight", "en", now).spoken("en", today)   # "every day at 8:00"
    task_said("remind me to feed him every day at eight", "en")                            # "feed him"

What a language says is found by `actions.times.when_en` and `actions.times.when_zh`; what it means at a moment is
decided here. An hour without a word for the part of the day is read as waking people mean it: one to five in the
afternoon, six to eleven in the morning; "at six" without a day is the next six o'clock.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from actions.errors import Question
from actions.times import when_en, when_zh
from actions.times.schedule import Schedule, clock_time
from actions.times.when_found import PARTS, Found, Hour
from actions.wording import one_line

ABOUT = "when"  # what the question is about
_LONGEST = 1000  # characters that are looked at


def read_when(text: str, lang: str, now: datetime, answer: str = "") -> Schedule:
    """The schedule that is said in `text`; answer: what was said to the question for it; now: in the local zone.

    Raises `Question` about "when" when none is said, or one that is over.
    """
    found = _find(text, lang, now, answer)
    if found.after:
        return Schedule("after", found.after)
    if found.every:
        return Schedule("seconds", max(found.every, 60))
    today = now.date()
    if found.unit:
        times = _times(found, None, now)
        later = any(_at(today, time) > now.replace(tzinfo=None) for time in times)
        start = today if later or found.unit != "days" else today + timedelta(days=1)
        days = found.weekdays or {today.weekday()} if found.unit == "weeks" else found.month_days or {today.day}
        return Schedule(found.unit, found.step, times, tuple(sorted(days)) if found.unit != "days" else (), start)
    return _once(found, now)


def task_said(text: str, lang: str) -> str:
    """What is to be remembered, without the time and without "remind me to"."""
    try:
        rest = _find(text, lang, datetime(2000, 1, 1), "").rest
    except Question:
        rest = text
    return one_line((when_zh if _is_chinese(text) else when_en).task(rest)).strip(" ,，。.!?！？、；;")


def _is_chinese(text: str) -> bool:
    return bool(re.search(r"[\u4e00-\u9fff]", text))


def _find(text: str, lang: str, now: datetime, answer: str) -> Found:
    text, answer = one_line(text)[:_LONGEST], one_line(answer)[:_LONGEST]
    chinese = _is_chinese(text + answer) if text + answer else lang == "zh"
    try:
        return (when_zh if chinese else when_en).find(text, now.date(), answer)
    except (ValueError, OverflowError):  # the 31st of February, in ten thousand years
        raise _question() from None


def _once(found: Found, now: datetime) -> Schedule:
    """A single day, or none at all, which is the next time it is that hour."""
    plain, today = now.replace(tzinfo=None), now.date()
    if found.day is not None:
        if found.now_time and not (found.hours or found.parts):
            return Schedule("once", times=((now.hour, now.minute),), start=found.day)
        times = _times(found, found.day, now)
        if found.yearly:
            return Schedule("months", 12, times, (found.day.day,), found.day)
        if _at(found.day, times[-1]) <= plain:
            hour, minute = times[-1]
            raise Question(
                f"{clock_time(hour, minute, 'en')} is over already. When should I remind you?",
                f"{clock_time(hour, minute, 'zh')}已经过了，什么时候提醒你？",
                about=ABOUT,
            )
        return Schedule("once", times=times, start=found.day)
    if found.weekdays:
        times = _times(found, None, now)
        ahead = min((day - today.weekday()) % 7 for day in found.weekdays)
        if found.weeks_on is not None:
            ahead = min(found.weekdays) - today.weekday() + 7 * found.weeks_on
        elif ahead == 0 and _at(today, times[-1]) <= plain:
            ahead = 7
        return _once(Found("", day=today + timedelta(days=ahead), hours=found.hours, parts=found.parts), now)
    times = _times(found, today, now)
    late = _at(today, times[-1]) <= plain
    return Schedule("once", times=times, start=today + timedelta(days=1) if late else today)


def _times(found: Found, day: date | None, now: datetime) -> tuple[tuple[int, int], ...]:
    """Hours and minutes, ascending. day: the only one that is meant; None when it comes again, or on a weekday."""
    if found.hours:
        part = found.parts[0] if len(found.parts) == 1 else ""
        times = {_time(hour, hour.part or part, day, now) for hour in found.hours}
        if len(times) == 1 and (found.times_a_day == 2 or len(found.hours) == 2):  # "twice a day at seven"
            hour, minute = min(times)
            times.add(((hour + 12) % 24, minute))
    elif found.parts:
        times = {PARTS[part] if day or part != "midnight" else (0, 0) for part in found.parts}
    elif 0 < found.times_a_day <= 4:
        times = {((8, 0), (18, 0), (13, 0), (22, 0))[i] for i in range(found.times_a_day)}
    else:
        raise _question(hour_only=bool(found.unit or found.day or found.weekdays))
    return tuple(sorted(times))


def _time(said: Hour, part: str, day: date | None, now: datetime) -> tuple[int, int]:
    """The time of day that is meant. Raises `ValueError` for one that is none."""
    hour, minute = said.hour, said.minute
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        raise _question()
    if hour > 12 or hour == 0 or (said.exact and not part):
        return hour, minute
    if part in ("am", "dawn", "morning", "forenoon"):
        return hour % 12, minute
    if part in ("pm", "afternoon", "dusk"):
        return hour % 12 + 12, minute
    if part == "noon":
        return (hour if hour > 10 else hour + 12), minute
    if part in ("evening", "night", "midnight"):
        if 4 < hour < 12:
            return hour + 12, minute
        return hour % 12 + (24 if day else 0), minute  # after midnight: of the night that begins on that day
    if day == now.date():  # the next time that the clock shows it
        both = ((hour % 12, minute), (hour % 12 + 12, minute))
        plain = now.replace(tzinfo=None)
        return next((time for time in both if _at(day, time) > plain), both[0 if hour > 5 else 1])
    return (hour + 12 if hour < 6 else hour), minute


def _at(day: date, time: tuple[int, int]) -> datetime:
    return datetime(day.year, day.month, day.day) + timedelta(hours=time[0], minutes=time[1])


def _question(hour_only: bool = False) -> Question:
    if hour_only:
        return Question("At what time should I remind you?", "几点提醒你？", about=ABOUT)
    return Question("When should I remind you?", "什么时候提醒你？", about=ABOUT)
