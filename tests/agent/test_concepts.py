"""The table of what can be recognised: probabilities become word slots, and words that may be said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_sight
from tokenizers import Tokenizer

from agent.concepts import ATTRIBUTES, BREED, GENERAL, NAME, NEXT, SURENESS, WORD_SLOTS, Concepts, Wording
from agent.prompt import words

SIZES = (*NAME, *NEXT, *GENERAL)
FIRSTS = [sum(SIZES[:i]) for i in range(len(SIZES))]
ATTRIBUTE = WORD_SLOTS - len(ATTRIBUTES)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return tiny_sight.tokenizer()


@pytest.fixture(scope="module")
def concepts(tokenizer: Tokenizer) -> Concepts:
    return Concepts(tiny_sight.table(), tokenizer)


def sure(concepts: Concepts, **likely: float) -> np.ndarray:
    """Probabilities of the names, what is left spread evenly."""
    p = np.full(len(concepts.names), (1 - sum(likely.values())) / len(concepts.names))
    for name, share in likely.items():
        p[[n.en for n in concepts.names].index(name.replace("_", " "))] += share
    return p


def attributes(**likely: int) -> dict[str, np.ndarray]:
    return {kind: np.eye(len(tiny_sight.table()[kind]))[likely.get(kind, 0)].astype(np.float32) for kind in ATTRIBUTES}


def said(wording: Wording, group: int) -> list[int]:
    """The token ids in a group of slots."""
    places = slice(FIRSTS[group], FIRSTS[group] + SIZES[group])
    return [int(i) for i in wording.ids[places][wording.weights[places] > 0]]


def test_classes_of_one_name_count_together(concepts: Concepts) -> None:
    assert len(concepts.names) == tiny_sight.NAMES
    p = np.arange(len(tiny_sight.THINGS)) / np.arange(len(tiny_sight.THINGS)).sum()
    names = concepts.probabilities(p)
    assert names.sum() == pytest.approx(1)
    assert names[concepts.name_of[2]] == pytest.approx(p[2] + p[3])
    assert concepts.names[concepts.name_of[8]].plural == "scarves"


def test_the_slots_of_a_wording(concepts: Concepts) -> None:
    generator = np.random.default_rng(4)
    for _ in range(20):
        names = generator.dirichlet(np.full(len(concepts.names), 0.3))
        shares = {k: generator.dirichlet(np.ones(len(v))) for k, v in attributes().items()}
        wording = concepts.wording(names, shares)
        assert wording.ids.shape == wording.weights.shape == (WORD_SLOTS,)
        assert (wording.ids.dtype, wording.weights.dtype) == (np.int64, np.float32)
        assert wording.sureness.shape == (SURENESS,)
        assert set(wording.weights[:ATTRIBUTE].tolist()) <= {0.0, 1.0}
        assert (wording.weights[[FIRSTS[i] for i in (0, 1, 4, 5)]] == 1).all()
        np.testing.assert_allclose(wording.weights[ATTRIBUTE:], [shares[k].max() for k in ATTRIBUTES], rtol=1e-6)
        assert ((wording.sureness >= 0) & (wording.sureness <= 1 + 1e-6)).all()


def test_the_likeliest_is_said_whole_and_the_next_beside_it(concepts: Concepts, tokenizer: Tokenizer) -> None:
    wording = concepts.wording(sure(concepts, apple=0.6, scarf=0.3), attributes(color=2, material=1, room=1))
    wanted = (" apple", "苹果", " scarf", "围巾", " fruit", "水果")
    for group, text in enumerate(wanted):
        assert said(wording, group) == words(tokenizer, text.strip())[: SIZES[group]]
    assert wording.ids[ATTRIBUTE:].tolist() == [words(tokenizer, w)[0] for w in ("blue", "wood", "garage")]
    rest = 0.1 / len(concepts.names)
    others = 2 * rest  # banana is a fruit as well
    np.testing.assert_allclose(wording.sureness[:3], [0.6 + rest, 0.3 + rest, 0.6 + others], rtol=1e-5)
    assert wording.sureness[3] == pytest.approx(1 - 2 * rest, rel=1e-5)


def test_what_is_hardly_probable_is_not_thought_of(concepts: Concepts, tokenizer: Tokenizer) -> None:
    wording = concepts.wording(sure(concepts, scarf=0.97), attributes())
    assert said(wording, 1) == words(tokenizer, "围巾")[: NAME[1]]
    assert said(wording, 2) == said(wording, 3) == []
    assert wording.sureness[1] == 0


def test_generals_add_up(concepts: Concepts, tokenizer: Tokenizer) -> None:
    wording = concepts.wording(sure(concepts, apple=0.27, banana=0.27, scarf=0.46), attributes())
    assert said(wording, 1) == words(tokenizer, "围巾")[: NAME[1]]
    assert said(wording, 5) == words(tokenizer, "水果")[: GENERAL[1]]


def test_a_shorter_name_leaves_its_slots_empty(concepts: Concepts) -> None:
    wording = concepts.wording(sure(concepts, cat=1.0), attributes())
    assert wording.weights[NAME[0] - 1] == 0  # "cat" has four bytes with its space
    assert wording.ids[NAME[0] - 1] == 0
    assert wording.weights[FIRSTS[1] + 3 : FIRSTS[2]].max() == 0


@pytest.mark.parametrize(("share", "wanted"), [(0.95, "poodle"), (0.5, "dog")])
def test_a_breed_is_said_where_it_is_clear(tokenizer: Tokenizer, share: float, wanted: str) -> None:
    table = tiny_sight.table()
    breeds = [
        {"en": en, "plural": f"{en}s", "zh": zh, "general_en": "dog", "general_zh": "狗"}
        for en, zh in (("poodle", "贵宾犬"), ("pug", "巴哥犬"))
    ]
    concepts = Concepts(table | {"concepts": [*table["concepts"], *breeds]}, tokenizer)
    assert BREED["dog"] > 0.5
    names = sure(concepts, poodle=share, pug=0.96 - share)
    first, other = concepts.likeliest(names)
    assert concepts.names[first].en == wanted
    assert other is None  # another breed would only tempt, and nothing else is probable
    if wanted == "dog":
        sureness = concepts.wording(names, attributes()).sureness
        assert sureness[0] == pytest.approx(names[[n.general[0] == "dog" for n in concepts.names]].sum(), rel=1e-5)
        assert concepts.sayable(names) >= set(words(tokenizer, "dog"))


@pytest.mark.parametrize("count", [1, 2, 5, 6, 7])
def test_a_small_table_will_do(tokenizer: Tokenizer, count: int) -> None:
    rows = [thing for i, thing in enumerate(tiny_sight.table()["concepts"]) if i != 3][:count]
    small = Concepts(tiny_sight.table() | {"concepts": rows}, tokenizer)
    names = np.linspace(1, 2, count) / np.linspace(1, 2, count).sum()
    wording = small.wording(names, attributes())
    assert wording.weights[0] == 1
    assert wording.sureness[0] == pytest.approx(names.max())


def test_what_may_be_said(concepts: Concepts, tokenizer: Tokenizer) -> None:
    sayable = concepts.sayable(sure(concepts, scarf=0.95))
    for text in ("scarf", "scarves", "围巾", "clothes", "衣服", "red", "木头", "garage"):
        assert sayable >= set(words(tokenizer, text)), text
    sayable = concepts.sayable(sure(concepts, scarf=0.5, apple=0.3, bicycle=0.1))
    assert sayable >= set(words(tokenizer, "苹果"))
    assert not sayable >= set(words(tokenizer, "自行车"))  # in no slot


def without(key: str) -> Callable[[dict[str, Any]], object]:
    return lambda table: table.pop(key)


@pytest.mark.parametrize(
    "harm",
    [without("concepts"), without("room"), lambda table: table["concepts"][2].pop("plural")],
)
def test_a_table_that_lacks_something_is_refused(
    tmp_path: Path, tokenizer: Tokenizer, harm: Callable[[dict[str, Any]], object]
) -> None:
    table = tiny_sight.table()
    (tmp_path / "t.json").write_text(json.dumps(table), encoding="utf-8")
    assert len(Concepts.read(tmp_path / "t.json", tokenizer).names) == tiny_sight.NAMES
    harm(table)
    (tmp_path / "t.json").write_text(json.dumps(table), encoding="utf-8")
    with pytest.raises(KeyError):
        Concepts.read(tmp_path / "t.json", tokenizer)


def test_what_is_no_table_is_refused(tmp_path: Path, tokenizer: Tokenizer) -> None:
    with pytest.raises(OSError):
        Concepts.read(tmp_path / "none.json", tokenizer)
    (tmp_path / "t.json").write_bytes(b"\xff\xfe nothing")
    with pytest.raises(ValueError):
        Concepts.read(tmp_path / "t.json", tokenizer)
