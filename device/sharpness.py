"""Which of several pictures of one thing is the sharper: the variance of the Laplacian, in numpy.

Source: Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy: a comparative study", ICPR 2000.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

_SIDE = 512  # pixels of the longest side that is judged: finer grain than this is noise of the sensor
_COARSE = 16  # pixels of each side in which two pictures are compared
CLEARLY = 1.2  # times the first's sharpness: less is noise
ALIKE = 0.7  # correlation above which two pictures show the same


def sharpness(picture: Image) -> float:
    """Variance of the Laplacian of the grey values, each divided by their mean, so that a brighter picture of the same
    is no sharper; 0 for one colour."""
    grey = picture.convert("L")
    grey.thumbnail((_SIDE, _SIDE))
    values = np.asarray(grey, np.float32)
    if min(values.shape) < 3:
        return 0.0
    centre = values[1:-1, 1:-1]
    edges = values[:-2, 1:-1] + values[2:, 1:-1] + values[1:-1, :-2] + values[1:-1, 2:] - 4 * centre
    return float(edges.var()) / max(float(values.mean()), 1.0) ** 2


def alike(one: Image, other: Image) -> bool:
    """Whether two pictures show the same, be one of them blurred or shaken a little."""
    a, b = (np.asarray(picture.convert("L").resize((_COARSE, _COARSE)), np.float32) for picture in (one, other))
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return norm == 0.0 or float((a * b).sum()) / norm >= ALIKE


def sharper(first: Image, other: Image) -> Image:
    """`other` where it shows the same as `first` and is clearly sharper, else `first`."""
    return other if sharpness(other) > CLEARLY * sharpness(first) and alike(first, other) else first
