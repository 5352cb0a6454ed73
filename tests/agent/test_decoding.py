"""Grammar, engine and decoding on the tiny model: only valid calls, and guessing changes nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from actions.catalogue import CATALOGUE, FUNCTIONS, make_call
from actions.errors import InputError, ModelError
from agent import decoding
from agent.bundle import Bundle
from agent.decoding import decode, guess
from agent.engine import Engine
from agent.grammar import Grammar, choose
from agent.onnx_decider import OnnxDecider
from agent.prompt import END, EOS, FIRST_FUNCTION, FIRST_TEXT_ID, SEP, decode_calls, encode_calls, encode_request, words
from agent.types import Percept

TINY = Path(__file__).parents[1] / "tiny_model"


@pytest.fixture(scope="module")
def decider() -> OnnxDecider:
    return OnnxDecider(TINY)


@pytest.fixture
def grammar(decider: OnnxDecider) -> Grammar:
    return Grammar(decider.tokenizer)


def test_the_tiny_model_decides_as_made(decider: OnnxDecider) -> None:
    assert decider.decide(Percept("where is my scarf")).calls == (make_call("lost_and_found", "lost", ""),)


@pytest.mark.parametrize("seed", range(40))
def test_random_logits_give_valid_calls(decider: OnnxDecider, grammar: Grammar, seed: int) -> None:
    random = np.random.default_rng(seed)
    size = decider.tokenizer.get_vocab_size()
    bias = random.normal(0, 3, size)
    grammar.restart()
    ids: list[int] = []
    while not grammar.finished:
        token = choose(bias + random.normal(0, 2, size), grammar.state())
        grammar.advance(token)
        ids.append(token)
    calls = decode_calls(decider.tokenizer, ids)
    assert all(tuple(c.args) == FUNCTIONS[c.name].argument_names for c in calls)
    assert len(calls) == 1 or all(c.name != "none" for c in calls)


@pytest.mark.parametrize(
    "wrong",
    [
        [EOS],
        [FIRST_FUNCTION + len(CATALOGUE)],
        [FIRST_FUNCTION + 1, END],
        [FIRST_FUNCTION + 1, SEP, SEP],
        [FIRST_FUNCTION + 1, FIRST_FUNCTION],
        [FIRST_FUNCTION + 5, FIRST_TEXT_ID + 5],
    ],
)
def test_what_is_not_valid_is_refused(grammar: Grammar, wrong: list[int]) -> None:
    grammar.restart()
    for token in wrong[:-1]:
        grammar.advance(token)
    with pytest.raises(ValueError, match="may not follow"):
        grammar.advance(wrong[-1])


def test_the_only_way_on_is_forced(decider: OnnxDecider, grammar: Grammar) -> None:
    grammar.restart()
    for token in encode_calls(decider.tokenizer, [make_call("none", "unsupported")])[:-2]:
        grammar.advance(token)
    assert grammar.forced() == END
    grammar.advance(END)
    assert grammar.forced() == EOS


def test_a_cache_that_grows_gives_what_one_pass_gives(decider: OnnxDecider) -> None:
    engine = Engine(Bundle(TINY))
    ids = encode_request(decider.tokenizer, "find the scarf i lost")
    engine.restart(64)
    at_once = engine.append(engine.embedding(ids), [len(ids) - 1])
    engine.restart(64)
    engine.append(engine.embedding(ids[:5]), [])
    engine.append(engine.embedding([9, 9, 9]), [0])
    engine.keep(5)
    in_parts = engine.append(engine.embedding(ids[5:]), [len(ids) - 6])
    np.testing.assert_allclose(at_once, in_parts, atol=1e-4)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("room", [64, 128, 300])
def test_guessing_changes_nothing(decider: OnnxDecider, monkeypatch: pytest.MonkeyPatch, seed: int, room: int) -> None:
    """Not by one token, wherever the room ends, and neither does any draft."""
    engine, grammar = Engine(Bundle(TINY)), Grammar(decider.tokenizer)
    # a random head writes long arguments, so that guesses are made, taken and thrown away
    random = np.random.default_rng(3)
    tilt = random.normal(0, 4, decider.tokenizer.get_vocab_size()).astype(np.float32) * (1 + seed)
    monkeypatch.setattr(decoding, "choose", lambda logits, state: choose(logits * 20 + tilt, state))
    request = encode_request(decider.tokenizer, "the the the cat cat sat sat aaaaaaa aaaaa")
    with monkeypatch.context() as without:
        without.setattr(decoding, "guess", lambda request, answer: [])
        engine.restart(room)
        plain = decode(engine, grammar, request)
    drafts: list[list[int]] = [[], plain.ids, [*plain.ids, *plain.ids]]
    for _ in range(12):
        wrong, at = list(plain.ids), int(random.integers(len(plain.ids)))
        other = random.integers(0, decider.tokenizer.get_vocab_size(), 3).tolist()
        drafts += [[*wrong[:at], *other, *wrong[at + k :]] for k in (0, 1, 3)]
        drafts += [[*wrong[:at], *wrong[at + 2 :]], other * 40, wrong[:at]]
    for draft in drafts:
        engine.restart(room)
        answer = decode(engine, grammar, request, draft=draft)
        assert answer.ids == plain.ids
        np.testing.assert_allclose(answer.functions, plain.functions, rtol=1e-5)
        np.testing.assert_allclose(answer.text, plain.text, rtol=1e-4, atol=1e-5)
        assert answer.passes <= plain.passes + (draft != plain.ids)
        assert draft != plain.ids or plain.passes == 1 or answer.passes < plain.passes


def test_a_token_alone_counts_once(decider: OnnxDecider) -> None:
    engine, ids = Engine(Bundle(TINY)), encode_request(decider.tokenizer, "find the scarf i lost")
    engine.restart(64)
    at_once = engine.append(engine.embedding(ids), range(len(ids)))
    engine.restart(64)
    one_by_one = [engine.append(engine.embedding([token]), [0])[0] for token in ids]
    assert engine.length == len(ids)
    np.testing.assert_allclose(at_once, one_by_one, rtol=1e-5, atol=1e-4)


def test_the_last_place_can_be_taken(decider: OnnxDecider) -> None:
    engine = Engine(Bundle(TINY))
    engine.restart(64)
    engine.append(engine.embedding([40] * 63), [])
    assert engine.append(engine.embedding([40]), [0]).shape == (1, decider.tokenizer.get_vocab_size())
    with pytest.raises(ModelError, match="keep in mind"):
        engine.append(engine.embedding([40]), [0])


def test_a_guess_is_what_follows_in_the_request() -> None:
    request = [2, 100, 101, 102, 100, 103, 104, 4]
    assert guess(request, [9, 100, 103]) == [104, END]  # where the request ends, the argument may
    assert guess(request, [9, 101]) == [102, 100, 103, 104, END]
    assert guess(request, [9, 999]) == []


def test_too_much_is_told(decider: OnnxDecider) -> None:
    with pytest.raises(InputError, match="too long"):
        decider.decide(Percept("again " * 2000))
    with pytest.raises(ModelError, match="keep in mind"):
        Engine(Bundle(TINY)).restart(100_000)


@pytest.mark.parametrize("harm", ["missing", "cut", "graph", "tokenizer", "manifest", "catalogue"])
def test_a_damaged_bundle_is_told(tmp_path: Path, harm: str) -> None:
    folder = tmp_path / "text"
    shutil.copytree(TINY, folder)
    if harm == "missing":
        (folder / "weights.bin").unlink()
    elif harm == "cut":
        (folder / "weights.bin").write_bytes((folder / "weights.bin").read_bytes()[:-100])
    elif harm == "catalogue":
        path = folder / "manifest.json"
        path.write_text(path.read_text().replace("describe_scene", "sing_a_song"))
    else:
        name = {"graph": "graph.onnx", "tokenizer": "tokenizer.json", "manifest": "manifest.json"}[harm]
        (folder / name).write_bytes(b"\x00not what it was")
    with pytest.raises(ModelError) as told:
        OnnxDecider(folder)
    assert "tako models build" in told.value.spoken("en")
    assert "tako models build" in told.value.spoken("zh")


def test_a_changed_byte_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "text"
    shutil.copytree(TINY, folder)
    Bundle(folder).verify()
    data = bytearray((folder / "weights.bin").read_bytes())
    data[500] ^= 1
    (folder / "weights.bin").write_bytes(data)
    with pytest.raises(ModelError, match="has changed"):
        Bundle(folder).verify()


def test_an_unsure_decision_is_refused() -> None:
    timid = OnnxDecider(TINY, refuse_below=1.1)
    decision = timid.decide(Percept("where is my scarf"))
    assert decision.calls == (make_call("none", "unclear"),)
    assert decision.refused == make_call("lost_and_found", "lost", "")


def test_words_are_bytes_in_the_tiny_tokenizer(decider: OnnxDecider) -> None:
    assert len(words(decider.tokenizer, "cat")) == 4  # with the space in front


def test_a_graph_of_another_version_is_refused(tmp_path: Path) -> None:
    """A bundle of release 0.1.0 does not say how many positions it has."""
    bundle = tmp_path / "text"
    shutil.copytree(TINY, bundle)
    graph = (bundle / "graph.onnx").read_bytes()
    (bundle / "graph.onnx").write_bytes(graph.replace(b"positions", b"posituons"))
    with pytest.raises(ModelError, match=r"another version.*tako models build"):
        Engine(Bundle(bundle))
