"""A recogniser whose readings are judged once more, by the model that will answer the request.

Whisper's best reading is often beaten by another of its own: 我的笑圆卡丢了 and 我的校园卡丢了 sound alike,
and only one is likely to be said. A reading's score is the recogniser's plus that of a language model (log-linear
interpolation, as n-best lists have been rescored since Ostendorf et al. 1991). Nothing is invented: what wins, the
recogniser heard, too. Knows neither engine nor model.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from device.seams import Reading, Transcriber, Transcript

LIKELIHOOD_WEIGHTS = {"en": 0.2, "zh": 0.4}  # of the model's log probability beside the recogniser's; chosen on dev
_WORTH = 8.0  # nats that a reading may be behind the best one and still be asked about
_MARKS = re.compile(r"[.,:](?!\w)|[!?;\"…，。！？；：、“”（）]")
_HAN_GAP = re.compile(r"(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])")

# log probability of each text; None where no model knows
Likelihoods = Callable[[Sequence[str]], Sequence[float] | None]


class RescoringTranscriber:
    """A `Transcriber` that takes the readings of another (`plain`) and gives the one that is likeliest to be meant."""

    def __init__(
        self, transcriber: Transcriber, likelihoods: Likelihoods, weights: Mapping[str, float] = LIKELIHOOD_WEIGHTS
    ) -> None:
        """`weights`: for each language."""
        self.plain, self._likelihoods, self._weights = transcriber, likelihoods, weights
        self.name, self.languages = transcriber.name, transcriber.languages

    def transcribe(self, chunks: Iterable[np.ndarray], on_partial: Callable[[str], None] | None = None) -> Transcript:
        """As the seam says."""
        return rescored(self.plain.transcribe(chunks, on_partial), self._likelihoods, self._weights)

    def close(self) -> None:
        self.plain.close()


def rescored(
    transcript: Transcript, likelihoods: Likelihoods, weights: Mapping[str, float] = LIKELIHOOD_WEIGHTS
) -> Transcript:
    """The transcript with the text that is likeliest to be meant among its readings."""
    begun = time.perf_counter()
    readings, weight = distinct(transcript.readings), weights.get(transcript.lang, 0.0)
    if len(readings) < 2 or not weight:
        return transcript
    told = likelihoods([spoken(reading.text) for reading in readings])
    if told is None:
        return transcript
    scores = [r.logprob + weight * p for r, p in zip(readings, told, strict=True)]
    best = readings[scores.index(max(scores))]
    return replace(transcript, text=best.text, ms=transcript.ms + 1000 * (time.perf_counter() - begun))


def spoken(text: str) -> str:
    """The text as it sounds: without case and punctuation, which are whisper's taste and would count for likelihood."""
    return _HAN_GAP.sub("", " ".join(_MARKS.sub(" ", text.lower()).split()))


def distinct(readings: Sequence[Reading]) -> list[Reading]:
    """Those that differ in more than case and punctuation and are not far behind the likeliest, in the same order."""
    least = max((reading.logprob for reading in readings), default=0.0) - _WORTH
    kept: dict[str, Reading] = {}
    for reading in readings:
        letters = re.sub(r"[\W_]+", "", reading.text.lower())
        if letters and reading.logprob > least:
            kept.setdefault(letters, reading)
    return list(kept.values())
