"""`tako models`: bring, build, list and check the models."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from device.models import Status

_NEEDS = {  # what `device.models.lacking` answers, in words
    "text": "the base of the text model",
    "hear en": "a model for English speech",
    "hear zh": "a model for Chinese speech",
}


@click.group()
def models() -> None:
    """Bring, build, list and check the models."""


@models.command()
@click.argument("names", nargs=-1)
@click.option("--force", is_flag=True, help="Fetch anew what is here already.")
@click.pass_context
def fetch(ctx: click.Context, names: tuple[str, ...], force: bool) -> None:
    """Fetch models: those named, else what this machine needs. What has arrived is kept when it breaks off.

    Without names all is well when a turn has what it needs, even if one of several recognisers did not come.
    """
    from device.models import Shown, fetch_many, lacking, listing, recommended
    from device.text_model import status_of_text_model

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    _, failed = fetch_many(names or recommended(memory), Shown(), force=force)
    if not failed:
        return
    if not names:
        gaps = lacking(listing([status_of_text_model]))
        if not gaps:
            click.echo(f"Not here: {', '.join(failed)}. A turn works without.")
            return
        click.echo(f"A turn still needs {' and '.join(_NEEDS[gap] for gap in gaps)}.")
    ctx.exit(next(iter(failed.values())).exit_code)


@models.command()
def build() -> None:
    """Build the text model from its base and tako's change; about a minute."""
    from rich.console import Console
    from rich.progress import Progress

    from device.text_model import build_text_model

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("build the text model")
        where = build_text_model(
            lambda name, done, total: bar.update(task, description=f"build {name}", completed=done, total=total)
        )
    click.echo(f"The text model is built: {where}")


@models.command("list")
def list_() -> None:
    """List all models: what is here, what is missing."""
    from rich.console import Console

    from device.models import listing, table_of
    from device.text_model import status_of_text_model

    Console().print(table_of(listing([status_of_text_model])))


@models.command()
@click.argument("names", nargs=-1)
@click.pass_context
def verify(ctx: click.Context, names: tuple[str, ...]) -> None:
    """Check models byte by byte, without network: those named, else all that are here."""
    from rich.console import Console

    from actions.errors import ModelError
    from device.models import MODELS, Shown, table_of
    from device.models import verify as check
    from device.text_model import NAME, status_of_text_model

    wanted = names or (*(model.name for model in MODELS), NAME)
    found: list[Status] = [
        status_of_text_model(deep=True) if name == NAME else check(name, reporter=Shown()) for name in wanted
    ]
    Console().print(table_of(status for status in found if names or status.state != "missing"))
    if any(status.state == "damaged" or (names and status.state == "missing") for status in found):
        ctx.exit(ModelError.exit_code)
