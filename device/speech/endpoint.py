"""Endpointing: where an utterance ends.

    hold   the button is held while speaking: the utterance ends with its release
    tap    the button is tapped: the utterance ends with silence after speech, or when nobody speaks
    none   no button (a recording): the utterance ends with the sound

In each of them a limit of seconds holds. All times are counted in samples that came in, not on a clock, so a recording
that is read faster than it was spoken ends at the same sample. Knows neither recogniser nor microphone.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Annotated

import msgspec
import numpy as np

from device.seams import SAMPLE_RATE
from device.speech.vad import PROOF, SPEECH, STILL_SPEECH, WINDOW, Detector, SileroDetector

Seconds = Annotated[float, msgspec.Meta(ge=0.1, le=60)]


class EndpointSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When tako stops listening; all in seconds."""

    hold_seconds: Seconds = 0.5  # a button released later than this was held: its release ends the utterance
    # still recorded after such a release, for the last syllable
    tail_seconds: Annotated[float, msgspec.Meta(ge=0, le=2)] = 0.2
    silence_seconds: Seconds = 1.0  # silence after speech that ends the utterance after a tap
    patience_seconds: Seconds = 5.0  # waits so long for somebody to speak after a tap
    limit_seconds: Seconds = 30.0  # no utterance is longer


class End(Enum):
    """Why an utterance ended."""

    RELEASED = "released"
    SILENCE = "silence"
    NOTHING = "nothing"  # nobody spoke
    LIMIT = "limit"
    SOUND = "sound"  # the sound itself ended


class Utterance:
    """The chunks of one utterance as they arrive; iterate once. `heard`, `seconds` and `end` tell how it went."""

    def __init__(
        self,
        chunks: Iterable[np.ndarray],
        released: threading.Event | None,
        settings: EndpointSettings,
        detector: Detector,
    ) -> None:
        self.heard = False  # somebody spoke
        self.end: End | None = None  # None while it lasts
        self._samples = 0
        self._silence = 0  # samples since the last speech
        self._run = 0  # windows of speech in a row
        self._chunks = chunks
        self._released = released
        self._settings = settings
        self._detector = detector

    @property
    def seconds(self) -> float:
        return self._samples / SAMPLE_RATE

    def __iter__(self) -> Iterator[np.ndarray]:
        self._detector.reset()
        limit = round(self._settings.limit_seconds * SAMPLE_RATE)
        released_at: int | None = None  # sample at which the release was seen
        for chunk in self._chunks:
            if self._released is not None and released_at is None and self._released.is_set():
                released_at = self._samples
            chunk = chunk[: limit - self._samples]
            self._samples += len(chunk)
            self._judge(chunk)
            yield chunk
            self.end = self._ended(limit, released_at)
            if self.end is not None:
                return
        self.end = End.SOUND

    def _judge(self, chunk: np.ndarray) -> None:
        for probability in self._detector.feed(chunk):
            self._run = self._run + 1 if probability >= SPEECH else 0
            self.heard = self.heard or self._run >= PROOF
            self._silence = 0 if probability >= STILL_SPEECH else self._silence + WINDOW

    def _ended(self, limit: int, released_at: int | None) -> End | None:
        settings = self._settings
        if self._samples >= limit:
            return End.LIMIT
        if released_at is None:
            return None
        if released_at > settings.hold_seconds * SAMPLE_RATE:
            return End.RELEASED if self._samples - released_at >= settings.tail_seconds * SAMPLE_RATE else None
        if self.heard:
            return End.SILENCE if self._silence >= settings.silence_seconds * SAMPLE_RATE else None
        return End.NOTHING if self._samples >= settings.patience_seconds * SAMPLE_RATE else None


class Endpointer:
    """Cuts utterances out of a microphone's chunks. Raises `ModelError` when the speech detector is missing."""

    def __init__(self, settings: EndpointSettings | None = None, detector: Detector | None = None) -> None:
        self._settings = settings or EndpointSettings()
        self._detector = detector or SileroDetector()

    def listen(self, chunks: Iterable[np.ndarray], released: threading.Event | None = None) -> Utterance:
        """The utterance that begins with `chunks` (int16, mono, 16 kHz); `released` is None when there is no button."""
        return Utterance(chunks, released, self._settings, self._detector)
