"""The built model looks at the demo's photo: what it sees is used where the words point, and nowhere else. Slow."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from agent.onnx_decider import OnnxDecider
from agent.picture import load_picture
from agent.types import Percept
from device.models.places import folder
from device.text_model import NAME, status_of_text_model

pytestmark = pytest.mark.slow
PHOTO = Path(__file__).parents[1] / "data" / "photo.jpg"
NOTHING = Image.new("RGB", (320, 240), (6, 6, 6))


@pytest.fixture(scope="module")
def decider() -> OnnxDecider:
    state = status_of_text_model().state
    if state != "built":
        pytest.skip(f"the text model is {state}: tako models fetch gemma-3-270m, then tako models build")
    decider = OnnxDecider(folder(NAME))
    if not decider.sees:
        pytest.skip("this release has no eyes")
    return decider


def argument(decider: OnnxDecider, text: str, image: Image.Image) -> str:
    """The last argument of the first call."""
    call = decider.decide(Percept(text, image=image)).calls[0]
    assert call.name == "amazon_shopping", text
    return list(call.args.values())[-1]


@pytest.mark.parametrize("text", ["buy this on amazon", "在亚马逊上买这个"])
def test_it_names_what_is_pointed_at_and_asks_when_there_is_nothing(decider: OnnxDecider, text: str) -> None:
    photo = load_picture(PHOTO)
    seen = decider.look(photo)
    assert seen is not None
    said = argument(decider, text, photo)
    name = seen.names[0][0]
    assert said in (name.en, name.plural, name.zh, *name.general)
    assert said.isascii() == text.isascii()
    assert argument(decider, text, NOTHING) == ""


def test_words_win_over_the_picture(decider: OnnxDecider) -> None:
    for text, product in (("buy a blue kettle on amazon", "blue kettle"), ("在亚马逊上买一个蓝色水杯", "蓝色水杯")):
        assert argument(decider, text, load_picture(PHOTO)) == product


def test_it_says_what_it_sees(decider: OnnxDecider) -> None:
    photo = load_picture(PHOTO)
    for question in ("what is this", "这是什么"):
        said = decider.describe(photo, question)
        assert 4 <= len(said) <= 200
        assert said.isascii() == question.isascii()
