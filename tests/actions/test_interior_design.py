"""Proposals for rooms: which style is meant, what is proposed from a photo, what is sent."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from actions.base import Offering, Request
from actions.catalogue import make_call
from actions.errors import YES_NO, ActionError, InputError, NotNow, Question
from actions.interior import interior_design, mood_board
from actions.interior.interior_design import KEPT, InteriorDesign, propose
from actions.interior.mood_board import Notes
from actions.interior.palette import read_palette
from actions.interior.styles import FOLDER, all_styles, find_room, find_style, style_matcher
from actions.wording import LONGEST

ROOMS = (
    "bedroom", "living room", "kitchen", "dining room", "bathroom", "home office", "hallway", "nursery", "garden",
    "balcony", "house front", "igloo",
)  # fmt: skip
MATCHER = style_matcher()


class Phone:
    """A way to the owner that keeps what comes, once for each key."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.got: dict[str, tuple[str, str, bytes]] = {}

    def push(self, title: str, text: str, link: str = "", picture: Path | None = None, key: str = "") -> str:
        if self.error:
            raise self.error
        assert picture is not None
        self.got[key] = title, text, picture.read_bytes()
        return "your phone"


@pytest.fixture
def photo(tmp_path: Path) -> Callable[..., Path]:
    """Draws a room: `photo("beige", "navy")` has a wall and a floor."""

    def drawn(wall: str, floor: str) -> Path:
        picture = Image.new("RGB", (600, 400), wall)
        ImageDraw.Draw(picture).rectangle((0, 280, 600, 400), floor)
        path = tmp_path / f"{wall}-{floor}.png".replace("#", "")
        picture.save(path)
        return path

    return drawn


def request(room: str, style: str, lang: str = "en", **more: Any) -> Request:
    return Request(make_call("interior_design", room, style), lang, **more)


class TestKnowledge:
    def test_it_is_large_and_whole(self) -> None:
        styles = all_styles()
        assert len(styles) >= 35
        names = [name.casefold() for style in styles for name in style.name]
        assert len(set(names)) == len(names)
        for style in styles:
            assert len(style.colours) == 5
            for one in style.colours:
                assert all(one.away(other) > 5 for other in style.colours if other is not one), (style.id, one.name)
        assert {path.name for path in FOLDER.iterdir()} == {"styles.toml", "rooms.toml"}

    def test_no_name_belongs_to_two_styles(self) -> None:
        for style in all_styles():
            for name, lang in zip(style.name, ("en", "zh"), strict=True):
                found = find_style(name, lang, MATCHER)
                assert found is not None
                assert (found.style.id, found.sure) == (style.id, True)

    def test_every_proposal_is_short_enough_to_hear(self) -> None:
        pictures = [None, Image.new("RGB", (9, 9), "#8899AA"), Image.new("RGB", (9, 9), "#7C1A24")]
        palettes = [read_palette(picture) if picture else None for picture in pictures]
        for style in all_styles():
            for room in ROOMS:
                for palette in palettes:
                    proposal = propose(find_room(room), style, palette)
                    for lang in ("en", "zh"):
                        assert len(proposal.spoken(lang)) <= LONGEST[lang]
                        assert "{" not in proposal.spoken(lang)


class TestWhichStyle:
    @pytest.mark.parametrize(
        ("said", "lang", "style"),
        [
            ("more Scandinavian", "en", "scandinavian"),
            ("nordic-style", "en", "scandinavian"),
            ("warm scandinavian", "en", "scandinavian"),
            ("scandanavian", "en", "scandinavian"),
            ("wabi sabi", "en", "wabi_sabi"),
            ("mid-century modern", "en", "mid_century"),
            ("modern", "en", "modern"),
            ("a modern farmhouse kitchen", "en", "farmhouse"),
            ("brighter", "en", "bright"),
            ("cosy", "en", "cozy"),
            ("cream", "en", "cream"),
            ("北欧", "zh", "scandinavian"),
            ("新中式", "zh", "new_chinese"),
            ("中式", "zh", "chinese"),
            ("奶油", "zh", "cream"),
            ("好莱坞复古", "zh", "hollywood_regency"),
            ("小清新", "zh", "fresh"),
            ("现代简约", "zh", "minimalist"),
            ("侘寂", "zh", "wabi_sabi"),
            ("圣诞", "zh", "christmas"),
            ("中古", "zh", "mid_century"),
        ],
    )
    def test_by_name_or_mood(self, said: str, lang: str, style: str) -> None:
        found = find_style(said, lang, MATCHER)
        assert found is not None
        assert (found.style.id, found.sure) == (style, True)

    @pytest.mark.parametrize(
        ("said", "first"),
        [
            ("blue", "blue"), ("light blue", "light blue"), ("navy", "navy"), ("深蓝色", "深蓝"), ("粉色", "粉色"),
            ("white", "white"), ("gray", "grey"), ("绿", "绿色"),
        ],
    )  # fmt: skip
    def test_a_colour(self, said: str, first: str) -> None:
        found = find_style(said, "zh" if first > "z" else "en", MATCHER)
        assert found is not None
        assert found.style.id == "colour"
        assert first in found.style.colours[0].name
        assert len({swatch.name for swatch in found.style.colours}) == 5

    def test_a_style_with_a_colour(self) -> None:
        found = find_style("scandinavian with navy", "en", MATCHER)
        assert found is not None
        assert found.style.id == "scandinavian"
        assert found.style.asked is not None
        assert "navy" in propose(find_room("bedroom"), found.style, None).spoken("en")

    @pytest.mark.parametrize("room", ["my bedroom", "the bedroom", "Bedroom", "主卧", "卧室"])
    def test_rooms(self, room: str) -> None:
        assert find_room(room).id == "bedroom"

    def test_a_room_that_is_not_known_is_called_as_it_was_said(self) -> None:
        assert (find_room("igloo").id, find_room("igloo").name[0]) == ("room", "igloo")


class TestProposal:
    def test_from_a_photo_that_fits(self, tmp_path: Path, photo: Callable[..., Path]) -> None:
        outcome = InteriorDesign(tmp_path / "boards").perform(
            request("bedroom", "Scandinavian", image=photo("#F4F2EC", "#3C4247"))
        )
        assert outcome.spoken.startswith("The bedroom is mostly cream, which suits the Scandinavian look. ")
        assert "Add birch and sage, with birch, wool and linen." in outcome.spoken  # white and charcoal are there
        assert "Three changes: add a chunky wool throw at the bed" in outcome.spoken
        assert outcome.status == "done"

    def test_from_a_photo_that_does_not(self, tmp_path: Path, photo: Callable[..., Path]) -> None:
        action = InteriorDesign(tmp_path / "boards")
        spoken = action.perform(request("kitchen", "coastal", image=photo("#D32626", "#151515"))).spoken
        assert spoken.startswith("The kitchen is mostly red; for the Coastal look start from shell white. Add sand, ")
        partly = action.perform(request("kitchen", "Gothic", image=photo("#F5D83B", "#1B1A1E"))).spoken
        assert partly.startswith("The kitchen is mostly yellow; keep the black, it suits the Gothic look. ")

    def test_low_contrast_is_told_and_mended(self, tmp_path: Path, photo: Callable[..., Path]) -> None:
        action = InteriorDesign(tmp_path / "boards")
        flat = action.perform(request("bedroom", "Scandinavian", image=photo("#E9E6DF", "#DAD7D0"))).spoken
        assert "Its contrast is low, so add charcoal" in flat
        strong = action.perform(request("bedroom", "Scandinavian", image=photo("#F4F2EC", "#3C4247"))).spoken
        assert "contrast" not in strong
        assert (
            "对比偏弱，要加入炭灰"
            in action.perform(request("卧室", "北欧", "zh", image=photo("#E9E6DF", "#DAD7D0"))).spoken
        )

    def test_other_rooms_styles_and_photos_are_other_proposals(self, photo: Callable[..., Path]) -> None:
        palettes = [
            None,
            *(read_palette(Image.open(photo(*pair))) for pair in (("#F4F2EC", "#8B5A33"), ("navy", "red"))),
        ]
        styles = all_styles()
        said = {
            propose(find_room(room), style, palette).spoken("en")
            for room in ROOMS
            for style in styles
            for palette in palettes
        }
        assert len(said) == len(ROOMS) * len(styles) * len(palettes)

    def test_chinese(self, tmp_path: Path, photo: Callable[..., Path]) -> None:
        outcome = InteriorDesign(tmp_path / "b", push=Phone()).perform(
            request("客厅", "新中式", "zh", image=photo("#F0EBE1", "#6B4A32"))
        )
        assert outcome.spoken == (
            "客厅以奶油白为主，很适合新中式风格。加入朱砂红、青瓷绿和墨黑，配胡桃木、丝绸和竹子。"
            "三处改动：换上简洁的胡桃木家具，沙发加丝绸靠垫，角落放圆形绢灯。"
        )
        assert outcome.offer == "要把情绪板发给你吗？"

    def test_a_room_that_is_shown_need_not_be_named(self, tmp_path: Path, photo: Callable[..., Path]) -> None:
        action = InteriorDesign(tmp_path / "b")
        assert action.perform(request("", "cozy", image=photo("#1C2B52", "#D32626"))).spoken.startswith(
            "The room is mostly navy"
        )
        with pytest.raises(Question) as asked:
            action.perform(request("", "cozy"))
        assert asked.value.about == "room"
        with pytest.raises(Question) as asked:
            action.perform(request("bedroom", ""))
        assert asked.value.about == "style"

    def test_without_a_photo(self, tmp_path: Path) -> None:
        spoken = InteriorDesign(tmp_path / "b").perform(request("garden", "Japanese")).spoken
        assert spoken.startswith("Here is the garden in the Japanese look. ")
        assert "a stone lantern on gravel" in spoken

    def test_an_unknown_style_is_never_guessed(self, tmp_path: Path) -> None:
        action = InteriorDesign(tmp_path / "b")
        with pytest.raises(Question) as asked:
            action.perform(request("bedroom", "zorbly"))
        assert asked.value.about == "style"
        assert asked.value.en == (
            "I don't know the style zorbly. Which other one would you like, for example Scandinavian, Japanese or "
            "Industrial?"
        )
        near = request("bedroom", "hollywoodish regal")
        with pytest.raises(Question, match="The nearest I know is Hollywood Regency") as asked:
            action.perform(near)
        assert (asked.value.about, asked.value.choices) == ("alike", YES_NO)
        assert action.perform(request("bedroom", "hollywoodish regal", answers={"alike": "yes"})).status == "done"
        with pytest.raises(Question) as asked:
            action.perform(request("bedroom", "hollywoodish regal", answers={"alike": "no"}))
        assert asked.value.about == "style"

    @pytest.mark.parametrize("text", ["{accent}", "<b>\x00\n", "w" * 100_000, "沙" * 5000, "💀", "%s {0}"])
    def test_hostile_words(self, tmp_path: Path, text: str) -> None:
        action = InteriorDesign(tmp_path / "b")
        outcome = action.perform(request(text, "gothic"))
        assert len(outcome.spoken) < LONGEST["en"] + 60
        assert "\n" not in outcome.spoken
        with pytest.raises(Question) as asked:
            action.perform(request("bedroom", text))
        assert len(asked.value.en) < 300

    @pytest.mark.parametrize("content", [b"", b"no picture"])
    def test_a_bad_photo(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "bad.jpg").write_bytes(content)
        with pytest.raises(InputError, match="take it again"):
            InteriorDesign(tmp_path / "b").perform(request("bedroom", "gothic", image=tmp_path / "bad.jpg"))

    def test_noise_is_a_photo(self, tmp_path: Path) -> None:
        noise = Image.frombytes("RGB", (200, 200), random.Random(5).randbytes(120_000))
        noise.save(tmp_path / "noise.png")
        spoken = InteriorDesign(tmp_path / "b").perform(request("", "gothic", image=tmp_path / "noise.png")).spoken
        assert spoken.startswith("The room is mostly ")

    def test_a_place_that_may_not_be_written_to_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("no folder")
        outcome = InteriorDesign(tmp_path / "file" / "boards").perform(request("bedroom", "gothic"))
        assert "I could not keep the mood board. I cannot use my mood boards" in outcome.spoken
        assert outcome.offer == ""

    def test_one_pixel_is_a_photo(self, tmp_path: Path) -> None:
        Image.new("RGB", (1, 1), "#D32626").save(tmp_path / "dot.png")
        spoken = InteriorDesign(tmp_path / "b").perform(request("", "gothic", image=tmp_path / "dot.png")).spoken
        assert spoken.startswith("The room is mostly red")


class TestBoard:
    def test_it_is_kept_in_private_and_sent_after_a_yes(self, tmp_path: Path, photo: Callable[..., Path]) -> None:
        phone = Phone()
        action = InteriorDesign(tmp_path / "boards", push=phone)
        ask = request("bedroom", "gothic", image=photo("#F5D83B", "#1B1A1E"), key="k1")
        outcome = action.perform(ask)
        assert outcome.offer == "Shall I send you the mood board?"
        (board,) = (tmp_path / "boards").iterdir()
        assert (board.stat().st_mode & 0o777, str(board) in outcome.detail) == (0o600, True)
        assert phone.got == {}
        assert isinstance(action, Offering)
        assert action.fulfil(ask).spoken == "I sent the mood board to your phone."
        title, text, picture = phone.got["k1"]
        assert (title, text, picture) == ("Mood board, Bedroom: Gothic", outcome.spoken, board.read_bytes())
        action.fulfil(ask)
        assert list(phone.got) == ["k1"]

    def test_one_that_is_gone_is_drawn_again(self, tmp_path: Path) -> None:
        phone = Phone()
        action = InteriorDesign(tmp_path / "boards", push=phone)
        assert action.fulfil(request("卧室", "哥特", "zh", key="k")).spoken == "情绪板已发到你的手机。"
        assert phone.got["k"][2].startswith(b"\xff\xd8")

    def test_what_cannot_be_sent_now_waits(self, tmp_path: Path) -> None:
        with pytest.raises(NotNow):
            InteriorDesign(tmp_path, push=Phone(NotNow("no network", "没有网络"))).fulfil(request("bedroom", "gothic"))

    def test_without_a_way_to_the_owner_nothing_is_offered(self, tmp_path: Path) -> None:
        action = InteriorDesign(tmp_path / "b")
        assert action.perform(request("bedroom", "gothic")).offer == ""
        with pytest.raises(ActionError, match="owner section"):
            action.fulfil(request("bedroom", "gothic"))

    def test_only_the_last_are_kept(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(interior_design, "KEPT", 3)
        action = InteriorDesign(tmp_path / "b")
        for number in range(5):
            action.perform(request("bedroom", "gothic", key=f"k{number}"))
        assert len(list((tmp_path / "b").iterdir())) == 3
        assert KEPT == 20

    def test_a_full_disk_leaves_the_proposal_and_no_half_board(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(handle: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        outcome = InteriorDesign(tmp_path / "b", push=Phone()).perform(request("bedroom", "gothic"))
        assert outcome.spoken.startswith("Here is the bedroom in the Gothic look.")
        assert "I could not keep the mood board. The disk is full" in outcome.spoken
        assert (outcome.status, outcome.offer) == ("done", "")
        assert list((tmp_path / "b").iterdir()) == []

    def test_the_board_speaks_english_where_no_font_has_chinese(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told: list[Notes] = []

        def drawn(notes: Notes, photo: Image.Image | None) -> Image.Image:
            told.append(notes)
            return mood_board.draw(notes, photo)

        monkeypatch.setattr(interior_design, "can_write", lambda lang: lang == "en")
        monkeypatch.setattr(interior_design, "draw", drawn)
        InteriorDesign(tmp_path / "b").perform(request("卧室", "哥特", "zh"))
        assert [(notes.lang, notes.title) for notes in told] == [("en", "Bedroom: Gothic")]
