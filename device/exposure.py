"""How good a picture is to look at: its light, its sharpness, and what to do about them. Knows pictures only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from actions.wording import say
from device.sharpness import sharpness

if TYPE_CHECKING:
    from PIL.Image import Image

# Where advice begins: grey values of 0 to 255, and shares of the picture. Set by hand.
DIM, GLARING = 45.0, 215.0  # mean
BURNT, BLACK = 0.25, 0.6  # share of pixels that are white, that are black
FLAT = 4.0  # deviation below which there is nothing to be seen
BLURRED = 0.002  # of `sharpness`: a photo of tests/data has 0.1, blurred by 1 pixel of 512 0.005, by 2 0.0006
_WHITE_FROM, _BLACK_TO = 250, 10
_SIDE = 512  # pixels of the longest side that is judged


@dataclass(frozen=True)
class Exposure:
    """What was measured of a picture."""

    width: int  # pixels
    height: int
    mean: float  # grey value, 0 to 255
    deviation: float  # of the grey values
    white: float  # share of pixels without detail in the light
    black: float  # and in the dark
    sharpness: float  # `device.sharpness.sharpness`


def measure(picture: Image) -> Exposure:
    """picture: RGB."""
    grey = picture.convert("L")
    grey.thumbnail((_SIDE, _SIDE))
    values = np.asarray(grey, np.float32)
    return Exposure(
        width=picture.width,
        height=picture.height,
        mean=float(values.mean()),
        deviation=float(values.std()),
        white=float((values >= _WHITE_FROM).mean()),
        black=float((values <= _BLACK_TO).mean()),
        sharpness=sharpness(picture),
    )


def advice(seen: Exposure, lang: str = "en") -> list[str]:
    """What is wrong and what to do, the worst first; empty when all is well."""
    if seen.deviation < FLAT:
        return [
            say(
                lang,
                "There is nothing but one colour: is the lens covered, or its film still on?",
                "画面只有一种颜色：镜头是不是被挡住了，或者保护膜还没撕？",
            )
        ]
    said = []
    if seen.mean < DIM or seen.black > BLACK:
        said.append(say(lang, "It is too dark: switch on a light.", "太暗了：请开灯。"))
    elif seen.mean > GLARING or seen.white > BURNT:
        said.append(
            say(
                lang,
                "It is too bright, and what is white has no detail: turn it away from the window or lamp.",
                "太亮了，亮处没有细节：请避开窗户或灯。",
            )
        )
    if seen.sharpness < BLURRED:
        said.append(
            say(
                lang,
                "It is blurred: hold still, keep 30 cm away, wipe the lens, or turn its ring.",
                "画面模糊：请拿稳，保持 30 厘米距离，擦擦镜头，或转动对焦环。",
            )
        )
    return said
