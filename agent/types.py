"""The values that pass through the mind, and its seam."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from actions.catalogue import Call

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image


@dataclass(frozen=True)
class Percept:
    """What tako heard and saw in one turn."""

    text: str
    lang: str = ""  # "en", "zh", or empty: judged by the text's script (`agent.language.language_of`)
    image: Image | None = None  # RGB, upright


@dataclass(frozen=True)
class Decision:
    """What tako decided: at least one call; `none` is a call like any other."""

    calls: tuple[Call, ...]
    lang: str
    confidence: float  # calibrated probability that every function is right, 0 to 1
    refused: Call | None = None  # first call the model would have made had it been sure enough
    ms: Mapping[str, float] = field(default_factory=dict)  # milliseconds of each stage of deciding


@runtime_checkable
class Decider(Protocol):
    """Turns a percept into a decision."""

    def decide(self, percept: Percept) -> Decision:
        """Raises `actions.errors.InputError` for a request that cannot be read at all (empty, far too long)."""


@runtime_checkable
class Observer(Protocol):
    """Understands pictures."""

    def look(self, image: Image) -> object:
        """Takes in a picture (RGB, upright), so that a request about the very same one need not wait for it.
        None when it has no eyes."""

    def describe(self, image: Image, question: str) -> str:
        """What it says to a question about a picture, a sentence or two in the question's language; empty when it has
        no eyes. Raises `actions.errors.InputError` for a question that cannot be read."""


@runtime_checkable
class Embedder(Protocol):
    """Makes a vector of a picture, by which it can be found again."""

    def embedding(self, image: Image) -> np.ndarray | None:
        """float32 (n,), unit length, of a picture (RGB, upright); None when it has no eyes."""


@runtime_checkable
class LanguageModel(Protocol):
    """Knows what people say to tako."""

    def log_likelihoods(self, texts: Sequence[str]) -> list[float]:
        """Log probability of each as a request (natural logarithm); minus infinity for one that cannot be read."""
