"""What English says of times: typed, or as a recogniser writes it ("every day at six thirty p m"). Knows words only."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta

from actions.times.schedule import DAYS_EN, MONTHS_EN
from actions.times.when_found import Found, Hour

_UNITS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty")
_ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
    "twentieth",
)  # fmt: skip
_PARTS = {
    "morning": "morning", "noon": "noon", "midday": "noon", "lunchtime": "noon", "afternoon": "afternoon",
    "evening": "evening", "night": "night", "midnight": "midnight",
}  # fmt: skip
_PART = "|".join(_PARTS)
_DAY = "|".join(day.lower() for day in DAYS_EN)
_MONTH = "|".join(month.lower() for month in MONTHS_EN)
_SPAN = r"(seconds?|secs?|minutes?|mins?|hours?|hrs?)"
_COUNT = r"(\d+|an?|half an?|half|a couple of|a few)"
_LENGTH = rf"{_COUNT}( and a half)? {_SPAN}( and a half)?(?:,? (?:and )?(\d+) minutes?)?"
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_COUNTS = {"a couple of": 2, "a few": 3, "half": 0.5, "half a": 0.5, "half an": 0.5}
_TIME = re.compile(
    rf"(?:\b(?:in the |this |every |each |on the )?(?P<before>{_PART})s?,? (?=at|by|around|about|@|\d))?"
    r"(?P<at>\b(?:at|by|around|about|from)\b |@ ?)?(?:about |around )?"
    r"(?:(?P<half>half past) |(?P<quarter>(?:a )?quarter|\d{1,2}(?: minutes?)?) (?P<side>past|after|to|before) )?"
    r"(?<![\d:.])(?P<hour>\d{1,2})(?:(?P<colon>[:.]| )(?P<minute>[0-5]\d)(?!\d))?(?![\d:])"
    r"(?! (?:day|week|month|hour|min))"
    r"(?P<clock> ?o'? ?clock)?"
    rf"(?:(?P<half_day> ?[ap]m\b)|,? (?:in the |at |this |every )?(?P<after>{_PART})s?\b|,? (?P<tonight>tonight))?"
)
_REMIND = re.compile(
    r"^(?:(?:please|hey|ok|okay|can you|could you|would you|will you|and|then|i want you to|i need you to)[ ,]+)*"
    r"(?:(?:remind|tell|alert|notify) (?:me|us)|set (?:me )?(?:a|an|up a)? ?(?:reminder|alarm)|"
    r"(?:don'?t let me|let me not) forget|(?:a )?reminder|remember|don'?t forget)\b"
    r"[ ,]*(?:that i (?:should|must|have to|need to|ought to) |that i'?ve got to |to |that |about |for |of )*"
)


def find(text: str, today: date, answer: str = "") -> Found:
    """What is said of times. Raises `ValueError` for a date that is none."""
    said = f"{text}, at {answer}" if answer else text
    found = Found(_normal(said))
    _interval(found)
    if not (found.after or found.every):
        _again(found)
        _date(found, today)
        _hours(found)
        _parts(found)
    return found


def task(rest: str) -> str:
    """`rest` without "remind me to", and without the little words that stood around a time."""
    text = _REMIND.sub("", " ".join(rest.split()))
    text = re.sub(r"^(?:to|that|about)\b ", "", text.strip(" ,."))
    return re.sub(r"(?:(?:^|[ ,]+)(?:at|on|in|by|of|the|every|each|and|from|starting|from now on|please))+$", "", text)


def _normal(text: str) -> str:
    """Lower case, numbers in digits, "6 p m" as "6 pm"."""
    text = re.sub(r"[\u2018\u2019]", "'", text.lower())
    text = re.sub(rf"\b({'|'.join(_TENS)})[ -]({'|'.join(_UNITS[1:10] + _ORDINALS[:9])})\b", _tens, text)
    text = re.sub(r"\b(in|after) (?:one|a|1) second\b", r"\1 1 sec", text)  # no ordinal
    words = {word: str(n) for n, word in enumerate(_UNITS)} | {w: str(20 + 10 * n) for n, w in enumerate(_TENS)}
    words |= {word: f"{n}th" for n, word in enumerate(_ORDINALS, 1)} | {"thirtieth": "30th"}
    text = re.sub(rf"\b(?:{'|'.join(words)})\b", lambda match: words[match[0]], text)
    text = re.sub(r"\b(\d{1,2}) (?:oh|o|0) ?(\d)\b", r"\1:0\2", text)  # "six oh five"
    text = re.sub(r"(\d) ?([ap])[ .]{0,2}m\b\.?", r"\1 \2m", text)
    return " ".join(text.split())


def _tens(match: re.Match[str]) -> str:
    tens = 20 + 10 * _TENS.index(match[1])
    if match[2] in _ORDINALS:
        return f"{tens + _ORDINALS.index(match[2]) + 1}th"
    return str(tens + _UNITS.index(match[2]))


def _number(word: str) -> float:
    return float(word) if word.isdecimal() else _COUNTS.get(word, 1)


def _interval(found: Found) -> None:
    if found.take(r"\b(?:hourly|(?:every|each) hour)\b"):
        found.every = 3600
    elif match := found.take(rf"\b(?:every|each) (?:{_COUNT} |(other) )?{_SPAN}\b(?: and a half\b)?"):
        count = 2.0 if match[2] else _number(match[1] or "1")
        count += 0.5 if match[0].endswith("half") else 0
        found.every = round(count * _SECONDS[match[3][0]])
    elif match := found.take(rf"\b(?:in|after) (?:about )?{_LENGTH}\b(?: time\b)?") or found.take(
        rf"\b{_LENGTH} (?:from now|later)\b"
    ):
        count = _number(match[1]) + (0.5 if match[2] or match[4] else 0)
        found.after = max(round(count * _SECONDS[match[3][0]]) + 60 * int(match[5] or 0), 1)


def _again(found: Found) -> None:
    """What comes again: days, weeks, months."""
    if match := found.take(r"\b(?:(once|twice)|(\d+) times) (?:a|per|every|each) day\b|\b(once|twice) daily\b"):
        found.unit = "days"
        found.times_a_day = {"once": 0, "twice": 2}.get(match[1] or match[3] or "", int(match[2] or 0))
    if found.take(r"\bevery (?:other|2th|2nd) day\b"):
        found.unit, found.step = "days", 2
    elif match := found.take(r"\bevery (\d+)(?:th)? days?\b"):
        found.unit, found.step = "days", _step(match)
    elif found.take(r"\b(?:every|each) ?day\b|\bdaily\b|\ball days\b"):
        found.unit = "days"
    elif found.take(r"\b(?:on )?(?:every |each )?(?:weekdays?|work(?:ing)? ?days?)\b"):
        found.unit, found.weekdays = "weeks", {0, 1, 2, 3, 4}
    elif found.take(r"\b(?:(?:on |at )?(?:every |each |the )weekends?|(?:on |at )?weekends)\b"):
        found.unit, found.weekdays = "weeks", {5, 6}
    elif match := re.search(rf"\b(?:every|each) ({_PART})\b|\b(?:in the |at )?({_PART})s\b", found.rest):
        found.unit = "days"
    if found.take(r"\bevery (?:other|2th|2nd) week\b|\bfortnightly\b"):
        found.unit, found.step = "weeks", 2
    elif match := found.take(r"\bevery (\d+)(?:th)? weeks?\b"):
        found.unit, found.step = "weeks", _step(match)
    elif found.take(r"\b(?:every|each|once a|once every) week\b|\bweekly\b"):
        found.unit = "weeks"
    month_days = r"(?: on the (\d+)(?:th|st|nd|rd)?\b)?"
    if match := found.take(rf"\bevery (\d+|other)(?:th)? months?\b{month_days}"):
        found.unit, found.step = "months", 2 if match[1] == "other" else _step(match)
        found.month_days |= {_month_day(match[2])} if match[2] else set()
    elif match := found.take(rf"\b(?:(?:every|each|once a) month|monthly)\b{month_days}"):
        found.unit = "months"
        found.month_days |= {_month_day(match[1])} if match[1] else set()
    if match := found.take(
        r"\b(?:on )?(?:the|every|each) (\d+)(?:th|st|nd|rd)? (?:day )?of (?:every|each|the|a) month\b"
    ):
        found.unit, found.month_days = "months", {_month_day(match[1])}
    if found.unit == "months" and not found.month_days and (match := found.take(r"\bon the (\d+)(?:th|st|nd|rd)\b")):
        found.month_days = {_month_day(match[1])}
    found.yearly = found.take(r"\b(?:(?:every|each|once a) year|yearly|annually)\b") is not None
    _weekdays(found)


def _weekdays(found: Found) -> None:
    pattern = rf"(?:\b(every|each|on|next|this|and|starting|other|2th)\b[ ,]*)*\b({_DAY})(s?)\b(?:,| and\b)?"
    while match := found.take(pattern):
        before = match[0][: match.start(2) - match.start()]
        found.weekdays.add([day.lower() for day in DAYS_EN].index(match[2]))
        if match[3] or re.search(r"\b(?:every|each)\b", before):
            found.unit = found.unit or "weeks"
            found.step = 2 if re.search(r"\b(?:other|2th)\b", before) else found.step
        elif "next" in before:
            found.weeks_on = 1
        if found.unit == "days":  # "every evening on fridays"
            found.unit = "weeks"
    if len(found.weekdays) > 1 and found.unit is None:
        found.unit = "weeks"


def _date(found: Found, today: date) -> None:
    if found.unit:
        return
    if found.take(r"\b(?:the )?day after tomorrow\b"):
        found.day = today + timedelta(days=2)
    elif found.take(r"\btomorrow\b"):
        found.day = today + timedelta(days=1)
    elif found.take(r"\btonight\b"):
        found.day = today
        found.parts.append("night" if re.search(r"\bat (?:1[01]|12)\b", found.rest) else "evening")
    elif found.take(r"\btoday\b|\b(?=this (?:morning|afternoon|evening)\b)"):
        found.day = today
    elif match := found.take(r"\bin (\d+|a|a couple of|a few) (day|week|month)s?(?: time)?\b"):
        found.day = _later(today, round(_number(match[1])), match[2])
        found.now_time = True
    elif match := found.take(r"\bnext (week|month)\b"):
        found.day = _later(today, 1, match[1])
    elif match := found.take(r"\b(?:on )?(\d{4})-(\d{1,2})-(\d{1,2})\b"):
        found.day = date(int(match[1]), int(match[2]), int(match[3]))
    elif match := found.take(rf"\b(?:on )?(?:the )?(\d{{1,2}})(?:th|st|nd|rd)?(?: of)? ({_MONTH})\b") or found.take(
        rf"\b(?:on )?({_MONTH}) (?:the )?(\d{{1,2}})(?:th|st|nd|rd)?\b(?! ?[ap]m)"
    ):
        said, name = (match[1], match[2]) if match[1].isdecimal() else (match[2], match[1])
        day = date(today.year, [month.lower() for month in MONTHS_EN].index(name) + 1, int(said))
        found.day = day if day >= today else day.replace(year=today.year + 1)
    elif match := found.take(r"\b(?:on )?the (\d{1,2})(?:th|st|nd|rd)\b"):
        number = _month_day(match[1])
        day = today.replace(day=1)
        while monthrange(day.year, day.month)[1] < number or day.replace(day=number) < today:
            day = _later(day, 1, "month")
        found.day = day.replace(day=number)


def _hours(found: Found) -> None:
    """All times of day. A number alone is one only after "at", before a part of the day, or after another one."""
    begun = False
    kept, end = "", 0
    for match in _TIME.finditer(found.rest):
        minute, colon = int(match["minute"] or 0), match["colon"]
        said = any(match[group] for group in ("before", "at", "half", "side", "clock", "half_day", "after", "tonight"))
        joined = begun and re.fullmatch(r"[ ,]*(?:and|or)? *", found.rest[end : match.start()]) is not None
        if not (said or colon in (":", ".") or joined):
            continue
        hour, part = int(match["hour"]), (match["half_day"] or "").strip()
        part = part or _PARTS.get(match["after"] or match["before"] or "", "evening" if match["tonight"] else "")
        if match["half"]:
            minute = 30
        elif match["side"]:
            amount = 15 if "quarter" in match["quarter"] else int(match["quarter"].split()[0])
            minute = amount if match["side"] in ("past", "after") else 60 - amount
            hour = hour if match["side"] in ("past", "after") else (hour - 1 or 12)
        found.hours.append(Hour(hour, minute, part, exact=colon == ":" and match["hour"].startswith("0")))
        begun = True
        kept += found.rest[end : match.start()] + " "
        end = match.end()
    found.rest = kept + found.rest[end:]


def _parts(found: Found) -> None:
    pattern = rf"\b(?:(?:every|each|in the|this|at|and|on|the)\b ?)*\b({_PART})s?\b"
    while match := found.take(pattern):
        found.parts.append(_PARTS[match[1]])
    if not found.hours and found.parts in (["noon"], ["midnight"]):
        found.hours, found.parts = [Hour(12, 0, found.parts[0])], []


def _step(match: re.Match[str]) -> int:
    return min(max(int(match[1]), 1), 365)


def _month_day(number: str) -> int:
    if not 0 < int(number) < 32:
        raise ValueError(number)
    return int(number)


def _later(day: date, count: int, unit: str) -> date:
    if unit != "month":
        return day + timedelta(days=count * (7 if unit == "week" else 1))
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    for number in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, number)
        except ValueError:
            continue
    raise ValueError(count)
