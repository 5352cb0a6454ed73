"""Synthesisers behind one small interface: sentences in, sound out as it comes.

EspeakSpeech     espeak-ng, a sentence at a time       device.voice.espeak
NeuralSpeech     the neural voices, piece by piece     device.voice.neural; where a language has none, espeak-ng
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np

from device.voice.espeak import RATE, EspeakEngine
from device.voice.neural import NeuralEngine
from device.voice.text import Segment

_QUIET = 300  # of 32768: below it is silence
_ONSET = 440  # samples kept before the first loud one: an h is faint
_GAP = 0.06  # seconds between the voices inside a sentence
_RESTS = {"": 0.0, ",": 0.12, ".": 0.2}  # seconds after a piece that ends with no mark, a comma, or a full stop
_COMMAS = ",:;，：；、"


class Engine(Protocol):
    """A synthesiser. `speak` is called by one thread, the others by any."""

    opening: int  # characters after which a first sentence is cut at its next comma; 0: it is not

    def prepare(self) -> None:
        """Loads what the first sentence would wait for."""

    def check(self) -> None:
        """Raises `TakoError` when it cannot speak at all."""

    def speak(
        self, sentences: Sequence[tuple[Segment, ...]], stop: threading.Event
    ) -> Generator[np.ndarray, None, None]:
        """The sound of the sentences as it comes: int16, shape (n,); ends early soon after `stop`. Raises
        `TakoError`."""

    def close(self) -> None: ...


class EspeakSpeech:
    """espeak-ng alone: each sentence when it is asked for."""

    opening = 0

    def __init__(self, espeak: EspeakEngine) -> None:
        self._espeak = espeak

    def prepare(self) -> None:
        """espeak-ng is quick."""

    def check(self) -> None:
        self._espeak.check()

    def speak(
        self, sentences: Sequence[tuple[Segment, ...]], stop: threading.Event
    ) -> Generator[np.ndarray, None, None]:
        for segments in sentences:
            if stop.is_set():
                return
            yield self._espeak.synthesise(segments)

    def close(self) -> None:
        self._espeak.close()


class NeuralSpeech:
    """The neural voices; `espeak` speaks the language that they lack. All they are to say is asked for at once, so that
    what comes next is made while something is heard."""

    opening = 90

    def __init__(self, neural: NeuralEngine, espeak: EspeakEngine | None = None, volume: float = 1.0) -> None:
        self._neural, self._espeak, self._volume = neural, espeak, volume

    def prepare(self) -> None:
        self._neural.prepare()

    def check(self) -> None:
        self._neural.check()
        if self._espeak is not None:
            self._espeak.check()

    def speak(
        self, sentences: Sequence[tuple[Segment, ...]], stop: threading.Event
    ) -> Generator[np.ndarray, None, None]:
        self._neural.check()  # a child that has died since is started again
        asked = [[(segment, self._ask(segment)) for segment in segments] for segments in sentences]
        try:
            for segments in asked:
                for place, (segment, ticket) in enumerate(segments):
                    if stop.is_set():
                        return
                    if place:
                        yield _silence(_GAP)
                    yield from self._sound(segment, ticket, stop)
                yield _silence(_rest(segments[-1][0].text) if segments else 0.0)
        finally:
            self._neural.forget()

    def close(self) -> None:
        self._neural.close()
        if self._espeak is not None:
            self._espeak.close()

    def _ask(self, segment: Segment) -> int | None:
        return self._neural.ask(segment) if segment.lang in self._neural.languages else None

    def _sound(self, segment: Segment, ticket: int | None, stop: threading.Event) -> Iterator[np.ndarray]:
        if ticket is not None:
            for sound in trimmed(self._neural.heard(ticket, stop)):
                yield sound if self._volume == 1.0 else (sound * self._volume).astype(np.int16)
        elif self._espeak is not None:
            yield self._espeak.segment(segment)


def trimmed(sounds: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """One sound that comes in pieces, without the silence before and after it."""
    begun, held = False, [np.zeros(0, np.int16)]
    for sound in sounds:
        loud = np.flatnonzero(np.abs(sound.astype(np.int32)) > _QUIET)
        if not len(loud):
            held += [sound] if begun else []
            continue
        end = int(loud[-1]) + 1
        yield np.concatenate([*held, sound[0 if begun else max(0, int(loud[0]) - _ONSET) : end]])
        begun, held = True, [sound[end:]]


def _rest(text: str) -> float:
    """Seconds of silence after a piece."""
    mark = text.rstrip()[-1:]
    return _RESTS["," if mark in _COMMAS else "" if mark.isalnum() else "."]


def _silence(seconds: float) -> np.ndarray:
    return np.zeros(int(seconds * RATE), np.int16)
