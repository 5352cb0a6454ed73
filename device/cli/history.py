"""`tako history`: what was heard, done and said."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from actions.errors import DeviceError
from device.cli.app import App, language, pass_app
from device.cli.show import as_json, describe

if TYPE_CHECKING:
    from actions.outbox import KeptCall
    from device.journal import KeptTurn, SqliteJournal

_SLACK = 1.0  # seconds after a turn in which one of its calls may still have been kept


@click.command()
@click.option("--limit", "-n", default=20, show_default=True, type=click.IntRange(min=1), help="How many turns.")
@click.option("--json", "json_", is_flag=True, help="One JSON object a line, newest first.")
@click.option(
    "--save",
    type=click.Path(path_type=Path, file_okay=False),
    help="Copy the pictures of these turns into this folder. Which are kept: see history.keep_pictures.",
)
@pass_app
def history(app: App, limit: int, json_: bool, save: Path | None) -> None:
    """Show the last turns, newest first: what was heard, done and said."""
    with open_journal(app) as journal:
        kept = journal.turns(limit)
        all_calls = journal.calls() if save else ()
        saved = {entry.number: _save(entry, all_calls, save) for entry in kept} if save else {}
    if json_:
        for entry in kept:
            told: dict[str, object] = {"number": entry.number, "turn": entry.turn}
            if save:
                told["pictures"] = [str(path) for path in saved[entry.number]]
            click.echo(as_json(told))
        return
    if not kept:
        click.echo("There is nothing in the history yet.")
        return
    for entry in kept:
        turn, calls = entry.turn, entry.turn.decision.calls if entry.turn.decision else ()
        click.echo(f"{entry.number:4}  {when(turn.started)}  {click.style(turn.transcript.text or '-', bold=True)}")
        for call, outcome in zip(calls, turn.outcomes, strict=False):
            click.echo(f"      {describe(call)}: {outcome.status}")
        click.echo(f"      {click.style(turn.spoken, dim=True)}")
        for path in saved.get(entry.number, ()):
            click.echo(f"      {path}")
    if save:
        count = sum(map(len, saved.values()))
        said = f"{count} picture{'s' * (count > 1)} in {save}"
        click.echo(said if count else "No picture of these turns is kept.", err=True)


def _save(entry: KeptTurn, calls: Sequence[KeptCall], folder: Path) -> list[Path]:
    """Copies the pictures of a turn, as "0012-20260305-1407.jpg" and on. Raises `DeviceError`."""
    turn = entry.turn
    end = turn.started + turn.ms.get("total", 0.0) / 1000 + _SLACK
    of_calls = [call.request.image for call in reversed(calls) if turn.started <= call.started <= end]
    named = [Path(turn.image)] if turn.image else []
    pictures = [path for path in dict.fromkeys([*named, *filter(None, of_calls)]) if path.is_file()]
    copies = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, picture in enumerate(pictures):
            stem = f"{entry.number:04}-{time.strftime('%Y%m%d-%H%M', time.localtime(turn.started))}"
            copy = folder / f"{stem}{f'-{number + 1}' if number else ''}{picture.suffix}"
            shutil.copyfile(picture, copy)
            copies.append(copy)
    except OSError as error:
        why = error.strerror or str(error)
        raise DeviceError(f"I cannot save pictures in {folder}: {why}.", f"无法把照片存到 {folder}：{why}。") from error
    return copies


@contextmanager
def open_journal(app: App) -> Iterator[SqliteJournal]:
    """The history; that it was damaged is told on stderr. Raises `DeviceError`."""
    from device.body import journal_of

    journal = journal_of(app.settings)
    try:
        if journal.notice:
            click.echo(journal.notice.spoken(language()), err=True)
        yield journal
    finally:
        journal.close()


def when(started: float) -> str:
    """A time.time() as "2026-03-05 14:07"."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(started))
