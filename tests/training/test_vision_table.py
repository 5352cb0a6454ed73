"""The table of concepts, the labels of photos, and who may learn from which photo. With the photos of the data folder
where it lies beside the checkout."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import pytest

from training.vision.labels import SPECIES, Label, concept_id, positives, read_labels, waste_of, waste_rules
from training.vision.photos import PERMISSIVE, SOURCES, Photo, read_photos
from training.vision.table import COLORS, IMAGENET, KINDS, MATERIALS, ROOMS, Concept, read_concepts

DATA = Path(__file__).parents[2].parent / "shared" / "data"
ROW = {"id": "photos:mug", "en": ["mug"], "plural": "mugs", "zh": ["杯子"], "kind": "product"}


@pytest.fixture(scope="module")
def concepts() -> list[Concept]:
    return read_concepts()


@pytest.fixture(scope="module")
def photos() -> list[Photo]:
    if not (DATA / "images.csv").is_file():
        pytest.skip("the data folder is not here")
    return read_photos(DATA)


def concept(id: str, kind: str = "product", label: str = "", also: tuple[str, ...] = ()) -> Concept:
    name = id.split(":")[1]
    return Concept(id, (name,), f"{name}s", ("东西",), kind, ("thing", "东西"), label=label, also=also)


def test_the_table_of_the_project(concepts: list[Concept]) -> None:
    assert [c.id for c in concepts[:IMAGENET]] == [f"imagenet:{i}" for i in range(IMAGENET)]
    assert len({c.id for c in concepts}) == len(concepts)
    known = {c.id for c in concepts}
    for c in concepts:
        assert set(c.also) <= known - {c.id}, c.id
        assert all((*c.en, *c.zh, c.plural, *c.general)), c.id
        assert set(c.row) == {"en", "plural", "zh", "general_en", "general_zh"}
        assert bool(c.waste[0]) == bool(c.waste[1]), c.id
    assert {c.kind for c in concepts} <= KINDS
    for room in ROOMS:  # each can be dreamt by what stands in it
        assert any(room in c.rooms for c in concepts[:IMAGENET]), room


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"en": []}, "names in both languages"),
        ({"zh": None}, "names in both languages"),
        ({"kind": "thing"}, "names in both languages"),
        ({"en": "mug"}, "is a list"),
        ({"rooms": "kitchen cellar"}, "no such room: {'cellar'}"),
        ({"id": None}, "photos.jsonl:2"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, change: dict[str, object], wrong: str) -> None:
    row = ROW | change
    if change == {"id": None}:
        del row["id"]
    (tmp_path / "photos.jsonl").write_text(f"{json.dumps(ROW)}\n{json.dumps(row)}\n")
    with pytest.raises(ValueError, match=wrong) as told:
        read_concepts(tmp_path)
    assert "photos.jsonl:2" in str(told.value)


def test_what_a_line_leaves_out(tmp_path: Path) -> None:
    row = ROW | {"plural": "", "rooms": "living-room house-front kitchen"}
    (tmp_path / "photos.jsonl").write_text(json.dumps(row))
    (found,) = read_concepts(tmp_path)
    assert (found.plural, found.general, found.waste) == ("mug", ("mug", "杯子"), ("", ""))
    assert found.rooms == ("living room", "house", "kitchen")


def test_the_labels_of_the_project() -> None:
    labels = read_labels()
    assert len(labels) > 4000
    for file, label in labels.items():
        assert set(label.color.split("/")) <= set(COLORS) | {"-"}, file
        assert label.material in {*MATERIALS, "animal", "plant", "-"}, file
        assert all(label.item), file
        assert bool(label.caption[0]) == bool(label.caption[1]), file


def test_waste_is_known_by_material_and_item() -> None:
    rules = waste_rules()
    ids = {id for id, _, _ in rules}
    assert ids <= {c.id for c in read_concepts()}
    label = Label(("water bottle", "水瓶"), "blue", "plastic", "1", ("", ""))
    assert waste_of(label, rules) in ids
    assert waste_of(Label(("dream", "梦"), "blue", "plastic", "1", ("", "")), []) is None
    photo = Photo("a.jpg", "plastic", "trashnet")
    assert concept_id(photo, {"a.jpg": label}, rules) == waste_of(label, rules)
    assert concept_id(photo, {}, rules) == "trashnet:plastic"
    assert concept_id(Photo("a.jpg", "Mug", "grocery"), {"a.jpg": label}, rules) == "grocery:Mug"


def test_which_concepts_name_a_photo() -> None:
    table = [
        concept("imagenet:0", "dog", "Cardigan"),
        concept("imagenet:1", "clothing", "cardigan"),
        concept("imagenet:2", "fruitveg", "lemon", ("grocery:Lemon",)),
        concept("grocery:Lemon", "fruitveg", also=("imagenet:2",)),
        concept("pets:dog", "dog"),
    ]

    def of(label: str, source: str) -> frozenset[int]:
        return positives(table, [Photo(f"{source}/{label}.jpg", label, source)])[0]

    assert of("Lemon", "grocery") == of("lemon", "imagenet") == {2, 3}
    assert of("Lemon", "food") == frozenset()  # another source's labels are its own
    assert of("cardigan", "imagenet") == {1}
    assert of("cardigan", "dog_breeds") == {0}  # no photo of a dog shows a jacket
    assert of("dog", "pets") == {0, 4}
    assert "pets:dog" in SPECIES


@pytest.mark.parametrize("name", ["images/a.jpg", "图/b.jpg", ""])
def test_a_photo_s_part_is_its_name_s(name: str) -> None:
    assert Photo(name, "x", "grocery").part == Photo(name, "y", "food").part
    assert Photo(name, "x", "grocery").part in ("train", "dev", "test")


def test_the_shares_of_the_parts() -> None:
    parts = Counter(Photo(f"images/{i}.jpg", "", "grocery").part for i in range(5000))
    assert parts["train"] == pytest.approx(3500, abs=150)
    assert parts["dev"] == pytest.approx(500, abs=100)
    assert parts["test"] == pytest.approx(1000, abs=120)


def test_reading_a_list_of_photos(tmp_path: Path) -> None:
    with (tmp_path / "images.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("file", "label", "source", "licence", "caption"))
        rows.writerow(("a.jpg", "Lemon", "grocery", "MIT", 'a "lemon", yellow'))
        rows.writerow(("b.jpg", "pizza", "food", "research only", ""))
    assert [p.file for p in read_photos(tmp_path)] == ["a.jpg", "b.jpg"]
    (only,) = read_photos(tmp_path, PERMISSIVE)
    assert (only.concept, only.caption) == ("grocery:Lemon", 'a "lemon", yellow')


# the data folder's own


def test_no_photo_is_in_two_parts(photos: list[Photo]) -> None:
    assert len({p.file for p in photos}) == len(photos)
    assert {p.source for p in photos} <= set(SOURCES)
    for source in PERMISSIVE:
        parts = Counter(p.part for p in photos if p.source == source)
        assert parts["train"] > parts["test"] > parts["dev"] > 0, source


def test_hardly_any_photo_that_judges_is_a_copy_of_one_that_taught(photos: list[Photo]) -> None:
    """By content; the data folder has a few photos twice, under two names."""
    parts: dict[bytes, set[str]] = {}
    teaching = [p for p in photos if p.source in PERMISSIVE]
    for photo in teaching:
        parts.setdefault((DATA / photo.file).read_bytes(), set()).add(photo.part)
    assert sum(len(found) > 1 for found in parts.values()) <= len(teaching) / 1000


def test_every_label_is_a_concept(concepts: list[Concept], photos: list[Photo]) -> None:
    """But for captions of scenes, and for the few pieces of waste that nobody could name."""
    found = positives(concepts, photos)
    nameless = Counter(p.source for p, right in zip(photos, found, strict=True) if not right)
    assert set(nameless) <= {"flickr8k", "trashnet"}
    assert nameless["trashnet"] <= 10
    for photo, right in zip(photos, found, strict=True):
        if photo.source in ("dog_breeds", "cat_breeds", "pets"):  # a dingo is an animal
            assert {concepts[i].kind for i in right} <= {"dog", "cat", "animal"}, photo.file
        assert len(right) < 20 or photo.concept in SPECIES, photo.file


def test_the_hand_written_labels_are_of_photos_that_may_teach(photos: list[Photo]) -> None:
    by_file = {p.file: p for p in photos}
    assert {by_file[file].source for file in read_labels()} <= PERMISSIVE
