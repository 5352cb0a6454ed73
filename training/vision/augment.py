"""Makes a good photo look like what a small camera in a hand gives: tilt, bad framing, motion, dim light, tint, noise,
JPEG.
"""

from __future__ import annotations

import io
import math
from random import Random

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter


def as_from_a_hand(picture: Image.Image, random: Random, strength: float = 1.0) -> Image.Image:
    """A square of the picture (RGB, any size) with its bigger part on it, degraded; strength: 0 (crop and mirror only)
    to 1."""
    image = _framed(picture, random)
    if random.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for chance, change in (
        (0.3, _tilted),
        (0.25, _moved),
        (0.35, _lit),
        (0.3, _tinted),
        (0.25, _noisy),
        (0.3, _compressed),
    ):
        if random.random() < chance * strength:
            image = change(image, random)
    return image


def _framed(picture: Image.Image, random: Random) -> Image.Image:
    """A square that holds 45 to 100 % of the picture's own central square, or the whole picture on a grey ground."""
    width, height = picture.size
    if random.random() < 0.1:
        side = max(width, height)
        ground = Image.new("RGB", (side, side), (random.randrange(60, 220),) * 3)
        ground.paste(picture, ((side - width) // 2, (side - height) // 2))
        return ground
    side = min(width, height) * math.sqrt(random.uniform(0.45, 1.0))
    left, top = random.uniform(0, width - side), random.uniform(0, height - side)
    x, y = round(left), round(top)
    whole = max(min(round(left + side) - x, round(top + side) - y), 1)
    return picture.crop((x, y, x + whole, y + whole))


def _tilted(image: Image.Image, random: Random) -> Image.Image:
    fill = tuple(int(v) for v in np.asarray(image).mean((0, 1)))
    return image.rotate(random.gauss(0, 10), Image.Resampling.BILINEAR, fillcolor=fill)


def _moved(image: Image.Image, random: Random) -> Image.Image:
    """Out of focus, or moved during exposure."""
    if random.random() < 0.5:
        return image.filter(ImageFilter.GaussianBlur(random.uniform(0.5, 0.012 * image.width)))
    kernel = np.zeros((5, 5))
    kernel[2] = 1
    if random.random() < 0.5:
        kernel = np.eye(5)
    blurred = image
    for _ in range(random.randrange(1, 3)):
        blurred = blurred.filter(ImageFilter.Kernel((5, 5), kernel.ravel().tolist()))
    return blurred


def _lit(image: Image.Image, random: Random) -> Image.Image:
    image = ImageEnhance.Brightness(image).enhance(math.exp(random.gauss(-0.15, 0.35)))
    return ImageEnhance.Contrast(image).enhance(math.exp(random.gauss(0, 0.2)))


def _tinted(image: Image.Image, random: Random) -> Image.Image:
    """Another white balance."""
    warm, green = random.gauss(0, 0.1), random.gauss(0, 0.04)
    gains = np.array([1 + warm, 1 + green, 1 - warm])
    return Image.fromarray(np.clip(np.asarray(image) * gains, 0, 255).astype(np.uint8))


def _noisy(image: Image.Image, random: Random) -> Image.Image:
    noise = np.random.default_rng(random.randrange(1 << 30)).normal(0, random.uniform(3, 18), (*image.size[::-1], 1))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))


def _compressed(image: Image.Image, random: Random) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=random.randrange(15, 70))
    return Image.open(file).convert("RGB")
