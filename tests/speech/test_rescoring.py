"""Of the readings of an utterance the one that is likely to be meant is taken, and no other is made up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pytest

from device.seams import Reading, Transcriber, Transcript
from device.speech.rescoring import RescoringTranscriber, distinct, spoken

HEARD = (
    Reading("我的笑圆卡丢了。", -4.0),
    Reading("我的笑圆卡丢了", -4.5),
    Reading("我的校园卡丢了。", -5.0),
    Reading("喔的小远卡丢了。", -13.0),
)


class Said:
    name = "said"
    languages: tuple[str, ...] = ("zh",)

    def __init__(self, readings: Sequence[Reading]) -> None:
        self.readings, self.closed = tuple(readings), False

    def transcribe(self, chunks: Iterable[np.ndarray], on_partial: Callable[[str], None] | None = None) -> Transcript:
        return Transcript(self.readings[0].text if self.readings else "嗯", "zh", 0.7, ms=30.0, readings=self.readings)

    def close(self) -> None:
        self.closed = True


def test_the_likeliest_to_be_said_wins() -> None:
    asked: list[str] = []

    def likelihoods(texts: Sequence[str]) -> list[float]:
        asked.extend(texts)
        return [-20.0 if "校园" in text else -40.0 for text in texts]

    ear = RescoringTranscriber(Said(HEARD), likelihoods)
    assert isinstance(ear, Transcriber)
    transcript = ear.transcribe(())
    assert transcript.text == "我的校园卡丢了。"
    assert (transcript.lang, transcript.confidence, transcript.readings) == ("zh", 0.7, HEARD)
    assert transcript.ms > 30.0
    # what differs in punctuation alone, or is far behind, is not asked about
    assert asked == ["我的笑圆卡丢了", "我的校园卡丢了"]


@pytest.mark.parametrize(
    ("weight", "text"), [(0.0, "我的笑圆卡丢了。"), (0.01, "我的笑圆卡丢了。"), (0.1, "我的校园卡丢了。")]
)
def test_both_opinions_count(weight: float, text: str) -> None:
    ear = RescoringTranscriber(Said(HEARD), lambda texts: [-20.0 * ("笑圆" in t) for t in texts], {"zh": weight})
    assert ear.transcribe(()).text == text


def test_texts_that_the_model_cannot_read_lose() -> None:
    ear = RescoringTranscriber(Said(HEARD), lambda texts: [-np.inf if "笑圆" in t else -50.0 for t in texts])
    assert ear.transcribe(()).text == "我的校园卡丢了。"


@pytest.mark.parametrize("readings", [(), HEARD[:1], HEARD[:2]])
def test_a_single_reading_stays_as_it_is(readings: Sequence[Reading]) -> None:
    def nobody(texts: Sequence[str]) -> list[float]:
        raise AssertionError("there is nothing to choose")

    inner = Said(readings)
    ear = RescoringTranscriber(inner, nobody)
    assert ear.transcribe(()) == inner.transcribe(())
    ear.close()
    assert inner.closed


def test_where_no_model_knows_the_recogniser_s_choice_stays() -> None:
    inner = Said(HEARD)
    assert RescoringTranscriber(inner, lambda texts: None).transcribe(()) == inner.transcribe(())


def test_a_language_without_a_weight_is_left_alone() -> None:
    inner = Said(HEARD)
    assert RescoringTranscriber(inner, lambda texts: [0.0] * len(texts), {"en": 0.2}).transcribe(
        ()
    ) == inner.transcribe(())


@pytest.mark.parametrize(
    ("text", "sound"),
    [
        ("Text Anna, I'm at 7.30!", "text anna i'm at 7.30"),
        ("买牛奶、 鸡蛋。", "买牛奶鸡蛋"),
        ("发 email 给Tom？", "发 email 给tom"),
        ("...", ""),
    ],
)
def test_what_is_judged_has_neither_case_nor_punctuation(text: str, sound: str) -> None:
    assert spoken(text) == sound


def test_readings_without_words_are_none() -> None:
    assert distinct((Reading("Milk.", -1.0), Reading("...", -1.5), Reading("milk", -2.0), Reading("silk", -3.0))) == [
        Reading("Milk.", -1.0),
        Reading("silk", -3.0),
    ]
    assert distinct(()) == []
