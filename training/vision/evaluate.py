"""Judges what a bundle makes of requests that point at a photo; part of `training.evaluate`.

Photos are held out: the part "dev" or "test" of the sources that taught, and all of those that no training saw. Each
pointing request of the set is asked with several of them, once more without any picture, and plain requests are asked
with a photo that has nothing to do with them. Requests and photos return in several pairs, so the true intervals are
a little wider than Wilson's.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

from agent.picture import load_picture
from agent.pointing import points_at_picture
from training.data.pictured import HERE, PHOTOS, Pointing, read_pointing
from training.data.requests import read_examples
from training.scores import LANGUAGES, Reply, Table, as_json, as_line, functions, markdown
from training.scores import Row as Shares
from training.vision.blank import blank_pictures
from training.vision.labels import read_labels
from training.vision.pairs import TAUGHT, UNSEEN, Pair, Thing, draw, draw_of, held_out
from training.vision.photos import PERMISSIVE, SOURCES, read_photos
from training.vision.scenes import KINDS
from training.vision.sheet import Card, chinese_font, contact_sheet
from training.vision.table import read_concepts

if TYPE_CHECKING:
    from PIL.Image import Image

    from actions.catalogue import Call

QUESTIONS = {"en": "what is this", "zh": "这是什么"}
SINGLE = KINDS["anything"] | {"dog", "cat", "pet", "building"}  # kinds of which a photo shows one thing
Found = tuple[str, str, bool]  # group, column, right
BLANKS = 64  # different pictures of nothing
FROM_PHOTO = "a word of the photo is wanted"
STRAIGHT = "points at nothing"
ORDER = (
    *("all", FROM_PHOTO, STRAIGHT, "sources that taught", "sources unseen"),
    *(f"source {name}" for name in (*SOURCES, "blank")),
    *(f"photo {kind}" for kind in PHOTOS),
)


class Asked(Protocol):
    """The bundle; `training.evaluate.Judge` is one."""

    def see(self, text: str, image: Image | None) -> Reply:
        """What it makes of a request with a picture or without."""

    def describe(self, image: Image, question: str) -> str:
        """What it says about a picture."""


@dataclass(frozen=True)
class Answered:
    """A pair with what was made of it."""

    place: str  # name of the set
    pair: Pair
    reply: Reply

    @property
    def right(self) -> bool:
        return self.pair.right(self.reply.calls)


@dataclass
class Examination:
    """Asks everything about pictures. data: folder with the photos; count: photos for a request; every: takes every so
    many-th request; apart: of the plain ones only every so many-th of those; bank: folder of the sets that point."""

    asked: Asked
    data: Path
    count: int = 4
    every: int = 1
    apart: int = 3
    bank: Path = HERE
    pages: list[str] = field(default_factory=list)  # tables as Markdown
    tables: dict[str, Any] = field(default_factory=dict)  # the same as what JSON can hold
    errors: list[str] = field(default_factory=list)  # lines as `training.evaluate` has them, and the photo
    answered: list[Answered] = field(default_factory=list)

    def examine(self, folder: Path) -> None:
        """A set: `folder` has its plain requests; those that point lie in the bank's folder of the same name."""
        place, part = folder.name, "dev" if folder.name == "dev" else "test"
        things = held_out(read_concepts(), read_photos(self.data), read_labels(), part)
        if not things:
            self.pages.append(f"There are no held-out photos for the set {place}.")
            return
        files = [self.data / thing.photo.file for thing in things]
        blanks = list(blank_pictures(Random(part), files, BLANKS))
        for lang, language in LANGUAGES.items():
            path = self.bank / place / f"{lang}.txt"
            lines = read_pointing(path) if path.exists() else []
            found = [self.answer(place, pair, blanks) for pair in draw(lines, things, self.count, self.every)]
            self.answered += found
            self.errors += [error(one) for one in found if not one.right]
            self._add(f"{place}, {language}, with pictures", tally(r for one in found for r in answers(one)))
            self._add(f"{place}, {language}, breeds", tally(r for one in found for r in breeds(one)))
            bare = tally(r for line in lines[:: self.every] for r in self.without(line))
            self._add(f"{place}, {language}, pointing without a picture", bare)
            told = tally(r for thing in self.single(things) for r in self.described(place, thing, lang))
            self._add(f"{place}, {language}, “{QUESTIONS[lang]}”", told)
            self.distracted(folder, lang, things)

    def answer(self, place: str, pair: Pair, blanks: Sequence[Image]) -> Answered:
        image = self.picture(pair.thing) if pair.thing else blanks[pair.blank % len(blanks)]
        return Answered(place, pair, self.asked.see(pair.line.text, image))

    def picture(self, thing: Thing) -> Image:
        return load_picture(self.data / thing.photo.file)

    def without(self, line: Pointing) -> Iterator[Found]:
        """What is made of a request that points, without a picture."""
        if not line.marks:
            return
        calls = self.asked.see(line.text, None).calls
        alone = all(re.fullmatch("@[a-z]*", v) for c in line.calls for v in c.args.values() if "@" in v)
        wanted = "the thing alone is wanted" if alone else "the thing within more words is wanted"
        for group in ("all", wanted, f"photo {line.photo}"):
            yield group, "functions", functions(calls) == functions(line.calls)
            yield group, "functions right and what it points at empty", asks(line, calls)

    def single(self, things: Sequence[Thing]) -> list[Thing]:
        """Some photos of each source that show one thing."""
        fit = [t for t in things if t.concepts[0].kind in SINGLE]
        drawn = sorted(fit, key=lambda t: draw_of("described", t.photo.file))
        most = max(1, 4 * self.count // self.every)
        return [t for source in SOURCES for t in [t for t in drawn if t.photo.source == source][:most]]

    def described(self, place: str, thing: Thing, lang: str) -> Iterator[Found]:
        """Whether the answer to "what is this" has an accepted name in it."""
        said = self.asked.describe(self.picture(thing), QUESTIONS[lang])
        exact, species = (mentions(said, words, lang) for words in (thing.words("", lang), thing.species(lang)))
        for group in ("all", f"source {thing.photo.source}"):
            yield group, "has an accepted name", exact or species
            if thing.bred:
                yield group, "of breeds: the species only", species and not exact
        if not exact and not species:
            wanted = (thing.concepts[0].en, thing.concepts[0].zh)[lang == "zh"][0]
            self.errors.append(f"{place}\tdescribed\t\t{QUESTIONS[lang]}\t{wanted}\t{said}\t\t\t{thing.photo.file}")

    def distracted(self, folder: Path, lang: str, things: Sequence[Thing]) -> None:
        """Plain requests with a photo that has nothing to do with them, beside the same without."""
        examples = [e for path in sorted(folder.glob("*.txt")) for e in read_examples(path)][:: self.every * self.apart]
        found: list[Found] = []
        both: dict[str, list[tuple[bool, bool]]] = {"all": [], STRAIGHT: []}
        for example in (e for e in examples if e.lang == lang):
            thing = min(things, key=lambda t: draw_of(example.text, t.photo.file))
            bare, reply = self.asked.see(example.text, None), self.asked.see(example.text, self.picture(thing))
            whole = bare.calls == example.calls, reply.calls == example.calls
            groups = ["all", f"kind {example.kind}"]
            if example.kind != "deictic" and not points_at_picture(example.text):
                groups.append(STRAIGHT)
                if whole == (True, False):
                    head = f"{folder.name}\tunrelated picture\t{example.kind}\t{example.text}"
                    tail = f"{as_line(example.calls)}\t{as_line(reply.calls)}\t\t{reply.confidence:.4f}"
                    self.errors.append(f"{head}\t{tail}\t{thing.photo.file}")
            for group in groups:
                both.setdefault(group, []).append(whole)
                found += [(group, "whole calls without", whole[0]), (group, "with an unrelated photo", whole[1])]
                found.append((group, "same calls", bare.calls == reply.calls))
        name = f"{folder.name}, {LANGUAGES[lang]}, unrelated photo"
        self._add(name, tally(found))
        for group in ("all", STRAIGHT):
            if both[group]:
                self.tables[f"{name}, difference, {group}"] = change = difference(both[group])
                self.pages.append(
                    "Whole calls with the photo, {}: {points:+.1f} points [{low:+.1f}, {high:+.1f}], n={n}; "
                    "{gained} gained, {lost} lost.".format(group, **change)
                )

    def _add(self, name: str, table: Table) -> None:
        if table:
            self.pages.append(markdown(name, table, ORDER))
            self.tables[name] = as_json(table)


def tally(found: Iterable[Found]) -> Table:
    table: Table = defaultdict(Shares)
    for group, column, right in found:
        table[group].shares[column].add(right)
    return table


def answers(one: Answered) -> Iterator[Found]:
    """A pair in all, by source and kind of photo, and by function. By source only those count whose arguments take a
    word from the photo; by function every wanted call, with the one that stands at its place."""
    pair, calls = one.pair, one.reply.calls
    groups = ["all", f"photo {pair.line.photo}"]
    if pair.thing is None:
        groups.append("source blank")
    elif pair.line.marks:
        groups += [FROM_PHOTO, f"source {pair.source}"]
        groups += ["sources that taught"] * (pair.source in TAUGHT) + ["sources unseen"] * (pair.source in UNSEEN)
    for group in groups:
        yield group, "functions", functions(calls) == functions(pair.wanted)
        yield group, "whole calls", one.right
        yield group, "case and punctuation ignored", pair.right(calls, lenient=True)
        if pair.line.marks and pair.thing is not None:
            yield group, "asks what it is", asks(pair.line, calls)
    for i, wanted in enumerate(pair.wanted):
        got = calls[i : i + 1]
        yield wanted.name, "functions", functions(got) == [wanted.name]
        yield wanted.name, "whole calls", bool(got) and pair.right_call(i, got[0])
        yield wanted.name, "case and punctuation ignored", bool(got) and pair.right_call(i, got[0], lenient=True)


def breeds(one: Answered) -> Iterator[Found]:
    """Of dogs and cats whose breed is known: which name a right call has."""
    pair = one.pair
    if pair.line.marks and pair.thing is not None and pair.thing.bred:
        exact = pair.right(one.reply.calls, species=False)
        for group in ("all", f"source {pair.source}"):
            yield group, "breed said", exact
            yield group, "species said instead of breed", one.right and not exact


def asks(line: Pointing, calls: Sequence[Call]) -> bool:
    """Whether the functions are right and every argument that points is empty, so that tako asks."""
    return functions(calls) == functions(line.calls) and all(
        not call.args[name]
        for wanted, call in zip(line.calls, calls, strict=True)
        for name, value in wanted.args.items()
        if "@" in value
    )


def mentions(said: str, words: Iterable[str], lang: str) -> bool:
    """Whether one of the words (lower case) is in the sentence; English ones as whole words."""
    edge = "" if lang == "zh" else r"\b"
    return any(re.search(f"{edge}{re.escape(word)}{edge}", said.lower()) for word in words)


def difference(pairs: Sequence[tuple[bool, bool]]) -> dict[str, float]:
    """How much more often the second of each two is right, in points, with a 95 % interval (Wald, paired)."""
    n = len(pairs)
    gained, lost = sum(b and not a for a, b in pairs), sum(a and not b for a, b in pairs)
    points = 100 * (gained - lost) / n
    spread = 196 * math.sqrt(gained + lost - (gained - lost) ** 2 / n) / n
    low, high = max(points - spread, -100), min(points + spread, 100)
    return {"points": points, "low": low, "high": high, "n": n, "gained": gained, "lost": lost}


def error(one: Answered) -> str:
    """A pair's line in the file of errors."""
    pair, reply = one.pair, one.reply
    file = pair.thing.photo.file if pair.thing else "blank"
    head = f"{one.place}\twith picture\t{pair.line.photo}\t{pair.line.text}"
    return f"{head}\t{as_line(pair.wanted)}\t{as_line(reply.calls)}\t\t{reply.confidence:.4f}\t{file}"


def draw_sheet(answered: Sequence[Answered], data: Path, path: Path) -> str:
    """Draws a contact sheet of the last set's pairs that take a word from the photo, of sources that may be shown; what
    it did."""
    font = chinese_font()
    shown = [
        (one, data / one.pair.thing.photo.file)
        for one in answered
        if one.place == answered[-1].place and one.pair.line.marks and (font or one.pair.line.lang == "en")
        if one.pair.thing is not None and one.pair.source in PERMISSIVE
    ]
    if not shown:
        return "No contact sheet: there is no photo that may be shown."
    shown.sort(key=lambda pair: draw_of(pair[0].pair.line.text, pair[1].name))
    cards = [Card(file, one.pair.line.text, as_line(one.reply.calls), one.right) for one, file in shown]
    right, sources = sum(card.right for card in cards), ", ".join(sorted(PERMISSIVE))
    title = f"{answered[-1].place} set, photos of {sources}: {right} of {len(cards)} right. Left: right, right: wrong"
    contact_sheet(cards, path, title, font)
    return f"{path}" + ("" if font else " (English alone: this machine has no font with Chinese)")
