"""The words of a recogniser as a text. Knows no engine."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Protocol

from actions.errors import ModelError

_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0002ffff]")


def join_words(words: Sequence[str]) -> str:
    """The words with spaces between them, but none next to a Han character: 发 email 给 小明 -> 发email给小明."""
    text = ""
    for word in words:
        if text and word and not (_HAN.match(text[-1]) or _HAN.match(word[0])):
            text += " "
        text += word
    return text


class _Converter(Protocol):
    def convert(self, text: str) -> str: ...


@cache
def _converter() -> _Converter:
    try:
        from opencc import OpenCC
    except ImportError as error:
        raise ModelError(
            "Chinese needs the package opencc, which is not installed.", "没有安装 opencc，无法识别中文。"
        ) from error
    return OpenCC("t2s")


def simplified(text: str) -> str:
    """The text with traditional characters turned to simplified ones. Raises `ModelError` when OpenCC is missing."""
    return _converter().convert(text)
