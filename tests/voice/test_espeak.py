"""pyttsx3 in its child process: what it says, what it does when the child dies, hangs, or something is missing."""

from __future__ import annotations

import ctypes.util
import importlib.util
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from actions.errors import DeviceError
from device.voice import espeak
from device.voice.espeak import RATE, EspeakEngine
from device.voice.settings import VoiceSettings
from device.voice.text import Segment, prepare

HELLO = (Segment("en", "hello there"),)
needs_espeak = pytest.mark.skipif(
    importlib.util.find_spec("pyttsx3") is None or ctypes.util.find_library("espeak-ng") is None,
    reason="pyttsx3 or espeak-ng is not installed: sudo apt install espeak-ng",
)


@pytest.fixture
def engine() -> Iterator[EspeakEngine]:
    engine = EspeakEngine(VoiceSettings())
    yield engine
    engine.close()


def seconds(sound: np.ndarray) -> float:
    """Of sound that can be heard."""
    loud = np.flatnonzero(np.abs(sound.astype(int)) > 500)
    return float(loud[-1] - loud[0]) / RATE if len(loud) else 0.0


@needs_espeak
def test_both_languages_and_a_mixture_are_spoken(engine: EspeakEngine) -> None:
    engine.check()
    english = engine.synthesise(HELLO)
    assert english.dtype == np.int16
    assert 0.3 < seconds(english) < 1.5
    mandarin = engine.synthesise(prepare("我晚点到", "zh"))
    assert 0.5 < seconds(mandarin) < 2.0
    mixed = engine.synthesise(prepare("给 Anna 发短信", "zh"))
    assert 0.8 < seconds(mixed) < 3.0


@needs_espeak
def test_nothing_to_say_is_no_sound(engine: EspeakEngine) -> None:
    assert len(engine.synthesise(())) == 0


@needs_espeak
def test_mandarin_is_read_as_pinyin_by_the_pinyin_voice(engine: EspeakEngine) -> None:
    """Not by espeak-ng's voice `cmn`, which reads these characters as English words."""
    settings = VoiceSettings()
    spoken = engine.synthesise(prepare("我晚点到。", "zh"))
    reader = EspeakEngine(VoiceSettings(voice=settings.voice_zh, rate=settings.rate_zh))
    trap = EspeakEngine(VoiceSettings(voice="cmn", rate=settings.rate_zh))
    try:
        read = reader.synthesise((Segment("en", "wo3 wan3 dian3 dao4."),))
        assert seconds(read) == pytest.approx(seconds(spoken), rel=0.06)  # espeak-ng varies by a few samples
        assert seconds(trap.synthesise((Segment("en", "我晚点到。"),))) > 1.1 * seconds(spoken)
    finally:
        reader.close()
        trap.close()


@needs_espeak
@pytest.mark.slow
def test_the_first_sentence_of_every_child_is_whole_and_at_the_rate_of_the_settings() -> None:
    """pyttsx3 loses a rate, or a sentence, that espeak-ng has not come to when pyttsx3's loop ends."""
    lengths = []
    for _ in range(40):
        engine = EspeakEngine(VoiceSettings(rate=120))
        lengths += [seconds(engine.synthesise(HELLO)) for _ in range(2)]
        engine.close()
    assert lengths == pytest.approx([float(np.median(lengths))] * len(lengths), rel=0.06)


@needs_espeak
def test_two_voices_in_turns_keep_their_rates(engine: EspeakEngine) -> None:
    mixed = prepare("给 Anna 发短信", "zh")
    lengths = [seconds(engine.synthesise(mixed)) for _ in range(20)]
    assert lengths == pytest.approx([lengths[0]] * len(lengths), rel=0.06)


@needs_espeak
def test_rate_and_volume_are_heard() -> None:
    def spoken(**settings: float) -> np.ndarray:
        engine = EspeakEngine(VoiceSettings(**settings))  # type: ignore[arg-type]
        try:
            return engine.synthesise(HELLO)
        finally:
            engine.close()

    slow, fast, quiet = spoken(rate=100), spoken(rate=300), spoken(rate=100, volume=0.2)
    assert seconds(slow) > 1.5 * seconds(fast)
    assert np.abs(quiet.astype(int)).max() < 0.5 * np.abs(slow.astype(int)).max()


@needs_espeak
def test_a_voice_that_is_not_there_is_named() -> None:
    engine = EspeakEngine(VoiceSettings(voice="klingon-nowhere"))
    try:
        with pytest.raises(DeviceError, match="klingon-nowhere"):
            engine.synthesise(HELLO)
    finally:
        engine.close()


@needs_espeak
def test_a_child_that_was_killed_is_started_again(engine: EspeakEngine) -> None:
    engine.check()
    assert engine._child is not None
    engine._child.kill()
    engine._child.wait()
    assert seconds(engine.synthesise(HELLO)) > 0.3


@needs_espeak
def test_a_child_that_hangs_is_given_up_and_the_next_sentence_is_spoken(
    engine: EspeakEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.check()
    assert engine._child is not None
    monkeypatch.setattr(espeak, "PATIENCE", 0.3)
    os.kill(engine._child.pid, signal.SIGSTOP)
    begun = time.monotonic()
    with pytest.raises(DeviceError, match="does not answer"):
        engine.synthesise(HELLO)
    assert time.monotonic() - begun < 2
    monkeypatch.setattr(espeak, "PATIENCE", 20.0)
    assert seconds(engine.synthesise(HELLO)) > 0.3


@needs_espeak
def test_close_ends_a_child_that_hangs_under_a_caller(engine: EspeakEngine) -> None:
    engine.check()
    child = engine._child
    assert child is not None
    os.kill(child.pid, signal.SIGSTOP)
    troubles: list[DeviceError] = []

    def speak() -> None:
        try:
            engine.synthesise(HELLO)
        except DeviceError as error:
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


@needs_espeak
def test_no_child_and_no_file_is_left_behind(engine: EspeakEngine) -> None:
    engine.synthesise(HELLO)
    child, folder = engine._child, Path(engine._folder.name)
    assert child is not None
    assert list(folder.iterdir()) == []
    engine.close()
    assert child.poll() is not None
    assert not folder.exists()


@pytest.mark.parametrize(
    ("stub", "names"),
    [
        ("raise ImportError('no module')", "pip install pyttsx3"),
        ("def init(name):\n    raise RuntimeError('not have eSpeak installed')", "apt install espeak-ng"),
        ("import os\nos._exit(3)", "does not start"),
    ],
)
def test_what_is_missing_is_said_with_its_cure(
    stub: str, names: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyttsx3.py").write_text(stub)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    engine = EspeakEngine(VoiceSettings())
    try:
        for _ in range(2):
            with pytest.raises(DeviceError, match=names) as caught:
                engine.check()
            assert caught.value.spoken("zh") != caught.value.spoken("en")
    finally:
        engine.close()
