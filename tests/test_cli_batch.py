"""`tako batch`: every line gets its answer, in order, whatever is wrong with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from actions.catalogue import make_call
from actions.errors import ModelError
from agent.scripted import ScriptedDecider
from agent.types import Decider, Decision, Percept
from device import body as body_module
from device.batch import answers
from device.cli.main import tako
from device.seams import Transcript
from device.speech.scripted import ScriptedTranscriber

DATA = Path(__file__).parent / "data"
SCRIPT = {
    "text mom hi": [make_call("send_text", "mom", "hi")],
    "跟小明说我晚点到": [make_call("send_text", "小明", "我晚点到")],
    "text dad hi and search for cake": [make_call("send_text", "dad", "hi"), make_call("google_search", "cake")],
}
DECIDER = ScriptedDecider(SCRIPT)


def hear(path: Path) -> Transcript:
    return Transcript("" if "silence" in path.name else "text mom hi", "en", 0.9, engine="scripted")


def answer(line: object, root: Path = DATA, decider: Decider = DECIDER) -> dict[str, Any]:
    raw = line if isinstance(line, bytes) else json.dumps(line).encode()
    (only,) = answers([raw], root, decider, hear)
    decoded: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(only))
    return decoded


def test_an_answer_has_all_that_is_promised() -> None:
    got = answer({"id": "a-1", "text": "text mom hi"})
    assert got["ms"].pop("total") >= got["ms"].pop("decide") >= 0
    assert got == {
        "id": "a-1",
        "transcript": "text mom hi",
        "lang": "en",
        "calls": [{"name": "send_text", "args": {"recipient": "mom", "message": "hi"}}],
        "ms": {},
    }


def test_chinese() -> None:
    got = answer({"id": 2, "text": "跟小明说我晚点到"})
    assert (got["lang"], got["calls"][0]["args"]["recipient"]) == ("zh", "小明")


def test_several_calls_in_order() -> None:
    got = answer({"id": 3, "text": "text dad hi and search for cake"})
    assert [call["name"] for call in got["calls"]] == ["send_text", "google_search"]


def test_what_is_none_is_a_call_like_any_other() -> None:
    assert answer({"text": "hm"})["calls"] == [{"name": "none", "args": {"reason": "unclear"}}]


def test_audio_and_picture_by_their_paths_from_the_root() -> None:
    got = answer({"id": 4, "audio": "en_request.wav", "image": "photo.jpg"})
    assert got["transcript"] == "text mom hi"
    assert "error" not in got
    assert {"look", "transcribe", "decide", "total"} <= set(got["ms"])


def test_the_picture_reaches_the_mind() -> None:
    seen: list[Percept] = []

    class Watching:
        def decide(self, percept: Percept) -> Decision:
            seen.append(percept)
            return DECIDER.decide(percept)

    answer({"text": "text mom hi", "image": "photo.jpg"}, decider=Watching())
    assert isinstance(seen[0].image, Image.Image)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"no json", "no request"),
        (b"[1, 2]", "no request"),
        (b'{"text": 3}', "no request"),
        (b'{"text": "\xff\xfe"}', "no request"),
        (b'{"text": "\\ud800"}', "no request"),
        (b'{"id": NaN, "text": "x"}', "no request"),
        (b"[" * 100_000, "no request"),
        ({}, "neither text nor audio"),
        ({"image": "photo.jpg"}, "neither text nor audio"),
        ({"text": ""}, "heard nothing"),
        ({"text": " \n\t "}, "heard nothing"),
        ({"text": "\u200b"}, "no words"),
        ({"text": "word " * 2000}, "too long"),
        ({"text": "text mom hi", "image": "nowhere.jpg"}, "cannot find the file nowhere.jpg"),
        ({"text": "text mom hi", "image": "README.md"}, "cannot read README.md"),
        ({"text": "text mom hi", "image": "a\0b"}, "cannot find"),
        ({"text": "text mom hi", "image": "."}, "cannot find"),
        ({"text": "text mom hi", "image": "x" * 5000}, "cannot find"),
        ({"audio": "nowhere.wav"}, "cannot find the file nowhere.wav"),
        ({"audio": "../../../etc"}, "cannot find"),
    ],
)
def test_a_bad_line_says_what_is_wrong_with_it(line: object, says: str) -> None:
    got = answer(line)
    assert says in got["error"]
    assert got["error"].endswith(".")
    assert got["calls"] == []
    assert got["ms"]["total"] >= 0


def test_the_error_of_a_chinese_request_is_chinese() -> None:
    assert answer({"text": "字" * 6000})["error"] == "这段话太长了，请用几句话说。"
    got = answer({"text": "这是什么", "image": "nowhere.jpg"})
    assert (got["transcript"], got["lang"], got["error"]) == ("这是什么", "zh", "找不到文件 nowhere.jpg。")


def test_silence_means_nothing_and_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "silence.wav").write_bytes(b"x")
    got = answer({"id": 1, "audio": "silence.wav"}, root=tmp_path)
    assert "error" not in got
    assert (got["id"], got["transcript"]) == (1, "")
    assert got["calls"] == [{"name": "none", "args": {"reason": "unclear"}}]


def test_the_id_is_kept_when_the_rest_is_wrong() -> None:
    for id_ in (7, "a", None, 1.5, {"x": [1]}):
        assert answer({"id": id_, "text": 3})["id"] == id_


def test_a_fault_of_the_program_fails_one_line_only(caplog: pytest.LogCaptureFixture) -> None:
    class Faulty:
        def decide(self, percept: Percept) -> Decision:
            if percept.text == "bad":
                raise ZeroDivisionError("deep inside")
            return DECIDER.decide(percept)

    lines = [b'{"text": "bad"}', b'{"text": "text mom hi"}']
    first, second = answers(lines, DATA, Faulty(), hear)
    assert (first.error, second.calls[0].name) == ("Something went wrong inside me.", "send_text")
    assert "deep inside" in caplog.text


def test_answers_come_one_by_one_in_order() -> None:
    """The first answer is there before the second line is even asked for."""
    asked: list[int] = []

    def lines() -> Iterator[bytes]:
        for i in range(3):
            asked.append(i)
            yield json.dumps({"id": i, "text": "text mom hi"}).encode()

    got = answers(lines(), DATA, DECIDER, hear)
    assert next(got).id == 0
    assert asked == [0]
    assert [entry.id for entry in got] == [1, 2]


def test_blank_lines_and_a_byte_order_mark_are_no_requests() -> None:
    lines = [b'\xef\xbb\xbf{"id": 1, "text": "text mom hi"}\r\n', b"\n", b"  \r\n", b'{"id": 2, "text": "text mom hi"}']
    assert [entry.id for entry in answers(lines, DATA, DECIDER, hear)] == [1, 2]


class TestCommand:
    @pytest.fixture
    def home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("TAKO_HOME", str(tmp_path))
        monkeypatch.setenv("LC_ALL", "C.UTF-8")
        calls = [{"name": "send_text", "args": {"recipient": "mom", "message": "hi"}}]
        (tmp_path / "script.jsonl").write_text(json.dumps({"transcript": "text mom hi", "calls": calls}))
        (tmp_path / "tako.toml").write_text('[mind]\nkind = "scripted"\nscript = "script.jsonl"\n')
        (tmp_path / "in.jsonl").write_text('{"id": 1, "text": "text mom hi"}\nnonsense\n{"id": 3, "text": "hm"}\n')
        return tmp_path

    @pytest.fixture
    def run(self, home: Path) -> Callable[..., Result]:
        def call(*args: str | Path, stdin: str = "") -> Result:
            everything = ["--settings", str(home / "tako.toml"), "batch", *map(str, args)]
            return CliRunner().invoke(tako, everything, input=stdin, prog_name="tako", catch_exceptions=False)

        return call

    def test_from_file_to_file(self, run: Callable[..., Result], home: Path) -> None:
        result = run("--in", home / "in.jsonl", "--out", home / "out.jsonl")
        assert result.exit_code == 0
        assert "3 answers, 1 with an error" in result.stderr
        got = [json.loads(line) for line in (home / "out.jsonl").read_text().splitlines()]
        assert [entry["id"] for entry in got] == [1, None, 3]
        assert ["error" in entry for entry in got] == [False, True, False]

    def test_it_never_acts(self, run: Callable[..., Result], home: Path) -> None:
        run("--in", home / "in.jsonl", "--out", home / "out.jsonl")
        assert not (home / "history").exists()

    def test_from_pipe_to_pipe(self, run: Callable[..., Result]) -> None:
        result = run("--in", "-", "--out", "-", stdin='{"id": 1, "text": "text mom hi"}\n')
        assert json.loads(result.stdout)["id"] == 1

    def test_paths_start_at_the_input_or_at_the_root(
        self, run: Callable[..., Result], home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        heard = ScriptedTranscriber(["text mom hi"] * 2)
        monkeypatch.setattr(body_module, "choose_transcriber", lambda *_: (heard, "the test says so"))
        line = {"audio": "en_request.wav"}
        (home / "in.jsonl").write_text(json.dumps(line))
        without = json.loads(run("--in", home / "in.jsonl", "--out", "-").stdout)
        with_root = json.loads(run("--in", home / "in.jsonl", "--out", "-", "--root", DATA).stdout)
        assert "error" in without
        assert with_root["transcript"] == "text mom hi"

    def test_without_a_recogniser_only_sound_fails(self, run: Callable[..., Result], home: Path) -> None:
        lines = [{"id": 1, "audio": "en_request.wav"}, {"id": 2, "text": "text mom hi"}]
        (home / "in.jsonl").write_text("\n".join(map(json.dumps, lines)))
        result = run("--in", home / "in.jsonl", "--out", "-", "--root", DATA)
        first, second = map(json.loads, result.stdout.splitlines())
        assert "no speech recogniser" in first["error"]
        assert second["calls"][0]["name"] == "send_text"

    def test_without_a_mind_there_is_nothing_to_begin(self, run: Callable[..., Result], home: Path) -> None:
        (home / "tako.toml").write_text("")
        result = run("--in", home / "in.jsonl", "--out", home / "out.jsonl")
        assert result.exit_code == ModelError.exit_code
        assert "no language model" in result.stderr
        assert not (home / "out.jsonl").exists()

    def test_what_cannot_be_read_or_written(self, run: Callable[..., Result], home: Path) -> None:
        assert run("--in", home / "nowhere", "--out", home / "out.jsonl").exit_code == 3
        assert run("--in", home / "in.jsonl", "--out", home / "nowhere" / "out.jsonl").exit_code == 4
        before = (home / "in.jsonl").read_text()
        assert run("--in", home / "in.jsonl", "--out", home / "in.jsonl").exit_code == 3
        assert (home / "in.jsonl").read_text() == before

    def test_a_reader_that_leaves_ends_it_quietly(self, home: Path) -> None:
        lines = '{"id": 1, "text": "text mom hi"}\n' * 5000
        (home / "in.jsonl").write_text(lines)
        command = f"{sys.executable} -m device.cli.main --settings {home}/tako.toml batch --in {home}/in.jsonl --out -"
        root = Path(__file__).parent.parent
        done = subprocess.run(
            ["bash", "-c", f"{command} | head -n 1"],
            capture_output=True,
            text=True,
            cwd=root,
            env={**os.environ, "TAKO_HOME": str(home)},
            check=True,
            timeout=60,
        )
        assert json.loads(done.stdout)["id"] == 1
        assert done.stderr == ""
