"""Gestures in whole turns: gpiozero's mock pins, a microphone of silence, every other part simulated."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from bodies import hand, hears, lights, make_body, said

from actions.base import Request
from device.mute import Mute, MutedMicrophone
from device.pi.trigger import ButtonTrigger, PinSettings
from device.seams import CHUNK, State
from device.speech.endpoint import Endpointer
from device.turn import Ear, Turn, take_turn

mock = pytest.importorskip("gpiozero.pins.mock", reason="gpiozero is not installed: pip install 'tako[pi]'")


class Room:
    """Silence, five times as fast as it passes."""

    @contextmanager
    def open(self) -> Iterator[Iterator[np.ndarray]]:
        yield self._chunks()

    def _chunks(self) -> Iterator[np.ndarray]:
        while True:
            time.sleep(0.02)
            yield np.zeros(CHUNK, np.int16)


class Deaf:
    """A detector that hears nobody."""

    def reset(self) -> None:
        """Nothing is kept."""

    def feed(self, chunk: np.ndarray) -> list[float]:
        return [0.0] * 3


class Rig:
    """A body with a button."""

    def __init__(self, text: str = "text mom i'll be late") -> None:
        self.factory = mock.MockFactory()
        self.mute = Mute()
        self.trigger = ButtonTrigger(PinSettings(bounce=0.0, long_seconds=0.3), self.factory, self.mute)
        ear = Ear(MutedMicrophone(Room(), self.mute), hears(text).transcriber, Endpointer(detector=Deaf()).listen)
        self.body = make_body(trigger=self.trigger, mute=self.mute, grace=60.0, ear=ear)
        self.pin = self.factory.pin(17)

    def tap(self) -> None:
        self.pin.drive_low()
        self.pin.drive_high()

    def hold(self, seconds: float = 0.8) -> None:
        self.pin.drive_low()
        later(seconds, self.pin.drive_high)

    def turn(self) -> Turn:
        press = self.trigger.wait(2.0)
        assert press
        return take_turn(self.body, press)


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.trigger.close()
    made.factory.close()


def later(seconds: float, do: Callable[[], object]) -> None:
    threading.Timer(seconds, do).start()


def test_a_tap_is_a_request_and_a_double_press_takes_it_back(rig: Rig) -> None:
    rig.tap()
    assert [outcome.status for outcome in rig.turn().outcomes] == ["waiting"]
    time.sleep(0.5)
    rig.tap()
    later(0.2, rig.tap)
    assert [outcome.status for outcome in rig.turn().outcomes] == ["cancelled"]
    assert "does not go out" in said(rig.body)
    assert rig.trigger.wait(0.1) is None


def test_a_double_press_with_nothing_to_take_back_says_so(rig: Rig) -> None:
    rig.tap()
    later(0.2, rig.tap)
    assert rig.turn().exit_code == 6
    assert "nothing that I could still undo" in said(rig.body)


def test_a_long_press_in_silence_mutes_and_another_one_ends_it(rig: Rig) -> None:
    rig.hold()
    rig.turn()
    assert rig.mute.on
    assert said(rig.body) == "The microphone is off."
    time.sleep(0.8)
    rig.tap()
    shown = len(lights(rig.body))
    assert rig.turn().exit_code == 4
    assert "hold the button" in said(rig.body)
    assert State.LISTENING not in lights(rig.body)[shown:]
    time.sleep(0.6)
    rig.hold()
    rig.turn()
    assert not rig.mute.on
    assert said(rig.body) == "The microphone is on."


def test_a_double_press_while_it_listens_leaves_it(rig: Rig) -> None:
    rig.tap()
    later(0.55, rig.tap)
    later(0.75, rig.tap)
    rig.turn()
    assert said(rig.body) == "OK, I leave it."
    assert not hand(rig.body, "send_text").done
    assert rig.trigger.wait(0.1) is None


def test_a_double_press_while_it_asks_leaves_it(rig: Rig) -> None:
    ask = rig.body.confirmer.ask

    def asking(request: Request, *rest: object) -> str:
        time.sleep(0.5)
        rig.tap()
        rig.tap()
        return ask(request, *rest)  # type: ignore[arg-type]

    rig.body.confirmer.ask = asking  # type: ignore[method-assign]
    rig.tap()
    rig.turn()
    assert said(rig.body) == "OK, I leave it."
    assert not hand(rig.body, "send_text").done
