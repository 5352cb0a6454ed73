"""What every `Transcriber` does. The real ones run where their packages and models are."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from device.models.places import folder
from device.seams import CHUNK, SAMPLE_RATE, Transcriber, Transcript
from device.speech.microphone import WavMicrophone
from device.speech.prompts import request_prompt
from device.speech.scripted import ScriptedTranscriber
from device.speech.vosk_engine import VoskTranscriber
from device.speech.whisper_engine import WhisperTranscriber

RECORDING = Path(__file__).parent.parent / "data" / "en_request.wav"
PROMPTS = {lang: request_prompt(lang) for lang in ("en", "zh")}


def _there(package: str, model: str) -> Path:
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    if not folder(model).is_dir():
        pytest.skip(f"the model {model} is not there: tako models fetch")
    return folder(model)


def _vosk(**models: str) -> Transcriber:
    return VoskTranscriber.load({lang: _there("vosk", model) for lang, model in models.items()})


def _whisper(model: str, *languages: str) -> Transcriber:
    return WhisperTranscriber.load(_there("faster_whisper", model), languages, PROMPTS)


TRANSCRIBERS: dict[str, Callable[[], Transcriber]] = {
    "scripted": lambda: ScriptedTranscriber(["", "text mom", "给小明发短信"]),
    "vosk, Korean": lambda: _vosk(ko="vosk-ko-0.1.0"),
    "vosk": lambda: _vosk(en="vosk-small-en-us-0.15", zh="vosk-small-cn-0.22"),
    "whisper tiny.en": lambda: _whisper("whisper-tiny-en", "en"),
    "whisper base": lambda: _whisper("whisper-base", "en", "zh"),
}


@pytest.fixture(
    scope="module",
    params=[pytest.param(kind, marks=() if kind == "scripted" else pytest.mark.slow) for kind in TRANSCRIBERS],
)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def transcriber(kind: str, loaded: dict[str, Transcriber]) -> Transcriber:
    if kind == "scripted":  # its answers are used up
        return TRANSCRIBERS[kind]()
    if kind not in loaded:
        loaded[kind] = TRANSCRIBERS[kind]()
    return loaded[kind]


@pytest.fixture(scope="module")
def loaded() -> Iterator[dict[str, Transcriber]]:
    transcribers: dict[str, Transcriber] = {}
    yield transcribers
    for transcriber in transcribers.values():
        transcriber.close()
        transcriber.close()


def recording() -> list[np.ndarray]:
    with WavMicrophone(RECORDING).open() as chunks:
        return list(chunks)


def sound(transcript: Transcript, seconds: float, transcriber: Transcriber) -> None:
    """Whether everything about it makes sense."""
    assert isinstance(transcript, Transcript)
    assert transcript.seconds == pytest.approx(seconds)
    assert transcript.lang in transcriber.languages
    assert transcript.engine == transcriber.name
    assert transcript.ms >= 0
    assert 0 <= transcript.confidence <= 1
    assert transcript.text == transcript.text.strip()
    assert all(0 <= w.start <= w.end <= seconds + 0.1 and 0 <= w.confidence <= 1 for w in transcript.words)


def test_silence_is_an_empty_transcript(transcriber: Transcriber) -> None:
    assert isinstance(transcriber, Transcriber)
    transcript = transcriber.transcribe([np.zeros(CHUNK, np.int16)] * 20)
    sound(transcript, 2.0, transcriber)
    assert transcript.text == ""
    assert transcript.words == ()


def test_no_sound_at_all_is_an_empty_transcript(transcriber: Transcriber) -> None:
    transcript = transcriber.transcribe([])
    sound(transcript, 0.0, transcriber)
    assert transcript.text == ""


def test_a_chunk_shorter_than_any_other_is_no_trouble(transcriber: Transcriber) -> None:
    sound(transcriber.transcribe([np.ones(7, np.int16)]), 7 / SAMPLE_RATE, transcriber)


def test_speech_is_heard_every_time_and_partials_are_optional(transcriber: Transcriber, kind: str) -> None:
    if kind == "scripted":
        transcriber.transcribe([])  # its first answer is silence
    chunks, partials = recording(), list[str]()
    for _ in range(2):
        transcript = transcriber.transcribe(iter(chunks), partials.append)
        sound(transcript, sum(map(len, chunks)) / SAMPLE_RATE, transcriber)
        assert transcript.text
    assert all(isinstance(text, str) for text in partials)


def test_a_microphone_that_fails_is_not_hidden_and_spoils_nothing(transcriber: Transcriber) -> None:
    def broken() -> Iterator[np.ndarray]:
        yield from recording()[:5]
        raise OSError("unplugged")

    with pytest.raises(OSError, match="unplugged"):
        transcriber.transcribe(broken())
    assert transcriber.transcribe([np.zeros(CHUNK, np.int16)] * 10).text == ""
