"""What speaking costs: `python -m bench.voice --out bench/results/voice-x86-2-cores.md`.

Each sentence is said by each synthesiser in turn, into a speaker that keeps real time and makes no sound. First sound
is the time from `say` to the first loud block that the speaker gets; a real one adds its driver's time. On a machine
that does other things as well, the processor's time tells more than the clock: it is what the voice's process and
this one have used until then, so about the clock's time on one core of its own. Silence is the time from `stop` in the
middle of a sentence until nothing is on its way any more. Memory is that of the voice's process at its most.

Voices that are not here (tako models fetch neural-en-joe neural-zh-baker) are named and left out.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import click
import numpy as np

from actions.errors import TakoError
from bench.page import machine, publish
from device.models.places import folder
from device.voice.choose import NEURAL, plan
from device.voice.engines import Engine, EspeakSpeech, NeuralSpeech
from device.voice.espeak import RATE, EspeakEngine
from device.voice.neural import NeuralEngine
from device.voice.settings import VoiceSettings
from device.voice.spoken import SpokenVoice

BLOCK = 441  # samples: 20 ms
LOUD = 500  # of 32768
SENTENCES = {
    "English": [
        ("I sent the email to Anna Berg, with the photo.", "en"),
        ("Shall I text mom: I'll be ten minutes late?", "en"),
        ("I did not hear anything.", "en"),
        ("Which Anna do you mean, Anna Berg or Anna Lee?", "en"),
        ("I have written that down. I cannot order food yet, but I have kept it for you.", "en"),
        ("That is a glass bottle, so it goes into the glass container, not into the household waste.", "en"),
    ],
    "Mandarin": [
        ("我已经发了短信。", "zh"),
        ("请问你要发给谁？", "zh"),
        ("不好意思，这件事我不会做。", "zh"),
        ("我找到了两个小明，你要发给哪一个？", "zh"),
        ("好的，我已经记下来了，下午三点提醒你。", "zh"),
    ],
    "mixed": [
        ("要给 Anna Berg 发短信吗：我3点到？", "zh"),
        ("Shall I text 小明: 我晚点到？", "en"),
        ("我在 Google 上搜了 iPhone 15，找到三个结果。", "zh"),
    ],
}
Process = Callable[[], int | None]


@dataclass
class Heard:
    """What came of one sentence; times in seconds."""

    first: float = 0.0
    first_cpu: float = 0.0
    sound: float = 0.0
    cpu: float = 0.0
    gaps: float = 0.0  # of silence inside, because sound came too late
    silent: float = 0.0


class Ear:
    """A speaker that takes as long as a real one, two tenths of a second ahead."""

    rate = RATE

    def __init__(self, cpu: Callable[[], float]) -> None:
        self._cpu = cpu
        self.heard = Heard()
        self.begun = self.begun_cpu = 0.0

    def check(self) -> None:
        """Always there."""

    def play(self, sound: np.ndarray, stop: Event, alive: Callable[[], None]) -> None:
        self.stream((sound,), stop, alive)

    def stream(self, sounds: Iterable[np.ndarray], stop: Event, alive: Callable[[], None]) -> None:
        until = 0.0  # when all that was given will have been heard
        for sound in sounds:
            for start in range(0, len(sound), BLOCK):
                if stop.is_set():
                    return
                block, now = sound[start : start + BLOCK], time.perf_counter()
                if not self.heard.first and np.abs(block.astype(int)).max() > LOUD:
                    self.heard.first, self.heard.first_cpu = now - self.begun, self._cpu() - self.begun_cpu
                self.heard.gaps += max(0.0, now - until) if until else 0.0
                until = max(now, until) + len(block) / RATE
                self.heard.sound += len(block) / RATE
                alive()
                if until - now > 0.2:
                    time.sleep(until - now - 0.2)

    def close(self) -> None:
        """Nothing is held."""


@dataclass
class Measured:
    """One synthesiser."""

    ready: float = 0.0  # seconds from making it to its being ready, with an idle rest
    memory: float = 0.0  # MB of its process, at its most
    sentences: dict[str, list[Heard]] = field(default_factory=dict)


def cpu_of(process: Process) -> Callable[[], float]:
    """Seconds of processor that this process and the voice's have used."""

    def used() -> float:
        pid, seconds = process(), time.process_time()
        for task in Path(f"/proc/{pid}/task").glob("*/schedstat") if pid else ():
            seconds += int(task.read_text().split()[0]) / 1e9
        return seconds

    return used


def memory_of(pid: int | None) -> float:
    """MB that a process had at its most."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines() if pid else []
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM")), 0.0)


def measure(engine: Engine, process: Process, kinds: Iterable[str], runs: int) -> Measured:
    """Says every sentence `runs` times, and stops one in the middle as often."""
    measured, begun = Measured(), time.perf_counter()
    cpu = cpu_of(process)
    ear = Ear(cpu)
    voice = SpokenVoice(engine, ear)
    engine.check()
    measured.ready = time.perf_counter() - begun
    try:
        for kind in kinds:
            for text, lang in SENTENCES[kind][:1]:  # for the first time
                voice.say(text, lang)
                voice.wait(60.0)
            measured.sentences[kind] = [
                _said(voice, ear, cpu, text, lang) for _ in range(runs) for text, lang in SENTENCES[kind]
            ]
        measured.memory = memory_of(process())
    finally:
        voice.close()
    return measured


def _said(voice: SpokenVoice, ear: Ear, cpu: Callable[[], float], text: str, lang: str) -> Heard:
    ear.heard = heard = Heard()
    ear.begun, ear.begun_cpu = time.perf_counter(), cpu()
    voice.say(text, lang)
    voice.wait(60.0)
    heard.cpu = cpu() - ear.begun_cpu
    ear.heard = Heard()
    ear.begun = time.perf_counter()
    voice.say(text, lang)
    while not ear.heard.first:
        time.sleep(0.005)
    time.sleep(0.3)
    called = time.perf_counter()
    voice.stop()
    voice.wait(5.0)
    heard.silent = time.perf_counter() - called
    time.sleep(0.3)  # what the child was at comes to its end
    return heard


def table(found: dict[str, Measured]) -> list[str]:
    lines = [
        "| synthesiser | sentences | first sound (ms of clock) | 90 % | first sound (ms of processor) | "
        "sound for a second of processor (s) | late (ms) | silent after stop (ms) |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, measured in found.items():
        for kind, heard in measured.sentences.items():
            first = np.array([h.first for h in heard]) * 1e3
            own = np.median([h.first_cpu for h in heard]) * 1e3
            speed = np.median([h.sound / h.cpu for h in heard])
            late, silent = np.median([h.gaps for h in heard]) * 1e3, max(h.silent for h in heard) * 1e3
            lines.append(
                f"| {name} | {kind} | {np.median(first):.0f} | {np.percentile(first, 90):.0f} | {own:.0f} | "
                f"{speed:.1f} | {late:.0f} | {silent:.0f} |"
            )
    return lines


def page(found: dict[str, Measured], runs: int, before: float, left_out: str, note: str) -> str:
    lines = [
        "# Speaking",
        "",
        f"Made by `python -m bench.voice` on {time.strftime('%Y-%m-%d')}, {runs} runs of each sentence.",
        "",
        *machine(("onnxruntime", "numpy", "soxr")),
        f"- {len(os.sched_getaffinity(0))} of the cores were for this run; load of the machine: {before:.1f} before, "
        f"{os.getloadavg()[0]:.1f} after (the measured processes count in)",
        *([f"- {note}"] if note else []),
        *([f"- left out: {left_out}"] if left_out else []),
        "",
        "Medians; of silence after `stop`, the longest. `late` is silence inside a text because sound was not ready.",
        "",
        *table(found),
        "",
        "| synthesiser | ready after (s) | memory of its process (MB) |",
        "|---|---|---|",
        *(f"| {name} | {measured.ready:.1f} | {measured.memory:.0f} |" for name, measured in found.items()),
    ]
    return "\n".join(lines) + "\n"


@click.command()
@click.option("--runs", default=5, show_default=True, type=click.IntRange(min=1))
@click.option("--out", type=click.Path(path_type=Path), help="Page to write. Left out: it is printed.")
@click.option("--note", default="", help="A word on the circumstances, for the page.")
def main(runs: int, out: Path | None, note: str) -> None:
    """Measure what speaking costs on this machine."""
    before, settings, found = os.getloadavg()[0], VoiceSettings(), {}
    espeak = EspeakEngine(settings)
    try:
        found["espeak-ng"] = measure(EspeakSpeech(espeak), lambda: _pid(espeak), SENTENCES, runs)
    except TakoError as error:
        click.echo(f"espeak-ng is left out: {error}", err=True)
    here = plan(settings).folders
    left_out = ", ".join(name for lang, name in NEURAL.items() if lang not in here)
    for name, langs, kinds in (
        ("neural English", ("en",), ("English",)),
        ("neural Mandarin", ("zh",), ("Mandarin",)),
        ("neural, both", ("en", "zh"), SENTENCES),
    ):
        if set(langs) <= set(here):
            neural = NeuralEngine(settings, {lang: folder(NEURAL[lang]) for lang in langs})
            found[name] = measure(NeuralSpeech(neural), lambda neural=neural: _pid(neural), kinds, runs)  # type: ignore[misc]
    publish(page(found, runs, before, left_out, note), out)


def _pid(engine: EspeakEngine | NeuralEngine) -> int | None:
    return engine._child.pid if engine._child else None


if __name__ == "__main__":
    main()
