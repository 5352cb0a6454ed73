"""`tako look` and what it judges a picture by; and `tako bench` on parts that are made up."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image, ImageFilter

from actions.errors import ModelError
from agent.picture import load_picture
from agent.types import Percept
from device import board, choose, measure
from device.board import Board, Throttling
from device.cli.main import tako
from device.exposure import advice
from device.exposure import measure as expose
from device.models.places import folder
from device.models.places import home as store
from device.seams import Transcript
from device.speech import choose as chooser

ROOT = Path(__file__).parent.parent
PHOTO = ROOT / "tests" / "data" / "photo.jpg"
SCRIPT = '[mind]\nkind = "scripted"\nscript = "s.jsonl"\n[camera]\nkind = "folder"\nfolder = "pictures"\n'


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TAKO_HOME", str(tmp_path))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tako.toml").write_text(SCRIPT)
    (tmp_path / "s.jsonl").write_text('{"transcript": "a", "calls": []}\n')
    (tmp_path / "pictures").mkdir()
    load_picture(PHOTO).save(tmp_path / "pictures" / "one.jpg")
    return tmp_path


def run(*args: str) -> Result:
    return CliRunner().invoke(tako, ["--settings", "tako.toml", *args], catch_exceptions=False)


def _grey(value: int) -> Image.Image:
    noise = np.random.default_rng(0).normal(0, 8, (300, 400, 3))
    return Image.fromarray(np.clip(noise + value, 0, 255).astype(np.uint8))


class TestExposure:
    def test_a_good_photo(self) -> None:
        photo = load_picture(PHOTO)
        found = expose(photo)
        assert (found.width, found.height) == photo.size
        assert advice(found) == []

    @pytest.mark.parametrize(
        ("change", "word"),
        [
            (lambda photo: photo.filter(ImageFilter.GaussianBlur(photo.width / 100)), "blurred"),
            (lambda photo: photo.point(lambda value: value // 8), "too dark"),
            (lambda photo: photo.point(lambda value: min(value * 4 + 60, 255)), "too bright"),
            (lambda photo: Image.new("RGB", photo.size, (90, 90, 90)), "one colour"),
            (lambda photo: Image.new("RGB", (1, 1)), "one colour"),
        ],
    )
    def test_what_is_wrong_is_told(self, change: Callable[[Image.Image], Image.Image], word: str) -> None:
        found = expose(change(load_picture(PHOTO)))
        (sentence,) = advice(found)
        assert word in sentence
        assert len(advice(found, "zh")) == 1
        assert not advice(found, "zh")[0].isascii()

    def test_numbers(self) -> None:
        found = expose(_grey(255))
        assert found.white > 0.5
        assert found.black == 0
        assert expose(_grey(0)).black > 0.5


class TestLook:
    def test_the_camera_s_picture_is_kept(self, home: Path) -> None:
        result = run("look")
        (kept,) = home.glob("look-*.jpg")
        assert result.exit_code == 0
        assert kept.name in result.stdout
        with Image.open(kept) as picture:
            assert picture.size == load_picture(PHOTO).size
        assert "good" in result.stdout
        assert "sees" not in result.stdout  # a script has no eyes

    def test_a_picture_that_is_given_is_not_copied(self, home: Path) -> None:
        told = json.loads(run("look", "--image", str(PHOTO), "--json").stdout)
        assert not list(home.glob("*.jpg"))
        assert (told["file"], told["seen"], told["advice"]) == (str(PHOTO), None, [])

    def test_a_model_that_is_missing_is_told_after_the_rest(self, home: Path) -> None:
        (home / "tako.toml").write_text(SCRIPT.replace('kind = "scripted"\nscript = "s.jsonl"', ""))
        result = run("look", "--out", "here.jpg")
        assert (result.exit_code, "sharpness" in result.stdout) == (5, True)
        assert "tako models" in result.stderr
        assert (home / "here.jpg").exists()
        assert run("look", "--no-model").exit_code == 0

    def test_no_camera(self, home: Path) -> None:
        (home / "tako.toml").write_text('[camera]\nkind = "none"\n')
        result = run("look")
        assert (result.exit_code, "camera.kind is none" in result.stderr) == (4, True)

    def test_a_place_that_cannot_be_written(self, home: Path) -> None:
        result = run("look", "--out", "no/such.jpg")
        assert (result.exit_code, "cannot write" in result.stderr) == (4, True)


@pytest.mark.slow
class TestWithTheModels:
    """What `tako look` and `tako listen` say with the true models."""

    def test_what_the_model_sees(self) -> None:
        if not (folder("text") / "manifest.json").is_file():
            pytest.skip("the text model is not built: tako models build")
        result = CliRunner().invoke(tako, ["look", "--image", str(PHOTO), "--json"], catch_exceptions=False)
        if result.exit_code == 5:
            pytest.skip(f"the text model cannot be used: {result.stderr.strip()}")
        seen = json.loads(result.stdout)["seen"]
        sure = [probability for _, probability in seen["names"]]
        assert len(sure) == 5
        assert sure == sorted(sure, reverse=True)
        assert sure[0] > 0.3
        assert seen["says"].strip()

    def test_what_the_recogniser_hears(self) -> None:
        try:
            chooser.plan(chooser.SpeechSettings(), store() / "models")
        except ModelError as error:
            pytest.skip(error.en)
        wav = ROOT / "tests" / "data" / "en_request.wav"
        result = CliRunner().invoke(tako, ["listen", "--wav", str(wav), "--json"], catch_exceptions=False)
        assert "market" in json.loads(result.stdout)["transcript"]["text"]


class Mind:
    """Decides and sees at once, and counts how often."""

    def __init__(self) -> None:
        self.decided: list[str] = []
        self.looked: list[int] = []

    def decide(self, percept: Percept) -> None:
        self.decided.append(percept.text)

    def look(self, image: Image.Image) -> object:
        self.looked.append(id(image))
        return "seen"

    def describe(self, image: Image.Image, question: str) -> str:
        return "a thing"


class Ear:
    name = "fake"

    def transcribe(self, chunks: object) -> Transcript:
        return Transcript("email anna", "en", ms=1.0)

    def close(self) -> None:
        """Nothing to close."""


class TestBench:
    @pytest.fixture
    def mind(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> Mind:
        mind = Mind()
        plan = chooser.Choice("whisper", {"en": home / "whisper-base"}, "because")
        monkeypatch.setattr(choose, "choose_decider", lambda settings: mind)
        monkeypatch.setattr(chooser, "plan", lambda *args: plan)
        monkeypatch.setattr(chooser, "choose", lambda *args: (Ear(), "because"))
        monkeypatch.setitem(measure.STAGES, "speak", lambda parts: measure._figure("speak", "said", 0.1, [0.022]))
        monkeypatch.setattr("device.voice.choose.choose_voice", _voice)
        return mind

    def test_every_stage_has_its_figures(self, home: Path, mind: Mind) -> None:
        told = json.loads(run("bench", "--runs", "3", "--json").stdout)
        figures = {figure["name"]: figure for figure in told["figures"]}
        assert list(figures) == ["speak", "hear", "decide", "see"]
        assert len(mind.decided) == 1 + 3 * len(measure.REQUESTS)
        assert len(mind.looked) == 1 + 3
        assert figures["hear"]["note"] == "email anna"
        assert figures["hear"]["median"] == pytest.approx(0.001)
        assert told["ratios"]["speak"] == pytest.approx(2.0)
        assert told["ratios"]["hear"] == pytest.approx(0.001 / 0.26)
        assert told["peak"] >= figures["see"]["resident"] * 0.5 > 0

    def test_a_table_and_what_it_depends_on(self, home: Path, mind: Mind, monkeypatch: pytest.MonkeyPatch) -> None:
        looks = iter([(50.0, 3.9), (81.0, 4.0)])

        def look() -> Board:
            degrees, load = next(looks)
            return Board("Raspberry Pi 4", 4, load, 1, 1, 1.0, degrees, Throttling(0x4))

        monkeypatch.setattr(board, "look", look)
        out = run("bench", "--runs", "1").stdout
        assert re.search(r"speak +said +0\.10 s +22 ms +22 ms +2\.0 +\d+ MB", out)
        assert "50 °C before, 81 °C after." in out
        assert "not at its full speed: the processor is slowed down" in out
        assert "busy before (load 3.9)" in out

    def test_what_cannot_be_measured_is_told(self, home: Path, mind: Mind, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*args: object) -> None:
            raise ModelError("No model.")

        monkeypatch.setattr(choose, "choose_decider", refuse)
        result = run("bench", "--runs", "1")
        assert result.exit_code == 5
        assert result.stdout.count("No model.") == 2  # deciding and seeing
        assert "email anna" in result.stdout

    def test_a_mind_without_eyes(self, home: Path, mind: Mind, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(mind, "look", lambda image: None)
        assert "no eyes" in run("bench", "--runs", "1").stdout

    def test_the_reference_is_what_the_project_measured(self) -> None:
        turn = (ROOT / "bench" / "results" / "x86-2-cores.md").read_text("utf-8")
        tower = (ROOT / "bench" / "results" / "tower-x86-2-cores.md").read_text("utf-8")

        def median(stage: str, what: str) -> float:
            cells = next(line for line in turn.splitlines() if line.startswith(f"| {stage} | {what}")).split("|")
            return float(cells[5])

        seeing = re.search(r"^\| all of looking[^|]*\| ([\d.]+)", tower, re.MULTILINE)
        assert seeing
        pages = {
            "speak": median("speak", "English"),
            "hear with whisper-base": median("transcribe", "whisper-base, en, 1 thread"),
            "hear with whisper-tiny-en": median("transcribe", "whisper-tiny-en, en, 1 thread"),
            "decide": median("decide", "1 thread |"),
            "see": float(seeing[1]) / 1000,
        }
        assert pytest.approx(pages) == measure.REFERENCE

    def test_an_error_has_no_ratio(self) -> None:
        figure = measure._figure("see", "", 0.0, [2 * measure.REFERENCE["see"]])
        assert measure.ratio(figure) == pytest.approx(2.0)
        assert measure.ratio(replace(figure, error="no")) is None
        assert measure.ratio(replace(figure, name="smell")) is None


def _voice(settings: object, out: Path) -> object:
    """A voice that has recorded its sentence already."""

    class Voice:
        def say(self, text: str, lang: str) -> None:
            out.write_bytes((ROOT / "tests" / "data" / "en_request.wav").read_bytes())

        def wait(self, timeout: float) -> bool:
            return True

        def close(self) -> None:
            """Nothing to close."""

    return type("Choice", (), {"voice": Voice()})
