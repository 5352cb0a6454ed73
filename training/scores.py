"""Counts what deciders got right: shares with n and 95 % Wilson intervals, by language, kind and function.

Knows requests and calls; neither models nor files.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from actions.catalogue import NONE, Call, make_call
from training.data.requests import Example, key

LANGUAGES = {"en": "English", "zh": "Chinese"}
STYLES = ("as written", "recogniser style")
REFUSED = "refused"
EDGES = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.995, 1.0)  # of the bins of confidence
UNREADABLE = (make_call(NONE.name, "unclear"),)


@dataclass(frozen=True)
class Reply:
    """What a decider made of a request."""

    calls: tuple[Call, ...]  # its decision
    confidence: float = 1.0
    meant: tuple[Call, ...] = ()  # its answer before any refusal; empty: it ran out of room
    refused: bool = False

    @property
    def acts(self) -> bool:
        return self.calls[0].name != NONE.name

    @property
    def would_act(self) -> bool:
        return bool(self.meant) and self.meant[0].name != NONE.name


@dataclass(frozen=True)
class Judged:
    """A request of a set with what the bundle and, if it was asked, the unquantised model made of it."""

    place: str  # name of the set
    style: str
    example: Example
    bundle: Reply
    unquantised: Reply | None = None
    fitted: bool = False  # whether the calibration was fitted on it

    @property
    def sample(self) -> tuple[float, bool, bool]:
        """Confidence, whether the functions were right, whether it would act: all before refusal."""
        return (
            self.bundle.confidence,
            functions(self.bundle.meant) == functions(self.example.calls),
            self.bundle.would_act,
        )


@dataclass
class Share:
    """So many of so many."""

    right: int = 0
    n: int = 0

    def add(self, right: bool) -> None:
        self.right += right
        self.n += 1

    def __str__(self) -> str:
        if not self.n:
            return ""
        low, high = wilson(self.right, self.n)
        return f"{100 * self.right / self.n:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


@dataclass
class Row:
    """One group's shares, by column."""

    shares: dict[str, Share] = field(default_factory=lambda: defaultdict(Share))

    @property
    def n(self) -> int:
        return max((share.n for share in self.shares.values()), default=0)


Table = dict[str, Row]
Cells = Callable[[Judged], Iterable[tuple[str, str, bool]]]  # (group, column, right) of a request


def wilson(right: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a share. Wilson 1927."""
    if n == 0:
        return 0.0, 1.0
    p = right / n
    middle, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = (middle - spread) / (1 + z * z / n), (middle + spread) / (1 + z * z / n)
    return max(0.0, low), min(1.0, high)


def plain(calls: Iterable[Call]) -> list[tuple[str, ...]]:
    """Calls without case and punctuation: what a lenient reader would compare."""
    return [(c.name, *(key(v) for v in c.args.values())) for c in calls]


def functions(calls: Iterable[Call]) -> list[str]:
    return [c.name for c in calls]


def empty(calls: Iterable[Call]) -> list[tuple[str, ...]]:
    """Of each call its function and the arguments that are empty."""
    return [(c.name, *(name for name, value in c.args.items() if not value)) for c in calls]


def as_line(calls: Iterable[Call]) -> str:
    """Calls as the request files write them."""
    return " && ".join(" | ".join((c.name, *c.args.values())) for c in calls)


def tabulate(judged: Iterable[Judged], cells: Cells) -> Table:
    table: Table = defaultdict(Row)
    for one in judged:
        for group, column, right in cells(one):
            table[group].shares[column].add(right)
    return table


def answers(one: Judged) -> Iterable[tuple[str, str, bool]]:
    """All requests, by kind, and by function. By function every wanted call counts, with the one that stands at its
    place, also those of a request of several."""
    wanted = one.example.calls
    units = [("all", slice(None)), (f"kind {one.example.kind}", slice(None))]
    units += [(call.name, slice(i, i + 1)) for i, call in enumerate(wanted)]
    for group, part in units:
        got, right = one.bundle.calls[part], wanted[part]
        yield group, "functions", functions(got) == functions(right)
        yield group, "whole calls", got == right
        yield group, "case and punctuation ignored", plain(got) == plain(right)
        if one.unquantised:
            other = one.unquantised.calls[part]
            yield group, "unquantised: functions", functions(other) == functions(right)
            yield group, "unquantised: whole calls", other == right
            yield group, "equal", got == other


def refusals(one: Judged) -> Iterable[tuple[str, str, bool]]:
    """What was missing, refused or needlessly done."""
    wanted = one.example.calls
    replies = [("bundle", one.bundle)] + ([("unquantised", one.unquantised)] if one.unquantised else [])
    for column, reply in replies:
        if one.example.kind == "missing":
            yield (
                "missing arguments recognised: empty are exactly the wanted ones",
                column,
                empty(reply.calls) == empty(wanted),
            )
        if wanted[0].name == NONE.name:
            yield "`none` wanted, acts", column, reply.acts
        else:
            yield "a call wanted, answers `none`", column, not reply.acts
            yield (
                "a call wanted, acts with a wrong function",
                column,
                reply.acts and (functions(reply.calls) != functions(wanted)),
            )
        if reply.would_act:
            yield "would act, refused below the threshold", column, reply.refused
        if reply.refused:
            yield "refused, but its functions were right", column, functions(reply.meant) == functions(wanted)


def acting(one: Judged) -> Iterable[tuple[str, str, bool]]:
    """Requests out of scope that act."""
    group = LANGUAGES[one.example.lang]
    yield group, "bundle acts", one.bundle.acts
    if one.unquantised:
        yield group, "unquantised acts", one.unquantised.acts
        yield group, "equal", one.bundle.calls == one.unquantised.calls


def confusion(judged: Iterable[Judged]) -> dict[str, dict[str, int]]:
    """Wanted function to got function to count, of first calls; what the threshold refused is got as `REFUSED`."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for one in judged:
        got = REFUSED if one.bundle.refused else one.bundle.calls[0].name
        counts[one.example.calls[0].name][got] += 1
    return {wanted: dict(row) for wanted, row in counts.items()}


def markdown(title: str, table: Table, order: Sequence[str] = ()) -> str:
    """The table as Markdown, columns aligned; groups in `order` first, then by name. A share of another n than its
    row's says so."""
    columns = list(dict.fromkeys(c for row in table.values() for c in row.shares))
    known = {group: i for i, group in enumerate(order)}
    groups = sorted(table, key=lambda g: (known.get(g, len(known)), g))
    lines = [[title, "n", *columns]]
    for group in groups:
        shares, n = table[group].shares, table[group].n
        cells = (shares.get(column, Share()) for column in columns)
        lines.append([group, str(n), *(f"{cell}, n={cell.n}" if 0 < cell.n < n else str(cell) for cell in cells)])
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join("| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |" for line in lines)


def as_json(table: Table) -> dict[str, dict[str, dict[str, object]]]:
    return {
        group: {
            column: {"right": s.right, "n": s.n, "interval": wilson(s.right, s.n)} for column, s in row.shares.items()
        }
        for group, row in table.items()
    }
