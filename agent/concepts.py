"""What the image tower can recognise, and the words people use for it: the table of concepts that comes with a release.

A concept is one class of the tower. Several may share a name ("mushroom"); each also has a more general name ("fruit")
for when the exact one is in doubt. Knows words and probabilities; knows no pixels.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from agent.prompt import words

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# how many visual tokens each group of words takes: the likeliest name, the next one, the general one, attributes
ENGLISH, CHINESE = 5, 6
NEXT = 3
GENERAL = 2
ATTRIBUTES = ("color", "material", "room")
WORD_SLOTS = ENGLISH + CHINESE + 2 * NEXT + 2 * GENERAL + len(ATTRIBUTES)
CHOICES = 6  # names that may share a slot
SHARPNESS = 2.0  # exponent on the names' probabilities: words that lie on top of each other cannot be read


@dataclass(frozen=True)
class Name:
    """One thing's words: `en` singular with `plural`, `zh`; `general` English and Chinese."""

    en: str
    plural: str
    zh: str
    general: tuple[str, str]


@dataclass(frozen=True)
class Mixture:
    """Word slots as weighted token ids: slot i is the sum over j of weights[i, j] * embedding(ids[i, j]).

    ids: int64 (slots, choices); weights: float32 (slots, choices), zero where a slot has fewer words.
    """

    ids: np.ndarray
    weights: np.ndarray


class Concepts:
    """The table with its words as token ids.

    `table`: {"concepts": [{"en", "plural", "zh", "general_en", "general_zh"}, ...], "color": [[en, zh], ...],
    "material": ..., "room": ...}; the order is the tower's.
    """

    def __init__(self, table: dict[str, Any], tokenizer: Tokenizer) -> None:
        rows = table["concepts"]
        named = [Name(r["en"], r["plural"], r["zh"], (r["general_en"], r["general_zh"])) for r in rows]
        self.names = list(dict.fromkeys(named))
        place = {name: i for i, name in enumerate(self.names)}
        self.name_of = np.array([place[name] for name in named])
        generals = list(dict.fromkeys(name.general for name in self.names))
        self.general_of = np.array([generals.index(name.general) for name in self.names])
        self.attributes = {kind: [tuple(pair) for pair in table[kind]] for kind in ATTRIBUTES}
        self._english = _padded(tokenizer, [name.en for name in self.names], ENGLISH)
        self._chinese = _padded(tokenizer, [name.zh for name in self.names], CHINESE)
        self._generals = tuple(_padded(tokenizer, [pair[i] for pair in generals], GENERAL) for i in (0, 1))
        self._attributes = {
            kind: _padded(tokenizer, [pair[0] for pair in pairs], 1) for kind, pairs in self.attributes.items()
        }
        self._spoken = [
            {t for text in (name.en, name.plural, name.zh, *name.general) for t in words(tokenizer, text)}
            for name in self.names
        ]
        self._always = {
            t for pairs in self.attributes.values() for pair in pairs for text in pair for t in words(tokenizer, text)
        }

    @classmethod
    def read(cls, path: Path, tokenizer: Tokenizer) -> Concepts:
        """Raises `OSError`, `ValueError` or `KeyError` when the file is not such a table."""
        return cls(json.loads(path.read_text(encoding="utf-8")), tokenizer)

    def probabilities(self, concepts: np.ndarray) -> np.ndarray:
        """Of each name, from those of the concepts (concepts,)."""
        return np.bincount(self.name_of, concepts, len(self.names))

    def mixture(self, names: np.ndarray, attributes: dict[str, np.ndarray]) -> Mixture:
        """The word slots from the probabilities of the names (names,) and of each kind of attribute."""
        ids = np.zeros((WORD_SLOTS, CHOICES), np.int64)
        weights = np.zeros((WORD_SLOTS, CHOICES), np.float32)
        top = np.argsort(-names, kind="stable")[: CHOICES + 1]
        start = 0
        for chosen, tables in ((top[:CHOICES], (ENGLISH, CHINESE)), (top[1:], (NEXT, NEXT))):
            share = _sharp(names[chosen])
            for table, size in zip((self._english, self._chinese), tables, strict=True):
                _fill(ids, weights, start, table[chosen, :size], share)
                start += size
        generals = np.bincount(self.general_of, names, len(self._generals[0]))
        likely = np.argsort(-generals, kind="stable")[:CHOICES]
        for table in self._generals:
            _fill(ids, weights, start, table[likely], _sharp(generals[likely]))
            start += GENERAL
        for kind in ATTRIBUTES:
            likely = np.argsort(-attributes[kind], kind="stable")[:CHOICES]
            _fill(ids, weights, start, self._attributes[kind][likely], attributes[kind][likely])
            start += 1
        return Mixture(ids, weights)

    def sayable(self, names: np.ndarray) -> set[int]:
        """Token ids of the words that the picture may put into an argument."""
        top = np.argsort(-names, kind="stable")[:CHOICES]
        return self._always.union(*(self._spoken[i] for i in top if names[i] > 0.02))


def _padded(tokenizer: Tokenizer, texts: Sequence[str], size: int) -> np.ndarray:
    """int64 (texts, size): each text's first tokens; minus one where it has fewer."""
    table = np.full((len(texts), size), -1, np.int64)
    for i, text in enumerate(texts):
        ids = words(tokenizer, text)[:size]
        table[i, : len(ids)] = ids
    return table


def _sharp(p: np.ndarray) -> np.ndarray:
    """Shares of the whole, the likely ones made likelier."""
    raised = np.maximum(p, 1e-9) ** SHARPNESS
    return raised / raised.sum()


def _fill(ids: np.ndarray, weights: np.ndarray, start: int, tokens: np.ndarray, share: np.ndarray) -> None:
    """Puts the tokens (choices, size) of names with these shares (choices,) into the slots from `start` on."""
    there = tokens >= 0
    size, count = tokens.shape[1], len(share)
    ids[start : start + size, :count] = np.where(there, tokens, 0).T
    weights[start : start + size, :count] = (there * share[:, None]).T
