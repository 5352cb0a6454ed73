"""Reports of lost and found things: what matches, what is said, what is kept."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from actions.base import Offering, Request
from actions.catalogue import make_call
from actions.errors import ActionError, DeviceError, InputError, Question
from actions.lost import register as register_module
from actions.lost.belongings import ALIKE, SAME_PICTURE, UNLIKE_PICTURE, likeness, read_traits
from actions.lost.lost_and_found import LostAndFound
from actions.lost.register import MOST, Register

DAY = 86_400.0
NOW = 1_700_000_000.0  # 14 November 2023, 22:13 UTC
PAIRS = Path(__file__).parent.parent / "data" / "lost_pairs.tsv"


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Eyes:
    """A meaning of pictures alone: the mean colour of a picture, far from grey; texts mean nothing to it."""

    def of_texts(self, texts: Sequence[str]) -> np.ndarray | None:
        return None

    def of_picture(self, path: Path) -> np.ndarray | None:
        with Image.open(path) as picture:
            mean = np.asarray(picture.convert("RGB"), np.float32).mean((0, 1)) - 127.5
        return np.asarray(mean / np.linalg.norm(mean), np.float32)


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def make(tmp_path: Path, watch: Watch) -> Callable[..., LostAndFound]:
    def made(meaning: Any = None, keep_days: int = 180) -> LostAndFound:
        return LostAndFound(Register(tmp_path / "lost", keep_days, watch), meaning, watch, lambda: UTC)

    return made


def request(report: str, item: str, lang: str = "en", **more: Any) -> Request:
    return Request(make_call("lost_and_found", report, item), lang, **more)


def drawn(path: Path, color: str, shape: str = "ellipse") -> Path:
    picture = Image.new("RGB", (900, 700), color)
    getattr(ImageDraw.Draw(picture), shape)((200, 150, 700, 550), fill=color, outline="black")
    exif = Image.Exif()
    exif[0x010F] = "CameraMaker"
    picture.save(path, exif=exif)
    return path


def pairs() -> list[tuple[str, str, bool]]:
    rows = [line.split("\t") for line in PAIRS.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    return [(lost, found, same == "yes") for lost, found, same in rows]


class TestLikeness:
    def test_by_words_alone_most_pairs_are_found_and_few_others(self) -> None:
        """Measured: 0.958 of 120 (missed are rare things named in two languages) and 2 false ones of 97."""
        scores = [(likeness(read_traits(lost), read_traits(found)), same) for lost, found, same in pairs()]
        assert len(scores) >= 200
        hits = [score >= ALIKE for score, same in scores if same]
        false = [score >= ALIKE for score, same in scores if not same]
        assert sum(hits) / len(hits) >= 0.95
        assert sum(false) <= 2

    def test_the_right_one_is_among_the_first_five_of_all(self) -> None:
        """Measured: 0.917 among 217 found things, of which up to 12 are of one kind."""
        rows = [(read_traits(lost), read_traits(found), same) for lost, found, same in pairs()]
        first_five = 0
        for place, (lost, _, same) in enumerate(rows):
            scores = [likeness(lost, found) for _, found, _ in rows]
            first = sorted(range(len(rows)), key=lambda other: -scores[other])[:5]
            first_five += same and place in first and scores[place] >= ALIKE
        assert first_five / sum(same for *_, same in rows) >= 0.91

    @pytest.mark.parametrize(
        ("item", "thing", "place", "kind", "colours"),
        [
            ("grey backpack at the station", "grey backpack", "at the station", "backpack", {"grey"}),
            ("keys in a black pouch at the gym", "keys in a black pouch", "at the gym", "keys", {"black"}),
            ("ring with a blue stone", "ring with a blue stone", "", "ring", {"blue"}),
            ("umbrella on the bus", "umbrella", "on the bus", "umbrella", set()),
            ("book on gardening", "book on gardening", "", "book", set()),
            ("navy blue coat", "navy blue coat", "", "jacket", {"navy"}),
            ("my golden retriever", "my golden retriever", "", "dog", set()),
            ("火车站的灰色书包", "灰色书包", "火车站", "backpack", {"grey"}),
            ("在地铁上捡到的黑色雨伞", "黑色雨伞", "地铁上", "umbrella", {"black"}),
            ("雨伞落在出租车上了", "雨伞", "出租车上", "umbrella", set()),
            ("妈妈的红色钱包", "妈妈的红色钱包", "", "wallet", {"red"}),
            ("银行卡", "银行卡", "", "bank_card", set()),
            ("笔记本电脑", "笔记本电脑", "", "laptop", set()),
            ("cat carrier", "cat carrier", "", "", set()),
            ("吉他拨片", "吉他拨片", "", "", set()),
            ("一把黑伞", "一把黑伞", "", "umbrella", {"black"}),
            ("钥匙三把", "钥匙三把", "", "keys", set()),
            ("", "", "", "", set()),
        ],
    )
    def test_what_words_say(self, item: str, thing: str, place: str, kind: str, colours: set[str]) -> None:
        traits = read_traits(item)
        assert (traits.thing, traits.place, traits.kind, set(traits.colours)) == (thing, place, kind, colours)

    @pytest.mark.parametrize(
        ("item", "text", "place"),
        [
            ("雨伞", "我把雨伞落在出租车上了", "出租车上"),
            ("umbrella", "i found this on the bus yesterday", "on the bus"),
            ("umbrella", "i found this in a hurry", ""),
        ],
    )
    def test_a_place_in_the_rest_of_the_words(self, item: str, text: str, place: str) -> None:
        assert read_traits(item, text).place == place

    def test_a_picture_outdoes_a_name_but_no_colour(self) -> None:
        shirt, jacket, white = read_traits("black shirt"), read_traits("black jacket"), read_traits("white jacket")
        assert likeness(shirt, jacket) == 0
        assert likeness(shirt, jacket, picture=SAME_PICTURE) >= ALIKE
        assert likeness(shirt, white, picture=1.0) == 0

    def test_pictures_that_differ_count_against(self) -> None:
        one, other = read_traits("umbrella"), read_traits("brolly")
        assert likeness(one, other, picture=UNLIKE_PICTURE - 0.01) < ALIKE < likeness(one, other, picture=0.5)

    @pytest.mark.parametrize(
        "text", ["\x00\n<b>umbrella</b>", "伞" * 5000, "a " * 100_000, "的" * 300, "在" * 300, "💀"]
    )
    def test_hostile_words(self, text: str) -> None:
        assert 0.0 <= likeness(read_traits(text), read_traits(text)) <= 1.0
        assert len(read_traits(text).thing) <= 200


class TestReports:
    def test_nothing_like_it_yet(self, make: Callable[..., LostAndFound]) -> None:
        outcome = make().perform(request("lost", "grey backpack at the station", key="k1"))
        assert outcome.spoken == (
            "I noted that you lost the grey backpack. Nothing like it has been found yet; I keep looking."
        )
        assert (outcome.status, outcome.offer) == ("done", "")
        spoken = make().perform(request("found", "钱包", "zh")).spoken
        assert spoken == "已登记你捡到钱包。还没有人说丢了它，我会记着。"

    def test_a_match_is_told_with_day_and_place(self, make: Callable[..., LostAndFound], watch: Watch) -> None:
        make().perform(request("found", "black umbrella at the station", key="f"))
        watch.now += DAY
        outcome = make().perform(request("lost", "umbrella", key="l"))
        assert outcome.spoken == (
            "I noted that you lost the umbrella. "
            "That may be the black umbrella that was found at the station yesterday."
        )
        assert outcome.offer == "Shall I mark both as settled?"

    def test_across_languages_each_in_its_own_words(self, make: Callable[..., LostAndFound]) -> None:
        make().perform(request("found", "black umbrella at the station", key="f"))
        assert make().perform(request("lost", "雨伞", "zh")).spoken == (
            "已登记你丢了雨伞。可能就是今天在车站捡到的黑色雨伞。"
        )
        make().perform(request("lost", "灰色书包", "zh", text="我把灰色书包落在图书馆里了"))
        assert (
            "the grey backpack that was lost at the library today"
            in make().perform(request("found", "rucksack")).spoken
        )

    def test_the_day_is_the_one_that_was_said(self, make: Callable[..., LostAndFound]) -> None:
        make().perform(request("found", "red wallet", text="i found a red wallet yesterday"))
        assert "that was found yesterday." in make().perform(request("lost", "wallet")).spoken

    def test_a_contradiction_is_no_match(self, make: Callable[..., LostAndFound]) -> None:
        make().perform(request("found", "white umbrella"))
        make().perform(request("found", "black wallet"))
        make().perform(request("lost", "black umbrella"))
        assert "Nothing like it" in make().perform(request("lost", "black umbrella")).spoken

    def test_several_are_counted_and_the_likeliest_two_named(self, make: Callable[..., LostAndFound]) -> None:
        for item in ("umbrella on the bus", "blue umbrella at the station", "brolly in the park"):
            make().perform(request("found", item))
        outcome = make().perform(request("lost", "blue umbrella at the station"))
        assert outcome.spoken.startswith(
            "I noted that you lost the blue umbrella. 3 reports may fit, most likely the blue umbrella that was found "
            "at the station today, or the "
        )
        assert outcome.offer == ""
        chinese = make().perform(request("lost", "蓝色雨伞", "zh")).spoken
        assert "有3条可能符合，最像的是今天在车站捡到的蓝色雨伞，或者" in chinese

    def test_a_yes_settles_both(self, make: Callable[..., LostAndFound], tmp_path: Path) -> None:
        make().perform(request("found", "black umbrella", key="f"))
        ask = request("lost", "umbrella", key="l")
        make().perform(ask)
        action = make()
        assert isinstance(action, Offering)
        outcome = action.fulfil(ask)
        assert (outcome.status, outcome.spoken) == ("done", "Both reports are settled: umbrella.")
        assert Register(tmp_path / "lost").open() == ()
        assert action.fulfil(ask).status == "done"  # twice is once
        assert "settled already" in action.perform(ask).spoken
        assert "Nothing like it" in make().perform(request("lost", "umbrella", key="new")).spoken

    def test_a_yes_to_what_is_gone(self, make: Callable[..., LostAndFound], tmp_path: Path) -> None:
        with pytest.raises(ActionError, match="tako lost list"):
            make().fulfil(request("lost", "umbrella", key="never"))
        make().perform(request("found", "umbrella", key="f"))
        make().perform(request("lost", "umbrella", key="l"))
        Register(tmp_path / "lost").remove(1)
        with pytest.raises(ActionError, match="There is no report 1"):
            make().fulfil(request("lost", "umbrella", key="l"))
        assert [report.settled for report in Register(tmp_path / "lost").all()] == [0.0]

    def test_the_same_key_is_one_report(self, make: Callable[..., LostAndFound], tmp_path: Path) -> None:
        first = make().perform(request("lost", "umbrella", key="k"))
        assert make().perform(request("lost", "umbrella", key="k")) == first
        assert len(Register(tmp_path / "lost").all()) == 1

    def test_what_is_missing_is_asked(self, make: Callable[..., LostAndFound]) -> None:
        for ask, about in ((Request(make_call("lost_and_found", "lost", ""), "en"), "item"),):
            with pytest.raises(Question) as asked:
                make().perform(ask)
            assert asked.value.about == about

    def test_read_back(self, make: Callable[..., LostAndFound]) -> None:
        assert make().read_back(request("lost", "my keys")) == "Shall I note that you lost my keys?"
        assert make().read_back(request("found", "钥匙", "zh")) == "要登记你捡到钥匙吗？"


class TestPictures:
    def test_a_small_copy_without_traces_is_kept_in_private(
        self, make: Callable[..., LostAndFound], tmp_path: Path
    ) -> None:
        photo = drawn(tmp_path / "photo.jpg", "red")
        make().perform(request("found", "scarf", image=photo, key="k"))
        photo.unlink()
        (report,) = Register(tmp_path / "lost").open()
        assert report.picture is not None
        with Image.open(report.picture) as copy:
            assert max(copy.size) == 640
            assert not copy.getexif()
        assert stat.S_IMODE(report.picture.stat().st_mode) == 0o600

    def test_the_picture_chooses_among_things_of_one_name(
        self, make: Callable[..., LostAndFound], tmp_path: Path
    ) -> None:
        red, green = drawn(tmp_path / "red.jpg", "red"), drawn(tmp_path / "green.jpg", "lime")
        make(Eyes()).perform(request("found", "scarf at the station", image=red, key="r"))
        make(Eyes()).perform(request("found", "scarf in the park", image=green, key="g"))
        spoken = make(Eyes()).perform(request("lost", "scarf", image=red)).spoken
        assert "may be the scarf that was found at the station" in spoken
        assert "park" not in spoken

    def test_a_copy_that_is_gone_keeps_nothing_from_matching(
        self, make: Callable[..., LostAndFound], tmp_path: Path
    ) -> None:
        class Blind(Eyes):
            def of_picture(self, path: Path) -> np.ndarray | None:
                raise InputError("gone", "没了")

        make().perform(request("found", "scarf", image=drawn(tmp_path / "a.jpg", "red"), key="r"))
        assert (
            "That may be"
            in make(Blind()).perform(request("lost", "scarf", image=drawn(tmp_path / "b.jpg", "red"))).spoken
        )

    @pytest.mark.parametrize("content", [b"", b"no picture"])
    def test_a_bad_picture_keeps_nothing(
        self, make: Callable[..., LostAndFound], tmp_path: Path, content: bytes
    ) -> None:
        (tmp_path / "bad.jpg").write_bytes(content)
        with pytest.raises(InputError, match="take it again"):
            make().perform(request("found", "scarf", image=tmp_path / "bad.jpg"))
        assert Register(tmp_path / "lost").all() == ()


class TestRegister:
    def test_after_the_days_of_the_settings_all_of_a_report_goes(self, tmp_path: Path, watch: Watch) -> None:
        kept = Register(tmp_path, 30, watch)
        old = kept.add("a", "lost", "scarf", "en", picture=drawn(tmp_path / "a.jpg", "red"))
        assert old.picture is not None
        os.utime(old.picture, (1.0, 1.0))
        watch.now += 31 * DAY
        kept.add("b", "lost", "hat", "en")
        assert [report.item for report in kept.all()] == ["hat"]
        assert not old.picture.exists()

    def test_it_is_bounded(self, tmp_path: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(register_module, "MOST", 3)
        kept = Register(tmp_path, 30, watch)
        for number in range(3):
            kept.add(f"k{number}", "lost", "hat", "en")
        with pytest.raises(ActionError, match="full"):
            kept.add("k4", "lost", "hat", "en")
        kept.settle([1])
        assert kept.add("k4", "lost", "hat", "en").id == 4
        assert MOST == 300

    def test_remove_takes_the_picture_along(self, tmp_path: Path, watch: Watch) -> None:
        kept = Register(tmp_path, 30, watch)
        report = kept.add("a", "lost", "scarf", "en", picture=drawn(tmp_path / "a.jpg", "red"))
        kept.remove(report.id)
        assert report.picture is not None
        assert not report.picture.exists()
        with pytest.raises(ActionError, match="no report 1"):
            kept.remove(report.id)

    def test_a_full_disk_is_told_and_leaves_nothing_half(
        self, tmp_path: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(handle: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        kept = Register(tmp_path / "lost", 30, watch)
        assert kept.all() == ()
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(DeviceError, match="disk is full"):
            kept.add("a", "lost", "scarf", "en", picture=drawn(tmp_path / "a.jpg", "red"))
        assert kept.all() == ()
        assert list((tmp_path / "lost" / "pictures").iterdir()) == []

    def test_a_damaged_file_is_set_aside(self, tmp_path: Path, watch: Watch) -> None:
        (tmp_path / "register.sqlite").write_bytes(b"no database" * 100)
        kept = Register(tmp_path, 30, watch)
        assert kept.add("a", "lost", "scarf", "en").id == 1
        assert kept.notice is not None
        assert "damaged" in kept.notice.en
