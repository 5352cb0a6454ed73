"""`tako lost`: the register on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from actions.lost.register import Register
from device.cli.main import tako

PHOTO = Path(__file__).parent / "data" / "photo.jpg"
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("TAKO_HOME", str(tmp_path))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")

    def call(*args: str) -> Result:
        return CliRunner().invoke(tako, ["lost", *args], prog_name="tako", catch_exceptions=False)

    return call


@pytest.fixture
def register(tmp_path: Path) -> Register:
    kept = Register(tmp_path / "lost")
    kept.add("a", "found", "black umbrella at the station", "en", "i found this at the station", PHOTO)
    kept.add("b", "lost", "雨伞", "zh")
    return kept


def test_an_empty_one(run: Run) -> None:
    assert run("list").stdout == "Nothing is reported lost or found.\n"
    assert run("list", "--json").stdout == ""


def test_list(run: Run, register: Register) -> None:
    newest, oldest = run("list").stdout.splitlines()
    assert newest.split()[:2] == ["2", "lost"]
    assert newest.endswith("雨伞")
    assert oldest.endswith("black umbrella at the station  (photo)")
    entry = json.loads(run("list", "--json").stdout.splitlines()[1])
    assert (entry["id"], entry["report"], entry["settled"]) == (1, "found", None)
    assert Path(entry["picture"]).is_file()


def test_show_names_what_may_match(run: Run, register: Register) -> None:
    shown = run("show", "1").stdout
    assert "said     i found this at the station" in shown
    assert "picture  " in shown
    assert "%  like 2" in shown


def test_resolve_and_remove(run: Run, register: Register) -> None:
    assert run("resolve", "1", "2").exit_code == 0
    assert run("list").stdout == "Nothing is reported lost or found.\n"
    assert len(run("list", "--all").stdout.splitlines()) == 2
    assert "settled" in run("show", "1").stdout
    assert "removed  雨伞" in run("remove", "2").stdout
    assert [report.id for report in register.all()] == [1]


@pytest.mark.parametrize("command", ["show", "resolve", "remove"])
def test_a_number_that_is_not_there(run: Run, command: str) -> None:
    result = run(command, "7")
    assert (result.exit_code, "There is no report 7" in result.stderr) == (6, True)
