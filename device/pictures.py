"""The pictures that are kept: those an action still needs, and others for as many days as the settings say.

Knows files, not what is on them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from pathlib import Path

from actions.database import private_folder, told
from actions.errors import InputError

_YOUNG = 3600.0  # seconds; a picture this new may belong to a call that another process is just beginning
_DAY = 86_400.0


class PictureFolder:
    """A folder of pictures, each named by its call's key."""

    def __init__(self, folder: Path, keep_days: int = 0) -> None:
        self.folder = folder
        self.keep_days = keep_days

    def keep(self, picture: Path, key: str) -> Path:
        """Copies a picture durably. Raises `InputError` when it cannot be read, `DeviceError` when not written."""
        try:
            content = picture.read_bytes()
        except OSError as error:
            raise InputError(
                f"I cannot read the picture {picture.name}: {error.strerror}.", f"读不了照片 {picture.name}。"
            ) from error
        kept = self.folder / f"{key}{picture.suffix.lower()}"
        with told(kept):
            mode = private_folder(self.folder)
            try:
                with os.fdopen(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
            except OSError:
                kept.unlink(missing_ok=True)  # no half picture is left
                raise
        return kept

    def release(self, key: str) -> None:
        """The action needs the picture no more: it goes, unless pictures are kept for some days."""
        if self.keep_days:
            return
        with told(self.folder):
            for picture in self.folder.glob(f"{key}.*"):
                picture.unlink(missing_ok=True)

    def tidy(self, needed: Collection[Path | None]) -> None:
        """Removes what is older than the settings allow and no action needs."""
        oldest = time.time() - max(self.keep_days * _DAY, _YOUNG)
        with told(self.folder):
            for picture in self.folder.glob("*"):
                if picture not in needed and picture.stat().st_mtime < oldest:
                    picture.unlink(missing_ok=True)
