"""What every `Camera` does. The Pi's runs where picamera2 and a camera are."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from actions.errors import DeviceError, InputError
from agent.picture import MAX_SIDE
from device.choose import BrokenCamera
from device.pi.camera import PicameraCamera
from device.seams import Camera
from device.sim.camera import FolderCamera, NoCamera

PHOTO = Path(__file__).parent.parent / "data" / "photo.jpg"


def _pi() -> Camera:
    if importlib.util.find_spec("picamera2") is None:
        pytest.skip("picamera2 is not installed: it comes with Raspberry Pi OS")
    try:
        return PicameraCamera()
    except DeviceError as error:
        pytest.skip(f"no camera is connected: {error}")


CAMERAS: dict[str, Callable[[], Camera]] = {
    "picamera2": _pi,
    "folder": lambda: FolderCamera(PHOTO.parent),
    "file": lambda: FolderCamera(PHOTO),
    "none": NoCamera,
}


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.hardware if kind == "picamera2" else ()) for kind in CAMERAS]
)
def test_a_frame_is_an_rgb_picture_of_bounded_size(kind: str) -> None:
    camera = CAMERAS[kind]()
    assert isinstance(camera, Camera)
    try:
        for _ in range(2):
            frame = camera.frame()
            if kind == "none":
                assert frame is None
            else:
                assert frame is not None
                assert frame.mode == "RGB"
                assert 8 <= max(frame.size) <= MAX_SIDE
    finally:
        camera.close()
        camera.close() if kind != "picamera2" else None


def test_the_pictures_of_a_folder_come_by_name_and_from_the_start_again(tmp_path: Path) -> None:
    for name, colour in (("b.png", "blue"), ("a.png", "red")):
        Image.new("RGB", (16, 16), colour).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    camera = FolderCamera(tmp_path)
    assert [camera.frame().getpixel((0, 0)) for _ in range(3)] == [(255, 0, 0), (0, 0, 255), (255, 0, 0)]


def test_a_folder_without_pictures_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no picture"):
        FolderCamera(tmp_path)


def test_a_picture_that_is_not_there_is_an_error_of_its_frame(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cat\.jpg"):
        FolderCamera(tmp_path / "cat.jpg").frame()


def test_a_damaged_picture_is_an_error_of_that_frame_only(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(PHOTO.read_bytes()[:5000])
    Image.new("RGB", (16, 16)).save(tmp_path / "b.png")
    camera = FolderCamera(tmp_path)
    with pytest.raises(InputError, match="damaged"):
        camera.frame()
    assert camera.frame().size == (16, 16)


def test_without_picamera2_the_sentence_says_what_to_install() -> None:
    if importlib.util.find_spec("picamera2") is not None:
        pytest.skip("picamera2 is installed here")
    with pytest.raises(DeviceError, match="apt install python3-picamera2"):
        PicameraCamera()


def test_a_broken_camera_tells_its_error_each_time() -> None:
    error = DeviceError("The camera is gone.")
    camera = BrokenCamera(error)
    for _ in range(2):
        with pytest.raises(DeviceError, match="gone"):
            camera.frame()
