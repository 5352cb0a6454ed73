"""The register of lost and found things: reports with words, place, time and a picture, kept until they are settled.

    kept = Register(folder)
    report = kept.add("a1b2c3d4", "lost", "grey backpack", "en", place="at the station", picture=path)
    kept.open("found")                              # the reports that it may be matched with, newest first
    kept.settle([report.id, other.id])

Knows SQLite and its own small copies of pictures; knows nothing of what is alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Literal

from actions.database import Database, Migration, Thing, told
from actions.errors import ActionError, DeviceError
from actions.snapshot import read_upright, write_jpeg
from actions.wording import cut, one_line

if TYPE_CHECKING:
    import sqlite3

FILE, PICTURES = "register.sqlite", "pictures"
MOST, LONGEST = 300, 200  # reports that are open, and characters of one
SIDE = 640  # pixels of a kept picture
Kind = Literal["lost", "found"]
_DAY = 86_400.0
_YOUNG = 3600.0  # seconds; a picture this new may belong to a report that another process is just adding
_THING = Thing("register of lost things", "失物登记")
_MIGRATIONS: tuple[Migration, ...] = (
    (
        """CREATE TABLE reports (
        id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT UNIQUE, kind TEXT NOT NULL, item TEXT NOT NULL,
        text TEXT NOT NULL, lang TEXT NOT NULL, picture TEXT NOT NULL, made REAL NOT NULL, happened REAL NOT NULL,
        partner INTEGER NOT NULL DEFAULT 0, settled REAL NOT NULL DEFAULT 0)""",
    ),
)


@dataclass(frozen=True)
class Report:
    """One report as it is kept."""

    id: int
    kind: str  # "lost" or "found"
    item: str  # as it was said, its place with it where it was said so
    text: str  # all that was said, in which a place may be
    lang: str
    picture: Path | None  # an own small copy
    made: float  # time.time()
    happened: float  # when it was lost or found, as far as was said; else `made`
    partner: int = 0  # the report that was offered as its match; 0: none
    settled: float = 0.0  # time.time(); 0: it is open


class Register:
    """The reports of one gadget, in `folder`. Opened when first needed; then every method raises `DeviceError` when
    the disk fails."""

    def __init__(self, folder: Path, keep_days: int = 180, clock: Callable[[], float] = time.time) -> None:
        """keep_days: after which a report goes, with its picture; 0: never."""
        self._folder = folder
        self._keep_days = keep_days
        self._clock = clock
        self._opened: Database | None = None
        self._lock = Lock()

    def add(
        self,
        key: str,
        kind: Kind,
        item: str,
        lang: str,
        text: str = "",
        picture: Path | None = None,
        happened: float | None = None,
    ) -> Report:
        """Keeps a report; with a key that was there before, that one.

        Raises `ActionError` when the register is full, `InputError` when the picture cannot be read.
        """
        if key and (there := self._rows("key = ?", key)):
            return self._report(there[0])
        self.tidy()
        if self._database.read("SELECT count(*) FROM reports WHERE settled = 0")[0][0] >= MOST:
            raise ActionError(
                f"The register is full: {MOST} reports are open. Settle or remove some with tako lost.",
                f"登记已满（{MOST}条），请用 tako lost 清理。",
            )
        now = self._clock()
        name = self._keep(picture, key or str(now)) if picture else ""
        added = self._database.write(
            "INSERT OR IGNORE INTO reports (key, kind, item, text, lang, picture, made, happened) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (key or None, kind, _clean(item), _clean(text), lang, name, now, now if happened is None else happened),
        )
        rows = self._rows("key = ?", key) if key else self._rows("id = ?", added.lastrowid)
        return self._report(rows[0])

    def open(self, kind: Kind | None = None) -> tuple[Report, ...]:
        """The reports that are not settled, newest first; of one kind, or all."""
        kinds = (kind,) if kind else ("lost", "found")
        marks = ", ".join("?" * len(kinds))
        return tuple(map(self._report, self._rows(f"settled = 0 AND kind IN ({marks})", *kinds)))

    def all(self) -> tuple[Report, ...]:
        """Settled ones as well, newest first."""
        return tuple(map(self._report, self._rows("1")))

    def get(self, id_: int) -> Report:
        """Raises `ActionError` when there is none of that number."""
        rows = self._rows("id = ?", id_)
        if not rows:
            raise ActionError(
                f"There is no report {id_}. tako lost list shows them.", f"没有第{id_}条，可以用 tako lost list 查看。"
            )
        return self._report(rows[0])

    def with_key(self, key: str) -> Report | None:
        rows = self._rows("key = ?", key) if key else []
        return self._report(rows[0]) if rows else None

    def offer(self, report: Report, partner: Report | None) -> None:
        """Notes which report was offered as its match."""
        self._database.write("UPDATE reports SET partner = ? WHERE id = ?", (partner.id if partner else 0, report.id))

    def settle(self, ids: Sequence[int]) -> None:
        """Marks reports as settled, all or none. Raises `ActionError` for a number that does not exist."""
        for id_ in ids:
            self.get(id_)
        self._database.write(
            f"UPDATE reports SET settled = ? WHERE settled = 0 AND id IN ({', '.join('?' * len(ids))})",
            (self._clock(), *ids),
        )

    def remove(self, id_: int) -> Report:
        """Forgets a report with its picture. Raises `ActionError` when there is none of that number."""
        report = self.get(id_)
        self._database.write("DELETE FROM reports WHERE id = ?", (id_,))
        if report.picture:
            with told(report.picture, _THING):
                report.picture.unlink(missing_ok=True)
        return report

    def tidy(self) -> None:
        """Forgets what is older than the settings allow, and pictures that belong to no report."""
        if self._keep_days:
            self._database.write("DELETE FROM reports WHERE made < ?", (self._clock() - self._keep_days * _DAY,))
        needed = {row["picture"] for row in self._rows("1")}
        folder = self._folder / PICTURES
        with told(folder, _THING):
            for path in folder.iterdir() if folder.is_dir() else ():
                if path.name not in needed and path.stat().st_mtime < time.time() - _YOUNG:
                    path.unlink(missing_ok=True)

    @property
    def notice(self) -> DeviceError | None:
        """What the user should hear once: that the file was damaged."""
        return self._database.notice

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()

    @property
    def _database(self) -> Database:
        with self._lock:
            if self._opened is None:
                self._opened = Database(self._folder / FILE, _MIGRATIONS, _THING)
            return self._opened

    def _keep(self, picture: Path, key: str) -> str:
        """Copies a picture, and returns the name of the copy."""
        name = f"{sha256(key.encode()).hexdigest()[:24]}.jpg"
        small = read_upright(picture, SIDE)
        with told(self._folder, _THING):
            write_jpeg(small, self._folder / PICTURES / name)
        return name

    def _rows(self, condition: str, *values: object) -> list[sqlite3.Row]:
        return self._database.read(f"SELECT * FROM reports WHERE {condition} ORDER BY id DESC", values)

    def _report(self, row: sqlite3.Row) -> Report:
        picture = self._folder / PICTURES / row["picture"] if row["picture"] else None
        fields = ("id", "kind", "item", "text", "lang")
        times = row["made"], row["happened"], row["partner"], row["settled"]
        id_, kind, item, text, lang = (row[name] for name in fields)
        return Report(id_, kind, item, text, lang, picture, *times)


def _clean(text: str) -> str:
    return cut(one_line(text[: 10 * LONGEST].encode("utf-8", "replace").decode()), LONGEST)
