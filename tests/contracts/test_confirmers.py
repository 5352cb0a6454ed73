"""Every confirmer takes a clear yes for a yes and all else for a no."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from subprocess import run

import numpy as np
import pytest

from actions.base import Request
from actions.catalogue import make_call
from actions.errors import DeviceError
from device.body import hearing_answers
from device.confirm import (
    GRAMMAR,
    ScriptedConfirmer,
    SpokenConfirmer,
    TerminalConfirmer,
    grammar,
    limited,
    parse_yes_no,
)
from device.models.places import folder
from device.seams import CHUNK, SAMPLE_RATE, Confirmer, Microphone, Transcript
from device.sim.lines import Lines
from device.speech.microphone import WavMicrophone
from device.speech.scripted import ScriptedTranscriber
from device.speech.whisper_engine import WhisperTranscriber

REQUESTS = {lang: Request(make_call("send_email", "anna", "", "hello"), lang) for lang in ("en", "zh")}

YES = [
    "yes", "Yes.", "yeah", "Yep!", "yes yes", "yes please", "Yes, please send it.", "sure", "sure thing", "ok", "OK.",
    "okay", "all right", "of course", "go ahead", "Yes, go ahead.", "send it", "do it please", "uh yes", "um, sure",
    "oh yeah sure", "correct", "that's right", "that’s right", "yes that is correct", "please do", "yes I do",
    "ＹＥＳ",
    "是", "是的", "是的。", "好", "好的", "好的，发吧。", "好啊", "好吧", "对", "对的", "对对对", "可以", "可以的",
    "可以，发吧", "行", "行啊",
    "发吧", "發吧", "发送", "没问题", "沒問題", "没错", "确定", "確認", "同意", "要", "那就发吧", "请发送",
    "嗯，好的", "是 的", "OK", "ok好的", "麻烦你发吧", "好发吧", "对对，是的",
]  # fmt: skip
NO = [
    "no", "No.", "nope", "no no", "no thanks", "don't", "Don’t send it", "do not", "cancel", "stop", "wait",
    "not now",
    "yes no wait", "no yes", "yes wait", "no problem", "never mind", "yes but not now", "I don't know", "okay no",
    "不", "不要", "不好", "不可以", "不行", "不是", "不对", "好像不对", "不发", "别发", "取消", "算了", "等一下",
    "好，等等", "行不行", "是不是", "没有", "發錯了",
    "不，好的", "对不起", "先别发", "停",
]  # fmt: skip
UNCLEAR = [
    "", " ", "...", "hmm", "um", "嗯", "呃", "what", "who is that", "yesterday", "yes to what", "the weather is nice",
    "send it to bob", "maybe", "thank you", "Thanks for watching!", "you", "notary", "surely you jest", "okay google",
    "什么", "好像", "好吗", "是谁", "对面", "可以吗", "要是", "行李", "发给谁", "好久", "也许吧", "谢谢", "请", "你",
    "好了", "行了", "发行", "好要", "对是", "发好的",
    "yes " * 50, "好" * 50, "是的我想你应该先问一下", "はい", "да", "да yes", "✓", "1",
]  # fmt: skip


class TestWords:
    @pytest.mark.parametrize("text", YES)
    def test_yes(self, text: str) -> None:
        assert parse_yes_no(text) is True

    @pytest.mark.parametrize("text", NO)
    def test_no(self, text: str) -> None:
        assert parse_yes_no(text) is False

    @pytest.mark.parametrize("text", UNCLEAR)
    def test_neither(self, text: str) -> None:
        assert parse_yes_no(text) is None

    def test_a_yes_beside_any_no_is_no_yes(self) -> None:
        for yes, no in itertools.product(YES, NO):
            for text in (f"{yes} {no}", f"{no} {yes}"):
                assert parse_yes_no(text) is not True, text

    @pytest.mark.parametrize("lang", ["en", "zh"])
    def test_the_grammar_is_understood(self, lang: str) -> None:
        meanings = [parse_yes_no(phrase) for phrase in grammar(lang)]
        assert None not in meanings
        assert meanings.count(False) >= meanings.count(True) > 4
        assert set(GRAMMAR) == {"en", "zh"}


class Sounds:
    """A microphone that hears silence, for ever or for some chunks."""

    def __init__(self, chunks: int | None = None) -> None:
        self.chunks = chunks
        self.taken = 0
        self.open_now = False

    @contextmanager
    def open(self) -> Iterator[Iterator[np.ndarray]]:
        self.open_now = True
        try:
            yield self._hear()
        finally:
            self.open_now = False

    def _hear(self) -> Iterator[np.ndarray]:
        for _ in itertools.count() if self.chunks is None else range(self.chunks):
            self.taken += 1
            yield np.zeros(CHUNK, np.int16)


class Speaking:
    """A voice that notes what it says, and when it was waited for."""

    def __init__(self, ends: bool = True) -> None:
        self.ends = ends
        self.said: list[tuple[str, str]] = []
        self.stopped = False

    def say(self, text: str, lang: str) -> None:
        self.said.append((text, lang))

    def wait(self, timeout: float | None = None) -> bool:
        return self.ends

    def stop(self) -> None:
        self.stopped = True

    def close(self) -> None:
        """Nothing to close."""


def spoken(answer: str, microphone: Microphone | None = None, voice: Speaking | None = None) -> SpokenConfirmer:
    ear = microphone or Sounds()
    return SpokenConfirmer(voice or Speaking(), lambda: ear, lambda lang: ScriptedTranscriber([answer]))


def terminal(answer: str) -> TerminalConfirmer:
    return TerminalConfirmer(Lines(io.StringIO(answer + "\n" if answer else "")), io.StringIO())


MAKERS: dict[str, Callable[[str], Confirmer]] = {
    "spoken": spoken,
    "terminal": terminal,
    "scripted": lambda answer: ScriptedConfirmer([parse_yes_no(answer) is True]),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
class TestEveryConfirmer:
    def test_is_one(self, make: Callable[[str], Confirmer]) -> None:
        assert isinstance(make("yes"), Confirmer)

    @pytest.mark.parametrize(("lang", "answer"), [("en", "yes"), ("zh", "好的"), ("zh", "ok"), ("en", "好")])
    def test_a_clear_yes(self, make: Callable[[str], Confirmer], lang: str, answer: str) -> None:
        assert make(answer).confirm(REQUESTS[lang], "Shall I?") is True

    @pytest.mark.parametrize("answer", ["no", "不", "", "yes no wait", "好像不对", "what", "thank you"])
    def test_anything_else(self, make: Callable[[str], Confirmer], answer: str) -> None:
        for request in REQUESTS.values():
            assert make(answer).confirm(request, "Shall I?") is False


class TestSpoken:
    def test_the_question_is_said_first_and_in_its_language(self) -> None:
        voice, ear, order = Speaking(), Sounds(), []

        class Hearing(ScriptedTranscriber):
            def transcribe(self, chunks: object, on_partial: object = None) -> Transcript:
                order.append(f"hears {len(voice.said)} {ear.open_now}")
                return super().transcribe(chunks, None)  # type: ignore[arg-type]

        def transcriber(lang: str) -> ScriptedTranscriber:
            order.append(lang)
            return Hearing(["好的"])

        confirmer = SpokenConfirmer(voice, lambda: ear, transcriber, asking=lambda: order.append("asking"))
        assert confirmer.confirm(REQUESTS["zh"], "要发吗？")
        assert voice.said == [("要发吗？", "zh")]
        assert order == ["asking", "zh", "hears 1 True"]
        assert not ear.open_now

    def test_it_does_not_listen_for_ever(self) -> None:
        ear = Sounds()
        assert spoken("", ear).confirm(REQUESTS["en"], "Shall I?") is False
        assert ear.taken <= 41  # four seconds
        assert not ear.open_now

    def test_an_endpointing_ends_it_sooner(self) -> None:
        ear = Sounds()
        confirmer = SpokenConfirmer(
            Speaking(),
            lambda: ear,
            lambda lang: ScriptedTranscriber(["yes"]),
            endpointing=lambda chunks: itertools.islice(chunks, 7),
        )
        assert confirmer.confirm(REQUESTS["en"], "Shall I?")
        assert ear.taken <= 8

    def test_a_microphone_that_is_gone_is_no_yes(self) -> None:
        class Gone:
            @contextmanager
            def open(self) -> Iterator[Iterator[np.ndarray]]:
                raise DeviceError("The microphone is gone.")
                yield

        with pytest.raises(DeviceError, match="microphone is gone"):
            spoken("yes", Gone()).confirm(REQUESTS["en"], "Shall I?")

    def test_a_question_that_does_not_end_is_no_yes(self) -> None:
        voice, ear = Speaking(ends=False), Sounds()
        with pytest.raises(DeviceError, match="could not finish"):
            spoken("yes", ear, voice).confirm(REQUESTS["en"], "Shall I?")
        assert voice.stopped
        assert ear.taken == 0

    def test_the_limit_counts_sound_and_clock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sound = [np.zeros(SAMPLE_RATE // 2, np.int16)] * 9
        assert len(list(limited(sound, 2.0))) == 4
        assert len(list(limited(sound, 60.0))) == 9
        clock = itertools.count(step=1.5)
        monkeypatch.setattr("device.confirm.time.monotonic", lambda: next(clock))
        assert len(list(limited([np.zeros(0, np.int16)] * 9, 2.0))) == 3


class TestTerminal:
    @pytest.mark.parametrize(("answer", "said"), [("y", True), ("Y ", True), ("n", False), ("yn", False), ("是", True)])
    def test_letters(self, answer: str, said: bool) -> None:
        assert terminal(answer).confirm(REQUESTS["en"], "Shall I?") is said

    def test_the_question_is_shown_and_one_line_is_read(self) -> None:
        lines, out = Lines(io.StringIO("y\nn\nthe rest\n")), io.StringIO()
        confirmer = TerminalConfirmer(lines, out)
        assert confirmer.confirm(REQUESTS["en"], "Shall I?") is True
        assert confirmer.confirm(REQUESTS["zh"], "要发吗？") is False
        assert out.getvalue() == "Shall I? [y/N] 要发吗？ [y/N，是/否] "
        assert lines.read() == "the rest"


def test_a_script_answers_in_order_and_then_no() -> None:
    confirmer = ScriptedConfirmer([True, False, True])
    assert [confirmer.confirm(REQUESTS["en"], f"{i}?") for i in range(5)] == [True, False, True, False, False]
    assert confirmer.asked == ["0?", "1?", "2?", "3?", "4?"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lang", "answer", "meant"),
    [
        ("en", "yes please", True),
        ("en", "no, cancel it", False),
        ("zh", "hao3 de5", True),
        ("zh", "ke2 yi3", True),
        ("zh", "qu3 xiao1", False),
        ("zh", "bu4 xing2", False),
    ],
)
def test_a_real_answer_through_real_ears(tmp_path: Path, lang: str, answer: str, meant: bool) -> None:

    model = folder({"en": "whisper-tiny-en", "zh": "whisper-base"}[lang])
    if not which("espeak-ng") or not model.is_dir():
        pytest.skip(f"espeak-ng or the model in {model} is not there")
    pytest.importorskip("faster_whisper")
    wav = tmp_path / "answer.wav"
    voice = {"en": "en-us", "zh": "cmn-latn-pinyin"}[lang]
    run(["espeak-ng", "-v", voice, "-s", "140", "-w", str(wav), answer], check=True)
    ears = WhisperTranscriber.load(model, (lang,))
    confirmer = SpokenConfirmer(Speaking(), lambda: WavMicrophone(wav), lambda lang: hearing_answers(ears, lang))
    assert confirmer.confirm(REQUESTS[lang], "Shall I?") is meant
