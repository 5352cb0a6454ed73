"""Small tools for sentences in tako's two languages. Knows no function of the catalogue."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
LONGEST = {"en": 320, "zh": 110}  # characters of a text that are read aloud: about 25 seconds of speech


def say(lang: str, en: str, zh: str) -> str:
    """The sentence of the language."""
    return zh if lang == "zh" else en


def one_line(text: str) -> str:
    """`text` in NFC on one line: control characters and line ends become single spaces."""
    return " ".join(_CONTROL.sub(" ", unicodedata.normalize("NFC", text)).split())


def listing(items: Sequence[str], lang: str, last: tuple[str, str] = ("or", "还是")) -> str:
    """ "a, b or c" and "a、b还是c"; `last` is the word before the last item in English and Chinese."""
    if len(items) < 2:
        return "".join(items)
    comma, word = ("、", last[1]) if lang == "zh" else (", ", f" {last[0]} ")
    return comma.join(items[:-1]) + word + items[-1]


def aloud(text: str, lang: str) -> str:
    """`text` as it is read back: one line, no punctuation at its end, cut at a word where it is too long to hear."""
    text = one_line(text).rstrip(" .。,，;；?？!！")
    if len(text) <= LONGEST["zh" if lang == "zh" else "en"]:
        return text
    return cut(text, LONGEST["zh" if lang == "zh" else "en"]) + say(lang, " and so on", "等等")


def cut(text: str, longest: int) -> str:
    """The start of `text`, at most `longest` characters, ending at a word where it has spaces."""
    if len(text) <= longest:
        return text
    head = text[: longest + 1]
    space = head.rfind(" ")
    return (head[:space] if space > longest // 2 else text[:longest]).rstrip(" ,，;；")
