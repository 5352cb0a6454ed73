"""What every `Trigger` does: the button (gpiozero's mock pins), the Enter key (a pseudo-terminal) and the script."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from actions.errors import DeviceError
from device.pi.trigger import ButtonTrigger, PinSettings
from device.seams import Trigger
from device.sim.lines import Lines
from device.sim.trigger import KeyTrigger, ScriptedTrigger

PIN = 17


@dataclass
class Rig:
    """A trigger and a finger on it."""

    trigger: Trigger
    tap: Callable[[], object]
    hold: Callable[[], Callable[[], object]] | None = None  # presses, and gives what lifts the finger


@pytest.fixture
def button() -> Iterator[Rig]:
    mock = pytest.importorskip("gpiozero.pins.mock", reason="gpiozero is not installed")
    factory = mock.MockFactory()
    trigger = ButtonTrigger(PinSettings(pin=PIN, bounce=0.0), factory)
    pin = factory.pin(PIN)

    def tap() -> None:
        pin.drive_low()
        pin.drive_high()

    def hold() -> Callable[[], object]:
        pin.drive_low()
        return pin.drive_high

    yield Rig(trigger, tap, hold)
    trigger.close()
    factory.close()


@pytest.fixture
def key() -> Iterator[Rig]:
    keyboard, terminal = os.openpty()
    with os.fdopen(terminal, "r", encoding="utf-8") as stream:
        trigger = KeyTrigger(Lines(stream))
        yield Rig(trigger, lambda: os.write(keyboard, b"\n"))
        trigger.close()
    os.close(keyboard)


@pytest.fixture
def script() -> Iterator[Rig]:
    trigger = ScriptedTrigger(())
    yield Rig(trigger, trigger.press, lambda: trigger.press(hold=60.0).released.set)
    trigger.close()


@pytest.fixture(params=["button", "key", "script"])
def rig(request: pytest.FixtureRequest) -> Rig:
    made: Rig = request.getfixturevalue(request.param)
    return made


def test_it_is_a_trigger(rig: Rig) -> None:
    assert isinstance(rig.trigger, Trigger)
    assert not rig.trigger.closed


def test_a_press_is_waited_for(rig: Rig) -> None:
    before = time.monotonic()
    rig.tap()
    press = rig.trigger.wait(2.0)
    assert press is not None
    assert before <= press.at <= time.monotonic()
    assert press.released.wait(1.0)


def test_waiting_ends_without_a_press(rig: Rig) -> None:
    before = time.monotonic()
    assert rig.trigger.wait(0.05) is None
    assert time.monotonic() - before < 1.0


def test_a_press_is_told_once(rig: Rig) -> None:
    assert not rig.trigger.pressed()
    rig.tap()
    assert _soon(rig.trigger.pressed)
    assert not rig.trigger.pressed()


def test_a_tap_that_was_told_starts_no_turn(rig: Rig) -> None:
    rig.tap()
    assert _soon(rig.trigger.pressed)
    assert rig.trigger.wait(0.05) is None


def test_waiting_forgets_what_was_pressed(rig: Rig) -> None:
    rig.tap()
    assert rig.trigger.wait(2.0) is not None
    assert not rig.trigger.pressed()


def test_closing_ends_a_wait(rig: Rig) -> None:
    closer = threading.Timer(0.1, rig.trigger.close)
    closer.start()
    before = time.monotonic()
    assert rig.trigger.wait(10.0) is None
    closer.join()
    assert time.monotonic() - before < 5.0
    assert rig.trigger.closed
    assert rig.trigger.wait(10.0) is None
    assert not rig.trigger.pressed()
    rig.trigger.close()


def test_a_press_that_is_still_held_starts_a_turn_though_it_was_told(rig: Rig) -> None:
    if rig.hold is None:
        pytest.skip("the Enter key cannot be held")
    lift = rig.hold()
    assert rig.trigger.pressed()
    press = rig.trigger.wait(2.0)
    assert press is not None
    assert not press.released.is_set()
    lift()
    assert press.released.wait(1.0)


def test_a_pin_that_cannot_be_used_is_an_error_with_a_sentence() -> None:
    mock = pytest.importorskip("gpiozero.pins.mock", reason="gpiozero is not installed")
    factory = mock.MockFactory()
    with pytest.raises(DeviceError, match="pin 99"):
        ButtonTrigger(PinSettings(pin=99), factory)
    factory.close()


def test_a_script_gives_its_presses_in_order_and_closes() -> None:
    trigger = ScriptedTrigger((0.0, 0.05))
    first, second = trigger.wait(), trigger.wait()
    assert first is not None
    assert first.released.is_set()
    assert second is not None
    assert not second.released.is_set()
    assert second.released.wait(2.0)
    assert trigger.wait() is None
    assert trigger.closed


def test_what_is_piped_in_waits_its_turn() -> None:
    """Lines of a script are requests, not a finger that wants silence."""
    read, write = os.pipe()
    os.write(write, "text mom hi\n\n给小明发短信\n".encode())
    os.close(write)
    with os.fdopen(read, "r", encoding="utf-8") as stream:
        trigger = KeyTrigger(Lines(stream))
        typed = []
        while trigger.wait(2.0):
            assert not trigger.pressed()
            typed.append(trigger.typed)
    assert typed == ["text mom hi", "", "给小明发短信"]
    assert trigger.closed


def test_lines_leave_what_follows_to_others() -> None:
    read, write = os.pipe()
    os.write(write, b"first\nsecond\n")
    os.close(write)
    with os.fdopen(read, "r", encoding="utf-8") as stream:
        assert Lines(stream).read(1.0) == "first"
        assert stream.readline() == "second\n"


def _soon(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + 2.0
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False
