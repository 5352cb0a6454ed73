"""`tako update`: another release of tako, and back again."""

from __future__ import annotations

from pathlib import Path

import click

from actions.errors import InputError


@click.command()
@click.argument("source", type=click.Path(path_type=Path, exists=True), required=False)
@click.option("--force", is_flag=True, help="Install it, though this version runs already.")
@click.option("--back", "go_back", is_flag=True, help="Go back to the release before.")
@click.option("--finish", "go_on", is_flag=True, help="Finish an update that a power cut broke off.")
@click.option(
    "--prefix",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("/opt/tako"),
    show_default=True,
    help="Where tako is installed.",
)
def update(source: Path | None, force: bool, go_back: bool, go_on: bool, prefix: Path) -> None:
    """Install another release beside this one, switch to it, and go back by itself when it does not live.

    SOURCE is a wheel of tako, a folder with one, or tako's own folder. It is root's to do.
    """
    from device.control import socket_path
    from device.models.places import home
    from device.settings import settings_path
    from device.update import Place, back, finish, source_of
    from device.update import update as install

    if (source is not None) + go_back + go_on != 1:
        raise click.UsageError("Give a SOURCE, or --back, or --finish.")
    if not prefix.is_dir():
        raise InputError(f"There is no {prefix}: tako is not installed there.", f"没有 {prefix}：tako 没有安装在那里。")
    place = Place(prefix, home(), settings_path(), socket_path())
    if go_back:
        click.echo(f"tako {back(place)} runs again.")
    elif go_on:
        version = finish(place)
        click.echo(f"tako {version} runs." if version else "There is nothing to finish.")
    elif source is not None:
        found = source_of(source)
        before = install(found, place, click.echo, force)
        click.echo(
            f"tako {found.version} runs; {before} is kept: tako update --back."
            if before
            else f"tako {found.version} runs already."
        )
