"""Sound made on the spot, and where models are looked for."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from device.models.places import folder
from device.seams import CHUNK, SAMPLE_RATE
from device.speech.microphone import WavMicrophone


@pytest.fixture(scope="session")
def say(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], list[np.ndarray]]:
    """Speaks a text with a voice of espeak-ng, with a quarter of a second of silence around: chunks."""
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed: apt install espeak-ng")
    place = tmp_path_factory.mktemp("spoken")

    def spoken(text: str, voice: str = "en-us") -> list[np.ndarray]:
        path = place / "said.wav"
        subprocess.run(["espeak-ng", "-v", voice, "-s", "140", "-w", str(path), text], check=True)
        with WavMicrophone(path).open() as chunks:
            quiet = np.zeros(SAMPLE_RATE // 4, np.int16)
            return cut(np.concatenate([quiet, *chunks, quiet]))

    return spoken


@pytest.fixture(scope="session")
def model() -> Callable[[str], Path]:
    """The folder of a model; the test skips when it is not there."""

    def found(name: str) -> Path:
        path = folder(name)
        if not path.is_dir():
            pytest.skip(
                f"the model {name} is not there (TAKO_HOME={os.environ.get('TAKO_HOME', '')!r}): tako models fetch"
            )
        return path

    return found


def cut(sound: np.ndarray) -> list[np.ndarray]:
    """Chunks of int16 sound."""
    return [sound[at : at + CHUNK] for at in range(0, len(sound), CHUNK)]


def _coloured(seconds: float, slope: float, level: float) -> np.ndarray:
    """Noise whose power falls with frequency to the power of 2 * slope: 0 is white, 0.5 pink, 1 brown."""
    count = round(seconds * SAMPLE_RATE)
    spectrum = np.fft.rfft(np.random.default_rng(7).standard_normal(count))
    spectrum[1:] /= np.arange(1, len(spectrum)) ** slope
    spectrum[0] = 0
    sound = np.fft.irfft(spectrum, count)
    return np.asarray(np.rint(sound / np.abs(sound).max() * level * 32767), np.int16)


def _tones(seconds: float, hertz: tuple[float, ...], level: float) -> np.ndarray:
    at = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    wave = np.mean([np.sin(2 * np.pi * f * at) for f in hertz], axis=0)
    return np.asarray(np.rint(wave * level * 32767), np.int16)


NOISES: dict[str, np.ndarray] = {
    "silence": np.zeros(3 * SAMPLE_RATE, np.int16),
    "quiet white noise": _coloured(3, 0.0, 0.03),
    "loud white noise": _coloured(3, 0.0, 0.8),
    "pink noise": _coloured(3, 0.5, 0.5),
    "brown noise": _coloured(3, 1.0, 0.5),
    "mains hum": _tones(3, (50.0, 100.0, 150.0), 0.3),
    "a tone": _tones(3, (440.0,), 0.3),
}


@pytest.fixture(params=list(NOISES))
def noise(request: pytest.FixtureRequest) -> list[np.ndarray]:
    """Three seconds in which nobody speaks: chunks."""
    return cut(NOISES[request.param])


class LoudnessDetector:
    """A `Detector` by loudness alone, for sound made of tones: what is loud is speech."""

    def reset(self) -> None:
        self._rest = np.empty(0, np.int16)

    def feed(self, chunk: np.ndarray) -> list[float]:
        sound = np.concatenate((self._rest, chunk))
        whole = len(sound) - len(sound) % 512
        self._rest = sound[whole:]
        return [float(np.abs(window.astype(int)).mean() > 500) for window in sound[:whole].reshape(-1, 512)]


@pytest.fixture
def loudness() -> LoudnessDetector:
    return LoudnessDetector()


@pytest.fixture
def tone() -> Callable[[float], np.ndarray]:
    """So many seconds of a loud tone."""
    return lambda seconds: _tones(seconds, (300.0,), 0.3)
