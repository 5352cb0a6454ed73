"""Palettes and mood boards: drawn pictures in, colours at their places out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from actions.interior import mood_board
from actions.interior.mood_board import NOTES_AT, PAPER, PHOTO, SIZE, Notes, can_write, draw, photo_places, style_places
from actions.interior.palette import Swatch, named, read_palette

COLOURS = tuple(named(hex_) for hex_ in ("#FFFFFF", "#E3D5B8", "#1F4A30", "#2F66C4", "#151515"))


def notes(**more: object) -> Notes:
    fields = {
        "title": "bedroom: Nordic",
        "colours": COLOURS,
        "photo_colours": COLOURS[:3],
        "materials": "birch and wool",
        "changes": ("add a throw", "paint the wall", "hang a lamp"),
        "lang": "en",
    }
    return Notes(**{**fields, **more})  # type: ignore[arg-type]


def striped(*stripes: tuple[str, int], size: tuple[int, int] = (400, 300)) -> Image.Image:
    """Upright stripes of colours, as wide as their shares of the whole."""
    picture, left, whole = Image.new("RGB", size), 0, sum(share for _, share in stripes)
    pen = ImageDraw.Draw(picture)
    for color, share in stripes:
        right = left + round(size[0] * share / whole)
        pen.rectangle((left, 0, right, size[1]), color)
        left = right
    return picture


class TestPalette:
    def test_the_largest_first_with_names(self) -> None:
        palette = read_palette(striped(("#E3D5B8", 60), ("#1C2B52", 30), ("#D32626", 10)))
        assert [swatch.name[0] for swatch in palette.swatches] == ["beige", "navy", "red"]
        assert [swatch.name[1] for swatch in palette.swatches] == ["米色", "藏青色", "红色"]
        assert [round(swatch.share, 1) for swatch in palette.swatches] == [0.6, 0.3, 0.1]
        for swatch, drawn in zip(palette.swatches, ("#E3D5B8", "#1C2B52", "#D32626"), strict=True):
            assert swatch.away(named(drawn)) < 3

    def test_noise_and_light_make_no_new_colours(self) -> None:
        random = np.random.default_rng(7)
        pixels = np.asarray(striped(("#2F66C4", 70), ("#F5F0E0", 30)), np.float64)
        pixels = pixels * np.linspace(0.95, 1.05, 300)[:, None, None] + random.normal(0, 5, pixels.shape)
        palette = read_palette(Image.fromarray(pixels.clip(0, 255).astype(np.uint8)))
        assert len(palette.swatches) <= 3
        assert palette.swatches[0].name[0] == "blue"

    @pytest.mark.parametrize(("stripes", "flat"), [((("#9A9A9A", 1), ("#B0B0B0", 1)), True),
                                                   ((("#FFFFFF", 1), ("#151515", 1)), False)])  # fmt: skip
    def test_contrast(self, stripes: tuple[tuple[str, int], ...], flat: bool) -> None:
        assert read_palette(striped(*stripes)).flat is flat

    @pytest.mark.parametrize("size", [(1, 1), (1, 900), (3, 2)])
    def test_tiny_pictures(self, size: tuple[int, int]) -> None:
        palette = read_palette(Image.new("RGB", size, "red"))
        assert [swatch.name[0] for swatch in palette.swatches] == ["red"]
        assert palette.contrast == 0

    def test_lab_is_that_of_the_standard(self) -> None:
        """CIELAB of sRGB's red with D50 white is 54.3, 80.8, 69.9 (of ICC profiles), to a byte's grain."""
        red = Swatch("#FF0000", ("red", "红色"))
        assert red.lightness == pytest.approx(54.3, abs=0.5)
        assert red.chroma == pytest.approx(106.8, abs=1.0)
        assert Swatch("#FFFFFF", ("", "")).away(Swatch("#000000", ("", ""))) == pytest.approx(100, abs=0.5)


class TestBoard:
    @pytest.mark.parametrize("photo", [None, striped(("#2F66C4", 1), ("#D32626", 1))], ids=["no photo", "photo"])
    def test_each_thing_in_its_place(self, photo: Image.Image | None) -> None:
        board = draw(notes(), photo)
        assert (board.size, board.mode) == (SIZE, "RGB")
        for place, swatch in zip(style_places(photo is not None), COLOURS, strict=True):
            assert _inside(board, place) == swatch.rgb
        for place, swatch in zip(photo_places(3), COLOURS, strict=False):
            assert _inside(board, place) == swatch.rgb
        if photo:
            left, top, right, bottom = PHOTO
            assert board.getpixel((left + 5, top + 5)) == (0x2F, 0x66, 0xC4)
            assert board.getpixel((right - 5, bottom - 5)) == (0xD3, 0x26, 0x26)

    def test_without_a_photo_there_are_none_of_its_colours(self) -> None:
        board = draw(notes(photo_colours=()), None)
        left, top, right, bottom = mood_board.OWN_AT
        assert board.crop((left, top, right, bottom)).getcolors() == [((right - left) * (bottom - top), _rgb(PAPER))]

    def test_words_are_written_within_the_paper(self) -> None:
        text = "\x00<script>alert(1)</script>\n" + "w" * 5000
        board = draw(notes(title=text, materials=text, changes=(text,) * 3), None)
        frame = np.asarray(board)
        paper = np.array(_rgb(PAPER))
        assert (frame[:, -40:] == paper).all()
        assert (frame[NOTES_AT[1] :, :] != paper).any()

    def test_chinese_is_written_where_a_font_has_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """DejaVu stands in for a Chinese font, so that the way is gone on every machine."""
        monkeypatch.setattr(mood_board, "_CHINESE", ("DejaVuSans.ttf",))
        mood_board._font.cache_clear()
        assert can_write("zh")
        chinese = draw(notes(lang="zh", materials="桦木、羊毛" * 30), None)
        assert chinese.tobytes() != draw(notes(), None).tobytes()
        mood_board._font.cache_clear()

    def test_without_fonts_there_is_one_of_pillow(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(mood_board, "_LATIN", ("nowhere.ttf",))
        monkeypatch.setattr(mood_board, "_CHINESE", ("nowhere.ttf",))
        mood_board._font.cache_clear()
        assert not can_write("zh")
        assert draw(notes(), None).size == SIZE
        mood_board._font.cache_clear()


def _inside(board: Image.Image, place: tuple[int, int, int, int]) -> tuple[int, ...]:
    """The colour of a field, right of its words."""
    _, top, right, bottom = place
    pixel = board.getpixel((right - 6, (top + bottom) // 2))
    assert isinstance(pixel, tuple)
    return pixel


def _rgb(hex_: str) -> tuple[int, int, int]:
    return Swatch(hex_, ("", "")).rgb


def test_the_repository_has_no_fonts_of_its_own() -> None:
    assert not list(Path(mood_board.__file__).parent.rglob("*.tt[fc]"))
