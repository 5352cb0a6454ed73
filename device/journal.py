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
from actions.database import Database
from actions.errors import ActionError, DeviceError
from actions.outbox import BEGUN, KeptCall, backoff, cut_short
from actions.times.clock import Clock, Instant, now
from agent.types import Decision
from device.owner import alive, own_name
from device.pictures import PictureFolder
from device.seams import Transcript, TurnRecord

if TYPE_CHECKING:
    import sqlite3

MIGRATIONS = (
    (
        """CREATE TABLE IF NOT EXISTS turns (
        number INTEGER PRIMARY KEY, started REAL NOT NULL, lang TEXT NOT NULL, heard TEXT NOT NULL,
        spoken TEXT NOT NULL, image TEXT NOT NULL, error TEXT NOT NULL,
        transcript TEXT NOT NULL, decision TEXT NOT NULL, outcomes TEXT NOT NULL, ms TEXT NOT NULL)""",
        """CREATE TABLE IF NOT EXISTS calls (
        number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, started REAL NOT NULL, changed REAL NOT NULL,
        name TEXT NOT NULL, args TEXT NOT NULL, lang TEXT NOT NULL, said TEXT NOT NULL, image TEXT NOT NULL,
        state TEXT NOT NULL, spoken TEXT NOT NULL, detail TEXT NOT NULL, attempts INTEGER NOT NULL,
        owner TEXT NOT NULL)""",
        "CREATE INDEX IF NOT EXISTS calls_by_state ON calls (state)",
    ),
    (  # `Request.answers`; of the last change: when it was since which boot, how long to wait from it, how old at it
        "ALTER TABLE calls ADD COLUMN answers TEXT NOT NULL DEFAULT '{}'",
        "ALTER TABLE calls ADD COLUMN boot TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE calls ADD COLUMN running REAL NOT NULL DEFAULT 0",
        "ALTER TABLE calls ADD COLUMN delay REAL NOT NULL DEFAULT 0",
        "ALTER TABLE calls ADD COLUMN age REAL NOT NULL DEFAULT 0",
    ),
)
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

    def __init__(self, path: Path, keep_pictures: int = 0, clock: Clock = now) -> None:
        """`keep_pictures` in days. Raises `DeviceError` when the history cannot be opened or made."""
        self._database = Database(path, MIGRATIONS)
        self._clock = clock
        self.pictures = PictureFolder(path.parent / "pictures", keep_pictures)
        self._me = own_name()
        self.pictures.tidy({self._call(row).request.image for row in self._rows(_OPEN)})

    @property
    def notice(self) -> DeviceError | None:
        """What the user should hear about the history once: that it was damaged."""
        return self._database.notice

    def begin(self, request: Request, hold: float = 0.0) -> str:
        key = _key(request)
        if self._rows("key = ?", key):
            raise _kept_already(key)
        image = self.pictures.keep(request.image, key) if request.image else None
        moment, call = self._clock(), request.call
        state, attempts, owner = ("waiting", 0, "") if hold else (BEGUN, 1, self._me)
        added = self._database.write(
            "INSERT OR IGNORE INTO calls (key, started, changed, boot, running, name, args, lang, said, image, "
            "answers, state, spoken, detail, attempts, owner, delay) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', ?, ?, ?)",
            (
                key,
                *(moment.wall, moment.wall, moment.boot, moment.running),
                *(call.name, _json(call.args), request.lang, request.text, str(image or ""), _json(request.answers)),
                *(state, attempts, owner, hold),
            ),
        )
        if added.rowcount == 0:
            raise _kept_already(key)
        return key

    def end(self, key: str, outcome: Outcome) -> None:
        rows = self._rows("key = ?", key)
        if not rows or not self._change(rows[0], outcome.status, outcome, delay=_delay(outcome, rows[0]["attempts"])):
            raise KeyError(key)
        self._release(key, outcome)

    def settle(self, kept: KeptCall, outcome: Outcome) -> None:
        row = _only(self._rows("key = ?", kept.request.key), kept.request.key)
        found = self._call(row)
        if found.state != kept.state or found.attempts != kept.attempts or found.state not in _UNSETTLED:
            raise _not_waiting(found)
        if not self._change(row, outcome.status, outcome):
            raise _not_waiting(replace(found, state=BEGUN))
        self._release(kept.request.key, outcome)

    def postpone(self, key: str, seconds: float) -> None:
        for row in self._rows("key = ? AND state = 'waiting'", key):
            self._change(row, "waiting", self._call(row).outcome, delay=seconds)

    def _change(
        self, row: sqlite3.Row, state: str, outcome: Outcome | None = None, owner: str = "", delay: float = 0.0
    ) -> bool:
        """Gives the call a new state; whether it still was as in `row`, so that of two who try, one gets it."""
        moment = self._clock()
        changed = self._database.write(
            "UPDATE calls SET state = ?, spoken = ?, detail = ?, owner = ?, delay = ?, attempts = attempts + ?, "
            "age = ?, changed = ?, boot = ?, running = ? "
            "WHERE key = ? AND state = ? AND owner = ? AND attempts = ? AND changed = ? AND running = ?",
            (
                *(state, outcome.spoken if outcome else "", outcome.detail if outcome else "", owner, delay),
                *(int(state == BEGUN), _age(row, moment), moment.wall, moment.boot, moment.running),
                *(row["key"], row["state"], row["owner"], row["attempts"], row["changed"], row["running"]),
            ),
        )
        return changed.rowcount == 1

    def _release(self, key: str, outcome: Outcome) -> None:
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
        return tuple(self._call(row) for row in rows)

    def pending(self) -> tuple[KeptCall, ...]:
        kept = (self._call(row) for row in self._rows(_OPEN))
        return tuple(call for call in kept if call.state != BEGUN)

    def find(self, key: str) -> KeptCall:
        return self._call(self._row(key))

    def resume(self, key: str, unknown: bool = False) -> Request:
        row = self._row(key)
        kept = self._call(row)
        if kept.state != "waiting" and not (unknown and kept.state == "unknown"):
            raise _not_waiting(kept)
        if kept.request.image and not kept.request.image.is_file():
            raise ActionError("The picture of that request is gone.", "那个请求的照片不见了。")
        if not self._change(row, BEGUN, owner=self._me):
            raise _not_waiting(replace(kept, state=BEGUN))
        return kept.request

    def close(self) -> None:
        self._database.close()

    def _row(self, key: str) -> sqlite3.Row:
        return _only(self._rows("substr(key, 1, ?) = ?", len(key), key) if key else [], key)

    def _call(self, row: sqlite3.Row) -> KeptCall:
        args: Mapping[str, str] = msgspec.json.decode(row["args"], type=dict[str, str])
        known = FUNCTIONS[row["name"]].argument_names if row["name"] in FUNCTIONS else tuple(args)
        call = Call(row["name"], {name: args.get(name, "") for name in known})
        image = Path(row["image"]) if row["image"] else None
        answers = msgspec.json.decode(row["answers"], type=dict[str, str])
        request = Request(call, row["lang"], row["said"], image, row["key"], answers=answers)
        state, outcome = row["state"], Outcome(row["state"], row["spoken"], row["detail"])
        if state == BEGUN and not alive(row["owner"]):
            state, outcome = "unknown", cut_short(row["lang"], "the program or the power ended in the midst of it")
        moment = self._clock()
        return KeptCall(
            request,
            state,
            row["started"],
            row["attempts"],
            None if state == BEGUN or not outcome.spoken else outcome,
            wait=_wait(row, moment),
            age=_age(row, moment),
        )

    def _rows(self, condition: str, *values: object) -> list[sqlite3.Row]:
        return self._database.read(f"SELECT * FROM calls WHERE {condition} ORDER BY number", values)


@dataclass(frozen=True)
class _Held:
    """A call in memory, and the times around it."""

    call: KeptCall
    begun: Instant
    changed: Instant
    delay: float  # seconds from the change until it is due


class MemoryJournal:
    """A history that lasts as long as the process."""

    notice: DeviceError | None = None

    def __init__(self, clock: Clock = now) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str, _Held] = {}
        self._turns: list[KeptTurn] = []

    def begin(self, request: Request, hold: float = 0.0) -> str:
        key = _key(request)
        with self._lock:
            if key in self._kept:
                raise _kept_already(key)
            state, attempts = ("waiting", 0) if hold else (BEGUN, 1)
            kept = KeptCall(replace(request, key=key), state, time.time(), attempts)
            self._kept[key] = _Held(kept, self._clock(), self._clock(), hold)
        return key

    def end(self, key: str, outcome: Outcome) -> None:
        with self._lock:
            kept = self._kept[key].call
            self._put(replace(kept, state=outcome.status, outcome=outcome), _delay(outcome, kept.attempts))

    def settle(self, kept: KeptCall, outcome: Outcome) -> None:
        with self._lock:
            found = self._kept[kept.request.key].call
            if found.state != kept.state or found.attempts != kept.attempts or found.state not in _UNSETTLED:
                raise _not_waiting(found)
            self._put(replace(found, state=outcome.status, outcome=outcome))

    def postpone(self, key: str, seconds: float) -> None:
        with self._lock:
            if self._kept[key].call.state == "waiting":
                self._put(self._kept[key].call, seconds)

    def record(self, turn: TurnRecord) -> int:
        self._turns.append(KeptTurn(len(self._turns) + 1, turn))
        return len(self._turns)

    def turns(self, limit: int = 20) -> tuple[KeptTurn, ...]:
        return tuple(reversed(self._turns[-limit:] if limit > 0 else []))

    def calls(self, limit: int = -1) -> tuple[KeptCall, ...]:
        newest = tuple(self._read(held) for held in reversed(self._kept.values()))
        return newest if limit < 0 else newest[:limit]

    def pending(self) -> tuple[KeptCall, ...]:
        return tuple(self._read(held) for held in [*self._kept.values()] if held.call.state in _UNSETTLED)

    def find(self, key: str) -> KeptCall:
        return self._read(_only([held for k, held in self._kept.items() if key and k.startswith(key)], key))

    def resume(self, key: str, unknown: bool = False) -> Request:
        with self._lock:
            kept = self.find(key)
            if kept.state != "waiting" and not (unknown and kept.state == "unknown"):
                raise _not_waiting(kept)
            self._put(replace(kept, state=BEGUN, outcome=None, attempts=kept.attempts + 1))
        return kept.request

    def _put(self, call: KeptCall, delay: float = 0.0) -> None:
        held = self._kept[call.request.key]
        self._kept[call.request.key] = _Held(call, held.begun, self._clock(), delay)

    def _read(self, held: _Held) -> KeptCall:
        moment = self._clock()
        return replace(held.call, wait=max(held.delay - moment.since(held.changed), 0.0), age=moment.since(held.begun))

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


def _delay(outcome: Outcome, attempts: int) -> float:
    """Seconds to wait before it may be tried again."""
    return backoff(attempts) if outcome.status in _UNSETTLED else 0.0


def _changed(row: sqlite3.Row) -> Instant:
    return Instant(row["changed"], row["boot"], row["running"])


def _age(row: sqlite3.Row, moment: Instant) -> float:
    """Seconds since the call was first kept: added up from change to change, so that a clock that jumps within a boot
    adds nothing."""
    return float(row["age"]) + moment.since(_changed(row))


def _wait(row: sqlite3.Row, moment: Instant) -> float:
    """Seconds until it is due. After a boot with a clock that is behind nobody can know: it is due."""
    if row["boot"] != moment.boot and moment.wall < row["changed"]:
        return 0.0
    return max(float(row["delay"]) - moment.since(_changed(row)), 0.0)


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
