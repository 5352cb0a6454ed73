"""Greedy decoding of one answer under the grammar: forced tokens travel with the next pass, copied spans are
guessed and verified.

The result is the one that plain greedy decoding gives, token for token; guessing only saves passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from agent.engine import Engine
from agent.grammar import Grammar, State, choose, scores
from agent.prompt import EOS, FIRST_FUNCTION, FIRST_TEXT_ID

GUESS = 6  # tokens guessed at most in one pass


@dataclass
class Answer:
    """The answer's ids with what the model thought of its alternatives."""

    ids: list[int] = field(default_factory=list)
    functions: list[float] = field(default_factory=list)  # probability of each functional token among those allowed
    text: list[float] = field(
        default_factory=list
    )  # log-probability of each chosen argument token among all allowed ones
    passes: int = 0


def probability(logits: np.ndarray, state: State, token: int) -> float:
    """Probability of a token among the allowed ones."""
    values = logits[list(state.allowed)]
    if state.text:
        values = np.concatenate((values, logits[FIRST_TEXT_ID:]))
    return float(np.exp(logits[token] - values.max()) / np.exp(values - values.max()).sum())


def guess(request: Sequence[int], answer: Sequence[int]) -> list[int]:
    """What follows in the request after the answer's last tokens, most recent match of two tokens first, then of
    one."""
    for size in (2, 1):
        tail = list(answer[-size:])
        if len(tail) < size or tail[-1] < FIRST_TEXT_ID:
            continue
        for start in range(len(request) - size):
            if list(request[start : start + size]) == tail:
                return [t for t in request[start + size : start + size + GUESS] if t >= FIRST_TEXT_ID]
    return []


def decode(engine: Engine, grammar: Grammar, request: Sequence[int], strange: np.ndarray | None = None) -> Answer:
    """The answer to a request (`<bos> ... <call>` as ids), with the engine freshly started.

    `strange`: float32 (vocabulary,), what each token's logit loses in arguments that copy what was said.
    """
    answer = Answer()
    grammar.restart()
    logits = engine.append(engine.embedding(list(request)), [len(request) - 1])
    answer.passes = 1
    pending: list[int] = []  # chosen, not yet in the cache
    row = logits[0]
    while True:
        token = _choose(answer, grammar, row, strange)
        _take(answer, grammar, token, pending)
        while not grammar.finished and (forced := grammar.forced()) is not None:
            _take(answer, grammar, forced, pending)
        if grammar.finished or engine.length + len(pending) >= engine.room:
            return answer
        guessed = guess(request, answer.ids)[: engine.room - engine.length - len(pending)]
        passed = [*pending, *guessed]
        first = len(pending) - 1
        logits = engine.append(engine.embedding(passed), range(first, len(passed)))
        answer.passes += 1
        kept = engine.length - len(guessed)
        pending.clear()
        for i, expected in enumerate(guessed):
            state = grammar.state()
            if not state.text or choose(scores(logits[i], state, strange), state) != expected:
                break
            _choose(answer, grammar, logits[i], strange)
            _take(answer, grammar, expected, [])
            kept += 1
        row = logits[kept - (engine.length - len(guessed))]
        engine.keep(kept)


def _choose(answer: Answer, grammar: Grammar, logits: np.ndarray, strange: np.ndarray | None) -> int:
    state = grammar.state()
    logits = scores(logits, state, strange)
    token = choose(logits, state)
    p = probability(logits, state, token)
    if FIRST_FUNCTION <= token < FIRST_TEXT_ID:
        answer.functions.append(p)
    elif token != EOS:
        answer.text.append(float(np.log(max(p, 1e-9))))
    return token


def _take(answer: Answer, grammar: Grammar, token: int, pending: list[int]) -> None:
    grammar.advance(token)
    answer.ids.append(token)
    pending.append(token)
