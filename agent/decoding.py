"""Greedy decoding of one answer under the grammar: a draft of all of it is verified in the first pass; where it was
wrong, forced tokens travel with the next pass, and what is left of the draft or of the request is guessed and verified.

The result is the one that plain greedy decoding gives, token for token; guessing only saves passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from agent.engine import Engine
from agent.grammar import Grammar, State, choose, scores
from agent.prompt import END, EOS, FIRST_FUNCTION, FIRST_TEXT_ID, SEP

WHOLE = 48  # tokens of a draft checked in one pass as long as it is right; each takes 0.2 MB, its logits
GUESS = 5  # tokens guessed in one pass after a wrong one: each wrong guess costs a fifth of a pass


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
    groups = [logits[list(state.allowed)], *([logits[FIRST_TEXT_ID:]] if state.text else [])]
    high = max(group.max() for group in groups)
    return float(np.exp(logits[token] - high) / sum(np.exp(group - high).sum() for group in groups))


def guess(request: Sequence[int], answer: Sequence[int]) -> list[int]:
    """What follows in the request where the answer's last two tokens first stand there, or else its last one; marks
    become `<end>`."""
    for size in (2, 1):
        tail = list(answer[-size:])
        if len(tail) < size or tail[-1] < FIRST_TEXT_ID:
            continue
        for start in range(len(request) - size):
            if list(request[start : start + size]) == tail:
                follows = request[start + size : start + size + GUESS]
                return [t if t >= FIRST_TEXT_ID else END for t in follows]
    return []


def decode(
    engine: Engine,
    grammar: Grammar,
    request: Sequence[int],
    strange: np.ndarray | None = None,
    draft: Sequence[int] = (),
    seen: np.ndarray | None = None,
) -> Answer:
    """The answer to a request (`<bos> ... <call>` as ids), with the engine freshly started.

    `strange`: float32 (vocabulary,), what each token's logit loses in arguments that copy what was said. `draft`: ids
    that the answer may have. They are checked in the first pass; none of them enters the answer unless it would have
    been chosen. `seen`: visual tokens float32 (n, hidden), for the n places behind `<bos>`.
    """
    answer = Answer()
    grammar.restart()
    pending = list(request)  # known, not yet in the cache
    place, guessed = 0, list(draft)  # how far the draft has come true
    while True:
        known = engine.length + len(pending)
        if guessed and guessed[-1] == EOS:  # nothing follows it
            guessed.pop()
        del guessed[min(WHOLE, max(engine.room - known, 0)) :]
        first = len(pending) - 1
        passed = [*pending, *guessed]
        embeds = engine.embedding(passed)
        if seen is not None and not answer.passes:
            embeds[0, 1 : 1 + len(seen)] = seen
        logits = engine.append(embeds, range(first, len(passed)))
        answer.passes += 1
        pending = []
        right = 0  # guesses that came true
        while not pending:
            token: int | None = _choose(answer, grammar, logits[right], strange)
            while token is not None:
                grammar.advance(token)
                answer.ids.append(token)
                if not pending and right < len(guessed) and guessed[right] == token:
                    right += 1
                else:
                    pending.append(token)
                token = None if grammar.finished else grammar.forced()
            if grammar.finished or len(request) + len(answer.ids) >= engine.room:
                return answer
        engine.keep(known + right)
        if list(draft[place : place + right]) == guessed[:right]:
            place += right
        place, between = resume(draft, place, pending[-1], request)
        limit = WHOLE if 0 < right == len(guessed) else GUESS
        guessed = [*between, *draft[place:]][:limit] if between is not None else guess(request, answer.ids)


def resume(draft: Sequence[int], place: int, token: int, request: Sequence[int]) -> tuple[int, Sequence[int] | None]:
    """Where the draft goes on when the answer had `token` instead of what it has at `place`, and what the answer is
    likely to have before that; None when it is not likely to go on with the draft."""
    if place >= len(draft):
        return place, None
    instead = draft[place]
    if FIRST_FUNCTION <= token < FIRST_TEXT_ID:
        return (place, None) if instead == EOS else (place + 1, ())
    for i in range(max(place - 1, 0), len(draft)):
        if draft[i] == token:  # the draft had more before it
            return i + 1, ()
        if i > place and token >= FIRST_TEXT_ID and FIRST_FUNCTION <= draft[i] < FIRST_TEXT_ID:
            break  # another call
    if token < FIRST_TEXT_ID:
        return place, () if token == SEP else None
    if instead < FIRST_TEXT_ID:  # the answer says more than the draft
        return place, None
    for gap in range(GUESS):  # the draft has left out what the request has between the two
        for i in range(len(request) - gap - 1):
            if request[i] == token and request[i + gap + 1] == instead:
                return place, request[i + 1 : i + gap + 1]
    return place + 1, ()  # another word in its place


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
