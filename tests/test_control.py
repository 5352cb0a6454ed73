"""The control socket: another program presses the button, hands over a request, asks how tako stands."""

from __future__ import annotations

import json
import os
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from actions.errors import DeviceError, InputError
from device.cli.main import tako
from device.control import (
    LONGEST,
    VARIABLE,
    Control,
    ask,
    served,
    socket_path,
)
from device.presses import PressQueue
from device.remote import RemoteTrigger, Said, WatchedIndicator
from device.seams import Press, State, Transcript, Trigger, TurnRecord
from device.sim.indicator import SilentIndicator
from device.sim.lines import Lines
from device.sim.trigger import KeyTrigger


class Gadget:
    """A turn loop with a button and a light; its turns say what they heard."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.button = PressQueue()
        self.trigger = RemoteTrigger(self.button)
        self.light = SilentIndicator()
        self.indicator = WatchedIndicator(self.light)
        self.control = Control(self.trigger, self.indicator, "1.2.3")
        self.turn: Callable[[Press], None] = lambda press: None  # what happens in a turn
        self.ending = threading.Event()
        self.presses: list[Press] = []
        self._thread = threading.Thread(target=self._live, daemon=True)

    def __enter__(self) -> Gadget:
        self._serving = served(self.control, self.path)
        self._serving.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.ending.set()
        self._thread.join(5.0)
        self.trigger.close()
        self._serving.__exit__(None, None, None)

    def _live(self) -> None:
        while not self.ending.is_set():
            press = self.trigger.wait(0.1)
            if press:
                self.presses.append(press)
                self.turn(press)
                text = press.text if isinstance(press, Said) else "spoken"
                record = TurnRecord(time.time(), Transcript(text, "en"), None, (), f"You said {text}.", {"total": 12.0})
                self.control.done(press, record, 3 if text == "wrong" else 0)


@pytest.fixture
def gadget(tmp_path: Path) -> Iterator[Gadget]:
    with Gadget(tmp_path / "control") as made:
        yield made


def test_it_tells_how_it_stands(gadget: Gadget) -> None:
    gadget.indicator.show(State.ASKING, "Shall I?")
    time.sleep(0.05)
    told = ask(gadget.path, {"do": "state"})
    assert told["state"] == "asking"
    assert told["note"] == "Shall I?"
    assert 0.05 <= told["seconds"] < 5
    assert (told["turns"], told["version"], told["pid"]) == (0, "1.2.3", os.getpid())
    assert gadget.light.states == [State.ASKING]  # the light shows it, too


def test_a_press_begins_a_turn_and_its_answer_comes_back(gadget: Gadget) -> None:
    answer = ask(gadget.path, {"do": "press", "wait": True}, None)
    assert answer["turn"]["spoken"] == "You said spoken."
    assert answer["exit_code"] == 0
    assert gadget.presses[0].released.is_set()
    assert ask(gadget.path, {"do": "state"})["turns"] == 1


def test_a_request_in_writing(gadget: Gadget) -> None:
    answer = ask(gadget.path, {"do": "say", "text": "  哪里有牛奶 ", "wait": True}, None)
    assert answer["turn"]["transcript"]["text"] == "哪里有牛奶"
    assert ask(gadget.path, {"do": "say", "text": "wrong", "wait": True}, None)["exit_code"] == 3


def test_who_does_not_wait_is_answered_at_once(gadget: Gadget) -> None:
    going_on = threading.Event()
    gadget.turn = lambda press: going_on.wait(10.0) and None
    assert ask(gadget.path, {"do": "press"}) == {"ok": True}
    assert ask(gadget.path, {"do": "say", "text": "later"}) == {"ok": True}
    assert ask(gadget.path, {"do": "state"})["turns"] == 0  # answered in the middle of the turn
    going_on.set()
    until(lambda: ask(gadget.path, {"do": "state"})["turns"] == 2)


def test_a_press_that_only_stops_the_voice_has_no_turn(gadget: Gadget) -> None:
    speaking, stopped = threading.Event(), threading.Event()

    def turn(press: Press) -> None:
        speaking.set()
        until(gadget.trigger.pressed)
        stopped.set()

    gadget.turn = turn
    ask(gadget.path, {"do": "say", "text": "tell me something long"})
    assert speaking.wait(5.0)
    answer = ask(gadget.path, {"do": "press", "wait": True}, None)
    assert stopped.is_set()
    assert answer["turn"] is None
    assert len(gadget.presses) == 1


def test_a_request_silences_nothing_and_waits_its_turn(gadget: Gadget) -> None:
    seen: list[bool] = []
    going_on = threading.Event()

    def turn(press: Press) -> None:
        going_on.wait(5.0)
        seen.append(gadget.trigger.pressed())

    gadget.turn = turn
    ask(gadget.path, {"do": "say", "text": "one"})
    until(lambda: len(gadget.presses) == 1)
    ask(gadget.path, {"do": "say", "text": "two"})
    going_on.set()
    until(lambda: len(seen) == 2)
    assert seen == [False, False]
    assert [press.text for press in gadget.presses if isinstance(press, Said)] == ["one", "two"]


def test_a_press_can_be_held(gadget: Gadget) -> None:
    before = time.monotonic()
    ask(gadget.path, {"do": "press", "hold": 0.4})
    until(lambda: bool(gadget.presses))
    assert not gadget.presses[0].released.is_set()
    assert gadget.presses[0].released.wait(5.0)
    assert time.monotonic() - before >= 0.4


def test_the_button_itself_goes_on(gadget: Gadget) -> None:
    press = Press(time.monotonic())
    press.released.set()
    gadget.button.put(press)
    until(lambda: gadget.presses == [press])


def test_the_pulse_beats_while_the_loop_looks_and_stops_when_it_hangs(tmp_path: Path) -> None:
    beats: list[float] = []
    trigger = RemoteTrigger(PressQueue(), lambda: beats.append(time.monotonic()))
    trigger.wait(0.5)
    assert len(beats) >= 5
    assert trigger.pressed() is False
    count = len(beats)
    time.sleep(0.2)  # the loop hangs
    assert len(beats) == count
    trigger.close()


def test_beside_the_enter_key() -> None:
    """A button that keeps no queue: its presses and the socket's are both seen."""
    keyboard, terminal = os.openpty()
    with os.fdopen(terminal, "r", encoding="utf-8") as stream:
        trigger = RemoteTrigger(KeyTrigger(Lines(stream)))
        assert isinstance(trigger, Trigger)
        ticket = trigger.press()
        assert trigger.wait(2.0) is ticket.press
        os.write(keyboard, b"\n")
        assert trigger.wait(2.0) is not None
        trigger.press()
        assert trigger.pressed()
        assert trigger.wait(0.2) is None
        assert not trigger.closed
        trigger.close()
        assert trigger.closed
    os.close(keyboard)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"press",
        b"[]",
        b"{}",
        b'{"do": "explode"}',
        b'{"do": "press", "hold": -1}',
        b'{"do": "press", "hold": 1e9}',
        b'{"do": "press", "hld": 1}',
        b'{"do": "say"}',
        b'{"do": "say", "text": " "}',
        b'{"do": "say", "text": 5}',
        b'{"do": "say", "text": "\xff"}',
    ],
)
def test_what_it_does_not_understand_is_answered_with_a_sentence(gadget: Gadget, line: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(gadget.path))
        client.sendall(line + b"\n")
        answer = json.loads(client.makefile("rb").readline())
    assert answer["ok"] is False
    assert answer["en"].startswith("I do not understand this message")
    assert answer["zh"]
    assert gadget.presses == []


def test_a_line_without_end_is_cut_off(gadget: Gadget) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10.0)
        client.connect(str(gadget.path))
        client.sendall(b"x" * LONGEST)
        stream = client.makefile("rb")
        assert json.loads(stream.readline())["ok"] is False
        assert stream.readline() == b""
    assert ask(gadget.path, {"do": "state"})["ok"]


def test_several_lines_one_after_the_other(gadget: Gadget) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(gadget.path))
        stream = client.makefile("rb")
        for _ in range(3):
            client.sendall(b'{"do": "state"}\n')
            assert json.loads(stream.readline())["state"] == "ready"


def test_a_client_that_goes_away_ends_nothing(gadget: Gadget) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(gadget.path))
        client.sendall(b'{"do": "say", "text": "hello", "wait": true}\n')
    until(lambda: ask(gadget.path, {"do": "state"})["turns"] == 1)


def test_only_user_and_group_may_ask(gadget: Gadget) -> None:
    assert stat.S_IMODE(gadget.path.stat().st_mode) == 0o660


def test_whoever_waits_at_the_end_is_told(tmp_path: Path) -> None:
    told: list[Exception] = []
    with Gadget(tmp_path / "control") as gadget:
        gadget.turn = lambda press: gadget.ending.wait(10.0) and None
        ask(gadget.path, {"do": "press"})
        until(lambda: bool(gadget.presses))

        def wait() -> None:
            try:
                ask(gadget.path, {"do": "say", "text": "never", "wait": True}, None)
            except InputError as error:
                told.append(error)

        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(0.3)
    waiting.join(5.0)
    assert [str(error) for error in told] == ["tako is being switched off."]
    assert not gadget.path.exists()


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="No tako is running here") as error:
        ask(tmp_path / "control", {"do": "state"})
    assert "没有在运行" in error.value.zh


def test_the_socket_of_a_dead_tako_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "control"
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    with pytest.raises(DeviceError, match="No tako is running here"):
        ask(path, {"do": "state"})
    with Gadget(path) as gadget:
        assert ask(gadget.path, {"do": "state"})["ok"]


def test_a_second_tako_is_told_of_the_first(gadget: Gadget) -> None:
    with pytest.raises(DeviceError, match="Another tako is running already"), served(gadget.control, gadget.path):
        pytest.fail("it must not be served twice")
    assert ask(gadget.path, {"do": "state"})["ok"]  # the first one goes on


def test_what_is_no_socket_is_left_alone(tmp_path: Path, gadget: Gadget) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DeviceError, match="I cannot listen at"), served(gadget.control, tmp_path / "file"):
        pytest.fail("there is a file")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_path_too_long_is_told(tmp_path: Path, gadget: Gadget) -> None:
    with pytest.raises(DeviceError, match="I cannot listen at"), served(gadget.control, tmp_path / ("x" * 120)):
        pytest.fail("a socket's path has 108 bytes at most")


def test_one_that_does_not_answer_in_time(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(tmp_path / "control"))
        deaf.listen()
        with pytest.raises(DeviceError, match="does not answer"):
            ask(tmp_path / "control", {"do": "state"}, timeout=0.2)


def test_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAKO_HOME", str(tmp_path))
    assert socket_path({VARIABLE: "/run/tako/control", "RUNTIME_DIRECTORY": "/elsewhere"}) == Path("/run/tako/control")
    assert socket_path({"RUNTIME_DIRECTORY": "/run/tako:/run/other"}) == Path("/run/tako/control")
    assert socket_path({}) == tmp_path / "control"


def command(gadget: Gadget, *words: str) -> Any:
    return CliRunner().invoke(tako, words, env={VARIABLE: str(gadget.path), "LC_ALL": "C.UTF-8"})


def test_tako_press_and_tako_say(gadget: Gadget) -> None:
    result = command(gadget, "press")
    assert (result.exit_code, result.output) == (0, "")
    until(lambda: len(gadget.presses) == 1)
    result = command(gadget, "say", "--wait", "hello", "there")
    assert result.exit_code == 0
    assert result.stdout == "You said hello there.\n"
    assert "total 12 ms" in result.stderr
    assert command(gadget, "say", "--wait", "wrong").exit_code == 3
    result = command(gadget, "press", "--wait", "--json")
    assert json.loads(result.stdout)["spoken"] == "You said spoken."
    assert command(gadget, "press", "--hold", "-1").exit_code == 2
    assert command(gadget, "say", " ").exit_code == InputError.exit_code


def test_tako_press_where_nobody_is(tmp_path: Path) -> None:
    result = CliRunner().invoke(tako, ["press"], env={VARIABLE: str(tmp_path / "none"), "LC_ALL": "zh_CN.UTF-8"})
    assert result.exit_code == DeviceError.exit_code
    assert "没有在运行" in result.stderr


def until(happened: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
