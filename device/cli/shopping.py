"""`tako list`: the shopping list."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from device.cli.app import App, language, pass_app
from device.cli.show import as_json

if TYPE_CHECKING:
    from actions.shopping.shopping_list import Line, ShoppingList


@click.group("list")
def list_() -> None:
    """Look after the shopping list: what you told tako to buy."""


@list_.command()
@click.option("--bought", is_flag=True, help="Show what was bought instead.")
@click.option("--links", is_flag=True, help="Show with each thing the link to its shop.")
@click.option("--json", "json_", is_flag=True, help="One JSON object a line.")
@pass_app
def show(app: App, bought: bool, links: bool, json_: bool) -> None:
    """Show what is to be bought, oldest first; the same thing said twice is one line."""
    with _shopping_list(app) as kept:
        lines = kept.lines(done=bought)
    for line in lines:
        link = _link(app, line)
        if json_:
            click.echo(as_json({**_fields(line), "link": link}))
            continue
        click.echo(f"{line.number:4}  {line.text}  {click.style(line.kind, dim=True)}")
        if links and link:
            click.echo(f"      {link}")
    if not lines and not json_:
        click.echo("Nothing was bought yet." if bought else "The shopping list is empty.")


@list_.command()
@click.argument("things", nargs=-1, required=True)
@pass_app
def done(app: App, things: tuple[str, ...]) -> None:
    """Keep THINGS (numbers of `tako list show`, or words) as bought."""
    with _shopping_list(app) as kept:
        lines = [kept.find(thing) for thing in things]
        kept.tick(lines)
    for line in lines:
        click.echo(f"{line.number:4}  {line.text}  bought")


@list_.command()
@click.argument("things", nargs=-1, required=True)
@pass_app
def remove(app: App, things: tuple[str, ...]) -> None:
    """Take THINGS (numbers of `tako list show`, or words) off the list."""
    with _shopping_list(app) as kept:
        lines = [kept.find(thing) for thing in things]
        kept.remove(lines)
    for line in lines:
        click.echo(f"{line.number:4}  {line.text}  removed")


@list_.command()
@click.option("--bought", is_flag=True, help="Forget only what was bought.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_app
def clear(app: App, bought: bool, yes: bool) -> None:
    """Empty the list."""
    if not (bought or yes):
        click.confirm("Forget the whole shopping list?", abort=True, err=True)
    with _shopping_list(app) as kept:
        count = kept.clear(done_only=bought)
    click.echo(f"{count} {'entry' if count == 1 else 'entries'} forgotten.")


@contextmanager
def _shopping_list(app: App) -> Iterator[ShoppingList]:
    from actions.shopping.shopping_list import ShoppingList
    from device.models.places import home

    assert app.settings  # a mistake in the settings is told before anything is touched
    kept = ShoppingList(home() / "shopping")
    try:
        if kept.notice:
            click.echo(kept.notice.spoken(language()), err=True)
        yield kept
    finally:
        kept.close()


def _link(app: App, line: Line) -> str:
    """Where the shop of the settings searches for it; empty where the region has no such shop."""
    from actions.shopping.shops import shop_for

    shop = shop_for(line.kind, app.settings.shopping)
    return shop.link(line.query) if shop else ""


def _fields(line: Line) -> dict[str, object]:
    amount = line.amount
    return {
        "number": line.number,
        "text": line.text,
        "name": amount.name,
        "quantity": amount.quantity,
        "unit": amount.unit if amount.quantity is not None else None,
        "kind": line.kind,
        "said": line.said,
        "added": line.added,
        "bought": line.done,
    }
