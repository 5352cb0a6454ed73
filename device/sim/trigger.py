"""Buttons without a button: the Enter key, and a script. Chosen explicitly."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

from device.presses import PressQueue
from device.seams import Press
from device.sim.lines import Lines


class KeyTrigger:
    """The Enter key as the button. What was typed before it is kept in `typed`: the request in place of speech."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._closed = False
        self.typed = ""  # of the last press

    def wait(self, timeout: float | None = None) -> Press | None:
        line = None if self.closed else self._lines.read(timeout)
        if line is None:
            return None
        self.typed = line.strip()
        return _tap()

    def pressed(self) -> bool:
        """An empty line has done its work with this; one with a request stays for `wait`. Lines that do not come from
        a terminal are a script: they wait their turn."""
        line = self._lines.peek() if self._lines.typed and not self.closed else None
        if line is not None and not line.strip():
            self._lines.read()
        return line is not None

    @property
    def closed(self) -> bool:
        return self._closed or self._lines.ended

    def close(self) -> None:
        self._closed = True
        self._lines.close()


class ScriptedTrigger(PressQueue):
    """Presses as written: each when the one before has been dealt with. `press` adds one in between."""

    def __init__(self, holds: Iterable[float] = (0.0,)) -> None:
        """`holds`: for how many seconds each press is held, 0 for a tap."""
        super().__init__()
        self._holds = iter(holds)

    def wait(self, timeout: float | None = None) -> Press | None:
        press = super().wait(0.0)
        if press is not None or self.closed:
            return press
        hold = next(self._holds, None)
        if hold is None:
            self.close()
            return None
        return self.press(hold, queue=False)

    def press(self, hold: float = 0.0, queue: bool = True) -> Press:
        """A press from now on for `hold` seconds, put among the waiting ones."""
        press = _tap() if hold <= 0 else Press(time.monotonic(), threading.Event())
        if hold > 0:
            finger = threading.Timer(hold, press.released.set)
            finger.daemon = True
            finger.start()
        if queue:
            self.put(press)
        return press


def _tap() -> Press:
    press = Press(time.monotonic(), threading.Event())
    press.released.set()
    return press
