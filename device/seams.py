"""The seams of the body: small Protocols, each with a real and a simulated implementation, and the values that
cross them.

Trigger      gpiozero button | Enter key | script           device/pi/trigger.py     device/sim/trigger.py
Camera       picamera2 | folder of pictures | none           device/pi/camera.py      device/sim/camera.py
Microphone   sounddevice | WAV file                          device/speech/microphone.py
Transcriber  vosk | whisper | scripted                       device/speech/
Decider      ONNX model | scripted                           agent/
Action       one per function                                actions/
Confirmer    spoken | terminal | scripted                     device/confirm.py
Voice        pyttsx3 | file | print                          device/voice/
Indicator    LED + earcons | terminal | silent               device/pi/indicator.py   device/sim/indicator.py
Journal      SQLite | memory                                 device/journal.py
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    from actions.base import Outcome, Request
    from agent.types import Decision

SAMPLE_RATE = 16_000  # Hz; every chunk of sound in tako is mono int16 at this rate
CHUNK = 1_600  # samples: 100 ms

Chunk = "np.ndarray"  # int16, shape (n,), mono, SAMPLE_RATE; n is CHUNK but for the last of an utterance


@dataclass(frozen=True)
class Press:
    """A press of the button. It is handed over, and tako listens, at once; what it means may show later, by what is set
    then."""

    at: float  # time.monotonic()
    released: threading.Event = field(default_factory=threading.Event)  # the finger has left it (at once for a key)
    doubled: threading.Event = field(default_factory=threading.Event)  # pressed twice: it means to take back
    long: threading.Event = field(default_factory=threading.Event)  # held so long that, in silence, it means to mute
    cancelled: threading.Event = field(default_factory=threading.Event)  # a double press came later, during its turn


@dataclass(frozen=True)
class Word:
    """One recognised word; times in seconds from the start of the utterance."""

    text: str
    start: float
    end: float
    confidence: float  # 0 to 1


@dataclass(frozen=True)
class Reading:
    """One way to hear an utterance."""

    text: str
    logprob: float  # of all its tokens together, by the recogniser


@dataclass(frozen=True)
class Transcript:
    """What a recogniser made of an utterance. Empty text: nothing was said (silence, noise)."""

    text: str
    lang: str  # "en" or "zh"
    confidence: float = 1.0  # 0 to 1, mean over the words
    words: tuple[Word, ...] = ()
    engine: str = ""
    seconds: float = 0.0  # length of the utterance
    ms: float = 0.0  # from the end of the utterance to the transcript
    readings: tuple[Reading, ...] = ()  # what it may have been, the recogniser's own choice first


class State(Enum):
    """What the light shows."""

    READY = "ready"
    LISTENING = "listening"
    THINKING = "thinking"
    ASKING = "asking"
    ACTING = "acting"
    SPEAKING = "speaking"
    MUTED = "muted"
    OFFLINE = "offline"
    ERROR = "error"


class Expects(Enum):
    """What a question waits for, and so how its answer is heard."""

    CONSENT = "consent"  # a yes to what was read back; or a no, or a correction
    YES_NO = "yes or no"
    WORDS = "words"  # a name, a thing, a sentence


@dataclass(frozen=True)
class TurnRecord:
    """One turn as the history keeps it."""

    started: float  # time.time()
    transcript: Transcript
    decision: Decision | None
    outcomes: tuple[Outcome, ...]
    spoken: str
    ms: Mapping[str, float]  # milliseconds of each stage
    image: str = ""  # path of the picture kept, empty when none was kept
    error: str = ""


@runtime_checkable
class Trigger(Protocol):
    """The button."""

    def wait(self, timeout: float | None = None) -> Press | None:
        """The next press; None after `timeout` seconds or when there will be none any more (`closed`)."""

    def pressed(self) -> bool:
        """Whether there was a press since the last `wait` or `pressed` (to stop what is being spoken)."""

    @property
    def closed(self) -> bool: ...

    def close(self) -> None: ...


@runtime_checkable
class Camera(Protocol):
    """The eye."""

    def frame(self) -> Image | None:
        """One upright RGB picture; None when there is no camera. Raises `DeviceError` or `InputError`."""

    def close(self) -> None: ...


@runtime_checkable
class LiveCamera(Camera, Protocol):
    """An eye that goes on seeing what it was pointed at."""

    def more(self) -> Iterator[Image]:
        """A few further frames of the same press, as they come. Raises as `frame` does."""


@runtime_checkable
class Microphone(Protocol):
    """The ear: `with microphone.open() as chunks: for chunk in chunks: ...`."""

    def open(self) -> AbstractContextManager[Iterator[np.ndarray]]:
        """Starts to record; the iterator ends when the sound ends (a WAV) or the context is left. Raises
        `DeviceError`, `InputError`."""


@runtime_checkable
class Transcriber(Protocol):
    """Speech to text."""

    name: str  # "vosk", "whisper", ...
    languages: tuple[str, ...]  # of "en", "zh" (and "ko" for the test model)

    def transcribe(self, chunks: Iterable[np.ndarray], on_partial: Callable[[str], None] | None = None) -> Transcript:
        """Consumes one utterance as it arrives and returns its transcript. Raises `ModelError`."""

    def close(self) -> None: ...


@runtime_checkable
class Confirmer(Protocol):
    """Asks the user."""

    def ask(self, request: Request, question: str, expects: Expects) -> str:
        """What the user answers, as it was said; empty for silence. What it means is the asker's to judge.

        Raises `DeviceError` or `ModelError` when it cannot ask or listen.
        """


@runtime_checkable
class Voice(Protocol):
    """Text to speech, off the caller's thread."""

    def say(self, text: str, lang: str) -> None:
        """Starts to speak (after what is being spoken). Raises `DeviceError` when nothing can be spoken at all."""

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until all is said; False when `timeout` seconds were not enough."""

    def stop(self) -> None:
        """Falls silent at once and forgets what was still to be said."""

    def close(self) -> None: ...


@runtime_checkable
class Indicator(Protocol):
    """Light and earcons; never raises."""

    def show(self, state: State, note: str = "") -> None: ...

    def close(self) -> None: ...


@runtime_checkable
class Journal(Protocol):
    """The history: turns, and the calls that are to be carried out."""

    def begin(self, request: Request, hold: float = 0.0) -> str:
        """Keeps a call durably before it is carried out and returns its key; see `actions.outbox.Outbox`."""

    def end(self, key: str, outcome: Outcome) -> None:
        """Keeps what came of it."""

    def record(self, turn: TurnRecord) -> int:
        """Keeps a turn and returns its number."""
