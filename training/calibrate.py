"""Measures how sure the built bundle is when it is right, and sets the confidence under which it does nothing.

    python -m training.calibrate --bundle DIR --release models/text [--data ../shared/data] [--json FILE]

Platt scaling (1999) of two features (`agent.onnx_decider.features`) on every second dev request and on real
utterances that no training saw; the threshold is the one with the least cost, a wrong action counting `--wrong`
times a needless refusal. Prints a reliability table of the other half, which `--json` keeps for `training.plots`.
A bundle with eyes gets a second calibration for requests with a picture: those that point, with dev photos, and every
third of those above with a photo that has nothing to do with them. Writes both into the manifests of release and
bundle.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from random import Random

import numpy as np
from PIL.Image import Image

from agent.onnx_decider import OnnxDecider, features
from agent.picture import load_picture
from agent.prompt import decode_calls
from training.data.pictured import HERE, read_pointing
from training.data.requests import Example, read_examples
from training.data.utterances import held_out as held_out_text
from training.data.utterances import real_utterances
from training.scores import EDGES, Share
from training.vision.blank import blank_pictures
from training.vision.labels import read_labels
from training.vision.pairs import draw, held_out
from training.vision.photos import read_photos
from training.vision.table import read_concepts

REAL = 400  # real utterances that belong to the calibration
PLAIN = 3  # every so many-th request that does not point is asked with a picture, too


@dataclass(frozen=True)
class Sample:
    """One answered request: features, whether the functions were right, whether it would act."""

    features: np.ndarray
    right: bool
    acts: bool


def answered(decider: OnnxDecider, examples: Iterable[tuple[Example, Image | None]]) -> list[Sample]:
    """What is made of examples, each with what is seen."""
    samples = []
    for example, image in examples:
        answer = decider.answer(example.text, decider.look(image) if image else None)
        try:
            got = [c.name for c in decode_calls(decider.tokenizer, answer.ids)]
        except ValueError:
            got = []
        samples.append(Sample(features(answer), got == [c.name for c in example.calls], bool(got) and got[0] != "none"))
    return samples


def out_of_scope(data: Path) -> Iterator[Example]:
    """Real utterances that no function answers and no training saw."""
    return (e for e in real_utterances(data) if held_out_text(e.text) and e.calls[0].name == "none")


def is_fitted(index: int) -> bool:
    """Whether the calibration is fitted on the request of this place in its list; the others judge it."""
    return index % 2 == 0


def fit(samples: list[Sample], ridge: float = 0.1, steps: int = 100) -> np.ndarray:
    """Weights (odds, text, bias) of a logistic regression with a light ridge, by damped Newton steps. An argument that
    is less likely makes nothing more sure: where so few are wrong that it would, it has no weight."""
    x = np.array([[*s.features, 1.0] for s in samples])
    y = np.array([s.right for s in samples], float)
    weights = np.zeros(3)
    for _ in range(steps):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        hessian = (x * (p * (1 - p))[:, None]).T @ x + ridge * np.eye(3)
        step = np.linalg.solve(hessian, x.T @ (p - y) + ridge * weights)
        weights -= step / max(1.0, float(np.abs(step).max()))
    if weights[1] < 0:
        without = [Sample(s.features * np.array([1.0, 0.0]), s.right, s.acts) for s in samples]
        return fit(without, ridge, steps)
    return weights


def sureness(samples: list[Sample], weights: np.ndarray) -> np.ndarray:
    """Confidence (n,) of each sample."""
    return 1 / (1 + np.exp(-np.clip(np.array([[*s.features, 1.0] for s in samples]) @ weights, -30, 30)))


def threshold(samples: list[Sample], sure: np.ndarray, wrong: float) -> float:
    """The confidence below which refusing costs least, among the samples that would act."""
    acting = [(c, s.right) for c, s in zip(sure, samples, strict=True) if s.acts]
    candidates = np.linspace(0.0, 0.95, 96)
    costs = [sum(wrong if not right and c >= t else float(right and c < t) for c, right in acting) for t in candidates]
    return float(candidates[int(np.argmin(costs))])


def reliability(samples: list[Sample], sure: np.ndarray) -> str:
    """How often answers of a given confidence are right."""
    lines = ["confidence      n  right"]
    for low, high in pairwise(EDGES):
        inside = Share()
        for sample, confidence in zip(samples, sure, strict=True):
            if low <= confidence < high or confidence == high == 1:
                inside.add(sample.right)
        if inside.n:
            lines.append(f"{low:.3f}-{high:.3f} {inside.n:5d}  {inside}")
    return "\n".join(lines)


Asked = tuple[Example, "Image | None"]


def with_photos(data: Path, examples: Sequence[Example]) -> Iterator[Asked]:
    """Examples with photos that have nothing to do with them, then the dev requests that point, with photos that
    fit."""
    things = held_out(read_concepts(), read_photos(data), read_labels(), "dev")
    for i, example in enumerate(examples):
        yield example, load_picture(data / things[i * 7 % len(things)].photo.file)
    blanks = list(blank_pictures(Random("dev"), [data / thing.photo.file for thing in things], 20))
    for lang in ("en", "zh"):
        for pair in draw(read_pointing(HERE / "dev" / f"{lang}.txt"), things, 2):
            image = load_picture(data / pair.thing.photo.file) if pair.thing else blanks[pair.blank % len(blanks)]
            yield Example(pair.line.text, pair.wanted, "photo"), image


def calibrate(
    decider: OnnxDecider, dev: Sequence[Asked], real: Sequence[Asked], wrong: float
) -> tuple[dict[str, float], np.ndarray, list[Sample]]:
    """The calibration fitted on one half, and how sure it is of the other half's samples. Prints how it does there."""
    first, second = (
        answered(decider, (e for part in (dev, real) for i, e in enumerate(part) if is_fitted(i) == fitted))
        for fitted in (True, False)
    )
    weights = fit(first)
    limit = threshold(first, sureness(first, weights), wrong)
    sure = sureness(second, weights)
    print(reliability(second, sure))
    acting = [(c, s.right) for c, s in zip(sure, second, strict=True) if s.acts]
    for name, kept in (("no threshold", acting), (f"threshold {limit:.2f}", [a for a in acting if a[0] >= limit])):
        print(f"{name}: {len(kept)} actions, {sum(not r for _, r in kept)} of them of a wrong function")
    found = dict(zip(("odds", "text", "bias"), map(float, weights), strict=True)) | {"refuse_below": limit}
    return found, sure, second


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--release", type=Path, default=Path("models/text"))
    parser.add_argument("--dev", type=Path, default=Path("training/data/dev"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--wrong", type=float, default=3.0, help="needless refusals that a wrong action is as bad as")
    parser.add_argument("--json", type=Path, help="writes calibration and the other half's samples here")
    options = parser.parse_args()
    decider = OnnxDecider(options.bundle, refuse_below=0.0)
    dev = [e for path in sorted(options.dev.glob("*.txt")) for e in read_examples(path)]
    real = list(islice(out_of_scope(options.data), REAL))
    calibration, sure, second = calibrate(decider, [(e, None) for e in dev], [(e, None) for e in real], options.wrong)
    limit = calibration["refuse_below"]
    if decider.sees and (options.data / "images.csv").exists():
        some, others = dev[::PLAIN], real[::PLAIN]
        seen = list(with_photos(options.data, [*some, *others]))
        plain, pointing = seen[: len(some) + len(others)], seen[len(some) + len(others) :]
        print("\nwith pictures")
        found, _, _ = calibrate(decider, [*plain[: len(some)], *pointing], plain[len(some) :], options.wrong)
        calibration |= {f"seen_{name}": value for name, value in found.items()}
    print(calibration)
    if options.json:
        samples = [(float(c), s.right, s.acts) for c, s in zip(sure, second, strict=True)]
        told = {"version": decider.version, "threshold": limit, "calibration": calibration, "wrong": options.wrong}
        told["reliability"] = {"dev, other half": samples}
        options.json.write_text(json.dumps(told) + "\n", encoding="utf-8")
    for folder in (options.release, options.bundle):
        path = folder / "manifest.json"
        described = json.loads(path.read_text(encoding="utf-8"))
        described["calibration"] = calibration
        path.write_text(json.dumps(described, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
