"""How near two names are to each other, by spelling and by sound, in English and Mandarin.

Knows words, no contacts. English sound is double metaphone (Philips 2000) beside the spelling; Mandarin sound is
pinyin without tones, which recognisers often get wrong, and with the sounds that many speakers do not tell apart.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property, lru_cache
from itertools import product

from doublemetaphone import doublemetaphone
from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from actions.wording import one_line

LONGEST = 100  # characters of a name; more are not said
NEAR = 70.0  # likeness (0 to 100) of two words from which one may be heard as the other
NEAR_ACROSS = 80.0  # the same where one is in pinyin
NEAR_SYLLABLES = 0.5  # distance of two Mandarin names up to which one may be heard as the other
HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")


class Grade(IntEnum):
    """How near a name is to what was said."""

    FAR = 0
    NEAR = 1  # another name, but a recogniser or a typist may take one for the other
    SAME = 2  # spelled otherwise, but nobody can hear the difference
    SPELLED = 3


def clean(text: str) -> str:
    """A name as it is kept and shown: one line, without invisible characters (bidi overrides), at most `LONGEST`."""
    shown = "".join(c for c in text[: 10 * LONGEST] if unicodedata.category(c) not in ("Cf", "Cs", "Co", "Cn"))
    return one_line(shown)[:LONGEST].strip()


def fold(text: str) -> str:
    """A name as it is compared: lower case, no accents, no punctuation, no symbols, single spaces."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", clean(text)).casefold())
    plain = re.sub("[\u0300-\u036f'’`]", "", plain)
    return " ".join(re.sub(r"[^\w]|_", " ", unicodedata.normalize("NFC", plain)).split())


@dataclass(frozen=True)
class Name:
    """A folded name in the shapes that are compared."""

    folded: str

    @cached_property
    def words(self) -> tuple[str, ...]:
        return tuple(self.folded.split())

    @cached_property
    def joined(self) -> str:
        return "".join(self.words)

    @cached_property
    def is_han(self) -> bool:
        return bool(self.joined) and all(map(HAN.match, self.joined))

    @cached_property
    def latin(self) -> tuple[str, ...]:
        """The name in Latin letters without spaces: for Han in pinyin, with the surname first and last."""
        if not HAN.search(self.joined):
            return (self.joined,)
        syllables = [_readings(c, first=i == 0)[0] if HAN.match(c) else c for i, c in enumerate(self.joined)]
        return ("".join(syllables), "".join([*syllables[1:], syllables[0]]))

    @cached_property
    def likeliest(self) -> tuple[tuple[str, str], ...]:
        """(initial, final) of each character's usual reading."""
        return tuple(_split(_readings(char, first=i == 0)[0]) for i, char in enumerate(self.joined))

    @cached_property
    def syllables(self) -> tuple[frozenset[tuple[str, str]], ...]:
        """(initial, final) of every usual reading of each character."""
        return tuple(frozenset(map(_split, _readings(char, first=i == 0))) for i, char in enumerate(self.joined))


def grade(said: Name, name: Name) -> Grade:
    """How near `name` is to what was said."""
    if not said.joined or not name.joined:
        return Grade.FAR
    if said.joined == name.joined:
        return Grade.SPELLED
    if said.is_han and name.is_han:
        return _han_grade(said, name)
    if said.is_han or name.is_han:  # "zhang wei" and 张伟
        return max(_across(a, b) for a in said.latin for b in name.latin)
    if len(said.words) == len(name.words):
        return min(_word_grade(a, b) for a, b in zip(said.words, name.words, strict=True))
    one, two = _respelled(said.joined), _respelled(name.joined)  # "jo anne" and "Joanne"
    distance = Levenshtein.distance(one, two, score_cutoff=1)
    return Grade.FAR if distance > 1 else Grade.NEAR if distance else Grade.SAME


def likeness(said: Name, name: Name) -> float:
    """0 to 100: puts names of one grade into order."""
    return max(fuzz.ratio(a, b) for a in said.latin for b in name.latin)


# English

_RESPELLED = (  # spellings that never change the sound of a name
    (re.compile(r"ph"), "f"),
    (re.compile(r"^(w|r)h"), r"\1"),
    (re.compile(r"(?<=[aeiou])h(?![aeiouy])"), ""),  # Sarah, John
    (re.compile(r"ck"), "k"),
    (re.compile(r"c(?=hr)"), "k"),
    (re.compile(r"(?<=k)h(?=r)"), ""),
    (re.compile(r"c(?=[eiy])"), "s"),
    (re.compile(r"c(?!h)|q"), "k"),
    (re.compile(r"(?<![aeo])y"), "i"),  # Bryan, but not Kay, which is not Kai
    (re.compile(r"([bdfgklmprtv])\1"), r"\1"),  # not nn, not ss: Joann is not Joan, Alyssa not Alisa
)


@lru_cache(4096)
def _respelled(word: str) -> str:
    for pattern, by in _RESPELLED:
        word = pattern.sub(by, word)
    return word


@lru_cache(4096)
def _keys(word: str) -> tuple[str, ...]:
    """Double metaphone's one or two keys; none for what is no English word. A j is a j: "Joan" is no "Anna"."""
    keys = tuple(key for key in dict.fromkeys(doublemetaphone(word)) if key) if word.isascii() else ()
    return keys[:1] if word.startswith("j") else keys


@lru_cache(4096)
def _word_grade(a: str, b: str) -> Grade:
    if a == b:
        return Grade.SPELLED
    one, two = _respelled(a), _respelled(b)
    if one == two and len(one) > 1:
        return Grade.SAME
    if min(len(one), len(two)) > 1 and Levenshtein.distance(one, two, score_cutoff=1) <= 1:
        return Grade.NEAR  # "ben" and "ken"
    spelled = fuzz.ratio(a, b)
    sounded = max((fuzz.ratio(x, y) for x, y in product(_keys(a), _keys(b))), default=0.0)
    return Grade.NEAR if max(spelled, (spelled + sounded) / 2) >= NEAR else Grade.FAR


def _across(a: str, b: str) -> Grade:
    """Of a name and one in pinyin, which metaphone does not know how to read."""
    if _respelled(a) == _respelled(b):
        return Grade.SAME
    return Grade.NEAR if min(len(a), len(b)) > 3 and fuzz.ratio(a, b) >= NEAR_ACROSS else Grade.FAR


# Mandarin

_AS_SURNAME = {  # characters read otherwise when they are a surname
    "单": "shan", "曾": "zeng", "解": "xie", "查": "zha", "仇": "qiu", "区": "ou", "翟": "zhai", "盖": "ge",
    "朴": "piao", "尉": "wei", "乐": "yue", "覃": "qin", "缪": "miao", "种": "chong", "纪": "ji", "员": "yun",
}  # fmt: skip
_ALSO_READ = {
    "晟": "sheng",
    "茜": "xi",
    "乐": "yue",
    "朝": "zhao",
    "长": "chang",
    "行": "xing",
    "重": "chong",
    "莘": "xin",
}
_FOLDED_INITIALS = {"zh": "z", "ch": "c", "sh": "s", "l": "n"}
_FOLDED_FINALS = {"ing": "in", "eng": "en", "ang": "an", "iang": "ian", "uang": "uan", "ueng": "uen"}
_KINDS = ("b p", "d t", "g k", "z c s j q x", "n m r", "f h")  # initials of one kind: easily misheard
_NEAR_FINALS = {
    frozenset(pair)
    for pair in (
        ("e", "uo"), ("o", "uo"), ("e", "o"), ("ai", "ei"), ("ao", "ou"), ("i", "v"), ("ie", "ve"), ("ian", "van"),
        ("in", "vn"), ("in", "en"), ("iou", "ou"), ("uei", "ei"), ("uen", "en"), ("ian", "ie"), ("an", "en"),
        ("ei", "i"),
    )
}  # fmt: skip
_KIND_OF = {initial: i for i, kind in enumerate(_KINDS) for initial in kind.split()}


@lru_cache(4096)
def _readings(char: str, first: bool) -> tuple[str, ...]:
    """Pinyin without tones, the likeliest first."""
    from pypinyin import lazy_pinyin

    surname = [_AS_SURNAME[char]] if first and char in _AS_SURNAME else []
    also = [_ALSO_READ[char]] if char in _ALSO_READ else []
    return tuple(dict.fromkeys([*surname, *lazy_pinyin(char), *also]))


@lru_cache(1024)
def _split(syllable: str) -> tuple[str, str]:
    from pypinyin.contrib.tone_convert import to_finals, to_initials

    return to_initials(syllable, strict=True), to_finals(syllable, strict=True) or syllable


def _han_grade(said: Name, name: Name) -> Grade:
    if said.likeliest == name.likeliest:
        return Grade.SAME
    short, long = sorted((said.syllables, name.syllables), key=len)
    if len(short) == len(long):
        distances = [min(_apart(a, b) for a, b in product(x, y)) for x, y in zip(short, long, strict=True)]
        return Grade.NEAR if sum(distances) <= (NEAR_SYLLABLES if len(short) > 1 else 0.0) else Grade.FAR
    if len(short) > 1 and len(long) == len(short) + 1:  # a character lost or doubled
        for left_out in range(1, len(long)):  # not the surname: it tells who is meant
            rest = long[:left_out] + long[left_out + 1 :]
            if all(min(_apart(a, b) for a, b in product(x, y)) == 0.0 for x, y in zip(short, rest, strict=True)):
                return Grade.NEAR
    return Grade.FAR


@lru_cache(4096)
def _apart(a: tuple[str, str], b: tuple[str, str]) -> float:
    """0 for syllables that many speakers do not tell apart, up to 1."""
    (initial, final), (other_initial, other_final) = map(_folded_syllable, (a, b))
    if final == other_final:
        if initial == other_initial:
            return 0.0
        return 0.4 if _KIND_OF.get(initial, -1) == _KIND_OF.get(other_initial, -2) else 0.7
    if initial == other_initial:
        return 0.5 if frozenset((final, other_final)) in _NEAR_FINALS else 0.8
    return 1.0


def _folded_syllable(syllable: tuple[str, str]) -> tuple[str, str]:
    initial, final = syllable
    return _FOLDED_INITIALS.get(initial, initial), _FOLDED_FINALS.get(final, final)
