"""How a fetch tells what it is doing: a bar on a terminal, plain lines when piped, nothing in tests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

_EVERY = 10.0  # seconds between two lines of one task, when piped

Show = Callable[[int], None]  # told the bytes done so far


class Reporter(Protocol):
    """What a fetch is told to tell."""

    def line(self, text: str) -> None: ...

    def task(self, label: str, total: int) -> AbstractContextManager[Show]:
        """One download, copy or check of `total` bytes."""


class Quiet:
    """Says nothing; keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text)

    @contextmanager
    def task(self, label: str, total: int) -> Iterator[Show]:
        yield lambda done: None


class Shown:
    """A bar per task on a terminal; elsewhere a line every ten seconds of a task, so that short ones say nothing."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console()

    def line(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def task(self, label: str, total: int) -> Iterator[Show]:
        if self.console.is_terminal:
            columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn())
            with Progress(
                *columns, TransferSpeedColumn(), TimeRemainingColumn(), console=self.console, transient=True
            ) as bar:
                task = bar.add_task(label, total=total)
                yield lambda done: bar.update(task, completed=done)
        else:
            yield self._lines(label, total)

    def _lines(self, label: str, total: int) -> Show:
        told = time.monotonic()

        def show(done: int) -> None:
            nonlocal told
            if time.monotonic() - told >= _EVERY:
                told = time.monotonic()
                self.line(f"{label}: {megabytes(done)} of {megabytes(total)}")

        return show


def megabytes(size: int) -> str:
    """For people: "8.0 GB", "253 MB", "2.1 MB", "400 kB"."""
    if size >= 1_000_000_000:
        return f"{size / 1e9:.1f} GB"
    if size >= 9_950_000:
        return f"{size / 1e6:.0f} MB"
    return f"{size / 1e6:.1f} MB" if size >= 1_000_000 else f"{size / 1e3:.0f} kB"
