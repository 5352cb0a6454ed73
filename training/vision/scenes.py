"""What may be in front of the camera in training: photos that may be learned from, dreamt things, and nothing to see.

A scene has what the model will see (a feature of the tower, colours) and what is true of it, in words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np

from agent.concepts import BREED, Concepts
from agent.sight import Projection
from training.vision.dream import Dream
from training.vision.labels import Label, positives, read_labels
from training.vision.photos import Photo
from training.vision.table import COLORS, IMAGENET, MATERIALS, ROOMS, Concept

LIKELY = 0.12  # probability of its name below which nobody could learn what a thing is called from the picture
CLEAR = 0.55  # of a colour, above which a person would say it
GOODS = frozenset({"product", "clothing", "instrument"})
KINDS: Mapping[str, frozenset[str]] = {
    "product": frozenset({"product", "instrument"}),
    "lost": GOODS,
    "pet": frozenset({"pet", "dog", "cat"}),
    "animal": frozenset({"animal", "pet", "dog", "cat"}),
    "anything": frozenset(
        {
            *("product", "clothing", "instrument", "furniture", "fruitveg", "grocery", "vehicle", "animal", "plant"),
            *("container", "dish"),
        }
    ),
}


@dataclass(frozen=True)
class Scene:
    """English and Chinese where there are two; empty where it is not known."""

    feature: np.ndarray
    colors: np.ndarray
    names: np.ndarray  # their probabilities
    concept: Concept | None = None  # as its words are likely to be seen
    color: tuple[str, str] = ("", "")
    material: tuple[str, str] = ("", "")
    room: tuple[str, str] = ("", "")
    count: str = ""
    caption: tuple[str, str] = ("", "")
    second: Concept | None = None  # what it might be as well
    before: Concept | None = None  # what the tower, wrongly, takes for likelier
    sure: bool = True

    def fits(self, photo: str) -> bool:
        """Whether a request for this kind of photo can be asked of it. Where the tower takes something else for
        likelier, the request must rule that out: nobody could know better otherwise."""
        if photo == "room":
            return bool(self.room[0])
        if self.concept is None or (self.before is not None and _fits(self.before, photo)):
            return False
        return _fits(self.concept, photo)

    def word(self, mark: str, language: int) -> str:
        """What a mark of a request (`training.data.pictured`) stands for; language: 0 English, 1 Chinese."""
        c = self.concept
        if mark == "room":
            return self.room[language]
        if c is None:
            return ""
        name = (c.en, c.zh)[language][0]
        if mark == "s":
            return c.plural if language == 0 else name
        if mark == "waste":
            return c.waste[language]
        if mark == "lost" and self.color[language]:
            return f"{self.color[language]}{(' ', '')[language]}{name}"
        return name


def _fits(concept: Concept, photo: str) -> bool:
    if photo == "waste":
        return bool(concept.waste[0]) and concept.kind in ("container", "product", "grocery", "fruitveg")
    return concept.kind in KINDS.get(photo, frozenset({photo}))


class Scenes:
    """Draws scenes. `features`, `colors`: of the photos, in their order."""

    def __init__(
        self,
        table: Sequence[Concept],
        names: Concepts,
        projection: Projection,
        dream: Dream,
        photos: Sequence[Photo],
        features: np.ndarray,
        colors: np.ndarray,
        blanks: Sequence[tuple[np.ndarray, np.ndarray]],
        seed: int = 1,
    ) -> None:
        self.table, self.names, self.projection, self.dream = table, names, projection, dream
        self.photos, self.features, self.colors, self.blanks = photos, features, colors, blanks
        self.labels = read_labels()
        self.target = positives(table, photos)
        self.random, self.generator = Random(seed), np.random.default_rng(seed)
        self.by_kind: dict[str, list[int]] = defaultdict(list)
        self.by_material: dict[str, list[int]] = defaultdict(list)
        self.labelled: list[int] = []
        for i, photo in enumerate(photos):
            if self.target[i]:
                self.by_kind[table[min(self.target[i])].kind].append(i)
            if photo.file in self.labels:
                self.labelled.append(i)
                self.by_material[self.labels[photo.file].material].append(i)
        self.concepts_of: dict[str, list[int]] = defaultdict(list)
        for i, concept in enumerate(table[:IMAGENET]):
            self.concepts_of[concept.kind].append(i)
        self._first = {name: next(c for c in table if (c.en[0], c.zh[0]) == (name.en, name.zh)) for name in names.names}

    def photo(self, i: int) -> Scene | None:
        """One of the photos. None when its words would not be seen."""
        return self._scene(self.features[i], self.colors[i], self.target[i], self.labels.get(self.photos[i].file))

    def dreamt(self, concept: int) -> Scene | None:
        """A thing without a photo, in the colours and of the material of one with a photo."""
        wanted = self.table[concept].waste[0]
        material = next((m for m in MATERIALS if m in wanted), "")
        i = self.random.choice(self.by_material.get(material) or self.labelled)
        feature = self.dream.feature([concept], self.generator)
        label = self.labels[self.photos[i].file]
        same = frozenset({concept}) | {j for j, c in enumerate(self.table) if c.id in self.table[concept].also}
        return self._scene(feature, self.colors[i], same, Label(("", ""), label.color, material, "", ("", "")))

    def room(self) -> Scene:
        """A room, by what stands in it; none of them has a photo to learn from."""
        room = self.random.choice([r for r in ROOMS if r != "house" or self.random.random() < 0.5])
        first = [i for i, c in enumerate(self.table[:IMAGENET]) if c.rooms[:1] == (room,)]
        some = [i for i, c in enumerate(self.table[:IMAGENET]) if room in c.rooms]
        typical, others = self.random.choice(first or some), self.random.randrange(3)
        chosen = [typical, *self.random.sample(some, min(len(some), others))]
        feature = self.dream.feature(chosen, self.generator)
        colors = self.colors[self.random.choice(self.labelled)]
        guess = list(ROOMS)[int(self.projection.attributes(feature, colors)["room"].argmax())]
        return Scene(feature, colors, self._names(feature), room=(guess, ROOMS[guess]))

    def blank(self) -> Scene:
        feature, colors = self.random.choice(self.blanks)
        return Scene(feature, colors, self._names(feature))

    def mistaken(self, scene: Scene, photo: str) -> Scene:
        """The scene as if the tower took something for likelier that a request for this kind of photo rules out."""
        if scene.concept is None or scene.before is not None:
            return scene
        place = self.names.likeliest(scene.names)[0]
        others = [i for i, name in enumerate(self.names.names) if not _fits(self._first[name], photo)]
        if not others:
            return scene
        other = self.random.choice(others)
        wrong, right = self.random.uniform(0.35, 0.65), self.random.uniform(0.15, 0.33)
        names = scene.names.copy()
        names[[other, place]] = 0
        names *= (1 - wrong - right) / max(float(names.sum()), 1e-6)
        names[[other, place]] = wrong, right
        before = self._first[self.names.names[other]]
        return replace(scene, names=names, before=before, second=before, sure=False)

    def _names(self, feature: np.ndarray) -> np.ndarray:
        return self.names.probabilities(self.projection.concepts(feature))

    def of_kind(self, kinds: frozenset[str]) -> Scene | None:
        """A photo or a dream, half and half where there are both."""
        photos = [i for kind in kinds for i in self.by_kind[kind]]
        dreams = [i for kind in kinds for i in self.concepts_of[kind]]
        share = 0.0 if not photos else 0.85 if len(dreams) < 15 else 0.5
        if self.random.random() < share:
            return self.photo(self.random.choice(photos))
        return self.dreamt(self.random.choice(dreams)) if dreams else None

    def _scene(
        self, feature: np.ndarray, colors: np.ndarray, target: frozenset[int], label: Label | None
    ) -> Scene | None:
        p = self._names(feature)
        attributes = self.projection.attributes(feature, colors)
        right = {name for i in target for name in (*self.table[i].en, self.table[i].plural)}
        right |= {self.table[i].general[0] for i in target if self.table[i].kind in BREED}
        first, other = self.names.likeliest(p)
        unlikely = next(int(i) for i in np.argsort(-p, kind="stable") if i != first)
        seen = next((n for n in (first, other) if n is not None and self.names.names[n].en in right), None)
        if seen is None or (p[seen] < LIKELY and self.names.names[seen].en not in BREED):
            return None
        concept, before = self._first[self.names.names[seen]], self._first[self.names.names[first]]
        color = self._clear_color(attributes["color"], label)
        told = label.material if label else ""
        material = told if told in MATERIALS and told not in ("other", "food") else ""
        return Scene(
            feature,
            colors,
            p,
            concept,
            (color, COLORS.get(color, "")),
            (material, MATERIALS.get(material, "")),
            ("", ""),
            label.count if label else "",
            label.caption if label else ("", ""),
            before if seen != first else self._first[self.names.names[unlikely if other is None else other]],
            None if seen == first else before,
            bool(p[seen] > 0.5 and seen == first),
        )

    def _clear_color(self, p: np.ndarray, label: Label | None) -> str:
        """The colour that is seen and true; empty when the thing has none that a person would name."""
        seen = list(COLORS)[int(p.argmax())]
        if label is None or p.max() < CLEAR or label.color != seen or seen in ("transparent", "multicolored"):
            return ""
        return seen
