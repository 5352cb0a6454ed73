"""The board itself: its name, temperature, power and memory, as the kernel and the Pi's firmware tell them.

Reads files below a root, so that a test can make a board up. What a machine does not tell is None. Knows nothing of
tako.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HOT, TOO_HOT = 75.0, 80.0  # °C: worth a word; where a Pi slows its processor down
_FIRMWARE = "sys/devices/platform/soc*/soc*:firmware/get_throttled"  # the Raspberry Pi kernel's; readable by everybody
_WAIT = 5.0  # seconds for the firmware to answer
# Bits of `vcgencmd get_throttled`, by Raspberry Pi's documentation; 16 bits up: it has happened since the start.
_BITS = ("the power supply is too weak", "the processor is held back", "the processor is slowed down", "it is warm")
_SINCE = 16


@dataclass(frozen=True)
class Throttling:
    """What keeps the board from its full speed."""

    value: int  # as the firmware tells it

    @property
    def now(self) -> tuple[str, ...]:
        """What holds at this moment, in English."""
        return tuple(text for bit, text in enumerate(_BITS) if self.value >> bit & 1)

    @property
    def since_start(self) -> tuple[str, ...]:
        """What has held since the board was switched on."""
        return tuple(text for bit, text in enumerate(_BITS) if self.value >> bit + _SINCE & 1)

    @property
    def slowed(self) -> bool:
        """Whether the processor is held back or slowed down now."""
        return bool(self.value & 0b110)

    @property
    def weak_power(self) -> bool:
        """Whether the voltage is, or was, too low."""
        return bool(self.value & (1 | 1 << _SINCE))


@dataclass(frozen=True)
class Board:
    """One look at the board."""

    name: str
    cores: int
    load: float  # processes that wanted to run, mean of the last minute
    memory: int  # bytes
    available: int  # bytes that programs can still get
    up: float  # seconds since it was switched on
    temperature: float | None = None  # °C, of the processor
    throttling: Throttling | None = None


def look(root: Path = Path("/"), ask: Callable[[], str] | None = None) -> Board:
    """The board as it is now. `ask`: what `vcgencmd get_throttled` prints, where the kernel does not tell it."""
    kilobytes = dict(_pairs(root / "proc/meminfo"))
    return Board(
        name=_name(root),
        cores=sum(line.startswith("processor") for line in _text(root / "proc/cpuinfo").splitlines()),
        load=_number(_text(root / "proc/loadavg").split(" ")[0]) or 0.0,
        memory=kilobytes.get("MemTotal", 0) * 1024,
        available=kilobytes.get("MemAvailable", 0) * 1024,
        up=_number(_text(root / "proc/uptime").split(" ")[0]) or 0.0,
        temperature=_temperature(root),
        throttling=_throttling(root, ask or _vcgencmd),
    )


def _name(root: Path) -> str:
    """ "Raspberry Pi Zero 2 W Rev 1.0", else the processor's name."""
    named = _text(root / "proc/device-tree/model").strip("\0\n ")
    if named:
        return named
    for line in _text(root / "proc/cpuinfo").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "a computer"


def _temperature(root: Path) -> float | None:
    """Of the zone that is the processor's, else of the warmest."""
    zones = []
    for zone in sorted(root.glob("sys/class/thermal/thermal_zone*")):
        degrees = _number(_text(zone / "temp"))  # thousandths
        if degrees is not None:
            zones.append((_text(zone / "type").strip().startswith(("cpu", "soc")), degrees / 1000))
    return max(zones)[1] if zones else None


def _throttling(root: Path, ask: Callable[[], str]) -> Throttling | None:
    told = next((_text(path) for path in sorted(root.glob(_FIRMWARE))), "") or ask()
    try:
        return Throttling(int(told.strip().rpartition("=")[2], 16))  # "50005", "0x50005" or "throttled=0x50005"
    except ValueError:
        return None


def _vcgencmd() -> str:
    """Empty where there is no such program, or it may not ask (the group video may)."""
    if not shutil.which("vcgencmd"):
        return ""
    try:
        command = ("vcgencmd", "get_throttled")
        return subprocess.run(command, capture_output=True, text=True, timeout=_WAIT, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _pairs(path: Path) -> list[tuple[str, int]]:
    """Lines as "MemTotal:  995516 kB"."""
    split = [line.split() for line in _text(path).splitlines()]
    return [(words[0].rstrip(":"), int(words[1])) for words in split if len(words) > 1 and words[1].isdigit()]


def _text(path: Path) -> str:
    """What a file of the kernel holds; empty when it is not there or cannot be read."""
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
