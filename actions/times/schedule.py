"""When something is to happen, once or again and again, in local time; and how that is said in both languages.

A time of day is one of the local zone: on the day clocks are set forward, one that does not exist comes an hour later;
on the day they are set back, one that exists twice comes once (PEP 495, fold 0). Knows no clock and no disk.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Literal

import msgspec

from actions.times.clock import Instant
from actions.wording import listing, say

Unit = Literal["after", "seconds", "once", "days", "weeks", "months"]
_LONGEST_GAP = 1100  # days between two occurrences: at most once in three years
DAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAYS_ZH = ("一", "二", "三", "四", "五", "六", "日")
MONTHS_EN = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


class Schedule(msgspec.Struct, frozen=True):
    """When. `after` and `seconds` count from a moment, the others are days and times of the local calendar."""

    unit: Unit  # once, `step` seconds from then; every `step` seconds; on `start`; every `step` days, weeks or months
    step: int = 1
    times: tuple[tuple[int, int], ...] = ()  # hours and minutes of a day, ascending; 24 and more are of the next day
    days: tuple[int, ...] = ()  # of the week, 0 is Monday; or of the month, 1 to 31 (its last day where it is shorter)
    start: date = date.min  # the first day; weeks and months are counted from its own

    @property
    def relative(self) -> bool:
        """Whether it counts from a moment, so that the time of day does not matter."""
        return self.unit in ("after", "seconds")

    def due(self, last: Instant, now: Instant, zone: tzinfo) -> float | None:
        """time.time() of the first occurrence after `last`; None when there is none. `now` may be before it."""
        if self.relative:
            return now.wall + self.step - now.since(last)
        return _next(self, last.wall, zone)

    def latest(self, last: Instant, now: Instant, zone: tzinfo) -> float | None:
        """time.time() of the last occurrence after `last` that has come by `now`; None when none has."""
        if self.relative:
            passed = now.since(last)
            count = int(passed // self.step) if self.unit == "seconds" else min(int(passed // self.step), 1)
            return now.wall - (passed - count * self.step) if count > 0 else None
        found, after = None, max(last.wall, now.wall - _LONGEST_GAP * 86_400 if self.unit != "once" else 0.0)
        while (at := _next(self, after, zone)) is not None and at <= now.wall:
            found = after = at
        return found

    def spoken(self, lang: str, today: date) -> str:
        """ "every day at 8:00", "每天8点", "tomorrow at 6:00 pm"; `today` is the day on which it is said."""
        times = listing([clock_time(h, m, lang) for h, m in self.times], lang, ("and", "和"))
        at = say(lang, f" at {times}", times)
        number = str(self.step) if self.step > 1 else ""
        each = say(lang, f"every {number} " if number else "every ", f"每{number}")
        many = "s" if self.step > 1 else ""
        if self.unit == "after":
            return say(lang, f"in {_duration(self.step, lang)}", f"{_duration(self.step, lang)}后")
        if self.unit == "seconds":
            short = _duration(self.step, lang)
            short = short.removeprefix("1").strip() if self.step in (60, 3600) and short != "1分钟" else short
            return say(lang, f"every {short}", f"每{short}")
        if self.unit == "once":
            return spoken_day(self.start, today, lang) + at
        if self.unit == "days":
            return say(lang, f"{each}day{many}{at}", f"{each}天{at}")
        if self.unit == "weeks":
            return self._spoken_weeks(lang, each, many) + at
        if self.step == 12:
            return say(lang, f"every year {_date(self.start, 'en')}", f"每年{_date(self.start, 'zh')}") + at
        ordinals = listing([_ordinal(day) for day in self.days], "en", ("and", "和"))
        numbers = listing([f"{day}号" for day in self.days], "zh", ("and", "和"))
        month = "月" if self.step == 1 else "个月的"
        return say(lang, f"{each}month{many} on the {ordinals}{at}", f"{each}{month}{numbers}{at}")

    def _spoken_weeks(self, lang: str, each: str, many: str) -> str:
        if self.step == 1 and self.days in ((0, 1, 2, 3, 4), (5, 6)):
            working = self.days[0] == 0
            return say(lang, f"on {'weekdays' if working else 'weekends'}", "工作日" if working else "每个周末")
        names = listing([DAYS_EN[day] for day in self.days], "en", ("and", "和"))
        numbers = "、".join(DAYS_ZH[day] for day in self.days)
        if self.step == 1:
            return say(lang, f"every {names}", f"每周{numbers}")
        return say(lang, f"{each}week{many} on {names}", f"{each}周的周{numbers}")


@lru_cache(1024)
def _next(schedule: Schedule, after: float, zone: tzinfo) -> float | None:
    """time.time() of the first occurrence of a schedule of days after `after`."""
    first = max(schedule.start, datetime.fromtimestamp(after, zone).date() - timedelta(days=2))
    for day in _days(schedule, first):
        for hour, minute in schedule.times:
            wall = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(hours=hour, minutes=minute)
            if (at := wall.timestamp()) > after:
                return at
    return None


def _days(schedule: Schedule, first: date) -> Iterator[date]:
    """The days of a schedule from `first` on, for as long as one can have to wait."""
    start, step = schedule.start, schedule.step
    if schedule.unit == "once":
        yield start
        return
    week = start - timedelta(days=start.weekday())
    for day in (first + timedelta(days=i) for i in range(_LONGEST_GAP)):
        last = monthrange(day.year, day.month)[1]
        months = (day.year - start.year) * 12 + day.month - start.month
        if (
            (schedule.unit == "days" and (day - start).days % step == 0)
            or (schedule.unit == "weeks" and day.weekday() in schedule.days and (day - week).days // 7 % step == 0)
            or (schedule.unit == "months" and months % step == 0 and day.day in {min(d, last) for d in schedule.days})
        ):
            yield day


def clock_time(hour: int, minute: int, lang: str) -> str:
    """ "8:00", "6:30 pm", "noon"; "8点", "晚上6点半"."""
    hour %= 24
    if lang == "zh":
        if hour == minute == 0:
            return "半夜12点"
        part = "凌晨" if hour < 5 else "" if hour < 12 else "中午" if hour == 12 else "下午" if hour < 18 else "晚上"
        minutes = "" if minute == 0 else "半" if minute == 30 else f"{minute:02}分"
        return f"{part}{hour if hour < 13 else hour - 12}点{minutes}"
    if minute == 0 and hour in (0, 12):
        return "noon" if hour else "midnight"
    return f"{hour if 0 < hour < 13 else abs(hour - 12)}:{minute:02}{' am' if hour < 5 else ' pm' if hour > 11 else ''}"


def spoken_day(day: date, today: date, lang: str) -> str:
    """ "today", "on Friday", "on 5 March"; "今天", "周五", "3月5日"."""
    away = (day - today).days
    near = {-1: ("yesterday", "昨天"), 0: ("today", "今天"), 1: ("tomorrow", "明天"), 2: ("", "后天")}
    if away in near and (named := say(lang, *near[away])):
        return named
    if 0 < away < 7:
        return say(lang, f"on {DAYS_EN[day.weekday()]}", f"周{DAYS_ZH[day.weekday()]}")
    return _date(day, lang)


def _date(day: date, lang: str) -> str:
    return say(lang, f"on {day.day} {MONTHS_EN[day.month - 1]}", f"{day.month}月{day.day}日")


def _duration(seconds: int, lang: str) -> str:
    hours, minutes = divmod(seconds // 60, 60)
    if seconds < 60:
        return say(lang, f"{seconds} second{'s' * (seconds > 1)}", f"{seconds}秒")
    en = [f"{n} {name}{'s' * (n > 1)}" for n, name in ((hours, "hour"), (minutes, "minute")) if n]
    zh = [f"{n}{name}" for n, name in ((hours, "小时"), (minutes, "分钟")) if n]
    return say(lang, " and ".join(en), "".join(zh))


def _ordinal(number: int) -> str:
    ending = "th" if 10 < number < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
