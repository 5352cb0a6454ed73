"""Gestures of the button (gpiozero's mock pins), what they do, and the microphone that they mute."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actions.base import Request
from actions.catalogue import make_call
from actions.errors import DeviceError, SettingsError
from device.gestures import Gesture, Gestured, obey, watched, while_muted
from device.journal import MemoryJournal
from device.mute import Mute, MutedMicrophone
from device.pi import trigger as pi_trigger
from device.pi.trigger import ButtonTrigger, PinSettings
from device.presses import TAP, PressQueue
from device.seams import CHUNK, Press
from device.settings import load

mock = pytest.importorskip("gpiozero.pins.mock", reason="gpiozero is not installed: pip install 'tako[pi]'")
QUIET = np.zeros(CHUNK, np.int16)


class Board:
    """A button, a second one and a switch on mock pins."""

    def __init__(self, **settings: Any) -> None:
        self.factory = mock.MockFactory()
        self.mute = Mute()
        chosen = {"bounce": 0.0, "double_seconds": 0.4, "long_seconds": 0.2, **settings}
        self.trigger = ButtonTrigger(PinSettings(**chosen), self.factory, self.mute)

    def down(self, pin: int = 17) -> None:
        self.factory.pin(pin).drive_low()

    def up(self, pin: int = 17) -> None:
        self.factory.pin(pin).drive_high()

    def tap(self, pin: int = 17) -> None:
        self.down(pin)
        self.up(pin)


@pytest.fixture
def board() -> Iterator[Callable[..., Board]]:
    boards: list[Board] = []

    def made(**settings: Any) -> Board:
        boards.append(Board(**settings))
        return boards[-1]

    yield made
    for each in boards:
        each.trigger.close()
        each.factory.close()


def until(true: Callable[[], bool], seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.005)
    return true()


class Sound:
    """Chunks of silence in which somebody speaks or not; `before` is called before each."""

    def __init__(self, count: int, heard: bool, before: Callable[[int], object] = lambda at: None) -> None:
        self.heard, self._count, self._before = heard, count, before

    def __iter__(self) -> Iterator[np.ndarray]:
        for at in range(self._count):
            self._before(at)
            yield QUIET


def gesture_in(sound: Any, press: Press) -> Gesture | None:
    try:
        assert len(list(watched(sound, press)))
    except Gestured as sign:
        return sign.gesture
    return None


class TestPresses:
    def test_a_tap_is_handed_over_before_anybody_knows_whether_it_is_doubled(self, board: Callable[..., Board]) -> None:
        button = board()
        begun = time.monotonic()
        button.tap()
        press = button.trigger.wait(2.0)
        assert press is not None
        assert time.monotonic() - begun < 0.3  # less than the time of a double press
        assert press.released.is_set()
        assert not press.doubled.is_set()
        button.tap()
        assert press.doubled.is_set()
        assert button.trigger.wait(0.05) is None  # the second press is no request of its own

    def test_three_at_once_are_no_more_than_two(self, board: Callable[..., Board]) -> None:
        button = board()
        button.tap()
        press = button.trigger.wait(2.0)
        button.tap()
        button.tap()
        assert press is not None
        assert press.doubled.is_set()
        assert button.trigger.wait(0.05) is None

    def test_two_presses_that_are_apart_are_two_requests(self, board: Callable[..., Board]) -> None:
        button = board(double_seconds=0.05)
        button.tap()
        first = button.trigger.wait(2.0)
        time.sleep(0.1)
        button.tap()
        second = button.trigger.wait(2.0)
        assert first is not None
        assert second is not None
        assert not first.doubled.is_set()
        assert not second.doubled.is_set()
        assert not first.cancelled.is_set()

    def test_without_a_double_press_two_are_two(self, board: Callable[..., Board]) -> None:
        button = board(double_seconds=0.0)
        button.tap()
        button.tap()
        presses = [button.trigger.wait(1.0) for _ in range(2)]
        assert [press and press.doubled.is_set() for press in presses] == [False, False]

    def test_one_stops_the_voice_and_the_second_takes_back(self, board: Callable[..., Board]) -> None:
        button = board()
        button.tap()
        assert button.trigger.pressed()  # the voice falls silent
        button.tap()
        press = button.trigger.wait(2.0)
        assert press is not None
        assert press.doubled.is_set()
        assert button.trigger.wait(0.05) is None

    def test_one_that_stopped_the_voice_alone_starts_nothing(self, board: Callable[..., Board]) -> None:
        button = board()
        button.tap()
        assert button.trigger.pressed()
        assert button.trigger.wait(TAP + 0.1) is None

    def test_both_seen_by_a_question_are_the_question_s(self, board: Callable[..., Board]) -> None:
        button = board()
        for _ in range(2):
            button.tap()
            assert button.trigger.pressed()
        assert button.trigger.wait(0.05) is None

    def test_a_turn_that_goes_on_is_told_of_a_double_press(self, board: Callable[..., Board]) -> None:
        button = board(double_seconds=0.3)
        button.tap()
        turn = button.trigger.wait(2.0)
        assert turn is not None
        time.sleep(0.35)
        button.tap()
        assert not turn.cancelled.is_set()
        button.tap()
        assert turn.cancelled.is_set()
        assert not turn.doubled.is_set()

    def test_both_waiting_are_one_press_that_takes_back(self, board: Callable[..., Board]) -> None:
        button = board()
        button.tap()
        button.tap()
        press = button.trigger.wait(2.0)
        assert press is not None
        assert press.doubled.is_set()
        assert button.trigger.wait(0.05) is None

    def test_a_contact_that_bounces_takes_nothing_back(self, board: Callable[..., Board]) -> None:
        button = board(bounce=0.05)
        for _ in range(4):
            button.tap()
        press = button.trigger.wait(2.0)
        assert press is not None
        assert not press.doubled.is_set()
        assert button.trigger.wait(0.05) is None
        assert button.factory.pin(17).bounce == 0.05  # and the pin's own filter is on

    def test_a_hold_ends_with_its_release_and_is_long_after_its_time(self, board: Callable[..., Board]) -> None:
        button = board(long_seconds=0.2)
        button.down()
        press = button.trigger.wait(2.0)
        assert press is not None
        assert not press.long.is_set()
        assert until(press.long.is_set)
        assert not press.released.is_set()
        button.up()
        assert press.released.is_set()

    @pytest.mark.parametrize(("long_seconds", "held"), [(0.2, 0.05), (0.0, 0.3)])
    def test_no_long_press(self, board: Callable[..., Board], long_seconds: float, held: float) -> None:
        button = board(long_seconds=long_seconds)
        button.down()
        press = button.trigger.wait(2.0)
        time.sleep(held)
        button.up()
        time.sleep(0.3)
        assert press is not None
        assert not press.long.is_set()

    def test_a_second_button_cancels(self, board: Callable[..., Board]) -> None:
        button = board(second_pin=27, double_seconds=0.0)
        button.tap()
        turn = button.trigger.wait(2.0)
        button.tap(27)
        assert turn is not None
        assert turn.cancelled.is_set()
        press = button.trigger.wait(1.0)
        assert press is not None
        assert press.doubled.is_set()
        assert press.released.is_set()

    def test_a_second_button_mutes(self, board: Callable[..., Board]) -> None:
        button = board(second_pin=27, second_does="mute")
        button.tap(27)
        assert button.mute.on
        button.tap(27)
        assert not button.mute.on
        assert button.trigger.wait(0.05) is None

    def test_a_switch_mutes_and_the_button_cannot_undo_it(self, board: Callable[..., Board]) -> None:
        button = board(mute_pin=25)
        button.down(25)
        assert button.mute.on
        with pytest.raises(DeviceError, match="its switch"):
            button.mute.toggle()
        button.up(25)
        assert not button.mute.on

    def test_a_switch_that_is_closed_at_the_start_mutes(self) -> None:
        class Closed(mock.MockPin):  # type: ignore[misc]
            """Pin 25 is held low from outside."""

            def _get_state(self) -> bool:
                return bool(self._state) and self.info.name != "GPIO25"

        factory, mute = mock.MockFactory(pin_class=Closed), Mute()
        begun = time.monotonic()
        trigger = ButtonTrigger(PinSettings(mute_pin=25), factory, mute)
        assert mute.on
        trigger.close()
        assert time.monotonic() - begun < 2.0
        factory.close()

    def test_many_fingers_at_once_break_nothing(self) -> None:
        queue = PressQueue(0.4)
        fingers = [
            threading.Thread(target=lambda d=double: [queue.put(Press(time.monotonic()), d) for _ in range(200)])
            for double in (False, True)
        ]
        for finger in fingers:
            finger.start()
        given = 0
        while queue.wait(0.3) or any(finger.is_alive() for finger in fingers):
            given += 1
            queue.pressed()
        assert given >= 1


class TestBusyPins:
    def test_a_pin_that_another_program_has_is_used_when_it_is_given_back(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pi_trigger, "RETRY", 0.05)
        factory = mock.MockFactory()
        other = ButtonTrigger(PinSettings(), factory)
        with pytest.raises(DeviceError, match="button on pin 17"):
            ButtonTrigger(PinSettings(), factory)
        patient = ButtonTrigger(PinSettings(second_pin=27), factory, patient=True)
        assert patient.problem is not None
        assert "17 号引脚" in patient.problem.spoken("zh")
        assert patient.wait(0.1) is None
        other.close()
        assert until(lambda: patient.problem is None)
        factory.pin(17).drive_low()
        assert patient.wait(2.0) is not None
        patient.close()
        factory.close()

    def test_closing_ends_the_trying(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pi_trigger, "RETRY", 0.05)
        factory = mock.MockFactory()
        other = ButtonTrigger(PinSettings(), factory)
        patient = ButtonTrigger(PinSettings(), factory, patient=True)
        patient.close()
        other.close()
        time.sleep(0.15)
        ButtonTrigger(PinSettings(), factory).close()  # nobody took it
        factory.close()

    def test_a_second_pin_that_is_taken_gives_the_first_back(self) -> None:
        factory = mock.MockFactory()
        other = ButtonTrigger(PinSettings(pin=27), factory)
        with pytest.raises(DeviceError, match="pin 27"):
            ButtonTrigger(PinSettings(second_pin=27), factory)
        ButtonTrigger(PinSettings(), factory).close()
        other.close()
        factory.close()

    def test_two_parts_on_one_pin_are_a_mistake_of_the_settings(self, tmp_path: Path) -> None:
        (tmp_path / "tako.toml").write_text("[button.gpio]\nmute_pin = 17\n")
        with pytest.raises(SettingsError, match="two of its pins are the same") as caught:
            load(tmp_path / "tako.toml", {})
        assert "引脚相同" in caught.value.spoken("zh")


class TestWhatIsMeant:
    def test_a_request_is_heard_whole(self) -> None:
        assert len(list(watched(Sound(5, heard=True), Press(0.0)))) == 5

    def test_pressed_twice_it_takes_back_at_once(self) -> None:
        press, chunks = Press(0.0), []
        sound = Sound(9, heard=True, before=lambda at: press.doubled.set() if at == 2 else None)
        with pytest.raises(Gestured) as caught:
            chunks.extend(watched(sound, press))
        assert caught.value.gesture is Gesture.UNDO

    def test_a_double_press_after_the_last_sound_counts(self) -> None:
        press = Press(0.0)
        heard = watched(Sound(1, heard=True), press)
        next(heard)
        press.doubled.set()
        with pytest.raises(Gestured):
            next(heard)

    def test_pressed_twice_later_it_leaves_it(self) -> None:
        press = Press(0.0)
        press.cancelled.set()
        assert gesture_in(Sound(1, heard=True), press) is Gesture.CANCEL

    @pytest.mark.parametrize(("heard", "meant"), [(False, Gesture.MUTE), (True, None)])
    def test_held_long_it_mutes_only_in_silence(self, heard: bool, meant: Gesture | None) -> None:
        press = Press(0.0)
        press.long.set()
        assert gesture_in(Sound(1, heard), press) is meant

    def test_a_recording_is_never_silence(self) -> None:
        press = Press(0.0)
        press.long.set()
        assert gesture_in([QUIET], press) is None

    def test_obeying(self) -> None:
        journal, mute = MemoryJournal(), Mute()
        held = Request(make_call("send_email", "anna", "", "hi"), "en", "email anna hi", None, key="k")
        journal.begin(held, hold=60.0)
        undone = obey(Gesture.UNDO, journal, mute, "en")
        assert undone.status == "cancelled"
        nothing = obey(Gesture.UNDO, journal, mute, "zh")
        assert nothing.status == "failed"
        assert "没有可以撤销的" in nothing.spoken
        assert obey(Gesture.CANCEL, journal, mute, "en").spoken == "OK, I leave it."
        assert obey(Gesture.MUTE, journal, mute, "zh").spoken == "麦克风已关闭。"
        assert mute.on
        assert obey(Gesture.MUTE, journal, mute, "en").spoken == "The microphone is on."
        mute.switch(True)
        assert "its switch" in obey(Gesture.MUTE, journal, mute, "en").spoken


class Tone:
    """A microphone that gives chunks for ever."""

    opened = 0

    @contextmanager
    def open(self) -> Iterator[Iterator[np.ndarray]]:
        self.opened += 1
        yield itertools.repeat(QUIET)


class TestMute:
    def test_a_muted_microphone_is_not_opened(self) -> None:
        mute, inner = Mute(), Tone()
        microphone = MutedMicrophone(inner, mute)
        with microphone.open() as chunks:
            next(chunks)
        mute.toggle()
        with pytest.raises(DeviceError, match="hold the button") as caught, microphone.open():
            pytest.fail("it opened")
        assert "按住按钮" in caught.value.spoken("zh")
        assert inner.opened == 1

    def test_muting_ends_an_utterance(self) -> None:
        mute = Mute()
        with MutedMicrophone(Tone(), mute).open() as chunks:
            next(chunks)
            mute.switch(True)
            with pytest.raises(DeviceError, match="its switch"):
                next(chunks)

    def test_it_stays_muted_over_a_restart(self, tmp_path: Path) -> None:
        file = tmp_path / "state" / "muted"
        Mute(file).toggle()
        again = Mute(file)
        assert again.on
        again.toggle()
        assert not Mute(file).on

    def test_a_disk_that_is_full_is_told_and_it_mutes_all_the_same(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("no folder")
        mute = Mute(tmp_path / "file" / "muted")
        with pytest.raises(DeviceError, match="only until I start again") as caught:
            mute.toggle()
        assert "重启后会失效" in caught.value.spoken("zh")
        assert mute.on

    def test_whoever_watches_is_told(self) -> None:
        mute, told = Mute(), []
        mute.watch(lambda: told.append(mute.on))
        mute.toggle()
        mute.switch(True)
        assert told == [True, True]

    def test_while_it_is_on_a_press_passes(self) -> None:
        while_muted(Press(time.monotonic()), Mute())

    @pytest.mark.parametrize("way", ["tap", "long", "double"])
    def test_a_press_while_muted(self, way: str) -> None:
        mute, press = Mute(), Press(time.monotonic())
        mute.toggle()
        meant = {"tap": press.released, "long": press.long, "double": press.doubled}[way]
        threading.Timer(0.05, meant.set).start()
        if way == "tap":
            with pytest.raises(DeviceError, match="The microphone is off"):
                while_muted(press, mute)
        else:
            with pytest.raises(Gestured) as caught:
                while_muted(press, mute)
            assert caught.value.gesture is (Gesture.MUTE if way == "long" else Gesture.UNDO)
