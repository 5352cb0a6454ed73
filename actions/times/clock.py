"""Time that can be trusted: moments that a clock which is set does not shift, and the zone people here live in.

A Pi has no clock of its own: until it has been online its time is that of its last shutdown, and then it jumps. Knows
Linux; knows nothing of what is to happen when.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_SYNCHRONIZED = Path("/run/systemd/timesync/synchronized")  # systemd-timesyncd(8): made when the clock was set
_LOCALTIME = Path("/etc/localtime")  # localtime(5)
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronized


@dataclass(frozen=True)
class Instant:
    """A moment, by the clock and by how long the machine has run."""

    wall: float  # time.time()
    boot: str = ""  # id of the boot; empty: not known
    running: float = 0.0  # seconds since that boot, sleep included

    def since(self, then: Instant) -> float:
        """Seconds from `then` to this. Exact within one boot, whatever happened to the clock; else what the clock says,
        and never less than none."""
        if self.boot and self.boot == then.boot:
            return self.running - then.running
        return max(self.wall - then.wall, 0.0)


Clock = Callable[[], Instant]


def now() -> Instant:
    return Instant(time.time(), _boot(), time.clock_gettime(time.CLOCK_BOOTTIME))


def synchronized() -> bool:
    """Whether the clock was set from the network since the boot; False also where that cannot be known."""
    if _SYNCHRONIZED.exists():
        return True
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))  # all zeros: only asks
    except (AttributeError, OSError):
        return False
    return 0 <= state < _TIME_ERROR


def local_zone() -> tzinfo:
    """The zone of `TZ` or of the system; UTC where neither names one."""
    named = os.environ.get("TZ", "").removeprefix(":")
    try:
        target = str(_LOCALTIME.resolve())
        return _zone(named or target.partition("/zoneinfo/")[2])
    except (OSError, ValueError):
        return UTC


@lru_cache(4)
def _zone(name: str) -> tzinfo:
    """Raises `ValueError` or `OSError` (`ZoneInfoNotFoundError` is a `KeyError`, told as one) where there is none."""
    try:
        if name:
            return ZoneInfo(name)
        with _LOCALTIME.open("rb") as file:  # a copy, not a link
            return ZoneInfo.from_file(file)
    except KeyError as error:
        raise ValueError(name) from error


@lru_cache(1)
def _boot() -> str:
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""
