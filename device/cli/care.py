"""`tako doctor` and `tako settings`: is everything there, and set right?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from device.cli.app import App, pass_app

if TYPE_CHECKING:
    from device.probes import Probes


@click.command()
@click.option(
    "--network", is_flag=True, help="Ask the servers, too: mail (with its login), texts, yours. Sends nothing."
)
@click.option("--json", "json_", is_flag=True, help="Print what was found as JSON.")
@pass_app
@click.pass_context
def doctor(ctx: click.Context, app: App, network: bool, json_: bool) -> None:
    """Look at everything a turn needs and say how to mend what is missing."""
    from device.cli.show import console
    from device.doctor import as_json, examine, exit_code, table_of

    with _patience(json_):
        findings = examine(_probes(app), network)
    if json_:
        click.echo(as_json(findings))
    else:
        console().print(table_of(findings))
    ctx.exit(exit_code(findings))


@click.group()
def settings() -> None:
    """Show, check and write the settings."""


@settings.command()
@pass_app
def show(app: App) -> None:
    """Show the settings that hold, secrets masked. The output is TOML."""
    from device.cli.show import toml_lines
    from device.settings import settings_path

    path = app.settings_path or settings_path()
    held = app.settings
    click.echo(f"# {path}{'' if path.exists() else ' (not there: these are the defaults)'}")
    for line in toml_lines(held):
        click.echo(line)


@settings.command()
@pass_app
def check(app: App) -> None:
    """Check the settings file; every mistake is told by its full name."""
    from device.body import actions_of
    from device.settings import settings_path

    path = app.settings_path or settings_path()
    actions_of(app.settings)
    there = path.exists()
    click.echo(f"The settings in {path} are right." if there else f"There is no {path}: the defaults hold.")


@settings.command()
@click.argument("path", type=click.Path(path_type=Path), required=False)
@pass_app
def write(app: App, path: Path | None) -> None:
    """Write a settings file to fill in: all settings with their meaning and default. Touches no file that is there."""
    from device.settings import settings_path, write_example
    from device.settings_text import example_toml

    target = path or app.settings_path or settings_path()
    write_example(target, example_toml())
    click.echo(f"Written: {target}")


def _probes(app: App) -> Probes:
    """The ways to look at the machine, each with what it needs of the settings."""
    from device.models.places import home
    from device.probes import Probes
    from device.settings import settings_path
    from device.speech.choose import plan
    from device.text_model import status_of_text_model

    def recogniser() -> str:
        return plan(app.settings.speech, home() / "models").reason

    def read_settings() -> str:
        path = app.settings_path or settings_path()
        return str(path) if app.settings and path.exists() else f"the defaults; {path} is not there"

    return Probes(text=status_of_text_model, engine=recogniser, settings=read_settings, held=lambda: app.settings)


@contextmanager
def _patience(quiet: bool) -> Iterator[None]:
    """A sign on the terminal that something is being done; nothing when piped."""
    from rich.console import Console

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield
        return
    with console.status("looking at everything"):
        yield
