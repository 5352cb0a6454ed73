"""Carries out what waits in the outbox, in the background, when it is due.

Knows the outbox and time; knows nothing of networks: that an email still cannot go is its action's answer.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Mapping

from actions.base import Action, Outcome, Request
from actions.errors import TakoError
from actions.outbox import SELDOM, SOON, Outbox, OutboxSettings, retry_waiting

log = logging.getLogger(__name__)
_DAY = 86_400.0
_LEAST = 0.01  # seconds from one round to the next


class Courier:
    """A thread that goes its rounds until `close`; `news` gives what came of them, oldest first."""

    def __init__(
        self,
        outbox: Outbox,
        actions: Mapping[str, Action],
        settings: OutboxSettings | None = None,
        soon: float = SOON,
    ) -> None:
        """soon: seconds after which it looks at the latest whether something is due."""
        self._outbox = outbox
        self._actions = actions
        self._expire = (settings or OutboxSettings()).expire_days * _DAY
        self._soon = soon
        self._news: deque[tuple[Request, Outcome]] = deque()
        self._ended = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._work, name="courier", daemon=True)
        self._thread.start()

    def news(self) -> tuple[Request, Outcome] | None:
        """The next call that is settled now, or that went out of its grace time and has to wait; None when none is."""
        return self._news.popleft() if self._news else None

    def nudge(self) -> None:
        """Lets it look now at what is due next: a call was added."""
        self._wake.set()

    def close(self) -> None:
        self._ended = True
        self._wake.set()
        self._thread.join(1.0)

    def _work(self) -> None:
        pause, troubled = 0.0, self._soon
        while not self._slept(pause):
            try:
                pause, troubled = self._round(), self._soon
                continue
            except TakoError as error:  # a full disk, say: the outbox is as it was
                log.warning("the outbox cannot be looked after: %s", error)
            except Exception:  # a fault of an action: noted as unknown, and no reason to leave the others
                log.exception("a call of the outbox failed")
            pause, troubled = troubled, min(troubled * 2, SELDOM)

    def _slept(self, seconds: float) -> bool:
        """Whether it was told to end meanwhile."""
        self._wake.wait(seconds)
        self._wake.clear()
        return self._ended

    def _round(self) -> float:
        """Carries out what is due; the seconds until the next call is."""
        before = self._outbox.pending()
        first = {kept.request.key for kept in before if kept.held_back}
        due = {kept.request.key for kept in before if not kept.wait}
        for request, outcome in retry_waiting(self._outbox, self._actions, self._expire):
            log.info("outbox: %s is %s", request.call.name, outcome.status)
            if outcome.status != "waiting" or request.key in first:
                self._news.append((request, outcome))
            if self._ended:
                break
        waits = [kept.wait for kept in self._outbox.pending() if kept.wait or kept.request.key not in due]
        return min([max(wait, _LEAST) for wait in waits] + [self._soon])
