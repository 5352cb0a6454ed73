"""The queue and the thread of a voice, with a synthesiser and a speaker that keep real time but make no sound."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

import numpy as np
import pytest

from actions.errors import DeviceError
from device.voice import spoken
from device.voice.spoken import SpokenVoice
from device.voice.text import Segment

RATE = 1000
AT_ONCE = 0.2  # seconds in which a voice must fall silent


class Letters:
    """Ten milliseconds of sound a letter, in two pieces."""

    opening = 0

    def __init__(self) -> None:
        self.asked: list[tuple[Segment, ...]] = []
        self.ready = True
        self.closed = False

    def check(self) -> None:
        if not self.ready:
            raise DeviceError("no engine")

    def prepare(self) -> None:
        """Nothing to load."""

    def speak(
        self, sentences: Sequence[tuple[Segment, ...]], stop: threading.Event
    ) -> Generator[np.ndarray, None, None]:
        for segments in sentences:
            self.asked.append(segments)
            if segments[0].text == "broken":
                raise DeviceError("cannot say that")
            yield from np.array_split(np.ones(10 * sum(len(segment.text) for segment in segments), np.int16), 2)

    def close(self) -> None:
        self.closed = True


class Clock:
    """Takes as long as a speaker would; `heard` holds (start, end, whole) of each sound."""

    rate = RATE

    def __init__(self) -> None:
        self.heard: list[tuple[float, float, bool]] = []
        self.stuck = threading.Event()
        self.trouble: DeviceError | None = None
        self.closed = False

    def check(self) -> None:
        """Always there."""

    def play(self, sound: np.ndarray, stop: threading.Event, alive: Callable[[], None]) -> None:
        self.stream((sound,), stop, alive)

    def stream(self, sounds: Iterable[np.ndarray], stop: threading.Event, alive: Callable[[], None]) -> None:
        begun, stopped = time.monotonic(), False
        if self.trouble is not None:
            raise self.trouble
        if self.stuck.is_set():
            time.sleep(30)  # a driver that does not come back
        for sound in sounds:
            if stopped := stop.wait(len(sound) / RATE):
                break
            alive()
        self.heard.append((begun, time.monotonic(), not stopped))

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def parts() -> tuple[Letters, Clock]:
    return Letters(), Clock()


@pytest.fixture
def voice(parts: tuple[Letters, Clock]) -> Iterator[SpokenVoice]:
    voice = SpokenVoice(*parts)
    yield voice
    voice.close()


def test_sentences_are_spoken_one_after_the_other_off_the_callers_thread(
    voice: SpokenVoice, parts: tuple[Letters, Clock]
) -> None:
    begun = time.monotonic()
    voice.say("one. two!", "en")
    voice.say("要给 Anna 发短信吗？", "zh")
    assert time.monotonic() - begun < AT_ONCE
    assert voice.wait(5.0)
    engine, speaker = parts
    assert engine.asked[:2] == [(Segment("en", "one."),), (Segment("en", "two!"),)]
    assert [segment.lang for segment in engine.asked[2]] == ["zh", "en", "zh"]
    assert all(earlier[1] <= later[0] for earlier, later in zip(speaker.heard, speaker.heard[1:], strict=False))


def test_wait_tells_whether_it_was_long_enough(voice: SpokenVoice) -> None:
    assert voice.wait(0.0)
    voice.say("thirty letters are 300 milliseconds", "en")
    assert not voice.wait(0.05)
    assert voice.wait(5.0)
    assert voice.wait()


def test_stop_is_silence_at_once_and_forgets_the_rest(voice: SpokenVoice, parts: tuple[Letters, Clock]) -> None:
    for _ in range(5):
        voice.say("a sentence that takes much longer than anybody would want to wait for it to end " * 5, "en")
    time.sleep(0.1)
    called = time.monotonic()
    voice.stop()
    assert time.monotonic() - called < AT_ONCE
    assert voice.wait(AT_ONCE)
    speaker = parts[1]
    assert speaker.heard[-1][1] - called < AT_ONCE
    time.sleep(0.2)
    assert len(speaker.heard) == 1
    voice.say("after", "en")
    assert voice.wait(5.0)
    assert speaker.heard[-1][2]


def test_a_stop_and_a_say_from_another_thread_do_not_lose_the_new_sentence(
    voice: SpokenVoice, parts: tuple[Letters, Clock]
) -> None:
    for _ in range(50):
        voice.say("old", "en")
        voice.stop()
        voice.say("new", "en")
        assert voice.wait(5.0)
        assert parts[0].asked[-1] == (Segment("en", "new"),)
        assert parts[1].heard[-1][2]


def test_many_threads_may_speak(voice: SpokenVoice, parts: tuple[Letters, Clock]) -> None:
    threads = [threading.Thread(target=voice.say, args=("word", "en")) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert voice.wait(5.0)
    assert len(parts[1].heard) == 10


def test_an_engine_that_cannot_speak_is_told_by_say(voice: SpokenVoice, parts: tuple[Letters, Clock]) -> None:
    parts[0].ready = False
    with pytest.raises(DeviceError, match="no engine"):
        voice.say("hello", "en")
    assert voice.wait(1.0)


def test_trouble_while_speaking_is_told_once(voice: SpokenVoice, parts: tuple[Letters, Clock]) -> None:
    voice.say("broken", "en")
    with pytest.raises(DeviceError, match="cannot say that"):
        voice.wait(5.0)
    assert voice.wait(0.0)
    parts[1].trouble = DeviceError("unplugged")
    voice.say("hello", "en")
    while not voice._trouble:  # before the next sentence
        time.sleep(0.01)
    with pytest.raises(DeviceError, match="unplugged"):
        voice.say("again", "en")
    parts[1].trouble = None
    voice.say("again", "en")
    assert voice.wait(5.0)


def test_trouble_that_was_stopped_is_forgotten(voice: SpokenVoice) -> None:
    voice.say("broken", "en")
    time.sleep(0.1)
    voice.stop()
    assert voice.wait(1.0)


def test_a_stuck_speaker_hangs_nobody(parts: tuple[Letters, Clock], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spoken, "STALL", 0.3)
    monkeypatch.setattr(spoken, "_LEAVE", 0.2)
    parts[1].stuck.set()
    voice = SpokenVoice(*parts)
    voice.say("hello", "en")
    begun = time.monotonic()
    with pytest.raises(DeviceError, match="does not take"):
        voice.wait()
    assert time.monotonic() - begun < 3
    voice.stop()
    voice.close()
    assert time.monotonic() - begun < 4


def test_close_cuts_short_frees_and_may_be_repeated(parts: tuple[Letters, Clock]) -> None:
    voice = SpokenVoice(*parts)
    voice.say("a sentence that takes much longer than anybody would want to wait for " * 5, "en")
    time.sleep(0.05)
    begun = time.monotonic()
    voice.close()
    voice.close()
    assert time.monotonic() - begun < 0.5
    assert parts[0].closed
    assert parts[1].closed
    assert not voice._thread.is_alive()
    with pytest.raises(DeviceError, match="closed"):
        voice.say("hello", "en")
