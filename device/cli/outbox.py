"""`tako outbox` and `tako undo`: what is still to be done, and what is better not done."""

from __future__ import annotations

import click

from actions.errors import TakoError
from device.cli.app import App, language, pass_app
from device.cli.history import open_journal, when
from device.cli.show import as_json, describe


@click.group()
def outbox() -> None:
    """Look after requests that wait, or that were cut short."""


@outbox.command("list")
@click.option("--json", "json_", is_flag=True, help="One JSON object a line, oldest first.")
@pass_app
def list_(app: App, json_: bool) -> None:
    """List what waits (tried again by itself) and what is unknown (only when you say so)."""
    with open_journal(app) as journal:
        pending = journal.pending()
    for kept in pending:
        if json_:
            click.echo(as_json(kept))
            continue
        state = click.style(f"{'held' if kept.held_back else kept.state:8}", fg="yellow")
        next_try = f"in {_span(kept.wait)}" if kept.state == "waiting" else "ask"
        call = describe(kept.request.call)
        click.echo(f"{kept.request.key[:8]}  {state} {when(kept.started)}  {kept.attempts} x  {next_try:8}  {call}")
    if not pending and not json_:
        click.echo("The outbox is empty.")


@outbox.command()
@click.argument("keys", nargs=-1)
@click.option("--json", "json_", is_flag=True, help="One JSON object a line.")
@pass_app
@click.pass_context
def retry(ctx: click.Context, app: App, keys: tuple[str, ...], json_: bool) -> None:
    """Carry out now what waits: all of it, or the requests with these KEYS (also unknown ones).

    A KEY may be its first characters.
    """
    from actions.outbox import retry as carry_out_again
    from actions.outbox import retry_waiting
    from device.body import actions_of
    from device.turn import EXIT_CODES

    actions, expire = actions_of(app.settings), app.settings.outbox.expire_days * 86_400
    code = 0
    with open_journal(app) as journal:
        waiting = retry_waiting(journal, actions, expire, all_now=True)
        done = (carry_out_again(journal, actions, key) for key in keys) if keys else waiting
        for request, outcome in done:
            if json_:
                click.echo(as_json({"key": request.key, "call": request.call, "outcome": outcome}))
            else:
                click.echo(f"{request.key[:8]}  {outcome.status:8} {outcome.spoken}")
            code = code or EXIT_CODES.get(outcome.status, 0)
    ctx.exit(code)


@outbox.command()
@click.argument("keys", nargs=-1, required=True)
@pass_app
def drop(app: App, keys: tuple[str, ...]) -> None:
    """Give up the requests with these KEYS. A KEY may be its first characters."""
    from actions.outbox import drop as give_up

    failed: TakoError | None = None
    with open_journal(app) as journal:
        for key in keys:
            try:
                request = give_up(journal, key)
            except TakoError as error:  # the others are given up all the same
                click.echo(error.spoken(language()), err=True)
                failed = failed or error
                continue
            click.echo(f"{request.key[:8]}  cancelled {describe(request.call)}")
    if failed:
        raise click.exceptions.Exit(failed.exit_code)


@click.command()
@pass_app
def undo(app: App) -> None:
    """Take back the last request that is still held back (see outbox.grace_seconds)."""
    from actions.outbox import undo as take_back

    with open_journal(app) as journal:
        click.echo(take_back(journal, language()).spoken)


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
