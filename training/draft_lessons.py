"""What the drafter learns from (`training.draft`): the label of each request turned into tags of its tokens."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from tokenizers import Tokenizer

from actions.catalogue import CATALOGUE, ITEMS, JOINT, Call, make_call
from actions.errors import InputError
from agent.draft import CLASSES, ROLES, assemble
from agent.prompt import clean, encode_calls, encode_request, words


@dataclass(frozen=True)
class Lesson:
    """One request with its tags."""

    ids: list[int]
    tags: list[int]
    other: list[int]  # id of the word in its place, 0 to copy
    first: int
    whole: bool  # the tags say all of the label


def edges_of_words(text: str, start: int, end: int) -> bool:
    """Whether a span of a text cuts no word of letters in two."""

    def within(i: int) -> bool:
        return 0 < i < len(text) and all(c.isascii() and c.isalnum() for c in text[i - 1 : i + 1])

    return not within(start) and not within(end)


class Teacher:
    """Turns examples into lessons."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer

    def __call__(self, text: str, calls: Sequence[Call]) -> Lesson:
        """Raises `InputError` when the request cannot be read."""
        ids = encode_request(self.tokenizer, text)[1:-1]
        self.text = clean(text)
        padded = self.tokenizer.encode(" " + self.text, add_special_tokens=False)
        plain = padded if padded.ids == ids else self.tokenizer.encode(self.text, add_special_tokens=False)
        shift = 1 if plain is padded else 0
        self.spans = [(max(a - shift, 0), max(b - shift, 0)) for a, b in plain.offsets]
        self.ids, self.tags, self.other = ids, [0] * len(ids), [0] * len(ids)
        first, cursor = 0, 0
        for n, call in enumerate(calls):
            choice = next((call.args[a.name] for a in call.function.arguments if a.choices), "")
            of = CLASSES.index((CATALOGUE.index(call.function), choice))
            first = of if n == 0 else first
            ends = [cursor]
            for k, argument in enumerate(call.function.arguments):
                if argument.choices or not call.args[argument.name]:
                    continue
                role = ROLES.index((of, k))
                value = clean(call.args[argument.name])
                for part in value.split(JOINT) if argument.name == ITEMS else [value]:
                    ends.append(self._mark(part, role, cursor))
            cursor = max(ends)
        replaced = [o or i for i, o in zip(ids, self.other, strict=True)]
        whole = assemble(self.tokenizer, replaced, self.tags, first) == encode_calls(self.tokenizer, calls)
        return Lesson(ids, self.tags, self.other, first, whole)

    def _mark(self, value: str, role: int, cursor: int) -> int:
        """Tags the tokens of a value; where its span ends in the text."""
        for text, wanted in ((self.text, value), (self.text.lower(), value.lower())):
            places = []
            at = text.find(wanted)
            while at >= 0:
                inside = self._inside(at, at + len(wanted))
                if inside and edges_of_words(text, at, at + len(wanted)) and not any(self.tags[i] for i in inside):
                    places.append((at < cursor, at, inside))
                at = text.find(wanted, at + 1)
            if places:
                _, at, inside = min(places)
                self._tag(inside, role)
                return at + len(wanted)
        return self._mark_apart(value, role, cursor)

    def _inside(self, start: int, end: int) -> list[int]:
        """Tokens most of whose visible characters lie in a span."""
        found = []
        for i, (a, b) in enumerate(self.spans):
            seen = [p for p in range(a, b) if not self.text[p].isspace()] or range(a, b)
            if seen and sum(start <= p < end for p in seen) * 2 > len(seen):
                found.append(i)
        return found

    def _tag(self, tokens: Sequence[int], role: int) -> None:
        for n, i in enumerate(tokens):
            self.tags[i] = 1 + 2 * role + (n > 0)

    def _mark_apart(self, value: str, role: int, cursor: int) -> int:
        """A value that does not stand in the text as it is: words left out or put in others' place."""
        said = words(self.tokenizer, value)
        have = [-1 if tag else token for token, tag in zip(self.ids, self.tags, strict=True)]
        matcher = SequenceMatcher(None, have, said, autojunk=False)
        best = matcher.find_longest_match()
        if not best.size:
            return cursor
        low, high = best.a - 2 * best.b - 2, best.a + best.size + 2 * (len(said) - best.b - best.size) + 2
        tokens: list[int] = []
        for what, a, b, c, d in matcher.get_opcodes():
            if b <= low or a >= high or what == "insert":
                continue
            if what == "equal":
                tokens += range(a, b)
            elif what == "replace":
                taken = range(a, b) if c or b - a <= d - c else range(b - d + c, b)
                for i, j in zip(taken, range(c, d), strict=False):
                    if have[i] >= 0:
                        tokens.append(i)
                        self.other[i] = said[j]
        if len(tokens) * 2 < len(said):
            for i in tokens:
                self.other[i] = 0
            return cursor
        self._tag(tokens, role)
        return self.spans[tokens[-1]][1]


def lessons_of(path: Path, tokenizer: Tokenizer) -> list[Lesson]:
    """The lessons of a training set; requests without calls teach the base's language only."""
    teacher, lessons = Teacher(tokenizer), []
    for line in path.read_text(encoding="utf-8").splitlines():
        example = json.loads(line)
        if not example["calls"]:
            continue
        try:
            lessons.append(teacher(example["text"], [make_call(*call) for call in example["calls"]]))
        except InputError:
            continue  # longer than any request
    return lessons
