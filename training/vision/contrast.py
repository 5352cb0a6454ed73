"""Stage 1: teaches the image tower against text, as CLIP does.

    python -m training.vision.contrast --views runs/views --text runs/views/text.npz --data ../shared/data
        --weights efficientnet-lite2.pth --out runs/tower [--sources trashnet grocery clothing caltech101] [--hours 0.3]
        [--frozen]

Three losses on photos as a small camera would give them (`training.vision.views`):

- image against text (Radford et al. 2021; the text side is locked, as in Zhai et al. 2022, LiT, the other way round):
  the picture's embedding against those of every concept's English and Chinese names, made by the base language model
  and one learned layer;
- prototypes: class rows that start as the ImageNet classifier's, with new ones for what ImageNet does not know;
- what the plain tower says of the undamaged photo, which the degraded one is to say as well, so that the thousand
  things without photos are not forgotten (Li and Hoiem 2016).

Half of what the first two learn from are ImageNet's things, dreamt (`training.vision.dream`), so that all of them get
words and the few that have photos do not swallow the rest.

The last two stages and the head of the tower learn; `--frozen` leaves the tower as it is (the ablation). Without
`--weights` the tower is the one that lies beside the views (`docs/encoders.md`). It stays frozen, and as it brings no
class rows along, nothing is dreamt or kept.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from agent.bundle import TOWER
from agent.sight import LENGTH
from training.vision.dream import Dream
from training.vision.efficientnet import EfficientNetLite, load
from training.vision.encoder import Encoder
from training.vision.labels import positives
from training.vision.photos import PERMISSIVE, read_photos
from training.vision.table import IMAGENET, Concept, read_concepts
from training.vision.views import STAGES, Views

EMBEDDING = 256


@dataclass(frozen=True)
class Losses:
    text: float = 1.0
    rows: float = 1.0
    kept: float = 2.0


class TextSide(nn.Module):
    """Features of names (n, width) to embeddings (n, EMBEDDING), unit length."""

    def __init__(self, features: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", features.mean(0))
        self.register_buffer("deviation", features.std(0) + 1e-3)
        self.layer = nn.Linear(features.shape[1], EMBEDDING)

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(self.layer((x - self.mean) / self.deviation), dim=-1)


class Sighted(nn.Module):
    """Tower, prototypes and both projections into the joint space."""

    def __init__(self, tower: EfficientNetLite | Encoder, rows: Tensor, bias: Tensor, names: Tensor) -> None:
        super().__init__()
        self.tower = tower
        self.rows, self.bias = nn.Parameter(rows), nn.Parameter(bias)
        self.joint = nn.Parameter(torch.randn(rows.shape[1], EMBEDDING) / math.sqrt(rows.shape[1]))
        self.text = TextSide(names)
        self.scale = nn.Parameter(torch.tensor(math.log(20.0)))

    def feature(self, front: Tensor) -> Tensor:
        return self.tower.back(front, STAGES).mean((2, 3))

    def embedding(self, feature: Tensor) -> Tensor:
        return F.normalize(F.normalize(feature, dim=-1) * LENGTH @ self.joint, dim=-1)


def concept_texts(concepts: Iterable[Concept], names: dict[str, np.ndarray]) -> tuple[Tensor, Tensor]:
    """Features of each concept's first English and Chinese name (concepts, width)."""
    found = list(concepts)
    return tuple(
        torch.from_numpy(np.stack([names[n] for n in side])).float()
        for side in ([c.en[0] for c in found], [c.zh[0] for c in found])
    )  # type: ignore[return-value]


def set_loss(logits: Tensor, positive: Tensor, known: Tensor) -> Tensor:
    """Mean of -log of the probability that the positives (batch, concepts; bool) have in all, among the known ones
    (concepts,)."""
    logits = logits.masked_fill(~known, -1e4)
    return (logits.logsumexp(-1) - logits.masked_fill(~positive, -1e4).logsumexp(-1)).mean()


def start_rows(weight: Tensor, bias: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """ImageNet's rows, then small ones for the other concepts."""
    new = count - IMAGENET
    return (
        torch.cat((weight, weight.mean(0).expand(new, -1) + 0.001 * torch.randn(new, weight.shape[1]))),
        torch.cat((bias, bias.mean().expand(new))),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--views", type=Path, required=True)
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sources", nargs="+", default=sorted(PERMISSIVE))
    parser.add_argument("--leave-out", nargs="*", default=[], help="concepts whose photos are not shown, to judge by")
    parser.add_argument("--hours", type=float, default=0.3)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--lr", type=float, default=1e-4)
    parser.add_argument("--lr-rows", type=float, default=5e-4)
    parser.add_argument("--frozen", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    if not (options.weights or options.frozen):
        parser.error("a tower without --weights cannot learn: --frozen")
    torch.manual_seed(1)
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    concepts = read_concepts()
    views = Views(options.views)
    photos = {p.file: p for p in read_photos(options.data)}
    tower: EfficientNetLite | Encoder
    if options.weights:
        tower, weight, bias = load(torch.load(options.weights, weights_only=True))
    else:
        tower = Encoder(onnx.load(options.views / TOWER))
        weight, bias = torch.zeros(IMAGENET, views.features.shape[1]), torch.zeros(IMAGENET)
        shutil.copy(options.views / TOWER, options.out / TOWER)
    with np.load(options.text) as file:
        names = dict(zip(file["names"].tolist(), file["feats"], strict=True))
    english, chinese = concept_texts(concepts, names)
    model = Sighted(tower.to(memory_format=torch.channels_last), *start_rows(weight, bias, len(concepts)), english)
    target = positives(concepts, [photos[f] for f in views.files])
    shown = np.array(
        [
            photos[f].part == "train"
            and photos[f].source in options.sources
            and photos[f].concept not in options.leave_out
            and bool(target[i])
            for i, f in enumerate(views.files)
        ]
    )
    known = torch.zeros(len(concepts), dtype=torch.bool)
    known[:IMAGENET] = bool(options.weights)
    for i in np.flatnonzero(shown):
        known[list(target[i])] = True
    clean = {f: i for i, (f, v) in enumerate(zip(views.files, views.views, strict=True)) if v == 0}
    with torch.no_grad():
        teacher = torch.from_numpy(views.features) @ weight.T + bias
    order = np.flatnonzero(shown)
    dream = Dream.of(views.features[order], [photos[views.files[i]].concept for i in order], weight.numpy())
    same = [
        frozenset({i}) | {j for j in range(len(concepts)) if concepts[j].id in concepts[i].also}
        for i in range(IMAGENET)
    ]
    model.tower.requires_grad_(False)
    back = (
        []
        if options.frozen
        else [*model.tower.blocks[model.tower.stage_ends[STAGES - 1] :].parameters(), *model.tower.head.parameters()]
    )
    for p in back:
        p.requires_grad_(True)
    rest = [p for n, p in model.named_parameters() if not n.startswith("tower.")]
    optimiser = torch.optim.AdamW(
        [{"params": back, "peak": options.lr}, {"params": rest, "peak": options.lr_rows}], weight_decay=1e-4
    )
    weights = Losses() if options.weights else Losses(kept=0.0)
    started, step, seen, generator = time.monotonic(), 0, 0, np.random.default_rng(1)
    log: list[tuple[float, ...]] = []
    while True:
        progress = (time.monotonic() - started) / (options.hours * 3600)
        if progress >= 1:
            break
        batch = generator.choice(order, options.batch, replace=False)
        for group in optimiser.param_groups:
            group["lr"] = (
                group["peak"] * min(1.0, (step + 1) / 40) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))
            )
        feature = (
            torch.from_numpy(views.features[batch])
            if options.frozen
            else model.feature(views.front(batch).contiguous(memory_format=torch.channels_last))
        )
        dreamt = generator.integers(0, IMAGENET, len(batch) if options.weights else 0)
        answers = [target[j] for j in batch] + [same[c] for c in dreamt]
        positive = torch.zeros(len(answers), len(concepts), dtype=torch.bool)
        for i, answer in enumerate(answers):
            positive[i, list(answer)] = True
        feature = torch.cat((feature, torch.from_numpy(dream.features(dreamt, generator))))
        logits = feature @ model.rows.T + model.bias
        image = model.embedding(feature)
        scale = model.scale.exp().clamp_max(60)
        text = sum(set_loss(image @ model.text(side).T * scale, positive, known) for side in (english, chinese)) / 2
        rows = set_loss(logits, positive, known)
        before = teacher[[clean[views.files[j]] for j in batch]]
        kept = F.kl_div(logits[: len(batch), :IMAGENET].log_softmax(-1), before.softmax(-1), reduction="batchmean")
        loss = weights.text * text + weights.rows * rows + weights.kept * kept
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimiser.step()
        step, seen = step + 1, seen + len(batch)
        log.append((text.item(), rows.item(), kept.item()))
        if step % 50 == 0:
            mean = np.mean(log[-50:], 0).round(4).tolist()
            rate = seen / (time.monotonic() - started)
            print(
                json.dumps({"step": step, "text": mean[0], "rows": mean[1], "kept": mean[2], "rate": round(rate, 1)}),
                flush=True,
            )
    torch.save(
        {"model": model.state_dict(), "known": known, "options": vars(options) | {"step": step}},
        options.out / "tower.pt",
    )


if __name__ == "__main__":
    main()
