"""What goes wrong in a turn, and what cuts it short."""

from __future__ import annotations

import io
import logging
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bodies import hand, hears, lights, make_body, press, said, turns

from actions.base import Request
from actions.errors import DeviceError, ModelError
from agent.types import Decision, Percept
from device.journal import MemoryJournal
from device.seams import State, TurnRecord
from device.sim.camera import NoCamera
from device.sim.trigger import ScriptedTrigger
from device.turn import take_turn
from device.voice.printed import PrintVoice


class TestErrors:
    """Whatever goes wrong ends in a spoken sentence, a light and a line in the history."""

    def test_no_microphone(self) -> None:
        turn = take_turn(make_body(), press())
        assert (turn.spoken, turn.exit_code) == ("I have no microphone to listen with.", DeviceError.exit_code)

    def test_an_error_is_told_in_the_language_of_the_request(self) -> None:
        class Damaged:
            def decide(self, percept: Percept) -> Decision:
                raise ModelError("My model is damaged.", "我的模型坏了。")

        body = make_body(decider=Damaged(), ear=hears("点一份外卖"))
        turn = take_turn(body, press())
        assert turn.exit_code == ModelError.exit_code
        assert said(body) == "我的模型坏了。"
        assert turns(body)[0].transcript.text == "点一份外卖"

    def test_a_fault_of_the_program_is_logged_and_told(self, caplog: pytest.LogCaptureFixture) -> None:
        class Faulty:
            def decide(self, percept: Percept) -> Decision:
                raise ZeroDivisionError("deep inside")

        body = make_body(decider=Faulty())
        with caplog.at_level(logging.ERROR):
            turn = take_turn(body, press(), "search for cheap flights")
        assert said(body) == "Something went wrong inside me."
        assert turn.exit_code == 1
        assert "ZeroDivisionError: deep inside" in caplog.text
        assert lights(body)[-2:] == [State.ERROR, State.READY]

    def test_a_call_that_cannot_be_kept_is_not_carried_out(self) -> None:
        class Full(MemoryJournal):
            def begin(self, request: Request) -> str:
                raise DeviceError("The disk is full.", "磁盘满了。")

        body = make_body(journal=Full())
        turn = take_turn(body, press(), "search for cheap flights")
        assert hand(body, "google_search").done == []
        assert turn.spoken == "The disk is full."

    def test_a_turn_that_cannot_be_kept_is_told_after_its_answer(self) -> None:
        class Full(MemoryJournal):
            def record(self, turn: TurnRecord) -> int:
                raise DeviceError("The disk is full.", "磁盘满了。")

        body = make_body(journal=Full())
        turn = take_turn(body, press(), "search for cheap flights")
        assert isinstance(body.voice, PrintVoice)
        assert [text for text, _ in body.voice.said] == ["google_search is done.", "The disk is full."]
        assert turn.exit_code == DeviceError.exit_code

    def test_a_full_disk_is_told_once(self) -> None:
        class Full(MemoryJournal):
            def begin(self, request: Request) -> str:
                raise DeviceError("The disk is full.", "磁盘满了。")

            def record(self, turn: TurnRecord) -> int:
                raise DeviceError("The disk is full.", "磁盘满了。")

        body = make_body(journal=Full())
        turn = take_turn(body, press(), "search for cheap flights")
        assert isinstance(body.voice, PrintVoice)
        assert [text for text, _ in body.voice.said] == [turn.spoken] == ["The disk is full."]

    def test_a_voice_that_fails_does_not_lose_the_turn(self) -> None:
        class Mute(PrintVoice):
            def say(self, text: str, lang: str) -> None:
                raise DeviceError("There is no speaker.", "没有扬声器。")

        body = make_body(voice=Mute())
        turn = take_turn(body, press(), "search for cheap flights")
        assert turn.exit_code == DeviceError.exit_code
        assert turns(body)[0].outcomes[0].status == "done"
        assert turns(body)[0].error == "There is no speaker."


class Talking(PrintVoice):
    """A voice that speaks until it is stopped."""

    def __init__(self) -> None:
        super().__init__(io.StringIO())
        self.stopped = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        return self.stopped.wait(timeout)

    def stop(self) -> None:
        self.stopped.set()


class TestBargeIn:
    def test_a_press_stops_the_voice(self) -> None:
        trigger, voice = ScriptedTrigger(()), Talking()
        finger = threading.Timer(0.15, trigger.press)
        finger.start()
        take_turn(make_body(trigger=trigger, voice=voice), press(), "search for cheap flights")
        assert voice.stopped.is_set()
        assert trigger.wait(0.0) is None  # the tap has done its work

    def test_a_press_from_before_does_not(self) -> None:
        trigger, voice = ScriptedTrigger(()), Talking()
        trigger.press()
        threading.Timer(0.3, voice.stop).start()
        before = time.monotonic()
        take_turn(make_body(trigger=trigger, voice=voice), press(), "search for cheap flights")
        assert time.monotonic() - before > 0.25

    def test_the_end_of_the_service_does(self) -> None:
        stopping, voice = threading.Event(), Talking()
        stopping.set()
        take_turn(make_body(stopping=stopping, voice=voice), press(), "search for cheap flights")
        assert voice.stopped.is_set()

    def test_the_end_of_the_service_ends_listening_without_acting(self) -> None:
        stopping = threading.Event()
        stopping.set()
        body = make_body(stopping=stopping, ear=hears("text mom i'll be late", chunks=10_000))
        turn = take_turn(body, press())
        assert turn.decision is None
        assert hand(body, "send_text").done == []


def test_the_endpointing_decides_what_is_an_utterance() -> None:
    def two(sound: Iterable[np.ndarray], released: threading.Event) -> Iterator[np.ndarray]:
        assert not released.is_set()
        chunks = iter(sound)
        yield next(chunks)
        yield next(chunks)

    ear = replace(hears("search for cheap flights", chunks=50), endpointing=two)
    turn = take_turn(make_body(ear=ear), press())
    assert turn.transcript.seconds == pytest.approx(0.2)


def test_closing_closes_every_part_though_one_fails(tmp_path: Path) -> None:
    closed: list[str] = []

    class Part(NoCamera):
        def __init__(self, name: str) -> None:
            self.name = name

        def close(self) -> None:
            closed.append(self.name)
            if self.name == "voice":
                raise DeviceError("What was said could not be kept.")

    parts = {name: Part(name) for name in ("trigger", "camera", "voice", "indicator", "journal")}
    with pytest.raises(DeviceError):
        make_body(**parts).close()
    assert closed == ["trigger", "camera", "voice", "indicator", "journal"]
