"""Mandarin for a synthesiser: numbers and signs in characters, characters in pinyin with tone numbers.

espeak-ng 1.51 reads Han characters with its voice `cmn` as English letters and numbers; with the voice
`cmn-latn-pinyin` and pinyin it reads them right. pypinyin and cn2an are loaded at the first sentence.
"""

from __future__ import annotations

import re

_UNITS = {  # after a number
    "kg": "公斤",
    "g": "克",
    "mg": "毫克",
    "km": "公里",
    "m": "米",
    "cm": "厘米",
    "mm": "毫米",
    "l": "升",
    "L": "升",
    "ml": "毫升",
    "h": "小时",
    "min": "分钟",
    "s": "秒",
    "ms": "毫秒",
    "°C": "摄氏度",
    "℃": "摄氏度",
    "°F": "华氏度",
    "°": "度",
    "$": "美元",
    "€": "欧元",
    "£": "英镑",
    "¥": "元",
    "￥": "元",
}
_NUMBER = r"\d+(?:\.\d+)?"
_UNIT = re.compile(
    rf"({_NUMBER})\s?(" + "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True)) + r")(?![A-Za-z/])"
)
_MONEY = re.compile(rf"([$€£¥￥])\s?({_NUMBER})")
_SPEED = re.compile(rf"({_NUMBER})\s?km/h\b")
_DATE = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")
_TIME = re.compile(r"(?<!\d)(\d{1,2}):(\d{2})(?!\d)")
_PHONE = re.compile(r"(?<![\d.])(?:\+\d{1,3}[ -]?)?(?:\d{8,}|\d{3,4}[ -]\d{7,8}|\d{3}[ -]\d{4}[ -]\d{4})(?![\d.])")
_YEAR = re.compile(r"(?<!\d)\d{4}(?=\s?年)")
_PAIR = re.compile(r"(?<![\d./第])2(?=\s?[个份杯瓶盒斤只双条张件台本袋包块碗盘位次点天周年公升元美欧米小分秒克箱罐])")
_PLAIN = re.compile(_NUMBER)
_DIGITS = dict(zip("0123456789", "零一二三四五六七八九", strict=True))
_ON_THE_PHONE = _DIGITS | {"1": "幺"}
_MARKS = str.maketrans("，。！？；：、（）“”《》…:", ",.!?;,,,,  ,,.,")


def units(text: str) -> str:
    """The text with units, money, times and dates in characters; digits stay. Other Latin words are left alone."""
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    text = _DATE.sub(lambda found: f"{found[1]}年{int(found[2])}月{int(found[3])}日", text)
    text = _TIME.sub(_time, text)
    text = _SPEED.sub(r"每小时\1公里", text)
    text = _MONEY.sub(lambda found: found[2] + _UNITS[found[1]], text)
    return _UNIT.sub(lambda found: found[1] + _UNITS[found[2]], text)


def normalise(text: str) -> str:
    """The text with every number in characters ("3个" becomes "三个", "2点" "两点"; long numbers digit by digit)."""
    text = units(text)
    text = _PHONE.sub(_phone, text)
    text = _YEAR.sub(lambda found: "".join(_DIGITS[digit] for digit in found[0]), text)
    text = re.sub(rf"({_NUMBER})\s?[%％]", r"百分之\1", text)
    text = _PAIR.sub("两", text)
    text = re.sub(r"(?<![\d.])(\d+)/(\d+)(?![\d.])", r"\2分之\1", text)
    text = re.sub(r"(?<=[\d点分元日])(?:[-–~～—]| [-–~～—] )(?=\d)", "到", text)
    text = re.sub(r"[-−](?=\d)", "负", text)
    return _PLAIN.sub(_number, text)


def pinyin(text: str) -> str:
    """Syllables with tone numbers (5: the neutral tone), spaces and ASCII punctuation: "wo3 wan3 dian3 dao4."."""
    from pypinyin import Style, lazy_pinyin

    syllables = lazy_pinyin(
        text.translate(_MARKS),
        style=Style.TONE3,
        neutral_tone_with_five=True,
        tone_sandhi=True,
        v_to_u=True,
        errors=lambda unknown: re.sub(r"[^,.!?;]+", " ", unknown),
    )
    spoken = " ".join("en2" if syllable in ("n2", "ng2") else syllable for syllable in syllables)  # 嗯
    return re.sub(r"\s+([,.!?;])", r"\1", re.sub(r"\s+", " ", spoken)).strip()


def _time(found: re.Match[str]) -> str:
    hour, minute = int(found[1]), found[2]
    if minute == "00":
        return f"{hour}点"
    return f"{hour}点零{minute[1]}分" if minute[0] == "0" else f"{hour}点{minute}分"


def _phone(found: re.Match[str]) -> str:
    return "".join(_ON_THE_PHONE.get(char, "") for char in found[0])


def _number(found: re.Match[str]) -> str:
    import cn2an

    if found[0][0] == "0" and found[0].isdigit():  # "007" is no seven
        return "".join(_DIGITS[digit] for digit in found[0])
    return str(cn2an.an2cn(found[0], "low"))
