"""whisper with its real models: English and Mandarin requests, silence, noise, long sound, damaged files."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from actions.errors import ModelError
from device.seams import SAMPLE_RATE
from device.speech import whisper_engine
from device.speech.microphone import WavMicrophone
from device.speech.prompts import request_prompt
from device.speech.rescoring import distinct
from device.speech.whisper_engine import WhisperSettings, WhisperTranscriber

pytest.importorskip("faster_whisper", reason="faster-whisper is not installed")
pytestmark = pytest.mark.slow

DATA = Path(__file__).parent.parent / "data"
PROMPTS = {lang: request_prompt(lang) for lang in ("en", "zh")}
ENGLISH = "email anna that i found this at the market"
MANDARIN = "跟小明说我晚点到"


@pytest.fixture(scope="module")
def both(model: Callable[[str], Path]) -> Iterator[WhisperTranscriber]:
    transcriber = WhisperTranscriber.load(model("whisper-base"), ("en", "zh"), PROMPTS)
    yield transcriber
    transcriber.close()


@pytest.fixture(scope="module")
def english(model: Callable[[str], Path]) -> Iterator[WhisperTranscriber]:
    transcriber = WhisperTranscriber.load(model("whisper-tiny-en"), ("en",), PROMPTS)
    yield transcriber
    transcriber.close()


def recording(name: str) -> list[np.ndarray]:
    with WavMicrophone(DATA / name).open() as chunks:
        return list(chunks)


def plain(text: str) -> str:
    """Lower case, letters and single spaces only."""
    return " ".join("".join(c if c.isalnum() or c == "'" else " " for c in text.lower()).split())


def right(text: str) -> int:
    """How many of the nine words of the English request are in the text."""
    return len(set(plain(text).split()) & set(ENGLISH.split()))


@pytest.fixture(params=["both", "english"])
def any_model(request: pytest.FixtureRequest) -> WhisperTranscriber:
    transcriber: WhisperTranscriber = request.getfixturevalue(request.param)
    return transcriber


def test_an_english_request_is_understood(any_model: WhisperTranscriber) -> None:
    transcript = any_model.transcribe(recording("en_request.wav"))
    assert right(transcript.text) >= (9 if "zh" in any_model.languages else 6)
    assert (transcript.lang, transcript.engine) == ("en", "whisper")
    assert transcript.confidence > 0.5
    assert transcript.seconds == pytest.approx(3.02, abs=0.01)


def test_a_mandarin_request_is_understood_in_simplified_characters(both: WhisperTranscriber) -> None:
    transcript = both.transcribe(recording("zh_request.wav"))
    assert (plain(transcript.text), transcript.lang) == (MANDARIN, "zh")


@pytest.mark.parametrize("name", ["en_request.wav", "zh_request.wav"])
def test_an_utterance_has_several_readings_its_own_first(both: WhisperTranscriber, name: str) -> None:
    transcript = both.transcribe(recording(name))
    texts = [reading.text for reading in transcript.readings]
    assert texts[0] == transcript.text
    assert 1 < len(distinct(transcript.readings)) <= len(texts) <= WhisperSettings().beam
    assert all(reading.logprob < 0 for reading in transcript.readings)


def test_stutters_and_echoes_of_the_prompt_are_no_readings(
    both: WhisperTranscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = recording("en_request.wav")
    first = both.transcribe(sound).readings[0]
    monkeypatch.setattr(whisper_engine, "_echoes", lambda text, prompt: text != first.text)
    assert both.transcribe(sound).readings == (first,)


def test_traditional_characters_are_turned(both: WhisperTranscriber, monkeypatch: pytest.MonkeyPatch) -> None:
    traditional = WhisperTranscriber(both._model, ("zh",), {"zh": "給小明發短信，說我晚點到。"})
    assert plain(traditional.transcribe(recording("zh_request.wav")).text) == MANDARIN
    monkeypatch.setattr(whisper_engine, "simplified", lambda text: text)
    assert "說" in traditional.transcribe(recording("zh_request.wav")).text


def test_nobody_speaks_and_nothing_is_invented(any_model: WhisperTranscriber, noise: list[np.ndarray]) -> None:
    transcript = any_model.transcribe(noise)
    assert (transcript.text, transcript.confidence) == ("", 0.0)


class Gullible:
    """A detector that takes everything for speech, so that what comes after it must hold."""

    def reset(self) -> None:
        """It keeps nothing."""

    def feed(self, chunk: np.ndarray) -> list[float]:
        return [1.0] * (len(chunk) // 512)


def test_noise_that_passed_for_speech_is_not_believed_either(
    any_model: WhisperTranscriber, noise: list[np.ndarray]
) -> None:
    tricked = WhisperTranscriber(any_model._model, any_model.languages, PROMPTS, detector=Gullible())
    assert tricked.transcribe(noise).text == ""
    assert right(tricked.transcribe(recording("en_request.wav")).text) >= 6


def test_a_request_in_noise_is_still_understood(any_model: WhisperTranscriber) -> None:
    clean = np.concatenate(recording("en_request.wav")).astype(float)
    hiss = np.random.default_rng(3).standard_normal(len(clean)) * np.sqrt((clean**2).mean()) * 10 ** (-15 / 20)
    transcript = any_model.transcribe([np.clip(clean + hiss, -32_768, 32_767).astype(np.int16)])
    assert right(transcript.text) >= 5


def test_the_window_may_be_as_long_as_whispers_own_or_shorter(both: WhisperTranscriber) -> None:
    for window in (10.0, 30.0):
        transcriber = WhisperTranscriber(both._model, ("en", "zh"), PROMPTS, WhisperSettings(window_seconds=window))
        assert plain(transcriber.transcribe(recording("en_request.wav")).text) == ENGLISH


def test_more_than_whisper_takes_at_a_time_is_heard_to_its_end(both: WhisperTranscriber) -> None:
    sound, quiet = recording("en_request.wav"), [np.zeros(25 * SAMPLE_RATE, np.int16)]
    transcript = both.transcribe([*sound, *quiet, *sound, *quiet, *sound])
    assert transcript.seconds > 55
    assert plain(transcript.text).count("email anna that i found") == 3


def test_a_stutter_is_tried_again_and_ends(both: WhisperTranscriber) -> None:
    transcript = both.transcribe(recording("en_request.wav") * 8)
    assert right(transcript.text) >= 6
    assert len(transcript.text) < 8 * 60


def test_expected_phrases_change_neither_the_language_nor_the_open_recogniser(both: WhisperTranscriber) -> None:
    narrow = both.with_grammar({"en": ["yes", "no", "cancel"], "zh": ["是", "不"], "ko": ["네"]})
    assert narrow.languages == ("en", "zh")
    assert plain(narrow.transcribe(recording("en_request.wav")).text) == ENGLISH
    narrow.close()
    assert plain(both.transcribe(recording("en_request.wav")).text) == ENGLISH
    with pytest.raises(ValueError, match="no phrases"):
        both.with_grammar({"ko": ["네"]})


def test_a_spoken_yes_is_a_yes(any_model: WhisperTranscriber, say: Callable[[str], list[np.ndarray]]) -> None:
    narrow = any_model.with_grammar({"en": ["Yes.", "No."]})
    assert plain(narrow.transcribe(say("yes please")).text).startswith("yes")


def test_contacts_in_the_prompt_are_spelled_as_they_are_written(
    both: WhisperTranscriber, say: Callable[[str], list[np.ndarray]]
) -> None:
    prompts = {"en": request_prompt("en", ["Siobhan"])}
    knowing = WhisperTranscriber(both._model, ("en",), prompts)
    assert "Siobhan" in knowing.transcribe(say("send a text message to Shivawn that I am late")).text


def test_a_model_for_english_refuses_mandarin(model: Callable[[str], Path]) -> None:
    with pytest.raises(ModelError, match="does not know the language zh"):
        WhisperTranscriber.load(model("whisper-tiny-en"), ("en", "zh"))


@pytest.mark.parametrize("file", ["model.bin", "config.json", "tokenizer.json"])
@pytest.mark.parametrize("harm", ["missing", "cut"])
def test_a_damaged_model_is_refused_with_a_sentence(
    model: Callable[[str], Path], tmp_path: Path, file: str, harm: str
) -> None:
    damaged = tmp_path / "whisper-tiny-en"
    shutil.copytree(model("whisper-tiny-en"), damaged, copy_function=lambda a, b: Path(b).symlink_to(a))
    whole = (damaged / file).read_bytes()
    (damaged / file).unlink()
    if harm == "cut":
        (damaged / file).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="damaged" if harm == "cut" else f"{file} is missing"):
        WhisperTranscriber.load(damaged, ("en",))


def test_a_closed_recogniser_says_so(model: Callable[[str], Path]) -> None:
    transcriber = WhisperTranscriber.load(model("whisper-tiny-en"), ("en",))
    transcriber.close()
    with pytest.raises(ModelError, match="closed"):
        transcriber.transcribe(recording("en_request.wav"))
