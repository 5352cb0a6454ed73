"""Killed at random, again and again: does the outbox lose a call, or carry one out twice?

    python -m bench.outbox --rounds 200

A child process carries calls out against a counterpart in another process, which notes every delivery with its key in
a file of its own (fsync). The parent kills the child with SIGKILL at a random moment and starts another, which takes
up what the last one left. The counterpart says "later" now and then, and breaks the connection after it has noted.
Twice: once with a counterpart that honours idempotency keys, as some HTTP APIs do, once with one that does not, as
SMTP. Ends with 1 when something was lost or doubled.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import socket
import sqlite3
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from actions.base import Action, Outcome, Request
from actions.catalogue import make_call
from actions.errors import NotNow
from actions.outbox import BEGUN, carry_out, retry_waiting
from device.journal import SqliteJournal

CALLS = 8  # of each child
HELD_EVERY, GRACE = 4, 0.004  # every so many-th call is held back for so many seconds
LATER, BROKEN = 0.1, 0.1  # parts of the deliveries that are put off, and that are noted but never answered


@dataclass(frozen=True)
class Figures:
    """What came of one run."""

    rounds: int
    killed: int  # children that were killed before they had ended
    in_the_midst: int  # of them, while a call was being carried out
    accepted: int  # calls of which the child knew that they were kept
    kept: int  # calls in the outbox
    delivered: int  # calls that the counterpart has noted
    doubled: int  # of them, more than once
    lost: int  # accepted and not in the outbox; said to be done, and never noted; or left lying
    unknown: int  # calls of which the outbox says that nobody knows
    seconds: float


class Delivery:
    """An action that hands its key to the counterpart, as an adapter does."""

    name = "send_text"

    def __init__(self, port: int, idempotent: bool) -> None:
        self.idempotent = idempotent
        self._port = port

    def read_back(self, request: Request) -> str:
        return "Shall I?"

    def perform(self, request: Request) -> Outcome:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=10) as connection:
                connection.sendall(f"{request.key}\n".encode())
                answer = connection.recv(16)
        except ConnectionError:
            answer = b""
        if answer == b"later":
            raise NotNow("Later.")
        return Outcome("done", "Done.") if answer == b"ok" else Outcome("unknown", "Who knows.")


class Recording(SqliteJournal):
    """A journal that notes in another file which calls it said to have kept."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "history.sqlite")
        self._accepted = os.open(folder / "accepted", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def begin(self, request: Request, hold: float = 0.0) -> str:
        key = super().begin(request, hold)
        os.write(self._accepted, f"{key}\n".encode())
        return key


def serve(listener: socket.socket, noted: Path, idempotent: bool, seed: int) -> None:
    """The counterpart: notes each delivery durably, then answers; one connection after the other."""
    chance, known = random.Random(seed), set[str]()
    file = os.open(noted, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    while True:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.settimeout(1.0)
            key = connection.recv(128).decode()
            if not key.endswith("\n"):
                continue
            what = chance.random()
            time.sleep(chance.random() * 0.002)
            if what < LATER:
                connection.sendall(b"later")
                continue
            if not (idempotent and key in known):
                os.write(file, key.encode())
                os.fsync(file)
                known.add(key)
            time.sleep(chance.random() * 0.002)
            if what >= LATER + BROKEN:
                connection.sendall(b"ok")


def child(folder: Path, port: int, idempotent: bool, keys: list[str]) -> None:
    """What a gadget does after a start: takes up what was left, then carries out new calls."""
    journal, action = Recording(folder), Delivery(port, idempotent)
    actions: dict[str, Action] = {action.name: action}
    for _ in retry_waiting(journal, actions, all_now=True):
        pass
    for number, key in enumerate(keys):
        request = Request(make_call("send_text", "mom", key), "en", key=key)
        carry_out(journal, action, request, grace=GRACE if number % HELD_EVERY == 0 else 0.0)
    for _ in retry_waiting(journal, actions):
        pass


@contextlib.contextmanager
def counterpart(folder: Path, idempotent: bool, seed: int) -> Iterator[int]:
    """A counterpart in a process of its own; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = _fork(lambda: serve(listener, folder / "noted", idempotent, seed))
        try:
            yield int(listener.getsockname()[1])
        finally:
            os.kill(server, signal.SIGKILL)
            os.waitpid(server, 0)


def run(folder: Path, rounds: int, idempotent: bool, seed: int) -> Figures:
    """All rounds against one counterpart, and a last child that is not killed."""
    chance, killed, begun = random.Random(seed), 0, time.monotonic()
    in_the_midst: set[tuple[str, int]] = set()
    with counterpart(folder, idempotent, seed) as port:
        assert os.waitpid(_fork(lambda: child(folder, port, idempotent, _keys(0))), 0)[1] == 0, "the first child failed"
        whole = time.monotonic() - begun
        for number in range(1, rounds + 1):
            process = _fork(partial(child, folder, port, idempotent, _keys(number)))
            time.sleep(chance.random() * whole)
            os.kill(process, signal.SIGKILL)
            if os.WIFSIGNALED(os.waitpid(process, 0)[1]):
                killed += 1
                in_the_midst |= _states(folder)[BEGUN]
        for _ in range(50):  # "later" may come again
            last = _fork(lambda: child(folder, port, idempotent, []))
            assert os.waitpid(last, 0)[1] == 0, "the last child failed"
            states = _states(folder)
            if not (states["waiting"] or (idempotent and (states[BEGUN] or states["unknown"]))):
                break
    return _figures(folder, idempotent, rounds, killed, len(in_the_midst), time.monotonic() - begun)


def _figures(folder: Path, idempotent: bool, rounds: int, killed: int, in_the_midst: int, seconds: float) -> Figures:
    journal = SqliteJournal(folder / "history.sqlite")
    states = {kept.request.key: kept.state for kept in journal.calls()}
    journal.close()
    noted = Counter((folder / "noted").read_text().split())
    accepted = set((folder / "accepted").read_text().split())
    settled = ("done",) if idempotent else ("done", "unknown")
    lost = len(accepted - set(states)) + sum(
        state not in settled or (state == "done" and not noted[key]) for key, state in states.items()
    )
    return Figures(
        rounds,
        killed,
        in_the_midst,
        accepted=len(accepted),
        kept=len(states),
        delivered=len(noted),
        doubled=sum(times > 1 for times in noted.values()),
        lost=lost,
        unknown=sum(state == "unknown" for state in states.values()),
        seconds=round(seconds, 1),
    )


def _states(folder: Path) -> dict[str, set[tuple[str, int]]]:
    """State to the calls (key and attempts) in it on the disk, where a dead process's are still begun."""
    states: dict[str, set[tuple[str, int]]] = defaultdict(set)
    with contextlib.closing(sqlite3.connect(folder / "history.sqlite", timeout=10)) as database:
        for key, attempts, state in database.execute("SELECT key, attempts, state FROM calls"):
            states[state].add((key, attempts))
    return states


def _keys(number: int) -> list[str]:
    return [f"call-{number}-{i}" for i in range(CALLS)]


def _fork(work: Callable[[], None]) -> int:
    """Runs it in a process of its own and returns its id."""
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        work()
        code = 0
    except BaseException:  # noqa: BLE001 - nothing of the parent's may run in the child
        traceback.print_exc()
    finally:
        os._exit(code)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON object for each counterpart")
    options = parser.parse_args()
    good = True
    for name, idempotent in (("honours keys", True), ("does not", False)):
        with tempfile.TemporaryDirectory() as folder:
            figures = run(Path(folder), options.rounds, idempotent, options.seed)
        good = good and not (figures.lost or figures.doubled)
        row = {"counterpart": name, **asdict(figures)}
        print(json.dumps(row) if options.json else "  ".join(f"{k} {v}" for k, v in row.items()), flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
