"""What systemd is told: over a socket as it gives one, of a Unix path and of the abstract kind."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.notify import Notifier, Starts

WATCHED = {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}


class Manager:
    """systemd's end of the line."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self._socket.settimeout(0.05)

    def heard(self) -> list[str]:
        """All datagrams that have come."""
        datagrams = []
        while True:
            try:
                datagrams.append(self._socket.recv(4096).decode())
            except TimeoutError:
                return datagrams

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    made = Manager(f"@tako-{os.getpid()}" if request.param == "abstract" else str(tmp_path / "notify"))
    yield made
    made.close()


def test_ready_status_and_end(manager: Manager) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": manager.address})
    notifier.status("loads the models", extend=2.5)
    notifier.ready("waits for the button")
    notifier.stopping()
    assert manager.heard() == [
        "STATUS=loads the models\nEXTEND_TIMEOUT_USEC=2500000",
        "READY=1\nSTATUS=waits for the button",
        "STOPPING=1",
    ]


def test_signs_of_life_are_not_sent_more_often_than_needed(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("device.notify.time.monotonic", lambda: now[0])
    notifier = Notifier({"NOTIFY_SOCKET": manager.address, **WATCHED})
    for _ in range(200):  # ten seconds, every twentieth of one
        notifier.alive()
        now[0] += 0.05
    heard = manager.heard()
    assert set(heard) == {"WATCHDOG=1"}
    assert 9 <= len(heard) <= 11


def test_a_long_stage_is_given_its_time_and_the_next_one_is_not(manager: Manager) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": manager.address, **WATCHED})
    notifier.alive()
    notifier.alive(900.0)
    notifier.alive(900.0)
    notifier.alive(5.0)  # less than what the unit allows
    assert manager.heard() == [
        "WATCHDOG=1",
        "WATCHDOG=1\nWATCHDOG_USEC=900000000",
        "WATCHDOG=1\nWATCHDOG_USEC=30000000",
    ]


@pytest.mark.parametrize("environ", [{}, {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "x"}])
def test_whom_nobody_watches_is_silent(manager: Manager, environ: dict[str, str]) -> None:
    Notifier({"NOTIFY_SOCKET": manager.address, **environ}).alive()
    assert manager.heard() == []


def test_without_systemd_nothing_happens(caplog: pytest.LogCaptureFixture) -> None:
    notifier = Notifier({})
    notifier.ready("waits")
    notifier.alive()
    assert not caplog.records


def test_systemd_that_is_gone_ends_nothing_and_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready()
    assert "systemd does not listen" in caplog.text


def test_starts_in_vain_wait_longer_and_longer(tmp_path: Path) -> None:
    environ = {"RUNTIME_DIRECTORY": str(tmp_path)}
    assert [Starts(environ).begin() for _ in range(9)] == [0, 0, 5, 10, 20, 40, 80, 120, 120]
    Starts(environ).proven()
    assert Starts(environ).begin() == 0


def test_the_count_survives_what_is_no_number_and_a_folder_that_cannot_be_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "starts").write_bytes(b"\xff\x00")
    assert Starts({"RUNTIME_DIRECTORY": str(tmp_path)}).begin() == 0
    assert (tmp_path / "starts").read_text() == "1"
    gone = Starts({"RUNTIME_DIRECTORY": str(tmp_path / "gone")})
    assert gone.begin() == 0
    assert "cannot count the starts" in caplog.text
    gone.proven()
    assert Starts({}).begin() == 0


def test_the_unit_waits_for_it(tmp_path: Path) -> None:
    """systemd's own tool understands what is sent: `systemd-notify` speaks the same to the same socket."""
    manager = Manager(str(tmp_path / "notify"))
    tool = "/usr/bin/systemd-notify"
    if not Path(tool).exists():
        manager.close()
        pytest.skip("systemd-notify is not installed")
    environ = {**os.environ, "NOTIFY_SOCKET": manager.address}
    subprocess.run([tool, "--no-block", "--ready", "--status=waits for the button"], env=environ, check=True)
    code = "from device.notify import Notifier; Notifier().ready('waits for the button')"
    subprocess.run([sys.executable, "-c", code], env=environ, check=True, cwd=Path(__file__).parent.parent)
    theirs, ours = manager.heard()
    manager.close()
    assert set(theirs.split("\n")) - {""} == set(ours.split("\n"))
