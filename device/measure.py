"""How fast this board is: speaking, hearing, deciding and seeing, one after the other in one process, and its memory.

The very parts that a turn has, of the settings, and all of them kept until the end, as the service keeps them. It hears
what it has said itself, so that no recording is needed. A part that cannot be had is told, and the others are measured
all the same.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from actions.errors import ModelError, TakoError
from agent.types import Observer, Percept
from device.processes import memory

if TYPE_CHECKING:
    from PIL.Image import Image

    from agent.types import Decider
    from device.settings import Settings

SENTENCE = "Email Anna that I found this at the market."
REQUESTS = (
    SENTENCE,
    "text mom i'll be ten minutes late",
    "what is in front of me",
    "order two pizzas and a coke",
    "which bin does this go in",
    "明天早上提醒我喂猫",
)
FRAME = (600, 400)  # pixels, as the photo that the reference was measured with
# Median seconds of a run on one core of an AMD EPYC: bench/results/x86-2-cores.md, and for seeing tower-x86-2-cores.md.
# Other sentences and another picture, so a ratio tells the order of things and no more.
REFERENCE_NAME = "one core of an AMD EPYC, bench/results of the project"
REFERENCE = {
    "speak": 0.011,
    "hear with whisper-base": 0.26,
    "hear with whisper-tiny-en": 0.13,
    "decide": 0.027,
    "see": 0.0227,
}


@dataclass(frozen=True)
class Figure:
    """One thing that was measured."""

    name: str  # "hear", "decide", ...
    what: str  # for people
    load: float  # seconds to bring it into memory
    median: float  # seconds of one run
    slowest: float  # of the runs, the first one aside
    resident: float  # MB of this process and those it started, afterwards
    peak: float  # MB, the highest so far, of each of them added up
    note: str = ""  # what came out
    error: str = ""  # why it could not be measured
    like: str = ""  # the key of `REFERENCE` that it compares with; empty: its name


@dataclass
class _Parts:
    """What has been loaded so far."""

    settings: Settings
    folder: Path
    runs: int
    kept: ExitStack = field(default_factory=ExitStack)
    decider: Decider | None = None

    def mind(self) -> tuple[Decider, float]:
        """The mind, and the seconds to load it: nothing the second time."""
        from device.choose import choose_decider

        begun = time.perf_counter()
        self.decider = self.decider or choose_decider(self.settings.mind)
        return self.decider, time.perf_counter() - begun


def measure(settings: Settings, runs: int, lang: str = "en") -> Iterator[Figure]:
    """Each figure as it is there. `lang`: of the sentences of errors."""
    with tempfile.TemporaryDirectory(prefix="tako-bench-") as folder, ExitStack() as kept:
        parts = _Parts(settings, Path(folder), runs, kept)
        for name, stage in STAGES.items():
            try:
                yield stage(parts)
            except TakoError as error:
                held = memory(os.getpid())
                yield Figure(name, "", 0.0, 0.0, 0.0, held.resident, held.peak, error=error.spoken(lang))


def speak(parts: _Parts) -> Figure:
    """From a sentence to its sound in a file."""
    from device.voice.choose import choose_voice

    voice = choose_voice(parts.settings.voice, parts.folder / "said.wav").voice
    parts.kept.callback(voice.close)

    def say() -> None:
        voice.say(SENTENCE, "en")
        voice.wait(60.0)

    load = _timed(say)
    seconds = [_timed(say) for _ in range(parts.runs)]
    return _figure("speak", "a sentence into a file", load, seconds)


def hear(parts: _Parts) -> Figure:
    """From the end of an utterance to its transcript."""
    from device.models.places import home
    from device.speech.choose import choose, plan
    from device.speech.microphone import WavMicrophone
    from device.voice.choose import choose_voice

    said = parts.folder / "heard.wav"
    with closing(choose_voice(parts.settings.voice, said).voice) as voice:
        voice.say(SENTENCE, "en")
        voice.wait(60.0)
    model = next(iter(plan(parts.settings.speech, home() / "models").folders.values())).name
    begun = time.perf_counter()
    transcriber, _ = choose(parts.settings.speech, home() / "models")
    load = time.perf_counter() - begun
    parts.kept.callback(transcriber.close)
    seconds, text = [], ""
    for _ in range(parts.runs + 1):
        with WavMicrophone(said).open() as chunks:
            heard = transcriber.transcribe(chunks)
        seconds.append(heard.ms / 1000)
        text = heard.text
    figure = _figure("hear", f"{model}, its own sentence", load, seconds[1:], text)
    return replace(figure, like=f"hear with {model}")


def decide(parts: _Parts) -> Figure:
    """From words to calls."""
    mind, load = parts.mind()
    mind.decide(Percept(REQUESTS[0]))
    seconds = [_timed(lambda text=text: mind.decide(Percept(text))) for _ in range(parts.runs) for text in REQUESTS]  # type: ignore[misc]
    return _figure("decide", f"{len(REQUESTS)} requests", load, seconds)


def see(parts: _Parts) -> Figure:
    """From a picture to what the model knows of it."""
    mind, load = parts.mind()
    if not isinstance(mind, Observer) or mind.look(_picture(0)) is None:
        raise ModelError("This model has no eyes.", "这个模型没有视觉。")
    pictures = [_picture(seed) for seed in range(1, parts.runs + 1)]
    seconds = [_timed(lambda picture=picture: mind.look(picture)) for picture in pictures]  # type: ignore[misc]
    return _figure("see", f"a picture of {FRAME[0]} x {FRAME[1]}", load, seconds)


STAGES: dict[str, Callable[[_Parts], Figure]] = {"speak": speak, "hear": hear, "decide": decide, "see": see}


def ratio(figure: Figure) -> float | None:
    """How many times as long as on the reference; None where there is nothing to compare."""
    reference = REFERENCE.get(figure.like or figure.name, 0.0)
    return None if figure.error or reference <= 0 else figure.median / reference


def _picture(seed: int) -> Image:
    """A picture that nobody has seen before: what is on it does not change how long looking takes."""
    from PIL import Image

    noise = np.random.default_rng(seed).integers(0, 256, (FRAME[1] // 32, FRAME[0] // 32, 3), np.uint8)
    return Image.fromarray(noise, "RGB").resize(FRAME)


def _figure(name: str, what: str, load: float, seconds: Sequence[float], note: str = "") -> Figure:
    held = memory(os.getpid())
    return Figure(name, what, load, statistics.median(seconds), max(seconds), held.resident, held.peak, note)


def _timed(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun
