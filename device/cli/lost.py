"""`tako lost`: the register of lost and found things."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import click

from device.cli.app import App, language, pass_app
from device.cli.history import when
from device.cli.show import as_json

if TYPE_CHECKING:
    from actions.lost.register import Register, Report


@click.group()
def lost() -> None:
    """Look after what was reported lost or found."""


@lost.command("list")
@click.option("--all", "all_", is_flag=True, help="Settled reports as well.")
@click.option("--json", "json_", is_flag=True, help="One JSON object a line, newest first.")
@pass_app
def list_(app: App, all_: bool, json_: bool) -> None:
    """List the reports that are open: number, lost or found, when, what."""
    with _register() as register:
        reports = register.all() if all_ else register.open()
    for report in reports:
        click.echo(as_json(_shown(report)) if json_ else _line(report))
    if not reports and not json_:
        click.echo("Nothing is reported lost or found.")


@lost.command()
@click.argument("number", type=int)
@pass_app
def show(app: App, number: int) -> None:
    """Show the report of that NUMBER, and what may match it by its words."""
    from actions.lost.lost_and_found import LostAndFound

    with _register() as register:
        report = register.get(number)
        matches = [] if report.settled else LostAndFound(register).candidates(report)
    click.echo(_line(report))
    if report.text:
        click.echo(f"      said     {report.text}")
    if report.picture:
        click.echo(f"      picture  {report.picture}")
    if report.settled:
        click.echo(f"      settled  {when(report.settled)}")
    for match in matches:
        click.echo(f"      {match.likeness:4.0%}  like {_line(match.report).strip()}")


@lost.command()
@click.argument("numbers", nargs=-1, required=True, type=int)
@pass_app
def resolve(app: App, numbers: tuple[int, ...]) -> None:
    """Mark the reports with these NUMBERS as settled: the thing is back where it belongs."""
    with _register() as register:
        register.settle(numbers)
        for number in numbers:
            click.echo(f"{number:4}  settled  {register.get(number).item}")


@lost.command()
@click.argument("numbers", nargs=-1, required=True, type=int)
@pass_app
def remove(app: App, numbers: tuple[int, ...]) -> None:
    """Forget the reports with these NUMBERS, and their pictures."""
    with _register() as register:
        for number in numbers:
            click.echo(f"{number:4}  removed  {register.remove(number).item}")


@contextmanager
def _register() -> Iterator[Register]:
    from actions.lost.register import Register
    from device.models.places import home

    with closing(Register(home() / "lost")) as register:
        yield register
        if register.notice:
            click.echo(register.notice.spoken(language()), err=True)


def _line(report: Report) -> str:
    state = "settled" if report.settled else report.kind
    item = click.style(report.item, bold=True)
    return f"{report.id:4}  {state:8} {when(report.happened)}  {item}{'  (photo)' if report.picture else ''}"


def _shown(report: Report) -> dict[str, object]:
    return {
        "id": report.id,
        "report": report.kind,
        "item": report.item,
        "text": report.text,
        "lang": report.lang,
        "picture": str(report.picture) if report.picture else None,
        "made": report.made,
        "happened": report.happened,
        "settled": report.settled or None,
    }
