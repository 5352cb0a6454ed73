"""Asking for a yes: spoken, in the terminal, or from a script. Nothing but a clear yes is a yes.

Knows what yes and no sound like in both languages; knows nothing of what is asked.
"""

from __future__ import annotations

import re
import sys
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TextIO

from actions.errors import DeviceError
from actions.wording import say
from device.seams import SAMPLE_RATE, Microphone, Transcriber, Voice
from device.sim.lines import Lines
from device.speech.text import simplified

if TYPE_CHECKING:
    import numpy as np

    from actions.base import Request

LISTEN_SECONDS = 4.0  # how long an answer may take, its beginning included
SPEAK_SECONDS = 60.0  # the longest question: a body of 320 characters takes about 25

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


class SpokenConfirmer:
    """Says the question, listens for a few seconds, takes only a clear yes."""

    def __init__(
        self,
        voice: Voice,
        microphone: Callable[[], Microphone],
        transcriber: Callable[[str], Transcriber],
        seconds: float = LISTEN_SECONDS,
        endpointing: Callable[[Iterator[np.ndarray]], Iterator[np.ndarray]] | None = None,
        asking: Callable[[], None] | None = None,
    ) -> None:
        """`microphone` and `transcriber` (by language, best with its `grammar`) give what hears; the transcriber
        stays open. `endpointing` ends the sound where the answer ends, `seconds` at the latest; `asking` is called
        when tako begins to listen (light, earcon).
        """
        self._voice = voice
        self._microphone = microphone
        self._transcriber = transcriber
        self._seconds = seconds
        self._endpointing = endpointing
        self._asking = asking

    def confirm(self, request: Request, question: str) -> bool:
        """Raises what the voice, the microphone or the transcriber raise; nothing is confirmed then."""
        self._voice.say(question, request.lang)
        if not self._voice.wait(SPEAK_SECONDS):
            self._voice.stop()
            raise DeviceError("I could not finish my question.", "问题没能说完。")
        if self._asking:
            self._asking()
        with self._microphone().open() as chunks:
            answer = limited(chunks, self._seconds)
            transcript = self._transcriber(request.lang).transcribe(
                self._endpointing(answer) if self._endpointing else answer
            )
        return parse_yes_no(transcript.text) is True


def limited(chunks: Iterable[np.ndarray], seconds: float) -> Iterator[np.ndarray]:
    """The first `seconds` of a sound, by its own length and by the clock (a microphone may deliver nothing)."""
    samples, ends = 0, time.monotonic() + 2 * seconds
    for chunk in chunks:
        yield chunk
        samples += len(chunk)
        if samples >= seconds * SAMPLE_RATE or time.monotonic() > ends:
            return


class TerminalConfirmer:
    """Asks in the terminal: y or n, or a yes in words. The end of the input is a no."""

    def __init__(self, lines: Lines | None = None, out: TextIO | None = None) -> None:
        """`lines`: the terminal's, when something else reads them too; `out`: where to ask, by default stderr."""
        self._lines = lines or Lines(sys.stdin)
        self._out = out

    def confirm(self, request: Request, question: str) -> bool:
        print(question, say(request.lang, "[y/N] ", "[y/N，是/否] "), end="", file=self._out or sys.stderr, flush=True)
        answer = (self._lines.read() or "").strip()
        return answer.lower() == "y" or parse_yes_no(answer) is True


class ScriptedConfirmer:
    """Answers from a list, for simulations and tests; no when the list has ended. `asked` keeps the questions."""

    def __init__(self, answers: Iterable[bool] = ()) -> None:
        self._answers = iter(answers)
        self.asked: list[str] = []

    def confirm(self, request: Request, question: str) -> bool:
        self.asked.append(question)
        return next(self._answers, False)
