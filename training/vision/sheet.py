"""A contact sheet: photos with what was asked and answered, right answers left in green, wrong ones right in red."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont
    from PIL.ImageFont import ImageFont as BitmapFont

COLUMNS, ROWS = 8, 5  # half of the columns for right answers
THUMB, WIDTH, LINE, LINES = 104, 176, 13, 6  # pixels; lines of text below a photo
HEIGHT = THUMB + 12 + LINE * LINES
TITLE = 26
GREEN, RED = "#1a8f4a", "#c9352b"
MOST = 400_000  # bytes of the file
CHINESE = (  # fonts that have Chinese, by the beginnings of their files' names
    *("NotoSansCJK", "NotoSansSC", "SourceHanSans", "wqy", "DroidSansFallback", "uming", "ukai"),
    *("PingFang", "Hiragino Sans GB", "STHeiti", "msyh", "simhei", "simsun"),
)
FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts", "/Library/Fonts")


@dataclass(frozen=True)
class Card:
    """One photo with its request and the answer."""

    photo: Path
    request: str
    answer: str
    right: bool


def contact_sheet(cards: Sequence[Card], path: Path, title: str, font: FreeTypeFont | BitmapFont | None = None) -> None:
    """Writes a PNG below `MOST` bytes: half of it right, half of it wrong answers, as far as there are any; the cards'
    order says which. The title should say how many there are in truth."""
    font = font or ImageFont.load_default(11)
    half = COLUMNS // 2 * ROWS
    sheet = Image.new("RGB", (COLUMNS * WIDTH, ROWS * HEIGHT + TITLE), "white")
    draw = ImageDraw.Draw(sheet)
    draw.text((8, 5), title, "black", ImageFont.load_default(13))
    for right, left in ((True, 0), (False, COLUMNS // 2)):
        for i, card in enumerate([card for card in cards if card.right is right][:half]):
            row, column = divmod(i, COLUMNS // 2)
            _paint(sheet, card, (left + column) * WIDTH, TITLE + row * HEIGHT, font)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_small(sheet))


def chinese_font(size: int = 11) -> FreeTypeFont | None:
    """A font of this machine that has Chinese and Latin; None where there is none."""
    for folder in (Path(name).expanduser() for name in FOLDERS):
        for file in sorted(folder.rglob("*.[to]t[cf]")) if folder.is_dir() else ():
            if file.name.startswith(CHINESE):
                try:
                    font = ImageFont.truetype(str(file), size)
                except OSError:
                    continue
                if bytes(font.getmask("狗")) != bytes(font.getmask("\U0010ffff")):
                    return font
    return None


def wrapped(text: str, font: FreeTypeFont | BitmapFont, width: float, lines: int) -> list[str]:
    """The text in lines of at most `width` pixels, the last one cut with dots when it does not fit."""
    found = [""]
    for piece in _pieces(text):
        if found[-1] and font.getlength(found[-1] + piece.rstrip()) > width:
            found.append(piece.lstrip())
        else:
            found[-1] += piece
    shown = [line.rstrip() for line in found[:lines]]
    for i, line in enumerate(shown):
        cut = len(found) > lines and i == lines - 1
        while line and font.getlength(line + "..." * cut) > width:
            line, cut = line[:-1], True
        shown[i] = line + "..." * cut
    return shown


def _pieces(text: str) -> Iterator[str]:
    """Words with the space behind them, Han characters one by one."""
    word = ""
    for character in text:
        word += character
        if character == " " or character >= "\u2e80":
            yield word
            word = ""
    yield word


def _paint(sheet: Image.Image, card: Card, left: int, top: int, font: FreeTypeFont | BitmapFont) -> None:
    draw = ImageDraw.Draw(sheet)
    color = GREEN if card.right else RED
    draw.rectangle((left + 3, top + 3, left + WIDTH - 4, top + HEIGHT - 4), outline=color, width=3)
    with Image.open(card.photo) as photo:
        small = photo.convert("RGB")
    small.thumbnail((WIDTH - 20, THUMB))
    sheet.paste(small, (left + (WIDTH - small.width) // 2, top + 9 + (THUMB - small.height) // 2))
    said = [(line, "black") for line in wrapped(card.request, font, WIDTH - 20, LINES // 2)]
    said += [(line, color) for line in wrapped(card.answer, font, WIDTH - 20, LINES - len(said))]
    for i, (line, tint) in enumerate(said):
        draw.text((left + 10, top + THUMB + 10 + i * LINE), line, tint, font)


def _small(sheet: Image.Image) -> bytes:
    """As PNG, of as many colours as fit."""
    for colors in (256, 160, 96, 56, 32, 16):
        file = BytesIO()
        sheet.quantize(colors, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
        if file.tell() <= MOST:
            break
    return file.getvalue()
