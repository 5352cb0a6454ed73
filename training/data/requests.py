"""The request files: one request a line with the calls it means, written by hand.

    request text => function | arg | arg && function | arg

`# kind: NAME` sets the kind of the lines that follow. The format has no escapes: ` => `, ` | ` and ` && ` do not
occur inside requests or arguments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from actions.catalogue import Call, make_call
from agent.language import language_of

HERE = Path(__file__).parent
JUDGED = ("dev", "test")  # folders of the sets that judge
KINDS = ("plain", "indirect", "missing", "multi", "correction", "deictic", "about", "noisy", "mixed", "none")


@dataclass(frozen=True)
class Example:
    """One request with the calls it means."""

    text: str
    calls: tuple[Call, ...]
    kind: str = "plain"
    source: str = ""

    @property
    def lang(self) -> str:
        return language_of(self.text)


def parse_calls(text: str) -> tuple[Call, ...]:
    """Reads the right side of a line. Raises `ValueError` with what is wrong."""
    calls = []
    for part in text.split("&&"):
        name, *values = (value.strip() for value in part.split("|"))
        calls.append(make_call(name, *values))
    return tuple(calls)


def parse_line(line: str, kind: str = "plain", source: str = "") -> Example:
    """Reads one line. Raises `ValueError` with what is wrong."""
    request, arrow, calls = line.partition("=>")
    if not arrow or not request.strip():
        raise ValueError("a line is `request => function | arg | ...`")
    return Example(request.strip(), parse_calls(calls), kind, source)


def lines_of(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line number, kind and text of every request line of a file."""
    kind = "plain"
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = raw.strip()
        if line.startswith("#"):
            key, colon, value = line.lstrip("# ").partition(":")
            if colon and key.strip() == "kind":
                kind = value.split()[0] if value.split() else kind
        elif line:
            yield number, kind, line


def read_examples(path: Path) -> list[Example]:
    """All examples of a file. Raises `ValueError` naming file and line of the first mistake."""
    examples = []
    for number, kind, line in lines_of(path):
        try:
            examples.append(parse_line(line, kind, path.stem))
        except ValueError as error:
            raise ValueError(f"{path}:{number}: {error}") from error
    return examples


def key(text: str) -> str:
    """What makes two requests the same: letters and digits."""
    return re.sub(r"[\W_]+", "", text.lower())


def judged_keys() -> set[str]:
    """The keys of all requests of the dev and test sets, which no training may see."""
    return {key(e.text) for name in JUDGED for path in (HERE / name).glob("*.txt") for e in read_examples(path)}
