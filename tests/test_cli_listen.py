"""`tako listen` and what it judges a recording by; on recordings, and on a microphone that is made up."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

from actions.errors import DeviceError, ModelError
from device import levels
from device.cli.main import tako
from device.levels import advice, measure
from device.seams import CHUNK, SAMPLE_RATE, Transcript
from device.speech import choose as chooser
from device.speech import microphone
from device.speech.vad import WINDOW

DATA = Path(__file__).parent / "data"
SECOND = SAMPLE_RATE
RNG = np.random.default_rng(1)


def tone(amplitude: float, seconds: float = 1.0) -> np.ndarray:
    """A sine of 440 Hz; amplitude of full scale."""
    at = np.arange(int(seconds * SECOND)) / SECOND
    return np.clip(np.rint(amplitude * 32768 * np.sin(2 * np.pi * 440 * at)), -32768, 32767).astype(np.int16)


def noise(dbfs: float, seconds: float = 1.0) -> np.ndarray:
    return np.rint(RNG.normal(size=int(seconds * SECOND)) * 32768 * 10 ** (dbfs / 20)).astype(np.int16)


def judged(speech: np.ndarray, still: np.ndarray) -> levels.Levels:
    """Of a recording in which the first part is speech, as the detector says, and the second is not."""
    sound = np.concatenate((speech, still))
    return measure(sound, [1.0] * (len(speech) // WINDOW) + [0.0] * (len(still) // WINDOW + 1))


class TestLevels:
    def test_a_good_recording(self) -> None:
        found = judged(tone(0.1), noise(-60))
        assert found.speech == pytest.approx(-23, abs=0.5)  # 0.1 is -20, a sine 3 below
        assert found.noise == pytest.approx(-60, abs=1.5)
        assert found.above_noise == pytest.approx(37, abs=2)
        assert found.peak == pytest.approx(-20, abs=0.5)
        assert (found.clipped, found.seconds) == (0.0, 2.0)
        assert advice(found) == []

    @pytest.mark.parametrize(
        ("speech", "still", "words"),
        [
            (tone(1.6), noise(-60), ["clips", "very loud"]),
            (tone(0.004), noise(-80), ["faint"]),
            (tone(0.02), noise(-45), ["noise is high"]),
            (np.zeros(SECOND, np.int16), np.zeros(SECOND, np.int16), ["no sound at all"]),
            (tone(0.1) + np.int16(1500), noise(-60), ["zero is off"]),
            (np.empty(0, np.int16), noise(-60), ["Nobody spoke"]),
            (np.empty(0, np.int16), noise(-30), ["Nobody spoke", "noise is high"]),
            (np.empty(0, np.int16), np.empty(0, np.int16), ["no sound at all"]),
        ],
    )
    def test_what_is_wrong_is_told_with_its_cure(self, speech: np.ndarray, still: np.ndarray, words: list[str]) -> None:
        found = advice(judged(speech, still))
        assert len(found) == len(words)
        assert all(word in sentence for word, sentence in zip(words, found, strict=True))
        chinese = advice(judged(speech, still), "zh")
        assert len(chinese) == len(words)
        assert not any(sentence.isascii() for sentence in chinese)

    def test_the_recordings_of_the_tests_are_good(self) -> None:
        """With the true detector."""
        result = listen("--wav", DATA / "en_request.wav", "--no-words", "--json")
        told = json.loads(result.stdout)
        assert told["advice"] == []
        assert -35 < told["levels"]["speech"] < -15


class FakeMicrophone:
    """Gives what it was told to, chunk by chunk, without end."""

    sound = tone(0.1, 3.0)

    def __init__(self, settings: object = None) -> None:
        self.given = 0

    @contextmanager
    def open(self) -> Iterator[Iterator[np.ndarray]]:
        yield (self.sound[at : at + CHUNK] for at in range(0, len(self.sound), CHUNK))


class FakeTranscriber:
    closed = False

    def transcribe(self, chunks: Iterator[np.ndarray]) -> Transcript:
        samples = sum(map(len, chunks))
        return Transcript(f"{samples} samples", "en", 0.5, engine="fake")

    def close(self) -> None:
        FakeTranscriber.closed = True


def listen(*args: str | Path) -> Result:
    return CliRunner().invoke(tako, ["listen", *map(str, args)], catch_exceptions=False)


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TAKO_HOME", str(tmp_path))
    monkeypatch.delenv("TAKO_CONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setattr(microphone, "SoundDeviceMicrophone", FakeMicrophone)
    monkeypatch.setattr(chooser, "choose", lambda *args: (FakeTranscriber(), "because"))


class TestCommand:
    def test_so_many_seconds_of_the_microphone(self, tmp_path: Path) -> None:
        result = listen("--seconds", "1.5", "--out", tmp_path / "kept.wav")
        assert result.exit_code == 0
        assert "24000 samples  (fake, en, 50% sure)" in result.stdout
        assert "\x1b" not in result.stdout
        kept, rate = soundfile.read(tmp_path / "kept.wav", dtype="int16")
        assert (rate, len(kept)) == (SAMPLE_RATE, 24000)
        assert np.array_equal(kept, FakeMicrophone.sound[:24000])
        assert FakeTranscriber.closed

    def test_on_a_terminal_the_level_moves(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FORCE_COLOR", "1")  # rich then takes any output for a terminal
        monkeypatch.setenv("TERM", "xterm")
        out = listen("--seconds", "1", "--no-words").stdout
        assert re.search(r"speak +\d\.\d of 1 s.*█.*-23 dBFS", out, re.DOTALL)

    def test_nothing_is_kept_without_being_asked(self, tmp_path: Path) -> None:
        listen("--seconds", "1")
        assert list(tmp_path.iterdir()) == []

    def test_without_words_no_model_is_needed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(chooser, "choose", lambda *args: pytest.fail("loaded"))
        told = json.loads(listen("--seconds", "1", "--no-words", "--json").stdout)
        assert told["transcript"] is None
        assert told["levels"]["seconds"] == 1.0

    def test_levels_are_told_even_when_nothing_can_be_understood(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*args: object) -> None:
            raise ModelError("I have no speech recogniser.")

        monkeypatch.setattr(chooser, "choose", refuse)
        result = listen("--seconds", "1")
        assert (result.exit_code, "peak" in result.stdout) == (5, True)
        assert result.stderr == "I have no speech recogniser.\n"

    def test_a_microphone_that_is_gone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Gone(FakeMicrophone):
            @contextmanager
            def open(self) -> Iterator[Iterator[np.ndarray]]:
                raise DeviceError("I cannot find the microphone.")
                yield

        monkeypatch.setattr(microphone, "SoundDeviceMicrophone", Gone)
        result = listen()
        assert (result.exit_code, result.stderr) == (4, "I cannot find the microphone.\n")

    def test_a_place_that_cannot_be_written(self, tmp_path: Path) -> None:
        result = listen("--seconds", "1", "--out", tmp_path / "no" / "such.wav")
        assert (result.exit_code, "cannot write" in result.stderr) == (4, True)
