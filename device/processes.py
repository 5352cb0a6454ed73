"""Memory and processor time of a process and all it has started, as Linux tells them (proc(5))."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Memory:
    """MB of a process and all it started: resident (shared pages counted in each), proportional (counted once), and
    the sum of each one's peak."""

    resident: float
    proportional: float
    peak: float


def tree(pid: int) -> list[int]:
    """The process and those it started, and theirs."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text("utf-8", "replace").rpartition(")")[2].split()[1])
        except OSError:  # it has just ended
            continue
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def memory(pid: int) -> Memory:
    """Now, and the highest so far, of the process and of those of its children that still live."""
    totals = {"VmHWM:": 0.0, "Rss:": 0.0, "Pss:": 0.0}
    for one in tree(pid):
        try:
            text = "".join(Path(f"/proc/{one}/{name}").read_text("utf-8") for name in ("status", "smaps_rollup"))
        except OSError:
            continue
        for line in text.splitlines():
            name, *rest = line.split() or [""]
            if name in totals:
                totals[name] += int(rest[0]) / 1000
    return Memory(totals["Rss:"], totals["Pss:"], totals["VmHWM:"])


def processor(pid: int) -> float:
    """Seconds of a core that the process and its children have used so far."""
    ticks = 0
    for one in tree(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def give_back() -> None:
    """Gives freed memory back to the system: the C library would keep it for the next turn. A few milliseconds; nothing
    where the library cannot (it is glibc's, malloc_trim(3))."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
