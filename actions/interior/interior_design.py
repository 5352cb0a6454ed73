"""The action of `interior_design`: a proposal for a room in a style, from the colours of its photo, and a mood board.

What is known of styles and rooms is local (`actions.interior.styles`); nothing goes online but the board, to the owner
and after a yes. Knows palettes and words; the picture of the board is drawn by `actions.interior.mood_board`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from PIL import Image

from actions.base import Meaning, Outcome, Push, Request
from actions.database import Thing, told
from actions.errors import YES_NO, ActionError, DeviceError, Question
from actions.interior.mood_board import Notes, can_write, draw
from actions.interior.palette import Palette, Swatch, read_palette
from actions.interior.styles import Room, Style, changes_of, examples, find_room, find_style, style_matcher
from actions.matching import Matcher
from actions.messages.push import place
from actions.questions import question_for
from actions.snapshot import read_upright, write_jpeg
from actions.wording import LONGEST, cut, listing, one_line, say

log = logging.getLogger(__name__)
FITS = 17.0  # CIELAB distance up to which a colour of the room belongs to a colour of the style
KEPT = 20  # mood boards; older ones go
SIDE = 900  # pixels of the photo that is looked at and drawn
ALIKE = "alike"  # the question whether the nearest style will do
_MAIN = 0.08  # share of the photo from which a colour is worth keeping


@dataclass(frozen=True)
class Proposal:
    """What is proposed for a room."""

    room: Room
    style: Style
    palette: Palette | None  # of the photo
    kept: tuple[Swatch, ...]  # colours of the photo that fit the style, the largest first
    added: tuple[Swatch, ...]  # colours of the style that the room lacks, at most three
    changes: tuple[tuple[str, str], ...]  # three, English and Chinese

    def spoken(self, lang: str) -> str:
        """Three sentences; without the materials where they would be too long to hear."""
        full, brief = (
            say(lang, " ", "").join([self._opening(lang), self._addition(lang, materials), self._changes(lang)])
            for materials in (True, False)
        )
        return full if len(full) <= LONGEST[lang] else brief

    def _opening(self, lang: str) -> str:
        room, style = (say(lang, *words) for words in (self.room.name, self.style.name))
        if self.palette is None:
            return say(lang, f"Here is the {room} in the {style} look.", f"{room}的{style}风格方案：")
        main = say(lang, *self.palette.swatches[0].name)
        if self.kept and self.kept[0] is self.palette.swatches[0]:
            return say(
                lang,
                f"The {room} is mostly {main}, which suits the {style} look.",
                f"{room}以{main}为主，很适合{style}风格。",
            )
        if self.kept:
            keep = say(lang, *self.kept[0].name)
            return say(
                lang,
                f"The {room} is mostly {main}; keep the {keep}, it suits the {style} look.",
                f"{room}以{main}为主，保留{keep}，很配{style}风格。",
            )
        base = say(lang, *self.style.colours[0].name)
        return say(
            lang,
            f"The {room} is mostly {main}; for the {style} look start from {base}.",
            f"{room}以{main}为主，{style}风格先用{base}打底。",
        )

    def _addition(self, lang: str, materials: bool) -> str:
        names = listing([say(lang, *swatch.name) for swatch in self.added], lang, ("and", "和"))
        stuff = say(lang, *self.style.materials)
        if not names:
            return say(lang, f"Its colours are all there; add {stuff}.", f"颜色已经齐了，再加{stuff}。")
        with_ = say(lang, f", with {stuff}", f"，配{stuff}") if materials else ""
        if self.palette and self.palette.flat:
            return say(lang, f"Its contrast is low, so add {names}{with_}.", f"对比偏弱，要加入{names}{with_}。")
        return say(lang, f"Add {names}{with_}.", f"加入{names}{with_}。")

    def _changes(self, lang: str) -> str:
        first, second, third = (say(lang, *change) for change in self.changes)
        return say(lang, f"Three changes: {first}, {second}, and {third}.", f"三处改动：{first}，{second}，{third}。")

    def notes(self, lang: str) -> Notes:
        """What the board says."""
        photo = self.palette.swatches if self.palette else ()
        style, room = (say(lang, *words) for words in (self.style.name, self.room.name))
        return Notes(
            title=say(lang, f"{room[:1].upper()}{room[1:]}: {style}", f"{room}：{style}"),
            colours=self.style.colours,
            photo_colours=photo,
            materials=say(lang, *self.style.materials),
            changes=tuple(say(lang, *change) for change in self.changes),
            lang=lang,
        )


def propose(room: Room, style: Style, palette: Palette | None) -> Proposal:
    """What to do with a room: keeps the colours that fit and adds those that lack, the most contrasting first where the
    photo has little contrast."""
    swatches = palette.swatches if palette else ()
    main = [swatch for swatch in swatches if swatch.share >= _MAIN] or list(swatches[:1])
    kept = tuple(own for own in main if min(own.away(colour) for colour in style.colours) < FITS)
    lacking = [colour for colour in style.colours if not any(colour.away(own) < FITS for own in kept)]
    if palette and palette.flat:
        lacking.sort(key=lambda colour: -abs(colour.lightness - palette.swatches[0].lightness))
    if style.asked in lacking:
        lacking.remove(style.asked)
        lacking.insert(0, style.asked)
    accent = style.asked or max(lacking or style.colours, key=lambda colour: colour.chroma)
    if main and not kept:  # what to start from is said before
        lacking.remove(style.colours[0])
    added = lacking[:3] if accent in lacking[:3] or accent not in lacking else [*lacking[:2], accent]
    soft = max((c for c in style.colours if c.lightness > 75), key=lambda c: c.chroma, default=accent)
    return Proposal(room, style, palette, kept, tuple(added), changes_of(room, style, accent, soft))


class InteriorDesign:
    """Proposes, and keeps the last mood boards below `folder`; sends one by `push` where there is one."""

    name = "interior_design"

    def __init__(self, folder: Path, meaning: Meaning | None = None, push: Push | None = None) -> None:
        self._folder = folder
        self._meaning = meaning
        self._push = push

    def read_back(self, request: Request) -> str:
        _ask_for_missing(request)
        style = cut(one_line(request.call.args["style"]), 60)
        room = say(request.lang, *find_room(request.call.args["room"]).name)
        return say(request.lang, f"Shall I restyle the {room}: {style}?", f"要把{room}改成{style}风格吗？")

    def perform(self, request: Request) -> Outcome:
        """Raises `Question` when the style is missing or not known, `InputError` when the photo cannot be read."""
        proposal, photo = self._proposal(request)
        lang, spoken = request.lang, proposal.spoken(request.lang)
        colours = ", ".join(swatch.hex for swatch in proposal.palette.swatches) if proposal.palette else "no photo"
        detail = f"{proposal.room.id} in {proposal.style.id}; photo: {colours}"
        try:
            board = self._draw(request, proposal, photo)
        except DeviceError as error:
            log.warning("no mood board was kept: %s", error)
            sorry = say(lang, "I could not keep the mood board. ", "情绪板没能保存。")
            return Outcome("done", say(lang, " ", "").join([spoken, sorry + error.spoken(lang)]), detail)
        offer = say(lang, "Shall I send you the mood board?", "要把情绪板发给你吗？") if self._push else ""
        return Outcome("done", spoken, f"{detail}; mood board {board}", offer)

    def fulfil(self, request: Request) -> Outcome:
        """Sends the mood board. Raises as `Push.push` does."""
        if self._push is None:
            raise ActionError(
                "I don't know where to send it to you. Fill in the owner section of my settings file.",
                "我不知道该发到哪里给你，请填写设置文件的 owner 部分。",
            )
        proposal, photo = self._proposal(request)
        board = self._path(request)
        if not board.exists():
            board = self._draw(request, proposal, photo)
        notes = proposal.notes(request.lang)
        title = say(request.lang, f"Mood board, {notes.title}", f"情绪板，{notes.title}")
        where = self._push.push(title, proposal.spoken(request.lang), picture=board, key=request.key)
        spoken = say(request.lang, f"I sent the mood board to {where}.", f"情绪板已发到{place(where, 'zh')}。")
        return Outcome("done", spoken, f"mood board {board} to {where}")

    def _proposal(self, request: Request) -> tuple[Proposal, Image.Image | None]:
        _ask_for_missing(request)
        style = self._style(request)
        photo = read_upright(request.image, SIDE) if request.image else None
        palette = read_palette(photo) if photo else None
        return propose(find_room(request.call.args["room"]), style, palette), photo

    def _style(self, request: Request) -> Style:
        """The style that is meant. Raises `Question` for one that is not known."""
        said = request.call.args["style"]
        found = find_style(said, request.lang, self._matcher)
        if found and (found.sure or request.answers.get(ALIKE) == "yes"):
            return found.style
        shown = cut(one_line(said), 40)
        if found is None or request.answers.get(ALIKE) == "no":
            raise Question(
                f"I don't know the style {shown}. Which other one would you like, for example "
                f"{listing(examples('en'), 'en')}?",
                f"我不懂{shown}风格，换一种好吗？比如{listing(examples('zh'), 'zh', ('or', '或'))}。",
                about="style",
            )
        en, zh = found.style.name
        raise Question(
            f"I don't know the style {shown}. The nearest I know is {en}. Shall I take that?",
            f"我不懂{shown}风格，最接近的是{zh}。用这个可以吗？",
            about=ALIKE,
            choices=YES_NO,
        )

    @cached_property
    def _matcher(self) -> Matcher[str]:
        return style_matcher(self._meaning)

    def _path(self, request: Request) -> Path:
        name = request.key or repr((sorted(request.call.args.items()), str(request.image)))
        return self._folder / f"{sha256(name.encode('utf-8', 'replace')).hexdigest()[:24]}.jpg"

    def _draw(self, request: Request, proposal: Proposal, photo: Image.Image | None) -> Path:
        """Draws and keeps the board. Raises `DeviceError`."""
        path = self._path(request)
        with told(path, Thing("mood boards", "情绪板")):
            write_jpeg(draw(proposal.notes(request.lang if can_write(request.lang) else "en"), photo), path)
            boards = sorted(self._folder.glob("*.jpg"), key=lambda board: board.stat().st_mtime)
            for old in boards[:-KEPT]:
                old.unlink(missing_ok=True)
        return path


def _ask_for_missing(request: Request) -> None:
    missing: Sequence[str] = request.call.missing()
    if missing:
        raise Question(question_for(request.call, "en"), question_for(request.call, "zh"), missing[0])
    if not request.call.args["room"] and request.image is None:
        raise Question("Which room is it? You can also show it to me.", "是哪个房间？也可以拍给我看。", "room")
