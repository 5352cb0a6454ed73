"""The ear: a microphone through PortAudio, and a recording that stands in for one.

Both give chunks of int16, mono, 16 kHz. They know nothing of utterances: where one ends is the endpointer's business.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import msgspec
import numpy as np
import soundfile

from actions.errors import DeviceError, InputError
from device.seams import CHUNK, SAMPLE_RATE
from device.speech.sound import mono, to_chunks

log = logging.getLogger(__name__)

_BLOCKS_PER_SECOND = SAMPLE_RATE // CHUNK
_OTHER_RATES = (48_000, 44_100)  # Hz; what sound cards do that do not do 16 kHz


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

    `open` raises `DeviceError` when PortAudio is missing, there is no such microphone, or it cannot be opened; the
    chunks raise it when the microphone falls silent for good (unplugged).
    """

    def __init__(self, settings: MicrophoneSettings | None = None) -> None:
        self._settings = settings or MicrophoneSettings()

    @contextmanager
    def open(self) -> Iterator[Iterator[np.ndarray]]:
        portaudio = _sounddevice()
        device = self._settings.device if self._settings.device != "" else None
        rate, channels = self._format(portaudio, device)
        size = max(round(self._settings.buffer_seconds * _BLOCKS_PER_SECOND), 1)
        blocks: queue.Queue[bytes] = queue.Queue(size)
        closed = threading.Event()
        lost = 0

        def keep(data: Any, _frames: int, _time: Any, _status: Any) -> None:
            # Runs on PortAudio's thread, which must never wait.
            nonlocal lost
            try:
                blocks.put_nowait(bytes(data))
            except queue.Full:
                lost += 1

        try:
            stream = portaudio.RawInputStream(
                samplerate=rate,
                blocksize=rate // _BLOCKS_PER_SECOND,
                device=device,
                channels=channels,
                dtype="int16",
                callback=keep,
            )
            stream.start()
        except portaudio.PortAudioError as error:
            raise _cannot_open(error) from error
        try:
            yield to_chunks(self._blocks(blocks, closed, channels), rate)
        finally:
            closed.set()
            stream.close()
            if lost:
                log.warning("microphone: %.1f s of sound were lost, the buffer was full", lost / _BLOCKS_PER_SECOND)

    def _format(self, portaudio: ModuleType, device: str | int | None) -> tuple[int, int]:
        """Rate in Hz and number of channels to record with: 16 kHz mono when the device can, else the next best."""
        try:
            info = portaudio.query_devices(device, "input")
        except (portaudio.PortAudioError, ValueError) as error:
            which = "" if device is None else f" {device}"
            raise DeviceError(
                f"I cannot find the microphone{which}. Please check its plug and its name in the settings.",
                f"找不到麦克风{which}。请检查是否插好，以及设置里的名称。",
            ) from error
        error_seen: Exception | None = None
        for channels in (1, min(2, info["max_input_channels"])):
            for rate in (SAMPLE_RATE, int(info["default_samplerate"]), *_OTHER_RATES):
                try:
                    portaudio.check_input_settings(device=device, channels=channels, dtype="int16", samplerate=rate)
                except (portaudio.PortAudioError, ValueError) as error:
                    error_seen = error
                else:
                    if (rate, channels) != (SAMPLE_RATE, 1):
                        log.info(
                            "microphone: records %d channels at %d Hz, resampled to %d", channels, rate, SAMPLE_RATE
                        )
                    return rate, channels
        raise _cannot_open(error_seen) from error_seen

    def _blocks(self, blocks: queue.Queue[bytes], closed: threading.Event, channels: int) -> Iterator[np.ndarray]:
        while not closed.is_set():
            try:
                data = blocks.get(timeout=self._settings.stall_seconds)
            except queue.Empty:
                if closed.is_set():
                    return
                raise DeviceError(
                    "The microphone gives no sound any more. Please check that it is plugged in.",
                    "麦克风没有声音了，请检查是否插好。",
                ) from None
            yield mono(np.frombuffer(data, np.int16).reshape(-1, channels))


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
