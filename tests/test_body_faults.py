"""What a person sees, hears and can do when a part of the body fails: the sentence, the light, and the turn after."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from bodies import Eye, hears, lights, make_body, press, said

from actions.errors import DeviceError
from device.lamp import Lamp
from device.mute import Mute, MutedMicrophone
from device.pi import indicator, trigger
from device.pi.indicator import LedIndicator, LightSettings
from device.pi.trigger import ButtonTrigger, PinSettings
from device.seams import CHUNK, State
from device.sim.indicator import SilentIndicator
from device.turn import Ear, take_turn

GONE = DeviceError("The microphone gives no sound any more. Please check that it is plugged in.", "麦克风没有声音了。")
BUSY = DeviceError("I cannot use the camera: perhaps another program has it.", "无法使用摄像头。")


class Unplugged:
    """A microphone that is pulled out in the midst of the first utterance, and comes back."""

    def __init__(self) -> None:
        self.opened = 0

    @contextmanager
    def open(self) -> Iterator[Iterator[np.ndarray]]:
        self.opened += 1
        yield self._chunks(self.opened == 1)

    def _chunks(self, gone: bool) -> Iterator[np.ndarray]:
        yield np.zeros(CHUNK, np.int16)
        if gone:
            raise GONE


class Taken(Eye):
    """A camera that another program has at the first look."""

    def __init__(self) -> None:
        self.looks = 0

    def frame(self):  # type: ignore[no-untyped-def]
        self.looks += 1
        if self.looks == 1:
            raise BUSY
        return super().frame()


def until(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 5.0
    while not true() and time.monotonic() < deadline:
        time.sleep(0.005)
    return true()


def test_a_microphone_that_goes_is_told_and_the_next_turn_hears() -> None:
    body = make_body(ear=Ear(Unplugged(), hears("search for cheap flights").transcriber))
    turn = take_turn(body, press())
    assert turn.exit_code == 4
    assert said(body) == GONE.en
    assert lights(body) == [State.LISTENING, State.ERROR, State.READY]
    assert take_turn(body, press()).exit_code == 0
    assert said(body) == "google_search is done."


def test_a_busy_camera_is_told_to_who_points_and_sees_in_the_next_turn() -> None:
    body = make_body(camera=Taken())
    turn = take_turn(body, press(), "order these on amazon")
    assert turn.exit_code == 4
    assert said(body) == BUSY.en
    assert State.ERROR in lights(body)
    assert lights(body)[-1] is State.READY
    assert take_turn(body, press(), "order these on amazon").exit_code == 0


def test_a_busy_camera_does_not_matter_to_who_does_not_point() -> None:
    body = make_body(camera=Taken())
    assert take_turn(body, press(), "search for cheap flights").exit_code == 0
    assert State.ERROR not in lights(body)


def test_a_microphone_that_is_off_says_how_to_switch_it_on() -> None:
    mute = Mute()
    mute.toggle()
    heard = hears("search for cheap flights")
    body = make_body(ear=Ear(MutedMicrophone(heard.microphone, mute), heard.transcriber))
    take_turn(body, press())
    assert said(body).startswith("The microphone is off. To switch it on")
    mute.toggle()
    assert take_turn(body, press()).exit_code == 0


def test_a_button_that_another_program_has_is_the_light_s_error_until_it_is_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mock = pytest.importorskip("gpiozero.pins.mock", reason="gpiozero is not installed: pip install 'tako[pi]'")
    monkeypatch.setattr(trigger, "RETRY", 0.05)
    factory, shown = mock.MockFactory(), SilentIndicator()
    other = ButtonTrigger(PinSettings(), factory)
    button = ButtonTrigger(PinSettings(), factory, patient=True)
    lamp = Lamp(shown, {State.ERROR: lambda: button.problem is not None}, every=0.02)
    lamp.show(State.READY)
    assert shown.states[-1] is State.ERROR
    other.close()
    assert until(lambda: shown.states[-1] is State.READY)
    factory.pin(17).drive_low()
    assert button.wait(2.0) is not None
    for part in (lamp, button, factory):
        part.close()


def test_a_light_that_fails_in_a_turn_ends_no_turn_and_shines_again(monkeypatch: pytest.MonkeyPatch) -> None:
    mock = pytest.importorskip("gpiozero.pins.mock", reason="gpiozero is not installed: pip install 'tako[pi]'")
    monkeypatch.setattr(indicator, "RETRY", 0.05)
    factory = mock.MockFactory(pin_class=mock.MockPWMPin)
    light = LedIndicator(LightSettings(pins=(22,), earcons=False, brightness=1.0), factory)
    body = make_body(indicator=Lamp(light, {}, every=60.0))
    light._led.close()
    assert take_turn(body, press(), "search for cheap flights").exit_code == 0
    body.indicator.show(State.LISTENING)
    assert until(lambda: factory.pin(22).state == 1.0 and light.problem is None)
    body.indicator.close()
    factory.close()
