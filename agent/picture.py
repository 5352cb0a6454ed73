"""Loads any picture a person may hand in: upright, RGB, at most `MAX_SIDE` pixels on its longest side.

Knows files and pixels; knows neither the model's input size nor the camera. Memory stays bounded: a JPEG is
decoded at reduced size, any other format is refused above `MAX_PIXELS`.
"""

from __future__ import annotations

import math
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from actions.errors import InputError

MAX_SIDE = 1024  # pixels
MIN_SIDE = 8  # pixels of the shorter side; below it there is nothing to see
MAX_PIXELS = 50_000_000  # decoded as a whole: 200 MB for this many with transparency
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "ICO")  # none of them runs another program
BAND = 64  # rows of the shrunk picture that are made at a time
ORIENTATION = 0x0112  # EXIF tag

_UPRIGHT = {  # EXIF orientation to what undoes it
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# What Pillow's readers raise on damaged files; its documentation promises only OSError.
_DAMAGE = (OSError, SyntaxError, ValueError, IndexError, EOFError, struct.error, zlib.error)


def load_picture(path: Path) -> Image.Image:
    """The picture as `fit` gives it; of an animation the first frame. Raises `InputError`."""
    name = path.name
    try:
        there = path.is_file()  # neither a folder nor a pipe, which would wait for ever
    except (OSError, ValueError):  # a name that no file can have
        there = False
    if not there:
        raise InputError(f"I cannot find the picture {name[:80]}.", f"我找不到图片 {name[:80]}。")
    try:
        with Image.open(path, formats=FORMATS) as image:
            _bound(image, name)
            return fit(image)
    except UnidentifiedImageError as error:
        raise InputError(
            f"I cannot read {name}: it is damaged, or no kind of picture I know.",
            f"我读不了 {name}：文件损坏或格式不支持。",
        ) from error
    except PermissionError as error:
        raise InputError(f"I am not allowed to read the picture {name}.", f"我没有权限读取图片 {name}。") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError) as error:
        raise _too_large(name) from error
    except _DAMAGE as error:
        raise InputError(f"The picture {name} is damaged.", f"图片 {name} 已损坏。") from error


def fit(picture: Image.Image) -> Image.Image:
    """RGB, upright by its EXIF orientation, shrunk to `MAX_SIDE`, on white. Raises `InputError` when tiny."""
    if min(picture.size) < MIN_SIDE:
        raise InputError("That picture is too small to see anything on it.", "图片太小，什么也看不清。")
    picture.draft(None, (MAX_SIDE, MAX_SIDE))  # a JPEG is decoded at an eighth to a half of its size; others ignore it
    image = _shrunk(picture)
    image.thumbnail((MAX_SIDE, MAX_SIDE))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("RGB")
    turn = _UPRIGHT.get(_orientation(picture))
    return image if turn is None else image.transpose(turn)


def _bound(image: Image.Image, name: str) -> None:
    """Refuses what would be decoded as a whole and is too large for that (a progressive JPEG is, whatever its
    size)."""
    reducible = image.format in ("JPEG", "MPO") and "progressive" not in image.info
    most = MAX_PIXELS // 4 if image.format == "WEBP" else MAX_PIXELS  # WebP's decoder holds several copies
    if not reducible and image.width * image.height > most:
        raise _too_large(name)


def _too_large(name: str) -> InputError:
    return InputError(
        f"The picture {name} is too large for me. Please make it smaller.", f"图片 {name} 太大了，请缩小后再试。"
    )


def _shrunk(image: Image.Image) -> Image.Image:
    """The picture in eight-bit tones, shrunk by a whole factor to no less than `MAX_SIDE`.

    It is done band by band: conversions and shrinking need copies, and a copy of a large picture is what a small
    board has no memory for.
    """
    factor = max(1, max(image.size) // MAX_SIDE)
    if factor == 1:
        return _tones(image, _peak(image))
    image.load()
    peak = _peak(image)
    height = BAND * factor
    bands = [
        _tones(image.crop((0, top, image.width, min(top + height, image.height))), peak).reduce(factor)
        for top in range(0, image.height, height)
    ]
    whole = Image.new(bands[0].mode, (bands[0].width, sum(band.height for band in bands)))
    for i, band in enumerate(bands):
        whole.paste(band, (0, i * BAND))
    return whole


def _peak(image: Image.Image) -> float:
    """The brightest value of a picture of more than eight bits, 0 of any other."""
    if image.mode != "F" and not image.mode.startswith("I"):
        return 0.0
    _, high = image.getextrema()
    return float(high) if isinstance(high, int | float) and math.isfinite(high) else 0.0


def _tones(image: Image.Image, peak: float) -> Image.Image:
    """The picture in a mode that can be shrunk: tones instead of palette entries, eight bits instead of more."""
    if image.mode in ("P", "PA", "1"):
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode == "F" or image.mode.startswith("I"):
        values = np.nan_to_num(np.asarray(image, np.float32))
        steps = (1.0, 255.0, 65535.0) if image.mode == "F" else (65535.0,)
        white = next((step for step in steps if peak <= step), peak)
        return Image.fromarray(np.clip(values / white * 255.0, 0, 255).astype(np.uint8))
    return image


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 when the EXIF block is damaged, which is no reason not to look at the
    picture."""
    try:
        value = image.getexif().get(ORIENTATION, 1)
    except _DAMAGE:
        return 1
    return value if isinstance(value, int) else 1
