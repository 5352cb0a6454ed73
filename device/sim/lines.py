"""Lines typed at a terminal, read without a thread and without taking more than was asked for.

What is behind the line that was read stays in the stream, for whoever asks a question there next.
"""

from __future__ import annotations

import io
import os
import select
import time
from typing import IO

_POLL = 0.2  # seconds


class Lines:
    """The lines of a stream. A stream without a file number (one in memory) is read as it stands."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        try:
            self._fd: int | None = stream.fileno()
        except (io.UnsupportedOperation, AttributeError):
            self._fd = None
        self.typed = stream.isatty()
        self._part = b""
        self._line: str | None = None  # read ahead by `peek`
        self.ended = False

    def read(self, timeout: float | None = None) -> str | None:
        """The next line without its end; None after `timeout` seconds or when the stream has ended (`ended`)."""
        line = self.peek(timeout)
        self._line = None
        return line

    def peek(self, timeout: float | None = 0.0) -> str | None:
        """As `read`, but the line stays."""
        if self._line is None and not self.ended:
            self._line = self._from_memory() if self._fd is None else self._from_file(self._fd, timeout)
        return self._line

    def readline(self) -> str:
        """As a stream's: the next line with its end, empty at the end of the stream. So a confirmer may ask here."""
        line = self.read()
        return "" if line is None else f"{line}\n"

    def close(self) -> None:
        """Gives up what is still to come; a `read` in another thread returns soon. The stream stays open."""
        self.ended = True

    def _from_memory(self) -> str | None:
        line = self._stream.readline()
        self.ended = not line
        return line.rstrip("\n") if line else None

    def _from_file(self, fd: int, timeout: float | None) -> str | None:
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self.ended:
            left = _POLL if deadline is None else deadline - time.monotonic()
            if select.select([fd], [], [], max(0.0, min(left, _POLL)))[0]:
                byte = os.read(fd, 1)  # one at a time: what follows the line's end is not ours
                self.ended = not byte
                if byte and byte != b"\n":
                    self._part += byte
                elif byte or self._part:
                    line, self._part = self._part.decode("utf-8", "replace").rstrip("\r"), b""
                    return line
            elif deadline is not None and time.monotonic() >= deadline:
                return None
        return None
