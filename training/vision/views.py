"""The photos as the tower's first stages see them, each several times: undamaged, and as from a hand.

    python -m training.vision.views --data ../shared/data --weights efficientnet-lite2.pth --out runs/views --shard 0 2
        [--onnx OTHER.onnx --eye EYE.json, in place of --weights: `docs/encoders.md`]

What the first `STAGES` stages make of a view does not change in training, so it is kept (fp16, 69 KB a view); the rest
of the tower learns from it. A shard is one process's part of the photos. A tower from elsewhere never learns; it comes
to lie beside its views.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from random import Random

import numpy as np
import onnx
import torch
from PIL import Image
from torch import Tensor

from agent.bundle import TOWER
from agent.colors import shrunk
from training.vision.augment import as_from_a_hand
from training.vision.efficientnet import EfficientNetLite, load
from training.vision.encoder import Encoder, adopted, read_eye
from training.vision.photos import PERMISSIVE, Photo, read_photos

STAGES = 5  # of the tower that never change
LEARNT, RESEARCH, JUDGED = 6, 3, 1  # degraded views of a photo: to learn from, so but for research only, to judge by


class Views:
    """All shards of a folder: `files`, `views` (0: undamaged), `features` (n, feature) of the plain tower, `colors`
    (n, SIDE, SIDE, 3)."""

    def __init__(self, folder: Path) -> None:
        shards = sorted(folder.glob("meta*.npz"))
        parts = [np.load(path) for path in shards]
        self.files: list[str] = np.concatenate([p["files"] for p in parts]).tolist()
        self.views: list[int] = np.concatenate([p["views"] for p in parts]).tolist()
        self.features = np.concatenate([p["feats"] for p in parts])
        self.colors = np.concatenate([p["small"] for p in parts])
        fronts = [folder / p.name.replace("meta", "front").replace("npz", "npy") for p in shards]
        self._fronts = [np.load(path, mmap_mode="r") for path in fronts]
        self._starts = np.cumsum([0, *(len(f) for f in self._fronts)])

    def front(self, chosen: np.ndarray) -> Tensor:
        """What the first stages made of the chosen views, float32 (n, 120, 17, 17)."""
        shard = np.searchsorted(self._starts, chosen, "right") - 1
        return torch.from_numpy(
            np.stack([self._fronts[s][i - self._starts[s]] for s, i in zip(shard, chosen, strict=True)])
        ).float()


def views_of(photo: Photo) -> range:
    learnt = LEARNT if photo.source in PERMISSIVE else RESEARCH
    return range(1 + (learnt if photo.part == "train" else JUDGED))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--onnx", type=Path)
    parser.add_argument("--eye", type=Path, help="JSON: side, mean, deviation")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--shard", type=int, nargs=2, default=(0, 1), metavar=("I", "N"))
    options = parser.parse_args()
    if bool(options.weights) == bool(options.onnx) or bool(options.onnx) != bool(options.eye):
        parser.error("either --weights, or --onnx with --eye")
    torch.set_num_threads(1)
    shard, shards = options.shard
    options.out.mkdir(parents=True, exist_ok=True)
    tower: EfficientNetLite | Encoder
    if options.onnx:
        if shard == 0:
            onnx.save(adopted(options.onnx, read_eye(options.eye)), options.out / TOWER)
        tower = Encoder(adopted(options.onnx, read_eye(options.eye)))
    else:
        tower = load(torch.load(options.weights, weights_only=True))[0].to(memory_format=torch.channels_last)
    photos = read_photos(options.data)[shard::shards]
    views = [(photo, view) for photo in photos for view in views_of(photo)]
    front_shape, width = _shapes(tower)
    fronts = np.lib.format.open_memmap(options.out / f"front{shard}.npy", "w+", np.float16, (len(views), *front_shape))
    features = np.zeros((len(views), width), np.float32)
    small = np.stack([np.zeros_like(shrunk(Image.new("RGB", (8, 8))))] * len(views))
    batch = 16
    for start in range(0, len(views), batch):
        pixels = []
        for place, (photo, view) in enumerate(views[start : start + batch], start):
            picture = Image.open(options.data / photo.file).convert("RGB")
            if view:
                picture = as_from_a_hand(picture, Random(f"{photo.file}{view}"))
            square = tower.eye.square(picture)
            pixels.append(tower.eye.pixels(square))
            small[place] = shrunk(square)
        x = torch.from_numpy(np.concatenate(pixels)).contiguous(memory_format=torch.channels_last)
        with torch.no_grad():
            front = tower.front(x, STAGES)
            fronts[start : start + len(x)] = front.numpy()
            features[start : start + len(x)] = tower.back(front, STAGES).mean((2, 3)).numpy()
        if start % (100 * batch) == 0:
            print(start, "of", len(views), flush=True)
    np.savez(
        options.out / f"meta{shard}.npz",
        files=np.array([photo.file for photo, _ in views]),
        views=np.array([view for _, view in views]),
        feats=features,
        small=small,
    )


@torch.no_grad()
def _shapes(tower: EfficientNetLite | Encoder) -> tuple[tuple[int, ...], int]:
    """Of what the first stages make of one picture, and of its feature."""
    front = tower.front(torch.zeros(1, 3, tower.eye.side, tower.eye.side), STAGES)
    return tuple(front.shape[1:]), tower.back(front, STAGES).shape[1]


if __name__ == "__main__":
    main()
