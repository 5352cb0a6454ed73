"""Requests as a recogniser really heard them: the transcripts of `heard/`, with the calls they mean.

`heard/en.tsv` and `zh.tsv` hold what `bench.hear` wrote: a request of the bank, a tab, and one thing that whisper made
of it when a synthetic voice said it. The calls are those of the request with the misheard words as they stand, for what
was misheard is not repaired (functions.md, rule 10); a transcript whose arguments cannot be found again is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from pathlib import Path

from actions.catalogue import ITEMS, JOINT, Call
from training.data.requests import Example

HEARD = Path(__file__).parent / "heard"
_UNIT = re.compile(r"[A-Za-z0-9\u00c0-\u024f]+(?:['’][A-Za-z]+)*|[\u3400-\u9fff]")
QUESTIONS = {"query", "question", "request", "message", "body"}  # keep the question mark that whisper puts behind them
_LIKE = 0.5  # share of a transcript that must be as it was said, below which nobody could answer it
_KEPT = 0.6  # share of a rewritten argument that must stand in the request, word for word


@dataclass(frozen=True)
class Unit:
    """A word, or a Han character, and where it stands."""

    word: str
    start: int
    end: int


def units(text: str) -> list[Unit]:
    return [Unit(m.group().lower().replace("’", "'"), m.start(), m.end()) for m in _UNIT.finditer(text)]


class Alignment:
    """Where in a transcript the words of a request are."""

    def __init__(self, said: str, heard: str) -> None:
        self.said, self.heard, self.text = units(said), units(heard), heard
        matcher = SequenceMatcher(None, [u.word for u in self.said], [u.word for u in self.heard], autojunk=False)
        self.ratio = matcher.ratio()
        self._edges: dict[int, int] = {}
        for tag, i, j, k, end in matcher.get_opcodes():
            if tag == "equal" or (tag == "replace" and j - i == end - k):
                self._edges |= {i + n: k + n for n in range(j - i + 1)}
            else:  # words came or went, but where they did so is known
                self._edges |= {i: k, j: end}
        for tag, i, *_ in matcher.get_opcodes():
            if tag == "insert" and 0 < i < len(self.said):
                del self._edges[i]  # what came between two words belongs to the one or to the other

    def window(self, words: Sequence[str]) -> tuple[int, int] | None:
        """The only place in the request where these words stand, a few of them rewritten."""
        size, spoken = len(words), [u.word for u in self.said]
        found = []
        for start in range(len(spoken) - size + 1):
            same = sum(a == b for a, b in zip(words, spoken[start : start + size], strict=True))
            if same >= max(1, _KEPT * size):
                found.append((same, start))
        best = [start for same, start in found if same == max(found)[0]]
        return (best[0], best[0] + size) if len(best) == 1 else None

    def argument(self, name: str, value: str) -> str | None:
        """The value of an argument of this name as it was heard. None when it cannot be told."""
        wanted = units(value)
        place = self.window([u.word for u in wanted]) if wanted else None
        if place is None:
            return None
        start, end = self._edges.get(place[0]), self._edges.get(place[1])
        if start is None or end is None or start >= end:
            return None
        rewritten = {
            n: u for n, u in enumerate(wanted) if u.word != self.said[place[0] + n].word
        }  # "he" that became "you"
        if rewritten and end - start != len(wanted):
            return None
        text = self.text[self.heard[start].start : self.heard[end - 1].end]
        for n in sorted(rewritten, reverse=True):
            unit = self.heard[start + n]
            if unit.word != self.said[place[0] + n].word:
                return None  # the pronoun itself was misheard
            at = unit.start - self.heard[start].start
            text = text[:at] + value[wanted[n].start : wanted[n].end] + text[at + unit.end - unit.start :]
        after = self.text[self.heard[end - 1].end :].lstrip()[:1]
        if (
            name in QUESTIONS
            and after not in ("?", "？")
            and value[-1] in "?？"
            and self.text.rstrip()[-1:] in ("?", "？")
        ):
            after = self.text.rstrip()[-1]  # of a question about a pet that stands last, and is no part of it
        return text + after if after in ("?", "？") and name in QUESTIONS else text


def as_heard(example: Example, heard: str) -> Example | None:
    """The example as it was heard. None when its arguments are not all there."""
    alignment = Alignment(example.text, heard)
    if alignment.ratio < _LIKE:
        return None
    calls = []
    for call in example.calls:
        args = {}
        for argument in call.function.arguments:
            value = call.args[argument.name]
            if not value or argument.choices:
                args[argument.name] = value
                continue
            values = value.split(JOINT) if argument.name == ITEMS else [value]
            parts = [alignment.argument(argument.name, part) for part in values]
            if any(part is None for part in parts):
                return None
            args[argument.name] = JOINT.join(part for part in parts if part)
        calls.append(Call(call.name, args))
    return replace(example, text=heard, calls=tuple(calls), source="heard")


def read_heard(examples: Iterable[Example], folder: Path = HEARD) -> Iterator[Example]:
    """All that was heard of these examples, as far as it can be answered."""
    said = {e.text: e for e in examples}
    for path in sorted(folder.glob("*.tsv")):
        for line in path.read_text(encoding="utf-8").splitlines():
            text, _, heard = line.partition("\t")
            if text in said and heard and (example := as_heard(said[text], heard)):
                yield example
