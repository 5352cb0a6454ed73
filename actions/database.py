"""One SQLite file of tako's own: opens it safely, brings an older one up to date, sets a damaged one aside, turns
SQLite's errors into sentences.

Knows SQLite and the disk; knows nothing of what is kept (`device.journal`, `actions.times.reminders`).
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actions.errors import DeviceError

log = logging.getLogger(__name__)
BUSY_SECONDS = 5.0  # how long another process may hold the file
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_SIDE_FILES = ("", "-wal", "-shm")
Migration = tuple[str, ...]  # the statements that bring a file from one version to the next


@dataclass(frozen=True)
class Thing:
    """What is kept in a file, as it is called in a sentence: "my history is ..."."""

    en: str = "history"
    zh: str = "历史记录"


HISTORY = Thing()


class Database:
    """One connection, used by one thread at a time; every write is on the disk when `write` returns."""

    def __init__(self, path: Path, migrations: Sequence[Migration], thing: Thing = HISTORY) -> None:
        """Opens or makes the file. A damaged one is set aside whole under a new name (`set_aside`) and a new one begun.

        migrations: the first makes version 1 of an empty file, the second version 2 of version 1, and so on.
        Raises `DeviceError` when the place cannot be written to, or the file was made by a newer tako.
        """
        self.path = path
        self.thing = thing
        self.set_aside: Path | None = None
        self._lock = threading.RLock()
        with told(path, thing):
            mode = private_folder(path.parent)
            try:
                self._connection = _open(path, mode, migrations, thing)
            except sqlite3.DatabaseError as error:
                if _code(error) not in _DAMAGED:
                    raise
                self.set_aside = _set_aside(path)
                log.error("the %s was damaged (%s); it is set aside as %s", thing.en, error, self.set_aside)
                self._connection = _open(path, mode, migrations, thing)

    def read(self, sql: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        with self._lock, told(self.path, self.thing):
            return self._connection.execute(sql, values).fetchall()

    def write(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Carries out one statement, whole and durably or not at all."""
        with self._lock, told(self.path, self.thing):
            return self._connection.execute(sql, values)

    @property
    def notice(self) -> DeviceError | None:
        """What the user should hear about the file once: that it was damaged. Not raised, for tako goes on."""
        if self.set_aside is None:
            return None
        return DeviceError(
            f"My {self.thing.en} was damaged. I set it aside as {self.set_aside.name} and began a new one.",
            f"{self.thing.zh}已损坏，旧的另存为 {self.set_aside.name}，已新建一个。",
        )

    def close(self) -> None:
        with self._lock:
            self._connection.close()


@contextlib.contextmanager
def told(path: Path, thing: Thing = HISTORY) -> Iterator[None]:
    """Turns errors of SQLite and of the disk into a `DeviceError` that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise _sentence(_code(error), path, thing, str(error)) from error
    except OSError as error:
        raise _sentence(_OS_CODES.get(error.errno or 0, 0), path, thing, error.strerror or str(error)) from error


_OS_CODES = {
    28: sqlite3.SQLITE_FULL,
    122: sqlite3.SQLITE_FULL,
    30: sqlite3.SQLITE_READONLY,
    13: sqlite3.SQLITE_READONLY,
}


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; 0 for an error of the Python module itself."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _sentence(code: int, path: Path, thing: Thing, why: str) -> DeviceError:
    en, zh = thing.en, thing.zh
    if code == sqlite3.SQLITE_FULL:
        return DeviceError(
            "The disk is full, so I cannot keep this. What was kept is still there. Please free some space.",
            "磁盘已满，无法保存。以前的记录还在，请清理一些空间。",
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_AUTH):
        return DeviceError(
            f"I may not write to my {en} in {path.parent}. Check that folder and its owner.",
            f"无法写入{zh} {path.parent}，请检查该文件夹的权限。",
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return DeviceError(
            f"Another program is holding my {en}. Please try again in a moment.", f"{zh}正被占用，请稍后再试。"
        )
    if code in _DAMAGED:
        return DeviceError(
            f"My {en} is damaged. Start me again: I will set it aside and begin a new one.",
            f"{zh}已损坏。重新启动后，我会把旧的另存并新建一个。",
        )
    return DeviceError(f"I cannot use my {en} in {path}: {why}.", f"无法使用{zh} {path}：{why}。")


def private_folder(folder: Path) -> int:
    """Makes the folder where it is missing, and returns the mode of files in it: messages are private.

    Below a folder with the set-group-id bit, as the service's is, they are the group's as well: whoever is in it
    may look at the history of the gadget.
    """
    there = folder
    while not there.exists():
        there = there.parent
    shared = bool(there.stat().st_mode & stat.S_ISGID)
    folder.mkdir(mode=0o770 if shared else 0o700, parents=True, exist_ok=True)
    return 0o660 if shared else 0o600


def _open(path: Path, mode: int, migrations: Sequence[Migration], thing: Thing) -> sqlite3.Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, mode))
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        if (found := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            damage = sqlite3.DatabaseError(found)
            damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise damage
        if _version(connection) != len(migrations):
            _migrate(connection, migrations, path, thing)
    except BaseException:
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection, migrations: Sequence[Migration], path: Path, thing: Thing) -> None:
    """Brings the file up to date in one transaction; of two processes who try, one does it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        made_by = _version(connection)
        if made_by > len(migrations):
            raise DeviceError(
                f"The {thing.en} in {path} was made by a newer tako. Please update tako.",
                f"{thing.zh} {path} 由更新版本的 tako 创建，请升级 tako。",
            )
        for statements in migrations[made_by:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version={len(migrations)}")
    except BaseException:
        if connection.in_transaction:  # a full disk ends it by itself
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _set_aside(path: Path) -> Path:
    """Renames the file and what belongs to it; nothing is deleted and nothing overwritten."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    names = (f"{path.name}.damaged-{stamp}{f'-{i}' if i else ''}" for i in range(1000))
    aside = next(path.with_name(name) for name in names if not path.with_name(name).exists())
    for side in _SIDE_FILES:
        source = path.with_name(path.name + side)
        if source.exists():
            source.rename(aside.with_name(aside.name + side))
    return aside
