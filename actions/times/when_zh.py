"""What Chinese says of times: typed, or as a recogniser writes it ("每天早上八点"). Knows words only."""

from __future__ import annotations

import re
from datetime import date, timedelta

from actions.times.when_found import Found, Hour

_SIMPLE = str.maketrans("點兩後週鐘個時號開過從禮隔幾鬧", "点两后周钟个时号开过从礼隔几闹")
_DIGITS = {digit: n for n, digit in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_PARTS = {
    "凌晨": "dawn", "清晨": "morning", "清早": "morning", "早晨": "morning", "早上": "morning", "早": "morning",
    "上午": "forenoon", "中午": "noon", "正午": "noon", "午后": "afternoon", "下午": "afternoon", "傍晚": "dusk",
    "晚上": "evening", "夜晚": "evening", "晚间": "evening", "夜里": "night", "深夜": "night", "半夜": "midnight",
    "午夜": "midnight", "睡前": "night", "晚": "evening",
}  # fmt: skip
_PART = "|".join(sorted(_PARTS, key=len, reverse=True))
_N = r"(\d+|[零〇一二两三四五六七八九十]+)"
_WEEK = r"(?:周|星期|礼拜)"
_WEEKDAY = "一二三四五六日天末"
_TIME = re.compile(
    rf"(?P<part>{_PART})?的?(?P<to>差(?P<less>\d+|[一二两三四五六七八九十]+)(?P<unit>分钟?|刻))?(?P<hour>\d+|[零〇一二两三四五六七八九十]+)"
    r"(?:(?P<clock>点钟?|时(?!候|间))(?:(?P<half>半)|(?P<quarter>[一二三123])刻|过?(?P<minute>\d+|[零〇一二两三四五六七八九十]+)分?|整)?"
    r"|(?P<colon>[:：])(?P<digits>[0-5]\d))"
)
_LEAD = re.compile(rf"(?:^|在|到|于|天|[周期拜][一二三四五六日末]|[号日晚早]|[，,。 、和]|{_PART})$")
_FOLLOW = re.compile(r"^(?:$|[，,。 、和]|提醒|叫|喊|告诉|通知|记得|要|给|的时候|之前|左右)")
_REMIND = re.compile(
    r"(?:请|麻烦|帮我|你|到时候?|记得|别忘了|不要忘记?|别忘记?|定一?个?闹钟|设一?个?(?:闹钟|提醒)|加一?个?提醒)*(?:的时候)?"
    r"(?:提醒(?:一下)?(?:我们?|一下)?|叫我|喊我|告诉我|通知我|记得|别忘了|不要忘记?|别忘记?|闹钟)(?:一下|一声)?(?:要|得|该|去)?"
)


def find(text: str, today: date, answer: str = "") -> Found:
    """What is said of times. Raises `ValueError` for a date that is none."""
    answer = re.sub(rf"^{_N}(半)?$", r"\1点\2", answer.strip(" 。，,.")) if answer else ""
    found = Found("".join(f"{text}，{answer}".split()).translate(_SIMPLE).strip("，") if answer else _joined(text))
    _interval(found)
    if not (found.after or found.every):
        _again(found)
        _date(found, today)
        _hours(found)
        _parts(found)
    return found


def task(rest: str) -> str:
    """`rest` without 提醒我 and without the little words that stood around a time."""
    text = _joined(_REMIND.sub("", _joined(rest), count=1))
    return re.sub(r"^(?:在|到|请|要|得|该|的|去|从|和|各一次|，|,)+|(?:在|到|请|从|和|各一次|的时候|，|,)+$", "", text)


def _joined(text: str) -> str:
    """Without spaces between Chinese characters; recognisers put them there."""
    text = " ".join(text.split()).translate(_SIMPLE)
    return re.sub(r"(?<=[\u4e00-\u9fff，、\d]) (?=[\u4e00-\u9fff，、\d])", "", text).strip()


def number(text: str) -> int:
    """ "二十五" and "25" are 25. Raises `ValueError` for more than two Chinese digits without 十."""
    if text.isdecimal():
        return int(text)
    tens, ten, units = text.partition("十")
    if ten:
        return 10 * (_DIGITS[tens] if tens else 1) + (_DIGITS[units[-1]] if units else 0)
    if len(text) > 2:
        raise ValueError(text)
    return sum(_DIGITS[digit] * 10**power for power, digit in enumerate(reversed(text)))


def _interval(found: Found) -> None:
    span = rf"(?:(半)个?(小时|钟头)|{_N}个?(半)?(小时|钟头)(?:(半)|{_N}分钟?)?|{_N}(分钟|刻钟|秒钟?))"
    after = found.take(rf"(?:再?过|等|再等){span}(?:以后|之后|后)?|{span}(?:以后|之后|后)")
    if after:
        groups = after.groups()
        found.after = _seconds(groups[:9] if any(groups[:9]) else groups[9:])
    elif match := found.take(rf"(?:每个?|每隔){span}(?:一次)?"):
        found.every = _seconds(match.groups())
    elif found.take(r"每个?(?:小时|钟头)(?:一次)?"):
        found.every = 3600


def _seconds(groups: tuple[str | None, ...]) -> int:
    """Of the groups of a span: half an hour, hours and a half or minutes, or minutes."""
    half, _, hours, and_half, _, half_after, minutes, count, unit = groups
    if half:
        return 1800
    if hours:
        return number(hours) * 3600 + (1800 if and_half or half_after else 0) + (number(minutes) * 60 if minutes else 0)
    assert count is not None
    assert unit is not None
    return max(number(count) * {"分": 60, "刻": 900, "秒": 1}[unit[0]], 1)


def _again(found: Found) -> None:
    """What comes again: days, weeks, months."""
    if match := found.take(rf"(?:每|一)[天日]{_N}[次顿遍回]"):
        found.unit, found.times_a_day = "days", number(match[1]) if number(match[1]) > 1 else 0
    found.yearly = found.take(r"每年的?") is not None
    found.rest = found.rest.replace("早晚", "早上和晚上")
    if found.take(r"隔[一1]?[天日]|每隔[一1][天日]"):
        found.rest = found.rest.replace("每 ", " ")
        found.unit, found.step = "days", 2
    elif match := found.take(rf"每隔?{_N}天"):
        found.unit, found.step = "days", _step(match[1])
    elif found.take(r"每一?[天日]|天天|日日"):
        found.unit = "days"
    elif match := re.search(rf"每个?(?:{_PART})", found.rest):
        found.unit = "days"
        found.rest = found.rest[: match.start()] + re.sub("^每个?", " ", match[0]) + found.rest[match.end() :]
    if found.take(rf"(?:每个?|{_WEEK}一到{_WEEK}?五的?)?工作日|(?:每个?)?{_WEEK}一(?:到|至){_WEEK}?五"):
        found.unit, found.weekdays = "weeks", {0, 1, 2, 3, 4}
    elif found.take(r"每个?周末|周末都"):
        found.unit, found.weekdays = "weeks", {5, 6}
    step = re.search(rf"每隔?{_N}个?{_WEEK}的?", found.rest)
    if step:
        found.unit, found.step = "weeks", 2 if step[1] in "一1" else _step(step[1])
        found.rest = found.rest[: step.start()] + "每" + found.rest[step.end() :]
    days = rf"[{_WEEKDAY}](?:(?:[、，,和跟及]|还有)*{_WEEK}?[{_WEEKDAY}](?![点个次月号天日十]))*"
    match = found.take(rf"每个?{_WEEK}的?({days})|每({_WEEK}{days})")
    if match is None and found.unit == "weeks" and found.step > 1:
        match = found.take(rf"每{_WEEK}?({days})")
    if match:
        found.unit = "weeks"
        found.weekdays |= _days("".join(group or "" for group in match.groups()))
    elif found.take(rf"每个?{_WEEK}") or (found.unit == "weeks" and found.take("每")):
        found.unit = "weeks"
    if match := found.take(rf"每隔?{_N}个月的?(?:{_N}[号日])?") or found.take(rf"每个?()月的?(?:{_N}[号日])?"):
        found.unit, found.step = "months", _step(match[1]) if match[1] else 1
        if match[2]:
            found.month_days = {number(match[2])}
            if not 0 < number(match[2]) < 32:
                raise ValueError(match[2])
    if found.unit == "days" and (match := found.take(rf"{_WEEK}({days})")):
        found.unit, found.weekdays = "weeks", _days(match[1])


def _days(text: str) -> set[int]:
    days = {6 if day in "日天" else _WEEKDAY.index(day) for day in re.findall(f"[{_WEEKDAY[:-1]}]", text)}
    return days | ({5, 6} if "末" in text else set())


def _date(found: Found, today: date) -> None:
    if found.unit:
        return
    for word, ahead in (("大后天", 3), ("后天", 2), ("明天", 1), ("明日", 1), ("今天", 0), ("今日", 0)):
        if found.take(word):
            found.day = today + timedelta(days=ahead)
            return
    for word, ahead in (("明晚", 1), ("明早", 1), ("今晚", 0), ("今早", 0), ("今夜", 0), ("后晚", 2)):
        if word in found.rest:
            found.day = today + timedelta(days=ahead)
            found.rest = found.rest.replace(word, word[1].replace("夜", "晚"), 1)
            return
    if match := found.take(rf"{_N}个?(天|周|星期|礼拜|月)(?:以后|之后|后)"):
        unit, count = match[2], number(match[1])
        found.now_time = True
        if unit == "月":
            found.day = _months_later(today, count)
        else:
            found.day = today + timedelta(days=count * (1 if unit == "天" else 7))
    elif match := found.take(r"(\d{4})[年\-](\d{1,2})[月\-](\d{1,2})[日号]?"):
        found.day = date(int(match[1]), int(match[2]), int(match[3]))
    elif match := found.take(rf"{_N}月{_N}[号日]?"):
        day = date(today.year, number(match[1]), number(match[2]))
        found.day = day if day >= today else day.replace(year=today.year + 1)
    elif match := found.take(rf"{_N}[号日](?!线|楼)"):
        day = today if number(match[1]) >= today.day else _months_later(today.replace(day=1), 1)
        found.day = day.replace(day=number(match[1]))
    elif match := found.take(rf"(下个?|这个?|本)?{_WEEK}([{_WEEKDAY[:-1]}])"):
        found.weekdays = _days(match[2])
        found.weeks_on = {"下": 1, "这": 0, "本": 0}.get((match[1] or " ")[0])


def _hours(found: Found) -> None:
    """All times of day. 一点 alone may be "a little": it is a time only where one can stand."""
    kept, end = "", 0
    for match in _TIME.finditer(found.rest):
        before, after = found.rest[: match.start()], found.rest[match.end() :]
        sure = match["part"] or match["half"] or match["quarter"] or match["minute"] or match["colon"] or match["to"]
        if match["hour"] in ("一", "1") and not sure and not (_LEAD.search(before) and _FOLLOW.search(after)):
            continue
        hour, minute = number(match["hour"]), 0
        if match["half"]:
            minute = 30
        elif match["quarter"]:
            minute = 15 * number(match["quarter"])
        elif match["minute"] or match["digits"]:
            minute = number(match["minute"] or match["digits"])
        if match["to"]:
            hour, minute = (hour - 1) or 12, 60 - number(match["less"]) * (15 if match["unit"] == "刻" else 1)
        exact = bool(match["colon"]) and match["hour"].startswith("0")
        found.hours.append(Hour(hour, minute, _PARTS.get(match["part"] or "", ""), exact))
        kept += found.rest[end : match.start()] + " "
        end = match.end()
    found.rest = kept + found.rest[end:]


def _parts(found: Found) -> None:
    words = "|".join(word for word in sorted(_PARTS, key=len, reverse=True) if len(word) > 1)
    while match := found.take(rf"(?:{words})|(?:^|(?<=[ 每，和]))[早晚](?=[ ，和早晚]|$|提醒|叫|各)|[早晚](?=各)"):
        found.parts.append(_PARTS[match[0]])
    if not found.hours and found.parts in (["noon"], ["midnight"]):
        found.hours, found.parts = [Hour(12, 0, found.parts[0])], []


def _step(text: str) -> int:
    return min(max(number(text), 1), 365)


def _months_later(day: date, count: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    raise ValueError(count)
