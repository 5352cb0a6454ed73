"""Photos as from a hand: square, in colours, and the same again from the same seed."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image

from training.vision.augment import as_from_a_hand

PHOTO = Path(__file__).parents[1] / "data" / "photo.jpg"


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return Image.open(PHOTO).convert("RGB")


def test_it_is_a_square_in_rgb(photo: Image.Image) -> None:
    wide, high = photo.resize((161, 90)), photo.resize((90, 161))
    for seed in range(150):
        for picture in (wide, high):
            made = as_from_a_hand(picture, Random(seed))
            assert made.mode == "RGB"
            assert made.width == made.height
            assert 0.6 * 90 <= made.width <= 161


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (3, 2), (9, 8)])
def test_the_smallest_picture_survives(size: tuple[int, int]) -> None:
    for seed in range(120):
        made = as_from_a_hand(Image.new("RGB", size, "red"), Random(seed))
        assert made.width == made.height >= 1


def test_the_same_seed_gives_the_same(photo: Image.Image) -> None:
    small = photo.resize((120, 90))
    made = [np.asarray(as_from_a_hand(small, Random(seed))) for seed in (*range(30), *range(30))]
    for first, again in zip(made[:30], made[30:], strict=True):
        np.testing.assert_array_equal(first, again)
    assert len({one.tobytes() for one in made}) > 25


def test_without_strength_it_is_cropped_and_mirrored_only() -> None:
    """Every colour stays one of the picture's two, or the grey of the ground."""
    picture = Image.new("RGB", (120, 80), (10, 200, 30))
    picture.paste((200, 10, 30), (0, 0, 60, 80))
    for seed in range(60):
        colors = {color for _, color in as_from_a_hand(picture, Random(seed), 0).getcolors(1 << 16) or []}
        strange = colors - {(10, 200, 30), (200, 10, 30)}
        assert len(strange) <= 1
        assert all(r == g == b for r, g, b in strange)


def test_most_of_the_thing_stays_on_it() -> None:
    """No edge of nothing comes in: a white picture stays without black, but for the grey ground of a whole one."""
    picture = Image.new("RGB", (97, 61), "white")
    for seed in range(200):
        made = np.asarray(as_from_a_hand(picture, Random(seed), 0))
        assert made.min() == 255 or 60 <= made.min() < 220
