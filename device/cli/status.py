"""`tako status`: how tako is doing, on one screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from device.cli.app import App, language, pass_app
from device.cli.history import when
from device.cli.show import as_json, console, describe, span

if TYPE_CHECKING:
    from actions.outbox import KeptCall
    from device.board import Board
    from device.journal import KeptTurn, SqliteJournal
    from device.overview import Overview

_LIGHT = {"ready": "green", "error": "red", "muted": "yellow", "offline": "yellow"}  # others are busy: cyan


@click.command()
@click.option("--turns", "-n", default=5, show_default=True, type=click.IntRange(min=0), help="How many turns.")
@click.option("--json", "json_", is_flag=True, help="Print everything as one JSON object.")
@pass_app
@click.pass_context
def status(ctx: click.Context, app: App, turns: int, json_: bool) -> None:
    """Show how tako is doing: what it does now, models, what waits, temperature, last turns.

    The exit code is 0 when a tako is running here, 4 when none is.
    """
    from device.overview import gather
    from device.text_model import status_of_text_model

    def journal() -> SqliteJournal:
        from device.body import journal_of

        return journal_of(app.settings)

    def recogniser() -> str:
        from device.models.places import home
        from device.speech.choose import plan

        return plan(app.settings.speech, home() / "models").reason

    from device.models import listing

    seen = gather(journal, lambda: listing([status_of_text_model]), recogniser, turns, language())
    if json_:
        click.echo(as_json(seen))
    else:
        _show(seen)
    ctx.exit(0 if seen.running else 4)


def _show(seen: Overview) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for name, lines in (
        ("tako", [_doing(seen)]),
        ("service", _service(seen)),
        ("hears", [escape(seen.recogniser)]),
        ("models", [_models(seen)]),
        ("waits", _queue(seen.queue)),
        ("board", _board(seen.board)),
        ("turns", list(_turns(seen.turns))),
        ("", [f"[red]{escape(problem)}[/]" for problem in seen.problems]),
    ):
        for number, line in enumerate(lines):
            table.add_row(name if number == 0 else "", line)
    console().print(table)


def _doing(seen: Overview) -> str:
    from rich.markup import escape

    if not seen.running:
        return f"[red]not running[/]  [dim]{escape(seen.why_not)}[/]"
    told = seen.running
    state, note = str(told.get("state", "")), escape(str(told.get("note", "")))
    since = span(float(told.get("seconds", 0.0)))
    more = f"{told.get('turns', 0)} turns in {span(float(told.get('uptime', 0.0)))}, version {told.get('version', '')}"
    return f"[{_LIGHT.get(state, 'cyan')}]{escape(state)}[/] for {since}{f': {note}' if note else ''}  [dim]{more}[/]"


def _service(seen: Overview) -> list[str]:
    from device.models.progress import megabytes

    service = seen.service
    if not service.state:
        return ["[dim]not installed here[/]"]
    parts = [service.state]
    parts += [f"[yellow]restarted {service.restarts} times[/]"] if service.restarts else []
    parts += [megabytes(service.memory)] if service.memory is not None else []
    return [", ".join(parts)]


def _models(seen: Overview) -> str:
    from rich.markup import escape

    if not seen.models:
        return "[red]none[/]  tako models fetch"
    return ", ".join(
        status.name if status.usable else f"[red]{status.name} {status.state}[/] ({escape(status.note)})"
        for status in seen.models
    )


def _queue(queue: Sequence[KeptCall]) -> list[str]:
    from rich.markup import escape

    if not queue:
        return ["nothing"]
    lines = []
    for kept in queue:
        state = "held" if kept.held_back else kept.state
        more = f"again in {span(kept.wait)}" if kept.state == "waiting" else "tako outbox retry or drop it"
        lines.append(f"[yellow]{state}[/] {escape(describe(kept.request.call))}  [dim]{more}[/]")
    return lines


def _board(board: Board) -> list[str]:
    from rich.markup import escape

    from device.board import HOT
    from device.models.progress import megabytes

    first = [f"{escape(board.name)}, {board.cores} cores", f"up {span(board.up)}", f"load {board.load:.1f}"]
    first.append(f"{megabytes(board.available)} of {megabytes(board.memory)} memory to be had")
    second = []
    if board.temperature is not None:
        color = "red" if board.temperature >= HOT else "green"
        second.append(f"[{color}]{board.temperature:.0f} °C[/]")
    if board.throttling is not None:
        now, before = board.throttling.now, board.throttling.since_start
        second += [f"[red]now: {', '.join(now)}[/]"] if now else []
        second += [f"[yellow]since the start: {', '.join(before)}[/]"] if before else []
        second += [] if now or before else ["never held back"]
    return [", ".join(first), *(["; ".join(second)] if second else [])]


def _turns(turns: Sequence[KeptTurn]) -> Iterator[str]:
    from rich.markup import escape

    if not turns:
        yield "none yet"
    for entry in turns:
        turn = entry.turn
        said = f"[bold]{escape(turn.transcript.text or '-')}[/]"
        took = f"{turn.ms.get('total', 0.0) / 1000:.1f} s"
        color = "red" if turn.error else "dim"
        yield f"{when(turn.started)}  {said}  [{color}]{escape(turn.spoken)}[/]  [dim]{took}[/]"
