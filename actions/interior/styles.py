"""What is known of styles and rooms (`data/interior`), and which of them somebody means.

Knows words and colours; makes no proposal and draws nothing.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TypeVar

import msgspec

from actions.base import Meaning
from actions.interior.palette import NAMED, Swatch, shade
from actions.matching import Entry, Matcher, verdict
from actions.wording import one_line, say

FOLDER = Path(__file__).resolve().parent / "data"
NEAREST = 0.45  # score of a style from which it is proposed where none is known
LONGEST = 100  # characters of a style or a room that are looked at
Words = tuple[str, str]  # English, Chinese
T = TypeVar("T")
_HAN = re.compile(r"[\u3400-\u9fff]")
_COLOUR_ONLY = "modern"  # the style whose things are taken where only a colour was said
# colours that are said, besides `NAMED`: hex, English, Chinese
_SAID = (
    ("#FFFFFF", "white", "白"), ("#151515", "black", "黑"), ("#9A9A9A", "gray", "灰"), ("#D32626", "red", "红"),
    ("#F28A2A", "orange", "橘"), ("#F28A2A", "orange", "橙"), ("#F5D83B", "yellow", "黄"),
    ("#3E9440", "green", "绿"), ("#2F66C4", "blue", "蓝"), ("#7A3FA8", "violet", "紫"),
    ("#F2A0B5", "rose", "粉红"), ("#F2A0B5", "rosy", "粉"), ("#8B5A33", "brown", "咖啡色"),
    ("#1C2B52", "navy blue", "藏蓝"), ("#C9A24C", "gold", "金色"), ("#BFC3C7", "silver", "银色"),
    ("#A9CFE8", "sky blue", "天蓝"), ("#1F4A30", "emerald", "墨绿"), ("#E3D5B8", "ivory", "米白"),
    ("#F2A489", "coral", "珊瑚色"), ("#C3B1E0", "lilac", "淡紫"), ("#F2A489", "peach", "蜜桃色"),
)  # fmt: skip


class _Style(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    en: tuple[str, ...]
    zh: tuple[str, ...]
    colours: tuple[tuple[str, str, str], ...]
    materials: Words
    light: Words
    furniture: Words
    textiles: Words
    plant: Words
    decor: Words
    outside: Words
    planting: Words
    mood: bool = False


class _Room(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    en: tuple[str, ...]
    zh: tuple[str, ...]
    changes: tuple[Words, Words, Words]


@dataclass(frozen=True)
class Style:
    """A style, a mood or a colour, ready to be proposed."""

    id: str
    name: Words
    colours: tuple[Swatch, ...]  # five
    materials: Words
    phrases: Mapping[str, Words]  # "light", "furniture", ... as rooms.toml names them
    asked: Swatch | None = None  # a colour that was asked for


@dataclass(frozen=True)
class Room:
    """A kind of room, called as it was said."""

    id: str
    name: Words
    changes: tuple[Words, Words, Words]


@dataclass(frozen=True)
class Found:
    """Which style is meant. sure: False where it only comes nearest."""

    style: Style
    sure: bool


def find_style(said: str, lang: str, matcher: Matcher[str]) -> Found | None:
    """The style that is meant: by its name, by a mood, or by a colour; else the one that comes nearest, or None.

    matcher: `style_matcher`'s.
    """
    text = _folded(said)
    names = {name: style.en + style.zh for name, style in _styles().items()}
    colour = _colour_in(text)
    whole = _named_in(text, names)
    if colour:
        word, swatch = colour
        rest = _named_in(text.replace(word, " "), names)
        if rest:
            return Found(_with_colour(_style(rest[0]), swatch), sure=True)
        if not whole or max(len(name) for name in names[whole[0]] if name.casefold() in text) < len(word):
            return Found(_of_colour(swatch), sure=True)
    if whole:  # "warm Scandinavian" is Scandinavian
        return Found(_style(min(whole, key=lambda name: _styles()[name].mood)), sure=True)
    matches = matcher.best(text, lang, 2)
    if not matches or matches[0].score < NEAREST:
        return None
    return Found(_style(matches[0].entry.payload), sure=verdict(matches) == "clear")


def style_matcher(meaning: Meaning | None = None) -> Matcher[str]:
    """What finds a style that is not called by one of its names."""
    en = ("style", "look", "vibe", "theme", "room", "feel", "more", "very")
    entries = [Entry(name, {"en": style.en, "zh": style.zh}) for name, style in _styles().items()]
    return Matcher(entries, meaning, heads=False, aside={"en": en, "zh": ("风格", "风", "一点", "感觉")})


def find_room(said: str) -> Room:
    """The room of those words; one that is not known is a room like any other, and is called as it was said."""
    text = _folded(said)
    ids = _named_in(text, {name: room.en + room.zh for name, room in _rooms().items()})
    room_id = ids[0] if ids else "room"
    room = _rooms()[room_id]
    own = (room.en[0], "房间" if room_id == "room" else room.zh[0])
    name = re.sub(r"^(?:(?:my|our|the|this|your)\s+|我的?|我们的?|这个?|把)", "", one_line(said), flags=re.IGNORECASE)
    shown = name.rstrip(" .。,，!！?？")[:40].strip()
    if not shown:
        return Room(room_id, own, room.changes)
    return Room(room_id, (own[0], shown) if _HAN.search(shown) else (shown, own[1]), room.changes)


def examples(lang: str) -> list[str]:
    """Three names of styles, to be named in a question."""
    return [say(lang, *_style(name).name) for name in ("scandinavian", "japanese", "industrial")]


def changes_of(room: Room, style: Style, accent: Swatch, soft: Swatch) -> tuple[Words, ...]:
    """The three changes for a room in a style."""
    phrases = {**style.phrases, "accent": accent.name, "soft": soft.name}
    return tuple(
        (en.format_map({k: v[0] for k, v in phrases.items()}), zh.format_map({k: v[1] for k, v in phrases.items()}))
        for en, zh in room.changes
    )


def all_styles() -> tuple[Style, ...]:
    return tuple(map(_style, _styles()))


def _style(name: str) -> Style:
    entry = _styles()[name]
    slots = ("light", "furniture", "textiles", "plant", "decor", "outside", "planting")
    colours = tuple(Swatch(hex_, (en, zh)) for hex_, en, zh in entry.colours)
    phrases = {slot: getattr(entry, slot) for slot in slots}
    return Style(name, (entry.en[0], entry.zh[0]), colours, entry.materials, phrases)


def _with_colour(style: Style, colour: Swatch) -> Style:
    """The style with a colour in place of its own colour that is nearest to it."""
    nearest = min(style.colours, key=colour.away)
    rest = [own for own in style.colours if own is not nearest]
    return replace(style, colours=(colour, *rest), asked=colour)


def _of_colour(colour: Swatch) -> Style:
    """A look in one colour: lighter and deeper shades of it with neutral ones, and modern things."""
    plain = _style(_COLOUR_ONLY)
    white, charcoal = Swatch("#F7F5F0", ("warm white", "暖白")), Swatch("#3A3D40", ("charcoal", "炭灰"))
    if colour.chroma < 8:
        grey = Swatch("#9A9A9A", ("grey", "灰色"))
        oak = Swatch("#CDB48C", ("pale oak", "浅橡木色"))
        black = Swatch("#151515", ("black", "黑色"))
        rest = [swatch for swatch in (white, charcoal, grey, oak, black) if swatch.away(colour) > 6][:4]
        return replace(plain, id="colour", name=colour.name, colours=(colour, *rest), asked=colour)
    en, zh = re.sub("^(?:light|dark|pale|deep) ", "", colour.name[0]), re.sub("^[浅深淡]", "", colour.name[1])
    pale = Swatch(shade(colour, 0.86, 0.7), (f"pale {en}", f"浅{zh}"))
    full = Swatch(shade(colour, 0.5), (en, zh) if en != colour.name[0] else (f"bright {en}", f"亮{zh}"))
    deep = Swatch(shade(colour, 0.22), (f"deep {en}", f"深{zh}"))
    others = (pale, full) if colour.lightness < 35 else (full, deep) if colour.lightness > 75 else (pale, deep)
    return replace(plain, id="colour", name=colour.name, colours=(colour, *others, white, charcoal), asked=colour)


def _colour_in(text: str) -> tuple[str, Swatch] | None:
    """A colour that is named in a text, and its word there; the longest word counts."""
    found: list[tuple[str, Swatch]] = []
    for hex_, en, zh in NAMED + _SAID:
        bare = zh.removesuffix("色") if len(zh) > 2 else zh  # 沙 is no colour, 沙色 is one
        swatch = Swatch(hex_, (en, zh if len(zh) > 1 else f"{zh}色"))
        if re.search(rf"(?<![\w-]){en}(?![\w-])", text):
            found.append((en, swatch))
        if bare in text:
            found.append((f"{bare}色" if f"{bare}色" in text else bare, swatch))
    return max(found, key=lambda hit: len(hit[0]), default=None)


def _named_in(text: str, table: Mapping[str, Sequence[str]]) -> list[str]:
    """Those of which a name stands in the text, the one with the longest name first."""
    found: dict[str, int] = {}
    for key, names in table.items():
        for name in map(str.casefold, names):
            there = name in text if _HAN.search(name) else re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)
            if there:
                found[key] = max(found.get(key, 0), len(name))
    return sorted(found, key=lambda key: -found[key])


@cache
def _styles() -> dict[str, _Style]:
    return _read("styles", _Style)


@cache
def _rooms() -> dict[str, _Room]:
    return _read("rooms", _Room)


def _read(name: str, kind: type[T]) -> dict[str, T]:
    tables = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    return {key: msgspec.convert(value, kind) for key, value in tables.items()}


def _folded(text: str) -> str:
    text = unicodedata.normalize("NFKC", one_line(text[: 2 * LONGEST])).casefold().replace("’", "'")
    return text.replace("colorful", "colourful").replace("gray", "grey")[:LONGEST].strip()
