"""The eye during one turn: the frame of the press, taken while the user speaks, and a copy on disk for what needs one.

Knows the camera's seam; knows nothing of what the picture is for.
"""

from __future__ import annotations

import logging
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from actions.errors import DeviceError, TakoError

if TYPE_CHECKING:
    from PIL.Image import Image

    from device.seams import Camera

log = logging.getLogger(__name__)
PATIENCE = 5.0  # seconds that a camera may take after the user has spoken
QUALITY = 90  # of the JPEG for an action


class Look:
    """Takes the frame in its own thread from the moment it is made."""

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._image: Image | None = None
        self._error: TakoError | None = None
        self.ms = 0.0  # from the press to the frame
        self._thread = threading.Thread(target=self._take, name="look", daemon=True)
        self._thread.start()

    def _take(self) -> None:
        begun = time.monotonic()
        try:
            self._image = self._camera.frame()
        except TakoError as error:
            self._error = error
        except Exception as error:  # in a thread of its own it would end unseen
            log.exception("the camera failed")
            self._error = DeviceError("Something is wrong with the camera.", "摄像头出了点问题。")
            self._error.__cause__ = error
        self.ms = (time.monotonic() - begun) * 1000

    def picture(self) -> Image | None:
        """Waits for the frame. Raises what the camera raised, or `DeviceError` when it does not answer."""
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            raise DeviceError("The camera does not answer.", "摄像头没有反应。")
        if self._error is not None:
            raise self._error
        return self._image


class Snapshot:
    """The frame as a file, made when an action first asks for it and gone with the turn."""

    def __init__(self, image: Image | None) -> None:
        self._image = image
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def path(self) -> Path | None:
        """The picture as JPEG, without any metadata; None when there is none. Raises `DeviceError` on a full disk."""
        if self._image is None:
            return None
        try:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="tako-")
            path = Path(self._folder.name) / "picture.jpg"
            if not path.exists():
                self._image.save(path, "JPEG", quality=QUALITY, exif=b"")
        except OSError as error:
            raise DeviceError(
                "I cannot keep the picture: the disk is full or not writable.", "无法保存照片：磁盘已满或不可写。"
            ) from error
        return path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._folder is not None:
            self._folder.cleanup()
