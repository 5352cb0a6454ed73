"""Where tako's log is: in the system's journal, or in a file that somebody lets it write. Reads it, and follows it.

Knows journalctl and files, nothing of what the lines say.
"""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from actions.errors import DeviceError, InputError

UNIT = "tako.service"
POLL = 0.5  # seconds between two looks at a file that is followed
_REFUSED = ("insufficient permissions", "not seeing messages from other users")  # as journalctl puts it


def journal(lines: int, since: str = "", json: bool = False) -> Iterator[str]:
    """The last lines of the unit's journal, oldest first; with `json`, each as journalctl's JSON object.

    since: as journalctl takes it ("1 hour ago"). Raises `DeviceError` when there is no journal or this user may not
    read it, `InputError` when it does not take what was asked.
    """
    done = subprocess.run(_journalctl(lines, since, json), capture_output=True, text=True, check=False)
    entries = [line for line in done.stdout.splitlines() if not line.startswith("-- ")]
    if not entries and any(words in done.stderr for words in _REFUSED):
        raise DeviceError(
            "You may not read the system's log: sudo usermod -aG systemd-journal $USER, then log in again.",
            "您无权读取系统日志：请运行 sudo usermod -aG systemd-journal $USER，然后重新登录。",
        )
    if done.returncode and not entries and done.stderr.strip():
        why = done.stderr.strip().splitlines()[-1].rstrip(".")
        raise InputError(f"The system's log does not answer: {why}.", f"系统日志无法读取：{why}。")
    yield from entries


def follow_journal(json: bool = False) -> Iterator[str]:
    """What comes from now on, line by line, until the process is stopped. Raises as `journal`."""
    command = [*_journalctl(0, "", json), "--follow"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if not line.startswith("-- "):
                    yield line.rstrip("\n")
        finally:
            process.terminate()


def _journalctl(lines: int, since: str, json: bool) -> Sequence[str]:
    if not shutil.which("journalctl"):
        raise DeviceError(
            "This system has no journal. If tako writes its log to a file, name it: tako logs --file PATH.",
            "这个系统没有日志服务。如果 tako 的日志在文件里，请用 tako logs --file 路径。",
        )
    form = "json" if json else "short-iso"
    command = ["journalctl", f"--unit={UNIT}", "--no-pager", f"--lines={lines}", f"--output={form}"]
    return [*command, *([f"--since={since}"] if since else [])]


def tail(path: Path, lines: int) -> Iterator[str]:
    """The last lines of a file. Raises `InputError` when it cannot be read."""
    with _opened(path), path.open(encoding="utf-8", errors="replace") as file:
        last = deque(file, maxlen=lines)
    yield from (line.rstrip("\n") for line in last)


def follow(path: Path, stopped: threading.Event) -> Iterator[str]:
    """What is written to a file from now on, line by line, also when it is replaced or begun anew. Raises
    `InputError` when it is not there to begin with."""
    with _opened(path):
        at, node = path.stat().st_size, path.stat().st_ino
    rest = ""
    while not stopped.wait(POLL):
        try:
            now = path.stat()
            if now.st_ino != node or now.st_size < at:
                at, node, rest = 0, now.st_ino, ""
            with path.open("rb") as file:
                file.seek(at)
                new = file.read()
        except OSError:  # it is being replaced: the next look finds the new one
            continue
        at += len(new)
        *whole, rest = (rest + new.decode("utf-8", "replace")).split("\n")
        yield from whole


class _opened:  # noqa: N801  a context manager, read as a verb
    """Turns what the system says of a file into a sentence."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise InputError(
                f"I cannot read {self._path}: {error.strerror}.", f"读不了 {self._path}：{error.strerror}。"
            ) from error
