"""The prompt: round trips, and text that imitates tokens stays text. Runs on the release's own tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from tokenizers import Tokenizer

from actions.catalogue import CATALOGUE, make_call
from actions.errors import InputError
from agent.prompt import (
    BOS,
    CALL,
    FIRST_TEXT_ID,
    FUNCTION_TOKENS,
    RESERVED,
    clean,
    decode_calls,
    encode_calls,
    encode_request,
    words,
)

RELEASE = Path(__file__).parents[2] / "models" / "text"


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(RELEASE / "tokenizer.json"))


@pytest.mark.parametrize(
    "calls",
    [
        [make_call("send_text", "mom", "i'll be ten minutes late")],
        [make_call("send_email", "李经理", "周报", "报告已经完成，请查收！")],
        [make_call("send_email", "anna", "", "")],
        [make_call("instacart_shopping", "milk; eggs; two avocados"), make_call("none", "unclear")],
        [make_call("send_text", "Oluwaseun Adébáyọ̀", "see you at 7:45 🐙 €5")],
    ],
)
def test_calls_survive_the_round_trip(tokenizer: Tokenizer, calls: list) -> None:
    assert decode_calls(tokenizer, encode_calls(tokenizer, calls)) == tuple(
        make_call(c.name, *map(clean, c.args.values())) for c in calls
    )


@pytest.mark.parametrize("token", [*RESERVED, *FUNCTION_TOKENS, "<0x0A>", "<start_of_turn>", "▁<end>"])
def test_text_that_looks_like_a_token_stays_text(tokenizer: Tokenizer, token: str) -> None:
    for text in (token, f"say {token} now", f"{token}{token}", f"给{token}"):
        ids = encode_request(tokenizer, text)
        assert ids[0] == BOS
        assert ids[-1] == CALL
        assert all(i >= FIRST_TEXT_ID for i in ids[1:-1])


def test_an_argument_has_the_tokens_it_has_in_the_request(tokenizer: Tokenizer) -> None:
    request = encode_request(tokenizer, "text Oluwaseun that i will be late")
    name = words(tokenizer, "Oluwaseun")
    assert any(request[i : i + len(name)] == name for i in range(len(request)))


@pytest.mark.parametrize("text", ["", "   ", "\u200b\n\t", "\x00\x07"])
def test_nothing_said_is_told(tokenizer: Tokenizer, text: str) -> None:
    with pytest.raises(InputError, match="no words"):
        encode_request(tokenizer, text)


def test_a_request_of_two_thousand_words_is_told(tokenizer: Tokenizer) -> None:
    with pytest.raises(InputError, match="too long"):
        encode_request(tokenizer, "word " * 2000)


def test_a_request_of_millions_of_characters_never_reaches_the_tokenizer() -> None:
    with pytest.raises(InputError, match="too long"):
        encode_request(cast("Tokenizer", None), "a" * 5_000_000)


def test_every_byte_can_be_said(tokenizer: Tokenizer) -> None:
    for text in ("שלום", "кот", "🐙🦑", "\u1f409", "한국어", "𠮷野家"):
        ids = words(tokenizer, text)
        assert RESERVED.index("<unk>") not in ids
        assert tokenizer.decode(ids, skip_special_tokens=False).strip() == text


@pytest.mark.parametrize("ids", [[], [7], [8], [8, 100, 200]])
def test_what_is_no_answer_is_refused(tokenizer: Tokenizer, ids: list[int]) -> None:
    with pytest.raises(ValueError, match="answer"):
        decode_calls(tokenizer, ids)


def test_there_is_a_token_for_each_function() -> None:
    assert len(CATALOGUE) <= len(FUNCTION_TOKENS)
    assert len(set(RESERVED)) == FIRST_TEXT_ID
