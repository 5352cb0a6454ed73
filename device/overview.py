"""How tako is doing, gathered in one value: what it does now, its models, what waits, the board, the last turns.

Asks the running tako through its control socket, and systemd about the service; what does not answer is told as such
and keeps nothing else from being told. Changes nothing.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from actions.errors import TakoError
from actions.outbox import KeptCall
from device import board
from device.board import Board
from device.control import ask, socket_path
from device.journal import KeptTurn, SqliteJournal
from device.models import Status

UNIT = "tako.service"
SYSTEM_SOCKET = Path("/run/tako/control")  # of the service, where `socket_path` names another
_PROPERTIES = ("LoadState", "ActiveState", "SubState", "NRestarts", "Result", "MemoryCurrent", "StatusText")
_WAIT = 5.0  # seconds for systemd and for the running tako to answer


@dataclass(frozen=True)
class Service:
    """The service, as systemd sees it."""

    state: str  # "active (running)", "failed (exit-code)"; empty where there is no such unit, or no systemd
    restarts: int = 0  # since it was last started by hand
    memory: int | None = None  # bytes, all its processes together
    note: str = ""  # what it last told systemd


@dataclass(frozen=True)
class Overview:
    """Everything on one screen."""

    running: Mapping[str, Any]  # `device.control.Standing`; empty when no tako runs here
    why_not: str  # why nobody answered, in the language asked for; empty when somebody did
    service: Service
    recogniser: str  # which one would be taken, and why; or why there is none
    models: Sequence[Status]  # those that are here, and those that something is wrong with
    queue: Sequence[KeptCall]  # oldest first
    board: Board
    turns: Sequence[KeptTurn]  # newest first
    problems: Sequence[str] = field(default=())  # what could not be looked at


def gather(
    journal: Callable[[], SqliteJournal],
    models: Callable[[], Sequence[Status]],
    recogniser: Callable[[], str],
    turns: int = 5,
    lang: str = "en",
    look: Callable[[], Board] = board.look,
    run: Callable[..., str] | None = None,
) -> Overview:
    """`lang`: of its sentences; `look`, `run`: how the board and programs are asked."""
    running, why_not = _running(lang)
    problems: list[str] = []
    queue: Sequence[KeptCall] = ()
    last: Sequence[KeptTurn] = ()
    try:
        kept = journal()
        try:
            queue, last = kept.pending(), kept.turns(turns)
        finally:
            kept.close()
    except TakoError as error:
        problems.append(error.spoken(lang))
    try:
        hears = recogniser()
    except TakoError as error:
        hears = error.spoken(lang)
    return Overview(
        running=running,
        why_not=why_not,
        service=service(run or _output),
        recogniser=hears,
        models=[status for status in models() if status.state != "missing"],
        queue=queue,
        board=look(),
        turns=last,
        problems=problems,
    )


def service(run: Callable[..., str]) -> Service:
    """What systemd says. `run`: prints what a program prints, empty when it cannot."""
    told = run("systemctl", "show", UNIT, f"--property={','.join(_PROPERTIES)}")
    found = dict(line.split("=", 1) for line in told.splitlines() if "=" in line)
    if found.get("LoadState") != "loaded":
        return Service("")
    failed = found.get("Result", "success")
    detail = failed if failed != "success" else found.get("SubState", "")
    memory = found.get("MemoryCurrent", "")
    restarts = found.get("NRestarts", "")
    return Service(
        f"{found.get('ActiveState', '')} ({detail})",
        int(restarts) if restarts.isdigit() else 0,
        int(memory) if memory.isdigit() and int(memory) < 1 << 62 else None,  # "[not set]", or 2^64 - 1
        found.get("StatusText", ""),
    )


def _running(lang: str) -> tuple[Mapping[str, Any], str]:
    """What the running tako says of itself, and why it does not."""
    path = socket_path()
    if not path.exists() and SYSTEM_SOCKET.exists():
        path = SYSTEM_SOCKET
    try:
        return ask(path, {"do": "state"}, _WAIT), ""
    except TakoError as error:
        return {}, error.spoken(lang)


def _output(*command: str) -> str:
    if not shutil.which(command[0]):
        return ""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=_WAIT, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
