"""Seconds and memory of a turn on this machine: `python -m bench.turn [--runs 5] [--out bench/results/NAME.md]`.

Every stage is measured in a process of its own (`bench.stages`), engine beside engine, one thread beside two. A model
that is not here is left out, and the page says so. Listening is in no figure: it takes as long as one speaks.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from bench.page import machine, publish
from bench.stages import ROOT
from device.models.places import folder

PAIRS = (  # cases side by side: the second as a multiple of the first
    ("whisper-base, en, 1 thread", "whisper-tiny-en, en, 1 thread"),
    ("whisper-base, en, 1 thread", "vosk-small-en-us-0.15, en"),
    ("whisper-base, zh, 1 thread", "vosk-small-cn-0.22, zh"),
    ("whisper-base, en, 1 thread", "whisper-base, en, 2 threads"),
    ("1 thread", "2 threads"),
    ("1 thread", "1 thread, without guessing copies"),
)
LIBRARIES = ("onnxruntime", "ctranslate2", "faster-whisper", "vosk", "numpy", "pyttsx3")


@dataclass(frozen=True)
class Case:
    """One line of the page."""

    stage: str
    what: str  # what is measured, for people
    options: dict[str, Any] = field(default_factory=dict)
    model: str = ""  # folder that must be there

    @property
    def possible(self) -> bool:
        return not self.model or folder(self.model).is_dir()


def _transcribe(engine: str, model: str, lang: str, threads: int) -> Case:
    options = {"engine": engine, "model": model, "lang": lang, "threads": threads}
    how = f", {threads} thread{'s' * (threads > 1)}" if engine == "whisper" else ""
    return Case("transcribe", f"{model}, {lang}{how}", options, model)


def cases(cores: int) -> list[Case]:
    """All that is measured on a machine of so many cores."""
    counts = [n for n in (1, 2, 4) if n <= cores]
    return [
        Case("nothing", "the program itself, before any stage"),
        Case("look", "photo of 600 x 400"),
        _transcribe("vosk", "vosk-small-en-us-0.15", "en", 1),
        _transcribe("vosk", "vosk-small-cn-0.22", "zh", 1),
        *(_transcribe("whisper", "whisper-tiny-en", "en", n) for n in counts),
        *(_transcribe("whisper", "whisper-base", lang, n) for lang in ("en", "zh") for n in counts),
        *(Case("decide", f"{n} thread{'s' * (n > 1)}", {"threads": n}, "text") for n in counts),
        Case("decide", "1 thread, without guessing copies", {"guessing": False}, "text"),
        Case("act", "email with photo to a server on this machine"),
        Case("speak", "English, into a file", {"lang": "en"}),
        Case("speak", "Mandarin, into a file", {"lang": "zh"}),
        Case("turn", "whole, English with photo", {"lang": "en", "image": True}, "text"),
        Case("turn", "whole, Chinese", {"lang": "zh", "image": False}, "text"),
        Case("build", "tako models build", {}, "gemma-3-270m"),
    ]


def measure(case: Case, runs: int) -> dict[str, Any]:
    """What the child says. Raises `click.ClickException` when it fails."""
    command = [sys.executable, "-m", "bench.stages", case.stage, json.dumps({"runs": runs, **case.options})]
    environment = {**os.environ, "OMP_NUM_THREADS": str(case.options.get("threads", 1))}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(f"{case.stage} ({case.what}) failed:\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def row(case: Case, result: dict[str, Any]) -> str:
    """One line of the table."""
    runs = result["runs"]
    middle = _seconds(statistics.median(runs)) if runs else ""
    slow = _seconds(sorted(runs)[int(0.95 * (len(runs) - 1))]) if len(runs) > 1 else ""
    first = _seconds(result["first"]) if "first" in result else ""
    notes = [result.get("note", "")]
    if "work" in result and case.options.get("engine") == "vosk":
        notes.append(f"whole work {result['work']:.2f} s, most of it while one speaks")
    cells = (case.stage, case.what, _seconds(result["load"]), first, middle, slow, f"{result['peak']:.0f}")
    return f"| {' | '.join(cells)} | {'; '.join(filter(None, notes))} |"


def side_by_side(results: list[tuple[Case, dict[str, Any]]]) -> list[str]:
    """Time and memory of one case as a multiple of another's; lines of a table."""
    found = {case.what: result for case, result in results}
    lines = []
    for first, second in PAIRS:
        if first in found and second in found:
            one, other = found[first], found[second]
            time_ = statistics.median(other["runs"]) / statistics.median(one["runs"])
            lines.append(f"| {second} | {first} | {time_:.2f} | {other['peak'] / one['peak']:.2f} |")
    return lines


def _seconds(value: float) -> str:
    """With as many places as tell something; empty for nothing to load."""
    return "" if value == 0.0 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


@click.command()
@click.option("--runs", default=5, show_default=True, type=click.IntRange(min=1), help="After a first one, apart.")
@click.option("--out", type=click.Path(path_type=Path), help="Page to write. Left out: it is printed.")
@click.option("--note", default="", help="A word on the circumstances, for the page.")
def main(runs: int, out: Path | None, note: str) -> None:
    """Measure a turn on this machine."""
    load, results, left_out = os.getloadavg()[0], [], []
    for case in cases(os.cpu_count() or 1):
        if not case.possible:
            left_out.append(f"{case.what} ({case.stage})")
            continue
        click.echo(f"{case.stage}: {case.what}", err=True)
        results.append((case, measure(case, runs)))
    release = next((result["version"] for case, result in results if case.stage == "decide"), "none")
    lines = [
        "# A turn, stage by stage",
        "",
        f"Made by `make bench` on {time.strftime('%Y-%m-%d')}, text model {release}, {runs} runs after a first one.",
        "",
        *machine(LIBRARIES),
        f"- Load of the machine: {load:.1f} before, {os.getloadavg()[0]:.1f} after (the measured process counts in)",
        *([f"- {note}"] if note else []),
        "",
        "Seconds: `load` brings the model into memory, `first` is the first run, `median` and `95 %` the others.",
        "Peak is resident memory in MB of a process that does this stage alone, and of the largest it started.",
        "`transcribe` counts from the end of the utterance, `turn` leaves out listening.",
        "",
        "| stage | what | load | first | median | 95 % | peak | |",
        "|---|---|---|---|---|---|---|---|",
        *(row(case, result) for case, result in results),
        "",
        "Stages of a whole turn, median in seconds (the mail server's memory counts in):",
        "",
    ]
    for case, result in results:
        if case.stage == "turn":
            stages = ", ".join(
                f"{name} {seconds:.3f}" for name, seconds in result["stages"].items() if name != "listen"
            )
            lines.append(f"- {case.what}: {stages}")
    lines += ["", "Side by side:", "", "| this | against | time | peak |", "|---|---|---|---|", *side_by_side(results)]
    if left_out:
        lines += ["", f"Not measured, because the model is not here: {', '.join(left_out)}."]
    text = "\n".join(lines) + "\n"
    publish(text, out)


if __name__ == "__main__":
    main()
