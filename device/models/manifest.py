"""The manifest in a model's folder: which files, how large, which sha256, from where. It lets a check work offline.

Also turns a staged folder into a visible model in one rename. Knows neither network nor table.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec

MANIFEST = "manifest.json"
_BLOCK = 1 << 20


class Entry(msgspec.Struct, frozen=True):
    """One file as it was when it was checked."""

    path: str
    size: int  # bytes
    sha256: str
    source: str  # where it came from, for people


class Manifest(msgspec.Struct, frozen=True):
    """What a model's folder holds."""

    model: str
    fetched: str  # UTC, ISO 8601
    files: tuple[Entry, ...]
    archive: str = ""  # sha256 of the archive the folder was unpacked from, empty when its files are pinned one by one


def sha256_of(path: Path, show: Callable[[int], None] = lambda done: None) -> str:
    """Of a file's bytes; `show` is told how many were read."""
    digest = hashlib.sha256()
    done = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            done += len(block)
            show(done)
    return digest.hexdigest()


def read(folder: Path) -> Manifest | None:
    """None when there is none or it cannot be read as one."""
    try:
        return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError):
        return None


def settle(stage: Path, target: Path, manifest: Manifest, attic: Path) -> None:
    """Makes the checked folder `stage` visible as `target`, durably and in one step; what was there before is removed.

    All on one file system. A crash leaves the old model, the new one, or none; never a half one.
    """
    (stage / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
    for path in sorted(stage.rglob("*"), reverse=True):
        _sync(path)
    _sync(stage)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(attic, ignore_errors=True)
    replaced = target.exists()
    if replaced:
        target.rename(attic)
    try:
        stage.rename(target)
    except OSError:
        if replaced:
            attic.rename(target)
        raise
    _sync(target.parent)
    shutil.rmtree(attic, ignore_errors=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
