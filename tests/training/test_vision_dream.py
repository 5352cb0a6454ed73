"""Dreamt features: those of a class are what its row calls that class."""

from __future__ import annotations

import numpy as np
import pytest

from training.vision.dream import REALISM, Dream

CLASSES, WIDTH, EACH = 12, 24, 150


@pytest.fixture(scope="module")
def world() -> tuple[np.ndarray, list[str], np.ndarray]:
    """Features (n, WIDTH) around the means of classes with one covariance, whose names they are; and the rows that
    linear discriminant analysis gives the classes, scaled so that a dream has the means' true distance."""
    random = np.random.default_rng(0)
    means = random.normal(4, 1.0, (CLASSES, WIDTH))
    mixing = random.normal(0, 0.03, (WIDTH, WIDTH)) + 0.4 * np.eye(WIDTH)
    names = [f"class {i % CLASSES}" for i in range(CLASSES * EACH)]
    features = np.stack([means[i % CLASSES] + mixing @ random.normal(0, 1, WIDTH) for i in range(CLASSES * EACH)])
    rows = means @ np.linalg.inv(mixing @ mixing.T).T / REALISM
    return np.maximum(features, 0).astype(np.float32), names, rows.astype(np.float32)


@pytest.fixture(scope="module")
def dream(world: tuple[np.ndarray, list[str], np.ndarray]) -> Dream:
    return Dream.of(*world)


def called(features: np.ndarray, world: tuple[np.ndarray, list[str], np.ndarray]) -> np.ndarray:
    """The class whose mean is nearest."""
    means = np.stack([world[0][i::CLASSES].mean(0) for i in range(CLASSES)])
    distance = ((features[:, None] - means) ** 2).sum(-1)
    return np.asarray(distance.argmin(1))


def test_a_dream_of_a_class_is_called_so(dream: Dream, world: tuple[np.ndarray, list[str], np.ndarray]) -> None:
    generator = np.random.default_rng(1)
    wanted = np.arange(CLASSES).repeat(20)
    dreams = np.stack([dream.feature([c], generator) for c in wanted])
    assert (called(dreams, world) == wanted).mean() > 0.95
    assert dreams.dtype == np.float32
    assert dreams.min() >= 0  # as what comes out of ReLU6


def test_its_mean_and_its_spread_are_the_photos_own(
    dream: Dream, world: tuple[np.ndarray, list[str], np.ndarray]
) -> None:
    features = world[0]
    generator = np.random.default_rng(2)
    dreams = np.stack([dream.feature([3], generator) for _ in range(400)])
    np.testing.assert_allclose(dreams.mean(0), features[3::CLASSES].mean(0), atol=0.4)
    np.testing.assert_allclose(dreams.std(0), features[3::CLASSES].std(0), rtol=0.35)


def test_several_things_lie_between(dream: Dream) -> None:
    still = Dream(dream.mean, dream.classes, np.zeros((1, WIDTH), np.float32))
    generator = np.random.default_rng(0)
    one, other, both = (still.feature(c, generator) for c in ([1], [2], [1, 2]))
    np.testing.assert_allclose(both, (one + other) / 2, atol=1e-4)


def test_the_same_seed_dreams_the_same(dream: Dream) -> None:
    first, again = (
        [dream.feature([c], generator) for c in range(5)]
        for generator in (np.random.default_rng(4), np.random.default_rng(4))
    )
    np.testing.assert_array_equal(first, again)


def test_there_is_room_for_so_many(world: tuple[np.ndarray, list[str], np.ndarray]) -> None:
    assert Dream.of(*world, room=50).spread.shape == (50, WIDTH)
    np.testing.assert_allclose(Dream.of(*world).spread.mean(0), 0, atol=1e-4)  # of all, classes' means taken off
