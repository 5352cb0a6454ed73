"""The history: every turn, and every call with what came of it. It is also the outbox of the actions.

`SqliteJournal` survives a power cut at any moment; `MemoryJournal` forgets everything and is for simulations. Neither
ever sees a secret: calls and outcomes hold none.
"""

from __future__ import annotations

import re
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import msgspec

from actions.base import Outcome, Request
from actions.catalogue import FUNCTIONS, Call
from actions.errors import ActionError, DeviceError
from actions.outbox import BEGUN, KeptCall, cut_short
from agent.types import Decision
from device.database import Database
from device.owner import alive, own_name
from device.pictures import PictureFolder
from device.seams import Transcript, TurnRecord

if TYPE_CHECKING:
    import sqlite3

VERSION = 1
SCHEMA = """
CREATE TABLE IF NOT EXISTS turns (
    number INTEGER PRIMARY KEY, started REAL NOT NULL, lang TEXT NOT NULL, heard TEXT NOT NULL, spoken TEXT NOT NULL,
    image TEXT NOT NULL, error TEXT NOT NULL,
    transcript TEXT NOT NULL, decision TEXT NOT NULL, outcomes TEXT NOT NULL, ms TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS calls (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, started REAL NOT NULL, changed REAL NOT NULL,
    name TEXT NOT NULL, args TEXT NOT NULL, lang TEXT NOT NULL, said TEXT NOT NULL, image TEXT NOT NULL,
    state TEXT NOT NULL, spoken TEXT NOT NULL, detail TEXT NOT NULL, attempts INTEGER NOT NULL, owner TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS calls_by_state ON calls (state);
"""
_T = TypeVar("_T")
_UNSETTLED = ("waiting", "unknown")  # states of which a person may still say: again, or never mind
_OPEN = "state IN ('waiting', 'unknown', 'begun')"
_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")  # a key names a file and a message


class HistorySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What tako remembers."""

    folder: Path | None = None  # where the history is kept; left out: `history` in the folder of tako's data
    keep_pictures: Annotated[int, msgspec.Meta(ge=0)] = (
        0  # days that pictures are kept; 0: only as long as an action still needs them
    )


@dataclass(frozen=True)
class KeptTurn:
    """One turn of the history and its number."""

    number: int
    turn: TurnRecord


class SqliteJournal:
    """The history in one SQLite file, pictures beside it in `pictures/`."""

    def __init__(self, path: Path, keep_pictures: int = 0) -> None:
        """`keep_pictures` in days. Raises `DeviceError` when the history cannot be opened or made."""
        self._database = Database(path, SCHEMA, VERSION)
        self.pictures = PictureFolder(path.parent / "pictures", keep_pictures)
        self._me = own_name()
        self.pictures.tidy({_call(row).request.image for row in self._rows(_OPEN)})

    @property
    def notice(self) -> DeviceError | None:
        """What the user should hear about the history once: that it was damaged. Not raised, for tako goes on."""
        aside = self._database.set_aside
        if aside is None:
            return None
        return DeviceError(
            f"My history was damaged. I set it aside as {aside.name} and began a new one.",
            f"历史记录已损坏，旧的另存为 {aside.name}，已新建一个。",
        )

    def begin(self, request: Request) -> str:
        key = _key(request)
        if self._rows("key = ?", key):
            raise _kept_already(key)
        image = self.pictures.keep(request.image, key) if request.image else None
        now, call = time.time(), request.call
        added = self._database.write(
            "INSERT OR IGNORE INTO calls (key, started, changed, name, args, lang, said, image, state, spoken, detail, "
            "attempts, owner) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', 1, ?)",
            (key, now, now, call.name, _json(call.args), request.lang, request.text, str(image or ""), BEGUN, self._me),
        )
        if added.rowcount == 0:
            raise _kept_already(key)
        return key

    def end(self, key: str, outcome: Outcome) -> None:
        changed = self._database.write(
            "UPDATE calls SET state = ?, spoken = ?, detail = ?, changed = ?, owner = '' WHERE key = ?",
            (outcome.status, outcome.spoken, outcome.detail, time.time(), key),
        )
        if changed.rowcount == 0:
            raise KeyError(key)
        if outcome.status not in _UNSETTLED:
            self.pictures.release(key)

    def record(self, turn: TurnRecord) -> int:
        number = self._database.write(
            "INSERT INTO turns (started, lang, heard, spoken, image, error, transcript, decision, outcomes, ms) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                turn.started,
                turn.decision.lang if turn.decision else turn.transcript.lang,
                turn.transcript.text,
                turn.spoken,
                turn.image,
                turn.error,
                *map(_json, (turn.transcript, turn.decision, turn.outcomes, dict(turn.ms))),
            ),
        ).lastrowid
        assert number is not None
        return number

    def turns(self, limit: int = 20) -> tuple[KeptTurn, ...]:
        """The last turns, newest first."""
        rows = self._database.read("SELECT * FROM turns ORDER BY number DESC LIMIT ?", (limit,))
        return tuple(_turn(row) for row in rows)

    def calls(self, limit: int = -1) -> tuple[KeptCall, ...]:
        """The calls, newest first; -1: all."""
        rows = self._database.read("SELECT * FROM calls ORDER BY number DESC LIMIT ?", (limit,))
        return tuple(_call(row) for row in rows)

    def pending(self) -> tuple[KeptCall, ...]:
        kept = (_call(row) for row in self._rows(_OPEN))
        return tuple(call for call in kept if call.state != BEGUN)

    def resume(self, key: str, unknown: bool = False) -> Request:
        row = _only(self._rows("substr(key, 1, ?) = ?", len(key), key) if key else [], key)
        kept = _call(row)
        if kept.state != "waiting" and not (unknown and kept.state == "unknown"):
            raise _not_waiting(kept)
        if kept.request.image and not kept.request.image.is_file():
            raise ActionError("The picture of that request is gone.", "那个请求的照片不见了。")
        taken = self._database.write(
            "UPDATE calls SET state = ?, changed = ?, owner = ?, attempts = attempts + 1 "
            "WHERE key = ? AND state = ? AND owner = ?",  # still as it was read: of two who try, one gets it
            (BEGUN, time.time(), self._me, row["key"], row["state"], row["owner"]),
        )
        if taken.rowcount == 0:
            raise _not_waiting(replace(kept, state=BEGUN))
        return kept.request

    def close(self) -> None:
        self._database.close()

    def _rows(self, condition: str, *values: object) -> list[sqlite3.Row]:
        return self._database.read(f"SELECT * FROM calls WHERE {condition} ORDER BY number", values)


class MemoryJournal:
    """A history that lasts as long as the process."""

    notice: DeviceError | None = None

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[str, KeptCall] = {}
        self._turns: list[KeptTurn] = []

    def begin(self, request: Request) -> str:
        key = _key(request)
        with self._lock:
            if key in self._calls:
                raise _kept_already(key)
            self._calls[key] = KeptCall(replace(request, key=key), BEGUN, time.time(), 1)
        return key

    def end(self, key: str, outcome: Outcome) -> None:
        self._calls[key] = replace(self._calls[key], state=outcome.status, outcome=outcome)

    def record(self, turn: TurnRecord) -> int:
        self._turns.append(KeptTurn(len(self._turns) + 1, turn))
        return len(self._turns)

    def turns(self, limit: int = 20) -> tuple[KeptTurn, ...]:
        return tuple(reversed(self._turns[-limit:] if limit > 0 else []))

    def calls(self, limit: int = -1) -> tuple[KeptCall, ...]:
        newest = tuple(reversed(self._calls.values()))
        return newest if limit < 0 else newest[:limit]

    def pending(self) -> tuple[KeptCall, ...]:
        return tuple(kept for kept in self._calls.values() if kept.state in _UNSETTLED)

    def resume(self, key: str, unknown: bool = False) -> Request:
        with self._lock:
            kept = _only([kept for k, kept in self._calls.items() if key and k.startswith(key)], key)
            if kept.state != "waiting" and not (unknown and kept.state == "unknown"):
                raise _not_waiting(kept)
            self._calls[kept.request.key] = replace(kept, state=BEGUN, outcome=None, attempts=kept.attempts + 1)
        return kept.request

    def close(self) -> None:
        """Nothing to close."""


def _key(request: Request) -> str:
    key = request.key or uuid.uuid4().hex
    if not _KEY.fullmatch(key):
        raise ValueError(f"a key is 1 to 64 letters, digits, - or _, not {key!r}")
    return key


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _turn(row: sqlite3.Row) -> KeptTurn:
    turn = TurnRecord(
        started=row["started"],
        transcript=msgspec.json.decode(row["transcript"], type=Transcript),
        decision=msgspec.json.decode(row["decision"], type=Decision | None),
        outcomes=msgspec.json.decode(row["outcomes"], type=tuple[Outcome, ...]),
        spoken=row["spoken"],
        ms=msgspec.json.decode(row["ms"], type=dict[str, float]),
        image=row["image"],
        error=row["error"],
    )
    return KeptTurn(row["number"], turn)


def _call(row: sqlite3.Row) -> KeptCall:
    args: Mapping[str, str] = msgspec.json.decode(row["args"], type=dict[str, str])
    known = FUNCTIONS[row["name"]].argument_names if row["name"] in FUNCTIONS else tuple(args)
    call = Call(row["name"], {name: args.get(name, "") for name in known})
    image = Path(row["image"]) if row["image"] else None
    request = Request(call, row["lang"], row["said"], image, row["key"])
    state, outcome = row["state"], Outcome(row["state"], row["spoken"], row["detail"])
    if state == BEGUN and not alive(row["owner"]):
        state, outcome = "unknown", cut_short(row["lang"], "the program or the power ended in the midst of it")
    return KeptCall(request, state, row["started"], row["attempts"], None if state == BEGUN else outcome)


def _only(found: list[_T], key: str) -> _T:
    if not found:
        raise ActionError(f"There is no request {key} in the outbox.", f"发件箱里没有请求 {key}。")
    if len(found) > 1:
        raise ActionError(
            f"Several requests begin with {key}. Give more of it.", f"有多个请求以 {key} 开头，请多写几位。"
        )
    return found[0]


def _kept_already(key: str) -> ActionError:
    return ActionError(f"I have the request {key[:8]} already.", f"请求 {key[:8]} 已经有了。")


def _not_waiting(kept: KeptCall) -> ActionError:
    key = kept.request.key[:8]
    if kept.state == BEGUN:
        return ActionError(f"The request {key} is being carried out right now.", f"请求 {key} 正在执行。")
    if kept.state == "unknown":
        return ActionError(
            f"The request {key} may have been carried out already, so I don't repeat it by myself.",
            f"请求 {key} 可能已经完成，我不会自动重做。",
        )
    return ActionError(
        f"The request {key} is not waiting: it is {kept.state}.", f"请求 {key} 不在等待（{kept.state}）。"
    )
