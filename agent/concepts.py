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

# how many visual tokens each group of words takes: the name, English and Chinese; the next likely one; the general one;
# attributes
NAME, NEXT, GENERAL = (5, 6), (4, 5), (2, 2)
ATTRIBUTES = ("color", "material", "room")
WORD_SLOTS = sum((*NAME, *NEXT, *GENERAL)) + len(ATTRIBUTES)
SURENESS = 4  # numbers that say how sure the names are
PROBABLE = 0.05  # of the next name, below which it is nothing to think of
CHOICES = 6  # names of which an argument may take words
BREED = {"dog": 0.6, "cat": 0.9}  # share of its species that a breed needs to be called by its name


@dataclass(frozen=True)
class Name:
    """One thing's words: `en` singular with `plural`, `zh`; `general` English and Chinese."""

    en: str
    plural: str
    zh: str
    general: tuple[str, str]


@dataclass(frozen=True)
class Wording:
    """What is seen in words: slot i is weights[i] times the embedding of the token ids[i].

    ids: int64 (WORD_SLOTS,); weights: float32 (WORD_SLOTS,), zero where there is no word, an attribute's probability;
    sureness: float32 (SURENESS,), the probabilities of the name, the next and the general one, and of the six likeliest
    together.
    """

    ids: np.ndarray
    weights: np.ndarray
    sureness: np.ndarray


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
        self._tables = [
            _padded(tokenizer, [(name.en, name.zh)[i] for name in self.names], max(NAME[i], NEXT[i])) for i in (0, 1)
        ]
        self._generals = [_padded(tokenizer, [pair[i] for pair in generals], GENERAL[i]) for i in (0, 1)]
        self._species = {  # general name of a breed to the name of its species
            generals.index(name.general): (place, BREED[name.en])
            for place, name in enumerate(self.names)
            if name.en in BREED and name.general in generals
        }
        self._attributes = {
            kind: _padded(tokenizer, [pair[0] for pair in pairs], 1)[:, 0] for kind, pairs in self.attributes.items()
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

    def likeliest(self, names: np.ndarray) -> tuple[int, int | None]:
        """What to call it and what else it might be (None: nothing else), from the probabilities of the names (names,).

        A dog or a cat whose breed is not clear is called by its species, and no breed comes next.
        """
        order = np.argsort(-names, kind="stable")
        first = int(order[0])
        general = int(self.general_of[first])
        species, share = self._species.get(general, (first, 0.0))
        unclear = names[first] < share * names[self.general_of == general].sum()
        rest = [int(i) for i in order[1:CHOICES] if not (unclear and self.general_of[i] == general)]
        second = rest[0] if rest and names[rest[0]] >= PROBABLE else None
        return (species if unclear else first), second

    def wording(self, names: np.ndarray, attributes: dict[str, np.ndarray]) -> Wording:
        """The word slots from the probabilities of the names (names,) and of each kind of attribute."""
        ids = np.zeros(WORD_SLOTS, np.int64)
        weights = np.zeros(WORD_SLOTS, np.float32)
        name, other = self.likeliest(names)
        generals = np.bincount(self.general_of, names, len(self._generals[0]))
        general = int(generals.argmax())
        start = 0
        for chosen, tables, sizes in (
            (name, self._tables, NAME),
            (other, self._tables, NEXT),
            (general, self._generals, GENERAL),
        ):
            for table, size in zip(tables, sizes, strict=True):
                if chosen is not None:
                    tokens = table[chosen, :size]
                    ids[start : start + size] = np.maximum(tokens, 0)
                    weights[start : start + size] = tokens >= 0
                start += size
        for kind in ATTRIBUTES:
            likely = int(attributes[kind].argmax())
            ids[start], weights[start] = max(self._attributes[kind][likely], 0), attributes[kind][likely]
            start += 1
        whole = float(np.sort(names)[-CHOICES:].sum())
        next_ = 0.0 if other is None else float(names[other])
        sureness = np.array([self._mass(names, name), next_, generals[general], whole], np.float32)
        return Wording(ids, weights, sureness)

    def _mass(self, names: np.ndarray, i: int) -> float:
        """Probability of a name; of a species that of all its breeds."""
        general = int(self.general_of[i])
        species, _ = self._species.get(general, (-1, 0.0))
        return float(names[self.general_of == general].sum() if i == species else names[i])

    def sayable(self, names: np.ndarray) -> set[int]:
        """Token ids of the words that the picture may put into an argument: those of the names in the slots."""
        return self._always.union(*(self._spoken[i] for i in self.likeliest(names) if i is not None))


def _padded(tokenizer: Tokenizer, texts: Sequence[str], size: int) -> np.ndarray:
    """int64 (texts, size): each text's first tokens; minus one where it has fewer."""
    table = np.full((len(texts), size), -1, np.int64)
    for i, text in enumerate(texts):
        ids = words(tokenizer, text)[:size]
        table[i, : len(ids)] = ids
    return table
