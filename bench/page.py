"""What every page of measurements begins and ends with: the machine it was made on, and where the text goes."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import click


def machine(libraries: Sequence[str]) -> list[str]:
    """The machine and the versions of these libraries, as lines of the page."""
    cpu = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("model name", "Model")):
            cpu = line.partition(":")[2].strip()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    versions = ", ".join(f"{name} {version(name)}" for name in libraries)
    return [
        f"- {cpu}, {os.cpu_count()} cores, {memory:.0f} GB of memory, {platform.system()} {platform.machine()}",
        f"- Python {platform.python_version()}, {versions}",
    ]


def publish(text: str, out: Path | None) -> None:
    """Writes the page, or prints it."""
    if out:
        out.write_text(text, encoding="utf-8")
    else:
        click.echo(text, nl=False)
