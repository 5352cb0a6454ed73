"""Judges a tower on photos that it never learned from, by source:

    python -m training.vision.judge --tower runs/tower/tower.pt --heads runs/tower/heads.npz --text runs/views/text.npz
        --data ../shared/data

named: the likeliest name is one that people accept for the photo's label. text: the concept whose names' embedding
is nearest to the picture's, among all concepts; a photo counts as right when that concept names it. found@5: whether
one of the five nearest other photos of the source (cosine of embeddings; of the plain tower's features beside it) has
the same label.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from agent.sight import unit
from training.scores import Share
from training.vision.contrast import concept_texts
from training.vision.heads import open_tower
from training.vision.labels import positives
from training.vision.photos import SOURCES, read_photos
from training.vision.table import Concept, read_concepts


def accepted(concepts: Sequence[Concept], positive: frozenset[int]) -> set[str]:
    """All English names that are right for a photo with these concepts."""
    return {name.lower() for i in positive for name in (*concepts[i].en, concepts[i].plural)}


def found_at(vectors: np.ndarray, labels: Sequence[str], k: int = 5) -> list[bool]:
    """Of each vector (n, width; unit length), whether one of its k nearest others has the same label."""
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -1)
    near = np.argsort(-likeness, 1)[:, :k]
    return [any(labels[j] == labels[i] for j in row) for i, row in enumerate(near)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tower", type=Path, required=True)
    parser.add_argument("--heads", type=Path, required=True)
    parser.add_argument("--plain", type=Path, help="heads of the plain tower, for its features")
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--view", type=int, default=0, help="1: as from a hand")
    parser.add_argument("--part", default="test")
    options = parser.parse_args()
    torch.set_num_threads(1)
    concepts = read_concepts()
    by_file = {p.file: p for p in read_photos(options.data)}
    model, _, trained = open_tower(options.tower)
    heads = np.load(options.heads)
    learnt = set(trained["sources"])  # type: ignore[call-overload]
    photos = [by_file[f] for f in heads["files"].tolist()]
    keep = np.array(
        [
            v == options.view and (p.part == options.part or p.source not in learnt)
            for p, v in zip(photos, heads["views"], strict=True)
        ]
    )
    photos = [p for p, k in zip(photos, keep, strict=True) if k]
    features = heads["features"][keep].astype(np.float32)
    with np.load(options.text) as file:
        names = dict(zip(file["names"].tolist(), file["feats"], strict=True))
    with torch.no_grad():
        text = F.normalize(sum(model.text(side) for side in concept_texts(concepts, names)), dim=-1).numpy()
    embeddings = unit(unit(features) @ heads["joint"], 1.0)
    plain = (
        unit(np.load(options.plain)["features"][keep].astype(np.float32), 1.0) if options.plain else unit(features, 1.0)
    )
    likeliest = (features @ heads["rows"].T + heads["rows_bias"]).argmax(1)
    nearest = (embeddings @ text.T).argmax(1)
    target = positives(concepts, photos)
    scores: dict[str, dict[str, Share]] = defaultdict(lambda: defaultdict(Share))
    for i, photo in enumerate(photos):
        if not target[i]:
            continue
        right = accepted(concepts, target[i])
        scores[photo.source]["named"].add(concepts[likeliest[i]].en[0].lower() in right)
        scores[photo.source]["text"].add(concepts[nearest[i]].en[0].lower() in right)
    for source in SOURCES:
        mine = [i for i, p in enumerate(photos) if p.source == source and p.label]
        if len(mine) > 1 and source != "imagenet":
            same = [photos[i].label for i in mine]
            for name, vectors in (("found@5", embeddings), ("found@5, features", plain)):
                for hit in found_at(vectors[mine], same):
                    scores[source][name].add(hit)
    for source in SOURCES:
        for name, share in scores[source].items():
            print(f"{source:12} {'learnt' if source in learnt else 'unseen':7} {name:18} {share} n={share.n}")


if __name__ == "__main__":
    main()
