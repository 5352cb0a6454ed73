"""Checks the built bundle against the torch model, token by token: `python -m training.parity --base F
--checkpoint F --bundle DIR`.

The torch model has the same four-bit weights but the unrounded change and exact activations, so a few answers may
differ; the share of equal answers and the largest difference of the first logits are printed, and the program
fails below `--least`. What the rounding to four bits costs is shown by `training.evaluate`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

from agent.bundle import Bundle
from agent.decoding import decode
from agent.engine import Engine
from agent.grammar import Grammar, choose
from agent.onnx_decider import ANSWER_ROOM, OnnxDecider
from agent.prompt import encode_request
from agent.weights import BaseWeights
from training.data.requests import read_examples
from training.model import Gemma


@torch.no_grad()
def torch_answer(model: Gemma, grammar: Grammar, request: list[int], room: int) -> tuple[list[int], np.ndarray]:
    """Greedy answer under the grammar without cache, and the logits of its first token."""
    ids, first = list(request), None
    grammar.restart()
    while not grammar.finished and len(ids) < room:
        logits = model.logits(model.hidden(torch.tensor([ids]))[0, -1:])[0].numpy()
        first = logits if first is None else first
        token = choose(logits, grammar.state())
        grammar.advance(token)
        ids.append(token)
    assert first is not None
    return ids[len(request) :], first


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--release", type=Path, default=Path("models/text"))
    parser.add_argument("--dev", type=Path, default=Path("training/data/dev"))
    parser.add_argument("--every", type=int, default=20, help="takes every so many-th request")
    parser.add_argument("--least", type=float, default=0.95)
    options = parser.parse_args()
    state = torch.load(options.checkpoint, weights_only=True)["model"]
    rank = state["layers.0.attn_q.a"].shape[0]
    model = Gemma(BaseWeights(options.base), np.load(options.release / "vocabulary.npz")["rows"], rank)
    model.load_state_dict(state, strict=False)
    model.refresh(torch.float32)
    decider = OnnxDecider(options.bundle)
    engine, grammar = Engine(Bundle(options.bundle)), Grammar(decider.tokenizer)
    equal = n = 0
    apart = 0.0
    for path in sorted(options.dev.glob("*.txt")):
        for example in read_examples(path)[:: options.every]:
            request = encode_request(decider.tokenizer, example.text)
            room = 2 * len(request) + ANSWER_ROOM
            wanted, logits = torch_answer(model, grammar, request, room)
            engine.restart(room)
            row = engine.append(engine.embedding(request), [len(request) - 1])[0]
            apart = max(apart, float(np.abs(row - logits).max()))
            engine.restart(room)
            got = decode(engine, grammar, request).ids
            equal, n = equal + (got == wanted), n + 1
            if got != wanted:
                print(example.text)
                print("  torch", decider.tokenizer.decode(wanted))
                print("  onnx ", decider.tokenizer.decode(got))
    print(f"{equal} of {n} answers equal token by token; first logits differ by at most {apart:.3f}")
    sys.exit(equal / n < options.least)


if __name__ == "__main__":
    main()
