"""Vectors of phrases: what holds of any table, on the tiny model; what the built model is good for (slow)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from actions.errors import ModelError
from actions.recycling.recycling_rules import matcher_of_things, things
from agent.meaning import LONGEST, TextMeaning, unit
from device.models.places import folder
from device.text_model import NAME, status_of_text_model

TINY = Path(__file__).parents[1] / "tiny_model"
HELD_OUT = Path(__file__).parents[1] / "data" / "recycling_phrases.tsv"


@pytest.fixture(scope="module")
def tiny() -> TextMeaning:
    return TextMeaning.read(TINY)


@pytest.fixture(scope="module")
def built() -> TextMeaning:
    state = status_of_text_model().state
    if state != "built":
        pytest.skip(f"the text model is {state}: tako models fetch gemma-3-270m, then tako models build")
    return TextMeaning.read(folder(NAME))


def test_texts_are_unit_vectors_of_one_space(tiny: TextMeaning) -> None:
    vectors = tiny.of_texts(["email anna", "给安娜发邮件", "email anna"])
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.array_equal(vectors[0], vectors[2])
    assert not np.allclose(vectors[0], vectors[1])


def test_a_vector_does_not_depend_on_the_texts_beside_it(tiny: TextMeaning) -> None:
    alone = tiny.of_texts(["email anna"])[0]
    assert np.allclose(tiny.of_texts(["buy milk", "email anna", "你好"])[1], alone, atol=1e-6)


@pytest.mark.parametrize("text", ["", " ", "\x00\n"])
def test_a_text_without_words_is_like_nothing(tiny: TextMeaning, text: str) -> None:
    assert not tiny.of_texts([text]).any()
    assert tiny.of_texts([]).shape[0] == 0


def test_a_text_without_end_is_read_up_to_a_point(tiny: TextMeaning) -> None:
    long = "a" * LONGEST
    assert np.array_equal(tiny.of_texts([long])[0], tiny.of_texts([long + "b" * 5_000_000])[0])


def test_pictures_are_left_to_the_eyes(tiny: TextMeaning) -> None:
    assert tiny.of_picture(Path("photo.jpg")) is None


def test_no_model_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no language model"):
        TextMeaning.read(tmp_path)


def test_unit_keeps_nothing_as_nothing() -> None:
    assert np.allclose(unit(np.array([[3.0, 4.0], [0.0, 0.0]])), [[0.6, 0.8], [0.0, 0.0]])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        ("smartphone", "mobile phone", "frying pan"),
        ("sneakers", "running shoes", "batteries"),
        ("电话", "手机", "香蕉皮"),
        ("banana peel", "香蕉皮", "电池"),
        ("电池", "battery", "curtain"),
    ],
)
def test_what_means_the_like_is_nearer(built: TextMeaning, text: str, near: str, far: str) -> None:
    a, b, c = built.of_texts([text, near, far])
    assert a @ b > a @ c + 0.1


@pytest.mark.slow
@pytest.mark.parametrize(("lang", "floor", "gain"), [("en", 0.55, 0.08), ("zh", 0.60, 0.04)])
def test_meaning_finds_things_that_spelling_does_not(built: TextMeaning, lang: str, floor: float, gain: float) -> None:
    """Floors some points below the figures of docs/meaning.md."""
    rows = [line.split("\t") for line in HELD_OUT.read_text("utf-8").splitlines() if not line.startswith("#")]
    asked = [(thing, text) for thing, of, text in rows if of == lang]
    assert len(asked) >= 150
    assert not {text for _, text in asked} & {p for names in things().values() for p in names.all}
    found = {}
    for name, matcher in (("spelling", matcher_of_things(None)), ("both", matcher_of_things(built))):
        best = [(thing, matcher.best(text, lang, 1)) for thing, text in asked]
        found[name] = sum(bool(m) and m[0].entry.payload == thing for thing, m in best) / len(asked)
    assert found["both"] >= max(floor, found["spelling"] + gain), found
