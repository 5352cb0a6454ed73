"""Which colours a picture has, in its middle, at its border and in all: what tells the colour of the thing in view.

CIELAB (CIE 1976, D65) because equal distances there look about equally different. Knows pixels, no words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 48  # pixels: colours need no more
SOFTNESS = 12.0  # of a bin, in CIELAB units

_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]], np.float32)
_WHITE = np.array([0.9505, 1.0, 1.089], np.float32)
_LEVELS = np.linspace(-1, 1, SIDE, dtype=np.float32)
_RADIUS = np.maximum(np.abs(_LEVELS[:, None]), np.abs(_LEVELS[None]))  # 0 in the middle, 1 at the border
_REGIONS = np.stack([np.exp(-((_RADIUS / 0.45) ** 2)), _RADIUS > 0.85, np.ones_like(_RADIUS)]).reshape(3, -1)
REGIONS = (_REGIONS / _REGIONS.sum(1, keepdims=True)).astype(np.float32)

# bins: black, greys and white, then twelve hues dark, middle and light, then pale ones
_HUES = np.deg2rad(np.arange(0, 360, 30))
BINS = np.array(
    [(light, 0, 0) for light in (5, 25, 45, 65, 82, 97)]
    + [(light, c * np.cos(h), c * np.sin(h)) for light, c in ((30, 35), (55, 55), (75, 45)) for h in _HUES]
    + [(80, 15 * np.cos(h), 15 * np.sin(h)) for h in _HUES[::3]],
    np.float32,
)
COLOR_FEATURES = 3 * len(BINS)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIELAB float32 (..., 3) of sRGB uint8 (..., 3)."""
    v = rgb.astype(np.float32) / 255
    linear = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
    t = linear @ _XYZ.T / _WHITE
    f = np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1)


def color_features(square: np.ndarray) -> np.ndarray:
    """float32 (COLOR_FEATURES,): the share of each bin in the middle, at the border and in all of a square picture
    uint8 (SIDE, SIDE, 3)."""
    distance = ((lab(square.reshape(-1, 3))[:, None] - BINS) ** 2).sum(-1)
    near = np.exp(-(distance - distance.min(1, keepdims=True)) / (2 * SOFTNESS**2))
    return (REGIONS @ (near / near.sum(1, keepdims=True))).ravel().astype(np.float32)


def shrunk(picture: Image) -> np.ndarray:
    """A square picture as `color_features` takes it."""
    from PIL.Image import Resampling

    return np.asarray(picture.resize((SIDE, SIDE), Resampling.BOX), np.uint8)
