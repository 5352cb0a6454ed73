"""The Pi's camera. Knows picamera2, and nothing of what the picture is for."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from actions.errors import DeviceError
from agent.picture import fit

if TYPE_CHECKING:
    from PIL.Image import Image

_NO_LIBRARY = DeviceError(
    "The camera needs picamera2. Install it with: sudo apt install python3-picamera2.",
    "摄像头需要 picamera2，请运行 sudo apt install python3-picamera2 安装。",
)


class PicameraSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The Pi's camera."""

    width: int = 1024  # pixels of a frame; the model looks at fewer
    height: int = 768  # pixels
    rotation: Literal[0, 180] = 0  # degrees: 180 when the camera is mounted upside down
    index: int = 0  # which camera, where there are two


class PicameraCamera:
    """A running camera, so that the frame is the moment of the press: starting one takes half a second."""

    def __init__(self, settings: PicameraSettings | None = None) -> None:
        """Raises `DeviceError` when there is no camera or picamera2 is not installed."""
        settings = settings or PicameraSettings()
        try:
            from libcamera import Transform
            from picamera2 import Picamera2
        except ImportError as error:
            raise _NO_LIBRARY from error
        self._lock = threading.Lock()
        upside_down = settings.rotation == 180
        try:
            self._camera: Any = Picamera2(settings.index)
            self._camera.configure(
                self._camera.create_preview_configuration(
                    main={"size": (settings.width, settings.height), "format": "BGR888"},
                    transform=Transform(hflip=upside_down, vflip=upside_down),
                    queue=False,  # a frame from after the press, not one that was waiting
                )
            )
            self._camera.start()
        except (RuntimeError, IndexError, OSError) as error:
            raise DeviceError(
                "I cannot find the camera. Is its cable in, and is it enabled?", "找不到摄像头，请检查排线和设置。"
            ) from error

    def frame(self) -> Image:
        with self._lock:
            try:
                picture: Image = self._camera.capture_image("main", wait=2.0)
            except (RuntimeError, TimeoutError, OSError) as error:
                raise DeviceError("The camera gives me no picture.", "摄像头没有传来画面。") from error
        return fit(picture)

    def close(self) -> None:
        with self._lock:
            self._camera.stop()
            self._camera.close()
