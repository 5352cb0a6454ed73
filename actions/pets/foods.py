"""What an animal may eat: the verdict for what a request names, and nothing where it is not wholly understood.

A yes is given only for a food that is known by itself: in "apple pie" or "苹果派" the words around "apple" make another
thing of it, which is unknown. A danger is seen in any company.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from rapidfuzz import fuzz, process

from actions.pets.animals import Animal, Names, names_of, species_of
from actions.pets.tables import Food, FoodTable, read_table, read_words

ALL = "all"
NEVER, AVOID, UNKNOWN, LITTLE, YES = "never", "avoid", "unknown", "little", "yes"
_RANK = (NEVER, AVOID, UNKNOWN, LITTLE, YES)  # of several things that were named the worst counts
_COMMON = 3  # diets to which something must be dangerous to be named dangerous for an animal without a column
_ALIKE = 85.0  # rapidfuzz's ratio (0 to 100) from which a word may be a dangerous one, misheard

_WORD = re.compile(r"[a-z0-9][a-z0-9'-]*|[,.;?!]|[\u3400-\u9fff]+")
_LEFT = re.compile(
    r"(?:^|[吃喝喂给点些块颗个片口根粒碗杯勺条瓣半它了过吞舔啃咬嚼碰食里放买摆闻有几让人下被家的?]|能|煮熟的|新鲜的?|生|熟|煮|白煮|水煮|清水煮|原味|"
    r"无糖|少量|整个|整颗|一点|[和跟或与、，,。！!？?\s])$"
)
_RIGHT = re.compile(
    r"^(?:$|[吗么嘛不没呀啊吧呢呗？?。，,、！!；;行可会有要好安危中和跟或与了是对每几多后怎该算咋能能到现用还然\s]|的话|以后|之后|需)"
)
_JOIN = re.compile(r"(?:和|跟|或|与|或者|还是|、|，|,|and|or)\s*$")


@dataclass(frozen=True)
class Verdict:
    """What was found about something eaten."""

    kind: str  # one of `_RANK`
    name: str  # the food as it is said
    food: Food | None  # None: not known


@dataclass(frozen=True)
class _Span:
    start: int
    end: int
    food: Food
    name: str
    sure: bool  # stands by itself, with no word around it that makes another thing of it


def judge(text: str, animal: Animal, lang: str) -> Verdict | None:
    """The worst verdict over the foods named in a folded request; None when none is named."""
    worst: Verdict | None = None
    for span in _spans(text, names_of(animal)):
        kind = verdict(span.food, animal)
        name = span.name if span.name.isascii() == (lang == "en") else span.food.names(lang)[0]
        if kind in (YES, LITTLE) and not span.sure:
            kind, name = UNKNOWN, _around(text, span)
        if worst is None or _RANK.index(kind) < _RANK.index(worst.kind):
            worst = Verdict(kind, name, span.food)
    return worst


def verdict(food: Food, animal: Animal) -> str:
    """One of `_RANK` for a food and an animal."""
    diet = next((diet for kind in animal.kinds() if (diet := species_of(kind).diet)), "")
    for kind in (NEVER, AVOID, LITTLE, YES):
        diets = getattr(food, kind)
        if ALL in diets or (diet and diet in diets):
            return kind
    return NEVER if not diet and len(food.never) >= _COMMON else UNKNOWN


def foods() -> tuple[Food, ...]:
    """All that is known."""
    return read_table("foods", FoodTable).food


@cache
def _names() -> dict[str, Food]:
    return {name: food for food in foods() for name in (*food.en, *food.zh)}


def _named(said: str) -> Food | None:
    """The food of a name or of its plural."""
    names = _names()
    forms = (said, *(said.removesuffix(end) for end in ("s", "es") if len(said.removesuffix(end)) > 3))
    return next((names[form] for form in forms if form in names), None)


@cache
def _han() -> re.Pattern[str]:
    names = sorted((n for n in _names() if not n.isascii()), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, names)))


@cache
def _dangers() -> tuple[str, ...]:
    """English names of one word of what is dangerous to some animal."""
    return tuple(n for n, food in _names().items() if n.isascii() and " " not in n and len(n) > 4 and food.never)


@cache
def _most_words() -> int:
    return max(len(name.split()) for name in _names())


def _spans(text: str, own: Names) -> list[_Span]:
    """The foods in a text. own: names of the animal, which are no food and may stand anywhere."""
    tokens = [(m[0], m.start(), m.end()) for m in _WORD.finditer(text)]
    words = [word for word, _, _ in tokens]
    found: list[tuple[int, int, str, Food]] = []  # first word, end, name
    place = 0
    while place < len(words):
        hit = _longest(words, place) or _misheard(words, place)
        if hit and not own.has(hit[1]):
            found.append((place, *hit))
        place = hit[0] if hit else place + 1
    words = ["it" if own.has(word) else word for word in words]
    starts, ends = {start for start, _, _, _ in found}, {end for _, end, _, _ in found}
    spans = [
        _Span(
            tokens[start][1],
            tokens[end - 1][2],
            food,
            name,
            _stands_alone(words, start, end, starts, ends) and text[tokens[start][1] : tokens[end - 1][2]] == name,
        )
        for start, end, name, food in found
    ]
    return spans + _han_spans(text, own)


def _longest(words: list[str], place: int) -> tuple[int, str, Food] | None:
    """The end of the longest name that begins there, the name as it stands there, and the food."""
    for size in range(min(_most_words(), len(words) - place), 0, -1):
        said = " ".join(words[place : place + size])
        food = _named(said)
        if food:
            return place + size, said, food
    return None


def _misheard(words: list[str], place: int) -> tuple[int, str, Food] | None:
    """The same for a word that sounds like something dangerous."""
    word = words[place]
    if len(word) < 5 or not word.isascii():
        return None
    near = process.extractOne(word, _dangers(), scorer=fuzz.ratio, score_cutoff=_ALIKE)
    return (place + 1, near[0], _names()[near[0]]) if near else None


def _stands_alone(words: list[str], start: int, end: int, starts: set[int], ends: set[int]) -> bool:
    before = words[start - 1] if start else ""
    after = words[end] if end < len(words) else ""
    then = words[end + 1] if end + 1 < len(words) else ""
    left = not before or before in read_words().before or not before.isascii() or before in ",.;?!"
    if before in ("and", "or", ","):
        left = start - 1 in ends
    right = not after or after in read_words().after or not after.isascii()
    if after in ("and", "or"):
        right = end + 1 in starts or then in read_words().goes_on or not then
    return left and right


def _han_spans(text: str, own: Names) -> list[_Span]:
    matches = [match for match in _han().finditer(text) if match[0] not in own.han]
    spans = []
    for match in matches:
        left, right = text[: match.start()], text[match.end() :]
        sure = bool(
            (_LEFT.search(left) or left.endswith(own.han)) and (_RIGHT.match(right) or right.startswith(own.han))
        )
        if _JOIN.search(left):
            sure = sure and any(_JOIN.fullmatch(text[m.end() : match.start()].strip()) for m in matches)
        if join := re.match(r"\s*(?:和|跟|或者?|与|还是|、|and|or)\s*", right):
            sure = sure and any(m.start() == match.end() + join.end() for m in matches)
        spans.append(_Span(match.start(), match.end(), _names()[match[0]], match[0], sure))
    return spans


def _around(text: str, span: _Span) -> str:
    """The food with the words around it that make another thing of it."""
    left, right = text[: span.start], text[span.end :]
    if text[span.start : span.end].isascii():
        before = re.search(r"([a-z'-]+)\s$", left)
        after = re.match(r"\s([a-z'-]+)", right)
        head = f"{before[1]} " if before and before[1] not in read_words().before else ""
        tail = f" {after[1]}" if after and after[1] not in read_words().after else ""
        return f"{head}{text[span.start : span.end]}{tail}"
    before_zh = "" if _LEFT.search(left) else "".join(re.findall(r"[\u3400-\u9fff]$", left))
    after_zh = "" if _RIGHT.match(right) else "".join(re.findall(r"^[\u3400-\u9fff]", right))
    return f"{before_zh}{text[span.start : span.end]}{after_zh}"
