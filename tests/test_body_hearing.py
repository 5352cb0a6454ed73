"""Which model judges the readings of an utterance, and what happens when there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest

from actions.catalogue import make_call
from actions.errors import ModelError
from agent.types import Decider, Decision, Percept
from device import body
from device.deferred import DeferredDecider
from device.seams import Reading, Transcriber, Transcript
from device.settings import Settings
from device.speech.choose import SpeechSettings

FIRST, BETTER = Reading("get me a pizza with how", -3.0), Reading("get me a pizza with ham", -4.0)


class Whisper:
    name = "said"
    languages: tuple[str, ...] = ("en",)

    def transcribe(self, chunks: Iterable[np.ndarray], on_partial: Callable[[str], None] | None = None) -> Transcript:
        return Transcript(FIRST.text, "en", readings=(FIRST, BETTER))

    def close(self) -> None:
        """Nothing is open."""


class Mind:
    def decide(self, percept: Percept) -> Decision:
        return Decision((make_call("none", "unclear"),), "en", 1.0)


class WellRead(Mind):
    def log_likelihoods(self, texts: Sequence[str]) -> list[float]:
        return [0.0 if text.endswith("ham") else -50.0 for text in texts]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("TAKO_HOME", str(tmp_path))
    monkeypatch.setattr(body, "choose_transcriber", lambda *_: (Whisper(), "chosen by the test"))
    return Settings()


def heard(settings: Settings, decider: Decider) -> str:
    ear: Transcriber = body._transcriber(settings, decider)
    return ear.transcribe(()).text


def test_a_mind_that_knows_the_language_chooses(settings: Settings) -> None:
    assert heard(settings, DeferredDecider(WellRead)) == BETTER.text
    assert heard(settings, WellRead()) == BETTER.text


def test_it_can_be_switched_off(settings: Settings) -> None:
    speech = SpeechSettings(rescoring=False)
    assert heard(msgspec.structs.replace(settings, speech=speech), WellRead()) == FIRST.text


def test_another_mind_leaves_the_recogniser_its_choice(settings: Settings) -> None:
    assert heard(settings, Mind()) == FIRST.text


def test_a_mind_that_is_missing_loses_no_transcript(settings: Settings) -> None:
    """Deciding tells what is wrong, with what was heard."""

    def missing() -> Decider:
        raise ModelError("The model is missing.", "缺少模型。")

    assert heard(settings, DeferredDecider(missing)) == FIRST.text


def test_a_yes_is_heard_without_it(settings: Settings) -> None:
    assert isinstance(body.hearing_answers(body._transcriber(settings, WellRead()), "en"), Whisper)
