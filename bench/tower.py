"""What looking at a picture costs: `python -m bench.tower --out bench/results/tower-x86-2-cores.md`.

The image tower of the built bundle in onnxruntime beside the same architecture as plain float32, in onnxruntime and in
torch, one thread each, in turn picture by picture in one run: what slows the machine slows all of them. And all of
`agent.sight.Sight.look`, of which the tower is the greater part. Time does not depend on weights, so the plain ones are
random; how well the eight-bit tower agrees with the float one is told by `training.vision.export --check`.

Needs torch and onnx (`pip install tako[train]`); where one is missing this says so and measures nothing.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import time
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import onnxruntime as ort
from PIL import Image
from tokenizers import Tokenizer

from agent.bundle import CONCEPTS, PROJECTION, TOWER, Bundle, Embedding
from agent.picture import load_picture
from agent.sight import Eye, Sight
from bench.page import machine, publish
from bench.peer import ratio
from bench.stages import DATA
from device.models.places import folder

NEEDED = ("torch", "onnx")
SYSTEMS = {
    "shipped": "`tower.onnx` in onnxruntime",
    "float": "float32 in onnxruntime",
    "torch": "float32 in torch",
    "look": "all of looking: pixels, colours, tower, words, tokens",
}

Call = Callable[[Image.Image], object]


def session(model: str | bytes) -> ort.InferenceSession:
    """As `agent.sight` opens it, with one thread."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def shipped(bundle: Path) -> dict[str, Call]:
    """What tako does with a picture: the tower alone, and all of it."""
    tower = session(str(bundle / TOWER))
    eye = Eye.of(tower.get_modelmeta().custom_metadata_map)
    name = tower.get_inputs()[0].name
    tokenizer = Tokenizer.from_file(str(bundle / "tokenizer.json"))
    sight = Sight(bundle, tokenizer, Embedding(Bundle(bundle)))
    return {
        "shipped": _on_pixels(eye, lambda pixels: tower.run(None, {name: pixels})),
        "look": sight.look,
    }


def plain() -> dict[str, Call]:
    """The architecture in float32. torch is no dependency of the device, so it is not imported by name."""
    torch = importlib.import_module("torch")
    torch.set_num_threads(1)
    tower = importlib.import_module("training.vision.efficientnet").EfficientNetLite().eval()
    graph = session(importlib.import_module("training.vision.export").tower_graph(tower).SerializeToString())
    name = graph.get_inputs()[0].name
    fast = tower.to(memory_format=torch.channels_last)  # the quicker one of its two layouts

    def run(pixels: np.ndarray) -> object:
        with torch.inference_mode():
            return fast(torch.from_numpy(pixels).contiguous(memory_format=torch.channels_last)).mean((2, 3))

    return {
        "float": _on_pixels(tower.eye, lambda pixels: graph.run(None, {name: pixels})),
        "torch": _on_pixels(tower.eye, run),
    }


def _on_pixels(eye: Eye, run: Callable[[np.ndarray], object]) -> Call:
    """Runs on a picture's pixels; they are made when it comes for the first time, which does not count."""
    made: dict[int, np.ndarray] = {}

    def call(picture: Image.Image) -> object:
        if id(picture) not in made:
            made[id(picture)] = eye.pixels(eye.square(picture))
        return run(made[id(picture)])

    return call


def measure(systems: dict[str, Call], pictures: list[Image.Image], runs: int) -> dict[str, np.ndarray]:
    """Milliseconds (runs,) of each system; each run is one picture, and begins with another system."""
    for picture in pictures:  # for the first time
        for call in systems.values():
            call(picture)
    names = list(systems)
    found: dict[str, list[float]] = {name: [] for name in names}
    for i in range(runs):
        picture = pictures[i % len(pictures)]
        for name in names[i % len(names) :] + names[: i % len(names)]:
            call = systems[name]
            begun = time.perf_counter()
            call(picture)
            found[name].append((time.perf_counter() - begun) * 1e3)
    return {name: np.array(ms) for name, ms in found.items()}


def page(found: dict[str, np.ndarray], bundle: Path, pictures: int, before: float, note: str) -> str:
    runs = len(found["look"])
    lines = [
        "# Looking at a picture",
        "",
        f"Made by `python -m bench.tower` on {time.strftime('%Y-%m-%d')}, {runs} runs of each; different "
        f"pictures: {pictures}.",
        "",
        *machine(("onnxruntime", "torch", "numpy")),
        f"- {len(os.sched_getaffinity(0))} of the cores were for this run; load of the machine: {before:.1f} before, "
        f"{os.getloadavg()[0]:.1f} after (the measured process counts in)",
        *([f"- {note}"] if note else []),
        "",
        "One thread each, in turn picture by picture. The plain ones are the same architecture (EfficientNet-Lite2,",
        "260 x 260 pixels), batch norms folded into convolutions; torch works in channels-last order. Milliseconds,",
        "and how many times as long as the shipped tower (ratio of medians, bootstrap 95 % interval over pictures):",
        "",
        "| | median | 10 % | 90 % | times the shipped tower |",
        "|---|---|---|---|---|",
    ]
    for name, what in SYSTEMS.items():
        ms = found[name]
        low, high = np.percentile(ms, (10, 90))
        against = "" if name == "shipped" else ratio(ms, found["shipped"])
        lines.append(f"| {what} | {np.median(ms):.1f} | {low:.1f} | {high:.1f} | {against} |")
    sizes = [(name, (bundle / name).stat().st_size / 1e6) for name in (TOWER, PROJECTION, CONCEPTS)]
    lines += ["", "On disk:", "", "| | MB |", "|---|---|", *(f"| `{name}` | {size:.2f} |" for name, size in sizes)]
    return "\n".join([*lines, f"| together | {sum(size for _, size in sizes):.2f} |"]) + "\n"


@click.command()
@click.option(
    "--bundle", type=click.Path(path_type=Path, exists=True), help="Built text model. Left out: the device's."
)
@click.option("--pictures", type=click.Path(path_type=Path, exists=True), help="Folder of JPEGs. Left out: one photo.")
@click.option("--runs", default=200, show_default=True, type=click.IntRange(min=10))
@click.option("--out", type=click.Path(path_type=Path), help="Page to write. Left out: it is printed.")
@click.option("--note", default="", help="A word on the circumstances, for the page.")
def main(bundle: Path | None, pictures: Path | None, runs: int, out: Path | None, note: str) -> None:
    """Measure what looking at a picture costs on this machine."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        click.echo(f"SKIPPED, nothing measured: {', '.join(missing)} missing. pip install tako[train]", err=True)
        return
    before = os.getloadavg()[0]
    bundle = bundle or folder("text")
    if not (bundle / TOWER).is_file():
        raise click.ClickException(f"{bundle} has no eyes")
    files = sorted(pictures.glob("*.jpg")) if pictures else [DATA / "photo.jpg"]
    if not files:
        raise click.ClickException(f"{pictures} has no JPEG (*.jpg)")
    shown = [load_picture(path) for path in files]
    found = measure(shipped(bundle) | plain(), shown, runs)
    publish(page(found, bundle, len(shown), before, note), out)


if __name__ == "__main__":
    main()
