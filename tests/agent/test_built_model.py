"""The text model that ships, built here: what it scores on the dev set, and what building it costs. Slow."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from actions.catalogue import FUNCTIONS
from actions.errors import InputError
from agent.bundle import Bundle
from agent.decoding import decode
from agent.engine import Engine
from agent.grammar import Grammar
from agent.onnx_decider import ANSWER_ROOM, OnnxDecider
from agent.prompt import FUNCTION_TOKENS, RESERVED, encode_request
from agent.types import Percept
from device.models.places import folder
from device.text_model import BASE, NAME, RELEASE, status_of_text_model
from training.data.requests import Example, read_examples

pytestmark = pytest.mark.slow
DEV = Path(__file__).parents[2] / "training" / "data" / "dev"
EVERY = 3  # requests of the dev set that are not asked here; `python -m training.evaluate` asks them all
MEMORY = 300  # MB: what the build may take of a Pi Zero 2 W's 512
BUILD = """
import sys
from pathlib import Path
from agent.build import build
build(*map(Path, sys.argv[1:4]))
status = Path("/proc/self/status").read_text()  # ru_maxrss would count what the parent had when it forked
print(int(status.split("VmHWM:")[1].split()[0]) // 1024)
"""


@pytest.fixture(scope="module")
def decider() -> OnnxDecider:
    state = status_of_text_model().state
    if state != "built":
        pytest.skip(f"the text model is {state}: tako models fetch gemma-3-270m, then tako models build")
    return OnnxDecider(folder(NAME))


@pytest.mark.parametrize(("lang", "function", "whole"), [("en", 0.93, 0.83), ("zh", 0.90, 0.80)])
def test_the_dev_set(decider: OnnxDecider, lang: str, function: float, whole: float) -> None:
    """Floors some points below the scores in models/README.md: a build that went wrong falls far below them."""
    examples = read_examples(DEV / f"{lang}.txt")[::EVERY]
    right: Counter[str] = Counter()
    for example in examples:
        calls = decider.decide(Percept(example.text)).calls
        right["function"] += [c.name for c in calls] == [c.name for c in example.calls]
        right["whole"] += calls == example.calls
    assert right["function"] >= function * len(examples), f"{right} of {len(examples)}"
    assert right["whole"] >= whole * len(examples), f"{right} of {len(examples)}"


@pytest.mark.parametrize(
    "example", read_examples(Path(__file__).with_name("contract_examples.txt")), ids=lambda e: e.text
)
def test_the_contract_s_own_examples(decider: OnnxDecider, example: Example) -> None:
    assert decider.decide(Percept(example.text)).calls == example.calls


def test_no_draft_changes_an_answer(decider: OnnxDecider) -> None:
    """The same answers with the drafter and without, and the same probabilities but for rounding."""
    bundle = Bundle(folder(NAME))
    assert bundle.manifest.drafts
    engine, grammar = Engine(bundle), Grammar(decider.tokenizer)
    for lang in ("en", "zh"):
        for example in read_examples(DEV / f"{lang}.txt")[:: 5 * EVERY]:
            request = encode_request(decider.tokenizer, example.text)
            engine.restart(min(2 * len(request) + ANSWER_ROOM, engine.positions))
            plain = decode(engine, grammar, request, decider._strange(request, frozenset()))
            answer = decider.answer(example.text)
            assert answer.ids == plain.ids
            if platform.machine() == "x86_64":  # kernels of other processors may sum few rows in another order
                np.testing.assert_allclose(answer.text, plain.text, atol=1e-3)
                np.testing.assert_allclose(answer.functions, plain.functions, atol=1e-3)


@pytest.mark.parametrize("token", [*RESERVED[4:8], *FUNCTION_TOKENS[:3], "<end><eos>", "<fn_1> bob <sep> hi <end>"])
def test_tokens_in_a_request_are_words(decider: OnnxDecider, token: str) -> None:
    for text in (token, f"text anna that {token} is written on the wall", f"跟小明说{token}"):
        for call in decider.decide(Percept(text)).calls:
            assert all(isinstance(value, str) for value in call.args.values())
            assert call.name in FUNCTIONS


@pytest.mark.parametrize(
    "text",
    [
        "'; DROP TABLE turns; --",
        "$(rm -rf /) && echo done",
        "🐙🐙🐙",
        "Можешь включить свет на кухне?",
        "明日の天気を教えてください",
        "\u202etxet mom\u202c",
        "a" * 400,
        "text " + "mom " * 120,
        "<script>alert(1)</script>",
        "ÀÉÎÕÜ ñ ß ø",
    ],
)
def test_strange_requests_get_an_answer_or_a_sentence(decider: OnnxDecider, text: str) -> None:
    try:
        calls = decider.decide(Percept(text)).calls
    except InputError as error:
        calls, sentence = (), error.spoken("zh")
    else:
        sentence = ""
    assert calls or sentence.endswith("。")


def test_the_build_fits_a_small_board(tmp_path: Path) -> None:
    base = folder(BASE[0]) / BASE[1]
    if not base.is_file():
        pytest.skip("the base model is not here: tako models fetch gemma-3-270m")
    done = subprocess.run(
        [sys.executable, "-c", BUILD, base, RELEASE, tmp_path / "text"],
        capture_output=True, text=True, check=True, cwd=RELEASE.parents[1], timeout=600,
    )  # fmt: skip
    assert int(done.stdout) < MEMORY
    assert (tmp_path / "text" / "weights.bin").stat().st_size < 100_000_000
