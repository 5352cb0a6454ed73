"""What a yes is, and that every confirmer gives back what was answered."""

from __future__ import annotations

import io
import itertools
import os
import threading
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
    AgreeingConfirmer,
    DialogueSettings,
    ScriptedConfirmer,
    SpokenConfirmer,
    TerminalConfirmer,
    grammar,
    limited,
    parse_yes_no,
)
from device.models.places import folder
from device.seams import CHUNK, SAMPLE_RATE, Confirmer, Expects, Microphone, Transcript
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


class Finger:
    """A button that is pressed when it is looked at for the times in `at` (counted from 0)."""

    def __init__(self, *at: int) -> None:
        self.at = at
        self.looks = 0

    def pressed(self) -> bool:
        self.looks += 1
        return self.looks - 1 in self.at


def spoken(answer: str, microphone: Microphone | None = None, voice: Speaking | None = None) -> SpokenConfirmer:
    ear = microphone or Sounds()
    return SpokenConfirmer(voice or Speaking(), lambda: ear, lambda lang: ScriptedTranscriber([answer]))


def terminal(answer: str) -> TerminalConfirmer:
    return TerminalConfirmer(Lines(io.StringIO(answer + "\n" if answer else "")), io.StringIO())


MAKERS: dict[str, Callable[[str], Confirmer]] = {
    "spoken": spoken,
    "terminal": terminal,
    "scripted": lambda answer: ScriptedConfirmer([answer]),
    "agreeing": lambda answer: AgreeingConfirmer(ScriptedConfirmer([answer])),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
class TestEveryConfirmer:
    def test_is_one(self, make: Callable[[str], Confirmer]) -> None:
        assert isinstance(make("yes"), Confirmer)

    @pytest.mark.parametrize("expects", [Expects.YES_NO, Expects.WORDS])
    @pytest.mark.parametrize(
        ("lang", "answer"), [("en", "yes"), ("zh", "好的"), ("en", "no, I said Anna"), ("zh", "安娜")]
    )
    def test_what_is_answered_comes_back(
        self, make: Callable[[str], Confirmer], lang: str, answer: str, expects: Expects
    ) -> None:
        assert make(answer).ask(REQUESTS[lang], "Shall I?", expects) == answer

    @pytest.mark.parametrize("expects", [Expects.YES_NO, Expects.WORDS])
    def test_silence_is_empty(self, make: Callable[[str], Confirmer], expects: Expects) -> None:
        for request in REQUESTS.values():
            assert make("").ask(request, "Shall I?", expects) == ""


@pytest.mark.parametrize("make", [MAKERS[name] for name in MAKERS if name != "agreeing"])
@pytest.mark.parametrize("answer", ["yes", "no", "", "不，发给安娜", "what"])
def test_what_is_read_back_is_answered_likewise(make: Callable[[str], Confirmer], answer: str) -> None:
    assert make(answer).ask(REQUESTS["en"], "Shall I?", Expects.CONSENT) == answer


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
        assert confirmer.ask(REQUESTS["zh"], "要发吗？", Expects.CONSENT) == "好的"
        assert voice.said == [("要发吗？", "zh")]
        assert order == ["asking", "zh", "hears 1 True"]
        assert not ear.open_now

    @pytest.mark.parametrize(("expects", "seconds"), [(Expects.CONSENT, 6), (Expects.YES_NO, 6), (Expects.WORDS, 15)])
    def test_it_does_not_listen_for_ever(self, expects: Expects, seconds: int) -> None:
        ear = Sounds()
        assert spoken("", ear).ask(REQUESTS["en"], "Shall I?", expects) == ""
        assert ear.taken <= seconds * SAMPLE_RATE / CHUNK + 1
        assert not ear.open_now

    def test_an_endpointing_ends_it_sooner(self) -> None:
        ear = Sounds()
        confirmer = SpokenConfirmer(
            Speaking(),
            lambda: ear,
            lambda lang: ScriptedTranscriber(["yes"]),
            endpointing=lambda chunks: itertools.islice(chunks, 7),
        )
        assert confirmer.ask(REQUESTS["en"], "Shall I?", Expects.CONSENT) == "yes"
        assert ear.taken <= 8

    def test_a_microphone_that_is_gone_is_no_yes(self) -> None:
        class Gone:
            @contextmanager
            def open(self) -> Iterator[Iterator[np.ndarray]]:
                raise DeviceError("The microphone is gone.")
                yield

        with pytest.raises(DeviceError, match="microphone is gone"):
            spoken("yes", Gone()).ask(REQUESTS["en"], "Shall I?", Expects.CONSENT)

    def test_a_question_that_does_not_end_is_no_yes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("device.confirm.SPEAK_SECONDS", 0.0)
        voice, ear = Speaking(ends=False), Sounds()
        with pytest.raises(DeviceError, match="could not finish"):
            spoken("yes", ear, voice).ask(REQUESTS["en"], "Shall I?", Expects.CONSENT)
        assert voice.stopped
        assert ear.taken == 0

    def test_the_end_of_the_service_is_silence(self) -> None:
        stopping, ear = threading.Event(), Sounds()
        stopping.set()
        confirmer = SpokenConfirmer(
            Speaking(ends=False), lambda: ear, lambda lang: ScriptedTranscriber(["yes"]), stopping=stopping
        )
        assert confirmer.ask(REQUESTS["en"], "Shall I?", Expects.CONSENT) == ""
        assert ear.taken == 0

    def test_the_limit_counts_sound_and_clock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sound = [np.zeros(SAMPLE_RATE // 2, np.int16)] * 9
        assert len(list(limited(sound, 2.0))) == 4
        assert len(list(limited(sound, 60.0))) == 9
        clock = itertools.count(step=1.5)
        monkeypatch.setattr("device.confirm.time.monotonic", lambda: next(clock))
        assert len(list(limited([np.zeros(0, np.int16)] * 9, 2.0))) == 3


class TestTwoEars:
    """One that expects a yes or no, and one that hears anything."""

    @pytest.mark.parametrize(
        ("expects", "narrow", "wide", "answer"),
        [
            (Expects.WORDS, "no", "nora", "nora"),
            (Expects.CONSENT, "yes", "yesterday", "yes"),
            (Expects.CONSENT, "no", "no i said anna", "no i said anna"),
            (Expects.YES_NO, "no", "no it's clean", "no it's clean"),
            (Expects.CONSENT, "no", "yes", "no"),  # in doubt it is no yes
            (Expects.CONSENT, "no", "", "no"),
            (Expects.CONSENT, "", "anna", ""),
        ],
    )
    def test_which_of_them_counts(self, expects: Expects, narrow: str, wide: str, answer: str) -> None:
        confirmer = SpokenConfirmer(
            Speaking(),
            lambda: Sounds(5),
            lambda lang: ScriptedTranscriber([narrow]),
            words=lambda: ScriptedTranscriber([wide]),
        )
        assert confirmer.ask(REQUESTS["en"], "Shall I?", expects) == answer

    def test_both_hear_the_same_sound(self) -> None:
        heard: list[float] = []

        class Measuring(ScriptedTranscriber):
            def transcribe(self, chunks: object, on_partial: object = None) -> Transcript:
                transcript = super().transcribe(chunks, None)  # type: ignore[arg-type]
                heard.append(transcript.seconds)
                return transcript

        confirmer = SpokenConfirmer(
            Speaking(),
            lambda: Sounds(12),
            lambda lang: Measuring(["no"]),
            words=lambda: Measuring(["no to anna"]),
        )
        assert confirmer.ask(REQUESTS["en"], "Shall I?", Expects.CONSENT) == "no to anna"
        assert heard == [pytest.approx(1.2)] * 2


class TestButton:
    @staticmethod
    def ask(finger: Finger, heard: str = "yes", press_is_yes: bool = False, ends: bool = True, **kinds: Expects) -> str:
        confirmer = SpokenConfirmer(
            Speaking(ends),
            lambda: Sounds(30),
            lambda lang: ScriptedTranscriber([heard]),
            DialogueSettings(press_is_yes=press_is_yes),
            button=finger,
        )
        return confirmer.ask(REQUESTS["en"], "Shall I?", kinds.get("expects", Expects.CONSENT))

    @pytest.mark.parametrize("heard", ["yes", "no", ""])
    def test_a_press_cuts_the_question_short_and_is_no_answer(self, heard: str) -> None:
        assert self.ask(Finger(0), heard, ends=False) == heard

    @pytest.mark.parametrize("expects", list(Expects))
    def test_two_presses_cancel(self, expects: Expects) -> None:
        assert self.ask(Finger(3, 5), expects=expects) == "cancel"
        assert self.ask(Finger(0, 2), ends=False, expects=expects) == "cancel"
        assert self.ask(Finger(3, 5), press_is_yes=True, expects=expects) == "cancel"

    @pytest.mark.parametrize("heard", ["", "no", "hm"])
    def test_one_press_is_no_yes_unless_the_settings_say_so(self, heard: str) -> None:
        assert self.ask(Finger(3), heard) == heard

    @pytest.mark.parametrize(
        ("heard", "expects", "ends", "answer"),
        [
            ("", Expects.CONSENT, True, "yes"),
            ("", Expects.YES_NO, True, "yes"),
            ("no", Expects.CONSENT, True, "no"),
            ("anna", Expects.WORDS, True, "anna"),
            ("", Expects.WORDS, True, ""),
            ("", Expects.CONSENT, False, ""),  # the press cut the question short: it was not heard
        ],
    )
    def test_with_the_setting_it_is_one(self, heard: str, expects: Expects, ends: bool, answer: str) -> None:
        finger = Finger(3) if ends else Finger(0)
        assert self.ask(finger, heard, press_is_yes=True, ends=ends, expects=expects) == answer

    def test_a_yes_by_press_ends_the_listening(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("device.confirm.DOUBLE", 0.0)
        ear = Sounds()
        confirmer = SpokenConfirmer(
            Speaking(),
            lambda: ear,
            lambda lang: ScriptedTranscriber([""]),
            DialogueSettings(press_is_yes=True),
            button=Finger(2),
        )
        assert confirmer.ask(REQUESTS["en"], "Shall I?", Expects.CONSENT) == "yes"
        assert ear.taken < 10


class TestTerminal:
    @pytest.mark.parametrize(("answer", "said"), [("y", "yes"), ("Y ", "yes"), ("n", "no"), ("yn", "yn"), ("是", "是")])
    def test_letters(self, answer: str, said: str) -> None:
        assert terminal(answer).ask(REQUESTS["en"], "Shall I?", Expects.CONSENT) == said

    def test_a_letter_is_a_word_where_words_are_asked_for(self) -> None:
        assert terminal("Y").ask(REQUESTS["en"], "Which size?", Expects.WORDS) == "Y"

    def test_the_question_is_shown_and_one_line_is_read(self) -> None:
        lines, out = Lines(io.StringIO("y\nn\nAnna\nthe rest\n")), io.StringIO()
        confirmer = TerminalConfirmer(lines, out)
        assert confirmer.ask(REQUESTS["en"], "Shall I?", Expects.CONSENT) == "yes"
        assert confirmer.ask(REQUESTS["zh"], "要发吗？", Expects.YES_NO) == "no"
        assert confirmer.ask(REQUESTS["en"], "Who?", Expects.WORDS) == "Anna"
        assert out.getvalue() == "Shall I? [y/N] 要发吗？ [y/N，是/否] Who? "
        assert lines.read() == "the rest"

    def test_a_pipe_in_which_nothing_comes_is_silence(self) -> None:
        end, other = os.pipe()
        with os.fdopen(end) as stream, os.fdopen(other, "w"):
            confirmer = TerminalConfirmer(Lines(stream), io.StringIO(), patience=0.05)
            assert confirmer.ask(REQUESTS["en"], "Shall I?", Expects.CONSENT) == ""

    def test_no_input_at_all_is_silence(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.stdin", None)  # as a service has it
        assert TerminalConfirmer(out=io.StringIO()).ask(REQUESTS["en"], "Shall I?", Expects.CONSENT) == ""


def test_a_script_answers_in_order_and_then_is_silent() -> None:
    confirmer = ScriptedConfirmer([True, False, "Anna", True])
    answers = [confirmer.ask(REQUESTS["en"], f"{i}?", Expects.CONSENT) for i in range(3)]
    answers += [confirmer.ask(REQUESTS["en"], f"{i}?", Expects.WORDS) for i in range(3, 5)]
    assert answers == ["yes", "no", "Anna", "", ""]
    assert confirmer.asked == ["0?", "1?", "2?", "3?", "4?"]


def test_who_agrees_says_yes_to_what_is_read_back_only() -> None:
    confirmer = AgreeingConfirmer(ScriptedConfirmer(["no", "Anna"]))
    assert [confirmer.ask(REQUESTS["en"], "?", x) for x in Expects] == ["yes", "no", "Anna"]


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
    assert parse_yes_no(confirmer.ask(REQUESTS[lang], "Shall I?", Expects.YES_NO)) is meant
