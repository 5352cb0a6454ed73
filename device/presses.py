"""Presses in the order they came: what every trigger shares. Knows no pin and no key."""

from __future__ import annotations

import threading
import time
from collections import deque

from device.seams import Press

TAP = 0.3  # seconds: a press released sooner is a tap, a longer one is held


class PressQueue:
    """The waiting half of a `Trigger`. Presses may be put from any thread, a signal handler excepted.

    A press that was seen by `pressed` and was only a tap has done its work (it stopped the voice, or came while tako
    was busy): `wait` passes over it. One that is still held is the start of the next request.

    A press that follows another within `double` seconds makes both a double press. Nobody waits for it: the first has
    been handed over by then, and its `doubled` is set. Only where the first had another work to do (it stopped the
    voice), the second is handed over, with its own `doubled` set. The turn that goes on meanwhile is told by
    `cancelled` of the press that it began with.
    """

    def __init__(self, double: float = 0.0) -> None:
        """`double`: seconds from one press to the next; 0: no two presses belong together."""
        self._change = threading.Condition()
        self._double = double
        self._presses: deque[tuple[Press, Press | None]] = deque()  # each with the first of its double press
        self._seen = 0  # how many of the presses, from the left, `pressed` has told of
        self._last: tuple[Press, Press | None] | None = None  # the last one put
        self._given: Press | None = None  # the last one that `wait` gave
        self._closed = False

    def put(self, press: Press, double: bool = False) -> None:
        """`double`: the press alone says what a double press does (a button of its own)."""
        with self._change:
            first = self._first_of(press)
            if first is not None or double:
                press.doubled.set()
                if first is not None:
                    first.doubled.set()
                if self._given is not None and self._given is not first:
                    self._given.cancelled.set()
            self._last = press, first
            self._presses.append(self._last)
            self._change.notify_all()

    def wait(self, timeout: float | None = None) -> Press | None:
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            with self._change:
                left = None if deadline is None else deadline - time.monotonic()
                if not self._change.wait_for(lambda: self._presses or self._closed, left) or self._closed:
                    return None
                (press, first), seen = self._presses.popleft(), self._seen > 0
                self._seen = max(self._seen - 1, 0)
                if first is not None and first is self._given:  # whoever has the first knows
                    continue
                if not seen:
                    self._given = press
                    return press
            if not press.released.wait(max(press.at + TAP - time.monotonic(), 0.0)):
                with self._change:
                    self._given = press
                return press

    def pressed(self) -> bool:
        with self._change:
            new = len(self._presses) > self._seen
            self._seen = len(self._presses)
            return new

    @property
    def closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        with self._change:
            self._closed = True
            self._change.notify_all()

    def _first_of(self, press: Press) -> Press | None:
        """The press that this one doubles. A third one at once belongs to the same two."""
        if self._last is None or press.at - self._last[0].at > self._double or self._double <= 0:
            return None
        last, first = self._last
        return last if first is None else first
