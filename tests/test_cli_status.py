"""`tako status` and `tako history --save`, on a history that is there and a tako that is made up."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from actions.base import Outcome, Request
from actions.catalogue import make_call
from actions.errors import DeviceError, ModelError
from agent.types import Decision
from device import overview
from device.board import Board, Throttling
from device.cli import status as status_command
from device.cli.main import tako
from device.journal import SqliteJournal
from device.models import Status
from device.seams import Transcript, TurnRecord

STANDING = {
    "ok": True, "state": "listening", "seconds": 3.0, "note": "", "turns": 12, "uptime": 7200.0, "version": "9.9",
    "pid": 77,
}  # fmt: skip
CALL = make_call("send_email", "anna@example.com", "", "it rains")
HOT = Board("Raspberry Pi 5", 4, 0.5, 8_000_000_000, 6_000_000_000, 50_000.0, 82.0, Throttling(0x50004))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TAKO_HOME", str(tmp_path))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.delenv("TAKO_CONTROL", raising=False)
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    monkeypatch.setattr(overview, "SYSTEM_SOCKET", tmp_path / "none")
    (tmp_path / "tako.toml").write_text("[history]\nkeep_pictures = 7\n")
    return tmp_path


@pytest.fixture
def running(home: Path) -> Iterator[list[dict[str, object]]]:
    """A tako that answers at the socket; what it was asked."""
    asked: list[dict[str, object]] = []

    class Answer(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            asked.append(json.loads(self.rfile.readline()))
            self.wfile.write(json.dumps(STANDING).encode() + b"\n")

    with socketserver.UnixStreamServer(str(home / "control"), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield asked
        server.shutdown()
        thread.join()


def run(home: Path, *args: str) -> Result:
    return CliRunner().invoke(tako, ["--settings", str(home / "tako.toml"), *args], catch_exceptions=False)


def keep_turns(home: Path) -> Path:
    """Two turns in the history: one with an email and its picture, one that failed. Returns where the picture was."""
    photo = home / "photo.jpg"
    photo.write_bytes(b"\xff\xd8 a picture")
    with closing(SqliteJournal(home / "history" / "history.sqlite", 7)) as journal:
        started = time.time()
        key = journal.begin(Request(CALL, "en", "email anna that it rains", photo))
        sent = Outcome("done", "I sent it.")
        journal.end(key, sent)
        decision = Decision((CALL,), "en", 0.9)
        heard = Transcript("email anna that it rains", "en")
        journal.record(TurnRecord(started, heard, decision, (sent,), "I sent it.", {"total": 900.0}))
        failed = TurnRecord(
            started + 60, Transcript("", "en"), None, (), "I heard nothing.", {"total": 50.0}, "", "I ..."
        )
        journal.record(failed)
        journal.begin(Request(CALL, "en", "again"), hold=30.0)
    return photo


class TestStatus:
    def test_a_running_one(self, home: Path, running: list[dict[str, object]]) -> None:
        keep_turns(home)
        result = run(home, "status")
        assert result.exit_code == 0
        assert running == [{"do": "state"}]
        assert "listening for 3 s" in result.stdout
        assert "12 turns in 2 h, version 9.9" in " ".join(result.stdout.split())
        assert "email anna that it rains" in result.stdout
        assert "held send_email(recipient: anna@example.com, body: it rains)" in result.stdout
        assert result.stdout.index("I heard nothing.") < result.stdout.index("I sent it.")  # newest first

    def test_plain_when_piped(self, home: Path, running: list[dict[str, object]]) -> None:
        assert "\x1b" not in run(home, "status").stdout

    def test_none_is_running(self, home: Path) -> None:
        result = run(home, "status")
        assert result.exit_code == 4
        assert "not running" in result.stdout
        assert "systemctl start tako" in " ".join(result.stdout.split())
        assert "I have no speech recogniser" in " ".join(result.stdout.split())
        assert "none yet" in result.stdout

    def test_in_chinese(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
        assert "没有可用的语音识别模型" in run(home, "status").stdout

    def test_as_json(self, home: Path, running: list[dict[str, object]]) -> None:
        keep_turns(home)
        told = json.loads(run(home, "status", "--json", "-n", "1").stdout)
        assert told["running"]["state"] == "listening"
        assert told["board"]["memory"] > 0
        assert [entry["turn"]["spoken"] for entry in told["turns"]] == ["I heard nothing."]
        assert [kept["request"]["call"]["name"] for kept in told["queue"]] == ["send_email"]

    def test_settings_that_are_wrong_end_in_their_sentence(self, home: Path) -> None:
        (home / "tako.toml").write_text("[camera]\nkind = 1\n")
        result = run(home, "status")
        assert "camera.kind" in result.stdout

    def test_a_hot_board_a_service_and_a_damaged_model(self, capsys: pytest.CaptureFixture[str]) -> None:
        def refuse() -> SqliteJournal:
            raise DeviceError("The disk is full.")

        def deaf() -> str:
            raise ModelError("No ears.")

        shown = "LoadState=loaded\nActiveState=activating\nSubState=auto-restart\nNRestarts=3\nResult=watchdog\n"
        seen = overview.gather(
            refuse,
            lambda: [Status("text", "damaged", 1, "no graph"), Status("vosk", "missing"), Status("whisper", "fetched")],
            deaf,
            look=lambda: HOT,
            run=lambda *command: shown + "MemoryCurrent=310000000\n",
        )
        status_command._show(seen)
        out = " ".join(capsys.readouterr().out.split())
        assert "activating (watchdog), restarted 3 times, 310 MB" in out
        assert "text damaged (no graph), whisper" in out
        assert "vosk" not in out
        assert "82 °C; now: the processor is slowed down" in out
        assert "since the start: the power supply is too weak" in out
        assert "The disk is full." in out
        assert "No ears." in out


@pytest.mark.parametrize(
    ("told", "state", "memory"),
    [
        ("", "", None),
        ("LoadState=not-found\nActiveState=inactive\n", "", None),
        ("LoadState=loaded\nActiveState=active\nSubState=running\nResult=success\n", "active (running)", None),
        ("LoadState=loaded\nActiveState=active\nSubState=running\nMemoryCurrent=[not set]\n", "active (running)", None),
        (
            f"LoadState=loaded\nActiveState=active\nSubState=running\nMemoryCurrent={2**64 - 1}\n",
            "active (running)",
            None,
        ),
        ("LoadState=loaded\nActiveState=active\nSubState=running\nMemoryCurrent=5\n", "active (running)", 5),
    ],
)
def test_what_systemd_says(told: str, state: str, memory: int | None) -> None:
    service = overview.service(lambda *command: told)
    assert (service.state, service.memory) == (state, memory)


class TestSavedPictures:
    def test_a_turn_s_picture_becomes_a_file(self, home: Path) -> None:
        photo = keep_turns(home)
        result = run(home, "history", "--save", str(home / "out"))
        (copy,) = (home / "out").iterdir()
        assert copy.read_bytes() == photo.read_bytes()
        assert copy.name.startswith("0001-")
        assert copy.suffix == ".jpg"
        assert str(copy) in result.stdout
        assert "1 picture in" in result.stderr

    def test_as_json(self, home: Path) -> None:
        keep_turns(home)
        lines = run(home, "history", "--json", "--save", str(home / "out")).stdout.splitlines()
        assert [len(json.loads(line)["pictures"]) for line in lines] == [0, 1]
        assert "pictures" not in json.loads(run(home, "history", "--json").stdout.splitlines()[0])

    def test_what_is_kept_no_more(self, home: Path) -> None:
        keep_turns(home)
        for picture in (home / "history" / "pictures").iterdir():
            picture.unlink()
        assert "No picture of these turns is kept." in run(home, "history", "--save", str(home / "out")).stderr

    def test_a_folder_that_cannot_be_written(self, home: Path) -> None:
        keep_turns(home)
        (home / "file").write_text("")
        result = run(home, "history", "--save", str(home / "file" / "below"))
        assert (result.exit_code, "cannot save pictures" in result.stderr) == (4, True)
