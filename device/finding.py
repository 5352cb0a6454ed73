"""What a check of `tako doctor` saw."""

from __future__ import annotations

from dataclasses import dataclass

OK, WARN, FAIL = "ok", "warn", "fail"


@dataclass(frozen=True)
class Finding:
    """What one check saw."""

    name: str
    level: str  # OK, WARN (works, with less) or FAIL (a turn cannot work)
    what: str
    cure: str = ""  # what to do, empty when nothing is to be done
