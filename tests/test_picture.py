"""Any picture a person may hand in, and what is none."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from actions.errors import InputError
from agent.picture import MAX_SIDE, load_picture

PHOTO = Path(__file__).parent / "data" / "photo.jpg"
ORIENTATIONS = range(1, 9)


def halves(size: tuple[int, int] = (64, 48)) -> Image.Image:
    """Red above, blue below."""
    image = Image.new("RGB", size, "blue")
    image.paste((255, 0, 0), (0, 0, size[0], size[1] // 2))
    return image


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_it_is_turned_upright(tmp_path: Path, suffix: str, orientation: int) -> None:
    turned = halves()
    undo = {  # how a camera that was held so writes it
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    if orientation in undo:
        turned = turned.transpose(undo[orientation])
    exif = Image.Exif()
    exif[0x112] = orientation
    path = tmp_path / f"photo.{suffix}"
    turned.save(path, exif=exif)
    picture = load_picture(path)
    assert picture.size == (64, 48)
    red, _, blue = np.asarray(picture)[4, 32]
    assert red > 200 > 60 > blue


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / f"photo.{'tif' if mode in ('CMYK', 'YCbCr') else 'png'}"
    halves((2100, 1050)).convert(mode).save(path)
    picture = load_picture(path)
    assert picture.mode == "RGB"
    assert picture.size == (MAX_SIDE, MAX_SIDE // 2)


def test_sixteen_bits_keep_their_tones(tmp_path: Path) -> None:
    tones = np.asarray(Image.open(PHOTO).convert("L"))
    Image.fromarray(tones.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    Image.fromarray(tones.astype(np.float32) / 255).save(tmp_path / "float.tif")
    for name in ("deep.png", "float.tif"):
        assert np.abs(np.asarray(load_picture(tmp_path / name))[..., 0].astype(int) - tones).max() <= 1


def test_transparency_is_on_white(tmp_path: Path) -> None:
    Image.new("RGBA", (32, 32), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert load_picture(tmp_path / "clear.png").getpixel((5, 5)) == (255, 255, 255)


def test_of_an_animation_the_first_frame(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    assert load_picture(tmp_path / "moving.gif").getpixel((5, 5)) == (255, 0, 0)


def test_a_large_one_keeps_its_content(tmp_path: Path) -> None:
    halves((4097, 3001)).save(tmp_path / "large.png")
    picture = load_picture(tmp_path / "large.png")
    assert max(picture.size) == MAX_SIDE
    assert abs(picture.width / picture.height - 4097 / 3001) < 0.01
    assert picture.getpixel((500, 100)) == (255, 0, 0)
    assert picture.getpixel((500, 700)) == (0, 0, 255)


def bad(tmp_path: Path, kind: str) -> Path:
    path = tmp_path / f"{kind}.png"
    match kind:
        case "empty":
            path.write_bytes(b"")
        case "text":
            path.write_text("this is no picture")
        case "script":  # PostScript would run another program
            path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n")
        case "truncated":
            path.write_bytes(PHOTO.read_bytes()[:20_000])
        case "tiny":
            Image.new("RGB", (1, 1)).save(path)
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "bomb":  # 60,000 x 60,000 white pixels in a file of a few hundred kilobytes
            path.write_bytes(_bomb(60_000))
        case "large":
            path.write_bytes(_bomb(8_000))
    return path


def _bomb(side: int) -> bytes:
    """A PNG whose header promises side x side pixels of one bit."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "kind", ["empty", "text", "script", "truncated", "tiny", "folder", "pipe", "missing", "bomb", "large"]
)
def test_what_is_no_picture_ends_in_a_sentence(tmp_path: Path, kind: str) -> None:
    with pytest.raises(InputError) as caught:
        load_picture(bad(tmp_path, kind))
    assert caught.value.en.endswith((".", "?"))
    assert any("\u4e00" <= char <= "\u9fff" for char in caught.value.zh)


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "most"), [("jpg", 80), ("png", 300)])
def test_forty_megapixels_need_little_memory(tmp_path: Path, suffix: str, most: int) -> None:
    """In a process of its own, so that only this picture counts. `most`: megabytes above an idle process."""
    path = tmp_path / f"huge.{suffix}"
    Image.linear_gradient("L").resize((7752, 5168)).convert("RGB" if suffix == "jpg" else "RGBA").save(path)
    code = (
        "import sys; from pathlib import Path; from agent.picture import load_picture\n"
        "peak = lambda: int(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])\n"
        "idle = peak()\n"
        "assert load_picture(Path(sys.argv[1])).size == (1024, 683)\n"
        "print((peak() - idle) // 1024)"
    )
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, cwd=root, check=True)
    assert int(done.stdout) < most
