"""How `tako doctor` looks at the machine: a small function for each thing it asks, so that tests can answer instead."""

from __future__ import annotations

import grp
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from actions.errors import DeviceError
from device.board import Board
from device.board import look as look_at_board
from device.models import Status, listing

if TYPE_CHECKING:
    from actions.messages.smtp import EmailSettings
    from device.settings import Settings

_WAIT = 10.0  # seconds for a program or a server to answer
_GROUPS = ("audio", "video", "gpio")  # that own the sound card, the camera and the button


def _models() -> list[Status]:
    return listing()


def _sound() -> Sequence[Mapping[str, Any]]:
    try:
        import sounddevice
    except ModuleNotFoundError as error:
        raise DeviceError(
            "The library sounddevice is not installed: run setup_pi.sh again.",
            "没有安装 sounddevice：请重新运行 setup_pi.sh。",
        ) from error
    except OSError as error:  # PortAudio itself is missing
        raise DeviceError(
            "PortAudio is not installed: sudo apt install libportaudio2.",
            "没有安装 PortAudio：请运行 sudo apt install libportaudio2。",
        ) from error
    try:
        return list(sounddevice.query_devices())
    except sounddevice.PortAudioError as error:
        raise DeviceError(
            f"PortAudio cannot list the sound cards: {error}.", f"PortAudio 无法列出声卡：{error}。"
        ) from error


def _cameras() -> int:
    try:
        from picamera2 import Picamera2
    except ImportError as error:
        raise DeviceError(
            "picamera2 is not installed: sudo apt install python3-picamera2, and run setup_pi.sh again.",
            "没有安装 picamera2：请运行 sudo apt install python3-picamera2，再运行 setup_pi.sh。",
        ) from error
    return len(Picamera2.global_camera_info())


def _is_pi() -> bool:
    board = Path("/proc/device-tree/model")
    return board.exists() and "Raspberry Pi" in board.read_text("utf-8", "replace")


def _groups() -> Mapping[str, bool]:
    """Of the groups that this system has and tako needs: whether this process is in them."""
    mine = {*os.getgroups(), os.getegid()}
    known = {group.gr_name: group.gr_gid for group in grp.getgrall()}
    return {name: os.geteuid() == 0 or known[name] in mine for name in _GROUPS if name in known}


def _chips() -> Sequence[str]:
    """The gpio devices that this process may use."""
    return [str(path) for path in sorted(Path("/dev").glob("gpiochip*")) if os.access(path, os.R_OK | os.W_OK)]


def _output(*command: str) -> str:
    """What a program prints; empty when it is not installed."""
    if not shutil.which(command[0]):
        return ""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=_WAIT, check=False).stdout
    except subprocess.TimeoutExpired as error:
        raise DeviceError(f"{command[0]} does not answer.", f"{command[0]} 没有响应。") from error


def _reach(host: str, port: int) -> None:
    socket.create_connection((host, port), timeout=_WAIT).close()


def _log_in(account: EmailSettings) -> None:
    from actions.messages.smtp import log_in

    log_in(account)


def _get(url: str, user: str = "", password: str = "") -> int:
    """The status of a web page, also of one that says no. Raises `ActionError` when there is no answer at all."""
    from actions.secret import Secret
    from actions.web import Refused, Web

    try:
        return Web(timeout=_WAIT).get(url, auth=(user, Secret(password)) if user else None).status
    except Refused as refused:
        return refused.reply.status


def _routes() -> Sequence[str]:
    """The network interfaces that lead out of the house. Source: proc_net(5), route and ipv6_route."""
    found = []
    for line in _lines(Path("/proc/net/route"))[1:]:
        name, target, *_, mask = line.split()[:8]
        if target == mask == "00000000":
            found.append(name)
    for line in _lines(Path("/proc/net/ipv6_route")):
        words = line.split()
        if words[0] == "0" * 32 and words[1] == "00" and words[-1] != "lo":
            found.append(words[-1])
    return list(dict.fromkeys(found))


def _cards() -> Sequence[str]:
    """The sound cards that the kernel has: "USB-Audio - USB PnP Sound Device"."""
    return [line.partition("]:")[2].strip() for line in _lines(Path("/proc/asound/cards")) if "]:" in line]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []


def _obstacle(folder: Path) -> str:
    """What keeps this process from writing into a folder: "read-only", "denied", or nothing."""
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return "read-only"
    return "" if os.access(folder, os.W_OK | os.X_OK) else "denied"


def _head(path: Path) -> tuple[bytes, int]:
    """The first 80 bytes of a file and its size. Raises `OSError`."""
    with path.open("rb") as file:
        return file.read(80), path.stat().st_size


@dataclass(frozen=True)
class Probes:
    """The ways the checks look at the machine. The first four are given by the parts they ask about."""

    text: Callable[[], Status]  # state of the built text model
    engine: Callable[[], str]  # a sentence: which recogniser is taken, and why; TakoError when there is none
    settings: Callable[[], str]  # reads the settings, says where they are; TakoError when they are wrong
    held: Callable[[], Settings]  # the settings; TakoError when they are wrong
    online: bool = False  # whether servers may be asked
    python: Callable[[], tuple[int, ...]] = lambda: tuple(sys.version_info[:3])
    free: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free
    obstacle: Callable[[Path], str] = _obstacle
    models: Callable[[], list[Status]] = _models
    has_module: Callable[[str], bool] = lambda name: importlib.util.find_spec(name) is not None
    sound: Callable[[], Sequence[Mapping[str, Any]]] = _sound
    cards: Callable[[], Sequence[str]] = _cards
    cameras: Callable[[], int] = _cameras
    is_pi: Callable[[], bool] = _is_pi
    groups: Callable[[], Mapping[str, bool]] = _groups
    chips: Callable[[], Sequence[str]] = _chips
    usable: Callable[[str], bool] = lambda path: os.access(path, os.R_OK | os.W_OK)
    exists: Callable[[str], bool] = lambda path: Path(path).exists()
    head: Callable[[Path], tuple[bytes, int]] = _head
    output: Callable[..., str] = _output
    board: Callable[[], Board] = look_at_board
    routes: Callable[[], Sequence[str]] = _routes
    reach: Callable[[str, int], None] = _reach
    log_in: Callable[[EmailSettings], None] = _log_in
    get: Callable[..., int] = _get
    now: Callable[[], float] = time.time
