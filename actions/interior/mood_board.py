"""A mood board as a picture: the photo, the colours of the style and of the photo with their names, materials, changes.

Knows Pillow and fonts; knows nothing of styles. Chinese is written where a font has it, else names stay in English.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from PIL import Image, ImageDraw, ImageFont, ImageOps

from actions.interior.palette import Swatch
from actions.wording import cut, one_line

SIZE = WIDTH, HEIGHT = 1200, 1500  # pixels
MARGIN, GAP = 60, 24
PHOTO = (MARGIN, 170, 720, 830)  # left, top, right, bottom
STYLE_AT = (750, 170, WIDTH - MARGIN, 830)  # the colours of the style, one above the other
OWN_AT = (MARGIN, 900, WIDTH - MARGIN, 1000)  # those of the photo, side by side
NOTES_AT = (MARGIN, 1070)
PAPER, INK, FAINT, EDGE = "#FBFAF7", "#2A2927", "#77736D", "#D8D5CF"
_LATIN = ("DejaVuSans.ttf",)
_CHINESE = (  # of Debian's fonts-noto-cjk, fonts-wqy-microhei, fonts-wqy-zenhei and fonts-droid-fallback
    "NotoSansCJK-Regular.ttc",
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
    "DroidSansFallbackFull.ttf",
)
_LABELS = {
    "en": ("In your photo", "Materials", "Three changes"),
    "zh": ("照片里的颜色", "材料", "三处改动"),
}


@dataclass(frozen=True)
class Notes:
    """What a board says."""

    title: str
    colours: tuple[Swatch, ...]  # of the style
    photo_colours: tuple[Swatch, ...]  # none where there is no photo
    materials: str
    changes: tuple[str, ...]
    lang: str


def can_write(lang: str) -> bool:
    """Whether there is a font for the language."""
    return lang != "zh" or _font_file(_CHINESE) is not None


def draw(notes: Notes, photo: Image.Image | None) -> Image.Image:
    """The board, RGB of `SIZE`. notes: in a language that `can_write`; photo: RGB."""
    board = Image.new("RGB", SIZE, PAPER)
    pen = _Pen(ImageDraw.Draw(board), notes.lang)
    pen.write((MARGIN, 60), notes.title, 52, WIDTH - 2 * MARGIN)
    left, top, right, bottom = PHOTO
    if photo is not None:
        board.paste(ImageOps.fit(photo, (right - left, bottom - top)), (left, top))
    _column(pen, notes.colours, STYLE_AT if photo is not None else (left, *STYLE_AT[1:]))
    own, materials, changes = _LABELS[notes.lang]
    if notes.photo_colours:
        pen.write((MARGIN, 852), own, 26, WIDTH, FAINT)
        _row(pen, notes.photo_colours)
    x, y = NOTES_AT
    y = pen.write((x, y), materials, 26, WIDTH, FAINT) + 6
    y = pen.write((x, y), notes.materials, 32, WIDTH - 2 * MARGIN) + GAP
    y = pen.write((x, y), changes, 26, WIDTH, FAINT) + 6
    for number, change in enumerate(notes.changes, 1):
        y = pen.write((x, y), f"{number}. {change}", 32, WIDTH - 2 * MARGIN) + 4
    return board


def style_places(photo: bool, count: int = 5) -> list[tuple[int, int, int, int]]:
    """Where the colours of the style are: left, top, right, bottom of each."""
    left, top, right, bottom = STYLE_AT if photo else (MARGIN, *STYLE_AT[1:])
    height = (bottom - top - (count - 1) * GAP // 2) // count
    return [(left, y, right, y + height) for y in range(top, top + count * (height + GAP // 2), height + GAP // 2)]


def photo_places(count: int) -> list[tuple[int, int, int, int]]:
    """Where the colours of the photo are, from its left to its right."""
    left, top, right, bottom = OWN_AT
    width = (right - left - (count - 1) * GAP // 2) // count
    return [(left + n * (width + GAP // 2), top, left + n * (width + GAP // 2) + width, bottom) for n in range(count)]


def _column(pen: _Pen, colours: tuple[Swatch, ...], at: tuple[int, int, int, int]) -> None:
    for place, swatch in zip(style_places(at[0] != MARGIN, len(colours)), colours, strict=True):
        pen.swatch(place, swatch)


def _row(pen: _Pen, colours: tuple[Swatch, ...]) -> None:
    for place, swatch in zip(photo_places(len(colours)), colours, strict=True):
        pen.swatch(place, swatch)


class _Pen:
    """Writes and paints on a board."""

    def __init__(self, canvas: ImageDraw.ImageDraw, lang: str) -> None:
        self._canvas = canvas
        self._lang = lang

    def swatch(self, place: tuple[int, int, int, int], swatch: Swatch) -> None:
        """A field of a colour with its name and its hex in it."""
        self._canvas.rectangle(place, swatch.hex, EDGE)
        left, top, right, bottom = place
        ink = "#000000" if swatch.lightness > 55 else "#FFFFFF"
        name = swatch.name[1 if self._lang == "zh" else 0]
        wide = right - left - 28
        self.write((left + 14, top + 10), name, 28, wide, ink, lines=1)
        self.write((left + 14, bottom - 36), swatch.hex, 22, wide, ink, lines=1)

    def write(self, at: tuple[int, int], text: str, size: int, wide: int, ink: str = INK, lines: int = 3) -> int:
        """Writes within `wide` pixels, in at most `lines` lines; returns the y below."""
        font = _font(self._lang, size)
        x, y = at
        for line in _wrapped(cut(one_line(text), 240), font, wide)[:lines]:
            self._canvas.text((x, y), line, ink, font)
            y += round(size * 1.35)
        return y


def _wrapped(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, wide: int) -> list[str]:
    """Lines that fit; broken at spaces, else between characters."""
    lines, line = [], ""
    for word in _pieces(text):
        if line and font.getlength(line + word) > wide:
            lines.append(line.rstrip())
            line = word.lstrip()
        else:
            line += word
        while font.getlength(line) > wide and len(line) > 1:
            fits = next(n for n in range(len(line) - 1, 0, -1) if n == 1 or font.getlength(line[:n]) <= wide)
            lines.append(line[:fits])
            line = line[fits:]
    return [*lines, line.rstrip()] if line.strip() else lines


def _pieces(text: str) -> list[str]:
    """Words with the space before them; Chinese characters one by one."""
    pieces: list[str] = []
    for character in text:
        if not pieces or character == " " or ord(character) >= 0x2E80 or ord(pieces[-1][-1]) >= 0x2E80:
            pieces.append(character)
        else:
            pieces[-1] += character
    return pieces


@cache
def _font(lang: str, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    file = _font_file(_CHINESE if lang == "zh" else _LATIN)
    return ImageFont.truetype(file, size) if file else ImageFont.load_default(size)


@cache
def _font_file(names: tuple[str, ...]) -> str | None:
    """The first of the fonts that the system has. Pillow looks for it in the system's folders."""
    for name in names:
        try:
            return str(ImageFont.truetype(name, 20).path)
        except OSError:
            continue
    return None
