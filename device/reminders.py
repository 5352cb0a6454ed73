"""Hands reminders that are due to whoever speaks, one at a time and only when asked: never into a turn.

    bell = Bell(reminders)
    if due := bell.next():          # noted as begun: after a power cut it is said that it may have been told before
        voice.say(due.spoken(), due.reminder.lang)
        ...
        bell.told(due)              # when it was said; `put_off` when it could not be

Knows the reminders and time; knows neither the voice nor what is said.
"""

from __future__ import annotations

import logging
import time

from actions.errors import TakoError
from actions.times.reminders import Due, Reminders
from device.models.places import home

log = logging.getLogger(__name__)
LOOK, LATER = 1.0, 60.0  # seconds between two looks; and after one that failed


def open_reminders() -> Reminders:
    """The reminders of this gadget. Raises `DeviceError`."""
    return Reminders(home() / "reminders")


class Bell:
    """Looks for what is due, at most once every `look` seconds."""

    def __init__(self, reminders: Reminders, look: float = LOOK, later: float = LATER) -> None:
        self._reminders = reminders
        self._look, self._later = look, later
        self._next_look = 0.0

    def next(self) -> Due | None:
        """A reminder that is to be told now; None when there is none. A disk that fails is only logged."""
        if time.monotonic() < self._next_look:
            return None
        self._next_look = time.monotonic() + self._look
        try:
            return next((due for due in self._reminders.due() if self._reminders.begin(due)), None)
        except TakoError as error:
            self._failed("the reminders cannot be read", error)
        return None

    def told(self, due: Due) -> None:
        """It was said."""
        try:
            self._reminders.done(due)
            self._next_look = 0.0  # another may be due as well
        except TakoError as error:
            self._failed("it cannot be noted that a reminder was told", error)

    def put_off(self, due: Due) -> None:
        """It could not be said: it is due again after a while."""
        try:
            self._reminders.put_back(due)
        except TakoError as error:
            log.warning("a reminder cannot be put back: %s", error)
        self._next_look = time.monotonic() + self._later

    def _failed(self, what: str, error: TakoError) -> None:
        log.warning("%s: %s", what, error)
        self._next_look = time.monotonic() + self._later
