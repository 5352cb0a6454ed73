"""Where sound goes: a speaker, through sounddevice, or a WAV file. Knows no text."""

from __future__ import annotations

import contextlib
import threading
import time
import wave
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from actions.errors import DeviceError
from device import portaudio

BLOCK = 0.02  # seconds: how soon a speaker falls silent
LATENCY = 0.2  # seconds of sound that the device keeps in advance


class Sink(Protocol):
    """Takes sound of one rate, int16, shape (n,)."""

    rate: int  # Hz

    def check(self) -> None:
        """Raises `DeviceError` when it cannot take any sound."""

    def play(self, sound: np.ndarray, stop: threading.Event, alive: Callable[[], None]) -> None:
        """Returns when all is heard, or soon after `stop`; calls `alive` as it gets on. Raises `DeviceError`."""

    def stream(self, sounds: Iterable[np.ndarray], stop: threading.Event, alive: Callable[[], None]) -> None:
        """The same for sound that comes piece by piece."""

    def close(self) -> None: ...


class Speaker:
    """An output device, open for as long as something is said. One that is not found is looked for among the devices
    that have been plugged in since."""

    def __init__(self, device: str, rate: int) -> None:
        self.rate = rate
        self._device: int | str | None = int(device) if device.isdigit() else device or None

    def check(self) -> None:
        sounddevice = _sounddevice()
        if not self._is_there(sounddevice) and not (portaudio.rescan(sounddevice) and self._is_there(sounddevice)):
            raise self._no_speaker()

    def play(self, sound: np.ndarray, stop: threading.Event, alive: Callable[[], None]) -> None:
        self.stream((sound,), stop, alive)

    def stream(self, sounds: Iterable[np.ndarray], stop: threading.Event, alive: Callable[[], None]) -> None:
        self.check()
        sounddevice = _sounddevice()
        try:
            with portaudio.stream():
                stream = sounddevice.RawOutputStream(
                    samplerate=self.rate, channels=1, dtype="int16", device=self._device, latency=LATENCY
                )
                with contextlib.closing(stream):
                    self._feed(stream, sounds, stop, alive)
        except sounddevice.PortAudioError as error:
            raise DeviceError(f"The speaker fails: {error}", "扬声器出了问题。") from error

    def close(self) -> None:
        """Nothing is held between two texts."""

    def _feed(
        self, stream: Any, sounds: Iterable[np.ndarray], stop: threading.Event, alive: Callable[[], None]
    ) -> None:
        begun = False
        for block in self._blocks(sounds):
            if stop.is_set():
                break
            if not begun:  # the device waits for the first sound, not the first sound for the device
                stream.start()
                begun = True
            stream.write(block.tobytes())
            alive()
        if not begun:
            return
        heard = time.monotonic() + stream.latency  # what is still in the device's buffer
        while not stop.is_set() and (left := heard - time.monotonic()) > 0:
            stop.wait(min(left, BLOCK))
        if stop.is_set():
            stream.abort()  # throws the buffer away
        else:
            stream.stop()

    def _blocks(self, sounds: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        block = int(BLOCK * self.rate)
        for sound in sounds:
            for start in range(0, len(sound), block):
                yield sound[start : start + block]

    def _is_there(self, sounddevice: Any) -> bool:
        try:
            sounddevice.query_devices(self._device, "output")
        except (sounddevice.PortAudioError, ValueError):
            return False
        return True

    def _no_speaker(self) -> DeviceError:
        if self._device is None:
            return DeviceError(
                "I cannot find a speaker. Please plug one in.",
                "我找不到扬声器，请接上一个。",
            )
        return DeviceError(
            f"I cannot find the speaker {self._device}. Please check voice.device in the settings.",
            f"我找不到扬声器 {self._device}，请检查设置里的 voice.device。",
        )


class WavFile:
    """A WAV, mono int16; what is said is appended. Readable after every sentence."""

    def __init__(self, path: Path, rate: int) -> None:
        self.rate = rate
        self._path = path
        self._failed: OSError | None = None
        try:
            self._handle = path.open("wb")
        except OSError as error:
            raise self._trouble(error) from error
        self._file = wave.open(self._handle, "wb")  # noqa: SIM115 (open for as long as the voice is)
        self._file.setnchannels(1)
        self._file.setsampwidth(2)
        self._file.setframerate(rate)
        self._write(b"")

    def check(self) -> None:
        """A file that could be opened takes sound until a write fails."""

    def play(self, sound: np.ndarray, stop: threading.Event, alive: Callable[[], None]) -> None:
        self.stream((sound,), stop, alive)

    def stream(self, sounds: Iterable[np.ndarray], stop: threading.Event, alive: Callable[[], None]) -> None:
        for sound in sounds:
            if stop.is_set():
                return
            self._write(sound.astype("<i2").tobytes())
            alive()

    def close(self) -> None:
        with contextlib.suppress(OSError):  # every write has been flushed: there is nothing left to lose
            self._file.close()
        with contextlib.suppress(OSError):
            self._handle.close()

    def _write(self, frames: bytes) -> None:
        if self._failed is not None:
            raise self._trouble(self._failed)
        try:
            self._file.writeframes(frames)  # brings the header up to date too
            self._handle.flush()
        except OSError as error:
            self._failed = error
            self.close()
            raise self._trouble(error) from error

    def _trouble(self, error: OSError) -> DeviceError:
        reason = error.strerror or str(error)
        return DeviceError(f"I cannot write the sound file {self._path}: {reason}.", f"我写不了声音文件 {self._path}。")


def _sounddevice() -> Any:
    try:
        import sounddevice
    except ImportError as error:
        raise DeviceError(
            "I cannot speak: sounddevice is missing. Install it with: pip install sounddevice",
            "我说不了话，缺少 sounddevice。",
        ) from error
    except OSError as error:
        raise DeviceError(
            "I cannot speak: PortAudio is missing. Install it with: sudo apt install libportaudio2",
            "我说不了话，缺少 PortAudio。",
        ) from error
    return sounddevice
