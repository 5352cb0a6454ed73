"""What a language says of a time, before it is known what it means: the value between `actions.times.when_en`,
`actions.times.when_zh` and `actions.times.when`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date

from actions.times.schedule import Unit

PARTS = {  # part of the day: its time when no hour is said
    "dawn": (5, 0), "morning": (8, 0), "forenoon": (10, 0), "noon": (12, 0), "afternoon": (15, 0), "dusk": (18, 0),
    "evening": (19, 0), "night": (21, 0), "midnight": (24, 0),
}  # fmt: skip


@dataclass(frozen=True)
class Hour:
    """An hour that was said."""

    hour: int
    minute: int = 0
    part: str = ""  # a key of `PARTS`, "am" or "pm"; empty: none was said
    exact: bool = False  # of 24 hours, "08:00"


@dataclass
class Found:
    """What was found in a text; `rest` is what is left of it."""

    rest: str
    after: int = 0  # seconds from now
    every: int = 0  # seconds from one to the next
    unit: Unit | None = None  # days, weeks or months, when it comes again
    step: int = 1
    weekdays: set[int] = field(default_factory=set)  # 0 is Monday
    month_days: set[int] = field(default_factory=set)
    day: date | None = None
    weeks_on: int | None = None  # of a single weekday: 0 this week's, 1 next week's; None: the coming one
    hours: list[Hour] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)  # of the day, keys of `PARTS`, that stand alone
    times_a_day: int = 0
    yearly: bool = False  # `day` comes again every year
    now_time: bool = False  # the day counts from now ("in three days"), so the time may be that of now

    def take(self, pattern: str) -> re.Match[str] | None:
        """The first match, taken out of the rest."""
        match = re.search(pattern, self.rest)
        if match:
            self.rest = f"{self.rest[: match.start()]} {self.rest[match.end() :]}"
        return match
