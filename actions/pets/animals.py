"""From what somebody calls an animal ("old labrador", "柯基", "hampster") to its species and groups."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from rapidfuzz import fuzz, process

from actions.pets.tables import AnimalTable, Species, read_table

ANY = "any"
_AGES = {
    "old": ("old", "older", "elderly", "senior", "aging", "ageing", "geriatric", "老", "高龄", "年迈"),
    "young": ("baby", "young", "newborn", "weeks old", "幼", "奶", "崽", "刚出生", "刚满月"),
}
_WORD = re.compile(r"[a-z][a-z'-]*|[\u3400-\u9fff]+")
_LATIN = re.compile(r"[a-z][a-z'-]*")
_LONGEST, _LONGEST_TEXT = 100, 1000  # characters of a name and of a request that are looked at
_ALIKE = 86.0  # rapidfuzz's ratio (0 to 100) from which an English name may be another, misheard


@dataclass(frozen=True)
class Animal:
    """An animal as it is known here; the species `ANY` where nobody said which."""

    species: str = ANY
    groups: frozenset[str] = frozenset()

    def kinds(self) -> Iterator[str]:
        """Its species and the wider kinds it belongs to, the nearest first."""
        table = _table().species
        kind = self.species
        while kind:
            yield kind
            kind = table[kind].parent

    @property
    def kind(self) -> Species:
        return _table().species[self.species]


@dataclass(frozen=True)
class Names:
    """The names of one species: in Latin letters, and in Chinese the longest first."""

    latin: frozenset[str]
    han: tuple[str, ...]

    def has(self, word: str) -> bool:
        """Whether an English word is one of them, or the plural of one."""
        return any(form in self.latin for form in _singular(word))


def find_animal(said: str) -> Animal | None:
    """The animal that is meant, None when the words name none that is known."""
    text = fold(said)
    found = _named(text)
    if found is None:
        return None
    name, species, groups = found
    rest = text.replace(name, " ", 1)
    words = set(_WORD.findall(text))
    ages = {age for age, signs in _AGES.items() if any(s in words if s.isascii() else s in rest for s in signs)}
    other = _named(rest)
    if other and other[1] == species:
        ages |= other[2] & _AGES.keys()
    return Animal(species, groups | ages)


def animal_in(said: str) -> str:
    """The word for the animal in what was said, empty where no known one is named."""
    found = _named(fold(said))
    return found[0] if found else ""


def names_of(animal: Animal) -> Names:
    """How animals of that species are called."""
    return _names_of(animal.species)


def without_animal(text: str, animal: Animal) -> str:
    """A folded request without the names of that animal's species: "it" in English, nothing in Chinese."""
    names = names_of(animal)
    text = _LATIN.sub(lambda match: "it" if names.has(match[0]) else match[0], text)
    for name in names.han:
        text = text.replace(name, "")
    return " ".join(text.split())


def fold(text: str) -> str:
    """NFKC in small letters with straight apostrophes, at most `_LONGEST_TEXT` characters."""
    return unicodedata.normalize("NFKC", text[:_LONGEST_TEXT]).casefold().replace("’", "'").strip()


def species_of(kind: str) -> Species:
    return _table().species[kind]


@cache
def _table() -> AnimalTable:
    return read_table("animals", AnimalTable)


@cache
def _by_name() -> dict[str, tuple[str, frozenset[str]]]:
    return {
        name: (names.species, frozenset(names.groups)) for names in _table().names for name in (*names.en, *names.zh)
    }


@cache
def _names_of(species: str) -> Names:
    names = [name for name, (kind, _) in _by_name().items() if kind == species]
    han = sorted((name for name in names if not name.isascii()), key=len, reverse=True)
    return Names(frozenset(name for name in names if name.isascii()), tuple(han))


@cache
def _longest_words() -> int:
    return max(len(name.split()) for name in _by_name())


def _named(text: str) -> tuple[str, str, frozenset[str]] | None:
    """The longest name in a folded text, as it stands there, with its species and groups."""
    names = _by_name()
    words = re.findall(r"[a-z0-9'-]+\.?|[\u3400-\u9fff]+", text)
    best: tuple[str, str] | None = None
    for size in range(min(_longest_words(), len(words)), 0, -1):
        for start in range(len(words) - size, -1, -1):
            said = " ".join(words[start : start + size])
            known = next((form for form in _singular(said) if form in names), None)
            if known and (best is None or len(known) > len(best[1])) and said in text:
                best = said, known
        if best:
            break
    for run in (word for word in words if not word.isascii()):
        inside = max((n for n in _han_names() if n in run), key=len, default=None)
        if inside and (best is None or len(inside) * 3 > len(best[1])):
            best = inside, inside
    if best is None and len(text) <= _LONGEST:
        near = process.extractOne(text, _latin_names(), scorer=fuzz.ratio, score_cutoff=_ALIKE)
        best = (text, near[0]) if near and len(text) > 3 else None
    return None if best is None else (best[0], *names[best[1]])


@cache
def _han_names() -> tuple[str, ...]:
    return tuple(name for name in _by_name() if not name.isascii())


@cache
def _latin_names() -> tuple[str, ...]:
    return tuple(name for name in _by_name() if name.isascii())


def _singular(name: str) -> Iterator[str]:
    """A name and what it may be the plural of."""
    yield name
    name = name.removesuffix("'s")
    yield name
    if name.endswith("ies"):
        yield name[:-3] + "y"
    if name.endswith("es"):
        yield name[:-2]
    if name.endswith("s"):
        yield name[:-1]
    if name.endswith("ves"):
        yield name[:-3] + "f"
