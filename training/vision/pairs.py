"""Requests that point, each with held-out photos that fit it, and which answers to them are right.

Everything is chosen by hashes, so it is the same in every run. Knows names and labels; opens no picture.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from actions.catalogue import Call
from training.data.pictured import NEEDLESS, USELESS, Pointing
from training.data.requests import key
from training.vision.labels import SPECIES, Label, concept_id, positives, waste_rules
from training.vision.photos import PERMISSIVE, Photo
from training.vision.scenes import KINDS
from training.vision.table import COLORS, ROOMS, Concept

TAUGHT = PERMISSIVE | {"food", "rooms"}  # sources of which only the part that judges is held out
UNSEEN = frozenset({"imagenet", "pets", "dog_breeds", "cat_breeds"})  # no photo of theirs taught
BREEDS = frozenset({"dog", "cat"})  # kinds that people call by their species, too
THROWN = frozenset({"container", "product", "grocery", "fruitveg"})  # kinds that are asked about in front of the bins
OFTEN = 3  # pairs that a photo may be in before another source's photo is taken
_FILLED = "\0"  # stands on both sides of a mark in a filled argument


@dataclass(frozen=True)
class Thing:
    """A held-out photo of one thing, and everything that it may be called. `concepts`: its own first; `animal`: that of
    its species, for dogs and cats."""

    photo: Photo
    concepts: tuple[Concept, ...]
    label: Label | None = None
    animal: Concept | None = None

    def fits(self, kind: str) -> bool:
        """Whether a request for this kind of photo can be asked of it (as `training.vision.scenes.Scene.fits`)."""
        if kind == NEEDLESS:
            return True
        if kind == "room":
            return self.photo.source == "rooms"
        if kind == "waste":
            if self.photo.source == "trashnet":
                return any(c.id.startswith("waste:") for c in self.concepts)
            return bool(self.concepts[0].waste[0]) and self.concepts[0].kind in THROWN
        return self.concepts[0].kind in KINDS.get(kind, frozenset({kind}))

    @property
    def bred(self) -> bool:
        """Whether a breed can be told, and the species may be said instead."""
        return self.animal is not None and self.concepts[0].kind in BREEDS and self.photo.source != "pets"

    def species(self, lang: str) -> frozenset[str]:
        """What may be said instead of the breed, in lower case."""
        return names((self.animal,), lang) if self.bred and self.animal else frozenset()

    def words(self, mark: str, lang: str) -> frozenset[str]:
        """What a mark of a request may stand for, in lower case; no species instead of a breed."""
        known = names(self.concepts, lang) - self.species(lang)
        if mark == "waste":
            return known | {c.waste[lang == "zh"].lower() for c in self.concepts if c.waste[lang == "zh"]}
        if mark == "room":
            rooms = {room for c in self.concepts for room in c.rooms}
            return known | {ROOMS[room] if lang == "zh" else room for room in rooms}
        if mark == "lost":
            return known | self.colored(known, lang)
        return known

    def colored(self, known: frozenset[str], lang: str) -> frozenset[str]:
        """The names (lower case) with the colour in front, as seen by hand; with any colour where nobody looked."""
        seen = list(COLORS) if self.label is None else self.label.color.replace("gray", "grey").split("/")[:2]
        colors = {COLORS[c] if lang == "zh" else c for c in seen if c in COLORS}
        if "grey" in colors:
            colors.add("gray")
        return frozenset(f"{color}{'' if lang == 'zh' else ' '}{name}" for color in colors for name in known)


@dataclass(frozen=True)
class Pair:
    """A request with what is in front of the camera; thing is None where nothing can be seen, and then `blank` is the
    number of a picture of nothing."""

    line: Pointing
    thing: Thing | None
    blank: int = 0

    @property
    def source(self) -> str:
        return self.thing.photo.source if self.thing else "blank"

    @cached_property
    def wanted(self) -> tuple[Call, ...]:
        """The calls with the first name of everything; what the marks stand for is empty where nothing can be seen."""
        return self.line.filled(self._first).calls

    def right(self, calls: Sequence[Call], species: bool = True, lenient: bool = False) -> bool:
        """Whether these are the wanted functions with accepted arguments. species: "dog" may be said of a breed;
        lenient: case and punctuation are ignored in the text around the marks, too."""
        return len(calls) == len(self.wanted) and all(
            self.right_call(i, call, species, lenient) for i, call in enumerate(calls)
        )

    def right_call(self, i: int, call: Call, species: bool = True, lenient: bool = False) -> bool:
        """As `right`, of the call at one place of the answer."""
        wanted = self._marked[i]
        return call.name == wanted.name and all(
            self._pattern(value, species, lenient).fullmatch(key(call.args[name]) if lenient else call.args[name])
            for name, value in wanted.args.items()
        )

    @cached_property
    def _marked(self) -> tuple[Call, ...]:
        if self.thing is None:
            return self.line.filled(lambda mark: "").calls
        return self.line.filled(lambda mark: f"{_FILLED}{mark}{_FILLED}").calls

    def _pattern(self, value: str, species: bool, lenient: bool) -> re.Pattern[str]:
        literal = key if lenient else str
        parts = value.split(_FILLED)  # text and marks in turns
        for i, part in enumerate(parts):
            if i % 2 == 0:
                parts[i] = re.escape(literal(part))
            elif self.thing is not None:
                words = self.thing.words(part, self.line.lang)
                words |= self.thing.species(self.line.lang) if species else frozenset()
                parts[i] = f"(?i:{'|'.join(re.escape(literal(word)) for word in sorted(words))})" if words else "(?!)"
        return re.compile("".join(parts), re.DOTALL)

    def _first(self, mark: str) -> str:
        if self.thing is None:
            return ""
        concept, zh = self.thing.concepts[0], self.line.lang == "zh"
        if mark == "waste":
            return concept.waste[zh] or (concept.en, concept.zh)[zh][0]
        return concept.plural if mark == "s" and not zh else (concept.en, concept.zh)[zh][0]


def names(concepts: Sequence[Concept | None], lang: str) -> frozenset[str]:
    """Every name of the concepts in lower case, English ones in singular and plural."""
    found = [c for c in concepts if c is not None]
    if lang == "zh":
        return frozenset(name.lower() for c in found for name in c.zh)
    return frozenset(form for c in found for name in (*c.en, c.plural) for form in numbers(name.lower()))


def numbers(name: str) -> set[str]:
    """An English name with its regular plural, and with its singular where it looks like a plural. Some of what comes
    out is no word; nobody says it."""
    forms = {name, name + ("es" if name.endswith(("s", "x", "z", "ch", "sh")) else "s")}
    if re.search("[^aeiou]y$", name):
        forms.add(name[:-1] + "ies")
    if name.endswith("ies"):
        forms.add(name[:-3] + "y")
    if re.search("(?:s|x|z|ch|sh|o)es$", name):
        forms.add(name[:-2])
    if name.endswith("s") and not name.endswith(("ss", "us", "is")):
        forms.add(name[:-1])
    return forms


def held_out(concepts: Sequence[Concept], photos: Sequence[Photo], labels: dict[str, Label], part: str) -> list[Thing]:
    """All photos that may judge: a part ("dev", "test") of the sources that taught, all of those that did not; without
    those that no concept names."""
    chosen = [p for p in photos if p.source in UNSEEN or (p.source in TAUGHT and p.part == part)]
    species = {c.kind: c for c in concepts if c.id in SPECIES}
    rules = waste_rules()
    found = []
    for photo, target in zip(chosen, positives(concepts, chosen), strict=True):
        if target:
            own = concept_id(photo, labels, rules)
            shown = tuple(concepts[i] for i in sorted(target, key=lambda i: (concepts[i].id != own, i)))
            found.append(Thing(photo, shown, labels.get(photo.file), species.get(shown[0].kind)))
    return found


def draw(lines: Sequence[Pointing], things: Sequence[Thing], count: int, every: int = 1) -> Iterator[Pair]:
    """Up to `count` different photos for every so many-th request, of at least two sources where there are
    so many for its kind; all sources about equally often as far as kinds allow."""
    taken: Counter[str] = Counter()  # of each source, pairs that want a word from the photo
    uses: Counter[str] = Counter()  # of each photo, pairs
    blanks = 0
    for line in lines[::every]:
        if line.photo == USELESS:
            for _ in range(count):
                yield Pair(line, None, blanks)
                blanks += 1
            continue
        pools: dict[str, list[Thing]] = defaultdict(list)
        for thing in things:
            if thing.fits(line.photo):
                pools[thing.photo.source].append(thing)
        here: Counter[str] = Counter()
        for i in range(count):
            open_ = [s for s in pools if pools[s]]
            if line.photo == "waste" and i % 4 != 3 and pools.get("trashnet"):
                open_ = ["trashnet"]  # waste looks like waste
            if not open_:
                break
            fresh = {s: any(uses[t.photo.file] < OFTEN for t in pools[s]) for s in open_}
            source = min(open_, key=lambda s: (here[s] // 2, not fresh[s], taken[s], draw_of(line.text, s)))
            thing = min(pools[source], key=lambda t: (uses[t.photo.file], draw_of(line.text, t.photo.file)))
            pools[source].remove(thing)
            here[source] += 1
            taken[source] += bool(line.marks)
            uses[thing.photo.file] += 1
            yield Pair(line, thing)


def draw_of(*parts: str) -> int:
    """A number that looks random and depends on these texts alone."""
    return zlib.crc32("\t".join(parts).encode())
