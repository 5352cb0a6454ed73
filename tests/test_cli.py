"""The command line: every command once as it is meant, on the simulators."""

from __future__ import annotations

import fcntl
import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from actions.errors import ModelError
from device.cli import reference
from device.cli.main import tako
from device.models import Model, Status, lacking
from device.text_model import NAME

DATA = Path(__file__).parent / "data"
TINY = Path(__file__).parent / "tiny_model"
SCRIPT = [
    ("buy three hammers", "amazon_shopping", {"product": "three hammers"}),
    ("what am i looking at", "describe_scene", {"question": "what am i looking at"}),
    (
        "email anna@example.com that it rains",
        "send_email",
        {"recipient": "anna@example.com", "subject": "", "body": "it rains"},
    ),
    ("点一份宫保鸡丁", "doordash_delivery", {"order": "宫保鸡丁"}),
]
SETTINGS = """
[mind]
kind = "scripted"
script = "script.jsonl"
[voice]
engine = "print"
"""

Tako = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A TAKO_HOME of its own, settings with a scripted mind, and English sentences."""
    monkeypatch.setenv("TAKO_HOME", str(tmp_path))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    lines = [{"transcript": text, "calls": [{"name": name, "args": args}]} for text, name, args in SCRIPT]
    (tmp_path / "script.jsonl").write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    (tmp_path / "tako.toml").write_text(SETTINGS)
    return tmp_path


@pytest.fixture
def run(home: Path) -> Tako:
    def call(*args: str | Path, stdin: str | bytes = "", settings: str = "tako.toml") -> Result:
        everything = ["--settings", str(home / settings), *map(str, args)]
        return CliRunner().invoke(tako, everything, input=stdin, prog_name="tako", catch_exceptions=False)

    return call


class TestAsk:
    def test_a_request_is_decided_and_carried_out(self, run: Tako) -> None:
        result = run("ask", "buy", "three", "hammers", "--yes")
        assert result.exit_code == 0
        assert "amazon_shopping(product: three hammers)" in result.stdout
        assert "I put three hammers on your list" in result.stdout

    @pytest.mark.parametrize(("answer", "status"), [("y\n", "done"), ("n\n", "cancelled"), ("", "cancelled")])
    def test_it_asks_before_it_acts(self, run: Tako, answer: str, status: str) -> None:
        result = run("ask", "buy three hammers", stdin=answer)
        assert "Shall I put three hammers on your list?" in result.stderr
        assert status in result.stdout
        assert result.exit_code == 0

    def test_chinese(self, run: Tako) -> None:
        result = run("ask", "点一份宫保鸡丁", "--yes")
        assert "宫保鸡丁已加入购物清单" in result.stdout

    def test_with_a_picture(self, run: Tako) -> None:
        result = run("ask", "what am i looking at", "--image", DATA / "photo.jpg")
        assert result.exit_code == 0
        assert "can't describe that picture yet" in result.stdout  # a script has no eyes

    def test_a_question_about_a_picture_that_is_not_there(self, run: Tako) -> None:
        result = run("ask", "what am i looking at")
        assert (result.exit_code, "no picture to look at" in result.stdout) == (8, True)

    def test_as_json(self, run: Tako) -> None:
        turn = json.loads(run("ask", "buy three hammers", "--yes", "--json").stdout)
        assert turn["decision"]["calls"][0]["args"] == {"product": "three hammers"}
        assert turn["ms"]["total"] >= 0

    def test_aloud(self, run: Tako) -> None:
        assert "tako: I put three hammers on your list" in run("ask", "buy three hammers", "--yes", "--aloud").stdout

    def test_what_failed_shows_in_the_exit_code(self, run: Tako) -> None:
        result = run("ask", "email anna@example.com that it rains", "--yes")
        assert (result.exit_code, "no mail account" in result.stdout) == (6, True)

    def test_what_is_unclear_shows_in_the_exit_code(self, run: Tako) -> None:
        assert run("ask", "hm", "--yes").exit_code == 8


class TestHistory:
    def test_turns_newest_first(self, run: Tako) -> None:
        run("ask", "buy three hammers", "--yes")
        run("ask", "what am i looking at")
        shown = run("history").stdout
        assert shown.index("what am i looking at") < shown.index("buy three hammers")
        assert "amazon_shopping(product: three hammers): done" in shown
        assert len(run("history", "--limit", "1", "--json").stdout.splitlines()) == 1

    def test_json_is_one_turn_a_line(self, run: Tako) -> None:
        run("ask", "点一份宫保鸡丁", "--yes")
        (line,) = run("history", "--json").stdout.splitlines()
        assert json.loads(line)["turn"]["transcript"]["text"] == "点一份宫保鸡丁"

    def test_nothing_yet(self, run: Tako) -> None:
        assert "nothing in the history" in run("history").stdout


class TestOutbox:
    @pytest.fixture
    def key(self, run: Tako, home: Path) -> str:
        """An email that waits, since nothing listens at its mail server."""
        with (home / "tako.toml").open("a") as file:
            file.write('[email]\nhost = "127.0.0.1"\nport = 1\ntls = "none"\nsender = "tako@example.com"\n')
        result = run("ask", "email anna@example.com that it rains", "--yes")
        assert (result.exit_code, "waiting" in result.stdout) == (7, True)
        return run("outbox", "list").stdout.split()[0]

    def test_list(self, run: Tako, key: str) -> None:
        assert f"{key}  waiting" in run("outbox", "list").stdout

    def test_retry_all(self, run: Tako, key: str) -> None:
        result = run("outbox", "retry")
        assert (result.exit_code, key in result.stdout) == (7, True)
        assert "2 x" in run("outbox", "list").stdout

    def test_retry_one(self, run: Tako, key: str) -> None:
        assert run("outbox", "retry", key).exit_code == 7

    def test_drop(self, run: Tako, key: str) -> None:
        assert run("outbox", "drop", key).exit_code == 0
        assert "empty" in run("outbox", "list").stdout

    def test_a_key_that_is_not_there(self, run: Tako) -> None:
        result = run("outbox", "drop", "abc")
        assert (result.exit_code, "no request abc" in result.stderr) == (6, True)


class TestSimulate:
    def test_typed_requests_and_questions_share_the_terminal(self, run: Tako) -> None:
        result = run("simulate", stdin="buy three hammers\ny\nwhat am i looking at\n")
        assert result.exit_code == 0
        assert result.stdout.count("tako: ") == 2
        assert result.stdout.index("put three hammers") < result.stdout.index("no picture to look at")

    def test_a_recording_by_its_name(self, run: Tako, home: Path) -> None:
        result = run("simulate", stdin=f"{home}/none.wav\n")
        assert "no recording none.wav" in result.stdout

    def test_a_picture_for_each_press(self, run: Tako, home: Path) -> None:
        (home / "pictures").mkdir()
        shutil.copy(DATA / "photo.jpg", home / "pictures")
        result = run("simulate", "--image", home / "pictures", stdin="what am i looking at\n")
        assert "photo" in result.stdout


class TestSettings:
    def test_show_is_toml_without_secrets(self, run: Tako, home: Path) -> None:
        import tomllib

        (home / "tako.toml").write_text(
            '[email]\nhost = "mail.example.com"\nuser = "a@example.com"\npassword = "hunter2"\n'
            '[contacts.people."Anna Berg"]\nemail = "anna@example.com"\n'
        )
        shown = run("settings", "show").stdout
        assert "hunter2" not in shown
        held = tomllib.loads(shown)
        assert held["email"]["host"] == "mail.example.com"
        assert held["contacts"]["people"]["Anna Berg"]["email"] == "anna@example.com"

    def test_check(self, run: Tako, home: Path) -> None:
        assert "are right" in run("settings", "check").stdout
        (home / "tako.toml").write_text("[voice]\nvolum = 1\n")
        result = run("settings", "check")
        assert (result.exit_code, "did you mean volume" in result.stderr) == (2, True)

    def test_write_touches_nothing_that_is_there(self, run: Tako, home: Path) -> None:
        assert run("settings", "write", home / "new.toml").exit_code == 0
        assert run("settings", "check", settings="new.toml").exit_code == 0
        assert run("settings", "write", home / "new.toml").exit_code == 2


class TestModels:
    def test_list(self, run: Tako) -> None:
        shown = run("models", "list").stdout
        assert "gemma-3-270m" in shown
        assert "text" in shown

    def test_verify_what_is_not_there(self, run: Tako) -> None:
        assert run("models", "verify").exit_code == 0
        assert run("models", "verify", "whisper-base").exit_code == 5

    def test_verify_finds_damage(self, run: Tako, home: Path) -> None:
        shutil.copytree(TINY, home / "models" / NAME)
        weights = home / "models" / NAME / "weights.bin"
        weights.write_bytes(weights.read_bytes()[:-1])
        result = run("models", "verify", NAME)
        assert (result.exit_code, "damaged" in result.stdout) == (5, True)

    def test_build_without_its_base_says_what_to_do(self, run: Tako) -> None:
        result = run("models", "build")
        assert result.exit_code == 5
        assert "tako models" in result.stderr

    def test_two_builds_do_not_meet(self, run: Tako, home: Path) -> None:
        (home / "partial").mkdir()
        with (home / "partial" / f"{NAME}.lock").open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            result = run("models", "build")
        assert (result.exit_code, "another tako" in result.stderr) == (5, True)

    def test_build_where_nothing_can_be_written(self, run: Tako, home: Path) -> None:
        (home / "partial").write_text("a file where a folder has to be")
        result = run("models", "build")
        assert (result.exit_code, "cannot write into" in result.stderr) == (4, True)

    @pytest.mark.parametrize(
        ("names", "heard", "code", "said"),
        [
            ([], ("en", "zh"), 0, "Not here: vosk. A turn works without."),
            ([], ("en",), 5, "A turn still needs a model for Chinese speech."),
            ([], (), 5, "A turn still needs a model for English speech and a model for Chinese speech."),
            (["vosk"], ("en", "zh"), 5, ""),
        ],
    )
    def test_fetch_ends_well_when_a_turn_has_what_it_needs(
        self,
        run: Tako,
        monkeypatch: pytest.MonkeyPatch,
        names: list[str],
        heard: tuple[str, ...],
        code: int,
        said: str,
    ) -> None:
        here = ["gemma-3-270m", *(f"hears-{lang}" for lang in heard)]
        table = [Model(f"hears-{lang}", "", "", (), hears=(lang,)) for lang in heard]
        gaps = lacking([Status(name, "fetched") for name in here], table)
        monkeypatch.setattr("device.models.fetch_many", lambda *a, **k: ([], {"vosk": ModelError("Out of reach.")}))
        monkeypatch.setattr("device.models.lacking", lambda statuses: gaps)
        result = run("models", "fetch", *names)
        assert result.exit_code == code
        assert result.stdout.strip() == said

    def test_fetch_of_an_unknown_model(self, run: Tako) -> None:
        result = run("models", "fetch", "gpt")
        assert (result.exit_code, "no model gpt" in result.output) == (5, True)


class TestDoctor:
    def test_it_looks_at_everything(self, run: Tako) -> None:
        result = run("doctor")
        assert result.exit_code == 1
        assert "text model" in result.stdout

    def test_as_json(self, run: Tako) -> None:
        findings = json.loads(run("doctor", "--json").stdout)
        assert {"python", "settings", "models", "microphone"} <= {finding["name"] for finding in findings}

    def test_wrong_settings_are_one_of_its_findings(self, run: Tako, home: Path) -> None:
        (home / "tako.toml").write_text("[nonsense]\n")
        findings = {f["name"]: f for f in json.loads(run("doctor", "--json").stdout)}
        assert findings["settings"]["level"] == "fail"
        assert "nonsense" in findings["settings"]["what"]


def test_a_fault_of_the_program_is_logged_and_told(run: Tako, monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(settings: object) -> None:
        raise ZeroDivisionError("deep inside")

    monkeypatch.setattr("device.body.journal_of", faulty)
    result = run("history")
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (1, "Something went wrong inside me.")
    assert "ZeroDivisionError: deep inside" in result.stderr


def test_the_history_file_is_a_database(run: Tako, home: Path) -> None:
    """Where it lies is what the other tools of a person (a backup) rely on."""
    run("ask", "what am i looking at")
    with sqlite3.connect(home / "history" / "history.sqlite") as database:
        assert database.execute("SELECT count(*) FROM turns").fetchone() == (1,)
    database.close()


def test_the_reference_is_that_of_the_commands() -> None:
    assert reference.PAGE.read_text(encoding="utf-8") == reference.page(), f"stale: run {reference.COMMAND}"


@pytest.mark.parametrize(
    "command",
    [
        "ask",
        "turn",
        "run",
        "simulate",
        "batch",
        "history",
        "outbox",
        "undo",
        "reminders",
        "list",
        "contacts",
        "models",
        "doctor",
    ],
)
def test_every_command_explains_itself(run: Tako, command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) > 4
