"""The board, on boards that are made up of files."""

from __future__ import annotations

from pathlib import Path

import pytest

from device import board
from device.board import Throttling

CPUINFO = "processor\t: 0\nBogoMIPS\t: 38.40\n\nprocessor\t: 1\nBogoMIPS\t: 38.40\n\nModel\t\t: x\n"
MEMINFO = (
    "MemTotal:         425484 kB\nMemFree:           20000 kB\nMemAvailable:     210000 kB\nHugePages_Total:       0\n"
)


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def pi(tmp_path: Path) -> Path:
    write(tmp_path, "proc/device-tree/model", "Raspberry Pi Zero 2 W Rev 1.0\0")
    write(tmp_path, "proc/cpuinfo", CPUINFO)
    write(tmp_path, "proc/meminfo", MEMINFO)
    write(tmp_path, "proc/loadavg", "0.52 0.30 0.20 1/180 999\n")
    write(tmp_path, "proc/uptime", "86400.50 100000.00\n")
    write(tmp_path, "sys/class/thermal/thermal_zone0/type", "cpu-thermal\n")
    write(tmp_path, "sys/class/thermal/thermal_zone0/temp", "61230\n")
    write(tmp_path, "sys/class/thermal/thermal_zone1/type", "nvme\n")
    write(tmp_path, "sys/class/thermal/thermal_zone1/temp", "70000\n")
    return tmp_path


def test_a_pi(pi: Path) -> None:
    seen = board.look(pi, lambda: "throttled=0x50000\n")
    assert (seen.name, seen.cores, seen.load, seen.up) == ("Raspberry Pi Zero 2 W Rev 1.0", 2, 0.52, 86400.5)
    assert (seen.memory, seen.available) == (425484 * 1024, 210000 * 1024)
    assert seen.temperature == 61.23  # the processor's, though another zone is warmer
    assert seen.throttling == Throttling(0x50000)


def test_the_kernel_goes_before_the_program(pi: Path) -> None:
    write(pi, "sys/devices/platform/soc/soc:firmware/get_throttled", "50005\n")
    assert board.look(pi, lambda: pytest.fail("asked")).throttling == Throttling(0x50005)


@pytest.mark.parametrize("told", ["", "VCHI initialization failed\n", "error=1 error_msg=x\n"])
def test_a_firmware_that_does_not_answer(pi: Path, told: str) -> None:
    assert board.look(pi, lambda: told).throttling is None


def test_a_machine_that_tells_nothing(tmp_path: Path) -> None:
    seen = board.look(tmp_path, lambda: "")
    assert (seen.temperature, seen.throttling, seen.memory, seen.name) == (None, None, 0, "a computer")


def test_this_machine() -> None:
    seen = board.look()
    assert seen.cores > 0
    assert 0 < seen.available <= seen.memory
    assert seen.up > 0


@pytest.mark.parametrize(
    ("value", "now", "before", "weak"),
    [
        (0x0, (), (), False),
        (0x1, ("the power supply is too weak",), (), True),
        (0x10000, (), ("the power supply is too weak",), True),
        (0x80008, ("it is warm",), ("it is warm",), False),
        (0x40004, ("the processor is slowed down",), ("the processor is slowed down",), False),
    ],
)
def test_what_the_bits_mean(value: int, now: tuple[str, ...], before: tuple[str, ...], weak: bool) -> None:
    throttling = Throttling(value)
    assert (throttling.now, throttling.since_start, throttling.weak_power) == (now, before, weak)
