"""From a sentence to what a synthesiser reads well: short pieces, each in one language, nothing left that it misreads.

    for sentence in sentences("要给 Anna 发短信：我3点到？"):
        for segment in prepare(sentence, "zh"):     # zh "要给", en "Anna", zh "发短信，我三点到？"
            ...

English and Mandarin are spoken by two voices, so a sentence that mixes them is cut where the script changes. Knows no
synthesiser; `device.voice.english` and `device.voice.mandarin` know what each language needs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from device.voice import english, mandarin

LONGEST = 200  # characters of a piece: the first sound of a long text comes soon, and memory stays small
HAN = r"\u3400-\u9fff\uf900-\ufaff\U00020000-\U0002ffff"
_LATIN = r"A-Za-z\u00c0-\u024f"
_ENDS = re.compile(r"(?<=[。！？；])|(?<=[.!?;])\s+|\n+")
_ABBREVIATION = re.compile(r"(?:\b(?:Dr|Mr|Mrs|Ms|St|No|vs|e\.g|i\.e|approx)|\b[A-Z])\.$")
_CLAUSE = re.compile(r"[，：；]|[,:;](?=\s)")
_SPACE = re.compile(r"\s+")
_SOFTER = re.compile(r"(?<=[，、：,:])\s*|\s+")
_NOISE = re.compile(r"[*`^|<>{}\[\]\\~]+")
_ADDRESS = rf"[{_LATIN}\d._%+-]+@[{_LATIN}\d-]+(?:\.[{_LATIN}\d-]+)+|(?:https?://|www\.)[^\s{HAN}，。！？；]+"
_WORD = rf"[{_LATIN}][{_LATIN}\d'’&._+-]*"
_LATIN_IN_HAN = re.compile(rf"{_ADDRESS}|{_WORD}(?:\s+(?:{_WORD}|\d+(?![\d.]*\s*[{HAN}])))*", re.ASCII)
_HAN_IN_LATIN = re.compile(rf"[{HAN}](?:[{HAN}\d，、。：；！？\s]*[{HAN}])?[，。：；！？]?")


@dataclass(frozen=True)
class Segment:
    """What one voice says in one go. `text` is plain English, or Mandarin in Han characters without a digit."""

    lang: str  # "en" or "zh"
    text: str


def sentences(text: str, opening: int = 0) -> Iterator[str]:
    """A text in its sentences, none longer than `LONGEST` characters. Empty for a text with nothing to say.

    opening: characters up to which the first one is cut short when it is longer, at a comma if there is one, so that
    it can be heard sooner; 0: it is not cut.
    """
    pieces = _sentences(text)
    if opening and (first := next(pieces, None)) is not None:
        yield from _cut(first, opening)
    yield from pieces


def _cut(text: str, longest: int) -> tuple[str, ...]:
    if len(text) <= longest:
        return (text,)
    for mark in (_CLAUSE, _SPACE):
        if cuts := [match.end() for match in mark.finditer(text, longest // 4, longest)]:
            return (text[: cuts[-1]].strip(), text[cuts[-1] :].strip())
    return (text,)


def _sentences(text: str) -> Iterator[str]:
    pending = ""
    for piece in _ENDS.split(clean(text)):
        pending = f"{pending} {piece}".strip() if pending else piece.strip()
        if _ABBREVIATION.search(pending):
            continue
        yield from _short(pending)
        pending = ""
    yield from _short(pending)


def clean(text: str) -> str:
    """The text without control characters, emoji and markup; line ends stay."""
    kept = "".join(char for char in text if char in "\n°℃" or unicodedata.category(char) not in _SILENT)
    return _NOISE.sub(" ", kept)


def prepare(sentence: str, lang: str) -> tuple[Segment, ...]:
    """The segments of one sentence; `lang` decides how numbers and units are read."""
    segments: list[Segment] = []
    for of, part in _by_script(mandarin.units(sentence) if lang == "zh" else sentence, lang):
        spoken = mandarin.normalise(part) if of == "zh" else english.normalise(part)
        if not any(char.isalnum() for char in spoken):  # a comma between two voices belongs to the first
            if segments:
                segments[-1] = Segment(segments[-1].lang, segments[-1].text + spoken.strip())
        elif segments and segments[-1].lang == of:
            segments[-1] = Segment(of, f"{segments[-1].text} {spoken.strip()}")
        else:
            segments.append(Segment(of, spoken.strip()))
    return tuple(segments)


_SILENT = {"Cc", "Cf", "Cs", "Co", "Cn", "So", "Sk"}


def _by_script(text: str, lang: str) -> Iterator[tuple[str, str]]:
    """Parts in the language of the sentence, and parts in the other one."""
    pattern, other = (_LATIN_IN_HAN, "en") if lang == "zh" else (_HAN_IN_LATIN, "zh")
    end = 0
    for match in pattern.finditer(text):
        yield lang, text[end : match.start()]
        yield other, match.group()
        end = match.end()
    yield lang, text[end:]


def _short(text: str) -> Iterator[str]:
    while len(text) > LONGEST:
        cuts = [match.end() for match in _SOFTER.finditer(text, LONGEST // 2, LONGEST)]
        cut = cuts[-1] if cuts else LONGEST
        yield text[:cut].strip()
        text = text[cut:].strip()
    if any(char.isalnum() for char in text):
        yield text
