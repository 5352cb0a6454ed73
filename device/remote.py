"""The gadget as others on the board see and press it: presses from the control socket beside those of the button, and
what the light was last told. Knows no socket (`device.control`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from actions.errors import DeviceError, TakoError
from device.presses import PressQueue
from device.seams import Indicator, Press, State, Trigger, TurnRecord

_SLICE = 0.05  # seconds between two looks at the socket's presses while the button is waited for


@dataclass(frozen=True)
class Standing:
    """What the running gadget tells of itself."""

    state: str  # a `State`
    seconds: float  # for how long it has been in this state
    note: str  # what the light tells in words: what was heard, the question, the answer
    turns: int  # since the start
    uptime: float  # seconds since it was ready
    version: str
    pid: int


@dataclass(frozen=True)
class Said(Press):
    """A request in writing, which takes the place of a press and of speech."""

    text: str = ""


class Ticket:
    """What somebody waits for who pressed from outside."""

    def __init__(self, press: Press) -> None:
        self.press = press
        self.over = threading.Event()
        self.turn: TurnRecord | None = None  # None: no turn came of it
        self.exit_code = 0
        self.error: TakoError | None = None


class RemoteTrigger:
    """A button, and beside it the presses and requests that come through the socket.

    Their presses are put among the button's own, where it keeps them in a queue, so that all it makes of presses (two
    of them within a moment, one while tako speaks) it makes of these, too. A request waits its turn and is no press: it
    silences nothing.
    """

    def __init__(self, button: Trigger, pulse: Callable[[], None] = lambda: None, long: float = 3.0) -> None:
        """`pulse` is called whenever the turn loop looks for a press: several times a second, unless it hangs; `long`:
        seconds after which a press is a long one."""
        self._button = button
        self._pulse = pulse
        self._long = long
        self._lock = threading.Lock()
        self._presses = button if isinstance(button, PressQueue) else PressQueue()
        self._pressed: list[Ticket] = []  # of the presses that wait, oldest first
        self._said: list[Ticket] = []  # of the requests that wait, likewise
        self._current: Ticket | None = None

    def press(self, hold: float = 0.0) -> Ticket:
        """A press from now on for `hold` seconds."""
        ticket = Ticket(Press(time.monotonic()))
        if hold <= 0:
            ticket.press.released.set()
        if hold >= self._long:
            _later(self._long, ticket.press.long)
        if hold > 0:
            _later(hold, ticket.press.released)
        with self._lock:
            self._pressed.append(ticket)
            self._presses.put(ticket.press)
        return ticket

    def say(self, text: str) -> Ticket:
        """A request in writing."""
        ticket = Ticket(Said(time.monotonic(), text=text))
        ticket.press.released.set()
        with self._lock:
            self._said.append(ticket)
        return ticket

    def wait(self, timeout: float | None = None) -> Press | None:
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            self._pulse()
            if press := self._next():
                return press
            left = _SLICE if deadline is None else min(max(deadline - time.monotonic(), 0.0), _SLICE)
            if press := self._button.wait(left):
                return self._began(press) if self._button is self._presses else press
            if self.closed or (deadline is not None and time.monotonic() >= deadline):
                return None

    def _next(self) -> Press | None:
        """The next press or request of the socket's."""
        with self._lock:
            if press := self._presses.wait(0.0):
                return self._found(press)
            for ticket in self._pressed:  # they have done their work, by `pressed`
                ticket.over.set()
            self._pressed.clear()
            self._current = self._said.pop(0) if self._said else None
            return self._current.press if self._current else None

    def _began(self, press: Press) -> Press:
        with self._lock:
            return self._found(press)

    def _found(self, press: Press) -> Press:
        """The press with which a turn begins. Those before it have done their work."""
        self._current = None
        while self._pressed and self._pressed[0].press.at <= press.at:
            ticket = self._pressed.pop(0)
            if ticket.press is press:
                self._current = ticket
            else:
                ticket.over.set()
        return press

    def pressed(self) -> bool:
        self._pulse()
        own = self._button is not self._presses and self._presses.pressed()
        return self._button.pressed() or own

    def done(self, press: Press, turn: TurnRecord, exit_code: int) -> None:
        """The turn is over that a press began; whoever waits for it is told."""
        with self._lock:
            ticket = self._current
            if ticket is not None and ticket.press is press:
                ticket.turn, ticket.exit_code, self._current = turn, exit_code, None
                ticket.over.set()

    @property
    def closed(self) -> bool:
        return self._button.closed

    def close(self) -> None:
        """Closes the button, too. Whoever still waits is told."""
        self._button.close()
        with self._lock:
            for ticket in (*self._pressed, *self._said, *([self._current] if self._current else [])):
                ticket.error = DeviceError("tako is being switched off.", "tako 正在关闭。")
                ticket.over.set()
            self._pressed, self._said, self._current = [], [], None
            self._presses.close()


def _later(seconds: float, event: threading.Event) -> None:
    timer = threading.Timer(seconds, event.set)
    timer.daemon = True
    timer.start()


class WatchedIndicator:
    """A light, and the memory of what it shows, for whoever asks."""

    def __init__(self, light: Indicator, pulse: Callable[[State], None] = lambda state: None) -> None:
        """`pulse` is called whenever the turn comes to a stage."""
        self._light = light
        self._pulse = pulse
        self._shown = (State.READY, "", time.monotonic())  # what, in words, since when

    def show(self, state: State, note: str = "") -> None:
        self._pulse(state)
        self._shown = (state, note, time.monotonic())
        self._light.show(state, note)

    @property
    def shown(self) -> tuple[State, str, float]:
        """What the light shows, its words, and for how many seconds."""
        state, note, since = self._shown
        return state, note, time.monotonic() - since

    def close(self) -> None:
        self._light.close()
