"""The log of the service: from a journal that is made up, and from files."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from actions.errors import DeviceError, InputError
from device import logs
from device.cli.main import tako

ENTRIES = "-- Boot 1 --\n2026-11-23T10:00:00+0000 pi tako[1]: ready\n2026-11-23T10:00:05+0000 pi tako[1]: turn: text\n"

Journal = Callable[[str], Path]


@pytest.fixture
def journalctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
    """Puts a program of that name, made of these lines of shell, where tako looks; what it was called with is kept."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")

    def write(script: str) -> Path:
        program = tmp_path / "journalctl"
        program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/called\n{script}\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return tmp_path / "called"

    return write


def test_the_journal_of_the_unit(journalctl: Journal, tmp_path: Path) -> None:
    (tmp_path / "entries").write_text(ENTRIES)
    called = journalctl(f"cat {tmp_path}/entries")
    result = CliRunner().invoke(tako, ["logs", "-n", "7", "--since", "1 hour ago"], catch_exceptions=False)
    assert (result.exit_code, result.output.count("\n")) == (0, 2)
    assert "tako[1]: ready" in result.output
    assert "Boot" not in result.output
    told = called.read_text()
    assert "--unit=tako.service" in told
    assert "--lines=7" in told
    assert "--since=1 hour ago" in told


def test_following_begins_with_the_last_lines(journalctl: Journal) -> None:
    called = journalctl('case "$*" in *--follow*) echo new;; *) echo old;; esac')
    result = CliRunner().invoke(tako, ["logs", "--follow"], catch_exceptions=False)
    assert result.output.split() == ["old", "new"]
    assert "--lines=0" in called.read_text().splitlines()[1]


def test_as_json(journalctl: Journal) -> None:
    called = journalctl("echo '{}'")
    assert CliRunner().invoke(tako, ["logs", "--json"], catch_exceptions=False).output == "{}\n"
    assert "--output=json" in called.read_text()


@pytest.mark.parametrize(
    ("script", "error", "sentence"),
    [
        (
            "echo 'No journal files were opened due to insufficient permissions.' >&2; exit 1",
            DeviceError,
            "systemd-jou",
        ),
        ("echo 'Hint: You are currently not seeing messages from other users.' >&2", DeviceError, "systemd-journal"),
        ("echo 'Failed to parse timestamp: soon' >&2; exit 1", InputError, "Failed to parse timestamp: soon"),
    ],
)
def test_a_journal_that_refuses(journalctl: Journal, script: str, error: type[Exception], sentence: str) -> None:
    journalctl(script)
    with pytest.raises(error, match=sentence):
        list(logs.journal(5, "soon"))


def test_nothing_in_the_log_is_said(journalctl: Journal) -> None:
    journalctl("echo '-- No entries --'")
    result = CliRunner().invoke(tako, ["logs"], catch_exceptions=False)
    assert (result.exit_code, result.stdout, "nothing in the log" in result.stderr) == (0, "", True)


def test_no_journal_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeviceError, match="--file"):
        list(logs.journal(5))


def test_a_file(tmp_path: Path) -> None:
    log = tmp_path / "tako.log"
    log.write_text("one\ntwo\nthree\n")
    result = CliRunner().invoke(tako, ["logs", "--file", str(log), "-n", "2"], catch_exceptions=False)
    assert result.output == "two\nthree\n"
    assert CliRunner().invoke(tako, ["logs", "--file", str(log), "--json"]).exit_code == 2


def test_a_file_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    result = CliRunner().invoke(tako, ["logs", "--file", str(tmp_path / "none")], catch_exceptions=False)
    assert (result.exit_code, result.stderr.startswith("I cannot read")) == (3, True)


def test_following_a_file_through_lines_in_pieces_and_a_rotation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "POLL", 0.01)
    log, stopped = tmp_path / "tako.log", threading.Event()
    log.write_text("old\n")
    steps = (
        (lambda: _append(log, "one\ntw"), ["one"]),
        (lambda: _append(log, "o\n"), ["one", "two"]),
        (lambda: (log.rename(tmp_path / "tako.log.1"), log.write_text("three\n")), ["one", "two", "three"]),
        (lambda: log.write_text("4\n"), ["one", "two", "three", "4"]),  # begun anew, shorter than it was
    )
    seen: list[str] = []
    collector = threading.Thread(target=lambda: [seen.append(line) for line in logs.follow(log, stopped)])
    collector.start()
    stopped.wait(0.2)  # it has looked where the file ends
    for step, wanted in steps:
        step()
        end = time.monotonic() + 10
        while seen != wanted and time.monotonic() < end:
            stopped.wait(0.01)
        assert seen == wanted
    stopped.set()
    collector.join(10)
    assert not collector.is_alive()


def _append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)
