"""Learns the drafter that makes the first guess of an answer (`agent.draft`): `python -m training.draft --base
gemma.gguf --train train.jsonl --release models/text`.

Each label is turned into tags of the request's tokens (`training.draft_lessons`); what cannot be said in tags is left
out of them, and the draft is wrong there. The embeddings are the base's, so a drafter outlives a new `change.npz`; it
fits one `vocabulary.npz`. With `--bundle` it tells how many drafts of dev requests equal that bundle's own
answers.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

from agent.bundle import DRAFT, Bundle, Embedding, Manifest
from agent.draft import CLASSES, REACH, STEPS, TAGS, Drafter
from agent.onnx_decider import OnnxDecider
from agent.prompt import encode_request
from agent.weights import BaseWeights, quantise8, restore8
from training.data.requests import read_examples
from training.draft_lessons import Lesson, lessons_of
from training.export import write_manifest

WIDTH = 128
OTHERS = 48  # words that may take another's place
EPOCHS = 5
BATCH = 64
RATE = 2e-3
IGNORED = -1


class Net(torch.nn.Module):
    """`agent.draft.forward` for batches."""

    def __init__(self, hidden: int, others: int, width: int = WIDTH) -> None:
        super().__init__()
        shapes = {"in": (hidden, width)}
        for i in range(len(STEPS)):
            shapes |= {f"layer_{i}": (REACH * width, width), f"whole_{i}": (2 * width, width)}
        shapes |= {"tags": (width, TAGS), "other": (width, 1 + others), "first": (2 * width, len(CLASSES))}
        self.w = torch.nn.ParameterDict()
        for name, (rows, columns) in shapes.items():
            gain = 0.3 if name.startswith("whole") else 1.0
            self.w[name] = torch.nn.Parameter(torch.randn(rows, columns) * gain / rows**0.5)
            if not name.startswith("whole"):
                self.w[f"{name}_bias"] = torch.nn.Parameter(torch.zeros(columns))
        self.w["after"] = torch.nn.Parameter(torch.zeros(TAGS, TAGS))

    def forward(self, x: torch.Tensor, drop: float = 0.0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """x: (requests, n, hidden), all of one length."""
        w, n = self.w, x.shape[1]
        x = x * (x.square().mean(-1, keepdim=True) + 1e-6).rsqrt()
        if drop:
            x = x * (torch.rand(x.shape[:2]) > drop)[..., None]
        h = F.relu(x @ w["in"] + w["in_bias"])
        for i, step in enumerate(STEPS):
            reach = step * (REACH // 2)
            padded = F.pad(h, (0, 0, reach, reach))
            seen = torch.cat([padded[:, k * step : k * step + n] for k in range(REACH)], -1)
            h = h + F.dropout(F.relu(seen @ w[f"layer_{i}"] + w[f"layer_{i}_bias"]), 0.1, self.training)
            h = h + (pooled(h) @ w[f"whole_{i}"])[:, None]
        return (
            h @ w["tags"] + w["tags_bias"],
            h @ w["other"] + w["other_bias"],
            F.dropout(pooled(h), 0.1, self.training) @ w["first"] + w["first_bias"],
        )


def pooled(h: torch.Tensor) -> torch.Tensor:
    return torch.cat((h.mean(1), h.amax(1)), -1)


def surprise(said: torch.Tensor, after: torch.Tensor, tags: torch.Tensor) -> torch.Tensor:
    """Negative log-likelihood of the tags, a token's mean: a linear chain (Lafferty et al. 2001).

    said: (requests, n, TAGS) scores; after: (TAGS, TAGS), of a tag after another; tags: (requests, n)."""
    score = said.gather(2, tags[..., None]).sum((1, 2)) + after[tags[:, :-1], tags[:, 1:]].sum(1)
    step, total = after.exp(), said[:, 0]
    for i in range(1, said.shape[1]):
        high = total.amax(1, keepdim=True).detach()
        total = ((total - high).exp() @ step).log() + high + said[:, i]
    return (total.logsumexp(1) - score).mean() / said.shape[1]


def others_of(lessons: Sequence[Lesson]) -> list[int]:
    """The words that most often take another's place."""
    counted = Counter(o for lesson in lessons for o in lesson.other if o)
    return [token for token, _ in counted.most_common(OTHERS)]


def batches(lessons: Sequence[Lesson], size: int, random: Random) -> Iterator[list[Lesson]]:
    """All lessons once, those of a batch equally long."""
    order = sorted(lessons, key=lambda lesson: (len(lesson.ids), random.random()))
    groups: list[list[Lesson]] = []
    for lesson in order:
        if groups and len(groups[-1]) < size and len(groups[-1][0].ids) == len(lesson.ids):
            groups[-1].append(lesson)
        else:
            groups.append([lesson])
    random.shuffle(groups)
    yield from groups


def learn(
    lessons: Sequence[Lesson], table: np.ndarray, others: Sequence[int], epochs: int, seed: int = 1, width: int = WIDTH
) -> Net:
    """A net that has seen all lessons `epochs` times. table: float32 (vocabulary, hidden), the embeddings."""
    torch.manual_seed(seed)
    random, net, vectors = Random(seed), Net(table.shape[1], len(others), width), torch.from_numpy(table)
    place = {token: 1 + i for i, token in enumerate(others)}
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=0.01, betas=(0.9, 0.98))
    total, step, started = epochs * len(list(batches(lessons, BATCH, Random(0)))), 0, time.time()
    warm = min(200, total // 10 + 1)
    net.train()
    for epoch in range(epochs):
        heavy = 0.0
        for batch in batches(lessons, BATCH, random):
            for group in optimiser.param_groups:
                group["lr"] = RATE * min(1.0, (step + 1) / warm) * (1 - step / total)
            ids = torch.tensor([lesson.ids for lesson in batch])
            tags = torch.tensor([lesson.tags for lesson in batch])
            other = torch.tensor([[place.get(o, 0) for o in lesson.other] for lesson in batch])
            other[tags == 0] = IGNORED
            first = torch.tensor([lesson.first for lesson in batch])
            said, replaced, function = net(vectors[ids], drop=0.03)
            loss = surprise(said, net.w["after"], tags) + F.cross_entropy(function, first) * 0.3
            if bool((other >= 0).any()):
                loss = loss + F.cross_entropy(replaced.flatten(0, 1), other.flatten(), ignore_index=IGNORED)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            heavy, step = heavy + float(loss.detach()), step + 1
        print(f"epoch {epoch + 1}: loss {heavy / step * (epoch + 1):.3f}, {time.time() - started:.0f} s", flush=True)
    return net.eval()


def arrays_of(net: Net, others: Sequence[int]) -> dict[str, np.ndarray]:
    """The arrays of `draft.npz`: products in eight bits with one scale a column."""
    arrays: dict[str, np.ndarray] = {"others": np.array(others, np.int32)}
    for name, parameter in net.w.items():
        values = parameter.detach().numpy()
        if values.ndim == 1:
            arrays[name] = values.astype(np.float32)
        else:
            scale = np.maximum(np.abs(values).max(0), 1e-8) / 127
            arrays[name], arrays[f"{name}_scale"] = np.rint(values / scale).astype(np.int8), scale.astype(np.float32)
    return arrays


def embeddings(base: BaseWeights, rows: np.ndarray) -> np.ndarray:
    """float32 (vocabulary, hidden): the table as the device reads it; reserved rows stay empty, no request has them."""
    table = base.embedding_rows(rows)
    q, scale = quantise8(table)
    return restore8(q, scale.reshape(len(table), -1))


@dataclass(frozen=True)
class Agreement:
    """How drafts compare with a bundle's answers: shares from 0 to 1."""

    n: int
    whole: float  # drafts equal to the answer
    first: float  # with its first function
    share: float  # of an answer's tokens until the first wrong one, mean over requests
    tokens: float  # likewise, tokens a request
    ms: float  # milliseconds a draft, median


def agreement(drafter: Drafter, decider: OnnxDecider, texts: Sequence[str]) -> Agreement:
    found, ms = [], []
    for text in texts:
        request = encode_request(decider.tokenizer, text)
        started = time.perf_counter()
        draft = drafter(request)
        ms.append((time.perf_counter() - started) * 1e3)
        answer = decider.answer(text).ids
        same = next((i for i, (a, b) in enumerate(zip(draft, answer, strict=False)) if a != b), None)
        alike = min(len(draft), len(answer)) if same is None else same
        found.append((draft == answer, draft[0] == answer[0], alike / len(answer), alike))
    whole, first, share, tokens = np.mean(found, axis=0).tolist()
    return Agreement(len(found), whole, first, share, tokens, float(np.median(ms)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", type=Path, required=True, help="The generated training set.")
    parser.add_argument("--base", type=Path, required=True, help="The base's GGUF file.")
    parser.add_argument("--release", type=Path, default=Path("models/text"))
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bundle", type=Path, help="A built bundle to compare with, on --dev.")
    parser.add_argument("--dev", type=Path, default=Path(__file__).parent / "data" / "dev")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    tokenizer = Tokenizer.from_file(str(options.release / "tokenizer.json"))
    lessons = lessons_of(options.train, tokenizer)
    print(f"{len(lessons)} requests, {np.mean([lesson.whole for lesson in lessons]):.1%} of the labels said by tags")
    table = embeddings(BaseWeights(options.base), np.load(options.release / "vocabulary.npz")["rows"])
    others = others_of(lessons)
    net = learn(lessons, table, others, options.epochs)
    path = options.release / DRAFT
    np.savez_compressed(path, **arrays_of(net, others))
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")
    if (options.release / "manifest.json").is_file():
        manifest = Manifest.read(options.release / "manifest.json")
        write_manifest(options.release, manifest.version, manifest.calibration)
    if options.bundle:
        decider = OnnxDecider(options.bundle)
        drafter = Drafter(path, tokenizer, Embedding(Bundle(options.bundle)))
        for dev in sorted(options.dev.glob("*.txt")):
            print(dev.stem, agreement(drafter, decider, [example.text for example in read_examples(dev)]))


if __name__ == "__main__":
    main()
