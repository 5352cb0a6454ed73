"""Requests that are judged together get what each gets alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agent.bundle import Bundle
from agent.engine import Engine
from agent.likelihood import log_likelihoods
from agent.onnx_decider import OnnxDecider
from agent.prompt import BOS, CALL, MAX_REQUEST_TOKENS, encode_request
from agent.types import LanguageModel

TINY = Path(__file__).parents[1] / "tiny_model"
TEXTS = ["text mom", "text tom", "text mom hi", "给妈妈", "text mom", "x"]


@pytest.fixture(scope="module")
def decider() -> OnnxDecider:
    return OnnxDecider(TINY)


def test_it_is_the_sum_over_the_tokens(decider: OnnxDecider) -> None:
    request = encode_request(decider.tokenizer, "text mom")
    assert (request[0], request[-1]) == (BOS, CALL)
    engine = Engine(Bundle(TINY))
    engine.restart(len(request))
    logits = engine.append(engine.embedding(request), range(len(request))).astype(np.float64)
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    wanted = sum(np.log(probabilities[i, token]) for i, token in enumerate(request[1:]))
    assert log_likelihoods(engine, [request]) == pytest.approx([wanted], rel=1e-4)


def test_judged_together_or_alone(decider: OnnxDecider) -> None:
    assert isinstance(decider, LanguageModel)
    alone = [decider.log_likelihoods([text])[0] for text in TEXTS]
    assert decider.log_likelihoods(TEXTS) == pytest.approx(alone, rel=1e-4)
    assert len({round(value, 3) for value in alone}) == 5  # the same text twice, all others apart
    assert decider.log_likelihoods([]) == []


def test_what_cannot_be_read_is_impossible(decider: OnnxDecider) -> None:
    far_too_long = "a" * (MAX_REQUEST_TOKENS + 1)
    impossible, likely, empty = decider.log_likelihoods([far_too_long, "text mom", " "])
    assert impossible == empty == -np.inf
    assert likely > -np.inf
