"""`tako reminders`: what tako will remind of, and when."""

from __future__ import annotations

from contextlib import closing
from datetime import date

import click

from device.cli.app import App, language, pass_app
from device.cli.show import as_json


@click.group()
def reminders() -> None:
    """Look after the reminders."""


@reminders.command("list")
@click.option("--json", "json_", is_flag=True, help="One JSON object a line, oldest first.")
@pass_app
def list_(app: App, json_: bool) -> None:
    """List the reminders: number, when the next one is, how often, what is said."""
    from device.reminders import open_reminders

    with closing(open_reminders()) as kept:
        entries = [(reminder, kept.next_time(reminder)) for reminder in kept.list()]
    today = date.today()
    for reminder, next_time in entries:
        if json_:
            click.echo(as_json({"id": reminder.id, "next": next_time, "text": reminder.text, "lang": reminder.lang,
                                "schedule": reminder.schedule}))  # fmt: skip
            continue
        at = f"{next_time:%Y-%m-%d %H:%M}" if next_time else "-"
        click.echo(
            f"{reminder.id:4}  {at:16}  {reminder.spoken(language(), today)}  {click.style(reminder.text, bold=True)}"
        )
    if not entries and not json_:
        click.echo("There are no reminders.")


@reminders.command()
@click.argument("numbers", nargs=-1, required=True, type=int)
@pass_app
def remove(app: App, numbers: tuple[int, ...]) -> None:
    """Forget the reminders with these NUMBERS."""
    from device.reminders import open_reminders

    with closing(open_reminders()) as kept:
        for number in numbers:
            click.echo(f"{number:4}  removed  {kept.remove(number).text}")
