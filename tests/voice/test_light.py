"""The light's rhythms, on gpiozero's mock pins, and the earcons."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from actions.errors import DeviceError
from device.pi.earcons import RATE, TUNES, Earcons, earcon
from device.pi.indicator import PATTERNS, LedIndicator, LightSettings
from device.seams import State

mock = pytest.importorskip("gpiozero.pins.mock", reason="gpiozero is not installed: pip install 'tako[pi]'")
STEP = 0.05  # seconds


def timeline(state: State, seconds: float = 8.0) -> tuple[bool, ...]:
    """On or off, every 50 ms."""
    rhythm = PATTERNS[state].rhythm
    if not rhythm:
        return (True,) * int(seconds / STEP)
    once = [step % 2 == 0 for step, length in enumerate(rhythm) for _ in range(round(length / STEP))]
    return tuple(once[at % len(once)] for at in range(int(seconds / STEP)))


def light(*pins: int, earcons: Earcons | None = None, **options: Any) -> tuple[LedIndicator, Any]:
    factory = mock.MockFactory(pin_class=mock.MockPWMPin)
    settings = LightSettings(pins=pins, earcons=False, **options)
    return LedIndicator(settings, factory, earcons), factory


def until(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 2.0
    while not true() and time.monotonic() < deadline:
        time.sleep(0.005)
    return true()


def test_every_state_has_a_rhythm_of_its_own_whatever_the_colour() -> None:
    assert set(PATTERNS) == set(State)
    for one, other in combinations(State, 2):
        differing = sum(a != b for a, b in zip(timeline(one), timeline(other), strict=True))
        assert differing * STEP > 0.5, (one, other)


@pytest.mark.parametrize("state", State)
def test_nothing_flashes_more_than_three_times_a_second(state: State) -> None:
    """The bound of WCAG 2.3.1, for people with photosensitive epilepsy."""
    shown = timeline(state)
    starts = [at for at in range(1, len(shown)) if shown[at] and not shown[at - 1]]
    assert all(sum(at <= other < at + round(1 / STEP) for other in starts) <= 3 for at in starts)


def test_the_pins_follow_the_state() -> None:
    led, factory = light(22, 23, 24, brightness=1.0)
    red, blue = factory.pin(22), factory.pin(24)
    led.show(State.LISTENING)
    assert until(lambda: blue.state == 1.0)
    assert red.state == 0.0
    led.show(State.ERROR)
    assert until(lambda: red.state == 1.0 and blue.state == 0.0)
    assert until(lambda: red.state == 0.0)
    assert until(lambda: red.state == 1.0)
    led.close()
    assert red.state in (0.0, None)


def test_a_new_state_does_not_wait_for_the_old_rhythm() -> None:
    led, factory = light(22, brightness=1.0)
    led.show(State.READY)
    assert until(lambda: factory.pin(22).state == 0.0)  # dark for four seconds now
    begun = time.monotonic()
    led.show(State.LISTENING)
    assert until(lambda: factory.pin(22).state == 1.0)
    assert time.monotonic() - begun < 0.2
    led.close()


def test_brightness_and_a_common_anode() -> None:
    led, factory = light(22, brightness=0.25, common_anode=True)
    led.show(State.LISTENING)
    assert until(lambda: factory.pin(22).state == pytest.approx(0.75))
    led.close()


@pytest.mark.parametrize("pins", [(), (22, 23), (22, 23, 24, 25)])
def test_a_wrong_number_of_pins_is_told(pins: tuple[int, ...]) -> None:
    with pytest.raises(DeviceError, match="one pin, or three"):
        light(*pins)


def test_pins_that_are_taken_are_told() -> None:
    factory = mock.MockFactory(pin_class=mock.MockPWMPin)
    first = LedIndicator(LightSettings(pins=(22,), earcons=False), factory)
    with pytest.raises(DeviceError, match="pins 22"):
        LedIndicator(LightSettings(pins=(22,), earcons=False), factory)
    first.close()


@pytest.mark.parametrize("state", TUNES)
def test_an_earcon_is_short_soft_and_without_a_click(state: State) -> None:
    sound = earcon(TUNES[state], 0.2)
    assert sound.dtype == np.int16
    assert 0.03 < len(sound) / RATE < 0.4
    assert 0.15 * 32767 < np.abs(sound.astype(int)).max() <= 0.2 * 32767 + 1
    assert abs(int(sound[0])) < 100
    assert abs(int(sound[-1])) < 100


class Recorder:
    """A sink that keeps what it was given."""

    rate = RATE

    def __init__(self, broken: bool = False) -> None:
        self.played: list[int] = []
        self.broken = broken

    def check(self) -> None:
        """Always there."""

    def play(self, sound: np.ndarray, stop: threading.Event, alive: Callable[[], None]) -> None:
        if self.broken:
            raise DeviceError("no speaker")
        self.played.append(len(sound))

    def close(self) -> None:
        """Nothing is held."""


def test_states_are_heard_once_each() -> None:
    recorder = Recorder()
    led, _ = light(22, earcons=Earcons(0.2, sink=recorder))
    for state in (State.READY, State.LISTENING, State.LISTENING):
        led.show(state)
    assert until(lambda: len(recorder.played) == 1)
    led.show(State.ERROR)
    assert until(lambda: len(recorder.played) == 2)
    led.close()


def test_without_a_speaker_the_light_goes_on() -> None:
    led, factory = light(22, earcons=Earcons(0.2, sink=Recorder(broken=True)), brightness=1.0)
    for state in (State.ERROR, State.ASKING, State.LISTENING):
        led.show(state)
        time.sleep(0.05)
    assert until(lambda: factory.pin(22).state == 1.0)
    led.close()
