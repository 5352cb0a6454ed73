"""`tako run` and `tako simulate`: one turn after the other, and what is to be told between them.

systemd is told by `tako run` when it is ready and, at every look for a press, every stage of a turn and every tenth of
a second of sound, that it lives (`device/notify.py`); no clock does so, so a loop that hangs is started anew.
"""

from __future__ import annotations

import faulthandler
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from actions.errors import TakoError
from device.cli.app import App, pass_app
from device.cli.show import show_turn, times
from device.cli.turns import PATH, yes_option

if TYPE_CHECKING:
    import numpy as np

    from actions.times.reminders import Due
    from device.control import Control
    from device.courier import Courier
    from device.notify import Notifier, Starts
    from device.reminders import Bell
    from device.seams import Indicator, Press, Trigger
    from device.turn import Body, Ear, Turn

log = logging.getLogger(__name__)
_TICK = 0.25  # seconds between two looks at whether to end, and at the outbox
_LONG = {"thinking": 120.0, "asking": 120.0, "acting": 900.0}  # seconds that a stage may take without a sign of life:
# models of a slow board; an answer, which may be repeated; a modem or server with the longest time-out there is
_PROVEN = 60.0  # seconds after which a start was not in vain


@click.command()
@pass_app
def run(app: App) -> None:
    """Live as the gadget: wait for the button, until SIGTERM or Ctrl-C."""
    from device.body import living
    from device.notify import Notifier, Starts
    from device.processes import give_back
    from device.seams import State
    from device.sim.lines import Lines
    from device.turn import take_turn

    logging.getLogger().setLevel(min(logging.getLogger().level, logging.INFO))
    if sys.stderr is sys.__stderr__:
        faulthandler.enable()  # systemd ends what hangs with SIGABRT: the log then has where it hung
    notifier, starts = Notifier(), Starts()
    with _until_told() as stopping, _counted(starts, notifier, stopping):
        if stopping.is_set():
            return
        notifier.status("loads the models")
        reach = _Reach(notifier)
        with (
            living(app.settings, Lines(sys.stdin), stopping, reach) as body,
            _served(reach.control),
            _between(app, body) as between,
        ):
            body.indicator.show(State.READY)
            notifier.ready("waits for the button")
            log.info("ready")
            proof = _Proof(starts)
            for press, turn in _turns(body, between, lambda press: take_turn(body, press, _typed(press)), proof.look):
                reach.control.done(press, turn.record(), turn.exit_code)
                _log_turn(turn)
                give_back()
        notifier.stopping()


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
    with simulated(app.settings, Lines(sys.stdin), image, yes, aloud) as body, _between(app, body) as between:
        trigger, ear = body.trigger, body.ear
        assert isinstance(trigger, KeyTrigger)
        assert ear is not None

        def take(press: Press) -> Turn:
            typed = trigger.typed
            if typed.lower().endswith(".wav"):
                return take_turn(replace(body, ear=recording(Path(typed), ear.transcriber)), press)
            return take_turn(body, press, typed or None)

        for _, turn in _turns(body, between, take):
            show_turn(turn.record(), said=False)


class Between:
    """What is told between two turns, one after the other: what came of the outbox, and reminders."""

    def __init__(self, body: Body, courier: Courier, bell: Bell) -> None:
        self._body, self.courier, self._bell = body, courier, bell
        self._telling: Due | None = None  # the reminder that is being said
        self._speaking = False

    def tell(self) -> None:
        """Tells the next thing, unless something is still being said."""
        if self._speaking and not self._body.voice.wait(0.0):
            return
        self.settle()
        if news := self.courier.news():
            request, outcome = news
            self._say(outcome.spoken, request.lang)
        elif due := self._bell.next():
            if self._say(due.spoken(), due.reminder.lang):
                self._telling = due
            else:
                self._bell.put_off(due)

    def settle(self) -> None:
        """What was being said is over: said, or silenced by whoever pressed."""
        from device.seams import State

        if self._telling:
            self._bell.told(self._telling)
            self._telling = None
        if self._speaking:
            self._speaking = False
            self._body.indicator.show(State.READY)

    def _say(self, text: str, lang: str) -> bool:
        from device.seams import State

        self._body.indicator.show(State.SPEAKING, text)
        self._speaking = True
        try:
            self._body.voice.say(text, lang)
        except TakoError as error:
            log.warning("cannot speak: %s", error)
            return False
        return True


@contextmanager
def _between(app: App, body: Body) -> Iterator[Between]:
    from device.courier import Courier
    from device.reminders import Bell, open_reminders

    with closing(open_reminders()) as reminders:
        if reminders.notice:
            log.warning("%s", reminders.notice)
        with closing(Courier(body.journal, body.actions, app.settings.outbox)) as courier:
            yield Between(body, courier, Bell(reminders))


def _turns(
    body: Body, between: Between, take: Callable[[Press], Turn], look: Callable[[], None] = lambda: None
) -> Iterator[tuple[Press, Turn]]:
    """A turn for each press; between them, what there is to tell is told, and `look` is called."""
    while not body.stopping.is_set() and not body.trigger.closed:
        press = body.trigger.wait(_TICK)
        look()
        if press:
            between.settle()
            yield press, take(press)
            between.courier.nudge()
        else:
            between.tell()


def _typed(press: Press) -> str | None:
    """The request in writing that came in place of a press."""
    from device.remote import Said

    return press.text if isinstance(press, Said) else None


class _Reach:
    """Puts around button, light and ear what is reached through the control socket and gives signs of life."""

    control: Control

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier

    def __call__(self, trigger: Trigger, indicator: Indicator, ear: Ear) -> tuple[Trigger, Indicator, Ear]:
        from device.control import Control, version_of_tako
        from device.remote import RemoteTrigger, WatchedIndicator

        remote = RemoteTrigger(trigger, self._notifier.alive)
        watched = WatchedIndicator(indicator, lambda state: self._notifier.alive(_LONG.get(state.value, 0.0)))
        self.control = Control(remote, watched, version_of_tako())
        return remote, watched, _pulsing(ear, self._notifier.alive)


@contextmanager
def _served(control: Control) -> Iterator[None]:
    """Answers at the control socket meanwhile, if there can be one: the button works without."""
    from device.control import served, socket_path

    with ExitStack() as stack:
        try:
            stack.enter_context(served(control, socket_path()))
        except TakoError as error:
            log.warning("no control socket: %s", error)
        yield


def _pulsing(ear: Ear, pulse: Callable[[], None]) -> Ear:
    """An ear that gives a sign of life with every piece of sound."""

    def pulsing(chunks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        for chunk in chunks:
            pulse()
            yield chunk

    return replace(ear, endpointing=lambda chunks, released: ear.endpointing(pulsing(chunks), released))


@contextmanager
def _counted(starts: Starts, notifier: Notifier, stopping: threading.Event) -> Iterator[None]:
    """Waits first when the last starts were in vain. An end that was wanted makes this one not so."""
    delay = starts.begin()
    if delay:
        log.warning("the last starts came to nothing; this one waits %.0f s", delay)
        notifier.status(f"waits {delay:.0f} s: the last starts came to nothing", extend=delay + _PROVEN)
        stopping.wait(delay)
    yield
    starts.proven()


class _Proof:
    """A start that has lived for a while was not in vain."""

    def __init__(self, starts: Starts) -> None:
        self._starts = starts
        self._due: float | None = time.monotonic() + _PROVEN

    def look(self) -> None:
        if self._due is not None and time.monotonic() > self._due:
            self._starts.proven()
            self._due = None


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
