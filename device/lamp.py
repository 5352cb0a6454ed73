"""What the light shows while nobody talks: that tako is ready, or what holds instead. One that fails ends no turn.

    error     something that tako needs is missing (the button's pins)
    muted     the microphone is off
    offline   the board has had no way into a network for a while
    ready     nothing of all that

A turn shows its own states (listening, thinking, asking, acting, speaking, error) one after the other and ends with
ready; the rest is settled here. Knows neither pins nor what is told between turns.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from device.seams import Indicator, State

log = logging.getLogger(__name__)
EVERY = 2.0  # seconds between two looks at what holds
ORDER = (State.ERROR, State.MUTED, State.OFFLINE)  # the first that holds is shown
_ROUTES = Path("/proc/net/route"), Path("/proc/net/ipv6_route")
_FLAPPING = 10.0  # seconds that a network may be away before the light tells


class Lamp:
    """An indicator around another. `show` never raises, whatever the other does."""

    def __init__(self, inner: Indicator, holds: Mapping[State, Callable[[], bool]], every: float = EVERY) -> None:
        """`holds`: whether a state of `ORDER` holds; asked again every `every` seconds while tako is ready."""
        self._inner = inner
        self._holds = holds
        self._every = every
        self._change = threading.Condition()
        self._ready = False
        self._closed = False
        self._failing = False
        self._shown: State | None = None
        threading.Thread(target=self._work, name="lamp", daemon=True).start()

    def show(self, state: State, note: str = "") -> None:
        with self._change:
            self._ready = state is State.READY
            self._change.notify_all()
            self._pass_on(self._standing() if self._ready else state, note)

    def refresh(self) -> None:
        """Something may have changed: shown at once, unless a turn is going on."""
        with self._change:
            if self._ready and (state := self._standing()) is not self._shown:
                self._pass_on(state, "")

    def close(self) -> None:
        with self._change:
            self._closed = True
            self._change.notify_all()
        try:
            self._inner.close()
        except Exception:  # the light is the last thing that may keep tako from ending
            log.exception("the light cannot be closed")

    def _work(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._closed or self._ready)
                if not self._closed:
                    self._change.wait(self._every)
                if self._closed:
                    return
            self.refresh()

    def _standing(self) -> State:
        return next((state for state in ORDER if state in self._holds and self._holds[state]()), State.READY)

    def _pass_on(self, state: State, note: str) -> None:
        if self._closed:
            return
        self._shown = state
        try:
            self._inner.show(state, note)
            self._failing = False
        except Exception:  # an indicator never raises; one that does is no reason to end a turn
            if not self._failing:
                log.exception("the light fails")
            self._failing = True


class Network:
    """Whether the board has a way into a network, by its own table of routes: nothing is sent."""

    def __init__(self, routes: tuple[Path, Path] = _ROUTES, patience: float = _FLAPPING) -> None:
        """`routes`: the kernel's tables, IPv4 and IPv6; `patience`: seconds that the way may be away unnoticed."""
        self._routes = routes
        self._patience = patience
        self._last = time.monotonic()  # when there was one

    def offline(self) -> bool:
        now = time.monotonic()
        if self._route():
            self._last = now
        return now - self._last > self._patience

    def _route(self) -> bool:
        """A default route over an interface other than the loopback. Where the kernel tells nothing: yes."""
        told = [_lines(path) for path in self._routes]
        if not any(told):
            return True
        # IPv4: Iface Destination Gateway Flags ... Mask; IPv6: destination length ... interface; see proc(5)
        four = any(len(row) > 7 and row[1] == row[7] == "0" * 8 and row[0] != "lo" for row in told[0])
        return four or any(
            len(row) > 9 and (row[0], row[1], row[9] != "lo") == ("0" * 32, "00", True) for row in told[1]
        )


def _lines(path: Path) -> list[list[str]]:
    try:
        return [line.split() for line in path.read_text("ascii", "replace").splitlines()]
    except OSError:
        return []
