"""The picture that leaves the device: small, upright, and without what a camera writes beside the pixels."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from pathlib import Path

from PIL import Image, ImageOps

from actions.errors import InputError

LONGEST_SIDE = 1600  # pixels
LARGEST = 64_000_000  # pixels of a picture that is taken in; a few kilobytes can claim to be many more
QUALITY = 85
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")  # none of them runs another program

# What Pillow's readers raise on damaged files; its documentation promises only OSError.
_DAMAGE = (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error, Image.DecompressionBombError)


def jpeg_to_send(path: Path) -> bytes:
    """The picture as JPEG of at most 1600 pixels a side, turned upright, without EXIF, place or comment.

    Raises `InputError` when it cannot be read.
    """
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=FORMATS) as picture:
            if picture.width * picture.height > LARGEST:
                raise Image.DecompressionBombError
            picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            upright = ImageOps.exif_transpose(picture)
            if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
                layer = upright.convert("RGBA")
                upright = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
            pixels = upright.convert("RGB")
    except _DAMAGE as error:
        raise InputError(
            f"I cannot read the picture {path.name}, so I sent nothing.", f"读不了照片 {path.name}，所以没有发送。"
        ) from error
    pixels.info.clear()
    jpeg = io.BytesIO()
    pixels.save(jpeg, "JPEG", quality=QUALITY, optimize=True)
    return jpeg.getvalue()
