"""Texts as vectors, made of the text model that is there anyway: phrases that mean the like lie near each
other, English and Chinese in one space.

A text is the weighted mean of the rows of the embedding table for its tokens. Frequent tokens weigh little (smooth
inverse frequency, Arora et al. 2017, "A Simple but Tough-to-Beat Baseline for Sentence Embeddings"; the rank of a token
in the vocabulary stands for its frequency, by Zipf's law). What all texts share is taken away: the mean of a sample of
the table and its first principal components (Mu and Viswanath 2018, "All-but-the-Top"). No pass of the model is
needed, and of the mapped table only the rows that are used are read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from agent.bundle import Bundle, Embedding, damaged
from agent.prompt import FIRST_TEXT_ID, clean, words

LONGEST = 1000  # characters of a text that are read
SAMPLE = 4096  # rows of the table that its mean and its components are estimated from
COMPONENTS = 20  # principal components taken away
SMOOTHING = 1e-3  # Arora et al.'s a: a token of this frequency weighs half
CHARACTER_RANK = 3000  # of a single character


@dataclass(frozen=True)
class Space:
    """What all texts share, which is taken away from each: estimated from a sample of the table."""

    mean: np.ndarray  # float32 (hidden,)
    components: np.ndarray  # float32 (COMPONENTS, hidden)

    @classmethod
    def of(cls, rows: np.ndarray) -> Space:
        """rows: float32 (sample, hidden)."""
        mean = rows.mean(0)
        centred = rows - mean
        _, vectors = np.linalg.eigh(centred.T @ centred)
        return cls(mean, np.ascontiguousarray(vectors[:, -COMPONENTS:].T, np.float32))


class TextMeaning:
    """Vectors of texts from the embedding table of a built model. Safe in several threads.

    embed: token ids to float32 (1, n, hidden), as `agent.bundle.Embedding` does.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        embed: Callable[[list[int]], np.ndarray],
    ) -> None:
        self._tokenizer = tokenizer
        self._embed = embed

    @classmethod
    def read(cls, folder: Path) -> TextMeaning:
        """From the bundle in `folder`, without loading its graph. Raises `ModelError`."""
        bundle = Bundle(folder)
        try:
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # tokenizers raises bare Exception
            raise damaged("the tokenizer cannot be read") from error
        return cls(tokenizer, Embedding(bundle))

    def of_texts(self, texts: Sequence[str]) -> np.ndarray:
        """float32 (texts, hidden), unit length; zero for a text without words."""
        ids = [words(self._tokenizer, clean(text[:LONGEST])) for text in texts]
        known = sorted({token for of_text in ids for token in of_text})
        row = {token: place for place, token in enumerate(known)}
        rows = unit(self._rows(known) - self._space.mean)
        weights = self._weights(np.array(known, np.int64))
        vectors = np.zeros((len(texts), len(self._space.mean)), np.float32)
        for vector, of_text in zip(vectors, ids, strict=True):
            if of_text:
                places = [row[token] for token in of_text]
                vector += weights[places] @ rows[places]
        components = self._space.components
        return unit(vectors - (vectors @ components.T) @ components)

    def of_picture(self, path: Path) -> None:
        """None: pictures are the eyes' (`Sight.embedding`)."""

    @cached_property
    def _space(self) -> Space:
        """Estimated once, from rows that lie evenly in the table."""
        first, end = FIRST_TEXT_ID, self._tokenizer.get_vocab_size()
        return Space.of(self._rows(np.unique(np.linspace(first, end - 1, SAMPLE).astype(int)).tolist()))

    def _rows(self, ids: list[int]) -> np.ndarray:
        rows = self._embed(ids)[0] if ids else np.zeros((0, self._embed([FIRST_TEXT_ID]).shape[-1]), np.float32)
        return np.asarray(rows / np.sqrt(np.float32(rows.shape[1])), np.float32)

    def _weights(self, ids: np.ndarray) -> np.ndarray:
        """float32, the shape of `ids`: a / (a + frequency), the frequency by Zipf's law from the token's rank. Merged
        tokens are ranked by the vocabulary; single characters stand behind them in no such order and weigh alike."""
        size = self._tokenizer.get_vocab_size()
        rank = np.where(ids < self._characters, np.maximum(ids - FIRST_TEXT_ID, 1), CHARACTER_RANK)
        frequency = 1.0 / (rank * np.log(size))
        return np.asarray(SMOOTHING / (SMOOTHING + frequency), np.float32)

    @cached_property
    def _characters(self) -> int:
        """The first id of the single characters at the end of the vocabulary."""
        end = self._tokenizer.get_vocab_size()
        start = end
        while start > FIRST_TEXT_ID and len(self._tokenizer.id_to_token(start - 1) or "") == 1:
            start -= 1
        return start


def unit(vectors: np.ndarray) -> np.ndarray:
    """float32 (n, width): each at length 1, a zero vector stays one."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-9), np.float32)
