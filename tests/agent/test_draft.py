"""The drafter: what tags mean, the weights' file, and that no draft changes an answer."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from actions.catalogue import CATALOGUE, make_call
from actions.errors import ModelError
from agent.bundle import DRAFT, Bundle, sha256_of
from agent.decoding import decode, resume
from agent.draft import CLASSES, REACH, ROLES, STEPS, TAGS, Drafter, assemble, best_path
from agent.engine import Engine
from agent.grammar import Grammar
from agent.onnx_decider import OnnxDecider
from agent.prompt import END, EOS, FIRST_FUNCTION, FIRST_TEXT_ID, SEP, encode_calls, encode_request
from agent.types import Percept

TINY = Path(__file__).parents[1] / "tiny_model"
HIDDEN, WIDTH = 128, 8


@pytest.fixture(scope="module")
def decider() -> OnnxDecider:
    return OnnxDecider(TINY)


def tag(function: str, argument: str, choice: str = "", begins: bool = False) -> int:
    index = next(i for i, f in enumerate(CATALOGUE) if f.name == function)
    place = CATALOGUE[index].argument_names.index(argument)
    return 2 + 2 * ROLES.index((CLASSES.index((index, choice)), place)) - begins


def weights(path: Path, favourite: int = 0, first: int = 0) -> Path:
    """A file of random weights that tag every token alike."""
    random = np.random.default_rng(5)
    shapes = {"in": (HIDDEN, WIDTH), "tags": (WIDTH, TAGS), "other": (WIDTH, 2), "first": (2 * WIDTH, len(CLASSES))}
    for i in range(len(STEPS)):
        shapes |= {f"layer_{i}": (REACH * WIDTH, WIDTH), f"whole_{i}": (2 * WIDTH, WIDTH)}
    arrays: dict[str, np.ndarray] = {
        "others": np.array([FIRST_TEXT_ID + 70], np.int32),
        "after": np.zeros((TAGS, TAGS), np.int8),
        "after_scale": np.ones(TAGS, np.float32),
    }
    for name, shape in shapes.items():
        arrays[name] = random.integers(-127, 128, shape).astype(np.int8)
        arrays[f"{name}_scale"] = np.full(shape[1], 1e-3, np.float32)
        arrays[f"{name}_bias"] = np.zeros(shape[1], np.float32)
    arrays["tags_bias"][favourite] = 1e6
    arrays["first_bias"][first] = 1e6
    arrays["other_bias"][0] = 1e6
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
    return path


def with_drafter(folder: Path, favourite: int) -> Path:
    """The tiny bundle with a drafter."""
    shutil.copytree(TINY, folder)
    weights(folder / DRAFT, favourite)
    described = json.loads((folder / "manifest.json").read_text())
    described["sha256"][DRAFT] = sha256_of(folder / DRAFT)
    (folder / "manifest.json").write_text(json.dumps(described))
    return folder


def test_tags_become_calls(decider: OnnxDecider) -> None:
    said, tags = [], []
    for text, function, argument, begins in [
        ("tell ", "", "", False),
        ("Bo", "send_text", "recipient", True),
        (" i am late and buy ", "send_text", "message", True),
        ("eggs", "instacart_shopping", "items", True),
        (" and ", "", "", False),
        ("tea", "instacart_shopping", "items", True),
        ("lost", "", "", False),
        ("cap", "lost_and_found", "item", True),
    ]:
        ids = decider.tokenizer.encode(text).ids
        choice = "lost" if function == "lost_and_found" else ""
        said += ids
        tags += [tag(function, argument, choice, begins and i == 0) if function else 0 for i in range(len(ids))]
    wanted = [
        make_call("send_text", "Bo", "i am late and buy"),
        make_call("instacart_shopping", "eggs; tea"),
        make_call("lost_and_found", "lost", "cap"),
    ]
    assert assemble(decider.tokenizer, said, tags, 0) == encode_calls(decider.tokenizer, wanted)


def test_an_argument_that_begins_again_is_another_call(decider: OnnxDecider) -> None:
    a, b = decider.tokenizer.encode("ab").ids
    begin, on = tag("google_search", "query", begins=True), tag("google_search", "query")
    calls = [make_call("google_search", "a"), make_call("google_search", "b")]
    assert assemble(decider.tokenizer, [a, b], [begin, begin], 0) == encode_calls(decider.tokenizer, calls)
    assert assemble(decider.tokenizer, [a, b], [begin, on], 0) == encode_calls(
        decider.tokenizer, [make_call("google_search", "ab")]
    )


@pytest.mark.parametrize("first", range(len(CLASSES)))
def test_without_tags_the_first_class_counts(decider: OnnxDecider, first: int) -> None:
    function, choice = CLASSES[first]
    values = [choice if argument.choices else "" for argument in CATALOGUE[function].arguments]
    wanted = encode_calls(decider.tokenizer, [make_call(CATALOGUE[function].name, *values)])
    assert assemble(decider.tokenizer, [40, 41], [0, 0], first) == wanted


@pytest.mark.parametrize("seed", range(10))
def test_any_tags_make_a_valid_answer(decider: OnnxDecider, seed: int) -> None:
    random = np.random.default_rng(seed)
    grammar = Grammar(decider.tokenizer)
    ids = random.integers(FIRST_TEXT_ID, decider.tokenizer.get_vocab_size(), 8).tolist()
    draft = assemble(decider.tokenizer, ids, random.integers(0, TAGS, 8).tolist(), int(random.integers(len(CLASSES))))
    grammar.restart()
    for token in draft[: draft.index(END) + 1]:  # a draft may have more calls than an answer
        grammar.advance(token)
    assert draft[-2:] == [END, EOS]


def test_the_best_path_is_the_best_of_all() -> None:
    random = np.random.default_rng(1)
    scores, after = random.normal(size=(4, 3)), random.normal(size=(3, 3)) * 2
    total = {
        path: sum(scores[i, t] for i, t in enumerate(path)) + sum(after[a, b] for a, b in pairwise(path))
        for path in np.ndindex(3, 3, 3, 3)
    }
    assert tuple(best_path(scores, after)) == max(total, key=lambda path: total[path])


def test_a_drafter_saves_passes_and_changes_nothing(tmp_path: Path, decider: OnnxDecider) -> None:
    right = OnnxDecider(with_drafter(tmp_path / "right", 0))  # no tags: the first class, send_email
    text = "where is my scarf"
    plain = decider.answer(text)
    assert right.answer(text).ids == plain.ids
    first = CLASSES.index((next(i for i, f in enumerate(CATALOGUE) if f.name == "lost_and_found"), "lost"))
    weights(tmp_path / "right" / DRAFT, first=first)
    foreseen = OnnxDecider(tmp_path / "right").answer(text)
    assert foreseen.ids == plain.ids
    assert foreseen.passes == 1 < plain.passes


@pytest.mark.parametrize("favourite", range(0, TAGS, 3))
def test_whatever_is_drafted_the_decision_stays(tmp_path: Path, decider: OnnxDecider, favourite: int) -> None:
    astray = OnnxDecider(with_drafter(tmp_path / "text", favourite))
    for text in ("where is my scarf", "a", "跟小明说我到了", "text " + "mom " * 20):
        assert astray.decide(Percept(text)).calls == decider.decide(Percept(text)).calls


def test_the_drafter_s_own_answer_is_stable(tmp_path: Path, decider: OnnxDecider) -> None:
    drafter = Drafter(weights(tmp_path / DRAFT, tag("google_search", "query")), decider.tokenizer, embedding)
    request = encode_request(decider.tokenizer, "so what")
    assert drafter(request) == encode_calls(decider.tokenizer, [make_call("google_search", "so what")])


def embedding(ids: list[int]) -> np.ndarray:
    return np.random.default_rng(sum(ids)).normal(size=(1, len(ids), HIDDEN)).astype(np.float32)


@pytest.mark.parametrize("harm", ["missing", "cut", "other", "catalogue"])
def test_a_damaged_drafter_is_told(tmp_path: Path, harm: str) -> None:
    path = with_drafter(tmp_path / "text", 0) / DRAFT
    if harm == "missing":
        path.unlink()
    elif harm == "cut":
        path.write_bytes(path.read_bytes()[:-200])
    elif harm == "other":
        np.savez(path, rows=np.arange(3))
    else:
        with np.load(path) as file:
            arrays = dict(file)
        np.savez(path, **(arrays | {"first_bias": np.zeros(3, np.float32)}))
    with pytest.raises(ModelError, match="tako models build") as told:
        OnnxDecider(tmp_path / "text")
    assert "draft.npz" in told.value.spoken("en")


def test_a_changed_drafter_is_found(tmp_path: Path) -> None:
    folder = with_drafter(tmp_path / "text", 0)
    Bundle(folder).verify()
    weights(folder / DRAFT, 1)
    with pytest.raises(ModelError, match="has changed"):
        Bundle(folder).verify()


def test_where_a_draft_goes_on() -> None:
    a, b, c, d = range(100, 104)
    request = [2, a, b, c, d, 4]
    draft = [FIRST_FUNCTION + 1, a, SEP, c, d, END, EOS]
    assert resume(draft, 2, b, request) == (2, None)  # the answer says more before a mark: copied from the request
    assert resume(draft, 3, d, request) == (5, ())  # the draft had more
    assert resume(draft, 3, b, request) == (3, [])  # the draft has left it out
    assert resume(draft, 3, a, request) == (3, [b])
    assert resume(draft, 3, 999, request) == (4, ())  # another word in its place
    assert resume(draft, 3, END, request) == (6, ())
    assert resume(draft, 3, SEP, request) == (3, ())  # one argument more is left empty
    assert resume(draft, 0, FIRST_FUNCTION + 2, request) == (1, ())
    assert resume(draft, 6, FIRST_FUNCTION + 2, request) == (6, None)
    assert resume(draft, 7, c, request) == (7, None)


@pytest.mark.parametrize("room", [10, 64, 65])
def test_no_draft_is_longer_than_the_room(decider: OnnxDecider, room: int) -> None:
    engine, grammar = Engine(Bundle(TINY)), Grammar(decider.tokenizer)
    request = encode_request(decider.tokenizer, "where is my scarf")
    engine.restart(room)
    plain = decode(engine, grammar, request)
    for draft in ([*plain.ids[:-1], *[77] * 400], [77] * 400, [EOS] * 400):
        engine.restart(room)
        assert decode(engine, grammar, request, draft=draft).ids == plain.ids
        assert engine.length <= engine.room
