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

from agent.concepts import (
    ATTRIBUTES,
    CHINESE,
    CHOICES,
    ENGLISH,
    GENERAL,
    NEXT,
    WORD_SLOTS,
    Concepts,
    Mixture,
)
from agent.prompt import words

FIRSTS = (0, ENGLISH, ENGLISH + CHINESE, ENGLISH + CHINESE + NEXT, ENGLISH + CHINESE + 2 * NEXT)
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


def said(mixture: Mixture, tokenizer: Tokenizer, start: int, size: int) -> str:
    """What the choices say that have most of a slot."""
    ids = [
        int(mixture.ids[i, mixture.weights[i].argmax()])
        for i in range(start, start + size)
        if mixture.weights[i].max() > 0.5
    ]
    return str(tokenizer.decode(ids, skip_special_tokens=False))


def test_classes_of_one_name_count_together(concepts: Concepts) -> None:
    assert len(concepts.names) == tiny_sight.NAMES
    p = np.arange(len(tiny_sight.THINGS)) / np.arange(len(tiny_sight.THINGS)).sum()
    names = concepts.probabilities(p)
    assert names.sum() == pytest.approx(1)
    assert names[concepts.name_of[2]] == pytest.approx(p[2] + p[3])
    assert concepts.names[concepts.name_of[8]].plural == "scarves"


def test_the_slots_of_a_mixture(concepts: Concepts) -> None:
    generator = np.random.default_rng(4)
    for _ in range(20):
        names = generator.dirichlet(np.full(len(concepts.names), 0.3))
        mixture = concepts.mixture(names, {k: generator.dirichlet(np.ones(len(v))) for k, v in attributes().items()})
        assert mixture.ids.shape == mixture.weights.shape == (WORD_SLOTS, CHOICES)
        assert (mixture.ids.dtype, mixture.weights.dtype) == (np.int64, np.float32)
        sums = mixture.weights.sum(1)
        np.testing.assert_allclose(sums[[*FIRSTS, FIRSTS[-1] + GENERAL]], 1, atol=1e-5)
        np.testing.assert_allclose(sums[ATTRIBUTE:], 1, atol=1e-5)  # fewer choices than may share a slot
        assert (sums <= 1 + 1e-5).all()
        assert (mixture.weights >= 0).all()


def test_what_is_sure_is_said(concepts: Concepts, tokenizer: Tokenizer) -> None:
    mixture = concepts.mixture(sure(concepts, cat=0.9, dog=0.09), attributes(color=2, material=1, room=1))
    assert said(mixture, tokenizer, 0, ENGLISH) == " cat"
    assert said(mixture, tokenizer, ENGLISH, CHINESE) == "猫"
    assert said(mixture, tokenizer, FIRSTS[2], NEXT) == " dog"[:NEXT]  # bytes
    assert said(mixture, tokenizer, FIRSTS[3], NEXT) == "狗"
    assert said(mixture, tokenizer, FIRSTS[4], GENERAL) == " cat"[:GENERAL]
    assert [said(mixture, tokenizer, ATTRIBUTE + i, 1) for i in range(3)] == [" ", " ", " "]
    assert mixture.weights[0, 0] > 0.98
    assert mixture.weights[FIRSTS[2], 0] > 0.95


def test_what_is_unsure_is_a_blend_that_leans_to_the_likelier(concepts: Concepts, tokenizer: Tokenizer) -> None:
    mixture = concepts.mixture(sure(concepts, cat=0.6, dog=0.4), attributes())
    heavy, light = mixture.weights[1, :2]
    assert heavy / light == pytest.approx((0.6 / 0.4) ** 2, rel=1e-3)
    assert mixture.ids[1, :2].tolist() == [words(tokenizer, "cat")[1], words(tokenizer, "dog")[1]]


def test_generals_add_up(concepts: Concepts, tokenizer: Tokenizer) -> None:
    mixture = concepts.mixture(sure(concepts, apple=0.27, banana=0.27, cat=0.46), attributes())
    assert said(mixture, tokenizer, 0, 4) == " cat"
    assert said(mixture, tokenizer, FIRSTS[4], GENERAL) == " fruit"[:GENERAL]


def test_a_shorter_name_leaves_its_slots_empty(concepts: Concepts) -> None:
    mixture = concepts.mixture(sure(concepts, cat=1.0), attributes())
    assert mixture.weights[ENGLISH - 1, 0] == 0  # "cat" has four bytes with its space
    assert mixture.ids[ENGLISH - 1, 0] == 0
    assert mixture.weights[ENGLISH + 3 : ENGLISH + CHINESE, 0].max() == 0


@pytest.mark.parametrize("count", [1, 2, 5, 6, 7])
def test_a_small_table_will_do(tokenizer: Tokenizer, count: int) -> None:
    rows = [thing for i, thing in enumerate(tiny_sight.table()["concepts"]) if i != 3][:count]
    small = Concepts(tiny_sight.table() | {"concepts": rows}, tokenizer)
    names = np.linspace(1, 2, count) / np.linspace(1, 2, count).sum()
    mixture = small.mixture(names, attributes())
    assert mixture.weights[0].sum() == pytest.approx(1)
    assert (mixture.weights[0] > 0).sum() == min(count, CHOICES)
    assert mixture.weights[FIRSTS[2]].sum() == pytest.approx(float(count > 1))


def test_what_may_be_said(concepts: Concepts, tokenizer: Tokenizer) -> None:
    sayable = concepts.sayable(sure(concepts, scarf=0.95))
    for text in ("scarf", "scarves", "围巾", "clothes", "衣服", "red", "木头", "garage"):
        assert sayable >= set(words(tokenizer, text)), text
    assert not sayable >= set(words(tokenizer, "苹果"))  # among the likeliest, but less than one in fifty
    assert concepts.sayable(sure(concepts, scarf=0.5, apple=0.4)) >= set(words(tokenizer, "苹果"))


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
