"""The files of the knowledge and how they are read."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import TypeVar

import msgspec

FOLDER = Path(__file__).resolve().parent / "data"
ANSWERS = ("any", "dog", "cat", "small", "bird", "reptile", "fish", "farm")  # files with answers
GROUPS = (  # of one species: what changes the care
    *("small", "medium", "large", "giant"),
    *("short_coat", "double_coat", "long_coat", "curly_coat", "wire_coat", "hairless"),
    *("active", "calm", "flat_faced", "long_back", "sighthound", "young", "old"),
)
S = TypeVar("S", bound=msgspec.Struct)


class Species(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of animal. Its plural stands in sentences."""

    en: str
    zh: str
    parent: str = ""  # the wider kind, whose answers hold for it, too; empty for "any"
    diet: str = ""  # its column in the table of foods; empty: only what is dangerous to all is known

    def plural(self, lang: str) -> str:
        return self.zh if lang == "zh" else self.en


class Names(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names of animals of one species and the same groups."""

    species: str
    groups: tuple[str, ...] = ()
    en: tuple[str, ...] = ()
    zh: tuple[str, ...] = ()


class AnimalTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`animals.toml`."""

    species: dict[str, Species]
    names: tuple[Names, ...]


class Topic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that is asked about animals."""

    id: str
    en: tuple[str, ...]  # ways to ask it
    zh: tuple[str, ...]
    urgent: bool = False  # a matter of minutes or hours: the vet first
    like: tuple[str, ...] = ()  # topics whose answer is as good where the animal has none for this one
    cue: str = ""  # a regular expression for the words that give it away


class TopicTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`topics.toml`."""

    topic: tuple[Topic, ...]


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is said about a topic for a species, or for those of it that are in all the groups."""

    species: str
    topic: str
    en: str
    zh: str
    source: str
    groups: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """ "dog.bathing.double_coat"."""
        return ".".join((self.species, self.topic, *self.groups))

    def text(self, lang: str) -> str:
        return self.zh if lang == "zh" else self.en


class AnswerTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`dog.toml` and the like."""

    entry: tuple[Answer, ...]


class Food(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something eaten or swallowed, and for which diets it is what. The first name of a language is the spoken one."""

    en: tuple[str, ...]
    zh: tuple[str, ...]
    source: str
    yes: tuple[str, ...] = ()
    little: tuple[str, ...] = ()  # as a treat, as `how` says
    avoid: tuple[str, ...] = ()  # does no good
    never: tuple[str, ...] = ()  # dangerous
    how_en: str = ""
    how_zh: str = ""
    harm_en: str = ""  # half a sentence: "they can make the kidneys fail"
    harm_zh: str = ""

    def names(self, lang: str) -> tuple[str, ...]:
        return self.zh if lang == "zh" else self.en


class FoodTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`foods.toml`."""

    food: tuple[Food, ...]


class WordTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`words.toml`, which explains each."""

    aside_en: tuple[str, ...]
    aside_zh: tuple[str, ...]
    before: frozenset[str]
    after: frozenset[str]
    goes_on: frozenset[str]
    general: frozenset[str]
    ends: frozenset[str]


@cache
def read_words() -> WordTable:
    return read_table("words", WordTable)


@cache
def read_table(name: str, kind: type[S]) -> S:
    """A file of the knowledge. Raises `OSError`, `tomllib.TOMLDecodeError` or `msgspec.ValidationError` when this
    installation is damaged."""
    return msgspec.convert(tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8")), kind)
