"""Words become a text, transcripts are weighed, and long sound is cut: what needs no model."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from device.seams import SAMPLE_RATE, Transcript, Word
from device.speech.scripted import ScriptedTranscriber
from device.speech.text import join_words, simplified
from device.speech.vad import Span
from device.speech.vosk_engine import most_confident
from device.speech.whisper_engine import _Heard, _is_believed, pieces

PROMPT = "Text Mom I'll be late. Buy it on Amazon."


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["text", "mom", "i'm", "late"], "text mom i'm late"),
        (["给", "小明", "发", "短信"], "给小明发短信"),
        (["发", "email", "给", "tom", "smith", "吧"], "发email给tom smith吧"),
        (["아니", "에", "요"], "아니 에 요"),
        ([], ""),
        (["", "a", "", "b"], "a b"),
    ],
)
def test_words_are_joined_as_their_script_wants(words: list[str], text: str) -> None:
    assert join_words(words) == text


@pytest.mark.skipif(find_spec("opencc") is None, reason="opencc is not installed")
def test_traditional_characters_become_simplified_and_others_stay() -> None:
    assert (
        simplified("給小明發短信說我晚點到，email Tom 著名的乾淨頭髮")
        == "给小明发短信说我晚点到，email Tom 著名的干净头发"
    )


def transcript(lang: str, *words: tuple[float, float]) -> Transcript:
    """Of words with so many seconds and such a confidence."""
    return Transcript(lang, lang, words=tuple(Word(lang, 0.0, seconds, sure) for seconds, sure in words))


def test_the_more_confident_transcript_wins_and_one_sure_syllable_does_not() -> None:
    english, chinese = transcript("en", (0.4, 0.9), (0.5, 0.8)), transcript("zh", (0.4, 0.5), (0.5, 0.4))
    assert most_confident([english, chinese]).lang == "en"
    assert most_confident([chinese, english]).lang == "en"
    assert most_confident([transcript("en", (0.2, 1.0)), transcript("zh", (0.8, 0.8), (0.9, 0.7))]).lang == "zh"
    assert most_confident([transcript("en"), transcript("zh")]).lang == "en"


@pytest.mark.parametrize(
    ("text", "logprob", "no_speech", "believed"),
    [
        ("Text Anna I am here.", -0.3, 0.01, True),
        ("So kitchenized to green.", -0.8, 0.02, True),
        ("Buy it on Amazon.", -0.1, 0.01, True),
        ("Buy it on Amazon.", -0.9, 0.01, False),  # the prompt, and not surely
        ("Buy it on Amazon, buy it on Amazon.", -0.9, 0.01, False),
        ("Thanks for watching!", -0.7, 0.7, False),
        ("Thanks for watching!", -1.2, 0.1, False),
        ("Run. " * 30, -0.1, 0.0, False),
    ],
)
def test_an_invented_sentence_is_not_believed(text: str, logprob: float, no_speech: float, believed: bool) -> None:
    assert _is_believed(_Heard("en", text, logprob, no_speech, 9), PROMPT) is believed


def at(start: float, end: float) -> Span:
    return Span(round(start * SAMPLE_RATE), round(end * SAMPLE_RATE))


def test_sound_is_cut_in_its_pauses_to_what_whisper_takes() -> None:
    total = 90 * SAMPLE_RATE
    assert pieces([], total) == []
    assert pieces([at(1, 2), at(5, 6)], total) == [at(0.7, 6.3)]
    assert pieces([at(0.1, 2)], 2 * SAMPLE_RATE) == [at(0, 2)]
    assert pieces([at(1, 20), at(22, 40), at(41, 45)], total) == [at(0.7, 20.3), at(21.7, 45.3)]
    monologue = pieces([at(1, 61)], total)
    assert [round(piece.seconds, 1) for piece in monologue] == [26.6, 26.6, 8.6]
    assert all(piece.seconds < 30 for piece in monologue)


def test_the_script_is_heard_in_turn_and_then_nothing() -> None:
    transcriber = ScriptedTranscriber(["text mom", "给小明发短信"])
    assert [(t.text, t.lang) for t in (transcriber.transcribe([]) for _ in range(3))] == [
        ("text mom", "en"),
        ("给小明发短信", "zh"),
        ("", "en"),
    ]
