"""`tako bench`: how fast this board is, beside the machine that tako's figures were made on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from device.cli.app import App, language, pass_app
from device.cli.show import as_json, console

if TYPE_CHECKING:
    from device.board import Board
    from device.measure import Figure


@click.command()
@click.option("--runs", default=5, show_default=True, type=click.IntRange(1, 100), help="Of each stage, after a first.")
@click.option("--json", "json_", is_flag=True, help="Print the figures as one JSON object.")
@pass_app
@click.pass_context
def bench(ctx: click.Context, app: App, runs: int, json_: bool) -> None:
    """Measure this board: speaking, hearing, deciding, seeing, and the memory of all of it.

    Takes a minute or two, and as much memory as the service: on a board of 512 MB stop that first. The exit code is 5
    when something could not be measured.
    """
    from device import board, measure

    before = board.look()
    figures = list(_shown(measure.measure(app.settings, runs, language()), quiet=json_))
    peak, after = max((figure.peak for figure in figures), default=0.0), board.look()
    if json_:
        told = {"board": after, "runs": runs, "figures": figures, "peak": peak, "reference": measure.REFERENCE_NAME}
        click.echo(as_json({**told, "ratios": {figure.name: measure.ratio(figure) for figure in figures}}))
    else:
        _table(figures, peak)
        for line in _circumstances(before, after):
            click.echo(line)
    ctx.exit(5 if any(figure.error for figure in figures) else 0)


def _shown(figures: Iterator[Figure], quiet: bool) -> Iterator[Figure]:
    """Tells on a terminal what is being measured."""
    from rich.console import Console

    from device.measure import STAGES

    shown = Console(stderr=True)
    if quiet or not shown.is_terminal:
        yield from figures
        return
    names = [*STAGES]
    with shown.status(f"measuring: {names[0]}") as status:
        for number, figure in enumerate(figures, 1):
            if number < len(names):
                status.update(f"measuring: {names[number]}")
            yield figure


def _table(figures: list[Figure], peak: float) -> None:
    from rich.markup import escape
    from rich.table import Table

    from device.measure import REFERENCE_NAME, ratio

    table = Table(box=None, pad_edge=False)
    for heading in ("stage", "what", "load or first", "median", "slowest", "times the reference", "memory then"):
        table.add_column(heading, justify="left" if heading in ("stage", "what") else "right")
    for figure in figures:
        if figure.error:
            table.add_row(figure.name, f"[red]{escape(figure.error)}[/]")
            continue
        times = ratio(figure)
        note = f"{figure.what}: {figure.note}" if figure.note else figure.what
        cells = (_seconds(figure.load), _seconds(figure.median), _seconds(figure.slowest))
        ratio_cell = f"{times:.1f}" if times else ""
        table.add_row(figure.name, escape(note), *cells, ratio_cell, f"{figure.resident:.0f} MB")
    console().print(table)
    click.echo(f"At most {peak:.0f} MB, the processes of the voice counted in. The reference: {REFERENCE_NAME}.")


def _circumstances(before: Board, after: Board) -> Iterator[str]:
    """What the figures depend on."""
    if after.temperature is not None and before.temperature is not None:
        yield f"{before.temperature:.0f} °C before, {after.temperature:.0f} °C after."
    if after.throttling and after.throttling.now:
        yield f"The board was not at its full speed: {', '.join(after.throttling.now)}."
    if before.load > before.cores * 0.5:
        yield f"The board was busy before (load {before.load:.1f}): measure again when it is idle, or stop the service."


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 0.1 else f"{value * 1000:.0f} ms"
