"""`tako press` and `tako say`: the running gadget, from a terminal."""

from __future__ import annotations

import json
from typing import Any

import click

from actions.errors import InputError
from device.cli.show import times
from device.control import HOLD, ask, socket_path

wait_option = click.option("--wait", is_flag=True, help="Wait until the turn is over, and print what came of it.")
json_option = click.option("--json", "json_", is_flag=True, help="With --wait: print the turn as JSON.")


@click.command()
@click.option("--hold", type=click.FloatRange(0, HOLD), default=0.0, help="Seconds that the button is held; 0: a tap.")
@wait_option
@json_option
@click.pass_context
def press(ctx: click.Context, hold: float, wait: bool, json_: bool) -> None:
    """Press the button of the running tako, as a finger would."""
    answer = ask(socket_path(), {"do": "press", "hold": hold, "wait": wait}, None if wait else 10.0)
    if wait:
        ctx.exit(_show(answer, json_))


@click.command()
@click.argument("words", nargs=-1, required=True)
@wait_option
@json_option
@click.pass_context
def say(ctx: click.Context, words: tuple[str, ...], wait: bool, json_: bool) -> None:
    """Hand the running tako a request in writing: tako say "what time is it".

    It is as if it had been spoken there: tako answers aloud, and what it asks it asks aloud.
    """
    text = " ".join(words).encode("utf-8", "replace").decode()  # an argument may hold bytes that are no text
    if not text.strip():
        raise InputError("There is nothing to say.", "没有要说的内容。")
    answer = ask(socket_path(), {"do": "say", "text": text, "wait": wait}, None if wait else 10.0)
    if wait:
        ctx.exit(_show(answer, json_))


def _show(answer: dict[str, Any], json_: bool) -> int:
    """Prints the turn and gives its exit code."""
    turn = answer["turn"]
    if json_:
        click.echo(json.dumps(turn, ensure_ascii=False))
    elif turn is None:
        click.echo("The press stopped what tako was saying.")
    else:
        click.echo(turn["spoken"])
        click.echo(click.style(times(turn["ms"]), dim=True), err=True)
    return int(answer["exit_code"])
