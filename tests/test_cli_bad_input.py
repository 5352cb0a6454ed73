"""Bad input of every kind ends in a sentence, spoken and printed, and an exit code; nothing hangs or is lost."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from device import body as body_module
from device.cli.main import tako
from device.speech.scripted import ScriptedTranscriber
from device.text_model import NAME

DATA = Path(__file__).parent / "data"
TINY = Path(__file__).parent / "tiny_model"
CALL = {"name": "smart_recycling", "args": {"item": "glass jar"}}

Tako = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TAKO_HOME", str(tmp_path))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    (tmp_path / "script.jsonl").write_text(
        json.dumps({"transcript": "which bin does a glass jar go in", "calls": [CALL]})
    )
    (tmp_path / "tako.toml").write_text(
        '[mind]\nkind = "scripted"\nscript = "script.jsonl"\n[voice]\nengine = "print"\n[button]\nkind = "key"\n'
        '[camera]\nkind = "none"\n'
    )
    return tmp_path


@pytest.fixture
def run(home: Path) -> Tako:
    def call(*args: str | Path, stdin: str | bytes = "") -> Result:
        everything = ["--settings", str(home / "tako.toml"), *map(str, args)]
        return CliRunner().invoke(tako, everything, input=stdin, prog_name="tako", catch_exceptions=False)

    return call


@pytest.fixture
def hears(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a recogniser in place that hears the given words in any sound."""

    def choose(text: str) -> None:
        made = ScriptedTranscriber([text] * 9)
        monkeypatch.setattr(body_module, "choose_transcriber", lambda *_: (made, "the test says so"))

    return choose


def wav(path: Path, samples: np.ndarray) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def spoken_and_printed(result: Result, sentence: str, code: int) -> None:
    """The sentence is said ("tako: ..." is the printing voice) and shown."""
    assert result.exit_code == code, result.output
    assert f"tako: {sentence}" in " ".join(result.output.split())
    assert f"says {sentence}" in " ".join(result.output.split())
    assert "Traceback" not in result.output


class TestPicture:
    @pytest.mark.parametrize("kind", ["missing", "truncated", "text", "tiny", "folder"])
    def test_one_that_cannot_be_read(self, run: Tako, home: Path, kind: str) -> None:
        path = home / "photo.jpg"
        match kind:
            case "truncated":
                path.write_bytes((DATA / "photo.jpg").read_bytes()[:9_000])
            case "text":
                path.write_text("no picture")
            case "tiny":
                path.write_bytes(b"P5 1 1 255 \x00")
            case "folder":
                path.mkdir()
        result = run("ask", "which bin does a glass jar go in", "--image", path, "--aloud")
        assert result.exit_code == 3
        assert "picture" in result.output
        assert not re.search(r"(?m)^done\b", result.output)


class TestWords:
    @pytest.mark.parametrize("words", ["", "   "])
    def test_none(self, run: Tako, words: str) -> None:
        spoken_and_printed(run("ask", words, "--aloud"), "I heard nothing.", 3)

    def test_two_thousand(self, run: Tako) -> None:
        result = run("ask", "word " * 2000, "--aloud")
        spoken_and_printed(result, "That request is too long for me. Please say it in a few sentences.", 3)

    def test_two_thousand_chinese(self, run: Tako) -> None:
        result = run("ask", "这个字" * 2000, "--aloud")
        spoken_and_printed(result, "这段话太长了，请用几句话说。", 3)

    def test_what_is_no_text(self, run: Tako) -> None:
        assert run("ask", "\udcff\udcfe", "--yes").exit_code in (3, 8)


class TestSound:
    @pytest.mark.parametrize("kind", ["missing", "text", "empty", "header", "long"])
    def test_a_recording_that_cannot_be_read(
        self, run: Tako, home: Path, hears: Callable[[str], None], kind: str
    ) -> None:
        hears("which bin does a glass jar go in")
        path = home / "request.wav"
        match kind:
            case "text":
                path.write_text("no sound")
            case "empty":
                path.write_bytes(b"")
            case "header":
                wav(path, np.zeros(0))
            case "long":
                wav(path, np.zeros(16_000 * 61))
        result = run("turn", "--wav", path)
        assert result.exit_code == 3
        assert "recording request.wav" in result.output
        assert "tako: " in result.output

    @pytest.mark.parametrize("sound", ["silence", "noise"])
    def test_nothing_is_said(self, run: Tako, home: Path, hears: Callable[[str], None], sound: str) -> None:
        """What a recogniser makes of silence and of noise is an empty transcript; its own tests see to that."""
        hears("")
        samples = np.zeros(32_000) if sound == "silence" else np.random.default_rng(1).normal(0, 3000, 32_000)
        spoken_and_printed(run("turn", "--wav", wav(home / "request.wav", samples)), "I heard nothing.", 3)

    def test_no_recogniser(self, run: Tako) -> None:
        result = run("turn", "--wav", DATA / "en_request.wav")
        assert result.exit_code == 5
        assert "tako: I have no speech recogniser" in result.output

    def test_no_microphone(self, run: Tako, hears: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
        """Enter alone listens to the microphone of a machine that has none."""
        hears("which bin does a glass jar go in")
        monkeypatch.setitem(sys.modules, "sounddevice", None)
        result = run("simulate", stdin="\n")
        assert "tako: The package sounddevice is not installed" in result.stdout

    def test_the_answer_cannot_be_written(self, run: Tako, home: Path, hears: Callable[[str], None]) -> None:
        hears("which bin does a glass jar go in")
        result = run("turn", "--wav", DATA / "en_request.wav", "--out", home / "nowhere" / "answer.wav")
        assert result.exit_code == 4
        assert result.stderr


class TestModel:
    @pytest.fixture
    def onnx(self, home: Path) -> Path:
        """Settings with the real mind, and where its model belongs."""
        (home / "tako.toml").write_text('[voice]\nengine = "print"\n')
        return home / "models" / NAME

    def test_none(self, run: Tako, onnx: Path) -> None:
        result = run("ask", "which bin does a glass jar go in", "--aloud")
        spoken_and_printed(result, "I have no language model yet. Run tako models fetch and tako models build.", 5)

    @pytest.mark.parametrize("file", ["weights.bin", "graph.onnx", "tokenizer.json", "manifest.json"])
    @pytest.mark.parametrize("damage", ["missing", "short", "garbage"])
    def test_damaged(self, run: Tako, onnx: Path, file: str, damage: str) -> None:
        shutil.copytree(TINY, onnx)
        path = onnx / file
        match damage:
            case "missing":
                path.unlink()
            case "short":
                path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
            case "garbage":
                if file == "weights.bin":
                    pytest.skip("found by `tako models verify`, which reads every byte")
                path.write_bytes(b"\x00garbage" * 100)
        result = run("ask", "which bin does a glass jar go in", "--aloud")
        assert result.exit_code == 5, result.output
        assert "tako: " in result.output

    def test_the_service_starts_without_one_and_says_so(
        self, run: Tako, home: Path, hears: Callable[[str], None]
    ) -> None:
        hears("which bin does a glass jar go in")
        (home / "tako.toml").write_text('[voice]\nengine = "print"\n[button]\nkind = "key"\n[camera]\nkind = "none"\n')
        result = run("run", stdin="")
        assert result.exit_code == 0
        assert "tako: I have no language model yet" in result.stdout


class TestDisk:
    def test_a_history_that_cannot_be_written(self, run: Tako, home: Path) -> None:
        (home / "history").write_text("a file where the folder belongs")
        result = run("ask", "which bin does a glass jar go in")
        assert result.exit_code == 4
        assert "history" in result.stderr

    def test_a_full_disk_under_a_batch(self, run: Tako, home: Path) -> None:
        (home / "in.jsonl").write_text('{"id": 1, "text": "which bin does a glass jar go in"}\n')
        result = run("batch", "--in", home / "in.jsonl", "--out", "/dev/full")
        assert result.exit_code == 4
        assert "No space left" in result.stderr

    def test_a_full_disk_under_standard_output(self, run: Tako, home: Path) -> None:
        run("ask", "which bin does a glass jar go in")
        command = [sys.executable, "-m", "device.cli.main", "--settings", home / "tako.toml", "history", "--json"]
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=DATA.parent.parent)
        assert (done.returncode, done.stderr.strip()) == (4, "The disk is full.")


class TestCamera:
    def test_a_broken_one_is_told_at_the_start_and_the_gadget_lives_on(
        self, run: Tako, home: Path, hears: Callable[[str], None]
    ) -> None:
        hears("which bin does a glass jar go in")
        settings = (home / "tako.toml").read_text().replace('kind = "none"', 'kind = "folder"\nfolder = "empty"')
        (home / "tako.toml").write_text(settings)
        (home / "empty").mkdir()
        result = run("run", stdin="")
        assert result.exit_code == 0
        assert "tako: There is no picture in empty." in result.stdout


class TestNetwork:
    def test_an_email_waits(self, run: Tako, home: Path) -> None:
        args = {"recipient": "anna@example.com", "subject": "", "body": "hi"}
        line = {"transcript": "email anna", "calls": [{"name": "send_email", "args": args}]}
        (home / "script.jsonl").write_text(json.dumps(line))
        with (home / "tako.toml").open("a") as file:
            file.write('[email]\nhost = "127.0.0.1"\nport = 1\ntls = "none"\nsender = "tako@example.com"\n')
        result = run("ask", "email anna", "--yes", "--aloud")
        assert result.exit_code == 7
        assert "in the outbox" in result.stdout
        assert "waiting" in run("outbox", "list").stdout


@pytest.mark.parametrize("settings", ["[mind\n", "[nonsense]\n", "[mind]\nthreads = 0\n"])
def test_wrong_settings(run: Tako, home: Path, settings: str) -> None:
    (home / "tako.toml").write_text(settings)
    for command in (("ask", "hi"), ("history",), ("run",), ("simulate",)):
        result = run(*command)
        assert result.exit_code == 2
        assert "tako.toml" in result.stderr


def test_sentences_are_chinese_in_a_chinese_terminal(run: Tako, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert "发件箱里没有请求" in run("outbox", "drop", "abc").stderr
