"""What every `Camera` does. The Pi's runs where picamera2 and a camera are; its code, on a made-up picamera2."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageFilter

from actions.errors import DeviceError, InputError
from agent.picture import MAX_SIDE
from device.choose import BrokenCamera
from device.look import Look
from device.pi.camera import PicameraCamera, PicameraSettings
from device.seams import Camera
from device.sharpness import sharper, sharpness
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
        camera.close()


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


class Board:
    """A Pi with one camera, and the module picamera2 as far as tako uses it; frames are `pictures`, one after the
    other."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pictures: list[Image.Image] = [Image.new("RGB", (1024, 768), "red")]
        self.connected, self.busy, self.fails = 1, False, False
        self.states: list[dict[str, object]] = [{"AeLocked": False}, {"AeLocked": True}]
        self.log: list[str] = []
        self.made: list[dict[str, Any]] = []
        self.frames = 0
        board = self

        class Picamera2:
            def __init__(self, index: int) -> None:
                if board.busy:
                    raise RuntimeError("Camera __init__ sequence did not complete.")
                board.log.append(f"open {index}")

            @staticmethod
            def global_camera_info() -> list[dict[str, object]]:
                return [{"Model": "imx708"}] * board.connected

            def create_preview_configuration(self, **options: Any) -> dict[str, Any]:
                return options

            def configure(self, configuration: dict[str, Any]) -> None:
                board.made.append(configuration)

            def start(self) -> None:
                board.log.append("start")

            def capture_metadata(self, wait: float) -> dict[str, object]:
                board.log.append("settling")
                return board.states[min(board.log.count("settling"), len(board.states)) - 1]

            def set_controls(self, controls: dict[str, object]) -> None:
                board.log.append(f"slow {controls['FrameDurationLimits']}")

            def capture_image(self, name: str, wait: float) -> Image.Image:
                if board.fails:
                    raise TimeoutError("no frame")
                board.frames += 1
                return board.pictures[(board.frames - 1) % len(board.pictures)]

            def stop(self) -> None:
                board.log.append("stop")

            def close(self) -> None:
                board.log.append("close")

        monkeypatch.setitem(sys.modules, "picamera2", SimpleNamespace(Picamera2=Picamera2))
        monkeypatch.setitem(sys.modules, "libcamera", SimpleNamespace(Transform=lambda **flips: flips))

    def camera(self, **settings: Any) -> PicameraCamera:
        return PicameraCamera(PicameraSettings(**settings))


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Board:
    return Board(monkeypatch)


def test_warm_it_starts_once_settles_and_runs_slowly(board: Board) -> None:
    camera = board.camera(warm_fps=5)
    assert board.log == ["open 0", "start", "settling", "settling", "slow (33333, 200000)"]
    assert isinstance(camera, Camera)
    for _ in range(3):
        assert camera.frame().size == (1024, 768)
    assert board.log.count("open 0") == 1
    camera.close()
    camera.close()
    assert board.log[-2:] == ["stop", "close"]
    with pytest.raises(DeviceError, match="switched off"):
        camera.frame()


@pytest.mark.parametrize("told", [{"AeLocked": True}, {"AeState": 2}])
def test_the_exposure_has_settled_by_either_libcamera(board: Board, told: dict[str, object]) -> None:
    board.states = [{"AeState": 1, "AeLocked": False}] * 4 + [told]
    board.camera().close()
    assert board.log.count("settling") == 5


def test_an_exposure_that_never_settles_is_not_waited_for(board: Board) -> None:
    board.states = [{}]
    begun = time.monotonic()
    board.camera(settle_seconds=0.1).close()
    assert time.monotonic() - begun < 2.0


def test_started_by_the_press_it_is_free_until_then(board: Board) -> None:
    camera = board.camera(start="press", release_seconds=0.1)
    assert board.log == []
    camera.frame()
    assert "slow" not in " ".join(board.log)
    assert _soon(lambda: board.log[-1] == "close")
    camera.close()


def test_idle_it_is_given_back_and_the_next_press_starts_it_again(board: Board) -> None:
    camera = board.camera(release_seconds=0.15)
    for _ in range(4):  # in use it stays
        time.sleep(0.05)
        camera.frame()
    assert "close" not in board.log
    assert _soon(lambda: board.log[-1] == "close")
    assert camera.frame().size == (1024, 768)
    assert board.log.count("open 0") == 2
    camera.close()


def test_never_released_it_stays(board: Board) -> None:
    camera = board.camera(release_seconds=0)
    camera.frame()
    time.sleep(0.1)
    assert "close" not in board.log
    camera.close()


@pytest.mark.parametrize("start", ["warm", "press"])
def test_a_busy_camera_is_the_error_of_that_frame_only(board: Board, start: str) -> None:
    board.busy = True
    camera = board.camera(start=start)  # tako starts all the same
    for _ in range(2):
        with pytest.raises(DeviceError, match="another program has it") as caught:
            camera.frame()
    assert "别的程序" in caught.value.spoken("zh")
    board.busy = False
    assert camera.frame().size == (1024, 768)
    camera.close()


def test_a_camera_that_stops_giving_frames_is_started_anew(board: Board) -> None:
    camera = board.camera()
    board.fails = True
    with pytest.raises(DeviceError, match="no picture"):
        camera.frame()
    assert board.log[-2:] == ["stop", "close"]
    board.fails = False
    assert camera.frame().size == (1024, 768)
    assert board.log.count("open 0") == 2
    camera.close()


def test_no_camera_is_told_at_once(board: Board) -> None:
    board.connected = 0
    with pytest.raises(DeviceError, match="I cannot find the camera"):
        board.camera()
    board.connected = 1
    with pytest.raises(DeviceError, match="I cannot find the camera"):
        board.camera(index=1)


def _marked() -> Image.Image:
    """Blue, its upper left quarter red."""
    picture = Image.new("RGB", (400, 200), "blue")
    picture.paste((255, 0, 0), (0, 0, 200, 100))
    return picture


@pytest.mark.parametrize(
    ("rotation", "size", "red"),
    [(0, (400, 200), (50, 50)), (90, (200, 400), (150, 50)), (270, (200, 400), (50, 350))],
)
def test_rotation_is_clockwise(board: Board, rotation: int, size: tuple[int, int], red: tuple[int, int]) -> None:
    board.pictures = [_marked()]
    camera = board.camera(rotation=rotation)
    frame = camera.frame()
    assert frame.size == size
    assert frame.getpixel(red) == (255, 0, 0)
    assert frame.getpixel((size[0] - red[0], size[1] - red[1])) == (0, 0, 255)
    assert board.made[0]["transform"] == {"hflip": False, "vflip": False}
    camera.close()


def test_upside_down_is_turned_by_the_camera_itself(board: Board) -> None:
    board.camera(rotation=180).close()
    assert board.made[0]["transform"] == {"hflip": True, "vflip": True}


def test_crop_is_of_the_turned_picture(board: Board) -> None:
    board.pictures = [_marked()]
    camera = board.camera(rotation=90, crop=(0.5, 0.0, 1.0, 0.25))
    frame = camera.frame()
    assert frame.size == (100, 100)
    assert frame.getcolors() == [(10_000, (255, 0, 0))]
    camera.close()


def test_a_crop_of_nothing_is_a_mistake_of_the_settings() -> None:
    with pytest.raises(ValueError, match="next to nothing"):
        PicameraSettings(crop=(0.5, 0.0, 0.5, 1.0))


class TestSharper:
    """The frame of the press, or a sharper one of the same."""

    photo = Image.open(PHOTO).convert("RGB").resize((512, 384))

    def blurred(self, radius: float) -> Image.Image:
        return self.photo.filter(ImageFilter.GaussianBlur(radius))

    def test_sharpness_falls_with_blur_and_not_with_brightness(self) -> None:
        values = [sharpness(self.blurred(radius)) for radius in (0, 1, 2, 4, 8)]
        assert values == sorted(values, reverse=True)
        assert values[0] > 3 * values[2]
        dark = self.photo.point(lambda value: value // 2)
        assert sharpness(dark) == pytest.approx(values[0], rel=0.1)
        assert sharpness(Image.new("RGB", (64, 64), "red")) == 0.0
        assert sharpness(Image.new("RGB", (2, 9))) == 0.0

    def test_a_sharper_one_of_the_same_wins(self) -> None:
        first = self.blurred(4)
        shaken = ImageChops.offset(self.photo, 12, 6)
        assert sharper(first, shaken) is shaken
        assert sharper(shaken, first) is shaken
        assert sharper(self.photo, self.photo.copy()) is self.photo

    def test_another_thing_does_not_win_however_sharp(self) -> None:
        first = self.blurred(4)
        rng = np.random.default_rng(1)
        board = Image.fromarray(rng.integers(0, 255, (12, 16, 3), dtype=np.uint8)).resize(first.size, 0)
        assert sharpness(board) > sharpness(first)
        assert sharper(first, board) is first

    def test_a_look_takes_the_sharpest_while_the_user_speaks(self, board: Board) -> None:
        board.pictures = [self.blurred(6), self.blurred(3), self.photo, self.blurred(8)]
        camera = board.camera(more_frames=3)
        look = Look(camera)
        assert _soon(lambda: board.frames == 4)
        picture = look.picture()
        assert picture is not None
        assert sharpness(picture) == pytest.approx(sharpness(self.photo), rel=0.01)
        camera.close()

    def test_without_more_frames_it_is_the_press_s(self, board: Board) -> None:
        board.pictures = [self.blurred(6), self.photo]
        camera = board.camera(more_frames=0)
        picture = Look(camera).picture()
        assert picture is not None
        assert sharpness(picture) == pytest.approx(sharpness(self.blurred(6)), rel=0.01)
        assert board.frames == 1
        camera.close()

    def test_a_camera_that_fails_later_keeps_the_first(self, board: Board) -> None:
        class Failing(FolderCamera):
            def more(self) -> Iterator[Image.Image]:
                raise DeviceError("The camera gives me no picture.")
                yield

        assert Look(Failing(PHOTO)).picture() is not None

    def test_a_picture_of_a_folder_is_taken_once(self, tmp_path: Path) -> None:
        for name, colour in (("a.png", "red"), ("b.png", "blue")):
            Image.new("RGB", (16, 16), colour).save(tmp_path / name)
        camera = FolderCamera(tmp_path)
        assert [Look(camera).picture().getpixel((0, 0)) for _ in range(2)] == [(255, 0, 0), (0, 0, 255)]  # type: ignore[union-attr]


def _soon(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + 5.0
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return condition()
