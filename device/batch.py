"""Many requests at once: what would be done for each, without doing it.

One JSON object a line: `{"id", "text" or "audio", "image"?}` becomes `{"id", "transcript", "lang", "calls", "ms"}`, in
order, each as soon as it is known. A line that cannot be answered carries `error`, a sentence, and no calls; it never
stops the others. When a line has both `text` and `audio`, the text is the request.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from actions.errors import InputError, TakoError
from agent.language import language_of
from agent.picture import load_picture
from agent.types import Decider, Decision, Percept
from device.errors import fault
from device.seams import Transcript

log = logging.getLogger(__name__)
Hear = Callable[[Path], Transcript]


class Line(msgspec.Struct, frozen=True):
    """One request. Other keys are ignored."""

    text: str | None = None
    audio: str | None = None  # path of a WAV file, from the root
    image: str | None = None  # path of a picture, from the root


class CallMade(msgspec.Struct, frozen=True):
    """One call, with all argument names of the catalogue."""

    name: str
    args: dict[str, str]


class Answer(msgspec.Struct):
    """One answer."""

    id: Any = None  # as it came
    transcript: str = ""
    lang: str = ""  # "en", "zh"; empty when there is nothing to judge it by
    calls: list[CallMade] = []
    ms: dict[str, float] = {}
    error: str | msgspec.UnsetType = msgspec.UNSET


def answers(lines: Iterable[bytes], root: Path, decider: Decider, hear: Hear) -> Iterator[Answer]:
    """An answer for each line that is not blank."""
    for number, line in enumerate(lines, 1):
        if line.strip(b" \t\r\n\xef\xbb\xbf"):
            yield _answer(line, number, root, decider, hear)


def _answer(line: bytes, number: int, root: Path, decider: Decider, hear: Hear) -> Answer:
    answer, begun = Answer(), time.perf_counter()
    try:
        request = _parse(line, number, answer)
        _decide(request, root, decider, hear, answer)
    except TakoError as error:
        answer.error = error.spoken(answer.lang)
    except Exception:  # a fault of the program: this line fails with its traceback in the log, the others go on
        log.exception("line %d failed", number)
        answer.error = fault().spoken(answer.lang)
    answer.ms["total"] = _since(begun)
    return answer


def _parse(line: bytes, number: int, answer: Answer) -> Line:
    try:
        value = msgspec.json.decode(line.removeprefix(b"\xef\xbb\xbf"))
        answer.id = value.get("id") if isinstance(value, dict) else None
        return msgspec.convert(value, Line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"Line {number} is no request: {error}.", f"第 {number} 行不是有效的请求。") from error


def _decide(line: Line, root: Path, decider: Decider, hear: Hear, answer: Answer) -> None:
    if line.text is None and not line.audio:
        raise InputError("There is neither text nor audio.", "既没有文字也没有录音。")
    if line.text or not line.audio:
        text = line.text or ""
        transcript = Transcript(text, language_of(text))
    else:
        begun = time.perf_counter()
        transcript = hear(_path(root, line.audio))
        answer.ms["transcribe"] = _since(begun)
    answer.transcript, answer.lang = transcript.text, transcript.lang
    image = None
    if line.image:  # after the words: what is wrong with the picture is told in their language
        begun = time.perf_counter()
        image = load_picture(_path(root, line.image))
        answer.ms["look"] = _since(begun)
    if not transcript.text.strip():
        if line.audio and not line.text:  # silence and noise are a request that means nothing, not a bad line
            answer.calls = [CallMade("none", {"reason": "unclear"})]
            return
        raise InputError("I heard nothing.", "我什么也没听到。")
    begun = time.perf_counter()
    decision = decider.decide(Percept(transcript.text, transcript.lang, image))
    answer.ms = {**_rounded(decision), **answer.ms, "decide": _since(begun)}
    answer.lang = decision.lang
    answer.calls = [CallMade(call.name, dict(call.args)) for call in decision.calls]


def _path(root: Path, name: str) -> Path:
    """Raises `InputError` when there is no such file; a folder or a pipe (which might never end) is none."""
    try:
        found = (root / name).is_file()
    except (OSError, ValueError):  # a name that no file can have
        found = False
    if not found:
        raise InputError(f"I cannot find the file {name[:80]}.", f"找不到文件 {name[:80]}。")
    return root / name


def _rounded(decision: Decision) -> dict[str, float]:
    return {stage: round(ms, 1) for stage, ms in decision.ms.items()}


def _since(begun: float) -> float:
    return round((time.perf_counter() - begun) * 1000, 1)
