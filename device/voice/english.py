"""What espeak-ng misreads in English, written as it is spoken: units, money, dates, addresses, telephone numbers."""

from __future__ import annotations

import re

_UNITS = {  # after a number
    "kg": ("kilogram", "kilograms"),
    "g": ("gram", "grams"),
    "mg": ("milligram", "milligrams"),
    "km/h": ("kilometer per hour", "kilometers per hour"),
    "mph": ("mile per hour", "miles per hour"),
    "km": ("kilometer", "kilometers"),
    "m": ("meter", "meters"),
    "cm": ("centimeter", "centimeters"),
    "mm": ("millimeter", "millimeters"),
    "l": ("liter", "liters"),
    "L": ("liter", "liters"),
    "ml": ("milliliter", "milliliters"),
    "lb": ("pound", "pounds"),
    "lbs": ("pound", "pounds"),
    "oz": ("ounce", "ounces"),
    "h": ("hour", "hours"),
    "min": ("minute", "minutes"),
    "s": ("second", "seconds"),
    "ms": ("millisecond", "milliseconds"),
    "°C": ("degree Celsius", "degrees Celsius"),
    "℃": ("degree Celsius", "degrees Celsius"),
    "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
    "°": ("degree", "degrees"),
}
_MONEY = {
    "$": ("dollar", "dollars"),
    "£": ("pound", "pounds"),
    "€": ("euro", "euros"),
    "¥": ("yuan", "yuan"),
    "￥": ("yuan", "yuan"),
}
_MONTHS = ["January", "February", "March", "April", "May", "June", "July"]
_MONTHS += ["August", "September", "October", "November", "December"]
_FRACTIONS = {"1/2": "one half", "1/3": "one third", "2/3": "two thirds", "1/4": "one quarter", "3/4": "three quarters"}
_FRACTIONS |= {"½": "one half", "⅓": "one third", "⅔": "two thirds", "¼": "one quarter", "¾": "three quarters"}

_EMAIL = re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_URL = re.compile(r"\bhttps?://(\S+?)(?=[.,!?;]?(?:\s|$))")
_DATE = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_PHONE = re.compile(
    r"(?<![\w.,])(?:\+\d[\d ()-]{6,}\d|0\d(?:[ -]?\d){5,}|\d{3}[ -]\d{3}[ -]\d{4}|\d{9,})(?![\w]|[.,]\d)"
)
_PRICE = re.compile(r"([$£€¥￥])\s?(\d[\d,]*)(?:\.(\d{2}))?(?![\d.])|(\d[\d,]*)(?:\.(\d{2}))?\s?([$£€¥￥])")
_UNIT = re.compile(
    r"(\d[\d,]*(?:\.\d+)?)\s?(" + "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True)) + r")(?![\w/])"
)
_FRACTION = re.compile(r"(?<![\d/])(\d/\d|[½⅓⅔¼¾])(?![\d/])")


def normalise(text: str) -> str:
    """The text with every number and sign that is misread spelt out; what is read well stays (12,500; 3:30 pm; 10%)."""
    text = _EMAIL.sub(_email, text)
    text = _URL.sub(lambda found: found[1].replace("/", " slash "), text)
    text = _DATE.sub(_date, text)
    text = _PHONE.sub(_phone, text)
    text = _PRICE.sub(_price, text)
    text = re.sub(r"(\d)\s*[-–]\s*(?=\d)", r"\1 to ", text)
    text = re.sub(r"(?<![\w.])[-−](?=\d)", "minus ", text)
    text = _UNIT.sub(_unit, text)
    text = _FRACTION.sub(lambda found: _FRACTIONS.get(found[1], found[1].replace("/", " over ")), text)
    text = re.sub(r"(?<=\d)[½⅓⅔¼¾]", lambda found: f" and {_FRACTIONS[found[0]]}", text)
    text = re.sub(r"#(?=\d)", "number ", text)
    return re.sub(r"[_#\s]+", " ", text)


def _email(found: re.Match[str]) -> str:
    return found[0].replace("_", " underscore ").replace("-", " dash ").replace("+", " plus ").replace("@", " at ")


def _date(found: re.Match[str]) -> str:
    year, month, day = (int(part) for part in found.groups())
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return found[0]
    return f"{_MONTHS[month - 1]} {day}, {year}"


def _phone(found: re.Match[str]) -> str:
    groups = re.split(r"[ ()-]+", found[0].replace("+", ""))
    spoken = ", ".join(" ".join(group) for group in groups if group)
    return f"plus {spoken}" if found[0].startswith("+") else spoken


def _price(found: re.Match[str]) -> str:
    sign, whole, cents = found[1] or found[6], found[2] or found[4], found[3] or found[5]
    amount = f"{whole} {_MONEY[sign][whole != '1']}"
    return f"{amount} {int(cents)}" if cents and int(cents) else amount


def _unit(found: re.Match[str]) -> str:
    return f"{found[1]} {_UNITS[found[2]][found[1] != '1']}"
