"""From an item as it is said to quantity, unit and name: "half a dozen eggs", "2 liters of milk", 一斤半苹果, 牛奶两盒.

What only looks like an amount ("9 volt battery", "two percent milk", 六瓶装可乐) stays in the name: a name too long
finds the thing still, a wrong amount buys too much. Knows words of amounts in two languages; knows no shop.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

EACH = "each"  # the unit of what is counted
LONGEST = 200  # characters of an item that are looked at
_HAN = re.compile(r"[\u3400-\u9fff]")


def _words(*lines: str) -> tuple[str, ...]:
    return tuple(" ".join(lines).split())


_MEASURES = _words(
    "gram kilogram ounce pound jin liang milliliter liter fluid_ounce pint quart gallon cup tablespoon teaspoon"
)


@dataclass(frozen=True)
class Amount:
    """What was said of one item."""

    name: str  # without the amount: "eggs", 苹果
    quantity: float | None = None  # None: no amount was said, or none that is a number
    unit: str = EACH  # `EACH`, or a value of `ENGLISH` or `CHINESE`: "liter", "bottle", "dozen", "jin" (500 g) ...
    said_unit: str = ""  # the unit in the words it was said in, "liters", 斤, 个; empty for an English count

    @property
    def measured(self) -> bool:
        """Whether it is weighed or poured, not counted."""
        return self.unit in _MEASURES

    def written(self, quantity: float) -> str:
        """So much of the same: "5 liters of milk", "5 lemons", 5盒牛奶."""
        if _HAN.search(self.name + self.said_unit):
            return f"{quantity:g}{self.said_unit}{self.name}"
        unit = _PLURALS.get(self.said_unit.casefold(), self.said_unit) if quantity > 1 else self.said_unit
        of = "" if self.unit == "dozen" else " of"
        by = "x " if self.name[:1].isdigit() else ""
        return f"{quantity:g} {f'{unit}{of} ' if unit else by}{self.name}"


def amount_of(said: str) -> Amount:
    """The amount in an item of a list; without one, `name` is all that was said. Never fails."""
    apart = re.sub(r"(?<=\d)(?=[¼½¾⅓⅔])", " ", said[:LONGEST])
    text = " ".join(unicodedata.normalize("NFKC", apart).replace("⁄", "/").split())
    found = _chinese(text) if _HAN.search(text) else _english(text)
    return found or Amount(said.strip())


# --- English ---

_UNITS = {  # a unit: its words, singular and plural in turn; and short forms, which have no plural
    "gram": ("gram grams gramme grammes", "g"),
    "kilogram": ("kilogram kilograms kilo kilos", "kg kgs"),
    "ounce": ("ounce ounces", "oz"),
    "pound": ("pound pounds", "lb lbs"),
    "milliliter": ("milliliter milliliters millilitre millilitres", "ml"),
    "liter": ("liter liters litre litres", "l"),
    "fluid_ounce": ("fluid_ounce fluid_ounces", "fl_oz"),
    "pint": ("pint pints", "pt"),
    "quart": ("quart quarts", "qt"),
    "gallon": ("gallon gallons", "gal"),
    "cup": ("cup cups", ""),
    "tablespoon": ("tablespoon tablespoons", "tbsp"),
    "teaspoon": ("teaspoon teaspoons", "tsp"),
    "dozen": ("", "dozen"),
    "bag": ("bag bags sack sacks", ""),
    "bottle": ("bottle bottles", ""),
    "box": ("box boxes", ""),
    "bunch": ("bunch bunches", ""),
    "can": ("can cans tin tins", ""),
    "carton": ("carton cartons", ""),
    "case": ("case cases crate crates", ""),
    "head": ("head heads", ""),
    "jar": ("jar jars", ""),
    "loaf": ("loaf loaves", ""),
    "pack": ("pack packs package packages packet packets", ""),
    "pair": ("pair pairs", ""),
    "piece": ("piece pieces", ""),
    "roll": ("roll rolls", ""),
    "serving": ("serving servings portion portions order orders", ""),
    "set": ("set sets", ""),
    "slice": ("slice slices", ""),
    "stick": ("stick sticks", ""),
    "tray": ("tray trays", ""),
    "tub": ("tub tubs", ""),
    "tube": ("tube tubes", ""),
}
_SHORT = frozenset(word for _, short in _UNITS.values() for word in short.split())
_PLURALS = {
    one: many for words, _ in _UNITS.values() for one, many in zip(words.split()[::2], words.split()[1::2], strict=True)
}
ENGLISH: Mapping[str, str] = {  # all words of units
    word: unit for unit, (words, short) in _UNITS.items() for word in f"{words} {short}".split()
}
_ONES = _words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen",
    "eighteen nineteen",
)
_TENS = {word: 10.0 * n for n, word in enumerate(_words("twenty thirty forty fifty sixty seventy eighty ninety"), 2)}
_ATTRIBUTES = _words(  # after a number they say what a thing is like, not how many
    "by in x k d point percent up way ply person man seater seat star stars speed gauge volt volts v watt watts w amp",
    "amps gig gigs gigabyte gb tb terabyte mb megapixel mp mah mm millimeter millimeters cm centimeter centimeters",
    "inch inches foot feet ft meter meters metre metres yard yards degree degrees day hour minute month week year",
    "layer piece pack count bit pin port door drawer step tier ring hole musketeers",
)
_MOST = 100  # of what is only counted: more ("501 jeans", "2027 calendar") is a name
_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?|\d+/[1-9]\d*")
_GLUED = re.compile(r"(\d+(?:[.,]\d+)?)-?(g|kg|ml|l|oz|lbs?|x)", re.IGNORECASE)


def _english(text: str) -> Amount | None:
    words = re.sub(r"\b(fl|fluid)\.? (oz|ounces?)\b", r"\1_\2", text, flags=re.IGNORECASE).split()
    if words and (glued := _GLUED.fullmatch(words[0])):
        words[:1] = glued.groups()
    quantity, words = _counted(words)
    if quantity is None or not words:
        return None
    first, rest = words[0].casefold().rstrip("."), words[1:]
    unit = ENGLISH.get(first, "")
    of = bool(rest) and rest[0].casefold() == "of"
    if first == "x" and rest and not rest[0][0].isdigit():  # "2 x milk"
        return _kept(Amount(" ".join(rest), quantity))
    packed = quantity > 1 and unit not in _MEASURES and first in _PLURALS  # "six pack of beer"
    if unit and rest and ((of and not packed) or _is_unit(first, unit, quantity, rest)):
        return _kept(Amount(" ".join(rest[1:] if of else rest), quantity, unit, words[0].replace("_", " ")))
    if unit in _MEASURES or (unit and rest and quantity != 1) or first in _ATTRIBUTES or quantity > _MOST:
        return None  # "2 liter bottle", "six pack of beer"
    if quantity != int(quantity):
        return None
    return _kept(Amount(" ".join(rest if first == "of" else words), quantity))


def _kept(amount: Amount) -> Amount | None:
    return amount if amount.name and amount.quantity and amount.quantity > 0 else None


def _is_unit(word: str, unit: str, quantity: float, rest: list[str]) -> bool:
    """Whether a unit without "of" behind it measures what follows: "two liters milk", not "2 liter bottle" or
    "a pound cake"."""
    if unit == "dozen":
        return True
    if rest[0].casefold() in ENGLISH:
        return False
    if word in _SHORT:
        return True
    return word not in _PLURALS if quantity > 1 else quantity < 1 and unit in _MEASURES


def _counted(words: list[str]) -> tuple[float | None, list[str]]:
    """The number that the words begin with, and the words behind it."""
    low = [word.casefold() for word in words]
    if low[:1] in (["a"], ["an"]):
        if low[1:2] == ["couple"]:
            return 2.0, words[3 if low[2:3] == ["of"] else 2 :]
        if low[1:2] == ["half"]:
            low, words = low[1:], words[1:]
        elif low[1:2] and (low[1] in ENGLISH or low[1] == "hundred"):
            low, words = ["one", *low[1:]], ["one", *words[1:]]
        else:
            return None, words
    if low[:1] == ["half"]:
        skipped = 2 if low[1:2] in (["a"], ["an"]) else 1
        return (0.5, words[skipped:]) if low[skipped : skipped + 1] and low[skipped] in ENGLISH else (None, words)
    number, used = _number(low)
    if number is None:
        return None, words
    if low[used : used + 3] in (["and", "a", "half"], ["and", "a", "quarter"]):
        number, used = number + (0.5 if low[used + 2] == "half" else 0.25), used + 3
    elif low[used : used + 1] and re.fullmatch(r"\d/[1-9]", low[used]):
        number, used = number + float(Fraction(low[used])), used + 1
    return number, words[used:]


def _number(low: list[str]) -> tuple[float | None, int]:
    """The number that the words begin with, and how many words it takes."""
    if not low:
        return None, 0
    if _NUMBER.fullmatch(low[0]):
        if "/" in low[0]:
            return float(Fraction(low[0])), 1
        plain = low[0].replace(",", "") if re.search(r",\d{3}(?:\D|$)", low[0]) else low[0].replace(",", ".")
        return float(plain), 1
    if low[0] in _ONES:
        number, used = float(_ONES.index(low[0])), 1
    else:
        tens, _, ones = low[0].partition("-")
        if tens not in _TENS or (ones and ones not in _ONES[1:10]):
            return None, 0
        number, used = _TENS[tens] + (_ONES.index(ones) if ones else 0), 1
        if not ones and low[1:2] and low[1] in _ONES[1:10]:
            number, used = number + _ONES.index(low[1]), 2
    if low[used : used + 1] == ["hundred"]:
        number, used = number * 100, used + 1
    if low[used : used + 1] == ["point"] and low[used + 1 : used + 2] and low[used + 1] in _ONES[:10]:
        number, used = number + _ONES.index(low[used + 1]) / 10, used + 2
    return number, used


# --- Chinese ---

_SIMPLE = str.maketrans("兩個隻條顆張塊雙對盤裝籃罐聽盒雞", "两个只条颗张块双对盘装篮罐听盒鸡")
CHINESE: Mapping[str, str] = {  # measure words; the longest that fits is taken
    "毫升": "milliliter",
    "千克": "kilogram",
    "公斤": "kilogram",
    "加仑": "gallon",
    "升": "liter",
    "克": "gram",
    "磅": "pound",
    "斤": "jin",
    "两": "liang",
    "打": "dozen",
    "瓶": "bottle",
    "盒": "box",
    "袋": "bag",
    "包": "pack",
    "罐": "can",
    "听": "can",
    "箱": "case",
    "桶": "tub",
    "把": "bunch",
    "束": "bunch",
    "棵": "head",
    "杯": "serving",
    "碗": "serving",
    "盘": "serving",
    "份": "serving",
    "双": "pair",
    "对": "pair",
    "副": "pair",
    "套": "set",
    "卷": "roll",
    "片": "slice",
    "支": "tube",
    "管": "tube",
    "提": "pack",
    **dict.fromkeys("个只条根颗粒块张枚头尾件台本部辆顶枝朵串瓣节扇", EACH),
}
_UNIT = "|".join(sorted(CHINESE, key=len, reverse=True))
_DIGIT = "一二三四五六七八九"
_PLACES = {"百": 100, "十": 10}
_CN = rf"(?:[{_DIGIT}两]百(?:零?[{_DIGIT}]?十?[{_DIGIT}]?)|[{_DIGIT}]?十[{_DIGIT}]?|[{_DIGIT}两半])"
_COUNT = rf"(?P<number>\d+(?:\.\d+)?|{_CN}) ?(?P<unit>{_UNIT})(?P<half>半?)"
_FRONT = re.compile(rf"{_COUNT}(?:的 ?)?(?P<name>.+)")
_BEHIND = re.compile(rf"(?P<name>.*[^\d.{_DIGIT}两十百半几多]) ?{_COUNT}")
_NOT_BEHIND = re.compile(rf"[装套性]|{_UNIT}")  # 六瓶装可乐, 四件套; 一两个 is "one or two"
_NAMES = re.compile("三只松鼠|六个核桃|三杯鸡|一条根|三顿半|两包茶")  # brands and dishes


def _chinese(text: str) -> Amount | None:
    joined = re.sub(r"(?<=[\u3400-\u9fff\d]) (?=[\u3400-\u9fff])", "", text)  # recognisers put spaces there
    plain = joined.translate(_SIMPLE)
    if _NAMES.match(plain):
        return None
    found = _FRONT.fullmatch(plain)
    if found is None or _NOT_BEHIND.match(found["name"]):
        found = _BEHIND.fullmatch(plain)
    if found is None or (found["name"][-1].isascii() and found["name"][-1].isalnum() and found.re is _BEHIND):
        return None
    name = joined[found.start("name") : found.end("name")].strip()
    quantity = _chinese_number(found["number"]) + (0.5 if found["half"] else 0)
    return _kept(Amount(name, quantity, CHINESE[found["unit"]], found["unit"]))


def _chinese_number(text: str) -> float:
    """Of digits, or of what `_CN` takes: up to 999. (cn2an takes half a second to load, on a PC.)"""
    if text[0].isdigit():
        return float(text)
    if text == "半":
        return 0.5
    total, number = 0, 0
    for character in text.replace("零", ""):
        if character in _PLACES:
            total, number = total + (number or 1) * _PLACES[character], 0
        else:
            number = 2 if character == "两" else _DIGIT.index(character) + 1
    return total + number * (10 if text[-2:-1] == "百" else 1)  # 一百二 is 120
