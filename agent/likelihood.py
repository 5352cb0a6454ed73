"""How likely several requests are, by the text model as a language model. Requests that begin alike are read once as
far as they are alike, so the readings of one utterance cost little more than one of them. Knows no tokenizer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agent.engine import Engine


def log_likelihoods(engine: Engine, requests: Sequence[Sequence[int]]) -> list[float]:
    """Log probability (natural logarithm) of each request's tokens but the first, which all have in common."""
    found = [0.0] * len(requests)
    engine.restart(max(map(len, requests), default=1))
    before: Sequence[int] = ()
    so_far = np.zeros(1)  # log probability of the first tokens of `before`, and of more and more of them
    for i in sorted(range(len(requests)), key=lambda i: list(requests[i])):
        request = requests[i]
        alike = max(1, _alike(before, request))
        engine.keep(alike - 1)
        fresh = request[alike - 1 : -1]
        if fresh:
            logits = engine.append(engine.embedding(list(fresh)), range(len(fresh)))
            steps = _log_probabilities(logits, request[alike:])
            so_far = np.concatenate((so_far[:alike], so_far[alike - 1] + np.cumsum(steps)))
        found[i], before = float(so_far[len(request) - 1]), request
    return found


def _alike(a: Sequence[int], b: Sequence[int]) -> int:
    """How many tokens two requests have in common from the start."""
    return next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _log_probabilities(logits: np.ndarray, chosen: Sequence[int]) -> np.ndarray:
    """Log probabilities (n,) of the chosen tokens, of logits (n, vocabulary)."""
    logits = logits - logits.max(axis=-1, keepdims=True)
    values: np.ndarray = logits[np.arange(len(chosen)), list(chosen)] - np.log(np.exp(logits).sum(axis=-1))
    return values
