"""Lights without a light, chosen explicitly: a status line in the terminal, and one that keeps what it was shown."""

from __future__ import annotations

import logging
import threading
from typing import IO

from rich.console import Console
from rich.status import Status
from rich.text import Text

from device.seams import State

log = logging.getLogger(__name__)
LOOKS = {  # sign, colour: each state has a sign of its own, so no one needs the colours
    State.READY: ("○", "green"),
    State.LISTENING: ("●", "bold blue"),
    State.THINKING: ("…", "blue"),
    State.ASKING: ("?", "bold yellow"),
    State.ACTING: ("»", "cyan"),
    State.SPEAKING: ("♪", "green"),
    State.MUTED: ("×", "red"),
    State.OFFLINE: ("~", "yellow"),
    State.ERROR: ("!", "bold red"),
}
BUSY = {State.THINKING, State.ACTING}  # nobody types then: the line may move


class _Console(Console):
    """rich's console, which would end the program when nobody reads its lines any more."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


class TerminalIndicator:
    """One line a state, on standard error; with a spinner while tako is busy, plain without colours when it is piped.

    `speech`: whether the line also says what is being spoken (the print voice has written it already).
    """

    def __init__(self, stream: IO[str] | None = None, speech: bool = False) -> None:
        self._console = _Console(file=stream, stderr=stream is None, highlight=False, soft_wrap=True)
        self._speech = speech
        self._lock = threading.Lock()
        self._shown: tuple[State, str] | None = None
        self._spinner: Status | None = None
        self._gone = False

    def show(self, state: State, note: str = "") -> None:
        note = note if self._speech or state is not State.SPEAKING else ""
        with self._lock:
            if self._gone or self._shown == (state, note):
                return
            self._shown = state, note
            self._write(state, note)

    def close(self) -> None:
        with self._lock:
            if not self._gone:
                self._write(None)
            self._gone = True

    def _write(self, state: State | None, note: str = "") -> None:
        try:
            self._still()
            if state is not None:
                self._line(state, note)
        except (OSError, ValueError) as error:  # the terminal was closed, or knows too few characters
            self._gone = True
            log.info("the terminal is gone: %s", error)

    def _line(self, state: State, note: str) -> None:
        sign, colour = LOOKS[state]
        line = Text(f"{sign} {state.value}", style=colour)
        if note:
            shown = "".join(char if char.isprintable() else " " for char in note)
            line.append(f"  {' '.join(shown.split())}", style="default")
        if self._console.is_terminal and state in BUSY:
            self._spinner = self._console.status(line)
            self._spinner.start()
        else:
            self._console.print(line)

    def _still(self) -> None:
        if self._spinner is not None:
            self._spinner.stop()
            self._spinner = None


class SilentIndicator:
    """Shows nothing; `shown` holds (state, note) in order."""

    def __init__(self) -> None:
        self.shown: list[tuple[State, str]] = []

    @property
    def states(self) -> list[State]:
        return [state for state, _ in self.shown]

    def show(self, state: State, note: str = "") -> None:
        self.shown.append((state, note))

    def close(self) -> None:
        """Nothing is held."""
