"""`tako logs`: what the service has written into the system's log, or into a file."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import click


@click.command()
@click.option("--lines", "-n", default=50, show_default=True, type=click.IntRange(min=0), help="How many.")
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option("--since", default="", help='Nothing older, as journalctl takes it: "1 hour ago", "yesterday".')
@click.option("--file", type=click.Path(path_type=Path), help="This file in place of the system's log.")
@click.option("--json", "json_", is_flag=True, help="Entries of the system's log as JSON, one a line.")
def logs(lines: int, follow: bool, since: str, file: Path | None, json_: bool) -> None:
    """Show the log of the service, oldest first.

    It tells what was done and how long it took, and nothing of what was said; for that there is tako history.
    """
    from device import logs as source

    if file is not None and (since or json_):
        raise click.UsageError("--since and --json are for the system's log, not for a file.")
    shown = 0
    try:
        for line in source.tail(file, lines) if file else source.journal(lines, since, json_):
            click.echo(line)
            shown += 1
        if not shown and not follow and not json_:
            click.echo("There is nothing in the log.", err=True)
        if follow:
            _go_on(source.follow(file, threading.Event()) if file else source.follow_journal(json_))
    except KeyboardInterrupt:  # the usual end of following
        return


def _go_on(lines: Iterator[str]) -> None:
    for line in lines:
        click.echo(line)
