"""Which recogniser is taken, and that the reason is told."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actions.errors import ModelError
from device.speech import choose as choosing
from device.speech.choose import SpeechSettings, choose, plan
from device.speech.prompts import request_prompt

VOSK_EN, VOSK_ZH = "vosk-small-en-us-0.15", "vosk-small-cn-0.22"


@pytest.fixture(autouse=True)
def _every_package_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "find_spec", lambda name: object())


def put(home: Path, *names: str) -> Path:
    for name in names:
        (home / name).mkdir()
        if name.startswith("whisper"):
            for file in ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt"):
                (home / name / file).touch()
    return home


@pytest.mark.parametrize(
    ("there", "settings", "engine", "languages", "words"),
    [
        ([VOSK_EN, VOSK_ZH, "whisper-base"], {}, "vosk", "en zh", "it answers first"),
        ([VOSK_EN, VOSK_ZH], {}, "vosk", "en zh", "whisper has no model"),
        (["whisper-base", "whisper-tiny-en"], {}, "whisper", "en zh", "(whisper-base), because vosk has no model"),
        ([VOSK_EN, "whisper-base"], {}, "whisper", "en zh", "vosk lacks the model of a language"),
        ([VOSK_EN, "whisper-tiny-en"], {}, "vosk", "en", "Chinese will not be understood"),
        (["whisper-tiny-en"], {}, "whisper", "en", "Chinese will not be understood"),
        (["whisper-tiny-en"], {"languages": ("en",)}, "whisper", "en", "whisper-tiny-en"),
        ([VOSK_EN, "whisper-base"], {"languages": ("en",)}, "vosk", "en", VOSK_EN),
        ([VOSK_EN, VOSK_ZH, "whisper-base"], {"engine": "whisper"}, "whisper", "en zh", "the settings ask for it"),
        (["mine"], {"vosk_models": {"zh": "mine"}, "languages": ("zh",)}, "vosk", "zh", "(mine)"),
    ],
)
def test_the_first_engine_that_understands_most_is_taken_and_says_why(
    tmp_path: Path, there: list[str], settings: dict[str, Any], engine: str, languages: str, words: str
) -> None:
    choice = plan(SpeechSettings(**settings), put(tmp_path, *there))
    assert (choice.engine, " ".join(choice.languages)) == (engine, languages)
    assert words in choice.reason
    assert engine in choice.reason


@pytest.mark.parametrize("settings", [{}, {"engine": "vosk"}, {"engine": "whisper"}])
def test_without_a_model_the_sentence_says_what_to_do(tmp_path: Path, settings: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="tako models fetch") as caught:
        choose(SpeechSettings(**settings), tmp_path)
    assert "tako models fetch" in caught.value.spoken("zh")
    assert ("whisper" in caught.value.en) == (settings.get("engine") != "vosk")


def test_a_whisper_model_without_its_tokenizer_is_not_there(tmp_path: Path) -> None:
    (put(tmp_path, "whisper-base") / "whisper-base" / "tokenizer.json").unlink()
    with pytest.raises(ModelError):
        plan(SpeechSettings(), tmp_path)


def test_an_engine_whose_package_is_missing_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "find_spec", lambda name: None if name == "vosk" else object())
    choice = plan(SpeechSettings(), put(tmp_path, VOSK_EN, VOSK_ZH, "whisper-base"))
    assert choice.engine == "whisper"
    assert "vosk's package is not installed" in choice.reason


@pytest.mark.skipif(find_spec("vosk") is None, reason="vosk is not installed")
def test_a_damaged_model_is_an_error_and_not_a_reason_for_another_engine(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="damaged"):
        choose(SpeechSettings(), put(tmp_path, VOSK_EN, VOSK_ZH, "whisper-base"))


@pytest.mark.skipif(find_spec("faster_whisper") is None, reason="faster-whisper is not installed")
@pytest.mark.slow
def test_a_damaged_whisper_model_is_an_error_too(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="damaged"):
        choose(SpeechSettings(), put(tmp_path, "whisper-base"))


def test_the_settings_come_from_toml_and_mistakes_are_named() -> None:
    text = b'engine = "whisper"\nlanguages = ["en"]\n[whisper]\nbeam = 1\n'
    settings = msgspec.toml.decode(text, type=SpeechSettings)
    assert (settings.engine, settings.languages, settings.whisper.beam) == ("whisper", ("en",), 1)
    for mistake, name in (
        (b'engine = "siri"', "engine"),
        (b'languages = ["fr"]', "languages"),
        (b"beam = 5", "beam"),
        (b"languages = []", "languages"),
        (b"[whisper]\nbeam = 0", "beam"),
        (b"[whisper]\nwindow_seconds = 45", "window_seconds"),
    ):
        with pytest.raises(msgspec.ValidationError, match=name):
            msgspec.toml.decode(mistake, type=SpeechSettings)


def test_the_prompt_names_services_and_contacts_but_not_all_of_a_long_list() -> None:
    assert "Instacart" in request_prompt("en", ())
    assert request_prompt("en", ["Anna", "Bjorn"]).startswith("Anna, Bjorn. ")
    assert request_prompt("zh", ["小明"]).startswith("小明。")
    assert "N19," not in request_prompt("en", [f"N{n}" for n in range(50)])
    assert "N20" not in request_prompt("en", [f"N{n}" for n in range(50)])
