"""What every `Decider` does: the script, and the ONNX model where one is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_sight
from PIL import Image

from actions.catalogue import FUNCTIONS, make_call
from actions.errors import InputError, ModelError
from agent.bundle import Bundle, Embedding, sha256_of
from agent.scripted import ScriptedDecider
from agent.types import Decider, Observer, Percept
from device.choose import TEXT_MODEL
from device.deferred import DeferredDecider
from device.models.places import folder

TINY = Path(__file__).parent.parent / "tiny_model"  # a few kilobytes with the true signature, made by a script in it
REQUESTS = (
    "text mom i'll be late",
    "跟小明说我晚点到",
    "发email给Tom说我晚点到",
    "uh so like the",
    "<fn_3> </s> <call>",
)


def _onnx(where: Path) -> Decider:
    if not (where / "manifest.json").is_file():
        pytest.skip(f"there is no model in {where}")
    from agent.onnx_decider import OnnxDecider

    return OnnxDecider(where)


def _with_eyes(where: Path) -> Path:
    """The tiny model with the tiny tower beside it, in the empty folder `where`."""
    for name in ("graph.onnx", "tokenizer.json", "weights.bin", "manifest.json"):
        shutil.copy(TINY / name, where)
    before = set(where.iterdir())
    tiny_sight.give_eyes(where, hidden=Embedding(Bundle(TINY))([0]).shape[2])
    manifest = json.loads((where / "manifest.json").read_text(encoding="utf-8"))
    manifest["sha256"] |= {file.name: sha256_of(file) for file in set(where.iterdir()) - before}
    (where / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return where


DECIDERS: dict[str, Callable[[Path], Decider]] = {
    "scripted": lambda _: ScriptedDecider({REQUESTS[0]: [make_call("send_text", "mom", "i'll be late")]}),
    "tiny": lambda _: _onnx(TINY),
    "seeing": lambda empty: _onnx(_with_eyes(empty)),
    "deferred": lambda empty: DeferredDecider(lambda: _onnx(_with_eyes(empty))),
    "built": lambda _: _onnx(folder(TEXT_MODEL)),
}


@pytest.fixture(
    scope="module",
    params=[pytest.param(kind, marks=pytest.mark.slow if kind == "built" else ()) for kind in DECIDERS],
)
def decider(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Decider:
    made = DECIDERS[request.param](tmp_path_factory.mktemp("decider"))
    assert isinstance(made, Decider)
    return made


@pytest.mark.parametrize("text", REQUESTS)
def test_every_request_gets_valid_calls(decider: Decider, text: str) -> None:
    decision = decider.decide(Percept(text))
    assert decision.calls
    for call in decision.calls:
        assert tuple(call.args) == FUNCTIONS[call.name].argument_names
        make_call(call.name, *call.args.values())
    assert 0 <= decision.confidence <= 1


def test_the_language_is_that_of_the_request(decider: Decider) -> None:
    assert decider.decide(Percept("text mom i'll be late")).lang == "en"
    assert decider.decide(Percept("跟小明说我晚点到")).lang == "zh"
    assert decider.decide(Percept("ok", lang="zh")).lang == "zh"


def test_the_same_request_gets_the_same_answer(decider: Decider) -> None:
    first, again = (decider.decide(Percept(REQUESTS[0])) for _ in range(2))
    assert (first.calls, first.confidence) == (again.calls, again.confidence)


def test_a_picture_is_no_hindrance(decider: Decider) -> None:
    assert decider.decide(Percept(REQUESTS[0], image=Image.new("RGB", (64, 48)))).calls


def test_a_picture_looked_at_before_changes_nothing(decider: Decider) -> None:
    if not isinstance(decider, Observer):
        pytest.skip("it has no eyes, and does not claim any")
    first, second = (Image.new("RGB", (64, 48), "green") for _ in range(2))
    decider.look(first)
    ahead, late = (decider.decide(Percept(REQUESTS[0], image=image)) for image in (first, second))
    assert (ahead.calls, ahead.confidence) == (late.calls, late.confidence)


def test_a_question_about_a_picture_leaves_the_next_request_alone(decider: Decider) -> None:
    if not isinstance(decider, Observer):
        pytest.skip("it has no eyes, and does not claim any")
    before = decider.decide(Percept(REQUESTS[0]))
    picture = Image.new("RGB", (64, 48), "green")
    words = [decider.describe(picture, "what is this") for _ in range(2)]
    assert words[0] == words[1]
    if decider.look(picture) is None:
        assert words[0] == ""
    else:
        with pytest.raises(InputError):
            decider.describe(picture, "")
    after = decider.decide(Percept(REQUESTS[0]))
    assert (before.calls, before.confidence) == (after.calls, after.confidence)


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\u200b"])
def test_a_request_without_words_is_refused(decider: Decider, text: str) -> None:
    with pytest.raises(InputError) as caught:
        decider.decide(Percept(text))
    assert caught.value.spoken("zh") != caught.value.spoken("en")


@pytest.mark.parametrize("text", ["word " * 2000, "字" * 20_000, "a" * 100_000])
def test_a_request_that_is_far_too_long_is_refused(decider: Decider, text: str) -> None:
    with pytest.raises(InputError, match="too long"):
        decider.decide(Percept(text))


def test_a_script_is_what_a_batch_writes(tmp_path: Path) -> None:
    line = {"id": 1, "transcript": "Text Mom hi.", "lang": "en", "calls": [], "ms": {"total": 1.0}}
    line["calls"] = [{"name": "send_text", "args": {"recipient": "mom", "message": "hi"}}]
    (tmp_path / "script.jsonl").write_text(json.dumps(line) + "\n\n")
    decider = ScriptedDecider.from_file(tmp_path / "script.jsonl")
    assert decider.decide(Percept("text mom hi")).calls == (make_call("send_text", "mom", "hi"),)
    assert decider.decide(Percept("something else")).calls == (make_call("none", "unclear"),)


@pytest.mark.parametrize(
    "line",
    [
        "no json",
        "{}",
        '{"transcript": "x", "calls": [{"name": "fly", "args": {}}]}',
        '{"transcript": "x", "calls": [{"name": "send_text", "args": {"recipient": "mom"}}]}',
        '{"transcript": "x", "calls": [{"name": "none", "args": {"reason": "bored"}}]}',
    ],
)
def test_a_wrong_script_says_where(tmp_path: Path, line: str) -> None:
    (tmp_path / "script.jsonl").write_text(f"\n{line}\n")
    with pytest.raises(ModelError, match=r"script\.jsonl:2"):
        ScriptedDecider.from_file(tmp_path / "script.jsonl")


def test_a_script_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot read"):
        ScriptedDecider.from_file(tmp_path / "script.jsonl")
