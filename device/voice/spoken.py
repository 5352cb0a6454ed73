"""The voices that make sound: a queue of texts and a thread that synthesises and plays them, one after the other.

    Pyttsx3Voice(settings)                   espeak-ng, to the speaker
    NeuralVoice(settings, folders, espeak)   the neural voices, to the speaker
    FileVoice(path, settings)                to a WAV, what is said is appended

`stop` falls silent within the speaker's block of 20 ms and its driver's own time; it waits for nothing. Trouble that
comes up while speaking (a speaker unplugged, a full disk) is told by the next `wait` or `say`, once.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from actions.errors import DeviceError, TakoError
from device.voice.engines import Engine, EspeakSpeech, NeuralSpeech
from device.voice.espeak import PATIENCE, RATE, EspeakEngine
from device.voice.neural import NeuralEngine
from device.voice.settings import VoiceSettings
from device.voice.sinks import Sink, Speaker, WavFile
from device.voice.text import prepare, sentences

STALL = PATIENCE + 5.0  # seconds without progress after which the speaker is taken for stuck
_LEAVE = 2.0  # seconds that `close` gives the thread


class SpokenVoice:
    """A voice from a synthesiser and a sink. Every method may be called from any thread."""

    def __init__(self, engine: Engine, sink: Sink) -> None:
        self._engine = engine
        self._sink = sink
        self._change = threading.Condition()
        self._queue: deque[tuple[str, str]] = deque()
        self._stop = threading.Event()  # of what is being spoken now; a new one for each utterance
        self._speaking = False
        self._closed = False
        self._trouble: TakoError | None = None
        self._progress = time.monotonic()
        self._thread = threading.Thread(target=self._work, name="voice", daemon=True)
        self._thread.start()

    def say(self, text: str, lang: str) -> None:
        """Starts to speak (after what is being spoken). Raises `DeviceError` when nothing can be spoken at all."""
        if not self._closed:
            self._engine.check()
            self._sink.check()
        with self._change:
            if self._closed:
                raise DeviceError("The voice is closed.", "语音已经关闭。")
            self._tell()
            self._queue.append((text, lang))
            self._change.notify_all()

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until all is said; False when `timeout` seconds were not enough.

        Raises `DeviceError` for what has failed since the last call.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._change:
            while self._queue or self._speaking:
                if time.monotonic() - self._progress > STALL:
                    self._trouble = DeviceError("The speaker does not take the sound.", "扬声器没有反应。")
                    break
                left = 1.0 if deadline is None else deadline - time.monotonic()
                if left <= 0:
                    return False
                self._change.wait(min(left, 1.0))
            self._tell()
        return True

    def stop(self) -> None:
        """Falls silent at once and forgets what was still to be said."""
        with self._change:
            self._queue.clear()
            self._stop.set()
            self._trouble = None
            self._change.notify_all()

    def close(self) -> None:
        """Stops, and gives back what it holds."""
        with self._change:
            if self._closed:
                return
            self._closed = True
        self.stop()
        self._engine.close()
        self._thread.join(_LEAVE)
        if not self._thread.is_alive():  # a stuck driver keeps its thread; it is a daemon
            self._sink.close()

    def _tell(self) -> None:
        trouble, self._trouble = self._trouble, None
        if trouble is not None:
            raise trouble

    def _work(self) -> None:
        self._engine.prepare()
        for text, lang, stop in self._utterances():
            try:
                self._speak(text, lang, stop)
            except TakoError as error:
                with self._change:
                    if not stop.is_set():
                        self._trouble = error

    def _utterances(self) -> Iterator[tuple[str, str, threading.Event]]:
        while True:
            with self._change:
                self._speaking = False
                self._change.notify_all()
                self._change.wait_for(lambda: self._queue or self._closed)
                if self._closed:
                    return
                text, lang = self._queue.popleft()
                self._stop = stop = threading.Event()
                self._speaking = True
                self._alive()
            yield text, lang, stop

    def _speak(self, text: str, lang: str, stop: threading.Event) -> None:
        said = [prepare(sentence, lang) for sentence in sentences(text, self._engine.opening)]
        with closing(self._engine.speak([segments for segments in said if segments], stop)) as sounds:
            self._sink.stream(sounds, stop, self._alive)

    def _alive(self) -> None:
        self._progress = time.monotonic()


class Pyttsx3Voice(SpokenVoice):
    """pyttsx3 on espeak-ng, to the speaker."""

    def __init__(self, settings: VoiceSettings | None = None) -> None:
        settings = settings or VoiceSettings()
        super().__init__(EspeakSpeech(EspeakEngine(settings)), Speaker(settings.device, RATE))


class NeuralVoice(SpokenVoice):
    """The neural voices in `folders` (language to folder), to the speaker; espeak-ng for what they lack."""

    def __init__(self, settings: VoiceSettings, folders: Mapping[str, Path]) -> None:
        super().__init__(engine_of(settings, folders), Speaker(settings.device, RATE))


class FileVoice(SpokenVoice):
    """The same synthesisers, to a WAV (mono int16, 22,050 Hz). Raises `DeviceError` when it cannot be written."""

    def __init__(
        self, path: Path, settings: VoiceSettings | None = None, folders: Mapping[str, Path] | None = None
    ) -> None:
        sink = WavFile(path, RATE)
        super().__init__(engine_of(settings or VoiceSettings(), folders or {}), sink)


def engine_of(settings: VoiceSettings, folders: Mapping[str, Path]) -> Engine:
    """The synthesiser for both languages, where those of `folders` have a neural voice."""
    if not folders:
        return EspeakSpeech(EspeakEngine(settings))
    espeak = None if {"en", "zh"} <= set(folders) else EspeakEngine(settings)
    return NeuralSpeech(NeuralEngine(settings, folders), espeak, settings.volume)
