"""A picture taken in safely: bounded, upright, RGB, without what a camera writes beside the pixels; and kept so."""

from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path

from PIL import Image

from actions.database import private_folder
from actions.errors import InputError
from actions.photo import jpeg_to_send

QUALITY = 85


def read_upright(path: Path, side: int) -> Image.Image:
    """RGB, at most `side` pixels a side. Raises `InputError` when it cannot be read."""
    try:
        jpeg = jpeg_to_send(path)
    except InputError as error:
        raise InputError("I cannot read the picture. Please take it again.", "照片读不了，请重新拍一张。") from error
    with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as picture:
        picture.thumbnail((side, side))
        return picture.convert("RGB")


def write_jpeg(picture: Image.Image, path: Path) -> None:
    """Writes it whole and durably or not at all, in private. Raises `OSError`."""
    mode = private_folder(path.parent)
    jpeg = io.BytesIO()
    picture.save(jpeg, "JPEG", quality=QUALITY, optimize=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(jpeg.getvalue())
            file.flush()
            os.fsync(file.fileno())
        part.chmod(mode)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
