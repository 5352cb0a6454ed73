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
    """

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._presses: deque[Press] = deque()
        self._seen = 0  # how many of the presses, from the left, `pressed` has told of
        self._closed = False

    def put(self, press: Press) -> None:
        with self._change:
            self._presses.append(press)
            self._change.notify_all()

    def wait(self, timeout: float | None = None) -> Press | None:
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            with self._change:
                left = None if deadline is None else deadline - time.monotonic()
                if not self._change.wait_for(lambda: self._presses or self._closed, left) or self._closed:
                    return None
                press, seen = self._presses.popleft(), self._seen > 0
                self._seen = max(self._seen - 1, 0)
            if not (seen and press.released.wait(max(press.at + TAP - time.monotonic(), 0.0))):
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
