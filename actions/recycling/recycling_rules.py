"""What goes where: the rules of one place, read from TOML and checked.

    data/recycling/things.toml    what people throw away and how they call it, the same for all places
    data/recycling/words.toml     questions that a rule may ask, what to do first, words of dangerous things
    data/recycling/<place>.toml   the bins of a place, and for each thing the bin, or a question and what follows

Knows no request and says nothing: `actions.recycling.smart_recycling` does.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TypeVar

import msgspec

from actions.base import Meaning
from actions.errors import SettingsError
from actions.matching import Entry, Matcher
from actions.wording import say

FOLDER = Path(__file__).resolve().parent / "data"
SHARED = ("things", "words")  # files there that are no places
LARGEST = 1 << 20  # bytes of a place's file
S = TypeVar("S", bound=msgspec.Struct)


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sentence or a name in both languages."""

    en: str
    zh: str

    def in_(self, lang: str) -> str:
        return say(lang, self.en, self.zh)


class Names(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names or expressions in both languages."""

    en: tuple[str, ...]
    zh: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        return self.en + self.zh


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question with yes or no, and the expressions of a request that answer it already."""

    ask: Words
    yes: Names
    no: Names

    def answered(self, text: str) -> str:
        """ "yes", "no", or empty where the text says neither; the longest expression counts ("not greasy")."""
        text = text.casefold().replace("-", " ")
        found = [
            (len(expression), answer)
            for answer, names in (("yes", self.yes), ("no", self.no))
            for expression in names.all
            if _says(text, expression.casefold().replace("-", " "))
        ]
        return max(found)[1] if found else ""


class Vocabulary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`words.toml`."""

    aside: Names  # words that say little about what a thing is
    questions: dict[str, Asked]
    preparations: dict[str, Words]
    dangerous: Names
    materials: dict[str, Names]  # by the thing that stands for all things of that material


class Things(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`things.toml`."""

    things: dict[str, Names]


class Advice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A bin and what to do first; or a question, and the advice that follows from its answer."""

    bin: str = ""
    first: str = ""  # a preparation
    note: Words | None = None
    ask: str = ""
    yes: Advice | None = None
    no: Advice | None = None

    def all(self) -> Iterator[Advice]:
        """This advice and those behind its question."""
        yield self
        for branch in (self.yes, self.no):
            if branch:
                yield from branch.all()


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One advice for several things."""

    things: tuple[str, ...]
    bin: str = ""
    first: str = ""
    note: Words | None = None
    ask: str = ""
    yes: Advice | None = None
    no: Advice | None = None

    @property
    def advice(self) -> Advice:
        return Advice(self.bin, self.first, self.note, self.ask, self.yes, self.no)


class About(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The place itself."""

    en: str
    zh: str
    unknown: Words  # what to do with a thing that no rule knows
    hazard: Words  # what to do with one that may be dangerous
    sources: tuple[str, ...]
    locales: tuple[str, ...] = ()  # of a system whose owner probably lives there ("de_DE")


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place's file."""

    place: About
    bins: dict[str, Words]  # sentences with {it} for the thing
    rules: tuple[Rule, ...]
    things: dict[str, Names] = {}  # names of its own, in addition to the shared ones

    def advice(self) -> Mapping[str, Advice]:
        """Thing to advice."""
        return {thing: rule.advice for rule in self.rules for thing in rule.things}


def shipped() -> tuple[str, ...]:
    """The places that come with tako."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml") if path.stem not in SHARED))


def load_place(name: str) -> Place:
    """A place that comes with tako, or the file that a path ending in ".toml" names. Raises `SettingsError`."""
    path = Path(name).expanduser() if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not name.endswith(".toml") and name not in shipped():
        known = ", ".join(shipped())
        raise SettingsError(
            f"I have no recycling rules for {name}. Set place under recycling to {known}, or to a file of your own.",
            f"没有{name}的垃圾分类规则。请在设置的 recycling 里把 place 设为 {known}，或者自己的文件。",
        )
    try:
        place = _read(path, Place)
    except OSError as error:
        raise _unfit(path, error.strerror or "it cannot be read") from error
    except ValueError as error:  # msgspec's, tomllib's and a wrong encoding's
        raise _unfit(path, str(error)) from error
    wrong = problems(place)
    if wrong:
        raise _unfit(path, wrong[0])
    return place


def problems(place: Place) -> list[str]:
    """What does not fit together in a place's file: half sentences, the first one worth telling."""
    known, words = {**things(), **place.things}, vocabulary()
    wrong = []
    named: set[str] = set()
    for rule in place.rules:
        for thing in rule.things:
            if thing not in known:
                wrong.append(f"there is no thing {thing!r}")
            if thing in named:
                wrong.append(f"{thing} has two rules")
            named.add(thing)
        for advice in rule.advice.all():
            where = ", ".join(rule.things[:2])
            if bool(advice.bin) == bool(advice.ask):
                wrong.append(f"the rule of {where} needs either bin or ask")
            if bool(advice.ask) != (advice.yes is not None and advice.no is not None):
                wrong.append(f"the rule of {where} needs yes and no where it asks, and only there")
            for kind, value, table in (
                ("bin", advice.bin, place.bins),
                ("question", advice.ask, words.questions),
                ("preparation", advice.first, words.preparations),
            ):
                if value and value not in table:
                    wrong.append(f"the rule of {where} has the {kind} {value!r}, which does not exist")
    for name, sentence in place.bins.items():
        if any(text.replace("{it}", "", 1).count("{") or "{it}" not in text for text in (sentence.en, sentence.zh)):
            wrong.append(f"the bin {name} needs {{it}} once in both languages")
    return wrong


def matcher_of_things(meaning: Meaning | None, names: Mapping[str, Names] | None = None) -> Matcher[str]:
    """Finds a thing by what it is called; names: by thing, the shared ones when left out."""
    entries = [Entry(thing, {"en": n.en, "zh": n.zh}) for thing, n in (names or things()).items()]
    aside = vocabulary().aside
    return Matcher(entries, meaning, aside={"en": aside.en, "zh": aside.zh})


@cache
def vocabulary() -> Vocabulary:
    return _read(FOLDER / "words.toml", Vocabulary)


@cache
def things() -> Mapping[str, Names]:
    return _read(FOLDER / "things.toml", Things).things


def is_dangerous(item: str, phrase: str = "") -> bool:
    """Whether a word of dangerous things is in `item` and not in `phrase`, for which there is a rule."""
    return any(
        _says(item.casefold(), word) and not _says(phrase.casefold(), word) for word in vocabulary().dangerous.all
    )


def material_of(item: str) -> str:
    """The thing that stands for the material named in `item`; empty when none is, the last one of several."""
    item = item.casefold()
    found = [
        (item.rfind(word), thing)
        for thing, names in vocabulary().materials.items()
        for word in names.all
        if _says(item, word)
    ]
    return max(found)[1] if found else ""


def _says(text: str, expression: str) -> bool:
    """Whether an expression is in a text: as words, the last one also in the plural; anywhere where it is Chinese."""
    if not expression.isascii():
        return expression in text
    return bool(re.search(rf"(?<![a-z0-9]){re.escape(expression)}(?:e?s)?(?![a-z0-9])", text))


def _read(path: Path, kind: type[S]) -> S:
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError("it is too large")
    return msgspec.convert(tomllib.loads(data.decode("utf-8")), kind)


def _unfit(path: Path, why: str) -> SettingsError:
    return SettingsError(
        f"The recycling rules in {path} cannot be used: {why}.", f"垃圾分类规则文件 {path} 不能使用：{why}。"
    )
