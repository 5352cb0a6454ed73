"""The Pi's camera. Knows picamera2, and nothing of what the picture is for."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from PIL import Image

from actions.errors import DeviceError, Misfit
from agent.picture import fit

log = logging.getLogger(__name__)
PATIENCE = 2.0  # seconds that one frame may take
_TURNS = {90: Image.Transpose.ROTATE_270, 270: Image.Transpose.ROTATE_90}  # clockwise; Pillow counts the other way
_CONVERGED = 2  # libcamera's AeState of an exposure that has settled (control_ids_core.yaml)
_FASTEST = 33_333  # microseconds: no frame is shorter
Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]

if TYPE_CHECKING:
    Picture = Image.Image


class PicameraSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The Pi's camera."""

    width: int = 1024  # pixels of a frame; the model looks at fewer
    height: int = 768  # pixels
    rotation: Literal[0, 90, 180, 270] = 0  # degrees clockwise by which the picture is turned, as the camera is mounted
    # left, top, right and bottom of what is used of the turned picture, in parts of its width and height
    crop: tuple[Fraction, Fraction, Fraction, Fraction] = (0.0, 0.0, 1.0, 1.0)
    index: int = 0  # which camera, where there are two
    start: Literal["warm", "press"] = (
        "warm"  # runs on, slowly, so that the frame is the press's; or starts with a press
    )
    warm_fps: Annotated[float, msgspec.Meta(ge=1, le=30)] = (
        10.0  # frames a second while it runs on: fewer need less power
    )
    # seconds without a press after which other programs may have the camera; the next press starts it again; 0: never
    release_seconds: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 120.0
    settle_seconds: Annotated[float, msgspec.Meta(ge=0, le=5)] = 1.0  # the exposure may take so long after a start
    more_frames: Annotated[int, msgspec.Meta(ge=0, le=8)] = 3  # looks for a sharper picture while you speak; 0: none

    def __post_init__(self) -> None:
        left, top, right, bottom = self.crop
        if right - left < 0.1 or bottom - top < 0.1:
            raise Misfit("its crop leaves next to nothing of the picture", "裁剪后几乎没有画面")


class PicameraCamera:
    """A camera that runs on for a while after a press, so that the frame is the moment of the press: starting one takes
    half a second.

    It belongs to this program from a press (or the start) until it has been idle for a while. That another program has
    it then is the error of that frame only.
    """

    def __init__(self, settings: PicameraSettings | None = None) -> None:
        """Raises `DeviceError` when picamera2 is not installed or no camera is connected. One that is busy is none."""
        self._settings = settings or PicameraSettings()
        try:
            from libcamera import Transform
            from picamera2 import Picamera2
        except ImportError as error:
            raise DeviceError(
                "The camera needs picamera2. Install it with: sudo apt install python3-picamera2.",
                "摄像头需要 picamera2，请运行 sudo apt install python3-picamera2 安装。",
            ) from error
        self._make, self._transform = Picamera2, Transform
        if len(Picamera2.global_camera_info()) <= self._settings.index:
            raise DeviceError(
                "I cannot find the camera. Is its cable in, and is it enabled?", "找不到摄像头，请检查排线和设置。"
            )
        self._lock = threading.RLock()
        self._camera: Any = None  # while it runs
        self._release: threading.Timer | None = None
        self._closed = False
        if self._settings.start == "warm":
            try:
                with self._lock:
                    self._start()
                    self._idle()
            except DeviceError as error:  # the first frame tries again, and tells
                log.warning("%s", error)

    def frame(self) -> Picture:
        """Raises `DeviceError` when another program has the camera, or it gives no picture; the next call starts it
        anew."""
        with self._lock:
            if self._closed:
                raise DeviceError("The camera is switched off.", "摄像头已关闭。")
            self._start()
            try:
                picture: Picture = self._camera.capture_image("main", wait=PATIENCE)
            except (RuntimeError, TimeoutError, OSError) as error:
                self._stop()
                raise DeviceError("The camera gives me no picture.", "摄像头没有传来画面。") from error
            self._idle()
        return fit(self._cut(picture))

    def more(self) -> Iterator[Picture]:
        for _ in range(self._settings.more_frames):
            yield self.frame()

    def close(self) -> None:
        """Does not wait long for a camera that hangs."""
        self._closed = True
        if self._lock.acquire(timeout=2 * PATIENCE):
            try:
                self._stop()
            finally:
                self._lock.release()

    def _start(self) -> None:
        """Opens it, if it is not, and waits until the exposure fits."""
        if self._camera is not None:
            return
        settings = self._settings
        upside_down = settings.rotation == 180
        camera: Any = None
        try:
            camera = self._make(settings.index)
            camera.configure(
                camera.create_preview_configuration(
                    main={"size": (settings.width, settings.height), "format": "BGR888"},
                    transform=self._transform(hflip=upside_down, vflip=upside_down),
                    queue=False,  # a frame from after the press, not one that was waiting
                )
            )
            camera.start()
            self._settle(camera)
            if settings.start == "warm":
                camera.set_controls({"FrameDurationLimits": (_FASTEST, round(1e6 / settings.warm_fps))})
        except (RuntimeError, IndexError, OSError) as error:
            if camera is not None:
                _shut(camera)
            raise DeviceError(
                "I cannot use the camera: perhaps another program has it.", "无法使用摄像头，可能有别的程序正在使用它。"
            ) from error
        self._camera = camera

    def _settle(self, camera: Any) -> None:
        """Waits until the exposure has settled: the first frames are too dark or too bright."""
        ends = time.monotonic() + self._settings.settle_seconds
        while time.monotonic() < ends:
            told = camera.capture_metadata(wait=PATIENCE)
            if told.get("AeLocked", False) or told.get("AeState") == _CONVERGED:  # of older and newer libcameras
                return

    def _idle(self) -> None:
        """Counts the seconds after which it is given back."""
        if self._release is not None:
            self._release.cancel()
        seconds = self._settings.release_seconds
        if seconds > 0:
            self._release = threading.Timer(seconds, self._give_back)
            self._release.daemon = True
            self._release.start()

    def _give_back(self) -> None:
        with self._lock:
            if threading.current_thread() is self._release:  # no press came in this very moment
                self._stop()

    def _stop(self) -> None:
        if self._release is not None:
            self._release.cancel()
            self._release = None
        camera, self._camera = self._camera, None
        if camera is not None:
            _shut(camera)

    def _cut(self, picture: Picture) -> Picture:
        if turned := _TURNS.get(self._settings.rotation):
            picture = picture.transpose(turned)
        left, top, right, bottom = self._settings.crop
        if (left, top, right, bottom) == (0.0, 0.0, 1.0, 1.0):
            return picture
        width, height = picture.size
        return picture.crop((round(left * width), round(top * height), round(right * width), round(bottom * height)))


def _shut(camera: Any) -> None:
    try:
        camera.stop()
        camera.close()
    except (RuntimeError, OSError) as error:  # it was pulled out: there is nothing to give back
        log.info("the camera cannot be closed: %s", error)
