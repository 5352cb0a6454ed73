"""The neural voices' process and what stands before it, with a tone for a voice."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from actions.errors import DeviceError, ModelError, TakoError
from device.voice import neural
from device.voice.engines import NeuralSpeech, trimmed
from device.voice.neural import RATE, NeuralEngine
from device.voice.settings import VoiceSettings
from device.voice.text import Segment

Make = Callable[..., NeuralEngine]
GOING_ON = threading.Event()
pytestmark = pytest.mark.slow  # a process for each test


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    monkeypatch.setattr(neural, "PROGRAM", (str(Path(__file__).with_name("tone_child.py")),))
    made: list[NeuralEngine] = []

    def engine(*langs: str, place: str = "voice", **settings: float) -> NeuralEngine:
        folders = {lang: Path("/nowhere") / place for lang in langs or ("en", "zh")}
        made.append(NeuralEngine(VoiceSettings(**settings), folders))  # type: ignore[arg-type]
        return made[-1]

    yield engine
    for one in made:
        one.close()


def said(engine: NeuralEngine, *sentences: str, lang: str = "en", stop: threading.Event = GOING_ON) -> np.ndarray:
    speech = NeuralSpeech(engine)
    return np.concatenate([*speech.speak([(Segment(lang, text),) for text in sentences], stop), np.zeros(0, np.int16)])


def seconds(sound: np.ndarray) -> float:
    """Of sound that can be heard."""
    return float(np.count_nonzero(np.abs(sound.astype(int)) > 300)) / RATE


def test_sound_has_the_rate_of_the_speaker_whatever_the_voice_has(make: Make) -> None:
    engine = make()
    english, mandarin = said(engine, "one two three"), said(engine, "好好好", lang="zh")
    assert english.dtype == mandarin.dtype == np.int16
    for sound, level in ((english, 0.5), (mandarin, 0.25)):
        assert seconds(sound) == pytest.approx(0.3, abs=0.02)
        assert np.abs(sound.astype(int)).max() == pytest.approx(level * 32767, rel=0.03)
        crossings = np.count_nonzero(np.diff(np.signbit(sound[1000:5000].astype(int)).astype(int)))
        assert crossings / 4000 * RATE / 2 == pytest.approx(440, rel=0.03)  # the pitch is right: it was resampled


def test_rate_and_volume_are_heard(make: Make) -> None:
    fast, usual = said(make(rate=310), "one two three"), said(make(), "one two three")
    assert seconds(usual) == pytest.approx(2 * seconds(fast), rel=0.1)
    engine = make()
    quiet = NeuralSpeech(engine, volume=0.5).speak([(Segment("en", "one"),)], GOING_ON)
    assert np.abs(np.concatenate(list(quiet)).astype(int)).max() == pytest.approx(0.25 * 32767, rel=0.03)


def test_two_languages_in_one_sentence_are_heard_in_their_order(make: Make) -> None:
    speech = NeuralSpeech(make())
    sound = np.concatenate(list(speech.speak([(Segment("zh", "给"), Segment("en", "Anna Berg"))], GOING_ON)))
    peaks = [np.abs(part.astype(int)).max() / 32767 for part in np.split(sound, range(441, len(sound), 441))]
    assert peaks[0] == pytest.approx(0.25, abs=0.02)
    assert max(peaks[-20:]) == pytest.approx(0.5, abs=0.02)
    gap = [at for at, peak in enumerate(peaks) if peak < 0.01]
    assert gap
    assert max(peaks[: gap[0]]) < 0.3 < max(peaks[gap[0] :])


def test_what_comes_next_is_made_while_something_is_heard(make: Make) -> None:
    engine = make()
    engine.check()
    sounds = NeuralSpeech(engine).speak(
        [(Segment("en", "one."),), (Segment("en", "slow " * 8),), (Segment("en", "two."),)], GOING_ON
    )
    next(sounds)
    time.sleep(1.5)  # as long as a speaker would take; the child has made all of it by then
    begun = time.monotonic()
    rest = np.concatenate(list(sounds))
    assert time.monotonic() - begun < 0.4  # of 0.8 s that it takes to make
    assert seconds(rest) == pytest.approx(0.9, abs=0.1)


def test_a_stop_ends_it_and_the_next_sentence_does_not_wait_for_the_old_one(make: Make) -> None:
    engine, stop = make(), threading.Event()
    engine.check()
    sounds = NeuralSpeech(engine).speak([(Segment("en", "slow " * 100),)], stop)
    next(sounds)
    stop.set()
    begun = time.monotonic()
    assert seconds(np.concatenate([*sounds, np.zeros(0, np.int16)])) < 0.3
    assert time.monotonic() - begun < 0.3
    assert seconds(said(engine, "one")) == pytest.approx(0.1, abs=0.02)
    assert time.monotonic() - begun < 3  # of ten seconds that the old one takes to make


def test_a_full_pipe_that_nobody_hears_is_no_deadlock(make: Make) -> None:
    engine = make()
    sounds = NeuralSpeech(engine).speak([(Segment("en", "word " * 1000),)], GOING_ON)  # 100 s: more than the pipe takes
    next(sounds)
    time.sleep(0.5)
    sounds.close()
    assert seconds(said(engine, "one")) == pytest.approx(0.1, abs=0.02)


def test_a_child_that_was_killed_says_the_sentence_again(make: Make) -> None:
    engine = make()
    engine.check()
    assert engine._child is not None
    engine._child.kill()
    engine._child.wait()
    assert seconds(said(engine, "one two", "three")) == pytest.approx(0.3, abs=0.03)


def test_a_child_that_dies_of_a_sentence_is_told_and_the_next_one_is_spoken(make: Make) -> None:
    engine = make()
    with pytest.raises(DeviceError, match="keeps failing"):
        said(engine, "die")
    assert seconds(said(engine, "one")) == pytest.approx(0.1, abs=0.02)


def test_a_child_that_hangs_is_given_up_and_the_next_sentence_is_spoken(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = make()
    engine.check()
    monkeypatch.setattr(neural, "PATIENCE", 0.3)
    with pytest.raises(DeviceError, match="does not answer") as caught:
        said(engine, "hang")
    assert caught.value.spoken("zh") != caught.value.spoken("en")
    monkeypatch.setattr(neural, "PATIENCE", 20.0)
    assert seconds(said(engine, "one")) == pytest.approx(0.1, abs=0.02)


def test_close_ends_a_child_that_hangs_under_a_caller(make: Make) -> None:
    engine = make()
    engine.check()
    child = engine._child
    assert child is not None
    os.kill(child.pid, signal.SIGSTOP)
    troubles: list[TakoError] = []

    def speak() -> None:
        try:
            said(engine, "one")
        except TakoError as error:
            troubles.append(error)

    caller = threading.Thread(target=speak)
    caller.start()
    time.sleep(0.2)
    begun = time.monotonic()
    engine.close()
    caller.join(2)
    assert time.monotonic() - begun < 1
    assert troubles
    assert child.poll() is not None
    with pytest.raises(DeviceError, match="closed"):
        engine.check()


def test_what_is_wrong_with_a_voice_is_said_with_its_cure_each_time(make: Make) -> None:
    engine = make("en", place="damaged")
    for _ in range(2):
        with pytest.raises(ModelError, match="tako models fetch damaged") as caught:
            engine.check()
        assert "已损坏" in caught.value.spoken("zh")


def test_a_child_that_does_not_start_is_told(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neural, "PROGRAM", ("-c", "raise SystemExit(3)"))
    with pytest.raises(DeviceError, match="does not start"):
        make().check()


@pytest.mark.parametrize("cut", [(), (1500,), (300, 301, 3000), (500, 1000, 1500, 2000, 2500)])
def test_silence_before_and_after_is_not_heard_however_the_sound_comes(cut: tuple[int, ...]) -> None:
    pause, loud = np.zeros(600, np.int16), np.full(800, 9000, np.int16)
    whole = np.concatenate([pause, loud, pause, loud, pause, np.zeros(1000, np.int16)])
    heard = np.concatenate([*trimmed(np.split(whole, cut)), np.zeros(0, np.int16)])
    start = max(at for at in (0, 600 - 440, *(c for c in cut if c <= 600)))
    assert np.array_equal(heard, whole[start : 600 + 800 + 600 + 800])
    assert list(trimmed([pause, pause])) == []
