"""Cameras without a camera: the pictures of a folder, one picture, or none. Chosen explicitly."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from actions.errors import InputError
from agent.picture import load_picture

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")


class FolderCamera:
    """The pictures of a folder one after the other, by name, and from the start again; or one file each time."""

    def __init__(self, path: Path) -> None:
        """Raises `InputError` when the folder has no pictures. A file is looked at when a frame is wanted."""
        self._files = (
            sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES) if path.is_dir() else [path]
        )
        if not self._files:
            raise InputError(f"There is no picture in {path.name}.", f"{path.name} 里没有图片。")
        self._next = 0
        self._lock = threading.Lock()

    def frame(self) -> Image:
        with self._lock:
            file = self._files[self._next % len(self._files)]
            self._next += 1
        return load_picture(file)

    def close(self) -> None:
        """Nothing is open."""


class NoCamera:
    """A device without a camera: no picture, and no error."""

    def frame(self) -> None:
        return None

    def close(self) -> None:
        """Nothing is open."""
