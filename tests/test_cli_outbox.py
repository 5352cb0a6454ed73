"""`tako outbox`, `tako undo` and `tako reminders`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from actions.base import Outcome, Request
from actions.catalogue import make_call
from actions.times.reminders import Reminders
from device.cli.main import tako
from device.journal import SqliteJournal

EMAIL = make_call("send_email", "anna@example.com", "", "it rains")
Tako = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tako:
    monkeypatch.setenv("TAKO_HOME", str(tmp_path))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    (tmp_path / "tako.toml").write_text("")

    def call(*args: str) -> Result:
        return CliRunner().invoke(tako, ["--settings", str(tmp_path / "tako.toml"), *args], catch_exceptions=False)

    return call


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    with closing(SqliteJournal(tmp_path / "history" / "history.sqlite")) as opened:
        yield opened


@pytest.fixture
def reminders(tmp_path: Path) -> Iterator[Reminders]:
    with closing(Reminders(tmp_path / "reminders")) as opened:
        yield opened


def test_what_is_listed(run: Tako, journal: SqliteJournal) -> None:
    journal.begin(Request(EMAIL, "en", key="held0001"), hold=60.0)
    for key, status in (("wait0001", "waiting"), ("unkn0001", "unknown")):
        journal.end(journal.begin(Request(EMAIL, "en", key=key)), Outcome(status, "Later."))
    lines = run("outbox", "list").stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["held0001", "held"],
        ["wait0001", "waiting"],
        ["unkn0001", "unknown"],
    ]
    assert re.search(r"  in (5\d|60) s  ", lines[0])
    assert "\x1b" not in "".join(lines)  # no colours into a pipe
    entries = [json.loads(line) for line in run("outbox", "list", "--json").stdout.splitlines()]
    assert [(entry["request"]["key"], entry["state"]) for entry in entries] == [
        ("held0001", "waiting"),
        ("wait0001", "waiting"),
        ("unkn0001", "unknown"),
    ]
    assert entries[1]["attempts"] == 1
    assert 0 < entries[1]["wait"] <= 30


def test_an_empty_outbox(run: Tako) -> None:
    assert run("outbox", "list").stdout == "The outbox is empty.\n"
    assert run("outbox", "list", "--json").stdout == ""
    assert run("outbox", "retry").stdout == ""


def test_retrying_does_not_wait_for_the_next_try(run: Tako, journal: SqliteJournal) -> None:
    """There is no mail account, so it fails now, which is what it says."""
    journal.end(journal.begin(Request(EMAIL, "en", key="wait0001")), Outcome("waiting", "Later."))
    result = run("outbox", "retry", "--json")
    entry = json.loads(result.stdout)
    assert (entry["key"], entry["outcome"]["status"], result.exit_code) == ("wait0001", "failed", 6)


def test_dropping_several_drops_those_that_are_there(run: Tako, journal: SqliteJournal) -> None:
    for key in ("one00001", "two00001"):
        journal.end(journal.begin(Request(EMAIL, "en", key=key)), Outcome("waiting", "Later."))
    result = run("outbox", "drop", "one", "none", "two")
    assert (result.exit_code, "no request none" in result.stderr) == (6, True)
    assert [kept.state for kept in journal.calls()] == ["cancelled", "cancelled"]


def test_undo(run: Tako, journal: SqliteJournal) -> None:
    journal.begin(Request(EMAIL, "en"), hold=60.0)
    result = run("undo")
    assert (result.stdout, result.exit_code) == ("OK, the email to anna@example.com does not go out.\n", 0)
    assert [kept.state for kept in journal.calls()] == ["cancelled"]
    result = run("undo")
    assert (result.exit_code, "nothing that I could still undo" in result.stderr) == (6, True)


def test_reminders(run: Tako, reminders: Reminders) -> None:
    assert run("reminders", "list").stdout == "There are no reminders.\n"
    first = reminders.add("feed the cat", "every day at eight", "en")
    second = reminders.add("喂猫", "每周一早上八点", "zh")
    lines = run("reminders", "list").stdout.splitlines()
    assert "every day at 8:00  feed the cat" in lines[0]
    assert "every Monday at 8:00  喂猫" in lines[1]
    entries = [json.loads(line) for line in run("reminders", "list", "--json").stdout.splitlines()]
    assert [(entry["id"], entry["text"]) for entry in entries] == [(first.id, "feed the cat"), (second.id, "喂猫")]
    assert entries[0]["next"].split("T")[1].startswith("08:00")
    assert run("reminders", "remove", str(first.id)).stdout.split() == [str(first.id), "removed", "feed", "the", "cat"]
    result = run("reminders", "remove", str(first.id))
    assert (result.exit_code, f"no reminder {first.id}" in result.stderr) == (6, True)
    assert [kept.id for kept in reminders.list()] == [second.id]
