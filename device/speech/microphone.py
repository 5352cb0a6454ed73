"""The ear: a microphone through PortAudio, and a recording that stands in for one.

Both give chunks of int16, mono, 16 kHz. They know nothing of utterances: where one ends is the endpointer's business.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import msgspec
import numpy as np
import soundfile

from actions.errors import DeviceError, InputError
from device import portaudio
from device.seams import CHUNK, SAMPLE_RATE
from device.speech.ring import Ring
from device.speech.sound import mono, to_chunks

log = logging.getLogger(__name__)

_BLOCKS_PER_SECOND = SAMPLE_RATE // CHUNK
_OTHER_RATES = (48_000, 44_100)  # Hz; what sound cards do that do not do 16 kHz
_CLOSING = 2.0  # seconds that closing a stream may take: with a sound server that has died it may take for ever
_LATENCY = 0.2  # seconds that PortAudio and the sound card may keep: so long the program may be busy elsewhere


class MicrophoneSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which microphone, and how patient tako is with it."""

    # number or a part of the name, as `python -m sounddevice` lists them; empty: the system's default
    device: str | int = ""
    # s of sound kept while the recogniser is busy; what comes after is lost, and the log says so
    buffer_seconds: Annotated[float, msgspec.Meta(ge=1, le=60)] = 10.0
    # s without any sound after which the microphone counts as gone
    stall_seconds: Annotated[float, msgspec.Meta(ge=0.1, le=60)] = 3.0


class WavMicrophone:
    """A recording as a microphone: any WAV (or FLAC, OGG) that libsndfile reads, of any rate and number of channels.

    `realtime` gives the chunks at the pace in which they were spoken. Raises `InputError` when the file is missing,
    unreadable, empty or longer than `limit_seconds`.
    """

    def __init__(self, path: Path, *, realtime: bool = False, limit_seconds: float = 60.0) -> None:
        self._path = Path(path)
        self._realtime = realtime
        self._limit = limit_seconds

    @contextmanager
    def open(self) -> Iterator[Iterator[np.ndarray]]:
        name = self._path.name
        if not self._path.is_file():
            raise InputError(f"There is no recording {name}.", f"找不到录音文件 {name}。")
        try:
            sound = soundfile.SoundFile(self._path)
        except (soundfile.LibsndfileError, OSError) as error:
            raise _unreadable(name, error) from error
        with sound:
            if sound.frames == 0:
                raise InputError(f"The recording {name} is empty.", f"录音 {name} 是空的。")
            seconds = sound.frames / sound.samplerate
            if seconds > self._limit:
                raise InputError(
                    f"The recording {name} is too long: {seconds:.0f} seconds. I can listen to {self._limit:.0f}.",
                    f"录音 {name} 太长了：{seconds:.0f} 秒。我最多能听 {self._limit:.0f} 秒。",
                )
            chunks = to_chunks(self._blocks(sound), sound.samplerate)
            yield _paced(chunks) if self._realtime else chunks

    def _blocks(self, sound: soundfile.SoundFile) -> Iterator[np.ndarray]:
        frames = max(sound.samplerate // _BLOCKS_PER_SECOND, 1)
        try:
            while not sound.closed and len(block := sound.read(frames, dtype="float32", always_2d=True)):
                if not np.isfinite(block).all():
                    raise _unreadable(self._path.name, "it holds values that are not numbers")
                yield mono(block)
        except soundfile.LibsndfileError as error:
            raise _unreadable(self._path.name, error) from error


class SoundDeviceMicrophone:
    """A real microphone. A device that does not do 16 kHz mono is recorded at a rate it can do, and resampled.

    PortAudio's thread writes into a ring, so that nothing is lost while the recogniser or the model computes. `open`
    raises `DeviceError` when PortAudio is missing, there is no such microphone, or it cannot be opened; the chunks
    raise it when the microphone is gone (unplugged). The next `open` looks for it anew.
    """

    def __init__(self, settings: MicrophoneSettings | None = None) -> None:
        self._settings = settings or MicrophoneSettings()

    @contextmanager
    def open(self) -> Iterator[Iterator[np.ndarray]]:
        sounddevice = _sounddevice()
        recording = self._open(sounddevice)
        try:
            yield to_chunks(self._blocks(recording), recording.rate)
        finally:
            recording.close()

    def check(self) -> None:
        """Listens for a moment: the first time a sound server takes a second or two to begin, and what is missing is
        better known before somebody speaks. Raises `DeviceError`."""
        with self.open() as chunks:
            next(chunks)

    def _open(self, sounddevice: ModuleType) -> _Recording:
        """Raises `DeviceError`."""
        try:
            return self._start(sounddevice)
        except _Missing as missing:  # it may have come back, or come later: PortAudio must look again
            if not portaudio.rescan(sounddevice):
                raise missing.told from missing
        try:
            return self._start(sounddevice)
        except _Missing as still:
            raise still.told from still

    def _start(self, sounddevice: ModuleType) -> _Recording:
        """Raises `_Missing`."""
        device = self._settings.device if self._settings.device != "" else None
        with ExitStack() as opening:
            opening.enter_context(portaudio.stream())
            rate, channels = self._format(sounddevice, device)
            recording = _Recording(rate, channels, self._settings.buffer_seconds)
            try:
                stream = sounddevice.RawInputStream(
                    samplerate=rate,
                    blocksize=rate // _BLOCKS_PER_SECOND,
                    device=device,
                    channels=channels,
                    dtype="int16",
                    latency=_LATENCY,
                    callback=recording.keep,
                    finished_callback=recording.ring.end,  # also when the device is pulled out, where the driver tells
                )
                opening.callback(stream.close)
                stream.start()
            except sounddevice.PortAudioError as error:
                raise _Missing(_cannot_open(error)) from error
            recording.held = opening.pop_all()
        return recording

    def _format(self, sounddevice: ModuleType, device: str | int | None) -> tuple[int, int]:
        """Rate in Hz and number of channels to record with: 16 kHz mono when the device can, else the next best.
        Raises `_Missing`."""
        try:
            info = sounddevice.query_devices(device, "input")
        except (sounddevice.PortAudioError, ValueError) as error:
            which = "" if device is None else f" {device}"
            told = DeviceError(
                f"I cannot find the microphone{which}. Please check its plug and its name in the settings.",
                f"找不到麦克风{which}。请检查是否插好，以及设置里的名称。",
            )
            raise _Missing(told) from error
        error_seen: Exception | None = None
        for channels in (1, min(2, info["max_input_channels"])):
            for rate in (SAMPLE_RATE, int(info["default_samplerate"]), *_OTHER_RATES):
                try:
                    sounddevice.check_input_settings(device=device, channels=channels, dtype="int16", samplerate=rate)
                except (sounddevice.PortAudioError, ValueError) as error:
                    error_seen = error
                else:
                    if (rate, channels) != (SAMPLE_RATE, 1):
                        log.info(
                            "microphone: records %d channels at %d Hz, resampled to %d", channels, rate, SAMPLE_RATE
                        )
                    return rate, channels
        raise _Missing(_cannot_open(error_seen)) from error_seen

    def _blocks(self, recording: _Recording) -> Iterator[np.ndarray]:
        size = recording.rate // _BLOCKS_PER_SECOND * recording.channels
        while not recording.closed and len(data := recording.ring.read(size, self._settings.stall_seconds)) == size:
            yield mono(data.reshape(-1, recording.channels))
        if not recording.closed:
            raise DeviceError(
                "The microphone gives no sound any more. Please check that it is plugged in.",
                "麦克风没有声音了，请检查是否插好。",
            )


class _Recording:
    """A stream of PortAudio's and the ring that it fills."""

    def __init__(self, rate: int, channels: int, seconds: float) -> None:
        """`rate` in Hz; the ring holds so many `seconds`."""
        self.rate, self.channels = rate, channels
        self.ring = Ring(round(seconds * rate) * channels)
        self.held = ExitStack()  # what is to be closed
        self.closed = False
        self._overruns = 0

    def keep(self, data: Any, _frames: int, _time: Any, status: Any) -> None:
        """Runs on PortAudio's thread, which must never wait."""
        if status and status.input_overflow:
            self._overruns += 1
        self.ring.write(data)

    def close(self) -> None:
        """Waits a moment only: the turn goes on though the driver hangs."""
        self.closed = True
        self.ring.end()
        closing = threading.Thread(target=self.held.close, name="microphone", daemon=True)
        closing.start()
        closing.join(_CLOSING)
        if closing.is_alive():
            log.error("microphone: its driver hangs and keeps the stream open")
        if self.ring.lost:
            seconds = self.ring.lost / (self.rate * self.channels)
            log.warning("microphone: %.1f s of sound were lost, the buffer was full", seconds)
        if self._overruns:
            log.warning("microphone: PortAudio lost sound %d times, the program was too busy", self._overruns)


class _Missing(Exception):
    """There is no such microphone in PortAudio's list, or it cannot be opened; `told` says so to the user."""

    def __init__(self, told: DeviceError) -> None:
        super().__init__(told.en)
        self.told = told


def _sounddevice() -> ModuleType:
    try:
        import sounddevice
    except ImportError as error:
        raise DeviceError(
            "The package sounddevice is not installed, so I cannot use a microphone.",
            "没有安装 sounddevice，无法使用麦克风。",
        ) from error
    except OSError as error:  # sounddevice is there, PortAudio's own library is not
        raise DeviceError(
            "PortAudio is not installed, so I cannot use a microphone. Install the package libportaudio2.",
            "没有安装 PortAudio，无法使用麦克风。请安装 libportaudio2。",
        ) from error
    return sounddevice


def _paced(chunks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Gives each chunk no earlier than a microphone would have."""
    start, samples = time.monotonic(), 0
    for chunk in chunks:
        samples += len(chunk)
        time.sleep(max(start + samples / SAMPLE_RATE - time.monotonic(), 0.0))
        yield chunk


def _unreadable(name: str, why: object) -> InputError:
    log.warning("recording %s: %s", name, why)
    return InputError(f"I cannot read the recording {name}.", f"录音 {name} 无法读取。")


def _cannot_open(error: Exception | None) -> DeviceError:
    log.warning("microphone: %s", error)
    return DeviceError(
        "I cannot open the microphone. Perhaps another program is using it.",
        "无法打开麦克风，可能有别的程序正在使用它。",
    )
