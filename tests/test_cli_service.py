"""`tako run` as systemd runs it: a process of its own that lives until SIGTERM."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from actions.base import Request
from actions.catalogue import make_call
from actions.errors import DeviceError
from actions.times.reminders import Reminders
from device.cli.service import Between
from device.control import ask
from device.courier import Courier
from device.journal import MemoryJournal, SqliteJournal
from device.reminders import Bell
from device.sim.indicator import SilentIndicator

ROOT = Path(__file__).parent.parent
SETTINGS = """
[mind]
kind = "scripted"
script = "script.jsonl"
[voice]
engine = "print"
[button]
kind = "key"
[camera]
kind = "none"
[microphone]
device = "there is no such microphone"
"""


class Service:
    """A running `tako run` and its keyboard."""

    def __init__(self, home: Path, environ: Mapping[str, str] | None = None) -> None:
        self._keyboard, terminal = os.openpty()
        environment = {**os.environ, "TAKO_HOME": str(home), "LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
        environment.update(environ or {})
        self.process = subprocess.Popen(
            [sys.executable, "-m", "device.cli.main", "--settings", home / "tako.toml", "run"],
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=environment,
        )
        os.close(terminal)
        self.output = ""

    def press(self) -> None:
        os.write(self._keyboard, b"\n")

    def until(self, text: str, seconds: float = 20.0, times: int = 1) -> bool:
        """Whether the service has printed `text` so many times in time."""
        assert self.process.stdout is not None
        end = time.monotonic() + seconds
        while self.output.count(text) < times and time.monotonic() < end:
            if select.select([self.process.stdout], [], [], 0.1)[0]:
                new = os.read(self.process.stdout.fileno(), 65536).decode()
                self.output += new
                if not new:
                    break
        return self.output.count(text) >= times

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        os.close(self._keyboard)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    calls = [{"name": "smart_recycling", "args": {"item": "glass jar"}}]
    (tmp_path / "script.jsonl").write_text(
        json.dumps({"transcript": "which bin does a glass jar go in", "calls": calls})
    )
    (tmp_path / "tako.toml").write_text(SETTINGS)
    services: list[Service] = []

    def started(environ: Mapping[str, str] | None = None) -> Service:
        services.append(Service(tmp_path, environ))
        assert services[-1].until("○ ready"), services[-1].output
        return services[-1]

    yield started
    for service in services:
        service.close()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly(start: Callable[[], Service], number: signal.Signals) -> None:
    service = start()
    service.process.send_signal(number)
    assert service.process.wait(15.0) == 0
    service.until("nothing more")
    assert "Traceback" not in service.output


@pytest.mark.slow
def test_every_press_ends_in_a_sentence_and_it_lives_on(start: Callable[[], Service], tmp_path: Path) -> None:
    """There is neither a recogniser nor a microphone here."""
    service = start()
    assert "I have no speech recogniser" in service.output
    told = service.output.count("tako: ")
    for press in (1, 2):
        service.press()
        assert service.until("tako: ", 10.0, times=told + press), service.output
        assert service.until("○ ready", 10.0, times=1 + press), service.output
        assert service.process.poll() is None
    service.process.terminate()
    assert service.process.wait(15.0) == 0


@pytest.mark.slow
def test_a_power_cut_loses_nothing(start: Callable[[], Service], tmp_path: Path) -> None:
    """Killed after a turn: the turn is in the history of the next start."""
    service = start()
    service.press()
    assert service.until("! error", 10.0), service.output
    assert service.until("○ ready", 10.0, times=2), service.output
    service.process.kill()
    service.process.wait()
    done = subprocess.run(
        [sys.executable, "-m", "device.cli.main", "--settings", tmp_path / "tako.toml", "history", "--json"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "TAKO_HOME": str(tmp_path)},
        check=True,
    )
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.slow
def test_reminders_are_told_between_turns_once_and_late_ones_after_a_start(
    start: Callable[[], Service], tmp_path: Path
) -> None:
    with closing(Reminders(tmp_path / "reminders")) as reminders:
        reminders.add("turn off the oven", "in one second", "en")
        reminders.add("喂猫", "一秒后", "zh")
    service = start()
    assert service.until("tako: Reminder: turn off the oven."), service.output
    assert service.until("tako: 提醒：喂猫。"), service.output
    service.press()
    assert service.until("! error", 10.0), service.output
    assert service.until("○ ready", 10.0, times=4), service.output  # of the start, two reminders and the turn
    service.process.kill()
    service.process.wait()
    again = start()
    again.process.terminate()
    assert again.process.wait(15.0) == 0
    again.until("nothing more")
    assert "oven" not in again.output
    assert "喂猫" not in again.output


@pytest.mark.slow
def test_cut_off_while_it_reminded_it_says_so(start: Callable[[], Service], tmp_path: Path) -> None:
    with closing(Reminders(tmp_path / "reminders")) as reminders:
        reminders.add("turn off the oven", "in one second", "en")
        while not (due := reminders.due()):
            time.sleep(0.05)
        assert reminders.begin(due[0])
    assert start().until("tako: I may have said this before: turn off the oven.")


@pytest.mark.slow
def test_what_was_held_back_before_a_restart_is_carried_out_and_told(
    start: Callable[[], Service], tmp_path: Path
) -> None:
    """There is no mail account here, which is then what there is to tell."""
    with closing(SqliteJournal(tmp_path / "history" / "history.sqlite")) as journal:
        journal.begin(Request(make_call("send_email", "anna@example.com", "", "it rains"), "en"), hold=0.5)
    service = start()
    assert service.until("I have no mail account yet"), service.output
    with closing(SqliteJournal(tmp_path / "history" / "history.sqlite")) as journal:
        assert [kept.state for kept in journal.calls()] == ["failed"]


def heard(manager: socket.socket, seconds: float) -> list[str]:
    """The datagrams that come to systemd in that time."""
    datagrams, end = [], time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        manager.settimeout(left)
        try:
            datagrams.append(manager.recv(4096).decode())
        except TimeoutError:
            break
    return datagrams


@pytest.mark.slow
def test_systemd_hears_that_it_is_ready_and_lives_and_that_it_hangs(
    start: Callable[..., Service], tmp_path: Path
) -> None:
    """The signs of life come from the loop: a process that stands still gives none."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        service = start(environ={"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "30000000"})
        told = heard(manager, 3.5)
        assert told[0] == "STATUS=loads the models"
        assert "READY=1\nSTATUS=waits for the button" in told
        assert 2 <= told.count("WATCHDOG=1") <= 6
        text = "which bin does a glass jar go in"
        answer = ask(tmp_path / "control", {"do": "say", "text": text, "wait": True}, 60.0)
        assert answer["turn"]["decision"]["calls"][0]["name"] == "smart_recycling"
        told = heard(manager, 1.5)
        assert "WATCHDOG=1\nWATCHDOG_USEC=900000000" in told  # the search may take long
        assert [line for line in told if "USEC" in line][-1].endswith("WATCHDOG_USEC=30000000")
        service.process.send_signal(signal.SIGSTOP)
        heard(manager, 0.2)
        assert heard(manager, 2.5) == []
        service.process.send_signal(signal.SIGCONT)
        assert "WATCHDOG=1" in heard(manager, 3.0)
        service.process.terminate()
        assert service.process.wait(15.0) == 0
        assert heard(manager, 0.5)[-1] == "STOPPING=1"
    assert not (tmp_path / "control").exists()


@pytest.mark.slow
def test_a_press_from_outside_is_a_press(start: Callable[..., Service], tmp_path: Path) -> None:
    """There is no microphone here, which is then what the turn says."""
    service = start()
    answer = ask(tmp_path / "control", {"do": "press", "wait": True}, 60.0)
    assert "microphone" in answer["turn"]["error"]
    assert answer["turn"]["spoken"] == answer["turn"]["error"]
    assert answer["exit_code"] != 0
    service.press()
    assert service.until("! error", 10.0, times=2), service.output
    assert service.until("○ ready", 10.0, times=3), service.output
    end = time.monotonic() + 5.0  # the light is ready a moment before the turn is counted
    while ask(tmp_path / "control", {"do": "state"})["turns"] < 2 and time.monotonic() < end:
        time.sleep(0.05)
    assert ask(tmp_path / "control", {"do": "state"})["turns"] == 2


@pytest.mark.slow
def test_it_lives_without_a_control_socket_and_says_so(start: Callable[..., Service], tmp_path: Path) -> None:
    (tmp_path / "control").write_text("not a socket")
    assert "no control socket" in start().output


@pytest.mark.slow
def test_starts_in_vain_are_counted_and_delay_the_next(start: Callable[..., Service], tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    environ = {"RUNTIME_DIRECTORY": str(tmp_path / "run")}
    broken = tmp_path / "broken.toml"
    broken.write_text("language = 5\n")
    for count in ("1", "2"):
        command = [sys.executable, "-m", "device.cli.main", "--settings", broken, "run"]
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, **environ}, capture_output=True, check=False)
        assert done.returncode == 2
        assert (tmp_path / "run" / "starts").read_text() == count
    before = time.monotonic()
    service = start(environ=environ)
    assert time.monotonic() - before >= 5.0
    assert "the last starts came to nothing; this one waits 5 s" in service.output
    service.process.terminate()
    assert service.process.wait(15.0) == 0
    assert not (tmp_path / "run" / "starts").exists()


@pytest.mark.slow
def test_a_start_that_waits_ends_at_once_when_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "starts").write_text("9")
    (tmp_path / "tako.toml").write_text("")
    service = Service(tmp_path, {"RUNTIME_DIRECTORY": str(tmp_path)})
    try:
        assert service.until("this one waits 120 s"), service.output
        service.process.terminate()
        assert service.process.wait(15.0) == 0
    finally:
        service.close()


class TestBetween:
    """What is told between turns, with a voice that takes its time."""

    class SlowVoice:
        def __init__(self) -> None:
            self.said: list[str] = []
            self.silent = True
            self.broken = False

        def say(self, text: str, lang: str) -> None:
            if self.broken:
                raise DeviceError("No sound.")
            self.said.append(text)
            self.silent = False

        def wait(self, timeout: float | None = None) -> bool:
            return self.silent

    @pytest.fixture
    def voice(self) -> SlowVoice:
        return self.SlowVoice()

    @pytest.fixture
    def between(self, voice: SlowVoice, tmp_path: Path) -> Iterator[tuple[Between, Reminders, MemoryJournal]]:
        journal = MemoryJournal()
        body = SimpleNamespace(voice=voice, indicator=SilentIndicator())
        with closing(Reminders(tmp_path / "reminders")) as reminders, closing(Courier(journal, {})) as courier:
            bell = Bell(reminders, look=0.0, later=0.0)
            yield Between(body, courier, bell), reminders, journal  # type: ignore[arg-type]

    def test_one_thing_after_the_other(
        self, between: tuple[Between, Reminders, MemoryJournal], voice: SlowVoice
    ) -> None:
        it, reminders, _ = between
        for text in ("feed the cat", "walk the dog"):
            reminders.add(text, "in one second", "en")
        while len(reminders.due()) < 2:
            time.sleep(0.05)
        it.tell()
        it.tell()
        assert voice.said == ["Reminder: feed the cat."]  # the voice is still at it
        assert len(reminders.list()) == 2
        voice.silent = True
        it.tell()
        assert voice.said[1:] == ["Reminder: walk the dog."]
        it.settle()  # a press silences it: whoever pressed has heard it
        it.tell()
        assert len(voice.said) == 2
        assert reminders.list() == ()

    def test_a_voice_that_fails_loses_no_reminder(
        self, between: tuple[Between, Reminders, MemoryJournal], voice: SlowVoice
    ) -> None:
        it, reminders, _ = between
        reminders.add("feed the cat", "in one second", "en")
        while not reminders.due():
            time.sleep(0.05)
        voice.broken = True
        it.tell()
        it.tell()
        assert len(reminders.list()) == 1
        voice.broken = False
        it.tell()
        assert voice.said == ["Reminder: feed the cat."]
