"""Requests that point at a photo: their files can be read, every line can be filled."""

from __future__ import annotations

from pathlib import Path

import pytest

from actions.catalogue import make_call
from training.data.pictured import HERE, NEEDLESS, PHOTOS, USELESS, Pointing, read_pointing

SETS = ("bank", "dev", "test")
WORDS = {
    "": "apple",
    "s": "apples",
    "waste": "plastic bottle",
    "lost": "red scarf",
    "animal": "rabbit",
    "room": "kitchen",
}


def lines(folder: str, lang: str) -> list[Pointing]:
    return read_pointing(HERE / folder / f"{lang}.txt")


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("folder", SETS)
def test_every_line_can_be_filled(folder: str, lang: str) -> None:
    found = lines(folder, lang)
    assert len(found) >= 90
    assert sum(line.lang == lang for line in found) >= 0.99 * len(found)  # add to cart这个 is English by its script
    for number, line in enumerate(found):
        where = f"request {number} of {folder}/{lang}"
        assert "@" not in line.text, where
        assert line.marks <= set(WORDS), where
        assert not line.marks or line.photo not in (NEEDLESS, USELESS), where
        if line.marks:  # of a room the photo says nothing but which one it is
            assert ("room" in line.marks) == (line.photo == "room"), where
        example = line.filled(lambda mark: WORDS[mark])
        assert (example.text, example.kind, example.source) == (line.text, "photo", line.photo), where
        for before, call in zip(line.calls, example.calls, strict=True):
            assert call.name == before.name, where
            for value, wanted in zip(call.args.values(), before.args.values(), strict=True):
                assert "@" not in value, where
                assert value == wanted or "@" in wanted, where


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_all_kinds_of_photos_are_asked_about(lang: str) -> None:
    assert {line.photo for line in lines("bank", lang)} == set(PHOTOS)


@pytest.mark.parametrize(
    ("call", "filled"),
    [
        ("instacart_shopping | three @s; @", ("instacart_shopping", "three apples; apple")),
        ("google_search | how many @s eat @silver things", ("google_search", "how many apples eat applesilver things")),
        ("smart_recycling | @waste", ("smart_recycling", "plastic bottle")),
        ("pet_care | @animal | what does a @animal eat", ("pet_care", "rabbit", "what does a rabbit eat")),
        ("interior_design | @room | cosy", ("interior_design", "kitchen", "cosy")),
        ("lost_and_found | lost | @lost", ("lost_and_found", "lost", "red scarf")),
        ("google_search | @是什么", ("google_search", "apple是什么")),
    ],
)
def test_marks(tmp_path: Path, call: str, filled: tuple[str, ...]) -> None:
    path = tmp_path / "en.txt"
    path.write_text(f"# about fruit\n\n# photo: anything\nwhat of this => {call}\n", encoding="utf-8")
    (line,) = read_pointing(path)
    assert line.filled(lambda mark: WORDS[mark]).calls == (make_call(*filled),)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("# photo: spaceship\n", "en.txt:1: no such kind of photo"),
        ("find this => google_search | @\n", "en.txt:1: a line is"),
        ("# photo: dog\n\nfind this\n", "en.txt:3: a line is"),
        ("# photo: dog\n => google_search | @\n", "en.txt:2: a line is"),
        ("# photo: dog\nfind this => sing | @\n", "en.txt:2: "),
        ("# photo: dog\nfind this => google_search | @ | @ | @\n", "en.txt:2: "),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str, wrong: str) -> None:
    path = tmp_path / "en.txt"
    path.write_text(text)
    with pytest.raises(ValueError, match=wrong):
        read_pointing(path)
