"""`tako run` as systemd runs it: a process of its own that lives until SIGTERM."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

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

    def __init__(self, home: Path) -> None:
        self._keyboard, terminal = os.openpty()
        environment = {**os.environ, "TAKO_HOME": str(home), "LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
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
def start(tmp_path: Path) -> Iterator[Callable[[], Service]]:
    calls = [{"name": "google_search", "args": {"query": "cheap flights"}}]
    (tmp_path / "script.jsonl").write_text(json.dumps({"transcript": "search for cheap flights", "calls": calls}))
    (tmp_path / "tako.toml").write_text(SETTINGS)
    services: list[Service] = []

    def started() -> Service:
        services.append(Service(tmp_path))
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
    assert service.process.wait(5.0) == 0
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
    assert service.process.wait(5.0) == 0


@pytest.mark.slow
def test_a_power_cut_loses_nothing(start: Callable[[], Service], tmp_path: Path) -> None:
    """Killed after a turn: the turn is in the history of the next start."""
    service = start()
    service.press()
    assert service.until("! error", 10.0), service.output
    assert service.until("○ ready", 10.0)
    time.sleep(0.5)
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
