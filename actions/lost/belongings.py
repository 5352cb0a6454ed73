"""What a report of a lost or found thing says: the kind of thing, its colours, its place; how alike two reports are.

    traits = read_traits("grey rucksack at the station")    # backpack, {"grey"}, "at the station"
    likeness(traits, read_traits("火车站的灰色书包"))          # 0.9: from `ALIKE` on it may be the same thing

Kinds and places are known from `data/belongings`, in both languages. A colour or a kind that contradicts is no match,
however alike the words. Knows nothing of who reports and what is kept.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import msgspec

from actions.matching import Entry, Matcher, stem
from actions.wording import one_line, say

FOLDER = Path(__file__).resolve().parent / "data"
LONGEST = 200  # characters of a report that are looked at
ALIKE = 0.53  # likeness from which two reports may be about one thing (tests/data/lost_pairs.tsv, docs)
# Cosines of two pictures, measured on 420 photos of 115 kinds, each with a second view made of it (turned, cropped,
# darker): 99 % of second views are above SAME_PICTURE and 0.03 % of other kinds; 74 % of other things of the same kind
# are above ALIKE_PICTURE and 0.4 % of other kinds; 1 % of the same kind are below UNLIKE_PICTURE.
SAME_PICTURE, ALIKE_PICTURE, UNLIKE_PICTURE = 0.75, 0.5, 0.17
SAME_MEANING = 0.7  # cosine of two texts from which things of an unknown kind may be one

_SAME_KIND, _WIDER_KIND, _WORDS = 0.65, 0.58, 0.7
_COLOUR, _PLACE, _DETAIL, _PICTURE = 0.12, 0.08, 0.1, 0.2
_HAN = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"[^\W_\u3400-\u9fff]+(?:['-][^\W_\u3400-\u9fff]+)*|[\u3400-\u9fff]")

# colour: its words in English; in Chinese; the colours it may be taken for
_COLOURS: dict[str, tuple[str, str, str]] = {
    "black": ("black|jet black", "黑色?(?!板)", "navy"),
    "white": ("white(?! ?board)|off-white", "[米乳]?白色?(?!板)", "beige silver"),
    "grey": ("gr[ea]y|charcoal|anthracite", "[深浅]?灰色?(?!尘)", "silver"),
    "silver": ("silvery?", "银色?(?!行)", "grey white"),
    "red": ("red|scarlet|maroon|burgundy|crimson", "[酒大]?红色?(?!包|酒)|枣红", "pink"),
    "pink": ("pink|rose(?! gold)|salmon", "粉红?色?(?!底|饼|笔)|玫红", "red purple"),
    "orange": ("orange|apricot", "[橙橘]色?(?!子|汁)", "brown yellow"),
    "yellow": ("yellow|mustard", "黄色?(?!金|瓜|油)", "gold orange beige"),
    "gold": ("gold|golden(?! retriever)|rose gold", "(?:黄|玫瑰)?金色?(?!属|融|鱼|毛)", "yellow"),
    "green": ("green(?! card)|olive|khaki|mint", "[墨军翠]?绿色?(?!卡)|橄榄色", "turquoise"),
    "turquoise": ("turquoise|teal|cyan", "青色|青绿|湖蓝", "green blue"),
    "blue": ("blue|azure", "[深浅天]?蓝色?(?!牙)", "navy turquoise"),
    "navy": ("navy(?: blue)?|dark blue", "藏青色?|深蓝色?|藏蓝色?", "blue black"),
    "purple": ("purple|violet|lilac|lavender", "紫色?", "pink"),
    "brown": ("brown|tan|chestnut|cognac|camel", "[棕褐]色?|咖啡色|驼色", "beige orange"),
    "beige": ("beige|cream|ivory|sand-coloured", "米黄?色|杏色|卡其色?", "white brown yellow"),
    "colourful": ("colou?rful|rainbow|multi-?colou?red", "彩色|花色|五颜六色", "*"),
}  # fmt: skip
_CHINESE = {
    "black": "黑色", "white": "白色", "grey": "灰色", "silver": "银色", "red": "红色", "pink": "粉色", "orange": "橙色",
    "yellow": "黄色", "gold": "金色", "green": "绿色", "turquoise": "青色", "blue": "蓝色", "navy": "藏青色",
    "purple": "紫色", "brown": "棕色", "beige": "米色", "colourful": "彩色",
}  # fmt: skip
_COLOUR_EN = {name: re.compile(rf"\b(?:{en})\b") for name, (en, _, _) in _COLOURS.items()}
_COLOUR_ZH = {name: re.compile(zh) for name, (_, zh, _) in _COLOURS.items()}

_AT = "at|near|behind|outside|beside|next to|in front of|opposite|close to"  # what follows is a place
_ON = "in|on|by|under|inside|from|along"  # what follows may be one
_PLACE_EN = re.compile(rf"\b(?:{_AT}|{_ON})\b")
_STOP_EN = re.compile(rf"[,.;!?]|\b(?:and|yesterday|today|last|this|so|but|{_AT}|{_ON})\b")
_ASIDE_EN = re.compile(
    r"\b(?:with|in|on|inside|(?<!bunch )(?<!pair )(?<!set )of|for|that|which|and|containing|made|without)\b|,"
)
_OTHER_HEAD = re.compile(  # behind a name: a noun that makes another thing of it, no number, measure word or clause
    r"\s+[a-z'-]{3,}|(?![一二两三四五六七八九十几]?[个只把部台条件双副本张串顶块]|[里上在和跟带有的了是掉丢不]|还有)[\u3400-\u9fff]"
)
_VERB_ZH = re.compile(r"(?:被|我)?(?:捡|拾|丢|落|忘|掉|遗|找|发现|看|弄|放|捡到|拾到)(?:到|失|了|下|掉|见|在)*$")
_LOCATIVE = re.compile(r"(?:里面|里边|里|上面|上|边上|旁边|旁|边|附近|门口|下面|下|外面|外|内|中|前|后面|后)+$")
_LEADING_ZH = re.compile(r"^(?:我|是|昨天|今天|刚才|刚刚|把|[落丢忘掉放遗]*在)+")
_TRAILING_ZH = re.compile(r"^(?P<thing>.+?)[，,、 ]*(?:[落丢忘掉放]|遗失|遗落)?在(?P<place>[^，,。]{1,20}?)了?$")
_IN_ZH = re.compile(r"在(?P<place>[^，,。捡拾丢落忘掉遗找发看弄放把了]{1,16})")
_SMALL_WORDS = "a an the my your his her our their this that these some old new one"
_SMALL = frozenset(stem(word) for word in _SMALL_WORDS.split())


class _Names(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    en: tuple[str, ...]
    zh: tuple[str, ...]
    general: str = ""  # the wider kind


@dataclass(frozen=True)
class Traits:
    """What the words of a report say."""

    thing: str  # the words without the place
    place: str = ""  # as it was said: "at the station", "地铁上"
    kind: str = ""  # a name in kinds.toml; empty: not known
    colours: frozenset[str] = frozenset()
    where: str = ""  # a name in places.toml; empty: not known
    details: frozenset[str] = frozenset()  # stems and characters that are neither colour nor kind

    def thing_in(self, lang: str) -> str:
        """The thing as it is called in a language: its own words, or colour and kind when they are of the other one."""
        if not self.kind or bool(_HAN.search(self.thing)) == (lang == "zh"):
            return self.thing
        colours = [say(lang, name, _CHINESE[name]) for name in sorted(self.colours)]
        names = _table("kinds")[self.kind]
        return say(lang, " ".join([*colours, names.en[0]]), "".join([*colours, names.zh[0]]))

    def place_in(self, lang: str) -> str:
        """ "at the station" or "在地铁上"; empty where none is known in that language."""
        if not self.place:
            return ""
        if bool(_HAN.search(self.place)) == (lang == "zh"):
            return say(lang, self.place, f"在{self.place}")
        if not self.where:
            return ""
        names = _table("places")[self.where]
        return say(lang, f"at the {names.en[0]}", f"在{names.zh[0]}")


@lru_cache(2048)
def read_traits(item: str, text: str = "") -> Traits:
    """item: the argument of the call; text: all that was said, which may have the place where the item has none."""
    item = _folded(item)
    thing, place = _split(item)
    if not place and text:
        place = _place_in_text(_folded(text))
    bare, colours = _without_colours(thing)
    kind, span = _find(bare, "kinds")
    rest = bare[: span[0]] + " " + bare[span[1] :]
    details = frozenset(stem(word) for word in _WORD.findall(rest)) - _SMALL - {"的"}
    return Traits(thing or item, place, kind, colours, _find(place, "places")[0], details)


def likeness(a: Traits, b: Traits, meaning: float | None = None, picture: float | None = None) -> float:
    """How likely two reports are about one thing, 0 to 1.

    meaning: cosine of the vectors of both things; picture: of both pictures; None where there is none.
    """
    colours = _colours(a, b)
    if colours < 0:
        return 0.0
    looks_same = picture is not None and picture >= SAME_PICTURE  # whatever the words call it
    known = bool(a.kind and b.kind)
    if known and _kinds_agree(a, b):
        score = _SAME_KIND if a.kind == b.kind else _WIDER_KIND
        if a.details and b.details:
            score += _DETAIL * len(a.details & b.details) / min(len(a.details), len(b.details))
    else:
        score = 0.0 if known else max(_WORDS * _spelled(a.thing, b.thing), _meant(meaning))
        score = max(score, ALIKE) if looks_same else score
        if score == 0.0:
            return score
    score += _COLOUR * colours
    if a.where and b.where:
        score += _PLACE if a.where == b.where else -_PLACE / 2
    if picture is not None:
        alike = (picture - ALIKE_PICTURE) / (SAME_PICTURE - ALIKE_PICTURE)
        score += _PICTURE * min(max(alike, 0.0), 1.0) - (_PICTURE if picture < UNLIKE_PICTURE else 0.0)
    return min(max(score, 0.0), 1.0)


def _meant(cosine: float | None) -> float:
    """A cosine of `SAME_MEANING` is just alike."""
    return 0.0 if cosine is None else max(cosine, 0.0) * ALIKE / SAME_MEANING


def _spelled(a: str, b: str) -> float:
    """How alike two names are as words, 0 to 1, whichever is asked for the other."""
    found = [match for x, y in ((a, b), (b, a)) for match in _matcher(x).best(y, "en", 1)]
    return max((match.score for match in found), default=0.0)


@lru_cache(1024)
def _matcher(name: str) -> Matcher[str]:
    return Matcher([Entry(name, {"en": (name,)})])


def _kinds_agree(a: Traits, b: Traits) -> bool:
    kinds = _table("kinds")
    return a.kind in (b.kind, kinds[b.kind].general) or b.kind == kinds[a.kind].general


def _colours(a: Traits, b: Traits) -> float:
    """1: they agree, 0.5: one may be taken for the other, 0: not known, -1: they contradict."""
    if not (a.colours and b.colours):
        return 0.0
    if a.colours & b.colours:
        return 1.0
    near = any(
        other in _COLOURS[one][2].split() or "*" in _COLOURS[one][2] + _COLOURS[other][2]
        for one in a.colours
        for other in b.colours
    )
    return 0.5 if near else -1.0


def _without_colours(text: str) -> tuple[str, frozenset[str]]:
    """The text without its words for colours, and the colours. The longest word counts: navy blue is navy."""
    spans = sorted(
        (match.start(), -match.end(), name)
        for name in _COLOURS
        for match in (*_COLOUR_EN[name].finditer(text), *_COLOUR_ZH[name].finditer(text))
    )
    colours, end, bare = set(), 0, ""
    for start, minus_end, name in spans:
        if start >= end:
            colours.add(name)
            bare, end = bare + text[end:start] + " ", -minus_end
    return bare + text[end:], frozenset(colours)


def _split(item: str) -> tuple[str, str]:
    """The thing and its place: "grey backpack at the station", "火车站的灰色书包", "雨伞落在出租车上了"."""
    return _split_zh(item) if _HAN.search(item) else _split_en(item)


def _split_en(item: str) -> tuple[str, str]:
    matches = list(_PLACE_EN.finditer(item))
    for number, match in enumerate(matches):
        end = matches[number + 1].start() if number + 1 < len(matches) else len(item)
        after = item[match.end() : end].strip(" ,")
        if match.start() and after and (re.fullmatch(_AT, match[0]) or _find(after, "places")[0]):
            return item[: match.start()].strip(" ,"), item[match.start() :].strip(" ,")
    return item, ""


def _split_zh(item: str) -> tuple[str, str]:
    for match in re.finditer("的", item):
        place = _place_zh(_VERB_ZH.sub("", item[: match.start()]))
        if place and item[match.end() :].strip():
            return item[match.end() :].strip(), place
    if found := _TRAILING_ZH.match(item):
        return found["thing"].strip(), found["place"]
    return item, ""


def _place_zh(text: str) -> str:
    """The place that a text is and nothing else, else empty."""
    place = _LEADING_ZH.sub("", text.strip(" ，,"))
    name = _LOCATIVE.sub("", place) or place
    kind, (_, end) = _find(name, "places")
    return place if kind and end == len(name) else ""


def _place_in_text(text: str) -> str:
    """The place in all that was said, where it is one that is known."""
    if _HAN.search(text):
        places = [match["place"].strip() for match in _IN_ZH.finditer(text)]
        return next((place for place in places if _find(place, "places")[0]), "")
    places = [
        text[match.start() : match.end()] + _STOP_EN.split(text[match.end() :])[0].rstrip()
        for match in _PLACE_EN.finditer(text)
    ]
    return next((place for place in places if _find(place, "places")[0]), "")


def _find(text: str, table: str) -> tuple[str, tuple[int, int]]:
    """The kind that a text names and where its name stands: the last in the part that says what it is ("laptop bag with
    a strap" is a bag), the longest of those that end together. A thing is what its last noun says: a cat carrier is no
    cat."""
    head = text
    if not _HAN.search(text) and (aside := _ASIDE_EN.search(text)) and aside.start():
        head = text[: aside.start()]
    found = ((match, name) for pattern, name in _patterns(table) for match in pattern.finditer(head))
    best = max(((match.end(), len(match[0]), name) for match, name in found), default=None)
    if best is None or (table == "kinds" and _OTHER_HEAD.match(head[best[0] :])):
        return "", (0, 0)
    return best[2], (best[0] - best[1], best[0])


@cache
def _patterns(table: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    found = []
    for name, names in _table(table).items():
        found += [(re.compile(re.escape(alias)), name) for alias in names.zh]
        found += [(re.compile(rf"(?<![\w-]){re.escape(alias)}(?:e?s)?(?![\w-])"), name) for alias in names.en]
    return tuple(found)


@cache
def _table(name: str) -> dict[str, _Names]:
    tables = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    return msgspec.convert(tables, dict[str, _Names])


def _folded(text: str) -> str:
    folded = unicodedata.normalize("NFKC", one_line(text[: 2 * LONGEST])).casefold().replace("’", "'")
    return folded[:LONGEST].strip(" .。,，!！?？")
