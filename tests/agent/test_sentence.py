"""The model's own words: where they end, and that they are words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import tiny_sight

from agent.bundle import Bundle
from agent.engine import Engine
from agent.prompt import CALL, END, EOS, FIRST_FUNCTION, FIRST_TEXT_ID, SEP, encode_request, words
from agent.sentence import LONGEST, say_in_words

TINY = Path(__file__).parents[1] / "tiny_model"
TOKENIZER = tiny_sight.tokenizer()  # bytes
HIDDEN = 8
VISUAL = np.full((3, HIDDEN), 7.0, np.float32)
REQUEST = encode_request(TOKENIZER, "what is it", len(VISUAL), SEP)


class Scripted:
    """An engine that would say these tokens one after another, then the last one for ever, and prefers marks and
    functional tokens to all of them."""

    def __init__(self, script: Sequence[int], positions: int = 384) -> None:
        self.script, self.positions, self.room, self.length = list(script), positions, 0, 0
        self.given: list[np.ndarray] = []

    def restart(self, room: int) -> None:
        assert room <= self.positions
        self.room, self.length = room, 0

    def embedding(self, ids: Sequence[int]) -> np.ndarray:
        return np.repeat(np.array(ids, np.float32)[None, :, None], HIDDEN, 2)

    def append(self, embeds: np.ndarray, rows: Sequence[int]) -> np.ndarray:
        self.length += embeds.shape[1]
        assert self.length <= self.room
        self.given.append(embeds)
        logits = np.zeros((len(rows), TOKENIZER.get_vocab_size()), np.float32)
        logits[:, [CALL, SEP, EOS, FIRST_FUNCTION, FIRST_FUNCTION + 3]] = 9
        logits[:, self.script[0]] = 5
        if len(self.script) > 1:
            del self.script[0]
        return logits


def said_by(text: str, *then: int, positions: int = 384) -> tuple[str, Scripted]:
    engine = Scripted([*words(TOKENIZER, text), *then], positions)
    return say_in_words(cast(Engine, engine), TOKENIZER, REQUEST, VISUAL), engine


@pytest.mark.parametrize("text", ["It is a cat.", "这是一只猫。", "A cat", "No", ""])
def test_it_ends_where_the_model_ends(text: str) -> None:
    said, engine = said_by(text, END)
    assert said == text
    assert len(engine.given) == 1 + len(words(TOKENIZER, text))


def test_what_is_seen_stands_behind_the_first_token() -> None:
    _, engine = said_by("Yes.", END)
    request = engine.given[0][0]
    np.testing.assert_array_equal(request[1 : 1 + len(VISUAL)], VISUAL)
    assert request[[0, *range(1 + len(VISUAL), len(REQUEST))], 0].tolist() == [REQUEST[0], *REQUEST[1 + len(VISUAL) :]]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("It is a cat. It sits on a mat and looks at a mouse that has no idea", "It is a cat."),
        ("Is it a cat? Yes! It sits on a mat and looks at a mouse that has no idea", "Is it a cat? Yes!"),
        ("这是1只猫。它坐在垫子上看着一只什么都不知道的老鼠", "这是1只猫。"),
        ("It is a bottle. It holds about 1.5 litres of something that is green now", "It is a bottle."),
        ("It costs 3.50 euros and there are so many more of them that nobody counts", None),
        ("mat " * 40, None),
    ],
)
def test_what_runs_out_of_room_ends_with_a_whole_sentence(text: str, kept: str | None) -> None:
    said, engine = said_by(text, words(TOKENIZER, "a")[-1])
    assert said == (kept or text.strip()[: LONGEST - 1])  # the space in front is a byte, too
    assert engine.length <= len(REQUEST) + LONGEST


@pytest.mark.parametrize("room", [1, 2, 9])
def test_it_stops_where_the_model_has_no_more_positions(room: int) -> None:
    said, engine = said_by("a" * 100, positions=len(REQUEST) + room)
    assert said == "a" * (room - 1)
    assert engine.length == engine.room


@pytest.mark.parametrize("mark", [FIRST_FUNCTION, FIRST_FUNCTION + 5, EOS, SEP, CALL])
def test_no_functional_token_is_said(mark: int) -> None:
    """Not even where the model wants nothing else: what it says runs no function."""
    engine = Scripted([mark])
    assert "<" not in say_in_words(cast(Engine, engine), TOKENIZER, REQUEST, VISUAL)
    assert all((embeds[0, :, 0] >= FIRST_TEXT_ID).all() for embeds in engine.given[1:])


def test_the_tiny_model_says_something() -> None:
    engine = Engine(Bundle(TINY))
    seen = np.random.default_rng(2).normal(0, 1, (3, 128)).astype(np.float32)
    first, again = (say_in_words(engine, TOKENIZER, REQUEST, seen) for _ in range(2))
    assert first == again
    assert "<fn_" not in first
