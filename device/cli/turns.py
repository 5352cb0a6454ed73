"""`tako ask` and `tako turn`: one turn, from typed or recorded words."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from device.cli.app import App, pass_app
from device.cli.show import as_json, show_turn

if TYPE_CHECKING:
    from device.turn import Body, Turn

PATH = click.Path(path_type=Path)
image_option = click.option("--image", type=PATH, help="Picture that the camera sees.")
yes_option = click.option("--yes", is_flag=True, help="Say yes to what is asked before acting.")
json_option = click.option("--json", "json_", is_flag=True, help="Print the turn as JSON, as the history keeps it.")


@click.command()
@click.argument("words", nargs=-1)
@image_option
@yes_option
@click.option("--aloud", is_flag=True, help="Speak the answer, too.")
@json_option
@pass_app
@click.pass_context
def ask(
    ctx: click.Context, app: App, words: tuple[str, ...], image: Path | None, yes: bool, aloud: bool, json_: bool
) -> None:
    """Ask in writing: tako ask "text mom i'll be late"."""
    from device.body import asked

    with asked(app.settings, image, yes=yes, aloud=aloud) as body:
        typed = " ".join(words).encode("utf-8", "replace").decode()  # an argument may hold bytes that are no text
        ctx.exit(take(body, typed, json_))


@click.command()
@click.option("--wav", type=PATH, required=True, help="Recorded request (WAV).")
@image_option
@click.option("--out", type=PATH, help="Write the spoken answer to this WAV file instead of the speaker.")
@yes_option
@json_option
@pass_app
@click.pass_context
def turn(ctx: click.Context, app: App, wav: Path, image: Path | None, out: Path | None, yes: bool, json_: bool) -> None:
    """Go through one whole turn on a recording: hear it, decide, act, speak."""
    from device.body import recorded

    with recorded(app.settings, wav, image, out=out, yes=yes) as body:
        ctx.exit(take(body, None, json_))


def take(body: Body, typed: str | None, json_: bool) -> int:
    """Takes the turn, shows it and returns the exit code."""
    from device.seams import Press
    from device.turn import take_turn

    released = threading.Event()
    released.set()
    result: Turn = take_turn(
        body,
        Press(time.monotonic(), released),
        typed,
        before_offer=lambda turn: click.echo(turn.spoken, err=True),  # the whole turn is shown when it has ended
    )
    if json_:
        click.echo(as_json(result.record()))
    else:
        show_turn(result.record())
    return result.exit_code
