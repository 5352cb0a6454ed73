"""Request to finished call, tako beside llama.cpp on the same base: `python -m bench.peer --bundle DIR --base FILE`.

    pip install llama-cpp-python     (compiles for some minutes; where it is missing this says so and measures nothing)

Four systems, one thread each, every one in a process of its own (`bench.peer_systems`), asked in turn, request by
request, in one run: what slows the machine slows all of them. Every so many-th request of the dev set, as many English
as Chinese ones. This measures time and memory alone: the base was never trained to call functions, so what llama.cpp
writes is no answer, and how good answers are is told by `training.evaluate`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import numpy as np

from bench.page import machine, publish
from bench.stages import ROOT
from training.data.requests import read_examples

INSTALL = "pip install llama-cpp-python"
SYSTEMS = {
    "tako": "tako: the built bundle, under its grammar",
    "bare": "llama.cpp, no function described",
    "described": "llama.cpp, eleven functions described, no cache kept",
    "kept": "llama.cpp, eleven functions described, their cache kept",
}
LANGUAGES = ("en", "zh")
RESAMPLES = 10_000
WARM = 2  # requests before the first that counts

Figures = dict[str, Any]


class Worker:
    """A system in its process."""

    def __init__(self, name: str, model: Path) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.peer_systems", name, str(model.resolve())],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self.load: float = self._read()["load"]

    def ask(self, text: str, call: str = "") -> Figures:
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"text": text, "call": call}) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> Figures:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise click.ClickException(f"{self.name} ended with code {self._process.wait()}; see above")
        figures: Figures = json.loads(line)
        return figures

    def close(self) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def requests(folder: Path, count: int) -> list[tuple[str, str]]:
    """`count` requests with their language, as many of each, English and Chinese by turns."""
    chosen = []
    for lang in LANGUAGES:
        examples = read_examples(folder / f"{lang}.txt")
        places = np.linspace(0, len(examples) - 1, count // len(LANGUAGES)).astype(int)
        chosen.append([(examples[place].text, lang) for place in places])
    return [pair for pairs in zip(*chosen, strict=True) for pair in pairs]


def measure(workers: list[Worker], asked: list[tuple[str, str]], rounds: int) -> list[dict[str, Figures]]:
    """For each request the figures of each system; each round begins with another one."""
    tako = next(worker for worker in workers if worker.name == "tako")
    calls = [tako.ask(text)["call"] for text, _ in asked]
    for (text, _), call in zip(asked[:WARM], calls, strict=False):
        for worker in workers:
            worker.ask(text, call)
    found = []
    for turn in range(rounds):
        for i, ((text, lang), call) in enumerate(zip(asked, calls, strict=True)):
            first = (turn + i) % len(workers)
            figures = {worker.name: worker.ask(text, call) for worker in workers[first:] + workers[:first]}
            found.append({name: {**value, "lang": lang, "request": i} for name, value in figures.items()})
    return found


def of(found: list[dict[str, Figures]], name: str, key: str, lang: str = "") -> np.ndarray:
    """float64 (requests,): one figure of a system, median over the rounds, in one language or all."""
    values: dict[int, list[float]] = {}
    for figures in found:
        if lang in ("", figures[name]["lang"]):
            values.setdefault(figures[name]["request"], []).append(figures[name][key])
    return np.array([np.median(of_one) for of_one in values.values()])


def ratio(peer: np.ndarray, own: np.ndarray) -> str:
    """Ratio of medians with its 95 % interval; requests are drawn anew, each with both its figures."""
    places = np.random.default_rng(1).integers(0, len(own), (RESAMPLES, len(own)))
    drawn = np.median(peer[places], axis=1) / np.median(own[places], axis=1)
    low, high = np.percentile(drawn, (2.5, 97.5))
    return f"{np.median(peer) / np.median(own):.1f} ({low:.1f} to {high:.1f})"


def times(found: list[dict[str, Figures]]) -> list[str]:
    lines = ["| | requests | median | 10 % | 90 % | tokens in | tokens out |", "|---|---|---|---|---|---|---|"]
    for name, what in SYSTEMS.items():
        for lang in LANGUAGES:
            ms = of(found, name, "ms", lang)
            low, high = np.percentile(ms, (10, 90))
            tokens = [f"{of(found, name, key, lang).mean():.1f}" for key in ("prompt", "answer")]
            cells = (what, f"{len(ms)} {lang}", f"{np.median(ms):.0f}", f"{low:.0f}", f"{high:.0f}", *tokens)
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def ratios(found: list[dict[str, Figures]]) -> list[str]:
    lines = ["| tako against | en | zh | both | both, processor time |", "|---|---|---|---|---|"]
    for name in ("bare", "described", "kept"):
        cells = [ratio(of(found, name, "ms", lang), of(found, "tako", "ms", lang)) for lang in (*LANGUAGES, "")]
        cells.append(ratio(of(found, name, "cpu_ms"), of(found, "tako", "cpu_ms")))
        lines.append(f"| {SYSTEMS[name]} | {' | '.join(cells)} |")
    return lines


def rates(found: list[dict[str, Figures]], loads: dict[str, float]) -> list[str]:
    """Tokens per second and memory."""
    lines = ["| | load | whole | prompt | answer | peak |", "|---|---|---|---|---|---|"]
    for name, what in SYSTEMS.items():
        rows = [figures[name] for figures in found]
        whole = sum(row["answer"] for row in rows) / sum(row["ms"] for row in rows) * 1e3
        parts = ["", ""]
        if "prompt_ms" in rows[0]:
            before = sum(row["prompt_ms"] for row in rows)
            after = sum(row["ms"] for row in rows) - before
            parts = [
                f"{sum(row['prompt'] for row in rows) / before * 1e3:.0f}",
                f"{sum(row['answer'] - 1 for row in rows) / after * 1e3:.0f}",
            ]
        peak = max(row["peak"] for row in rows)
        lines.append(f"| {what} | {loads[name]:.2f} | {whole:.1f} | {parts[0]} | {parts[1]} | {peak:.0f} |")
    return lines


def circumstances(found: list[dict[str, Figures]], before: float) -> list[str]:
    """The machine, and how much of it was ours."""
    had = [figures[name]["cpu_ms"] / figures[name]["ms"] for figures in found for name in SYSTEMS]
    return [
        *machine(("llama-cpp-python", "onnxruntime", "numpy")),
        f"- {len(os.sched_getaffinity(0))} of the cores were for this run; load of the machine: {before:.1f} before, "
        f"{os.getloadavg()[0]:.1f} after (the measured process counts in); a system had its core for "
        f"{np.mean(had):.0%} of the time it was measured (worst tenth of the requests: {np.percentile(had, 10):.0%})",
    ]


def page(found: list[dict[str, Figures]], loads: dict[str, float], before: float, rounds: int, note: str) -> str:
    often = f"each request {rounds} times, its median counts" if rounds > 1 else "each request once"
    lines = [
        "# Request to finished call, beside llama.cpp",
        "",
        f"Made by `python -m bench.peer` on {time.strftime('%Y-%m-%d')}, {often}. {INSTALL} first.",
        "",
        *circumstances(found, before),
        *([f"- {note}"] if note else []),
        "",
        "The base is the same (Gemma 3 270M, q4_k_m). One thread each, in turn request by request. llama.cpp gets the",
        "request and the cue `Call:`; it writes, greedily, as many tokens as tako's call has as text in its own",
        "tokenizer, and need not say that it is done. What it writes is no answer: this is about time alone.",
        "Where functions are described they stand in front as JSON schema, as one does without functional tokens:",
        "`no cache kept` reads them anew for each request, `their cache kept` reads the request alone, at the cost of",
        "a cache that stays in memory and that any other prompt evicts.",
        "",
        "Milliseconds from request text to finished call (`tokens in` counts what is read for each request):",
        "",
        *times(found),
        "",
        "How many times as long as tako (ratio of medians, bootstrap 95 % interval over requests). Processor time",
        "leaves out what other programs took; where the machine was quiet both are alike:",
        "",
        *ratios(found),
        "",
        "Seconds to load; tokens per second (the answer's over the whole time, the prompt's until the first token, the",
        "answer's after it); peak of resident memory in MB, interpreter and mapped weights counted:",
        "",
        *rates(found, loads),
    ]
    return "\n".join(lines) + "\n"


@click.command()
@click.option("--bundle", required=True, type=click.Path(path_type=Path, exists=True), help="tako's built text model.")
@click.option("--base", required=True, type=click.Path(path_type=Path, exists=True), help="Its base, the GGUF file.")
@click.option("--dev", default=ROOT / "training/data/dev", type=click.Path(path_type=Path), help="Folder of requests.")
@click.option("--requests", "count", default=60, show_default=True, type=click.IntRange(min=4))
@click.option("--rounds", default=1, show_default=True, type=click.IntRange(min=1), help="How often each is asked.")
@click.option("--out", type=click.Path(path_type=Path), help="Page to write. Left out: it is printed.")
@click.option("--raw", type=click.Path(path_type=Path), help="Every figure, as JSON.")
@click.option("--note", default="", help="A word on the circumstances, for the page.")
def main(
    bundle: Path, base: Path, dev: Path, count: int, rounds: int, out: Path | None, raw: Path | None, note: str
) -> None:
    """Measure tako's text model beside llama.cpp on this machine."""
    if importlib.util.find_spec("llama_cpp") is None:
        click.echo(f"SKIPPED, nothing measured: llama-cpp-python is not here. {INSTALL}", err=True)
        return
    before = os.getloadavg()[0]
    with ExitStack() as stack:
        workers = []
        for name in SYSTEMS:
            workers.append(Worker(name, bundle if name == "tako" else base))
            stack.callback(workers[-1].close)
        found = measure(workers, requests(dev, count), rounds)
        loads = {worker.name: worker.load for worker in workers}
    if raw:
        raw.write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")
    text = page(found, loads, before, rounds, note)
    publish(text, out)


if __name__ == "__main__":
    main()
