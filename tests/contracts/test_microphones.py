"""What every `Microphone` does. The real one runs where PortAudio and an input device are."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from actions.errors import DeviceError
from device.seams import CHUNK, SAMPLE_RATE, Microphone
from device.speech.microphone import SoundDeviceMicrophone, WavMicrophone


def _wav(folder: Path, rate: int, channels: int) -> Microphone:
    at = np.arange(rate) / rate
    soundfile.write(folder / "a.wav", np.repeat(np.sin(at * 2000)[:, None], channels, axis=1) * 0.5, rate)
    return WavMicrophone(folder / "a.wav")


def _real(folder: Path) -> Microphone:
    if importlib.util.find_spec("sounddevice") is None:
        pytest.skip("sounddevice is not installed")
    microphone = SoundDeviceMicrophone()
    try:
        with microphone.open():
            return microphone
    except DeviceError as error:
        pytest.skip(f"no microphone: {error}")


MICROPHONES: dict[str, Callable[[Path], Microphone]] = {
    "wav": lambda folder: _wav(folder, SAMPLE_RATE, 1),
    "wav of a sound card": lambda folder: _wav(folder, 44_100, 2),
    "sounddevice": _real,
}


@pytest.fixture(params=list(MICROPHONES))
def microphone(request: pytest.FixtureRequest, tmp_path: Path) -> Microphone:
    return MICROPHONES[request.param](tmp_path)


def test_it_gives_chunks_of_mono_int16(microphone: Microphone) -> None:
    assert isinstance(microphone, Microphone)
    with microphone.open() as chunks:
        got = [next(chunks) for _ in range(9)]
    assert all(chunk.dtype == np.int16 and chunk.shape == (CHUNK,) for chunk in got)


def test_it_opens_again_and_again(microphone: Microphone) -> None:
    for _ in range(3):
        with microphone.open() as chunks:
            assert len(next(chunks)) == CHUNK


def test_the_chunks_end_when_the_context_is_left(microphone: Microphone) -> None:
    with microphone.open() as chunks:
        next(chunks)
    assert sum(len(chunk) for chunk in chunks) <= CHUNK


def test_a_listener_that_fails_leaves_it_usable(microphone: Microphone) -> None:
    with pytest.raises(KeyError), microphone.open() as chunks:
        raise KeyError(len(next(chunks)))
    with microphone.open() as chunks:
        assert len(next(chunks)) == CHUNK
