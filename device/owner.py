"""Which process a call belongs to while it is carried out, and whether that process still lives.

A process is named by the boot, its id and the tick it started at, so that neither a reused id nor a clock that is set
(a Pi has none of its own) makes a dead one look alive or a living one dead. Knows Linux's /proc.
"""

from __future__ import annotations

import os
from pathlib import Path

_PROC = Path("/proc")


def own_name() -> str:
    """The name of this process, "boot/id/start"."""
    return f"{_boot()}/{os.getpid()}/{_start(os.getpid())}"


def alive(name: str) -> bool:
    """Whether the process of that name is still running."""
    boot, _, process = name.partition("/")
    pid, _, start = process.partition("/")
    return boot == _boot() and pid.isdecimal() and bool(start) and _start(int(pid)) == start


def _boot() -> str:
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()


def _start(pid: int) -> str:
    """Clock ticks from boot to the start of a process (field 22 of stat, proc(5)); empty when it does not live."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    state, *fields = stat.rpartition(")")[2].split()
    return "" if state in "ZX" else fields[18]
