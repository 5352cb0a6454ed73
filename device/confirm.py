"""Asking: spoken, in the terminal, or from a script. Nothing but a clear yes is a yes.

Knows what yes and no sound like in both languages; knows nothing of what is asked, nor what else an answer means
(`device.answers`).
"""

from __future__ import annotations

import io
import re
import sys
import threading
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Protocol, TextIO

import msgspec

from actions.errors import DeviceError
from actions.wording import say
from device.seams import SAMPLE_RATE, Confirmer, Expects, Microphone, Transcriber, Voice
from device.sim.lines import Lines
from device.speech.text import simplified

if TYPE_CHECKING:
    import numpy as np

    from actions.base import Request

SPEAK_SECONDS = 60.0  # the longest question: a body of 320 characters takes about 25
PIPE_SECONDS = 10.0  # how long an answer from a pipe may take
POLL = 0.05  # seconds between two looks at the button
DOUBLE = 1.0  # seconds within which two presses are one sign
YES, NO, CANCEL = "yes", "no", "cancel"  # what a press or a letter stands for
_LETTERS = {"y": YES, "n": NO}

# Whole answers are made of these and nothing else; a word that is in neither list makes an answer unclear.
_YES_EN = (
    "yes|yeah|yep|yup|sure(?: thing)?|ok|okay|okey|alright|all right|right|correct|exactly|absolutely|definitely"
    "|certainly|of course|fine|sounds good|go ahead|go for it|do it|do that|send it|send that|send|order it|buy it"
    "|note it|confirm|confirmed|affirmative|please do|i do|you can|you may|it is|that's (?:right|fine|correct)"
    "|that is (?:right|fine|correct)|by all means"
)
_BESIDE_EN = "please|uh|um|hm|hmm|mm|mhm|oh|well|thanks|thank you|tako"
_NO_EN = "no|nope|nah|not|never|don't|dont|cancel|stop|wait|abort|forget|nevermind|wrong|hold on|hang on|isn't|won't"
_YES_ZH = (  # these may follow each other without a pause; the single characters below would become other words
    "是的|是啊|对的|对啊|对呀|好的|好啊|好呀|好吧|好嘞|行啊|行吧|可以|可以的|可以啊|可以发|没问题|没错|发吧|发送|发送吧"
    "|发出去|发出去吧|发了吧|要的|需要|确认|确定|同意|当然|正确|就这样|就这样吧|做吧|买吧|点吧|记吧|记下|记下来|记下吧"
    "|ok|okay|yes|yeah"
)
_BESIDE_ZH = "请|啊|呃|嗯|恩|哦|噢|那|那就|吧|谢谢|麻烦|你"
_NO_ZH = "不|别|否|没有|取消|算了|停|等|错|甭|勿|no|nope|cancel|don't"
_LONGEST_ANSWER = 40  # characters; whoever says more says more than yes
GRAMMAR = {
    "en": "yes|yeah|yes please|sure|okay|send it|go ahead|do it|no|no thanks|nope|do not|cancel|stop|wait|not now",
    "zh": "是|是的|对|好|好的|可以|行|发吧|不|不要|不是|不对|不行|不可以|不好|取消|等一下|算了",
}
_CLEAR_EN = re.compile(rf"(?:(?:{_BESIDE_EN}) )*(?:{_YES_EN})(?: (?:{_YES_EN}|{_BESIDE_EN}))*")
_CLEAR_ZH = re.compile(
    rf"(?:{_BESIDE_ZH})*(?:([是对好行发要])\1*|[是对好行]?(?:{_YES_ZH})(?:{_YES_ZH}|{_BESIDE_ZH})*)(?:{_BESIDE_ZH})*"
)
_FILLER_ZH = re.compile(rf"(?:{_BESIDE_ZH})+")
_REFUSED_EN = re.compile(rf"\b(?:{_NO_EN})\b")
_REFUSED_ZH = re.compile(_NO_ZH)
_HARMLESS_ZH = re.compile("没问题|没错")
_HAN = re.compile(r"[\u3400-\u9fff]")
_PUNCTUATION = re.compile(r"[^\w\s']+|_")


class DialogueSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How tako asks."""

    yes_seconds: Annotated[float, msgspec.Meta(ge=1, le=30)] = 6.0  # so long it listens for a yes, a no or a correction
    words_seconds: Annotated[float, msgspec.Meta(ge=1, le=60)] = 15.0  # so long it listens for any other answer
    press_is_yes: bool = False  # a press while it waits for a yes or no is a yes; two presses cancel in any case


def parse_yes_no(text: str) -> bool | None:
    """True for a clear yes, False for a no or anything with a no in it, None for what is neither (silence, too).

    Both languages count, whatever the question's: people say "ok" to a Chinese question.
    """
    said = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    said = " ".join(_PUNCTUATION.sub(" ", said).split())
    if len(said) > _LONGEST_ANSWER:
        return None
    if _HAN.search(said):
        parts = simplified(said).split()
        joined = "".join(parts)
        if _REFUSED_ZH.search(_HARMLESS_ZH.sub("", joined)):
            return False
        telling = [part for part in parts if not _FILLER_ZH.fullmatch(part)]
        clear = _CLEAR_ZH.fullmatch(joined) or (telling and all(map(_CLEAR_ZH.fullmatch, telling)))
        return True if clear else None
    if _REFUSED_EN.search(said):
        return False
    return True if _CLEAR_EN.fullmatch(said) else None


def grammar(lang: str) -> tuple[str, ...]:
    """Words for a recogniser that is told what to expect; enough that others are not pressed into a yes."""
    return tuple(GRAMMAR["zh" if lang == "zh" else "en"].split("|"))


class Button(Protocol):
    """As much of a `Trigger` as a question needs."""

    def pressed(self) -> bool:
        """Whether there was a press since the last call."""


class SpokenConfirmer:
    """Says the question and listens for the answer.

    A press while tako speaks cuts the question short, and it listens at once. Two presses within a second cancel. One
    press while it listens means nothing, or yes with `press_is_yes`, unless the question was cut short or the ear heard
    a no.
    """

    def __init__(
        self,
        voice: Voice,
        microphone: Callable[[], Microphone],
        transcriber: Callable[[str], Transcriber],
        settings: DialogueSettings | None = None,
        endpointing: Callable[[Iterator[np.ndarray]], Iterator[np.ndarray]] | None = None,
        asking: Callable[[], None] | None = None,
        words: Callable[[], Transcriber] | None = None,
        button: Button | None = None,
        stopping: threading.Event | None = None,
    ) -> None:
        """`microphone` and `transcriber` (by language, best with its `grammar`) give what hears a yes or no, `words`
        what hears anything (left out: the same); both stay open. `endpointing` ends the sound where the answer ends,
        the settings' limits at the latest; `asking` is called when tako begins to listen (light, earcon); `stopping`
        is set from outside to end soon.
        """
        self._voice = voice
        self._microphone = microphone
        self._transcriber = transcriber
        self._settings = settings or DialogueSettings()
        self._endpointing = endpointing
        self._asking = asking
        self._words = words
        self._button = button
        self._stopping = stopping or threading.Event()

    def ask(self, request: Request, question: str, expects: Expects) -> str:
        """Raises what the voice, the microphone or the transcriber raise; nothing is answered then."""
        presses = _Presses(self._button)
        if not self._say(question, request.lang, presses):
            return ""
        if self._asking:
            self._asking()
        heard_whole = not presses.count
        by_button = self._settings.press_is_yes and heard_whole and expects is not Expects.WORDS
        sound: list[np.ndarray] = []
        limit = self._settings.words_seconds if expects is Expects.WORDS else self._settings.yes_seconds
        with self._microphone().open() as chunks:
            answer = self._until_pressed(limited(chunks, limit), presses, by_button)
            cut = self._endpointing(answer) if self._endpointing else answer
            text = self._hear(_kept(cut, sound), sound, request.lang, expects)
        if self._stopping.is_set():
            return ""
        if presses.double:
            return CANCEL
        if by_button and presses.count and parse_yes_no(text) is not False:
            return YES
        return text

    def _say(self, question: str, lang: str, presses: _Presses) -> bool:
        """Whether the answer is to be listened for."""
        self._voice.say(question, lang)
        ends = time.monotonic() + SPEAK_SECONDS
        while not self._voice.wait(POLL):
            if presses.seen() or self._stopping.is_set():
                self._voice.stop()
                break
            if time.monotonic() > ends:
                self._voice.stop()
                raise DeviceError("I could not finish my question.", "问题没能说完。")
        return not self._stopping.is_set()

    def _until_pressed(self, chunks: Iterable[np.ndarray], presses: _Presses, by_button: bool) -> Iterator[np.ndarray]:
        for chunk in chunks:
            yield chunk
            presses.seen()
            if self._stopping.is_set() or presses.double or (by_button and presses.settled):
                return

    def _hear(self, chunks: Iterable[np.ndarray], sound: list[np.ndarray], lang: str, expects: Expects) -> str:
        """`chunks` are kept in `sound` as they are heard."""
        words = self._words() if self._words else None
        if words is not None and expects is Expects.WORDS:
            return words.transcribe(chunks).text
        ear = self._transcriber(lang)
        text = ear.transcribe(chunks).text
        if words is None or words is ear or not text or parse_yes_no(text) is True:
            return text
        whole = words.transcribe(iter(sound)).text  # "no, I said Anna": an ear for yes and no hears little more than no
        return text if parse_yes_no(whole) is True or not whole else whole


class _Presses:
    """The presses from the beginning of a question on."""

    def __init__(self, button: Button | None) -> None:
        self._button = button
        self._last = -DOUBLE
        self.count = 0
        self.double = False  # two within `DOUBLE`

    def seen(self) -> bool:
        """Whether there was one since the last call."""
        if self._button is None or not self._button.pressed():
            return False
        now = time.monotonic()
        self.double = self.double or now - self._last <= DOUBLE
        self._last = now
        self.count += 1
        return True

    @property
    def settled(self) -> bool:
        """Whether there was one, and no second can make it a double press any more."""
        return self.count > 0 and time.monotonic() - self._last > DOUBLE


def _kept(chunks: Iterable[np.ndarray], sound: list[np.ndarray]) -> Iterator[np.ndarray]:
    for chunk in chunks:
        sound.append(chunk)
        yield chunk


def limited(chunks: Iterable[np.ndarray], seconds: float) -> Iterator[np.ndarray]:
    """The first `seconds` of a sound, by its own length and by the clock (a microphone may deliver nothing)."""
    samples, ends = 0, time.monotonic() + 2 * seconds
    for chunk in chunks:
        yield chunk
        samples += len(chunk)
        if samples >= seconds * SAMPLE_RATE or time.monotonic() > ends:
            return


class TerminalConfirmer:
    """Asks in the terminal and reads a line: y or n, or the answer in words. The end of the input is silence, and so is
    a pipe in which nothing comes."""

    def __init__(self, lines: Lines | None = None, out: TextIO | None = None, patience: float = PIPE_SECONDS) -> None:
        """`lines`: the terminal's, when something else reads them too; `out`: where to ask, by default stderr;
        `patience`: seconds that an input may stay empty that is no terminal."""
        self._lines = lines or Lines(sys.stdin or io.StringIO())
        self._out = out
        self._patience = patience

    def ask(self, request: Request, question: str, expects: Expects) -> str:
        letters = "" if expects is Expects.WORDS else say(request.lang, "[y/N] ", "[y/N，是/否] ")
        print(question, letters, end="", file=self._out or sys.stderr, flush=True)
        answer = (self._lines.read(None if self._lines.typed else self._patience) or "").strip()
        return answer if expects is Expects.WORDS else _LETTERS.get(answer.lower(), answer)


class ScriptedConfirmer:
    """Answers from a list, for simulations and tests; silent when the list has ended. True and False are a yes and a
    no; where words are asked for they say nothing. `asked` keeps the questions."""

    def __init__(self, answers: Iterable[bool | str] = ()) -> None:
        self._answers = iter(answers)
        self.asked: list[str] = []

    def ask(self, request: Request, question: str, expects: Expects) -> str:
        self.asked.append(question)
        answer = next(self._answers, "")
        if isinstance(answer, str):
            return answer
        return "" if expects is Expects.WORDS else YES if answer else NO


class AgreeingConfirmer:
    """Says yes to what is read back (the option `--yes`), and leaves every other question to another."""

    def __init__(self, other: Confirmer) -> None:
        self._other = other

    def ask(self, request: Request, question: str, expects: Expects) -> str:
        return YES if expects is Expects.CONSENT else self._other.ask(request, question, expects)
