"""The file of the history: opens it safely, sets a damaged one aside, turns SQLite's errors into sentences.

Knows SQLite and the disk; knows neither turns nor calls (`device.journal`).
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
from pathlib import Path
from typing import Any

from actions.errors import DeviceError

log = logging.getLogger(__name__)
BUSY_SECONDS = 5.0  # how long another process may hold the file
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_SIDE_FILES = ("", "-wal", "-shm")


class Database:
    """One connection, used by one thread at a time; every write is on the disk when `write` returns."""

    def __init__(self, path: Path, schema: str, version: int) -> None:
        """Opens or makes the file. A damaged one is set aside whole under a new name (`set_aside`) and a new one begun.

        Raises `DeviceError` when the place cannot be written to, or the file was made by a newer tako.
        """
        self.path = path
        self.set_aside: Path | None = None
        self._lock = threading.RLock()
        with told(path):
            mode = private_folder(path.parent)
            try:
                self._connection = _open(path, mode, schema, version)
            except sqlite3.DatabaseError as error:
                if _code(error) not in _DAMAGED:
                    raise
                self.set_aside = _set_aside(path)
                log.error("the history was damaged (%s); it is set aside as %s", error, self.set_aside)
                self._connection = _open(path, mode, schema, version)

    def read(self, sql: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        with self._lock, told(self.path):
            return self._connection.execute(sql, values).fetchall()

    def write(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Carries out one statement, whole and durably or not at all."""
        with self._lock, told(self.path):
            return self._connection.execute(sql, values)

    def close(self) -> None:
        with self._lock:
            self._connection.close()


@contextlib.contextmanager
def told(path: Path) -> Iterator[None]:
    """Turns errors of SQLite and of the disk into a `DeviceError` that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise _sentence(_code(error), path, str(error)) from error
    except OSError as error:
        raise _sentence(_OS_CODES.get(error.errno or 0, 0), path, error.strerror or str(error)) from error


_OS_CODES = {
    28: sqlite3.SQLITE_FULL,
    122: sqlite3.SQLITE_FULL,
    30: sqlite3.SQLITE_READONLY,
    13: sqlite3.SQLITE_READONLY,
}


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; 0 for an error of the Python module itself."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _sentence(code: int, path: Path, why: str) -> DeviceError:
    if code == sqlite3.SQLITE_FULL:
        return DeviceError(
            "The disk is full, so I cannot keep this. What was kept is still there. Please free some space.",
            "磁盘已满，无法保存。以前的记录还在，请清理一些空间。",
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_AUTH):
        return DeviceError(
            f"I may not write to my history in {path.parent}. Check that folder and its owner.",
            f"无法写入历史记录 {path.parent}，请检查该文件夹的权限。",
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return DeviceError(
            "Another program is holding my history. Please try again in a moment.", "历史记录正被占用，请稍后再试。"
        )
    if code in _DAMAGED:
        return DeviceError(
            "My history is damaged. Start me again: I will set it aside and begin a new one.",
            "历史记录已损坏。重新启动后，我会另存旧记录并新建一个。",
        )
    return DeviceError(f"I cannot use my history in {path}: {why}.", f"无法使用历史记录 {path}：{why}。")


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


def _open(path: Path, mode: int, schema: str, version: int) -> sqlite3.Connection:
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
        made_by = connection.execute("PRAGMA user_version").fetchone()[0]
        if made_by > version:
            raise DeviceError(
                f"The history in {path} was made by a newer tako. Please update tako.",
                f"历史记录 {path} 由更新版本的 tako 创建，请升级 tako。",
            )
        if made_by < version:
            connection.executescript(f"BEGIN IMMEDIATE; {schema} PRAGMA user_version={version}; COMMIT;")
    except BaseException:
        connection.close()
        raise
    return connection


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
