"""`tako look`: is the camera good to look with, and what does the model see through it?"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from actions.errors import DeviceError, TakoError
from device.cli.app import App, language, pass_app
from device.cli.show import as_json, console

if TYPE_CHECKING:
    from PIL.Image import Image

    from device.exposure import Exposure

PATH = click.Path(path_type=Path)
_QUALITY = 92  # of the JPEG


@dataclass(frozen=True)
class Sight:
    """What the model makes of a picture."""

    names: tuple[tuple[str, float], ...]  # likeliest first, with their probabilities
    says: str  # its answer to "what is this?"
    ms: float  # milliseconds that looking took


@click.command()
@click.option("--image", type=PATH, help="Look at this picture in place of the camera's.")
@click.option("--out", type=PATH, help="Where the picture is kept. Left out: look-TIME.jpg in this folder.")
@click.option("--model/--no-model", default=True, help="Whether the model looks, too.")
@click.option("--json", "json_", is_flag=True, help="Print what was measured as JSON.")
@pass_app
def look(app: App, image: Path | None, out: Path | None, model: bool, json_: bool) -> None:
    """Check the camera: take a picture, keep it as a file, say how light and sharp it is, and what the model sees."""
    from device.exposure import advice, measure

    picture, took = _frame(app, image)
    kept = out or (None if image else Path(time.strftime("look-%Y%m%d-%H%M%S.jpg")))
    if kept:
        _keep(picture, kept)
    measured = measure(picture)
    lang = language()
    seen, failure = _see(app, picture, lang) if model else (None, None)
    if json_:
        told = {"file": str(kept or image), "ms": took, "exposure": measured, "advice": advice(measured), "seen": seen}
        click.echo(as_json(told))
    else:
        _show(measured, advice(measured, lang), seen, kept, took)
    if failure:
        raise failure


def _frame(app: App, image: Path | None) -> tuple[Image, float]:
    """A picture and the milliseconds that it took. Raises `DeviceError` or `InputError`."""
    from contextlib import closing

    from device.choose import choose_camera
    from device.sim.camera import FolderCamera

    with closing(FolderCamera(image) if image else choose_camera(app.settings.camera)) as camera:
        begun = time.monotonic()
        picture = camera.frame()
        took = (time.monotonic() - begun) * 1000
    if picture is None:
        raise DeviceError("No camera is wanted: camera.kind is none.", "设置里没有启用摄像头（camera.kind 为 none）。")
    return picture, took


def _keep(picture: Image, path: Path) -> None:
    try:
        picture.save(path, "JPEG", quality=_QUALITY, exif=b"")
    except OSError as error:
        raise DeviceError(
            f"I cannot write {path}: {error.strerror or error}.", f"无法写入 {path}：{error.strerror or error}。"
        ) from error


def _see(app: App, picture: Image, lang: str) -> tuple[Sight | None, TakoError | None]:
    """What the model of the settings sees; a failure is told after the rest."""
    from agent.sight import Seen
    from agent.types import Observer
    from device.choose import choose_decider

    try:
        mind = choose_decider(app.settings.mind)
        if not isinstance(mind, Observer):
            return None, None
        begun = time.monotonic()
        seen = mind.look(picture)
        took = (time.monotonic() - begun) * 1000
        names = seen.names if isinstance(seen, Seen) else ()
        says = mind.describe(picture, "这是什么？" if lang == "zh" else "what is this?") if seen is not None else ""
    except TakoError as error:
        return None, error
    return Sight(tuple((name.zh if lang == "zh" else name.en, sure) for name, sure in names), says, took), None


def _show(measured: Exposure, advice: list[str], seen: Sight | None, kept: Path | None, took: float) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    where = f", kept as {escape(str(kept))}" if kept else ""
    table.add_row("picture", f"{measured.width} x {measured.height} in {took:.0f} ms{where}")
    light = f"mean {measured.mean:.0f} of 255, {measured.white:.0%} white, {measured.black:.0%} black"
    table.add_row("light", light)
    table.add_row("sharpness", f"{measured.sharpness:.4f}")
    if seen is not None:
        names = ", ".join(f"{escape(name)} {sure:.0%}" for name, sure in seen.names)
        table.add_row("sees", f"{names or 'nothing: this model has no eyes'}  [dim]({seen.ms:.0f} ms)[/]")
        if seen.says:
            table.add_row("says", f"[bold]{escape(seen.says)}[/]")
    for number, sentence in enumerate(advice or ["good"]):
        color = "yellow" if advice else "green"
        table.add_row("" if number else "so", f"[{color}]{escape(sentence)}[/]")
    console().print(table)
