"""Whether the microphone is off: by a long press of the button, or by a switch of its own.

Knows neither pins nor PortAudio: what has a switch tells it, and a microphone that it mutes is any `Microphone`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from actions.errors import DeviceError
from device.seams import Microphone

log = logging.getLogger(__name__)


class Mute:
    """Off or on, for every thread. What the button has switched off stays off when the board starts again, if there is
    a file to keep it; a switch speaks for itself."""

    def __init__(self, keep: Path | None = None) -> None:
        """`keep`: the file that is there while the button has the microphone off."""
        self._keep = keep
        self._lock = threading.Lock()
        self._pressed = keep is not None and keep.exists()
        self._switched = False
        self._watchers: list[Callable[[], None]] = []

    @property
    def on(self) -> bool:
        """Whether the microphone is off."""
        return self._pressed or self._switched

    def toggle(self) -> bool:
        """The long press: off becomes on, and the other way round; gives `on`. Raises `DeviceError` when a switch holds
        it off, or when the disk does not keep that it is off."""
        with self._lock:
            if self._switched:
                raise self._off()
            self._pressed = not self._pressed
            trouble = self._write()
        self._tell()
        if trouble is not None:
            raise trouble
        return self.on

    def switch(self, off: bool) -> None:
        """The switch has this position."""
        with self._lock:
            self._switched = off
        self._tell()

    def check(self) -> None:
        """Raises `DeviceError` when the microphone is off."""
        if self.on:
            raise self._off()

    def watch(self, changed: Callable[[], None]) -> None:
        """`changed` is called whenever it is switched, on whose thread ever; it must return at once."""
        self._watchers.append(changed)

    def _off(self) -> DeviceError:
        if self._switched:
            return DeviceError("The microphone is off: its switch is set so.", "麦克风已被开关关闭。")
        return DeviceError(
            "The microphone is off. To switch it on, hold the button for a few seconds without speaking.",
            "麦克风已关闭。按住按钮几秒钟，不说话，就能打开。",
        )

    def _write(self) -> DeviceError | None:
        if self._keep is None:
            return None
        try:
            if self._pressed:
                self._keep.parent.mkdir(parents=True, exist_ok=True)
                self._keep.touch()
            else:
                self._keep.unlink(missing_ok=True)
        except OSError as error:
            log.warning("the microphone's state cannot be kept: %s", error)
            return DeviceError(
                f"The microphone is {'off' if self._pressed else 'on'}, but only until I start again: the disk is full "
                "or not writable.",
                f"麦克风已{'关闭' if self._pressed else '打开'}，但重启后会失效：磁盘已满或不可写。",
            )
        return None

    def _tell(self) -> None:
        log.info("the microphone is %s", "off" if self.on else "on")
        for changed in self._watchers:
            changed()


class MutedMicrophone:
    """A microphone that cannot be opened while it is muted, and that falls silent with an error when it is muted in the
    midst of an utterance."""

    def __init__(self, microphone: Microphone, mute: Mute) -> None:
        self._microphone = microphone
        self._mute = mute

    @contextmanager
    def open(self) -> Iterator[Iterator[np.ndarray]]:
        """Raises `DeviceError` as the microphone does, and when it is muted."""
        self._mute.check()
        with self._microphone.open() as chunks:
            yield self._while_on(chunks)

    def _while_on(self, chunks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        for chunk in chunks:
            self._mute.check()
            yield chunk
