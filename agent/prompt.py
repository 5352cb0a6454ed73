"""The one place that turns a request into token ids, used on the device and in training alike.

    <bos> request <call> <fn_3> argument <sep> argument <end> <fn_0> ... <end> <eos>
    <bos> <image> ... <image> request <call> ...
    <bos> <image> ... <image> question <sep> sentence <end>

A call is its functional token and its arguments; several calls follow each other. What is seen stands first, a place
for each visual token, so that it can be read while the user still speaks; behind `<sep>` the model answers a question
about it in words. The reserved ids lie below `FIRST_TEXT_ID`; the tokenizer never yields one of them from text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

from actions.catalogue import CATALOGUE, Call, make_call
from actions.errors import InputError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PROMPT_VERSION = 2
MAX_FUNCTIONS = 24  # rows reserved for functional tokens: a new function needs no new vocabulary
FUNCTION_TOKENS = tuple(f"<fn_{i}>" for i in range(MAX_FUNCTIONS))
RESERVED = ("<pad>", "<eos>", "<bos>", "<unk>", "<call>", "<sep>", "<end>", "<image>", *FUNCTION_TOKENS)
FIRST_TEXT_ID = len(RESERVED)
PAD, EOS, BOS, UNK, CALL, SEP, END, IMAGE = range(8)
FIRST_FUNCTION = 8
SPACE = "▁"  # how the tokenizer writes a space
MAX_REQUEST_TOKENS = 256  # about 180 English words; the dearest request of the data folder has 80
MAX_REQUEST_CHARACTERS = 20 * MAX_REQUEST_TOKENS  # no request of words is longer

# the tokenizer's own sign for a space is one when it is typed, too
_SPACES = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\u2028-\u202f\u2581]")
# joiners, direction marks, variation selectors and half characters (what Python makes of bytes that are not UTF-8)
_INVISIBLE = re.compile(r"[\xad\u061c\u200c-\u200f\u2060-\u206f\ufe00-\ufe0f\ufeff\ud800-\udfff]")

_HAN_START = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")


def clean(text: str) -> str:
    """The request in NFC, control characters as spaces, spaces single, without what cannot be seen."""
    return " ".join(_SPACES.sub(" ", unicodedata.normalize("NFC", _INVISIBLE.sub("", text))).split())


def words(tokenizer: Tokenizer, text: str) -> list[int]:
    """A text as ids, split alike wherever it stands: unless it starts with a Han character it is given a space in
    front.

    So an argument copied from the middle of a request has the very tokens it has there.
    """
    lead = "" if _HAN_START.match(text) or not text else " "
    ids: list[int] = tokenizer.encode(lead + text, add_special_tokens=False).ids
    return ids


def encode_request(tokenizer: Tokenizer, text: str, visual: int = 0, mark: int = CALL) -> list[int]:
    """`<bos> request <call>`, with places for so many visual tokens; `mark`: `SEP` where words are wanted.

    Raises `InputError` when the request is empty or longer than `MAX_REQUEST_TOKENS`.
    """
    text = clean(text)
    if not text:
        raise InputError("I heard no words.", "我没有听到内容。")
    # the tokenizer takes seconds and hundreds of megabytes for millions of characters: those it never sees
    ids = words(tokenizer, text) if len(text) <= MAX_REQUEST_CHARACTERS else None
    if ids is None or len(ids) > MAX_REQUEST_TOKENS:
        raise InputError(
            "That request is too long for me. Please say it in a few sentences.", "这段话太长了，请用几句话说。"
        )
    return [BOS, *[IMAGE] * visual, *ids, mark]


def encode_sentence(tokenizer: Tokenizer, text: str) -> list[int]:
    """The ids of an answer in words."""
    return [*words(tokenizer, clean(text)), END]


def encode_calls(tokenizer: Tokenizer, calls: Sequence[Call]) -> list[int]:
    """The answer's ids, `<eos>` at the end."""
    ids: list[int] = []
    for call in calls:
        ids.append(FIRST_FUNCTION + CATALOGUE.index(call.function))
        for i, value in enumerate(call.args.values()):
            ids += [SEP] * (i > 0) + words(tokenizer, clean(value))
        ids.append(END)
    return [*ids, EOS]


def decode_calls(tokenizer: Tokenizer, ids: Sequence[int]) -> tuple[Call, ...]:
    """The calls of an answer. Raises `ValueError` when the ids are no valid answer."""
    calls: list[Call] = []
    rest = list(ids)
    while rest and rest[0] != EOS:
        index = rest[0] - FIRST_FUNCTION
        if not 0 <= index < len(CATALOGUE) or END not in rest:
            raise ValueError("an answer is a functional token, arguments and <end>")
        body, rest = rest[1 : rest.index(END)], rest[rest.index(END) + 1 :]
        values: list[list[int]] = [[]]
        for token in body:
            if token == SEP:
                values.append([])
            else:
                values[-1].append(token)
        decoded = (tokenizer.decode(value, skip_special_tokens=False).strip() for value in values)
        calls.append(make_call(CATALOGUE[index].name, *decoded))
    if not calls:
        raise ValueError("an answer has at least one call")
    return tuple(calls)
