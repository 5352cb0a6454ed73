"""The models as a table for a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.markup import escape
from rich.table import Table

from device.models.progress import megabytes
from device.models.status import Status

_COLOUR = {"fetched": "green", "built": "green", "missing": "dim", "stale": "yellow", "damaged": "red"}


def table_of(statuses: Iterable[Status]) -> Table:
    """Name, state, size, note."""
    table = Table(box=None, pad_edge=False)
    for heading in ("model", "state", "size", ""):
        table.add_column(heading, justify="right" if heading == "size" else "left")
    for status in statuses:
        colour = _COLOUR[status.state]
        table.add_row(status.name, f"[{colour}]{status.state}[/]", megabytes(status.size), escape(status.note))
    return table
