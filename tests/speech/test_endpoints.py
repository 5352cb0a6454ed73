"""Where an utterance ends: by release, by silence, by patience, by the limit; and that noise is no speech."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pytest

from device.seams import CHUNK, SAMPLE_RATE
from device.speech.endpoint import End, Endpointer, EndpointSettings, Utterance
from device.speech.vad import Span, speech_spans

Tone = Callable[[float], np.ndarray]
NAP = np.zeros(SAMPLE_RATE, np.int16)  # a second of silence


def chunks(*sounds: np.ndarray) -> list[np.ndarray]:
    sound = np.concatenate(sounds)
    return [sound[at : at + CHUNK] for at in range(0, len(sound), CHUNK)]


def tapped() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


def released_after(seconds: float, sound: Iterable[np.ndarray], event: threading.Event) -> Iterator[np.ndarray]:
    samples = 0
    for chunk in sound:
        if samples >= seconds * SAMPLE_RATE:
            event.set()
        yield chunk
        samples += len(chunk)


def run(utterance: Utterance) -> np.ndarray:
    return np.concatenate(list(utterance))


def test_after_a_tap_silence_ends_it_and_a_pause_for_breath_does_not(tone: Tone, loudness: Any) -> None:
    sound = chunks(NAP, tone(1.0), NAP[:12_000], tone(1.0), NAP, NAP, tone(1.0))
    utterance = Endpointer(EndpointSettings(silence_seconds=1.0), loudness).listen(sound, tapped())
    run(utterance)
    assert utterance.end is End.SILENCE
    assert utterance.heard
    assert utterance.seconds == pytest.approx(1 + 1 + 0.75 + 1 + 1, abs=0.11)


def test_after_a_tap_it_waits_for_speech_and_then_gives_up(loudness: Any) -> None:
    utterance = Endpointer(EndpointSettings(patience_seconds=3.0), loudness).listen(chunks(*[NAP] * 9), tapped())
    run(utterance)
    assert (utterance.end, utterance.heard, utterance.seconds) == (End.NOTHING, False, 3.0)


def test_while_the_button_is_held_silence_ends_nothing(tone: Tone, loudness: Any) -> None:
    event = threading.Event()
    sound = released_after(6.0, chunks(tone(1.0), NAP, NAP, NAP, tone(1.0), NAP, NAP, NAP), event)
    utterance = Endpointer(EndpointSettings(tail_seconds=0.2), loudness).listen(sound, event)
    run(utterance)
    assert (utterance.end, utterance.heard) == (End.RELEASED, True)
    assert utterance.seconds == pytest.approx(6.2, abs=0.11)


def test_a_button_released_soon_was_tapped_even_when_the_sound_had_begun(tone: Tone, loudness: Any) -> None:
    event = threading.Event()
    sound = released_after(0.3, chunks(NAP, tone(1.0), NAP, NAP), event)
    utterance = Endpointer(EndpointSettings(hold_seconds=0.5), loudness).listen(sound, event)
    run(utterance)
    assert (utterance.end, utterance.heard) == (End.SILENCE, True)


@pytest.mark.parametrize("event", [None, threading.Event(), tapped()])
def test_nothing_lasts_longer_than_the_limit(tone: Tone, loudness: Any, event: threading.Event | None) -> None:
    utterance = Endpointer(EndpointSettings(limit_seconds=2.25), loudness).listen(chunks(tone(9.0)), event)
    assert len(run(utterance)) == round(2.25 * SAMPLE_RATE)
    assert utterance.end is End.LIMIT


def test_without_a_button_it_ends_with_the_sound(tone: Tone, loudness: Any) -> None:
    sound = chunks(tone(1.0), NAP, NAP, NAP, NAP, NAP, NAP, NAP, tone(0.55))
    utterance = Endpointer(None, loudness).listen(sound)
    assert np.array_equal(run(utterance), np.concatenate(sound))
    assert (utterance.end, utterance.heard) == (End.SOUND, True)


def test_what_comes_after_the_end_is_not_taken(tone: Tone, loudness: Any) -> None:
    sound = iter(chunks(tone(1.0), *[NAP] * 5))
    run(Endpointer(EndpointSettings(silence_seconds=1.0), loudness).listen(sound, tapped()))
    assert sum(len(chunk) for chunk in sound) == pytest.approx(4 * SAMPLE_RATE, abs=CHUNK)


def test_noise_is_not_taken_for_speech(noise: list[np.ndarray]) -> None:
    utterance = Endpointer(EndpointSettings(patience_seconds=2.0)).listen(noise, tapped())
    run(utterance)
    assert (utterance.end, utterance.heard) == (End.NOTHING, False)


@pytest.mark.parametrize(("voice", "text"), [("en-us", "yes"), ("en-us", "text mom i am late"), ("ko", "네")])
def test_speech_is_heard_and_its_end_found(say: Callable[..., list[np.ndarray]], voice: str, text: str) -> None:
    spoken = np.concatenate(say(text, voice))
    utterance = Endpointer().listen(chunks(NAP, spoken, NAP, NAP, NAP), tapped())
    run(utterance)
    assert (utterance.end, utterance.heard) == (End.SILENCE, True)
    last = float(np.flatnonzero(np.abs(spoken.astype(int)) > 1_000)[-1]) / SAMPLE_RATE
    assert 1 + last + 0.6 < utterance.seconds < 1 + last + 1.3


def test_one_endpointer_cuts_one_utterance_after_the_other_alike(say: Callable[..., list[np.ndarray]]) -> None:
    endpointer, sound = Endpointer(), chunks(NAP, *say("search for cheap flights to lisbon"), NAP, NAP)
    assert len({len(run(endpointer.listen(sound, tapped()))) for _ in range(3)}) == 1


def test_spans_begin_with_speech_outlast_doubt_and_leave_out_clicks() -> None:
    click, doubt = [0.9, 0.9, 0.0], [0.0, 0.9, 0.9, 0.4, 0.9, 0.3, 0.0]
    assert speech_spans([]) == []
    assert speech_spans(click) == []
    assert speech_spans([*click, *doubt, 0.4, 0.4, 0.4, 0.4]) == [Span(4 * 512, 8 * 512)]
    assert speech_spans([0.0, 0.6, 0.6, 0.6]) == [Span(512, 4 * 512)]
