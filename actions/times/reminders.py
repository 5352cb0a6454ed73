"""Reminders: what to say, and when. Kept on disk; each is told once, also after a power cut and when the clock jumps.

    kept = Reminders(folder)
    reminder = kept.add("feed the cat", "remind me to feed the cat every day at eight", "en")
    reminder.spoken("en")                                # "every day at 8:00"
    for due in kept.due():                               # `device.reminders` does this
        if kept.begin(due):                              # of two who try, one tells it
            ...                                          # speak due.spoken()
            kept.done(due)

Knows times and SQLite; who speaks, and when it is a good moment, is the caller's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from actions.database import Database, Thing
from actions.errors import ActionError, DeviceError
from actions.times.clock import Clock, Instant, local_zone, now, synchronized
from actions.times.schedule import Schedule, clock_time, spoken_day
from actions.times.when import read_when
from actions.wording import aloud, cut, one_line, say

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

FILE = "reminders.sqlite"
LATE = 600.0  # seconds after which a reminder says when it was due
MOST, LONGEST = 200, 300  # reminders, and characters of one
_SEEN_EVERY = 900.0  # seconds between two notes of the time: a note is a write, and SD cards wear
_AHEAD = 86_400.0  # seconds; an occurrence told this far in the future was told by a clock that was wrong
_THING = Thing("list of reminders", "提醒列表")
_MIGRATIONS = (
    (
        """CREATE TABLE reminders (
        id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT UNIQUE, text TEXT NOT NULL, lang TEXT NOT NULL,
        schedule TEXT NOT NULL, day TEXT NOT NULL,
        last REAL NOT NULL, boot TEXT NOT NULL, running REAL NOT NULL, telling REAL NOT NULL)""",
        "CREATE TABLE clock (seen REAL NOT NULL)",
        "INSERT INTO clock VALUES (0)",
    ),
)


@dataclass(frozen=True)
class Reminder:
    """One reminder as it is kept."""

    id: int
    text: str  # what is said
    lang: str  # in which language: "en" or "zh"
    schedule: Schedule
    day: date  # on which it was made
    last: Instant  # the occurrence that was told last; at first when it was made
    telling: float = 0.0  # the occurrence that is being told, time.time(); 0: none

    def spoken(self, lang: str, today: date | None = None) -> str:
        """When it comes: "every day at 8:00", "每天8点"; as it is said today, or left out: on the day it was made."""
        return self.schedule.spoken(lang, today or self.day)


@dataclass(frozen=True)
class Due:
    """A reminder to be told now."""

    reminder: Reminder
    at: float  # when it was due, time.time()
    late: bool  # so long ago that it has to be said
    again: bool  # it may have been told already: tako was cut off in the midst of it
    said_at: str = ""  # when it was due, as it is said: "8:00 yesterday"

    def spoken(self) -> str:
        """The sentence."""
        lang, text = self.reminder.lang, aloud(self.reminder.text, self.reminder.lang)
        if self.again:
            return say(lang, f"I may have said this before: {text}.", f"这个我可能已经提醒过：{text}。")
        if self.late:
            en, zh = f"A late reminder, it was for {self.said_at}", f"补一个提醒，本该在{self.said_at}"
            return say(lang, f"{en}: {text}.", f"{zh}：{text}。")
        return say(lang, f"Reminder: {text}.", f"提醒：{text}。")


class Reminders:
    """The reminders of one gadget, in `folder`/reminders.sqlite."""

    def __init__(
        self,
        folder: Path,
        clock: Clock = now,
        zone: Callable[[], tzinfo] = local_zone,
        clock_is_set: Callable[[], bool] = synchronized,
    ) -> None:
        """Raises `DeviceError` when the file cannot be opened or made."""
        self._database = Database(folder / FILE, _MIGRATIONS, _THING)
        self._clock, self._zone, self._clock_is_set = clock, zone, clock_is_set

    @property
    def notice(self) -> DeviceError | None:
        """What the user should hear once: that the file was damaged."""
        return self._database.notice

    def add(self, text: str, when: str, lang: str, key: str = "", answer: str = "") -> Reminder:
        """Keeps a reminder durably.

        text: what is said then ("feed the cat"; `actions.times.when.task_said` takes it from a request)
        when: the words that hold the time, all of the request if need be
        key: the request's: the same key again is the same reminder
        answer: `Request.answers["when"]`, the answer to the question that this raised before
        Raises `Question` (about "when") when no time is understood, `ActionError` when it cannot be kept or the
        clock is not set, `DeviceError` when the disk fails.
        """
        moment = self._clock()
        here = datetime.fromtimestamp(moment.wall, self._zone())
        schedule = read_when(when, lang, here, answer)
        if key and (kept := self._rows("key = ?", key)):
            return _reminder(kept[0])
        if schedule.unit == "once" and not self._trusted(moment):
            raise ActionError(
                "My clock is not set yet, so I don't know what day it is. Please say that again when I am online.",
                "我的时钟还没校准，不知道今天几号。请等我联网后再说一次。",
            )
        if len(self.list()) >= MOST:
            raise ActionError(
                "I have too many reminders. Remove some with tako reminders remove.",
                "提醒太多了，请用 tako reminders remove 删掉一些。",
            )
        words = cut(one_line(text), LONGEST) or say(lang, "it is time", "时间到了")
        added = self._database.write(
            "INSERT OR IGNORE INTO reminders (key, text, lang, schedule, day, last, boot, running, telling) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)",
            (
                key or None,
                words,
                lang,
                msgspec.json.encode(schedule).decode(),
                here.date().isoformat(),
                moment.wall,
                moment.boot,
                moment.running,
            ),
        )
        found = self._rows("key = ?", key) if key else self._rows("id = ?", added.lastrowid)
        self._see(moment, 0.0)
        return _reminder(found[0])

    def list(self) -> tuple[Reminder, ...]:
        """All, oldest first."""
        return tuple(_reminder(row) for row in self._rows("1"))

    def next_time(self, reminder: Reminder) -> datetime | None:
        """When it comes next, in the local zone."""
        at = reminder.schedule.due(reminder.last, self._clock(), self._zone())
        return None if at is None else datetime.fromtimestamp(at, self._zone())

    def due(self) -> tuple[Due, ...]:
        """What is to be told now, oldest first; of one that was missed several times, the last. Nothing while the clock
        is behind a time that it has shown before: it is not set yet, and would tell things twice."""
        moment, zone = self._clock(), self._zone()
        trusted = self._trusted(moment)
        found = []
        for reminder in self.list():
            if not trusted and not reminder.schedule.relative:
                continue
            if reminder.telling:
                found.append(Due(reminder, reminder.telling, late=False, again=True))
                continue
            if trusted and reminder.last.wall > moment.wall + _AHEAD:
                reminder = self._moved_back(reminder, moment)
            at = reminder.schedule.latest(reminder.last, moment, zone)
            if at is not None:
                late = moment.wall - at > LATE
                found.append(Due(reminder, at, late, again=False, said_at=_said_at(at, moment, zone, reminder.lang)))
        if trusted:
            self._see(moment, _SEEN_EVERY)
        return tuple(sorted(found, key=lambda due: due.at))

    def begin(self, due: Due) -> bool:
        """Notes that it is told now; False when it was told, removed, or is told by another process."""
        changed = self._database.write(
            "UPDATE reminders SET telling = ? WHERE id = ? AND last = ? AND telling = ?",
            (due.at, due.reminder.id, due.reminder.last.wall, due.reminder.telling),
        )
        return changed.rowcount == 1

    def put_back(self, due: Due) -> None:
        """Notes that it could not be told after all: nothing of it was said."""
        self._database.write(
            "UPDATE reminders SET telling = ? WHERE id = ? AND telling = ?",
            (due.reminder.telling, due.reminder.id, due.at),
        )

    def done(self, due: Due) -> None:
        """Notes that it was told. One that does not come again is removed."""
        reminder, moment = due.reminder, self._clock()
        last = Instant(due.at, moment.boot, moment.running - max(moment.wall - due.at, 0.0))
        if reminder.schedule.due(last, moment, self._zone()) is None or reminder.schedule.unit == "after":
            self._database.write("DELETE FROM reminders WHERE id = ?", (reminder.id,))
            return
        self._database.write(
            "UPDATE reminders SET last = ?, boot = ?, running = ?, telling = 0 WHERE id = ?",
            (last.wall, last.boot, last.running, reminder.id),
        )

    def remove(self, id_: int) -> Reminder:
        """Forgets it. Raises `ActionError` when there is none of that number."""
        found = self._rows("id = ?", id_)
        if not found or self._database.write("DELETE FROM reminders WHERE id = ?", (id_,)).rowcount == 0:
            raise ActionError(
                f"There is no reminder {id_}. tako reminders list shows them.",
                f"没有提醒 {id_}，可以用 tako reminders list 查看。",
            )
        return _reminder(found[0])

    def close(self) -> None:
        self._database.close()

    def _trusted(self, moment: Instant) -> bool:
        """Whether the clock says a time that can be."""
        return moment.wall >= self._seen() or self._clock_is_set()

    def _seen(self) -> float:
        return float(self._database.read("SELECT seen FROM clock")[0]["seen"])

    def _see(self, moment: Instant, every: float) -> None:
        """Notes the time. One that is set back by the network is noted as well: it was wrong before."""
        seen = self._seen()
        if moment.wall - seen > every or (moment.wall < seen and self._clock_is_set()):
            self._database.write("UPDATE clock SET seen = ?", (moment.wall,))

    def _moved_back(self, reminder: Reminder, moment: Instant) -> Reminder:
        self._database.write(
            "UPDATE reminders SET last = ?, boot = ?, running = ? WHERE id = ?",
            (moment.wall, moment.boot, moment.running, reminder.id),
        )
        return _reminder(self._rows("id = ?", reminder.id)[0])

    def _rows(self, condition: str, *values: object) -> Sequence[sqlite3.Row]:
        return self._database.read(f"SELECT * FROM reminders WHERE {condition} ORDER BY id", values)


def _reminder(row: sqlite3.Row) -> Reminder:
    schedule = msgspec.json.decode(row["schedule"], type=Schedule)
    last = Instant(row["last"], row["boot"], row["running"])
    return Reminder(row["id"], row["text"], row["lang"], schedule, date.fromisoformat(row["day"]), last, row["telling"])


def _said_at(at: float, moment: Instant, zone: tzinfo, lang: str) -> str:
    """ "8:00", "8:00 yesterday", "8:00 on 5 March"; "8点", "昨天8点"."""
    then, today = datetime.fromtimestamp(at, zone), datetime.fromtimestamp(moment.wall, zone).date()
    time = clock_time(then.hour, then.minute, lang)
    if then.date() == today:
        return time
    day = spoken_day(then.date(), today, lang)
    return say(lang, f"{time} {day}", f"{day}{time}")
