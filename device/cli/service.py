"""`tako run` and `tako simulate`: one turn after the other."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from actions.errors import TakoError
from device.cli.app import App, pass_app
from device.cli.show import show_turn, times
from device.cli.turns import PATH, yes_option

if TYPE_CHECKING:
    from device.courier import Courier
    from device.turn import Body, Turn

log = logging.getLogger(__name__)
_TICK = 0.25  # seconds between two looks at whether to end, and at the outbox


@click.command()
@pass_app
def run(app: App) -> None:
    """Live as the gadget: wait for the button, until SIGTERM or Ctrl-C."""
    from device.body import living
    from device.courier import Courier
    from device.seams import State
    from device.sim.lines import Lines

    logging.getLogger().setLevel(min(logging.getLogger().level, logging.INFO))
    with _until_told() as stopping, living(app.settings, Lines(sys.stdin)) as parts:
        body = replace(parts, stopping=stopping)
        with closing(Courier(body.journal, body.actions)) as courier:
            body.indicator.show(State.READY)
            log.info("ready")
            for turn in _turns(body, courier):
                _log_turn(turn)


@click.command()
@click.option("--image", type=PATH, help="Picture that the camera sees, or a folder of them, one for each press.")
@click.option("--aloud", is_flag=True, help="Speak the answers instead of printing them.")
@yes_option
@pass_app
def simulate(app: App, image: Path | None, aloud: bool, yes: bool) -> None:
    """Be the gadget in this terminal: the Enter key is the button.

    Type a request, or the path of a WAV file, and press Enter; Enter alone listens to the microphone. An empty line
    while tako speaks stops it. Ctrl-D ends it.
    """
    from device.body import recording, simulated
    from device.sim.lines import Lines
    from device.sim.trigger import KeyTrigger
    from device.turn import take_turn

    click.echo("Type a request or the name of a WAV file and press Enter; Enter alone listens; Ctrl-D ends.", err=True)
    with simulated(app.settings, Lines(sys.stdin), image, yes, aloud) as body:
        trigger, ear = body.trigger, body.ear
        assert isinstance(trigger, KeyTrigger)
        assert ear is not None
        while press := trigger.wait():
            typed = trigger.typed
            if typed.lower().endswith(".wav"):
                turn = take_turn(replace(body, ear=recording(Path(typed), ear.transcriber)), press)
            else:
                turn = take_turn(body, press, typed or None)
            show_turn(turn.record(), said=False)


def _turns(body: Body, courier: Courier) -> Iterator[Turn]:
    """A turn for each press; between them, what came of the outbox is told."""
    from device.turn import take_turn

    while not body.stopping.is_set() and not body.trigger.closed:
        press = body.trigger.wait(_TICK)
        if press:
            yield take_turn(body, press)
        elif news := courier.news():
            request, outcome = news
            try:
                body.voice.say(outcome.spoken, request.lang)
            except TakoError as error:
                log.warning("cannot speak: %s", error)


@contextmanager
def _until_told() -> Iterator[threading.Event]:
    """An event that SIGTERM and Ctrl-C set. (Setting it is all they do: the turn ends where it can.)"""
    stopping = threading.Event()
    before = {number: signal.signal(number, lambda *_: stopping.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _log_turn(turn: Turn) -> None:
    """For the system's log: what was done and how long it took, and nothing of what was said."""
    calls = turn.decision.calls if turn.decision else ()
    done = ", ".join(f"{call.name} {outcome.status}" for call, outcome in zip(calls, turn.outcomes, strict=False))
    log.info("turn: %s (%s)", done or (turn.error and turn.error.en) or "nothing", times(turn.ms))
