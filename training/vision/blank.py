"""Pictures on which nothing can be seen, for teaching and judging that tako then asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image, ImageFilter


def blank_pictures(random: Random, photos: list[Path], count: int) -> Iterator[Image.Image]:
    """Pictures on which nothing can be seen: dark, out of focus, a wall, a finger on the lens."""
    generator = np.random.default_rng(random.randrange(1 << 30))
    for i in range(count):
        side = 160
        if i % 4 == 0:  # a photo far out of focus
            image = Image.open(random.choice(photos)).convert("RGB").resize((side, side))
            yield image.filter(ImageFilter.GaussianBlur(random.uniform(14, 40)))
        elif i % 4 == 1:  # a photo in the dark
            image = Image.open(random.choice(photos)).convert("RGB").resize((side, side))
            dark = np.asarray(image) * random.uniform(0.0, 0.04)
            dark = dark + generator.normal(4, random.uniform(1, 5), (side, side, 3))
            yield Image.fromarray(np.clip(dark, 0, 255).astype(np.uint8))
        else:  # an even wall, light falling from one side
            base = generator.uniform(20, 245, 3) if random.random() < 0.4 else np.full(3, generator.uniform(20, 245))
            place = np.linspace(-1, 1, side)
            slope = place[:, None] * random.uniform(-40, 40) + place[None] * random.uniform(-40, 40)
            noise = generator.normal(0, random.uniform(0, 8), (side, side, 1))
            yield Image.fromarray(np.clip(base + slope[..., None] + noise, 0, 255).astype(np.uint8))
