"""Features of things that no photo shows, made of the tower's own class rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.vision.table import IMAGENET

REALISM = 20.0  # at which dreamt features are as hard for the class rows as real ones (85 to 93 % right)


@dataclass(frozen=True)
class Dream:
    """Features of things that no photo shows.

    With features of one covariance around each class's mean, a linear classifier's row is that covariance's inverse
    times the mean (linear discriminant analysis, Fisher 1936); so covariance times row gives the mean back, and what
    photos of other classes differ in gives its spread.
    """

    mean: np.ndarray  # (feature,)
    classes: np.ndarray  # (concepts, feature): where each class's mean lies from there
    spread: np.ndarray  # (n, feature): what photos differ in from their class's mean

    @classmethod
    def of(cls, features: np.ndarray, classes: Sequence[str], rows: np.ndarray, room: int = 8000) -> Dream:
        """From photos' features (n, feature) with their classes, and the class rows (concepts, feature)."""
        spread = np.empty_like(features)
        names = np.array(classes)
        for name in set(classes):
            mine = names == name
            spread[mine] = features[mine] - features[mine].mean(0)
        covariance = np.cov(spread.T)
        means = REALISM * (rows - rows[:IMAGENET].mean(0)) @ covariance
        chosen = np.random.default_rng(0).permutation(len(spread))[:room]
        return cls(features.mean(0), means.astype(np.float32), spread[chosen].astype(np.float32))

    def feature(self, concepts: Sequence[int], generator: np.random.Generator) -> np.ndarray:
        """A feature (feature,) of a picture with these concepts on it, float32; never negative where no photo's is."""
        spread = self.spread[generator.integers(len(self.spread))]
        mean = self.classes[list(concepts)].mean(0)
        return np.asarray(np.maximum(self.mean + mean + spread, 0 if self.mean.min() >= 0 else -np.inf), np.float32)

    def features(self, concepts: Sequence[int], generator: np.random.Generator) -> np.ndarray:
        """Features (n, feature) of pictures with one concept each."""
        dreamt = [self.feature([concept], generator) for concept in concepts]
        return np.array(dreamt, np.float32).reshape(-1, len(self.mean))
