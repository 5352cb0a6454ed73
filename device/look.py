"""The eye during one turn: the frame of the press, or a sharper one of the same, taken and understood while the user
speaks, and a copy on disk for what needs one.

Knows the seams of camera and observer; knows nothing of what the picture is for.
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
from device.seams import LiveCamera
from device.sharpness import sharper

if TYPE_CHECKING:
    from PIL.Image import Image

    from agent.types import Observer
    from device.seams import Camera

log = logging.getLogger(__name__)
PATIENCE = 5.0  # seconds that a camera may take after the user has spoken
SHARPER = 1.2  # seconds after the press in which a sharper frame is looked for
QUALITY = 90  # of the JPEG for an action


class Look:
    """Takes the frame from the moment it is made, and then has it understood, each in a thread of its own."""

    def __init__(self, camera: Camera, observer: Observer | None = None) -> None:
        self._camera = camera
        self._observer = observer
        self._image: Image | None = None
        self._error: TakoError | None = None
        self._taken = threading.Event()
        self._understood = threading.Event()
        self._given_up = False
        self._wanted = threading.Event()  # the words are there: no more frames
        self._seeing: float | None = None
        self.ms = 0.0  # from the press to the frame
        threading.Thread(target=self._work, name="look", daemon=True).start()  # a camera may hang for ever

    def _work(self) -> None:
        self._take()
        self._sharpen()
        self._taken.set()
        if self._observer is None or self._image is None or self._given_up:
            return
        # no daemon: the program may not end in the midst of the model, which would end it with a crash
        see = threading.Thread(target=self._see, args=(self._observer, self._image), name="see", daemon=False)
        try:
            see.start()
        except RuntimeError as error:  # no room for a thread, or the program ends
            log.warning("the picture waits for the words: %s", error)
            self._understood.set()

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

    def _sharpen(self) -> None:
        """Looks a little longer, where the camera can, until the user has spoken."""
        if self._image is None or not isinstance(self._camera, LiveCamera):
            return
        ends = time.monotonic() + SHARPER
        try:
            for frame in self._camera.more():
                if self._wanted.is_set() or self._given_up or time.monotonic() > ends:
                    return
                self._image = sharper(self._image, frame)
        except TakoError as error:  # there is a picture already
            log.info("no more frames: %s", error)
        except Exception:
            log.exception("the camera failed")

    def _see(self, observer: Observer, image: Image) -> None:
        begun = time.monotonic()
        try:
            if observer.look(image) is not None:
                self._seeing = (time.monotonic() - begun) * 1000
        except TakoError as error:  # whoever decides will meet it again, and tell it
            log.warning("the picture is not understood yet: %s", error)
        except Exception:  # likewise
            log.exception("understanding the picture failed")
        self._understood.set()

    def picture(self) -> Image | None:
        """Waits for the frame, not until it is understood. Raises what the camera raised, or `DeviceError` when it does
        not answer."""
        self._wanted.set()
        if not self._taken.wait(PATIENCE):
            self._given_up = True  # the frame of this press, should it come, is of no use to the next
            raise DeviceError("The camera does not answer.", "摄像头没有反应。")
        if self._error is not None:
            raise self._error
        return self._image

    def seeing(self) -> float | None:
        """Milliseconds that it took to understand what `picture` gave, once that is done; None when nothing was
        understood, or it takes far too long."""
        if self._observer is not None:
            self._understood.wait(PATIENCE)
        return self._seeing


class Snapshot:
    """The frame as a file, made when an action first asks for it and gone with the turn."""

    def __init__(self, image: Image | None) -> None:
        self.image = image
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def path(self) -> Path | None:
        """The picture as JPEG, without any metadata; None when there is none. Raises `DeviceError` on a full disk."""
        if self.image is None:
            return None
        try:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="tako-")
            path = Path(self._folder.name) / "picture.jpg"
            if not path.exists():
                self.image.save(path, "JPEG", quality=QUALITY, exif=b"")
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
