"""Which answers about photos are right, which photos are asked about, and the report that comes of it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("onnxruntime")

from actions.catalogue import Call, make_call
from agent.onnx_decider import OnnxDecider
from agent.types import Decision, Percept
from training.data.pictured import NEEDLESS, USELESS, Pointing, read_pointing
from training.data.requests import parse_calls
from training.evaluate import Judge, main
from training.scores import Reply
from training.unquantised import RecordingDecider
from training.vision.evaluate import Examination, asks, difference, draw_sheet, mentions
from training.vision.labels import Label
from training.vision.pairs import Pair, Thing, draw, held_out, numbers
from training.vision.photos import Photo
from training.vision.sheet import GREEN, LINES, MOST, RED, Card, contact_sheet, wrapped
from training.vision.table import Concept

TINY = Path(__file__).parents[1] / "tiny_model"
BANANA = Concept("grocery:Banana", ("banana",), "bananas", ("香蕉",), "fruitveg", ("fruit", "水果"))
BOTTLE = Concept(
    "waste:glass bottle", ("glass bottle", "bottle"), "glass bottles", ("玻璃瓶",), "container", ("glass", "玻璃")
)
SHIRT = Concept("clothing:shirt", ("shirt",), "shirts", ("衬衫",), "clothing", ("clothes", "衣服"))
KITCHEN = Concept(
    "rooms:kitchen", ("kitchenette",), "kitchenettes", ("小厨房",), "scene", ("room", "房间"), rooms=("kitchen",)
)
DOG = Concept("pets:dog", ("dog", "puppy"), "dogs", ("狗",), "dog", ("dog", "狗"))
COLLIE = Concept("imagenet:231", ("collie", "dog"), "collies", ("柯利犬", "狗"), "dog", ("dog", "狗"))


def line(calls: str, photo: str = "fruitveg", text: str = "this please") -> Pointing:
    return Pointing(text, parse_calls(calls), photo)


def pair(calls: str, *concepts: Concept, source: str = "grocery", label: Label | None = None, **more) -> Pair:
    thing = Thing(Photo("images/a.jpg", "", source), concepts, label, more.pop("animal", None))
    return Pair(line(calls, **more), thing)


def colored(color: str) -> Label:
    return Label(("", ""), color, "", "", ("", ""))


def named(source: str, label: str, part: str, number: int = 0) -> Photo:
    """A photo whose name puts it into the part."""
    every = (Photo(f"images/{source}/{label}-{i}.png".replace(" ", "_"), label, source) for i in range(10_000))
    return [p for p, _ in zip((p for p in every if p.part == part), range(number + 1), strict=False)][number]


@pytest.mark.parametrize(
    ("name", "forms"),
    [
        ("banana", {"banana", "bananas"}),
        ("strawberry", {"strawberry", "strawberries", "strawberrys"}),
        ("glass", {"glass", "glasses"}),
        ("cherries", {"cherries", "cherry", "cherrie", "cherrieses"}),
        ("boxes", {"boxes", "box", "boxe", "boxeses"}),
        ("bus", {"bus", "buses"}),
    ],
)
def test_english_names_in_both_numbers(name: str, forms: set[str]) -> None:
    assert numbers(name) == forms


@pytest.mark.parametrize(
    ("got", "right"),
    [
        ("three bananas", True),
        ("three Banana", True),
        ("Three bananas", False),
        ("three apples", False),
        ("three ", False),
    ],
)
def test_a_name_within_more_words(got: str, right: bool) -> None:
    asked = pair("instacart_shopping | three @s", BANANA)
    assert asked.right([make_call("instacart_shopping", got)]) is right


def test_letters_and_digits_alone_count_when_judged_leniently() -> None:
    asked, calls = pair("google_search | Is @ ripe?", BANANA), [make_call("google_search", "is banana ripe")]
    assert not asked.right(calls)
    assert asked.right(calls, lenient=True)
    assert not asked.right([make_call("google_search", "is apple ripe")], lenient=True)


def test_every_call_counts_and_its_function() -> None:
    asked = pair("amazon_shopping | @ && send_text | Bea | hi", BANANA)
    shop, text = make_call("amazon_shopping", "banana"), make_call("send_text", "Bea", "hi")
    assert asked.right([shop, text])
    assert not asked.right([shop])
    assert not asked.right([text, shop])
    assert not asked.right([make_call("google_search", "banana"), text])
    assert asked.right_call(1, text)


def test_what_points_at_nothing_is_empty() -> None:
    asked = Pair(line("amazon_shopping | @", USELESS), None)
    assert asked.wanted == (make_call("amazon_shopping", ""),)
    assert asked.right([make_call("amazon_shopping", "")])
    assert not asked.right([make_call("amazon_shopping", "banana")])


@pytest.mark.parametrize(
    ("label", "got", "right"),
    [
        (colored("white/blue"), "shirt", True),
        (colored("white/blue"), "blue shirt", True),
        (colored("white/blue"), "red shirt", False),
        (colored("-"), "red shirt", False),
        (colored("grey"), "gray shirts", True),
        (None, "red shirt", True),
        (None, "striped shirt", False),
    ],
)
def test_a_lost_thing_may_have_the_colour_that_was_seen_by_hand(label: Label | None, got: str, right: bool) -> None:
    asked = pair("lost_and_found | lost | @lost", SHIRT, source="clothing", label=label, photo="lost")
    assert asked.right([make_call("lost_and_found", "lost", got)]) is right


def test_words_in_chinese() -> None:
    lost = pair("lost_and_found | lost | @lost", SHIRT, label=colored("blue"), photo="lost", text="我丢了这个")
    assert lost.right([make_call("lost_and_found", "lost", "蓝色衬衫")])
    assert not lost.right([make_call("lost_and_found", "lost", "shirt")])
    room = pair("interior_design | @room | 日式", KITCHEN, source="rooms", photo="room", text="改成日式风格")
    assert room.right([make_call("interior_design", "厨房", "日式")])
    assert room.right([make_call("interior_design", "小厨房", "日式")])
    assert room.wanted == (make_call("interior_design", "小厨房", "日式"),)


def test_waste_may_be_called_what_it_is_in_front_of_the_bins() -> None:
    asked = pair("smart_recycling | @waste", replace(BOTTLE, waste=("empty bottle", "空瓶")), photo="waste")
    for name in ("empty bottle", "glass bottle", "Bottle"):
        assert asked.right([make_call("smart_recycling", name)])
    assert not asked.right([make_call("smart_recycling", "jar")])
    plain = pair("amazon_shopping | @", replace(BOTTLE, waste=("empty bottle", "空瓶")))
    assert not plain.right([make_call("amazon_shopping", "empty bottle")])


def test_the_species_stands_for_a_breed_but_is_not_exact() -> None:
    asked = pair("google_search | @", COLLIE, source="dog_breeds", photo="dog", animal=DOG)
    dog, collie, cat = ([make_call("google_search", name)] for name in ("dog", "collie", "cat"))
    assert asked.right(dog)
    assert not asked.right(dog, species=False)
    assert asked.right(collie, species=False)
    assert not asked.right(cat)
    plain = pair("google_search | @", DOG, COLLIE, source="pets", photo="dog", animal=DOG)
    assert plain.right(dog, species=False)


def test_asking_means_that_all_that_points_is_empty() -> None:
    two = line("amazon_shopping | @ && send_text | Bea | look")
    text = make_call("send_text", "Bea", "look")
    assert asks(two, [make_call("amazon_shopping", ""), text])
    assert not asks(two, [make_call("amazon_shopping", "banana"), text])
    assert not asks(two, [make_call("amazon_shopping", "")])


@pytest.mark.parametrize("part", ["dev", "test"])
def test_only_photos_that_taught_nothing_are_held_out(part: str) -> None:
    concepts = [COLLIE, BANANA]
    photos = [named("grocery", "Banana", p) for p in ("train", "dev", "test")]
    photos += [named("flickr8k", "Banana", part), named("grocery", "Nothing known", part)]
    photos += [named("dog_breeds", "collie", p) for p in ("train", "dev", "test")]
    found = held_out([replace(COLLIE, label="collie"), *concepts[1:]], photos, {}, part)
    assert [t.photo for t in found if t.photo.source == "grocery"] == [named("grocery", "Banana", part)]
    assert sum(t.photo.source == "dog_breeds" for t in found) == 3
    assert len(found) == 4


def things(source: str, concept: Concept, count: int) -> list[Thing]:
    return [Thing(Photo(f"images/{source}/{concept.id}-{i}.jpg", "", source), (concept,)) for i in range(count)]


def test_photos_are_drawn_by_kind_the_same_every_time_and_sources_take_turns() -> None:
    shelf = things("grocery", BANANA, 9) + things("imagenet", BANANA, 9) + things("clothing", SHIRT, 9)
    lines = [line("amazon_shopping | @", text=f"order this {i}") for i in range(6)]
    drawn = list(draw(lines, shelf, 4))
    assert drawn == list(draw(lines, list(reversed(shelf)), 4))
    assert Counter(p.source for p in drawn) == {"grocery": 12, "imagenet": 12}
    for one in lines:
        assert len({p.thing for p in drawn if p.line == one}) == 4
    assert max(Counter(p.thing for p in drawn).values()) <= 2
    assert [p.line for p in draw(lines, shelf, 1, every=3)] == lines[::3]


def test_waste_is_mostly_drawn_from_bins_and_nothing_from_nowhere() -> None:
    bottle = replace(BOTTLE, waste=("glass bottle", "玻璃瓶"))
    shelf = things("trashnet", bottle, 5) + things("trashnet", SHIRT, 5) + things("imagenet", bottle, 5)
    drawn = list(draw([line("smart_recycling | @waste", "waste")], shelf, 4))
    assert [p.source for p in drawn][:3] == ["trashnet"] * 3
    assert all(p.thing is not None and p.thing.concepts == (bottle,) for p in drawn)
    assert list(draw([line("amazon_shopping | @", "vehicle")], shelf, 4)) == []
    assert len(list(draw([line("lost_and_found | lost | wallet", NEEDLESS)], shelf, 4))) == 4
    blank = list(draw([line("amazon_shopping | ", USELESS)] * 2, shelf, 2))
    assert [(p.thing, p.blank) for p in blank] == [(None, i) for i in range(4)]


def test_names_are_found_as_whole_words() -> None:
    assert mentions("That's a hat.", {"hat"}, "en")
    assert not mentions("I am not sure about that.", {"hat"}, "en")
    assert mentions("这是一根香蕉。", {"香蕉"}, "zh")
    assert not mentions("", {"香蕉"}, "zh")


def test_difference_of_pairs() -> None:
    found = difference([(True, True)] * 90 + [(True, False)] * 8 + [(False, True)] * 2)
    assert (found["points"], found["gained"], found["lost"], found["n"]) == (-6, 2, 8, 100)
    assert found["low"] == pytest.approx(-6 - 1.96 * (10 - 0.36) ** 0.5, abs=0.01)


class Scripted:
    """Knows things by the colour of the middle pixel; with a picture it forgets how to write a text."""

    def thing(self, image: Image.Image | None) -> str:
        if image is None:
            return "none"
        red, green, blue = image.getpixel((image.width // 2, image.height // 2))
        return "yellow" if min(red, green) > 200 > 100 > blue else "blue" if blue > 200 > 100 > red else "none"

    def see(self, text: str, image: Image.Image | None) -> Reply:
        word = {"yellow": "banana", "blue": "dog", "none": ""}[self.thing(image)]
        calls: tuple[Call, ...] = (make_call("amazon_shopping", word),)
        if text.startswith("how old"):
            calls = (make_call("google_search", f"how old is {word or 'this'}"),)
        if text.startswith("text"):
            calls = (make_call("send_text", "bob", "hi" if image is None else ""),)
        return Reply(calls)

    def describe(self, image: Image.Image, question: str) -> str:
        return {"yellow": "This is a banana, 香蕉。", "blue": "This is a dog.", "none": "I see nothing."}[
            self.thing(image)
        ]


@pytest.fixture(scope="module")
def examined(tmp_path_factory: pytest.TempPathFactory) -> Examination:
    tmp_path = tmp_path_factory.mktemp("data")
    photos = [named("grocery", "Banana", part, i) for part in ("train", "dev", "test") for i in range(2)]
    photos += [named("dog_breeds", "collie", part) for part in ("train", "dev")]
    for photo in photos:
        path = tmp_path / photo.file
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.new("RGB", (160, 120), "grey")  # out of focus nothing else is left
        image.paste("yellow" if photo.source == "grocery" else "blue", (75, 55, 86, 66))
        image.save(path)
    rows = [f"{p.file},{p.label},{p.source}," for p in photos]
    (tmp_path / "images.csv").write_text("\n".join(["file,label,source,caption", *rows]) + "\n")
    (tmp_path / "bank" / "dev").mkdir(parents=True)
    (tmp_path / "bank" / "dev" / "en.txt").write_text(
        "# photo: fruitveg\nbuy this => amazon_shopping | @\n"
        "# photo: dog\nhow old is this => google_search | how old is @\n"
        "# photo: useless\nbuy that => amazon_shopping |\n"
        "# photo: cat\nbuy a leash for this => amazon_shopping | leash for @\n"
    )
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "en.txt").write_text(
        "# kind: plain\ntext bob hi => send_text | bob | hi\n# kind: deictic\nbuy this => amazon_shopping |\n"
    )
    found = Examination(Scripted(), tmp_path, count=4, apart=1, bank=tmp_path / "bank")
    found.examine(tmp_path / "dev")
    return found


def share(examined: Examination, table: str, group: str, column: str) -> tuple[int, int]:
    cell = examined.tables[table][group][column]
    return cell["right"], cell["n"]


def test_a_set_is_asked_with_its_photos(examined: Examination) -> None:
    table = "dev, English, with pictures"
    assert share(examined, table, "source grocery", "whole calls") == (2, 2)  # the dev ones
    assert share(examined, table, "source dog_breeds", "whole calls") == (2, 2)  # all, whatever their part
    assert share(examined, table, "source blank", "whole calls") == (4, 4)
    assert share(examined, table, "all", "whole calls") == (8, 8)  # there is no cat
    assert share(examined, table, "sources unseen", "functions") == (2, 2)
    assert share(examined, "dev, English, breeds", "all", "breed said") == (0, 2)
    assert share(examined, "dev, English, breeds", "all", "species said instead of breed") == (2, 2)


def test_a_set_is_asked_without_pictures(examined: Examination) -> None:
    table, column = "dev, English, pointing without a picture", "functions right and what it points at empty"
    assert share(examined, table, "the thing alone is wanted", column) == (1, 1)
    assert share(examined, table, "the thing within more words is wanted", column) == (1, 2)
    assert share(examined, table, "all", "functions") == (3, 3)


def test_plain_requests_are_asked_with_unrelated_photos(examined: Examination) -> None:
    table = "dev, English, unrelated photo"
    assert share(examined, table, "points at nothing", "whole calls without") == (1, 1)
    assert share(examined, table, "points at nothing", "with an unrelated photo") == (0, 1)
    assert share(examined, table, "all", "whole calls without") == (2, 2)
    assert examined.tables[f"{table}, difference, points at nothing"]["lost"] == 1


def test_descriptions_and_the_files_of_errors(examined: Examination) -> None:
    assert share(examined, "dev, English, “what is this”", "all", "has an accepted name") == (4, 4)
    assert share(examined, "dev, English, “what is this”", "all", "of breeds: the species only") == (2, 2)
    assert share(examined, "dev, Chinese, “这是什么”", "all", "has an accepted name") == (2, 4)
    assert Counter(error.split("\t")[1] for error in examined.errors) == {"unrelated picture": 1, "described": 2}
    assert all(error.count("\t") == 8 and error.endswith(".png") for error in examined.errors)
    json.dumps(examined.tables)
    assert "| source grocery" in "\n".join(examined.pages)


def test_the_contact_sheet_shows_what_may_be_shown(examined: Examination, tmp_path: Path) -> None:
    said = draw_sheet(examined.answered, examined.data, tmp_path / "plots" / "pictures.png")
    assert said.startswith(str(tmp_path / "plots" / "pictures.png"))
    kept = [one for one in examined.answered if one.pair.source != "grocery"]
    assert draw_sheet(kept, examined.data, tmp_path / "none.png").startswith("No contact sheet")
    assert draw_sheet([], tmp_path, tmp_path / "none.png").startswith("No contact sheet")
    assert not (tmp_path / "none.png").exists()


def test_right_answers_stand_on_the_left_and_the_file_is_small(tmp_path: Path) -> None:
    Image.effect_noise((200, 150), 90).convert("RGB").save(tmp_path / "photo.png")
    cards = [Card(tmp_path / "photo.png", "buy this " * 30, "amazon_shopping | lamp", i % 3 > 0) for i in range(45)]
    contact_sheet(cards, tmp_path / "sheet.png", "a title")
    assert (tmp_path / "sheet.png").stat().st_size <= MOST
    sheet = Image.open(tmp_path / "sheet.png").convert("RGB")
    halves = [sheet.crop((x, 0, x + sheet.width // 2, sheet.height)) for x in (0, sheet.width // 2)]
    frames = [tuple(bytes.fromhex(color[1:])) for color in (GREEN, RED)]
    counts = [[sum(n for n, c in half.getcolors(1 << 24) if near(c, frame)) for frame in frames] for half in halves]
    assert counts[0][0] > 5000 > 50 > counts[0][1]
    assert counts[1][1] > 5000 > 50 > counts[1][0]


def near(color: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return max(abs(a - b) for a, b in zip(color, other, strict=True)) < 12


def test_text_is_wrapped_to_the_width() -> None:
    from PIL import ImageFont

    font = ImageFont.load_default(11)
    said = wrapped("one two three four five " * 9, font, 60, LINES)
    assert len(said) == LINES
    assert all(font.getlength(text) <= 60 for text in said)
    assert said[-1].endswith("...")
    assert wrapped("x" * 90, font, 60, LINES)[0].endswith("x...")
    assert wrapped("short", font, 60, 3) == ["short"]


def test_the_judge_shows_the_picture_to_the_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Percept] = []

    def decide(self: OnnxDecider, percept: Percept) -> Decision:
        seen.append(percept)
        return Decision((make_call("none", "unclear"),), "en", 0.5)

    monkeypatch.setattr(RecordingDecider, "decide", decide)
    judge, image = Judge(RecordingDecider(TINY)), Image.new("RGB", (9, 9))
    judge.see("buy this", image)
    judge.see("buy this", None)
    judge.see("buy this", None)  # known already
    assert [p.image for p in seen] == [image, None]


def test_a_bundle_without_eyes_leaves_pictures_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "en.txt").write_text("text bob hi => send_text | bob | hi\n")
    command = f"evaluate --bundle {TINY} --set {tmp_path}/dev --data {tmp_path} --json {tmp_path}/j"
    monkeypatch.setattr("sys.argv", command.split())
    main()
    assert "Pictures are left out: the bundle has no eyes." in capsys.readouterr().out
    assert json.loads((tmp_path / "j").read_text())["pictures"] == {}


def test_the_sets_that_point_can_be_read() -> None:
    for name in ("dev", "test"):
        for path in sorted((Path("training/data/pictures") / name).glob("*.txt")):
            assert len(read_pointing(path)) >= 90
