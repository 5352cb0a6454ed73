"""`tako`: the group of all commands."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from device.cli.app import App, Sentences, set_up_log
from device.cli.batch import batch
from device.cli.bench import bench
from device.cli.care import doctor, settings
from device.cli.contacts import contacts
from device.cli.history import history
from device.cli.listen import listen
from device.cli.logs import logs
from device.cli.look import look
from device.cli.lost import lost
from device.cli.models import models
from device.cli.outbox import outbox, undo
from device.cli.press import press, say
from device.cli.reminders import reminders
from device.cli.service import run, simulate
from device.cli.shopping import list_
from device.cli.status import status
from device.cli.turns import ask, turn
from device.cli.update import update


def _version() -> str:
    try:
        return version("tako")
    except PackageNotFoundError:  # run from its folder
        return "of this folder"


@click.group(cls=Sentences, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--settings",
    "settings_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings file (TOML). Left out: the one that `tako settings show` names.",
)
@click.option("-v", "--verbose", count=True, help="Tell what tako does; twice: everything.")
@click.version_option(_version(), prog_name="tako")
@click.pass_context
def tako(ctx: click.Context, settings_path: Path | None, verbose: int) -> None:
    """A pocket agent: press, speak, point the camera; it acts and says what it did."""
    set_up_log(verbose)
    ctx.obj = App(settings_path)


for command in (
    ask,
    turn,
    run,
    simulate,
    press,
    say,
    batch,
    status,
    logs,
    history,
    outbox,
    undo,
    reminders,
    contacts,
    list_,
    lost,
    models,
    doctor,
    listen,
    look,
    bench,
    settings,
    update,
):
    tako.add_command(command)


def main() -> None:
    tako(prog_name="tako")


if __name__ == "__main__":
    main()
