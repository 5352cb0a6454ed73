"""The real microphone's code on a PortAudio that does as the test wants: rates, channels, faults, plugs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from actions.errors import DeviceError
from device import portaudio
from device.seams import SAMPLE_RATE
from device.speech import microphone
from device.speech.microphone import MicrophoneSettings, SoundDeviceMicrophone
from device.speech.ring import Ring


class PortAudioError(Exception):
    """As PortAudio's."""


class Stream:
    """Gives a tone of 440 Hz in blocks, as fast as it can, until `blocks` are given or it is closed."""

    def __init__(
        self,
        card: Card,
        samplerate: int,
        blocksize: int,
        channels: int,
        callback: Any,
        finished_callback: Any,
        **_: Any,
    ) -> None:
        self._card, self._closed, self._finished = card, threading.Event(), finished_callback
        at = np.arange(blocksize * card.blocks) / samplerate
        wave = np.rint(np.sin(2 * np.pi * 440 * at) * 16_000).astype(np.int16)
        self._data = np.repeat(wave[:, None], channels, axis=1).reshape(card.blocks, -1)
        self._callback, self._size = callback, blocksize
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        if self._card.busy:
            raise PortAudioError("Device unavailable")
        self._thread.start()

    def _run(self) -> None:
        for block in self._data:
            if self._closed.is_set():
                return
            self._callback(block.tobytes(), self._size, None, self._card.status)
        if self._card.tells:
            self._finished()

    def close(self) -> None:
        self._card.hang.wait()
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()
        self._card.closed += 1


class Card:
    """A sound card that records in one way only."""

    def __init__(self, rate: int = SAMPLE_RATE, channels: int = 1, blocks: int = 10, busy: bool = False) -> None:
        self.rate, self.channels, self.blocks, self.busy, self.closed = rate, channels, blocks, busy, 0
        self.asked: list[Any] = []
        self.listed = self.plugged = True  # in PortAudio's list, which is made when it starts; and really there
        self.hang = threading.Event()  # set: closing a stream takes no time
        self.hang.set()
        self.tells = False  # whether the driver tells that the device was pulled out
        self.starts = 0  # of PortAudio
        self.status: Any = None

    def module(self) -> Any:
        return SimpleNamespace(
            PortAudioError=PortAudioError,
            query_devices=self.query_devices,
            check_input_settings=self.check_input_settings,
            RawInputStream=lambda **options: Stream(self, **options),
            _terminate=lambda: None,
            _initialize=self.start,
        )

    def start(self) -> None:
        self.starts += 1
        self.listed = self.plugged

    def query_devices(self, device: Any, kind: str) -> dict[str, Any]:
        self.asked.append(device)
        if device == "nowhere" or not self.listed:
            raise ValueError("No input device matching 'nowhere'")
        return {"max_input_channels": self.channels, "default_samplerate": float(self.rate)}

    def check_input_settings(self, device: Any, channels: int, dtype: str, samplerate: int) -> None:
        if (samplerate, channels) != (self.rate, self.channels) or dtype != "int16":
            raise PortAudioError("Invalid sample rate")


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Callable[[Card], Card]:
    def plugged(card: Card) -> Card:
        monkeypatch.setattr(microphone, "_sounddevice", card.module)
        return card

    return plugged


@pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (48_000, 1), (44_100, 2), (16_000, 2), (96_000, 2)])
def test_a_card_that_records_differently_gives_the_same_sound(
    plug: Callable[[Card], Card], rate: int, channels: int
) -> None:
    card = plug(Card(rate, channels, blocks=15))
    with SoundDeviceMicrophone(MicrophoneSettings(stall_seconds=0.1)).open() as chunks:
        sound = np.concatenate([next(chunks) for _ in range(10)])
    assert card.closed == 1
    assert sound.dtype == np.int16
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    assert spectrum.argmax() * SAMPLE_RATE / len(sound) == pytest.approx(440, abs=2)
    assert np.abs(sound[2_000:]).max() == pytest.approx(16_000, rel=0.02)


@pytest.mark.parametrize("device", ["", "USB", 3, 0])
def test_the_device_of_the_settings_is_the_one_that_is_opened(plug: Callable[[Card], Card], device: str | int) -> None:
    card = plug(Card())
    with SoundDeviceMicrophone(MicrophoneSettings(device=device)).open() as chunks:
        next(chunks)
    assert card.asked == [None if device == "" else device]
    assert card.starts == 0


def test_a_microphone_that_is_not_there_is_a_sentence(plug: Callable[[Card], Card]) -> None:
    plug(Card())
    with (
        pytest.raises(DeviceError, match="I cannot find the microphone nowhere"),
        SoundDeviceMicrophone(MicrophoneSettings(device="nowhere")).open(),
    ):
        pytest.fail("it opened")


@pytest.mark.parametrize("card", [Card(busy=True), Card(rate=12_345, channels=7)])
def test_a_microphone_that_cannot_be_opened_is_a_sentence(plug: Callable[[Card], Card], card: Card) -> None:
    plug(card)
    with pytest.raises(DeviceError, match="I cannot open the microphone") as caught, SoundDeviceMicrophone().open():
        pytest.fail("it opened")
    assert "麦克风" in caught.value.spoken("zh")


def test_a_microphone_that_is_unplugged_does_not_hang(plug: Callable[[Card], Card]) -> None:
    card = plug(Card(blocks=3))
    start = time.monotonic()
    microphone = SoundDeviceMicrophone(MicrophoneSettings(stall_seconds=0.2))
    with pytest.raises(DeviceError, match="no sound any more"), microphone.open() as chunks:
        list(chunks)
    assert time.monotonic() - start < 5
    assert card.closed == 1


def test_sound_that_nobody_takes_is_lost_and_the_log_says_how_much(
    plug: Callable[[Card], Card], caplog: pytest.LogCaptureFixture
) -> None:
    plug(Card(blocks=30))
    microphone = SoundDeviceMicrophone(MicrophoneSettings(buffer_seconds=1.0))
    with caplog.at_level(logging.WARNING), microphone.open():
        deadline = time.monotonic() + 5
        while threading.active_count() > 1 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert "2.0 s of sound were lost" in caplog.text


def test_the_chunks_end_when_the_context_is_left(plug: Callable[[Card], Card]) -> None:
    plug(Card(blocks=100))
    with SoundDeviceMicrophone().open() as chunks:
        next(chunks)
    assert sum(len(chunk) for chunk in chunks) <= SAMPLE_RATE // 10


def test_without_portaudio_the_sentence_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins

    real = builtins.__import__
    for error, words in ((ImportError("no module"), "sounddevice"), (OSError("PortAudio"), "libportaudio2")):

        def importing(name: str, *rest: Any, error: Exception = error) -> Any:
            if name == "sounddevice":
                raise error
            return real(name, *rest)

        monkeypatch.setattr(builtins, "__import__", importing)
        with pytest.raises(DeviceError, match=words), SoundDeviceMicrophone().open():
            pytest.fail("it opened")


@pytest.mark.parametrize("tells", [True, False])
def test_a_microphone_that_comes_back_is_used_again(plug: Callable[[Card], Card], tells: bool) -> None:
    """Pulled out in the midst of an utterance, asked for while it is away, and plugged in again."""
    card = plug(Card(blocks=3))
    card.tells = tells
    microphone = SoundDeviceMicrophone(MicrophoneSettings(device="USB", stall_seconds=0.2 if not tells else 30.0))
    begun = time.monotonic()
    with pytest.raises(DeviceError, match="no sound any more") as caught, microphone.open() as chunks:
        list(chunks)
    assert time.monotonic() - begun < 5  # where the driver tells, nobody waits for the stall
    assert "麦克风没有声音了" in caught.value.spoken("zh")
    card.plugged = card.listed = False
    for _ in range(2):
        with pytest.raises(DeviceError, match="I cannot find the microphone USB"), microphone.open():
            pytest.fail("it opened")
    card.plugged = True  # PortAudio's old list does not have it
    assert not card.listed
    with microphone.open() as chunks:
        assert len(next(chunks)) == SAMPLE_RATE // 10
    assert card.starts == 3


def test_portaudio_is_never_started_anew_under_an_open_stream(plug: Callable[[Card], Card]) -> None:
    card = plug(Card())
    card.listed = False
    with portaudio.stream():
        assert not portaudio.rescan(card.module(), patience=0.05)
        assert card.starts == 0
    assert portaudio.rescan(card.module(), patience=0.05)
    assert card.starts == 1
    assert card.listed
    with SoundDeviceMicrophone().open() as chunks:
        next(chunks)
        assert not portaudio.rescan(card.module(), patience=0.05)
    assert portaudio.rescan(card.module(), patience=0.05)


def test_a_microphone_that_could_not_be_opened_holds_nothing(plug: Callable[[Card], Card]) -> None:
    card = plug(Card(busy=True))
    with pytest.raises(DeviceError, match="another program"), SoundDeviceMicrophone().open():
        pytest.fail("it opened")
    assert card.closed == 2  # tried before and after PortAudio looked again
    assert portaudio.rescan(card.module(), patience=0.0)
    card.busy = False
    with SoundDeviceMicrophone().open() as chunks:
        next(chunks)


def test_a_driver_that_hangs_does_not_hold_the_turn(
    plug: Callable[[Card], Card], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Seen of libpulse when its server ends: closing the stream never returns."""
    monkeypatch.setattr(microphone, "_CLOSING", 0.1)
    card = plug(Card())
    card.hang.clear()
    begun = time.monotonic()
    with SoundDeviceMicrophone().open() as chunks:
        next(chunks)
    assert time.monotonic() - begun < 2
    assert "hangs" in caplog.text
    with SoundDeviceMicrophone().open() as chunks:  # another stream, beside the one that hangs
        next(chunks)
    assert not portaudio.rescan(card.module(), patience=0.0)
    card.hang.set()
    assert portaudio.rescan(card.module(), patience=5.0)


def test_overruns_of_portaudio_are_told_in_the_log(
    plug: Callable[[Card], Card], caplog: pytest.LogCaptureFixture
) -> None:
    card = plug(Card(blocks=4))
    card.status = SimpleNamespace(input_overflow=True)
    with caplog.at_level(logging.WARNING), SoundDeviceMicrophone().open() as chunks:
        for _ in range(4):
            next(chunks)
    assert "PortAudio lost sound 4 times" in caplog.text


class TestRing:
    def test_what_is_written_in_any_pieces_is_read_in_any_pieces(self) -> None:
        ring, sound = Ring(1_000), np.arange(20_000).astype(np.int16)
        rng = np.random.default_rng(3)

        def write() -> None:
            at = 0
            while at < len(sound):
                size = int(rng.integers(1, 400))
                while ring._written - ring._read + size > 1_000:
                    time.sleep(0.0005)
                ring.write(sound[at : at + size].tobytes())
                at += size
            ring.end()

        writer = threading.Thread(target=write)
        writer.start()
        got: list[np.ndarray] = []
        while len(piece := ring.read(len(got) % 700 + 1, 5.0)):
            got.append(piece)
        writer.join()
        assert np.array_equal(np.concatenate(got), sound)
        assert ring.lost == 0

    def test_what_does_not_fit_is_lost_and_counted_and_the_old_is_kept(self) -> None:
        ring = Ring(10)
        ring.write(np.arange(8, dtype=np.int16))
        assert ring.read(4, 0.1).tolist() == [0, 1, 2, 3]
        ring.write(np.arange(8, 20, dtype=np.int16))
        assert ring.lost == 6
        assert ring.read(10, 0.1).tolist() == [4, 5, 6, 7, 8, 9, 10, 11, 12, 13]

    def test_reading_ends_with_the_time_or_the_ring(self) -> None:
        ring = Ring(10)
        ring.write(np.arange(3, dtype=np.int16))
        begun = time.monotonic()
        assert ring.read(5, 0.05).tolist() == [0, 1, 2]
        assert time.monotonic() - begun < 2
        threading.Timer(0.05, ring.end).start()
        assert len(ring.read(5, 30.0)) == 0
        assert ring.ended
