"""Stage 1, second half: everything that reads the tower's feature, fitted in minutes when the tower is done.

    python -m training.vision.heads --tower runs/tower/tower.pt --views runs/views --text runs/views/text.npz
        --data ../shared/data --out runs/tower/heads.npz [--extra food rooms]

Prototypes get a temperature. Colours and materials are logistic regressions on hand-written labels. Rooms are learned
without photos: `training.vision.dream` turns ImageNet's class rows back into features. A concept that is neither in
ImageNet nor on a photo gets a row from its words. `--extra`: sources that the tower did not learn from, whose labels
get rows of their own and whose rooms teach the head of rooms.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from torch import Tensor

from agent.bundle import TOWER
from agent.colors import color_features
from agent.sight import LENGTH, unit
from training.vision.contrast import Sighted, concept_texts, set_loss
from training.vision.dream import Dream
from training.vision.efficientnet import EfficientNetLite
from training.vision.encoder import Encoder
from training.vision.labels import positives, read_labels
from training.vision.photos import PERMISSIVE, Photo, read_photos
from training.vision.table import COLORS, IMAGENET, MATERIALS, ROOMS, Concept, read_concepts
from training.vision.views import Views

NEVER = 1e3


def logistic(inputs: np.ndarray, target: np.ndarray, count: int, decay: float = 1e-3, steps: int = 300) -> np.ndarray:
    """Multinomial logistic regression: (count, inputs + 1), the last column the bias."""
    x = torch.from_numpy(np.ascontiguousarray(inputs, np.float32))
    y = torch.from_numpy(target)
    weight = torch.zeros(count, inputs.shape[1] + 1, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight], max_iter=steps, history_size=10, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss: Tensor = F.cross_entropy(x @ weight[:, :-1].T + weight[:, -1], y) + decay * (weight[:, :-1] ** 2).sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    return weight.detach().numpy()


def temperature(logits: Tensor, positive: Tensor, known: Tensor) -> float:
    """What logits are best multiplied with."""
    scales = torch.linspace(0.3, 2.0, 35)
    losses = [float(set_loss(logits * s, positive, known)) for s in scales]
    return float(scales[int(np.argmin(losses))])


@torch.no_grad()
def features_of(model: Sighted, views: Views, chosen: np.ndarray, batch: int = 64) -> np.ndarray:
    """Features float32 (n, feature) of the chosen views by the tower as it is now."""
    found = []
    for start in range(0, len(chosen), batch):
        front = views.front(chosen[start : start + batch]).contiguous(memory_format=torch.channels_last)
        found.append(model.feature(front).numpy())
    return np.concatenate(found)


def open_tower(path: Path) -> tuple[Sighted, Tensor, dict[str, object]]:
    """The model that `training.vision.contrast` saved, which concepts it knows, and its options; a tower from elsewhere
    lies beside the file."""
    saved = torch.load(path, weights_only=False)
    state = saved["model"]
    own = any(name.startswith("tower.") for name in state)
    tower = EfficientNetLite() if own else Encoder(onnx.load(path.with_name(TOWER)))
    model = Sighted(tower, state["rows"], state["bias"], state["text.mean"][None].expand(2, -1))
    model.load_state_dict(state)
    return model.eval(), saved["known"], saved["options"]


def color_of(color: str) -> int | None:
    """The place of a label's first colour."""
    first = color.split("/")[0]
    return list(COLORS).index(first) if first in COLORS else None


def fit_attributes(
    features: np.ndarray, colors: np.ndarray, photos: Sequence[Photo], train: np.ndarray
) -> dict[str, np.ndarray]:
    """The heads of colour and material, from the labelled photos of the part to learn from."""
    labels = read_labels()
    heads = {}
    read: dict[str, tuple[np.ndarray, Callable[[str], int | None], int]] = {
        "color": (
            np.concatenate((colors * LENGTH, unit(features)), 1),
            lambda f: color_of(labels[f].color),
            len(COLORS),
        ),
        "material": (
            unit(features),
            lambda f: list(MATERIALS).index(labels[f].material) if labels[f].material in MATERIALS else None,
            len(MATERIALS),
        ),
    }
    for kind, (inputs, answer, count) in read.items():
        wanted = [answer(p.file) if p.file in labels else None for p in photos]
        there = np.array([w is not None for w in wanted])
        target = np.array([w or 0 for w in wanted])
        heads[kind] = logistic(inputs[train & there], target[train & there], count)
        for name, part in (("dev", "dev"), ("test", "test")):
            judged = there & np.array([p.part == part for p in photos])
            guess = (inputs[judged] @ heads[kind][:, :-1].T + heads[kind][:, -1]).argmax(1)
            print(f"{kind} {name}: {np.mean(guess == target[judged]):.3f} of {judged.sum()}")
    return heads


def fit_rooms(
    dream: Dream, concepts: Sequence[Concept], features: np.ndarray, rooms: Sequence[str], each: int = 400
) -> np.ndarray:
    """The head of rooms, from dreamt features of the things that stand in them, and from photos' features (n, feature)
    with their rooms, if there are any."""
    generator = np.random.default_rng(0)
    inputs, target = list(features), [list(ROOMS).index(room) for room in rooms]
    for room, name in enumerate(ROOMS):
        first = [i for i, c in enumerate(concepts[:IMAGENET]) if c.rooms[:1] == (name,)]
        any_ = [i for i, c in enumerate(concepts[:IMAGENET]) if name in c.rooms]
        for _ in range(each if first else 0):
            chosen = [int(generator.choice(first)), *generator.choice(any_, generator.integers(0, 3)).tolist()]
            inputs.append(dream.feature(chosen, generator))
            target.append(room)
    return logistic(unit(np.stack(inputs)), np.array(target), len(ROOMS))


def fit_rows(
    features: np.ndarray, target: Sequence[int], rows: np.ndarray, bias: np.ndarray, steps: int = 400
) -> tuple[np.ndarray, np.ndarray]:
    """All rows and biases, those of new concepts fitted: features (n, feature) of photos of new and of old concepts
    with their places in the table."""
    new = torch.tensor(sorted(set(target) - set(np.flatnonzero(np.abs(rows).sum(1)).tolist())))
    weight = torch.from_numpy(rows.mean(0)).repeat(len(new), 1).requires_grad_()
    offset = torch.full((len(new),), float(np.median(bias)), requires_grad=True)
    x, y = torch.from_numpy(features), torch.tensor(target)
    old = x @ torch.from_numpy(rows).T + torch.from_numpy(bias)
    optimiser = torch.optim.Adam([weight, offset], lr=5e-3)
    for _ in range(steps):
        logits = old.index_copy(1, new, x @ weight.T + offset)
        loss = F.cross_entropy(logits, y) + 1e-3 * (weight**2).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    rows, bias = rows.copy(), bias.copy()
    rows[new], bias[new] = weight.detach().numpy(), offset.detach().numpy()
    return rows, bias


def modesty(logits: np.ndarray, right: Sequence[frozenset[int]], steps: Sequence[float] = (0, 0.5, 1, 1.5, 2)) -> float:
    """How much may be taken from the logits of what only a few photos taught, for nothing: on photos of just these, the
    most that costs at most one in 200. What they do not show is then more often seen rightly."""
    shares = []
    for step in steps:
        moved = logits - step * (np.arange(logits.shape[1]) >= IMAGENET)
        shares.append(np.mean([guess in positive for guess, positive in zip(moved.argmax(1), right, strict=True)]))
    return max(step for step, share in zip(steps, shares, strict=True) if share >= max(shares) - 0.005)


def rows_from_words(rows: np.ndarray, known: np.ndarray, texts: np.ndarray, decay: float = 300.0) -> np.ndarray:
    """Rows (concepts, feature + 1) for all, by ridge regression from the features of names to the known rows."""
    x = (texts - texts[known].mean(0)) / (texts[known].std(0) + 1e-3)
    weight = np.linalg.solve(
        x[known].T @ x[known] + decay * np.eye(x.shape[1]), x[known].T @ (rows[known] - rows[known].mean(0))
    )
    return np.asarray(rows[known].mean(0) + x @ weight, np.float32)


def with_rows_from_words(rows: np.ndarray, bias: np.ndarray, known: np.ndarray, texts: np.ndarray) -> np.ndarray:
    """Rows with biases (concepts, feature + 1), those that are not known from words."""
    whole = np.concatenate((rows, bias[:, None]), 1)
    return np.where(known[:, None], whole, rows_from_words(whole, known, texts))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tower", type=Path, required=True)
    parser.add_argument("--views", type=Path, required=True)
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sources", nargs="+", default=sorted(PERMISSIVE))
    parser.add_argument("--extra", nargs="*", default=[])
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    concepts = read_concepts()
    views = Views(options.views)
    by_file = {p.file: p for p in read_photos(options.data)}
    photos = [by_file[f] for f in views.files]
    model, known, trained = open_tower(options.tower)
    chosen = np.flatnonzero(np.array(views.views) <= 3)
    features = np.zeros_like(views.features)
    features[chosen] = views.features[chosen] if trained["frozen"] else features_of(model, views, chosen)
    keep = np.zeros(len(photos), bool)
    keep[chosen] = True
    train = keep & np.array([p.part == "train" and p.source in options.sources for p in photos])
    target = positives(concepts, photos)
    rows, bias = model.rows.detach().numpy(), model.bias.detach().numpy()

    with np.load(options.text) as file:
        names = dict(zip(file["names"].tolist(), file["feats"], strict=True))
    texts = np.concatenate([t.numpy() for t in concept_texts(concepts, names)], 1)
    seen = known.numpy()
    classes = rows if trained["weights"] else with_rows_from_words(rows, bias, seen, texts)[:, :-1]
    generator = np.random.default_rng(0)
    dream = Dream.of(features[train], [p.concept for p, t in zip(photos, train, strict=True) if t], classes)
    extra = [i for i in chosen if photos[i].part == "train" and photos[i].source in options.extra and target[i]]
    if extra:
        others = generator.choice(np.flatnonzero(train & np.array([bool(t) for t in target])), 3 * len(extra))
        dreamt = generator.integers(0, IMAGENET, 3 * len(extra) if trained["weights"] else 0)
        shown = np.concatenate((features[extra], features[others], dream.features(dreamt, generator)))
        answers = [min(target[i], key=lambda c: c < IMAGENET) for i in [*extra, *others]] + dreamt.tolist()
        masked = np.where(seen[:, None], rows, 0)
        rows, bias = fit_rows(shown, answers, masked, np.where(seen, bias, -1e4).astype(np.float32))
        seen[sorted({answers[i] for i in range(len(extra))})] = True

    dev = np.array([i for i in chosen if photos[i].part == "dev" and photos[i].source in options.sources and target[i]])
    positive = torch.zeros(len(dev), len(concepts), dtype=torch.bool)
    for i, j in enumerate(dev):
        positive[i, list(target[j])] = True
    logits = features[dev] @ rows.T + bias
    shift = modesty(np.where(seen, logits, -1e4), [target[j] for j in dev])
    bias[IMAGENET:] -= shift
    bias[[c.id.startswith("rooms:") for c in concepts]] -= NEVER  # a room is the head's to name, and no thing
    logits[:, IMAGENET:] -= shift
    sharp = temperature(torch.from_numpy(logits), positive, torch.from_numpy(seen))
    print(f"prototypes: {shift} taken, multiplied with {sharp:.2f}; {int(seen.sum())} of {len(concepts)} known")

    colors = np.zeros((len(photos), len(color_features(views.colors[0]))), np.float32)
    for i in chosen:
        colors[i] = color_features(views.colors[i])
    heads = fit_attributes(features, colors, photos, train)
    rooms = [i for i in extra if photos[i].source == "rooms"]
    heads["room"] = fit_rooms(dream, concepts, features[rooms], [concepts[min(target[i])].rooms[0] for i in rooms])

    full = with_rows_from_words(rows, bias, seen, texts)

    np.savez(
        options.out,
        rows=full[:, :-1] * sharp,
        rows_bias=full[:, -1] * sharp,
        known=seen,
        joint=model.joint.detach().numpy(),
        dream_mean=dream.mean,
        dream_classes=dream.classes,
        dream_spread=dream.spread,
        features=features[chosen].astype(np.float16),
        colors=colors[chosen].astype(np.float16),
        files=np.array([views.files[i] for i in chosen]),
        views=np.array([views.views[i] for i in chosen]),
        **heads,
    )


if __name__ == "__main__":
    main()
