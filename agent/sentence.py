"""The model's own words: an answer in a sentence or two, generated token by token."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from agent.engine import Engine
from agent.prompt import END, FIRST_TEXT_ID

if TYPE_CHECKING:
    from tokenizers import Tokenizer

LONGEST = 64  # tokens of an answer: two sentences
ENDS = re.compile(r"[。！？]|[.!?](?=\s|$)")  # of a sentence; the point of 1.5 ends none


def say_in_words(engine: Engine, tokenizer: Tokenizer, request: list[int], seen: np.ndarray) -> str:
    """Greedy answer to `<bos> <image> ... question <sep>` (ids) with visual tokens float32 (n, hidden) behind `<bos>`;
    ends at `<end>`, or where it runs out of room, after its last whole sentence."""
    engine.restart(min(len(request) + LONGEST + 1, engine.positions))
    embeds = engine.embedding(request)
    embeds[0, 1 : 1 + len(seen)] = seen
    ids: list[int] = []
    logits = engine.append(embeds, [len(request) - 1])[0]
    while len(ids) < LONGEST and len(request) + len(ids) < engine.room:
        text = int(logits[FIRST_TEXT_ID:].argmax()) + FIRST_TEXT_ID
        if logits[END] >= logits[text]:
            return _text(tokenizer, ids)
        ids.append(text)
        logits = engine.append(engine.embedding([text]), [0])[0]
    said = _text(tokenizer, ids)
    ends = [match.end() for match in ENDS.finditer(said)]
    return said[: ends[-1]] if ends else said


def _text(tokenizer: Tokenizer, ids: list[int]) -> str:
    said: str = tokenizer.decode(ids, skip_special_tokens=False)
    return said.strip()
