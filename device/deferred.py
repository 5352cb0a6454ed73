"""A mind and an ear that are made when first needed, and looked for again as long as they cannot be.

So a gadget without a model still answers every press with a sentence, and hears again once the model has come. Knows
no implementation.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Generic, TypeVar

from agent.types import Decider, Decision, Embedder, Observer, Percept
from device.seams import Transcriber, Transcript

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

T = TypeVar("T")


class Deferred(Generic[T]):
    """Makes the part at the first `get`; from any thread."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: T | None = None
        self._lock = threading.Lock()

    def get(self) -> T:
        """Raises what `make` raises, and tries again the next time."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    @property
    def made(self) -> T | None:
        return self._made


class DeferredDecider(Deferred[Decider]):
    """A `Decider`, and an `Observer` and `Embedder` as far as the one it makes is. Whoever looks first makes it."""

    def decide(self, percept: Percept) -> Decision:
        return self.get().decide(percept)

    def look(self, image: Image) -> object:
        mind = self.get()
        return mind.look(image) if isinstance(mind, Observer) else None

    def describe(self, image: Image, question: str) -> str:
        mind = self.get()
        return mind.describe(image, question) if isinstance(mind, Observer) else ""

    def embedding(self, image: Image) -> np.ndarray | None:
        mind = self.get()
        return mind.embedding(image) if isinstance(mind, Embedder) else None


class DeferredTranscriber(Deferred[Transcriber]):
    """A `Transcriber`."""

    name = "deferred"

    def __init__(self, make: Callable[[], Transcriber], languages: tuple[str, ...]) -> None:
        """`languages`: those that are on; which of them are understood shows when it is made."""
        super().__init__(make)
        self.languages = languages

    def transcribe(self, chunks: Iterable[np.ndarray], on_partial: Callable[[str], None] | None = None) -> Transcript:
        return self.get().transcribe(chunks, on_partial)

    def close(self) -> None:
        if self.made is not None:
            self.made.close()
