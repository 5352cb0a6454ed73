"""Where sound goes: WAV files that cannot be written, speakers that are not there or fail."""

from __future__ import annotations

import resource
import signal
import sys
import threading
import time
import wave
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from actions.errors import DeviceError
from device.voice.sinks import Speaker, WavFile

RATE = 22_050


def nothing() -> None:
    """Nobody asks whether it gets on."""


def test_a_wav_can_be_read_after_every_sentence(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    sink = WavFile(path, RATE)
    for number in (0, 1, 2):
        with path.open("rb") as opened, wave.open(opened) as file:
            assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
            assert file.getnframes() == 100 * number
        sink.play(np.full(100, number, np.int16), threading.Event(), nothing)
    sink.close()
    with wave.open(str(path)) as file:
        frames = np.frombuffer(file.readframes(1000), "<i2")
    assert frames.tolist() == [0] * 100 + [1] * 100 + [2] * 100


def test_what_was_stopped_is_not_written(tmp_path: Path) -> None:
    sink = WavFile(tmp_path / "out.wav", RATE)
    stop = threading.Event()
    stop.set()
    sink.play(np.ones(100, np.int16), stop, nothing)
    sink.close()
    with wave.open(str(tmp_path / "out.wav")) as file:
        assert file.getnframes() == 0


@pytest.mark.parametrize("name", ["no/such/folder.wav", "."])
def test_a_wav_that_cannot_be_opened_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="cannot write the sound file"):
        WavFile(tmp_path / name, RATE)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk_is_told() -> None:
    with pytest.raises(DeviceError, match="No space left"):
        WavFile(Path("/dev/full"), RATE)


def test_a_disk_that_fills_up_is_told_each_time_and_what_fits_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    sink = WavFile(path, RATE)
    sink.play(np.ones(100, np.int16), threading.Event(), nothing)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        for _ in range(2):
            with pytest.raises(DeviceError, match="cannot write the sound file"):
                sink.play(np.ones(10_000, np.int16), threading.Event(), nothing)
        sink.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    with wave.open(str(path)) as file:
        assert file.getnframes() >= 100


class Failure(Exception):
    """In place of sounddevice's PortAudioError."""


class Stream:
    """In place of sounddevice's RawOutputStream: keeps real time and what was done to it."""

    latency = 0.1
    last: Stream
    made = 0

    def __init__(self, **options: Any) -> None:
        self.options, self.frames = options, 0
        self.started = self.stopped = self.aborted = self.closed = False
        Stream.last = self
        Stream.made += 1

    def start(self) -> None:
        self.started = True

    def stop(self) -> None:
        self.stopped = True

    def close(self) -> None:
        self.closed = True

    def write(self, data: bytes) -> None:
        if self.options["device"] == "unplugged":
            raise Failure("device unavailable")
        self.frames += len(data) // 2
        time.sleep(len(data) / 2 / RATE)

    def abort(self) -> None:
        self.aborted = True


@pytest.fixture
def sounddevice(monkeypatch: pytest.MonkeyPatch) -> None:
    def query_devices(device: object, kind: str) -> dict[str, str]:
        if device == "nowhere":
            raise ValueError("no such device")
        if device is None:
            raise Failure("Error querying device -1")
        return {"kind": kind}

    module = SimpleNamespace(
        PortAudioError=Failure,
        RawOutputStream=Stream,
        query_devices=query_devices,
        _terminate=lambda: None,
        _initialize=lambda: None,
    )
    monkeypatch.setitem(sys.modules, "sounddevice", module)


@pytest.mark.usefixtures("sounddevice")
def test_a_sentence_is_played_whole() -> None:
    Speaker("1", RATE).play(np.ones(5000, np.int16), threading.Event(), nothing)
    assert Stream.last.frames == 5000
    assert Stream.last.started
    assert Stream.last.stopped
    assert not Stream.last.aborted
    assert Stream.last.closed
    assert Stream.last.options["device"] == 1


@pytest.mark.usefixtures("sounddevice")
def test_sound_that_comes_in_pieces_is_one_stream_and_starts_with_the_first_piece() -> None:
    streams, started = Stream.made, []

    def pieces() -> Iterator[np.ndarray]:
        for length in (1000, 0, 3000):
            started.append(Stream.last.started)
            yield np.ones(length, np.int16)

    Speaker("usb", RATE).stream(pieces(), threading.Event(), nothing)
    assert Stream.made == streams + 1
    assert Stream.last.frames == 4000
    assert started == [False, True, True]
    Speaker("usb", RATE).stream((), threading.Event(), nothing)
    assert not Stream.last.started
    assert Stream.last.closed


@pytest.mark.usefixtures("sounddevice")
def test_a_stop_throws_away_what_the_device_has_not_played() -> None:
    stop = threading.Event()
    timer = threading.Timer(0.2, stop.set)
    timer.start()
    begun = time.monotonic()
    Speaker("usb", RATE).play(np.ones(10 * RATE, np.int16), stop, nothing)
    assert time.monotonic() - begun < 0.4
    assert Stream.last.aborted
    assert Stream.last.closed
    timer.join()


@pytest.mark.usefixtures("sounddevice")
@pytest.mark.parametrize(("device", "says"), [("nowhere", "voice.device"), ("", "cannot find a speaker")])
def test_no_speaker_is_told_before_anything_is_played(device: str, says: str) -> None:
    speaker = Speaker(device, RATE)
    with pytest.raises(DeviceError, match=says):
        speaker.check()
    with pytest.raises(DeviceError, match=says):
        speaker.play(np.ones(10, np.int16), threading.Event(), nothing)


@pytest.mark.usefixtures("sounddevice")
def test_a_speaker_that_is_plugged_in_later_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["sounddevice"]
    speaker, known = Speaker("nowhere", RATE), module.query_devices

    def plugged_in() -> None:
        monkeypatch.setattr(module, "query_devices", lambda device, kind: {"kind": kind})

    with pytest.raises(DeviceError, match="cannot find the speaker nowhere"):
        speaker.check()
    monkeypatch.setattr(module, "_initialize", plugged_in)  # PortAudio lists it when it starts anew
    speaker.play(np.ones(100, np.int16), threading.Event(), nothing)
    assert Stream.last.frames == 100
    monkeypatch.setattr(module, "query_devices", known)


@pytest.mark.usefixtures("sounddevice")
def test_a_speaker_that_fails_while_it_plays_is_told() -> None:
    with pytest.raises(DeviceError, match="speaker fails"):
        Speaker("unplugged", RATE).play(np.ones(1000, np.int16), threading.Event(), nothing)


def test_without_sounddevice_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(DeviceError, match="pip install sounddevice"):
        Speaker("", RATE).check()
