"""A transcriber that hears what it was told to, for the simulator and for tests. It ignores the sound."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from agent.language import language_of
from device.seams import SAMPLE_RATE, Transcript


class ScriptedTranscriber:
    """Gives the given texts in turn, one for each utterance; when they are used up it hears nothing."""

    name = "scripted"
    languages: tuple[str, ...] = ("en", "zh")

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = list(texts)

    def transcribe(self, chunks: Iterable[np.ndarray], on_partial: Callable[[str], None] | None = None) -> Transcript:
        samples = sum(len(chunk) for chunk in chunks)
        end = time.perf_counter()
        text = self._texts.pop(0) if self._texts else ""
        if on_partial is not None and text:
            on_partial(text)
        ms = 1000 * (time.perf_counter() - end)
        confidence = 1.0 if text else 0.0
        return Transcript(text, language_of(text), confidence, (), self.name, samples / SAMPLE_RATE, ms)

    def close(self) -> None:
        """Nothing to give back."""
