"""The picture half of the training set: what is seen is what is said, and what judges is not learned."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import numpy as np
import pytest
import tiny_sight

torch = pytest.importorskip("torch", reason="the school needs torch (extra: train)")

from agent.colors import COLOR_FEATURES  # noqa: E402
from agent.concepts import Concepts  # noqa: E402
from agent.language import language_of  # noqa: E402
from agent.sight import Projection  # noqa: E402
from training.data.pictured import HERE, NEEDLESS, USELESS, Pointing, read_pointing  # noqa: E402
from training.data.requests import judged_keys, key, parse_calls  # noqa: E402
from training.vision import scenes as scenes_module  # noqa: E402
from training.vision.dream import Dream  # noqa: E402
from training.vision.labels import Label  # noqa: E402
from training.vision.photos import PERMISSIVE, Photo  # noqa: E402
from training.vision.pictures import (  # noqa: E402
    Answers,
    asked,
    blank_pictures,
    release_table,
    requests_of,
    with_article,
)
from training.vision.scenes import KINDS, Scene, Scenes  # noqa: E402
from training.vision.table import COLORS, MATERIALS, ROOMS, Concept, read_concepts  # noqa: E402
from training.vision.views import JUDGED, LEARNT, RESEARCH, views_of  # noqa: E402

PHOTO = Path(__file__).parents[1] / "data" / "photo.jpg"


def thing(id: str, plural: str, zh: str, kind: str, waste: tuple[str, str] = ("", "")) -> Concept:
    name = id.split(":")[1]
    rooms = tuple(ROOMS) if kind == "furniture" else ()
    return Concept(id, (name,), plural, (zh,), kind, ("thing", "东西"), waste, rooms)


TABLE = [
    thing("w:lemon", "lemons", "柠檬", "fruitveg", ("lemon peel", "柠檬皮")),
    thing("w:poodle", "poodles", "贵宾犬", "dog"),
    thing("w:glass bottle", "glass bottles", "玻璃瓶", "container", ("glass bottle", "玻璃瓶")),
    thing("w:mug", "mugs", "杯子", "product"),
    thing("w:sofa", "sofas", "沙发", "furniture"),
    thing("w:octopus", "octopuses", "章鱼", "animal"),
    thing("w:scarf", "scarves", "围巾", "clothing"),
]
N = len(TABLE)
PHOTOS = [Photo(f"{c.id}{i}.jpg", c.en[0], "w") for c in TABLE for i in range(2)]
LABELS = {
    p.file: Label(
        (p.label, "东西"), "red" if p.file.endswith("0.jpg") else "blue", "glass", "2", ("A thing.", "一个东西。")
    )
    for p in PHOTOS
}


@pytest.fixture
def scenes(monkeypatch: pytest.MonkeyPatch) -> Scenes:
    """A world of seven things. The tower sees all of them rightly, and that everything is red."""
    monkeypatch.setattr(scenes_module, "read_labels", lambda: LABELS)
    heads = {
        "rows": np.eye(N, dtype=np.float32),
        "rows_bias": np.zeros(N, np.float32),
        "joint": np.zeros((N, 2), np.float32),
        "color": np.zeros((len(COLORS), COLOR_FEATURES + N + 1), np.float32),
        "material": np.zeros((len(MATERIALS), N + 1), np.float32),
        "room": np.zeros((len(ROOMS), N + 1), np.float32),
    }
    heads["color"][list(COLORS).index("red"), -1] = 10
    heads["room"][list(ROOMS).index("garage"), -1] = 10
    seen = np.repeat(8 * np.eye(N, dtype=np.float32), 2, axis=0)
    return Scenes(
        TABLE,
        Concepts(release_table(TABLE), tiny_sight.tokenizer()),
        Projection.untaught(heads),
        Dream(np.zeros(N), 8 * np.eye(N, dtype=np.float32), np.zeros((1, N), np.float32)),
        PHOTOS,
        seen,
        np.zeros((2 * N, COLOR_FEATURES), np.float32),
        [(np.zeros(N, np.float32), np.zeros(COLOR_FEATURES, np.float32))],
    )


def test_a_photo_s_words(scenes: Scenes) -> None:
    red, blue = scenes.photo(0), scenes.photo(1)
    assert red is not None
    assert blue is not None
    assert red.concept is TABLE[0]
    assert red.sure
    assert red.second is not None
    assert red.second is not red.concept
    assert (red.color, blue.color) == (("red", "红色"), ("", ""))  # what is labelled and not seen is not told
    assert red.material == ("glass", "玻璃")
    words = [red.word(mark, k) for mark in ("", "s", "animal", "waste", "lost", "room") for k in (0, 1)]
    assert words[:8] == ["lemon", "柠檬", "lemons", "柠檬", "lemon", "柠檬", "lemon peel", "柠檬皮"]
    assert words[8:] == ["red lemon", "红色柠檬", "", ""]
    assert blue.word("lost", 0) == "lemon"


def test_what_is_not_seen_is_no_scene(scenes: Scenes) -> None:
    scenes.features = scenes.features.copy()
    scenes.features[0] = 8 * np.eye(N)[3]  # looks like a mug and nothing like a lemon
    assert scenes.photo(0) is None
    scenes.features[0] = 2 * np.eye(N)[3] + 1.5 * np.eye(N)[0]
    doubtful = scenes.photo(0)
    assert doubtful is not None
    assert doubtful.concept is TABLE[0]
    assert doubtful.second is TABLE[3]
    assert not doubtful.sure


def test_dreams_and_rooms_and_nothing(scenes: Scenes) -> None:
    dream = scenes.dreamt(2)
    assert dream is not None
    assert dream.concept is TABLE[2]
    assert not dream.caption[0]
    room = scenes.room()
    assert (room.room, room.concept) == (("garage", "车库"), None)  # as it looks
    assert room.word("room", 1) == "车库"
    blank = scenes.blank()
    assert blank.concept is None
    assert not any(blank.word(mark, 0) for mark in ("", "s", "waste", "lost", "room"))
    assert [s.fits("room") for s in (room, blank, dream)] == [True, False, False]


def test_the_request_may_rule_out_what_the_tower_takes_for_likelier(scenes: Scenes) -> None:
    scenes.features = scenes.features.copy()
    scenes.features[0] = 2 * np.eye(N)[3] + 1.5 * np.eye(N)[0]  # rather a mug than a lemon
    scene = scenes.photo(0)
    assert scene is not None
    assert (scene.concept, scene.before) == (TABLE[0], TABLE[3])
    assert scene.fits("fruitveg")
    assert not scene.fits("anything")  # the mug would do as well
    assert Answers("en").about(scene, Random(1)) is not None
    clear = scenes.photo(0 + 2 * 3)
    assert clear is not None
    mistaken = scenes.mistaken(clear, "product")
    assert mistaken.concept is clear.concept
    assert mistaken.before is not None
    assert mistaken.fits("product")
    first, other = scenes.names.likeliest(mistaken.names)
    assert scenes.names.names[first].en == mistaken.before.en[0]
    assert scenes.names.names[other].en == "mug"
    assert mistaken.names.sum() == pytest.approx(1, abs=1e-5)


def test_scenes_of_a_kind(scenes: Scenes) -> None:
    for name, kinds in KINDS.items():
        for _ in range(20):
            scene = scenes.of_kind(kinds)
            if scene is not None and scene.concept is not None:
                assert scene.concept.kind in kinds
                assert scene.fits(name)
    assert scenes.of_kind(frozenset({"vehicle"})) is None
    bottle = scenes.photo(4)
    assert bottle is not None
    assert bottle.fits("waste")
    assert bottle.fits("container")
    assert not bottle.fits("dog")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_request_that_is_asked_has_its_words(scenes: Scenes, lang: str) -> None:
    random = Random(1)
    done = 0
    for line in requests_of("bank", lang):
        found = asked(line, scenes, random)
        if found is None:
            continue
        done += 1
        example, scene = found
        k = ("en", "zh").index(line.lang)
        assert example.text == line.text
        for value in (v for c in example.calls for v in c.args.values()):
            assert "@" not in value, line.text
        if scene is None:  # no picture at all
            assert any(c.missing() for c in example.calls) or line.photo == "room"
        elif line.photo == USELESS:
            assert scene.concept is None
        elif line.marks and (scene.concept or scene.room[0]):
            assert scene.fits(line.photo)
            told = " ".join(v for c in example.calls for v in c.args.values())
            assert all(scene.word(mark, k) in told for mark in line.marks), line.text
    assert done > 100


def test_where_nothing_is_seen_nothing_is_filled_in(scenes: Scenes) -> None:
    line = Pointing("buy this", parse_calls("amazon_shopping | @"), "product")
    filled, empty = 0, 0
    for seed in range(300):
        found = asked(line, scenes, Random(seed))
        assert found is not None
        example, scene = found
        value = example.calls[0].args["product"]
        assert value == (scene.concept.en[0] if scene and scene.concept else "")
        filled, empty = filled + bool(value), empty + (not value)
    assert 15 < empty < 70 < filled
    search = Pointing("who makes these", parse_calls("google_search | who makes @s"), "product")
    for seed in range(100):  # a question with a hole in it is never learned
        found = asked(search, scenes, Random(seed))
        assert found is not None
        assert found[0].calls[0].args["query"] in ("who makes mugs", "")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_what_is_told_of_a_scene(scenes: Scenes, lang: str) -> None:
    answers, random = Answers(lang), Random(2)
    scenes.features = scenes.features.copy()
    scenes.features[0] = 2 * np.eye(N)[3] + 1.5 * np.eye(N)[0]  # in doubt
    told: dict[str, int] = {}
    for _ in range(400):
        scene = random.choice([scenes.photo(random.randrange(2 * N)), scenes.room(), scenes.blank(), scenes.photo(0)])
        assert scene is not None
        found = answers.about(scene, random)
        if found is None:
            continue
        question, answer = found
        for text in found:
            assert not re.search(r"[@{}]", text), text
            assert text.strip() == text
        assert language_of(answer) == lang, answer
        assert answer[0] == answer[0].upper()
        assert answer[-1] in ".!?。！？", answer
        kind = "room" if scene.room[0] else "blank" if scene.concept is None else "sure" if scene.sure else "unsure"
        told[kind] = told.get(kind, 0) + 1
        if kind == "room":
            assert scene.room[("en", "zh").index(lang)] in answer.lower()
        assert question
    assert set(told) == {"room", "blank", "sure", "unsure"}


def test_marks_at_the_seam_of_question_and_answer(scenes: Scenes) -> None:
    answers = Answers("en")
    answers.lines = {asks: [("is it my @", "yes, {a}")] for asks in ("name", "plain", "general", "yes", "no", "unable")}
    answers.lines |= {asks: [("is it my @", "yes, {a}")] for asks in ("describe", "color", "material", "count")}
    scene = scenes.photo(0)
    assert scene is not None
    assert answers.about(scene, Random(1)) == ("is it my lemon", "Yes, a lemon")


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        *(("mug", "a mug"), ("apple", "an apple"), ("umbrella", "an umbrella"), ("unicycle", "a unicycle")),
        *(("hourglass", "an hourglass"), ("house", "a house"), ("euphonium", "a euphonium")),
        *(("school bus", "a school bus"), ("octopus", "an octopus"), ("ibis", "an ibis"), ("dress", "a dress")),
        *(
            ("glasses", "glasses"),
            ("pants", "pants"),
            ("orange juice", "orange juice"),
            ("asparagus", "asparagus"),
            ("skis", "skis"),
        ),
    ],
)
def test_articles(name: str, wanted: str) -> None:
    assert with_article(name) == wanted


def test_nothing_to_see() -> None:
    """Dark, blurred or even: no edge is left of what the photo showed."""
    pictures = [np.asarray(p, np.float32) for p in blank_pictures(Random(1), [PHOTO], 24)]
    photo = np.asarray(next(blank_pictures(Random(1), [PHOTO], 1)).size)
    assert len(pictures) == 24
    assert tuple(photo) == (160, 160)
    for picture in pictures:
        assert picture.shape == (160, 160, 3)
        coarse = picture.reshape(16, 10, 16, 10, 3).mean((1, 3))  # noise aside
        assert np.abs(np.diff(coarse, axis=0)).mean() < 8
    assert any(picture.mean() < 15 for picture in pictures)
    again = [np.asarray(p, np.float32) for p in blank_pictures(Random(1), [PHOTO], 24)]
    assert all((a == b).all() for a, b in zip(pictures, again, strict=True))


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_request_that_teaches_judges(lang: str) -> None:
    judged = judged_keys() | {
        key(line.text) for folder in ("dev", "test") for line in read_pointing(HERE / folder / f"{lang}.txt")
    }
    taught = requests_of("bank", lang)
    assert not [line.text for line in taught if key(line.text) in judged]
    assert len(taught) > 0.95 * len(read_pointing(HERE / "bank" / f"{lang}.txt"))
    assert {NEEDLESS, USELESS} < {line.photo for line in taught}
    for folder in ("dev", "test"):
        assert requests_of(folder, lang) == read_pointing(HERE / folder / f"{lang}.txt")


def test_the_release_s_table_can_be_read() -> None:
    concepts = read_concepts()
    table = release_table(concepts)
    names = Concepts(table, tiny_sight.tokenizer())
    assert len(names.name_of) == len(concepts)
    for c, n in zip(concepts[::50], names.name_of[::50], strict=True):
        assert (names.names[n].en, names.names[n].plural, names.names[n].zh) == (c.en[0], c.plural, c.zh[0])
    assert [len(names.attributes[kind]) for kind in ("color", "material", "room")] == [
        len(COLORS),
        len(MATERIALS),
        len(ROOMS),
    ]


def test_how_often_a_photo_is_seen() -> None:
    parts = {p.part: p for p in (Photo(f"{i}.jpg", "x", "grocery") for i in range(100))}
    assert "grocery" in PERMISSIVE
    assert len(views_of(parts["train"])) == 1 + LEARNT
    assert len(views_of(parts["test"])) == len(views_of(parts["dev"])) == 1 + JUDGED
    assert len(views_of(Photo(parts["train"].file, "x", "food"))) == 1 + RESEARCH


def test_a_scene_of_a_thing_without_colour_or_waste() -> None:
    scene = Scene(np.zeros(1), np.zeros(1), np.ones(1), TABLE[3])
    assert (scene.word("lost", 0), scene.word("waste", 0)) == ("mug", "")
    assert not scene.fits("waste")
