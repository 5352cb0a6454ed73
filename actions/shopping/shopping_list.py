"""The shopping list: what is to be bought, kept on disk word for word as it was said.

    kept = ShoppingList(folder)
    kept.add("a1b2c3d4", GROCERIES, [Wanted("three lemons", "lemons"), Wanted("milk", "milk")], "en")
    for line in kept.lines():                            # the same thing said twice is one line
        print(line.number, line.text)

Entries are merged only when they are shown, so nothing is lost. It also keeps, for each request, the link that was made
and where it was sent, so that a request done twice acts once. Knows SQLite; knows no shop.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from actions.database import Database, Migration, Thing
from actions.errors import ActionError, DeviceError, Question
from actions.shopping.amounts import Amount, amount_of
from actions.wording import cut, one_line

FILE = "shopping.sqlite"
PRODUCTS, GROCERIES, MEALS = "products", "groceries", "meals"  # what kind of shop an entry is for
MOST = 500  # entries that are still to be bought
LONGEST = 200  # characters of an entry
REMEMBERED = 1000  # requests whose link is kept
_WORD = re.compile(r"[^\W_]+")
_UNSEEN = re.compile(r"[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")  # they make a text look like another one
_MIGRATIONS: tuple[Migration, ...] = (
    (
        """CREATE TABLE entries (
        id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, position INTEGER NOT NULL, kind TEXT NOT NULL,
        said TEXT NOT NULL, query TEXT NOT NULL, lang TEXT NOT NULL, added REAL NOT NULL, done REAL,
        UNIQUE (key, position))""",
        """CREATE TABLE errands (
        number INTEGER PRIMARY KEY, key TEXT UNIQUE NOT NULL, link TEXT NOT NULL DEFAULT '',
        sent TEXT NOT NULL DEFAULT '')""",
    ),
)


@dataclass(frozen=True)
class Wanted:
    """One thing to buy."""

    said: str  # as it was said: "two margherita pizzas from Luigi's"
    query: str  # what to search a shop for: "Luigi's"

    @property
    def amount(self) -> Amount:
        return amount_of(self.said)


@dataclass(frozen=True)
class Line:
    """One line of the list: an entry, or several of the same thing."""

    number: int  # of its first entry
    kind: str  # `PRODUCTS`, `GROCERIES` or `MEALS`
    text: str  # as it was said, or the sum of what was said: "5 lemons"
    amount: Amount  # of all entries together
    said: tuple[str, ...]  # as it was said, each time
    query: str
    ids: tuple[int, ...]
    added: float  # time.time() of the first
    done: float | None  # time.time() when it was bought


@dataclass(frozen=True)
class Errand:
    """What became of one request."""

    link: str = ""  # the page that a shop made for it
    sent: str = ""  # where the link was sent, as `Push.push` says it


class ShoppingList:
    """The list of one gadget, in `folder`/shopping.sqlite. The file is opened when it is first needed; then every
    method raises `DeviceError` when it cannot be read or written."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = folder / FILE
        self._clock = clock
        self._opened: Database | None = None
        self._lock = Lock()

    def add(self, key: str, kind: str, things: Sequence[Wanted], lang: str) -> None:
        """Puts things on the list, all or none; with a key that was there before, nothing.

        Raises `ActionError` when the list is full.
        """
        if self._database.read("SELECT 1 FROM errands WHERE key = ?", (key,)):
            return
        (count,) = self._database.read("SELECT count(*) FROM entries WHERE done IS NULL AND key <> ?", (key,))[0]
        if count + len(things) > MOST:
            raise ActionError(
                f"Your shopping list is full: it has {count} things. Remove some with tako list.",
                f"购物清单已满（{count}项），请先用 tako list 删掉一些。",
            )
        rows = ", ".join("(?, ?, ?, ?, ?, ?, ?)" for _ in things)
        values: list[object] = []
        for position, thing in enumerate(things):
            values += [key, position, kind, clean(thing.said), clean(thing.query), lang, self._clock()]
        columns = "key, position, kind, said, query, lang, added"
        self._database.write(f"INSERT OR IGNORE INTO entries ({columns}) VALUES {rows}", values)
        self._database.write("INSERT OR IGNORE INTO errands (key) VALUES (?)", (key,))
        self._database.write("DELETE FROM errands WHERE number <= (SELECT max(number) FROM errands) - ?", (REMEMBERED,))

    def errand(self, key: str) -> Errand:
        rows = self._database.read("SELECT link, sent FROM errands WHERE key = ?", (key,))
        return Errand(*rows[0]) if rows else Errand()

    def keep_link(self, key: str, link: str) -> None:
        self._database.write("UPDATE errands SET link = ? WHERE key = ?", (link, key))

    def mark_sent(self, key: str, where: str) -> None:
        self._database.write("UPDATE errands SET sent = ? WHERE key = ?", (where, key))

    def lines(self, done: bool = False) -> tuple[Line, ...]:
        """What is to be bought, oldest first; with `done`, what was bought."""
        rows = self._database.read(f"SELECT * FROM entries WHERE done IS {'NOT ' if done else ''}NULL ORDER BY id")
        same: dict[tuple[str, ...], list[Line]] = {}
        for row in rows:
            amount = amount_of(row["said"])
            line = Line(
                row["id"], row["kind"], row["said"], amount, (row["said"],), row["query"], (row["id"],), row["added"],
                row["done"],
            )  # fmt: skip
            counted = "" if amount.quantity is None else amount.unit
            same.setdefault((row["kind"], _alike(amount.name), counted), []).append(line)
        return tuple(_merged(lines) for lines in same.values())

    def find(self, which: str) -> Line:
        """The line of that number, or of those words. Raises `ActionError` when there is none, `Question` when there is
        more than one."""
        lines = self.lines()
        found = [line for line in lines if which in map(str, line.ids)]
        words = _alike(which)
        found = found or [line for line in lines if words in {_alike(t) for t in (line.text, *line.said)}]
        found = found or [line for line in lines if words == _alike(line.amount.name)]
        shown = cut(one_line(which), 60)
        if not found:
            raise ActionError(f"There is no {shown} on your list.", f"清单上没有{shown}。")
        if len(found) > 1:
            raise Question(
                f"{shown} is on your list {len(found)} times. Say the number of the one you mean.",
                f"清单上有{len(found)}个{shown}，请说编号。",
            )
        return found[0]

    def remove(self, lines: Sequence[Line]) -> None:
        """Takes lines off the list, all or none."""
        self._database.write(f"DELETE FROM entries WHERE id IN ({_marks(lines)})", _ids(lines))

    def tick(self, lines: Sequence[Line]) -> None:
        """Keeps lines as bought, all or none."""
        self._database.write(
            f"UPDATE entries SET done = ? WHERE id IN ({_marks(lines)})", (self._clock(), *_ids(lines))
        )

    def clear(self, done_only: bool = False) -> int:
        """Empties the list, or takes off what was bought; returns how many entries that were."""
        return self._database.write(f"DELETE FROM entries{' WHERE done IS NOT NULL' if done_only else ''}").rowcount

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
                self._opened = Database(self._path, _MIGRATIONS, Thing("shopping list", "购物清单"))
            return self._opened


def clean(text: str) -> str:
    """What is kept of words, and may be sent: one line of at most `LONGEST` characters that can all be seen."""
    seen = _UNSEEN.sub("", text[: 10 * LONGEST]).encode("utf-8", "replace").decode()
    return cut(one_line(seen), LONGEST)


def _merged(lines: Sequence[Line]) -> Line:
    """One line of several of the same thing; without amounts they stay the one thing they were."""
    first = lines[0]
    if len(lines) == 1:
        return first
    most = max(lines, key=lambda line: line.amount.quantity or 0)
    quantity = sum(line.amount.quantity for line in lines if line.amount.quantity is not None) or None
    amount = Amount(most.amount.name, quantity, most.amount.unit, most.amount.said_unit)
    return Line(
        first.number,
        first.kind,
        first.text if quantity is None else amount.written(quantity),
        amount,
        tuple(line.said[0] for line in lines),
        most.query,
        tuple(line.number for line in lines),
        first.added,
        max((line.done for line in lines if line.done is not None), default=None),
    )


def _alike(text: str) -> str:
    """What two ways of saying the same thing have in common: "Lemon" and "lemons", "olive-oil" and "olive oil"."""
    from actions.matching import stem

    return " ".join(stem(word) for word in _WORD.findall(text.casefold())) or text


def _ids(lines: Sequence[Line]) -> list[int]:
    return [number for line in lines for number in line.ids]


def _marks(lines: Sequence[Line]) -> str:
    return ", ".join("?" * len(_ids(lines)))
