"""`tako history` and `tako outbox`: what was done, and what is still to be done."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from device.cli.app import App, language, pass_app
from device.cli.show import as_json, describe

if TYPE_CHECKING:
    from device.journal import SqliteJournal


@click.command()
@click.option("--limit", "-n", default=20, show_default=True, type=click.IntRange(min=1), help="How many turns.")
@click.option("--json", "json_", is_flag=True, help="One JSON object a line, newest first.")
@pass_app
def history(app: App, limit: int, json_: bool) -> None:
    """Show the last turns, newest first: what was heard, done and said."""
    with _journal(app) as journal:
        kept = journal.turns(limit)
    if json_:
        for entry in kept:
            click.echo(as_json(entry))
        return
    if not kept:
        click.echo("There is nothing in the history yet.")
        return
    for entry in kept:
        turn, calls = entry.turn, entry.turn.decision.calls if entry.turn.decision else ()
        click.echo(f"{entry.number:4}  {_when(turn.started)}  {click.style(turn.transcript.text or '-', bold=True)}")
        for call, outcome in zip(calls, turn.outcomes, strict=False):
            click.echo(f"      {describe(call)}: {outcome.status}")
        click.echo(f"      {click.style(turn.spoken, dim=True)}")


@click.group()
def outbox() -> None:
    """Look after requests that wait, or that were cut short."""


@outbox.command("list")
@pass_app
def list_(app: App) -> None:
    """List what waits (tried again by itself) and what is unknown (only when you say so)."""
    with _journal(app) as journal:
        pending = journal.pending()
    for kept in pending:
        call = describe(kept.request.call)
        click.echo(f"{kept.request.key[:8]}  {kept.state:8} {_when(kept.started)}  {kept.attempts} x  {call}")
    if not pending:
        click.echo("The outbox is empty.")


@outbox.command()
@click.argument("keys", nargs=-1)
@pass_app
@click.pass_context
def retry(ctx: click.Context, app: App, keys: tuple[str, ...]) -> None:
    """Carry out now what waits: all of it, or the requests with these KEYS (also unknown ones)."""
    from actions.outbox import retry as carry_out_again
    from actions.outbox import retry_waiting
    from device.body import actions_of
    from device.turn import EXIT_CODES

    actions = actions_of(app.settings)
    code = 0
    with _journal(app) as journal:
        done = (carry_out_again(journal, actions, key) for key in keys) if keys else retry_waiting(journal, actions)
        for request, outcome in done:
            click.echo(f"{request.key[:8]}  {outcome.status:8} {outcome.spoken}")
            code = code or EXIT_CODES.get(outcome.status, 0)
    ctx.exit(code)


@outbox.command()
@click.argument("keys", nargs=-1, required=True)
@pass_app
def drop(app: App, keys: tuple[str, ...]) -> None:
    """Give up the requests with these KEYS."""
    from actions.outbox import drop as give_up

    with _journal(app) as journal:
        for key in keys:
            request = give_up(journal, key)
            click.echo(f"{request.key[:8]}  cancelled {describe(request.call)}")


@contextmanager
def _journal(app: App) -> Iterator[SqliteJournal]:
    from device.body import journal_of

    journal = journal_of(app.settings)
    try:
        if journal.notice:
            click.echo(journal.notice.spoken(language()), err=True)
        yield journal
    finally:
        journal.close()


def _when(started: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(started))
