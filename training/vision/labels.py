"""What was seen on the photos: hand-written items, colours, materials, counts and captions, and which concepts a photo
shows.

`training/data/photo_labels/*.tsv` names photos of the data folder and holds none of them.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training.vision.photos import Photo
from training.vision.table import HERE as CONCEPTS
from training.vision.table import Concept

HERE = Path(__file__).parents[1] / "data" / "photo_labels"
SPECIES = frozenset({"pets:dog", "pets:cat"})  # any breed of theirs is right


@dataclass(frozen=True)
class Label:
    """What a person saw on one photo; English and Chinese where there are two."""

    item: tuple[str, str]
    color: str
    material: str
    count: str
    caption: tuple[str, str]


def read_labels(folder: Path = HERE) -> dict[str, Label]:
    """By the photo's name below the data folder."""
    found = {}
    for path in sorted(folder.glob("*.tsv")):
        with path.open(encoding="utf-8", newline="") as rows:
            for row in csv.DictReader(rows, delimiter="\t", quoting=csv.QUOTE_NONE):
                found[row["file"]] = Label(
                    (row["item_en"], row["item_zh"]),
                    row["color"],
                    row["material"],
                    row["count"],
                    (row["caption_en"], row["caption_zh"]),
                )
    return found


def waste_rules(path: Path = CONCEPTS / "waste.jsonl") -> list[tuple[str, str, re.Pattern[str]]]:
    """Id, material and what the item's words match, of each kind of waste; the first that fits is meant."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [(row["id"], row["material"], re.compile(row["items"])) for row in rows]


def waste_of(label: Label, rules: Sequence[tuple[str, str, re.Pattern[str]]]) -> str | None:
    """The concept of a piece of waste."""
    said = label.item[0]
    return next((id for id, material, items in rules if material == label.material and items.search(said)), None)


def concept_id(photo: Photo, labels: dict[str, Label], rules: Sequence[tuple[str, str, re.Pattern[str]]]) -> str:
    """Id of what a photo shows."""
    label = labels.get(photo.file)
    exact = waste_of(label, rules) if label and photo.source == "trashnet" else None
    return exact or photo.concept


def positives(concepts: Sequence[Concept], photos: Sequence[Photo]) -> list[frozenset[int]]:
    """Of each photo, the places of all concepts that name it rightly; empty for one whose label is none of them."""
    place = {c.id: i for i, c in enumerate(concepts)}
    same: dict[int, set[int]] = {i: {i} for i in range(len(concepts))}
    for i, concept in enumerate(concepts):
        for other in concept.also:
            same[i].add(place[other])
        if concept.id in SPECIES:
            same[i] |= {j for j, other in enumerate(concepts) if other.kind == concept.kind}
    imagenet = {c.label.lower(): i for i, c in enumerate(concepts) if c.label}
    dogs = {c.label.lower(): i for i, c in enumerate(concepts) if c.label and c.kind == "dog"}  # a cardigan is one
    labelled = {"imagenet": imagenet, "dog_breeds": imagenet | dogs}  # sources whose labels are ImageNet's
    labels, rules = read_labels(), waste_rules()
    known: dict[str, frozenset[int]] = {}
    found = []
    for photo in photos:
        if photo.file not in known:
            id = concept_id(photo, labels, rules)
            i = place.get(id, labelled.get(photo.source, {}).get(photo.label.lower()))
            known[photo.file] = frozenset() if i is None else frozenset(same[i])
        found.append(known[photo.file])
    return found
