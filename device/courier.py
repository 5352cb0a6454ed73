"""Carries out what waits in the outbox, in the background, when it may work again.

Knows the outbox and time; knows nothing of networks: that an email still cannot go is its action's answer.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Mapping

from actions.base import Action, Outcome, Request
from actions.errors import TakoError
from actions.outbox import Outbox, retry_waiting

log = logging.getLogger(__name__)
SOON, SELDOM = 30.0, 900.0  # seconds between two rounds: at first, and at most while nothing works


class Courier:
    """A thread that goes its rounds until `close`; `news` gives what came of them, oldest first."""

    def __init__(self, outbox: Outbox, actions: Mapping[str, Action], soon: float = SOON) -> None:
        self._outbox = outbox
        self._actions = actions
        self._soon = soon
        self._news: deque[tuple[Request, Outcome]] = deque()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._work, name="courier", daemon=True)
        self._thread.start()

    def news(self) -> tuple[Request, Outcome] | None:
        """The next call that is settled now; None when there is none."""
        return self._news.popleft() if self._news else None

    def close(self) -> None:
        self._end.set()
        self._thread.join(1.0)

    def _work(self) -> None:
        pause = self._soon
        while not self._end.wait(pause):
            try:
                stuck = self._round()
            except TakoError as error:  # a full disk, say: the outbox is as it was
                log.warning("the outbox cannot be looked after: %s", error)
                stuck = True
            except Exception:  # a fault of an action: noted as unknown, and no reason to leave the others
                log.exception("a call of the outbox failed")
                stuck = True
            pause = min(pause * 2, SELDOM) if stuck else self._soon

    def _round(self) -> bool:
        """Whether something still waits."""
        stuck = False
        for request, outcome in retry_waiting(self._outbox, self._actions):
            log.info("outbox: %s is %s", request.call.name, outcome.status)
            stuck = stuck or outcome.status == "waiting"
            if outcome.status != "waiting":
                self._news.append((request, outcome))
            if self._end.is_set():
                break
        return stuck
