"""The synthesiser: segments in, sound out, by pyttsx3 and espeak-ng in a child process.

pyttsx3 speaks to the speaker through `aplay`, which cannot be interrupted and says nothing when there is no speaker; so
it only ever writes a WAV here (in memory where the system has `/dev/shm`), and `device.voice.sinks` plays it.
"""

from __future__ import annotations

import json
import logging
import os
import selectors
import subprocess
import sys
import tempfile
import threading
import wave
from pathlib import Path
from typing import Any

import numpy as np

from actions.errors import DeviceError
from device.voice import child
from device.voice.mandarin import pinyin
from device.voice.settings import VoiceSettings
from device.voice.text import Segment

log = logging.getLogger(__name__)
RATE = 22_050  # Hz, of espeak-ng
PATIENCE = 20.0  # seconds for one segment, or for the child to start
_QUIET = 200  # of 32768: below it is silence
_GAP = 0.06  # seconds between the voices inside a sentence
_REST = 0.2  # seconds of silence after a sentence (espeak-ng leaves a third of a second)


class EspeakEngine:
    """Speaks segments into arrays. One caller at a time synthesises; `close` may come from any thread."""

    name = "pyttsx3"

    def __init__(self, settings: VoiceSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._greeted = False
        self._closed = False
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self._folder = tempfile.TemporaryDirectory(prefix="tako-voice-", dir=memory)
        self._start()

    def check(self) -> None:
        """Waits until the engine is ready. Raises `DeviceError` that says what is missing."""
        if self._greeted and not self._closed:
            return  # also while another thread synthesises; a child that has died since is started again then
        with self._lock:
            self._ready()

    def synthesise(self, segments: tuple[Segment, ...]) -> np.ndarray:
        """The sound of one sentence: int16, shape (n,), `RATE`. Raises `DeviceError`."""
        parts = [self.segment(segment) for segment in segments]
        if not parts:
            return np.zeros(0, np.int16)
        gap, rest = (np.zeros(int(seconds * RATE), np.int16) for seconds in (_GAP, _REST))
        return np.concatenate([*[piece for part in parts for piece in (part, gap)][:-1], rest])

    def segment(self, segment: Segment) -> np.ndarray:
        """The sound of one segment, without the silence at its end. Raises `DeviceError`."""
        with self._lock:
            return _trimmed(self._segment(segment))

    def close(self) -> None:
        self._closed = True
        if (process := self._child) is not None:
            process.kill()  # whoever waits for its answer sees its end and lets go of the lock
        with self._lock:
            self._end()
        self._folder.cleanup()

    def _segment(self, segment: Segment) -> np.ndarray:
        mandarin = segment.lang == "zh"
        path = Path(self._folder.name) / "spoken.wav"
        request = {
            "text": pinyin(segment.text) if mandarin else segment.text,
            "voice": self._settings.voice_zh if mandarin else self._settings.voice,
            "rate": self._settings.rate_zh if mandarin else self._settings.rate,
            "volume": self._settings.volume,
            "path": str(path),
        }
        answer = self._ask(request)
        if "error" in answer:
            voice = request["voice"]
            raise DeviceError(f"The voice {voice} cannot speak: {answer['error']}", f"语音 {voice} 无法说话。")
        with wave.open(str(path), "rb") as file:
            sound = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int16)
        path.unlink()
        return sound

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """One request and its answer; a child that has died since is started again, once."""
        for attempt in (1, 2):
            self._ready()
            assert self._child is not None
            assert self._child.stdin is not None
            try:
                self._child.stdin.write(json.dumps(request).encode() + b"\n")
                self._child.stdin.flush()
                return self._answer()
            except (BrokenPipeError, EOFError):
                log.warning("the voice's process ended (attempt %d)", attempt)
                self._end()
        raise DeviceError("The voice engine keeps failing.", "语音引擎一直出错。")

    def _ready(self) -> None:
        if self._closed:
            raise DeviceError("The voice is closed.", "语音已经关闭。")
        if self._child is None:
            self._start()
        if not self._greeted:
            try:
                answer = self._answer()
            except EOFError:
                self._end()
                raise DeviceError("The voice engine does not start.", "语音引擎无法启动。") from None
            if "missing" in answer:
                self._end()
                raise _missing(answer["missing"])
            self._greeted = True

    def _start(self) -> None:
        command = [sys.executable, "-P", str(Path(child.__file__))]
        errors = None if log.isEnabledFor(logging.DEBUG) else subprocess.DEVNULL
        # a session of its own: Ctrl-C in the terminal is for tako, which then closes its voice
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, start_new_session=True, bufsize=0
        )
        self._greeted = False

    def _answer(self) -> dict[str, Any]:
        """Raises `DeviceError` after `PATIENCE`, `EOFError` when the child has ended."""
        assert self._child is not None
        assert self._child.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._child.stdout, selectors.EVENT_READ)
            if not selector.select(PATIENCE):
                self._end()
                raise DeviceError("The voice engine does not answer.", "语音引擎没有反应。")
        line = self._child.stdout.readline()
        if not line:
            raise EOFError
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _end(self) -> None:
        process, self._child = self._child, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()


def _missing(what: str) -> DeviceError:
    if what == "pyttsx3":
        return DeviceError(
            "I cannot speak: pyttsx3 is missing. Install it with: pip install pyttsx3", "我说不了话，缺少 pyttsx3。"
        )
    return DeviceError(
        "I cannot speak: espeak-ng is missing. Install it with: sudo apt install espeak-ng",
        "我说不了话，缺少 espeak-ng。",
    )


def _trimmed(sound: np.ndarray) -> np.ndarray:
    """Without the silence at the end."""
    loud = np.flatnonzero(np.abs(sound.astype(np.int32)) > _QUIET)
    return sound[: loud[-1] + 1] if len(loud) else sound[:0]
