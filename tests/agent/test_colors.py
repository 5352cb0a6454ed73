"""Colours of pictures: CIELAB, and which of them are in the middle, at the border and in all."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from agent.colors import BINS, COLOR_FEATURES, SIDE, color_features, lab, shrunk

WHITE, RED = (255, 255, 255), (200, 25, 25)


def shares(picture: Image.Image) -> np.ndarray:
    """(3, bins): middle, border, all."""
    return color_features(shrunk(picture)).reshape(3, -1)


def nearest(rgb: tuple[int, int, int]) -> int:
    return int(((BINS - lab(np.array(rgb, np.uint8))) ** 2).sum(1).argmin())


@pytest.mark.parametrize(
    ("rgb", "wanted"),
    [
        ((255, 255, 255), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((128, 128, 128), (53.59, 0, 0)),
        ((10, 10, 10), (2.74, 0, 0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 255, 0), (87.73, -86.18, 83.18)),
        ((0, 0, 255), (32.30, 79.19, -107.86)),
    ],
)
def test_lab_of_known_values(rgb: tuple[int, int, int], wanted: tuple[float, float, float]) -> None:
    np.testing.assert_allclose(lab(np.array([[rgb]], np.uint8))[0, 0], wanted, atol=0.05)


@pytest.mark.parametrize("rgb", [RED, WHITE, (20, 90, 200), (128, 128, 128), (10, 10, 10), (240, 220, 60)])
def test_an_even_picture_has_its_colour_everywhere(rgb: tuple[int, int, int]) -> None:
    found = shares(Image.new("RGB", (200, 200), rgb))
    assert (found.argmax(1) == nearest(rgb)).all()
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)


def test_colours_that_people_tell_apart_are_apart() -> None:
    rgbs = [RED, (240, 140, 20), (240, 220, 60), (30, 140, 50), (30, 60, 200), (120, 40, 150), (250, 180, 200), WHITE]
    assert len({nearest(rgb) for rgb in rgbs}) == len(rgbs)


def test_a_white_border_is_no_part_of_the_thing() -> None:
    picture = Image.new("RGB", (200, 200), WHITE)
    picture.paste(RED, (20, 20, 180, 180))
    middle, border, everywhere = shares(picture)
    assert middle.argmax() == nearest(RED)
    assert middle[nearest(WHITE)] < 0.1
    assert border.argmax() == nearest(WHITE)
    white, red = shares(Image.new("RGB", (9, 9), WHITE)), shares(Image.new("RGB", (9, 9), RED))
    np.testing.assert_allclose(border, white[1], atol=1e-3)
    np.testing.assert_allclose(everywhere, 0.64 * red[2] + 0.36 * white[2], atol=0.03)


def test_turning_a_picture_changes_nothing() -> None:
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 3), np.uint8))
    turned = picture.transpose(Image.Transpose.ROTATE_90)
    np.testing.assert_allclose(shares(turned), shares(picture), atol=1e-5)


@pytest.mark.parametrize("side", [1, 8, SIDE, 1000])
def test_any_square_can_be_shrunk(side: int) -> None:
    small = shrunk(Image.new("RGB", (side, side), RED))
    assert (small == np.array(RED)).all()
    assert color_features(small).shape == (COLOR_FEATURES,)
    assert np.isfinite(color_features(small)).all()
