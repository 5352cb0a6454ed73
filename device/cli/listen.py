"""`tako listen`: is the microphone good to listen with, and what is understood through it?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from actions.errors import TakoError
from device.cli.app import App, language, pass_app
from device.cli.show import as_json, console

if TYPE_CHECKING:
    import numpy as np

    from device.levels import Levels
    from device.seams import Microphone, Transcript

_WIDTH = 40  # characters of the meter
PATH = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option("--seconds", "-s", default=6.0, show_default=True, type=click.FloatRange(1, 60), help="For how long.")
@click.option("--wav", type=PATH, help="Judge this recording in place of the microphone.")
@click.option("--out", type=PATH, help="Keep what was recorded as a WAV, to listen to it elsewhere.")
@click.option("--words/--no-words", default=True, help="Whether to understand it, too.")
@click.option("--json", "json_", is_flag=True, help="Print what was measured as JSON.")
@pass_app
def listen(app: App, seconds: float, wav: Path | None, out: Path | None, words: bool, json_: bool) -> None:
    """Check the microphone: speak a sentence and see its level, the noise around it, and what is understood.

    Nothing is kept, unless --out says so.
    """
    import numpy as np

    from device.levels import advice, measure
    from device.seams import SAMPLE_RATE
    from device.speech.microphone import SoundDeviceMicrophone, WavMicrophone
    from device.speech.vad import SileroDetector

    detector = SileroDetector()
    microphone: Microphone = WavMicrophone(wav) if wav else SoundDeviceMicrophone(app.settings.microphone)
    chunks: list[np.ndarray] = []
    probabilities: list[float] = []
    samples = 0
    detector.reset()
    with microphone.open() as sound, _meter(live=not wav and not json_) as show:
        for chunk in sound:
            chunks.append(chunk)
            probabilities += detector.feed(chunk)
            samples += len(chunk)
            show(chunk, samples / SAMPLE_RATE, seconds)
            if not wav and samples >= seconds * SAMPLE_RATE:
                break
    whole = np.concatenate(chunks) if chunks else np.empty(0, np.int16)
    if out:
        _keep(out, whole)
    levels = measure(whole, probabilities)
    heard, failure = _understand(app, chunks) if words else (None, None)
    if json_:
        told = {"levels": levels, "above_noise": levels.above_noise, "advice": advice(levels), "transcript": heard}
        click.echo(as_json(told))
    else:
        _show(levels, advice(levels, language()), heard)
        if out:
            click.echo(f"kept      {out}")
    if failure:
        raise failure


def _understand(app: App, chunks: list[np.ndarray]) -> tuple[Transcript | None, TakoError | None]:
    """What the recogniser of the settings makes of it; a failure is told after the levels."""
    from device.models.places import home
    from device.speech.choose import choose

    try:
        transcriber, _ = choose(app.settings.speech, home() / "models")
        try:
            return transcriber.transcribe(iter(chunks)), None
        finally:
            transcriber.close()
    except TakoError as error:
        return None, error


def _show(levels: Levels, advice: list[str], heard: Transcript | None) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    speech = "none" if levels.speech is None else f"{levels.speech:.0f} dBFS"
    above = "" if levels.above_noise is None else f", {levels.above_noise:.0f} dB above the noise"
    table.add_row("speech", f"{speech}{above}")
    table.add_row("noise", f"{levels.noise:.0f} dBFS")
    table.add_row("peak", f"{levels.peak:.0f} dBFS, {levels.clipped:.2%} of the samples clipped")
    if heard is not None:
        sure = f"  [dim]({heard.engine}, {heard.lang}, {heard.confidence:.0%} sure)[/]" if heard.text else ""
        table.add_row("heard", f"[bold]{escape(heard.text) or '-'}[/]{sure}")
    for number, sentence in enumerate(advice or ["good"]):
        color = "yellow" if advice else "green"
        table.add_row("" if number else "so", f"[{color}]{escape(sentence)}[/]")
    console().print(table)


@contextmanager
def _meter(live: bool) -> Iterator[Callable[[np.ndarray, float, float], None]]:
    """A bar that moves with the sound; nothing when piped."""
    from rich.live import Live
    from rich.text import Text

    from device.levels import decibels, rms
    from device.speech.sound import FULL_SCALE

    shown = console()
    if not live or not shown.is_terminal:
        yield lambda chunk, at, of: None
        return
    with Live(console=shown, transient=True, refresh_per_second=10) as bar:

        def show(chunk: np.ndarray, at: float, of: float) -> None:
            level = rms(chunk)
            top = decibels(float(abs(chunk.astype("int32")).max(initial=0)) / FULL_SCALE)
            filled = round((max(level, -60.0) + 60.0) / 60.0 * _WIDTH)
            color = "red" if top > -1.0 else "yellow" if top > -6.0 else "green"
            line = Text(f"speak  {at:4.1f} of {of:.0f} s  ")
            line.append("█" * filled, color)
            line.append("·" * (_WIDTH - filled), "dim")
            line.append(f"  {level:4.0f} dBFS")
            bar.update(line)

        yield show


def _keep(path: Path, sound: np.ndarray) -> None:
    import soundfile

    from actions.errors import DeviceError
    from device.seams import SAMPLE_RATE

    try:
        soundfile.write(path, sound, SAMPLE_RATE, subtype="PCM_16", format="WAV")
    except (OSError, soundfile.LibsndfileError) as error:
        raise DeviceError(f"I cannot write {path}.", f"无法写入 {path}。") from error
