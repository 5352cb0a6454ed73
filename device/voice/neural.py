"""The parent's side of the neural voices: a child process that is asked for sound and sends it as it is made.

One thread speaks (`ask`, `heard`, `forget`); `check` and `close` may come from any. `device.voice.neural_child` has the
protocol.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from actions.errors import DeviceError, ModelError
from device.voice.mandarin import pinyin
from device.voice.neural_child import END, HEADER, READY, SOUND, TROUBLE
from device.voice.settings import VoiceSettings
from device.voice.text import Segment

log = logging.getLogger(__name__)
RATE = 22_050  # Hz, of what the child sends
PATIENCE = 20.0  # seconds for the next sound, or for the child to start
_AHEAD = 1 << 20  # bytes of sound that the child may be ahead of what is heard: 24 s
_TICK = 0.02  # seconds between two looks at whether to stop
PROGRAM = ("-m", "device.voice.neural_child")
_ROOT = Path(__file__).resolve().parents[2]
_USUAL = {"en": 155, "zh": 170}  # the rate of the settings at which a voice speaks as it was taught


class NeuralEngine:
    """Speaks segments of the languages in `folders`, each with the voice in its folder."""

    name = "neural"

    def __init__(self, settings: VoiceSettings, folders: Mapping[str, Path], threads: int | None = None) -> None:
        self._settings, self._folders = settings, dict(folders)
        self._threads = threads or min(2, len(os.sched_getaffinity(0)))
        self._lock = threading.Lock()  # of starting and ending the child
        self._pipe = threading.Lock()  # nobody closes what another thread reads
        self._child: subprocess.Popen[bytes] | None = None
        self._greeted = self._closed = False
        self._came = bytearray()  # half a frame
        self._last = 0  # ticket
        self._asked: dict[int, bytes] = {}  # requests whose end has not come
        self._start()

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self._folders)

    def check(self) -> None:
        """Waits until the voices are ready. Raises `DeviceError` or `ModelError` that says what is missing."""
        if self._greeted and not self._closed:
            return
        with self._lock:
            self._ready()

    def ask(self, segment: Segment) -> int:
        """Asks for a segment's sound and returns the ticket to hear it with. The child works in the order of asking."""
        self._last += 1
        rate = self._settings.rate_zh if segment.lang == "zh" else self._settings.rate
        request = {
            "say": self._last,
            "lang": segment.lang,
            "text": pinyin(segment.text) if segment.lang == "zh" else segment.text,
            "speed": rate / _USUAL[segment.lang],
        }
        self._asked[self._last] = json.dumps(request).encode() + b"\n"
        self._send(self._asked[self._last])
        return self._last

    def heard(self, ticket: int, stop: threading.Event) -> Iterator[np.ndarray]:
        """The sound as it comes, int16, `RATE`; ends early soon after `stop`. Raises `DeviceError`, `ModelError`.

        A child that has died is started again, once, and says the segment again from its beginning.
        """
        for attempt in (1, 2):
            try:
                yield from self._sounds(ticket, stop)
                return
            except EOFError:
                log.warning("the neural voice's process ended (attempt %d)", attempt)
                with self._lock:
                    self._end()
                    self._ready()
                for request in self._asked.values():
                    self._send(request)
        raise DeviceError("The neural voice keeps failing.", "神经语音一直出错。")

    def forget(self) -> None:
        """Nothing that was asked for is wanted any more."""
        if self._asked:
            self._asked.clear()
            self._send(json.dumps({"cancel": self._last}).encode() + b"\n")

    def prepare(self) -> None:
        """Loads what the first sentence would wait for."""
        if "zh" in self._folders:
            pinyin("好")

    def close(self) -> None:
        self._closed = True
        if (process := self._child) is not None:
            process.kill()  # whoever waits for its sound sees its end
        with self._lock:
            self._end()

    def _sounds(self, ticket: int, stop: threading.Event) -> Iterator[np.ndarray]:
        """Raises `EOFError` when the child has ended."""
        waiting = time.monotonic()
        while not stop.is_set():
            frame = self._frame(_TICK)
            if frame is None:
                if time.monotonic() - waiting > PATIENCE:
                    self._give_up()
                continue
            waiting = time.monotonic()
            of, kind, content = frame
            if of != ticket:
                continue  # of a request that was forgotten
            if kind == END:
                self._asked.pop(ticket, None)
                return
            if kind == SOUND:
                yield np.frombuffer(content, "<i2").astype(np.int16)
            waiting = time.monotonic()  # whoever heard it may have taken his time

    def _ready(self) -> None:
        """With the lock held."""
        if self._closed:
            raise DeviceError("The voice is closed.", "语音已经关闭。")
        if self._child is None:
            self._start()
        if self._greeted:
            return
        begun = time.monotonic()
        try:
            while (frame := self._frame(_TICK)) is None:
                if time.monotonic() - begun > PATIENCE:
                    self._give_up(locked=True)
        except EOFError:
            self._end()
            raise DeviceError("The neural voice does not start.", "神经语音无法启动。") from None
        _, kind, content = frame
        if kind == TROUBLE:
            self._end()
            sentence = json.loads(content)
            raise ModelError(sentence["en"], sentence["zh"])
        assert kind == READY
        self._greeted = True

    def _start(self) -> None:
        settings = {
            "voices": {lang: str(folder) for lang, folder in self._folders.items()},
            "rate": RATE,
            "threads": self._threads,
        }
        errors = None if log.isEnabledFor(logging.DEBUG) else subprocess.DEVNULL
        # a session of its own: Ctrl-C in the terminal is for tako, which then closes its voice
        self._child = subprocess.Popen(
            [sys.executable, "-P", *PROGRAM, json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            bufsize=0,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))},
        )
        assert self._child.stdout is not None
        try:
            fcntl.fcntl(self._child.stdout, fcntl.F_SETPIPE_SZ, _AHEAD)
        except OSError:  # a system that grants less: the child is less ahead then
            log.debug("the pipe of the neural voice keeps its size")
        self._greeted = False
        self._came.clear()

    def _send(self, message: bytes) -> None:
        """To a child that may have ended; whoever waits for its sound finds that out."""
        child = self._child
        if child is None or child.stdin is None:
            return
        try:
            child.stdin.write(message)
        except (BrokenPipeError, ValueError):
            log.debug("the neural voice's process takes no request")

    def _frame(self, timeout: float) -> tuple[int, int, bytes] | None:
        """The next frame, or None when it is not whole after `timeout` seconds. Raises `EOFError`."""
        if (frame := self._whole()) is not None:
            return frame
        with self._pipe:
            if self._child is None or self._child.stdout is None:
                raise EOFError
            with selectors.DefaultSelector() as selector:
                selector.register(self._child.stdout, selectors.EVENT_READ)
                if not selector.select(timeout):
                    return None
            came = os.read(self._child.stdout.fileno(), _AHEAD)
        if not came:
            raise EOFError
        self._came += came
        return self._whole()

    def _whole(self) -> tuple[int, int, bytes] | None:
        if len(self._came) < HEADER.size:
            return None
        ticket, kind, length = HEADER.unpack_from(self._came)
        end = HEADER.size + length
        if len(self._came) < end:
            return None
        content = bytes(self._came[HEADER.size : end])
        del self._came[:end]
        return ticket, kind, content

    def _give_up(self, locked: bool = False) -> None:
        if locked:
            self._end()
        else:
            with self._lock:
                self._end()
        self._asked.clear()
        raise DeviceError("The neural voice does not answer.", "神经语音没有反应。")

    def _end(self) -> None:
        self._greeted = False
        if self._child is not None:
            self._child.kill()  # before anything is waited for: a reader sees the end
        with self._pipe:
            process, self._child = self._child, None
            if process is not None:
                process.wait()
                for stream in (process.stdin, process.stdout):
                    if stream is not None:
                        stream.close()
