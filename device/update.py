"""A new release of tako beside the old one: bring it, look at it, switch to it, go back when it does not live.

    PREFIX/releases/3             a release, a virtual environment
    PREFIX/venv -> releases/3     the one that runs; unit and command go through this link
    PREFIX/previous -> releases/2 the one to go back to
    PREFIX/unproven               there until the new one has shown that it lives: for `finish`, after a power cut
    TAKO_HOME/models.before       the models as they were, hard links, meanwhile

Knows pip, systemctl and the control socket; nothing of what a release does.
"""

from __future__ import annotations

import fcntl
import importlib.util
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from actions.errors import ActionError, DeviceError, InputError, TakoError
from device.control import ask

log = logging.getLogger(__name__)
KEPT = 2  # releases: the one that runs and the one before
_WHEEL = re.compile(r"tako-(\d[^-]*)-.*\.whl")
_MINUTES = 60.0


@dataclass(frozen=True)
class Place:
    """Where tako is installed, and how it is run there."""

    prefix: Path  # /opt/tako
    home: Path  # TAKO_HOME of the service
    config: Path  # TAKO_CONFIG of the service
    socket: Path  # its control socket
    user: str = "tako"  # whose the models are; taken on only by root
    unit: str = "tako.service"
    systemctl: str = "systemctl"
    living: float = 20.0  # seconds for which a new release must have lived
    patience: float = 120.0  # seconds in which it must answer after its start

    @property
    def releases(self) -> Path:
        return self.prefix / "releases"


@dataclass(frozen=True)
class Source:
    """What pip is to install."""

    path: Path  # a wheel, or a project's folder
    version: str
    beside: Path | None = None  # a folder whose wheels pip may take for what tako needs


def source_of(path: Path) -> Source:
    """A wheel of tako; a folder of wheels, of which the newest is taken; or tako's own folder, as git has it.

    tako is no package of the public index: what has its name there is somebody else's. Raises `InputError`.
    """
    if path.is_dir() and (path / "pyproject.toml").is_file():
        project = _project(path / "pyproject.toml")
        if project.get("name") == "tako" and isinstance(project.get("version"), str):
            return Source(path.resolve(), str(project["version"]))
    elif path.is_dir():
        wheels = [wheel for wheel in path.glob("tako-*.whl") if _WHEEL.fullmatch(wheel.name)]
        if wheels:
            newest = max(wheels, key=lambda wheel: _order(_version(wheel)))
            return Source(newest.resolve(), _version(newest), path.resolve())
    elif path.is_file() and _WHEEL.fullmatch(path.name):
        return Source(path.resolve(), _version(path), path.resolve().parent)
    raise InputError(
        f"{path} is no release of tako: neither a wheel of it, nor a folder with one, nor its source.",
        f"{path} 不是 tako 的发行版：既不是 wheel 文件，也不是含有它的文件夹或源代码。",
    )


def update(
    source: Source, place: Place, say: Callable[[str], None] = lambda text: None, force: bool = False
) -> str | None:
    """Brings the release, switches to it and gives the version that ran before; None when it runs already.

    Raises `DeviceError` when it cannot be brought, `ActionError` when it is worse than the old one, which then runs on.
    """
    with _alone(place):
        _no_other(place)
        old = current(place)
        before = _installed_version(old)
        if source.version == before and not force:
            return None
        _tidy(place, {old, _linked(place.prefix / "previous")})
        say(f"Brings release {source.version} beside {before}.")
        new = _bring(source, place)
        _write(place.prefix / "unproven", json.dumps({"from": old.name, "to": new.name}))
        try:
            say("Looks whether it has what it needs.")
            _prepare(new, old, place, say)
        except BaseException:  # Ctrl-C, too
            shutil.rmtree(new)
            _models_back(place)
            _proven(place)
            raise
        say("Switches to it.")
        _link(place.prefix / "previous", old)
        _link(place.prefix / "venv", new)
        _settle(new, old, place)
        _tidy(place, {new, old})
        return before


def finish(place: Place) -> str | None:
    """After a power cut in the midst of an update: the version that runs now, None when there was nothing to finish.
    Raises as `update`."""
    with _alone(place):
        try:
            told = json.loads((place.prefix / "unproven").read_text("utf-8"))
            old, new = (place.releases / str(told[key]) for key in ("from", "to"))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            old, new = _linked(place.prefix / "previous") or current(place), current(place)
        if current(place) == old:  # cut before the switch
            _models_back(place)
            _proven(place)
        else:
            _settle(new, old, place)
        return _installed_version(current(place))


def back(place: Place) -> str:
    """Goes back to the release before, and gives its version. Raises `DeviceError` where there is none, `ActionError`
    when it does not live either."""
    with _alone(place):
        _no_other(place)
        now, before = current(place), _linked(place.prefix / "previous")
        if before is None or not before.is_dir() or before == now:
            raise DeviceError("There is no release to go back to.", "没有可以退回的版本。")
        _link(place.prefix / "previous", now)
        _link(place.prefix / "venv", before)
        _prove(before, place)
        return _installed_version(before)


def current(place: Place) -> Path:
    """The release that runs. Raises `DeviceError` where tako is not installed so that it can be updated."""
    found = _linked(place.prefix / "venv")
    if found is None or found.parent != place.releases.resolve():
        raise DeviceError(
            f"tako cannot be updated here: {place.prefix}/venv is no link to a release. Run ./setup_pi.sh once more.",
            f"此处无法更新 tako：{place.prefix}/venv 不是指向发行版的链接。请重新运行 ./setup_pi.sh。",
        )
    return found


def _bring(source: Source, place: Place) -> Path:
    """A new release with that source in it; nothing is left of one that fails."""
    numbers = [int(folder.name) for folder in place.releases.iterdir() if folder.name.isdecimal()]
    new = place.releases.resolve() / str(max(numbers, default=0) + 1)
    extras = "pi,encyclopedia" if importlib.util.find_spec("libzim") else "pi"
    python = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
    beside = ["--find-links", str(source.beside)] if source.beside else []
    pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--root-user-action=ignore", *beside]
    try:
        # the system's packages are seen, because picamera2 is bound to the system's libcamera
        _run([str(python), "-m", "venv", "--system-site-packages", str(new)], 10 * _MINUTES)
        _run([str(new / "bin/python"), *pip, f"{source.path}[{extras}]"], 60 * _MINUTES)
        found = _installed_version(new)
        if found != source.version:
            raise DeviceError(f"{source.path} holds release {found}.", f"{source.path} 中是 {found} 版。")
    except TakoError as error:
        shutil.rmtree(new, ignore_errors=True)
        raise DeviceError(
            f"I could not bring release {source.version}: {error.en}", f"无法取得 {source.version} 版：{error.zh}"
        ) from error
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    return new


def _prepare(new: Path, old: Path, place: Place, say: Callable[[str], None]) -> None:
    """Gives the new release its models, and asks its doctor. What the old one lacks as well is no hindrance."""
    broken = _failures(new, place) - (lacking := _failures(old, place))
    if broken:
        say(f"Its doctor misses {', '.join(sorted(broken))}: fetches and builds its models.")
        _keep_models(place)
        for step in ("fetch", "build"):
            _run(_tako(new, place, "models", step), 120 * _MINUTES)
        broken = _failures(new, place) - lacking
    if broken:
        names = ", ".join(sorted(broken))
        raise ActionError(
            f"Its doctor is not content: {names}. The old release runs on.", f"新版检查未通过：{names}。旧版继续运行。"
        )


def _failures(release: Path, place: Place) -> set[str]:
    """The checks of a release's doctor that fail. Raises `ActionError` when it does not even start."""
    done = _call(_tako(release, place, "doctor", "--json"), 10 * _MINUTES)
    try:
        return {str(found["name"]) for found in json.loads(done.stdout) if found["level"] == "fail"}
    except (ValueError, KeyError, TypeError):
        why = _last_line(done)
        raise ActionError(f"Its doctor does not start: {why}.", f"新版的检查程序无法启动：{why}。") from None


def _settle(new: Path, old: Path, place: Place) -> None:
    """Goes back to the old release when the new one does not live. Raises `ActionError` then."""
    try:
        _prove(new, place)
    except TakoError as error:
        log.error("the new release does not live: %s", error)
        _link(place.prefix / "venv", old)
        _models_back(place)
        _proven(place)
        version = _installed_version(old)
        try:
            _prove(old, place)
        except TakoError as worse:
            raise ActionError(
                f"The new release did not work, and {version} does not either: {worse.en}",
                f"新版无法运行，{version} 版也无法运行：{worse.zh}",
            ) from error
        raise ActionError(
            f"The new release did not work, so {version} runs again: {error.en}",
            f"新版无法运行，已退回 {version} 版：{error.zh}",
        ) from error
    shutil.rmtree(place.home / "models.before", ignore_errors=True)
    _proven(place)


def _prove(release: Path, place: Place) -> None:
    """Starts the service anew and watches it live for a while. Raises `DeviceError` when it does not. A service that is
    not switched on is not started."""
    if _call([place.systemctl, "is-enabled", "--quiet", place.unit], _MINUTES).returncode != 0:
        log.warning("%s is not switched on: the release is not tried", place.unit)
        return
    place.socket.with_name("starts").unlink(missing_ok=True)  # no release waits for the starts in vain of another
    if _call([place.systemctl, "restart", place.unit], 10 * _MINUTES).returncode != 0:
        raise DeviceError(
            "it does not become ready; journalctl -u tako says why.", "无法启动；原因见 journalctl -u tako。"
        )
    version, ends, living = _installed_version(release), time.monotonic() + place.patience, None
    while True:
        try:
            told = ask(place.socket, {"do": "state"})
        except TakoError as error:
            if time.monotonic() > ends or living is not None:
                raise DeviceError(f"it does not answer. {error.en}", f"没有应答。{error.zh}") from error
        else:
            if told["version"] != version:
                raise DeviceError(f"release {told['version']} runs instead.", f"运行的是 {told['version']} 版。")
            if living not in (None, told["pid"]):
                raise DeviceError("it died and was started again.", "它退出后又被重新启动。")
            living = told["pid"]
            if told["uptime"] >= place.living:
                return
        time.sleep(0.5)


def _installed_version(release: Path) -> str:
    """The version of tako in a virtual environment. Raises `DeviceError`."""
    code = "from importlib.metadata import version; print(version('tako'))"
    return _run([str(release / "bin/python"), "-P", "-c", code], _MINUTES).stdout.strip()


def _tako(release: Path, place: Place, *words: str) -> list[str]:
    """A command of a release, as the service's user. (Its script `bin/tako` would run whatever `venv` leads to, where
    that is how it was made.)"""
    environ = [f"TAKO_HOME={place.home}", f"TAKO_CONFIG={place.config}", "LC_ALL=C.UTF-8", "TMPDIR=/var/tmp"]
    python = ["env", "--chdir=/", *environ, str(release / "bin/python"), "-P", "-m", "device.cli.main", *words]
    return [*_as_user(place), "sh", "-c", 'umask 0007 && exec "$@"', "tako", *python]


def _as_user(place: Place) -> list[str]:
    root = os.geteuid() == 0
    return ["setpriv", f"--reuid={place.user}", f"--regid={place.user}", "--init-groups"] if root else []


def _keep_models(place: Place) -> None:
    models, kept = place.home / "models", place.home / "models.before"
    if models.is_dir():
        shutil.rmtree(kept, ignore_errors=True)
        _run([*_as_user(place), "cp", "--archive", "--link", str(models), str(kept)], 5 * _MINUTES)


def _models_back(place: Place) -> None:
    """The models of the old release, if others were made meanwhile."""
    models, kept = place.home / "models", place.home / "models.before"
    if kept.is_dir():
        shutil.rmtree(models, ignore_errors=True)
        kept.rename(models)


def _tidy(place: Place, wanted: set[Path | None]) -> None:
    """Removes all releases but these; half-made ones, too."""
    keep = {folder.name for folder in wanted if folder}
    for folder in place.releases.iterdir():
        if folder.name.isdecimal() and folder.name not in keep:
            shutil.rmtree(folder, ignore_errors=True)


def _no_other(place: Place) -> None:
    if (place.prefix / "unproven").exists():
        raise DeviceError(
            "The last update is not finished: tako update --finish.", "上次更新尚未完成，请运行 tako update --finish。"
        )


def _proven(place: Place) -> None:
    (place.prefix / "unproven").unlink(missing_ok=True)
    _sync(place.prefix)


def _linked(link: Path) -> Path | None:
    return link.resolve() if link.is_symlink() else None


def _link(link: Path, target: Path) -> None:
    """Points a link elsewhere, in one step that outlives a power cut."""
    fresh = link.with_name(f".{link.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(Path("releases") / target.name)
    fresh.replace(link)
    _sync(link.parent)


def _write(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _alone(place: Place) -> Iterator[None]:
    """One update at a time. Raises `DeviceError` for the second, and for whoever may not write there."""
    try:
        handle = (place.prefix / "update.lock").open("w")
    except OSError as error:
        raise DeviceError(
            f"I may not write into {place.prefix}: {error.strerror}. An update is root's: sudo tako update.",
            f"无法写入 {place.prefix}：{error.strerror}。更新需要 root 权限：sudo tako update。",
        ) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DeviceError("Another update is going on.", "另一个更新正在进行。") from None
        yield


def _run(command: Sequence[str], seconds: float) -> subprocess.CompletedProcess[str]:
    """Raises `DeviceError` with the last line that a command complains with."""
    done = _call(command, seconds)
    if done.returncode != 0:
        why = _last_line(done)
        raise DeviceError(f"{Path(command[0]).name} said: {why}.", f"{Path(command[0]).name} 报告：{why}。")
    return done


def _call(command: Sequence[str], seconds: float) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise DeviceError(
            f"{Path(command[0]).name} did not end in {seconds:.0f} seconds.",
            f"{Path(command[0]).name} 在 {seconds:.0f} 秒内没有结束。",
        ) from None
    except OSError as error:
        raise DeviceError(f"I cannot run {command[0]}: {error.strerror}.", f"无法运行 {command[0]}。") from error


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else f"exit status {done.returncode}"


def _project(file: Path) -> Mapping[str, object]:
    try:
        project = tomllib.loads(file.read_text("utf-8")).get("project", {})
    except (OSError, ValueError):
        return {}
    return project if isinstance(project, dict) else {}


def _version(wheel: Path) -> str:
    found = _WHEEL.fullmatch(wheel.name)
    assert found is not None
    return found[1]


def _order(version: str) -> tuple[tuple[int, ...], bool, str]:
    """Sorts versions: 0.10 behind 0.9, and a release candidate before its release."""
    numbers = re.match(r"[\d.]+", version)
    head = numbers[0].strip(".") if numbers else "0"
    rest = version[len(head) :]
    return tuple(int(part) for part in head.split(".") if part), not rest or rest.startswith(".post"), rest
