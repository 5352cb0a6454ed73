"""What the service tells systemd: that it is ready, what it does, and that it still lives. Knows sd_notify(3) and
sd_watchdog_enabled(3), and nothing of turns. Outside of systemd all of it does nothing.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path

log = logging.getLogger(__name__)
_OFTEN = 1.0  # seconds between two signs of life at least
_FREE = 2  # starts in vain after which the next ones are delayed
_DELAY = 5.0, 120.0  # seconds: the first delay, which doubles, and the longest


class Notifier:
    """A line to systemd. A sign of life is sent by whoever works, never by a clock: what hangs falls silent."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        """Reads `NOTIFY_SOCKET`, and `WATCHDOG_USEC` unless `WATCHDOG_PID` is another process."""
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        micros = environ.get("WATCHDOG_USEC", "")
        mine = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self.watchdog = int(micros) / 1e6 if micros.isdecimal() and mine else 0.0  # seconds; 0: nobody watches
        self._allowed = self.watchdog  # seconds until the next sign of life, as systemd knows it
        self._last = -_OFTEN

    def ready(self, status: str = "") -> None:
        """The start is over."""
        self.send("READY=1", *([f"STATUS={status}"] if status else []))

    def stopping(self) -> None:
        self.send("STOPPING=1")

    def status(self, text: str, extend: float = 0.0) -> None:
        """One line for `systemctl status`; `extend`: seconds that starting or stopping may take from now on."""
        self.send(f"STATUS={text}", *([f"EXTEND_TIMEOUT_USEC={extend * 1e6:.0f}"] if extend else []))

    def alive(self, allowed: float = 0.0) -> None:
        """A sign of life. `allowed`: seconds until the next one, where the stage that begins may take longer than what
        the unit allows (`WatchdogSec`)."""
        if not self.watchdog:
            return
        wanted, now = max(allowed, self.watchdog), time.monotonic()
        if wanted == self._allowed and now - self._last < _OFTEN:
            return
        self.send("WATCHDOG=1", *([f"WATCHDOG_USEC={wanted * 1e6:.0f}"] if wanted != self._allowed else []))
        self._allowed, self._last = wanted, now

    def send(self, *lines: str) -> None:
        """Lines of sd_notify(3) in one datagram. That systemd does not take them is a word in the log."""
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
                line.connect(self._address)
                line.sendall("\n".join(lines).encode())
        except OSError as error:
            log.warning("systemd does not listen: %s", error)


class Starts:
    """The starts in vain, counted in the service's RuntimeDirectory, which systemd keeps over a restart and not over a
    stop. So a service that cannot start does not heat the board; systemd 254's RestartSteps does the same, but the one
    of Debian 12 has none."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        runtime = environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
        self._file = Path(runtime) / "starts" if runtime else None

    def begin(self) -> float:
        """Counts a start; the seconds that it is to be delayed."""
        if self._file is None:
            return 0.0
        try:
            before = int(self._file.read_text("ascii")) if self._file.exists() else 0
        except (OSError, ValueError):
            before = 0
        try:
            self._file.write_text(str(before + 1), "ascii")
        except OSError as error:
            log.warning("cannot count the starts: %s", error)
        if before < _FREE:
            return 0.0
        first, longest = _DELAY
        return min(first * 2.0 ** min(before - _FREE, 16), longest)

    def proven(self) -> None:
        """This start was not in vain, or its end was wanted."""
        if self._file is not None:
            try:
                self._file.unlink(missing_ok=True)
            except OSError as error:
                log.warning("cannot forget the starts: %s", error)
