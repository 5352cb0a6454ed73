"""Requests that point at a photo: the format of `training/data/pictures/*/*.txt`, and how a photo completes them.

    # photo: KIND
    three of these please => instacart_shopping | three @s

Marks stand for what the photo gives: `@` the thing's name, `@s` its plural, `@waste` its name with material, `@lost`
with colour, `@animal` and `@room`. All other text is literal. Knows words; whoever fills a line knows the photo.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from actions.catalogue import Call, make_call
from agent.language import language_of
from training.data.requests import JUDGED, Example, key, parse_calls

HERE = Path(__file__).parent / "pictures"
NEEDLESS, USELESS = "none-needed", "useless"  # kinds of lines whose words say all, or whose photo says nothing
PHOTOS = (
    *(
        "fruitveg",
        "grocery",
        "dish",
        "waste",
        "product",
        "clothing",
        "furniture",
        "lost",
        "animal",
        "pet",
        "dog",
        "cat",
    ),
    *("building", "vehicle", "plant", "instrument", "room", "anything", NEEDLESS, USELESS),
)
_MARK = re.compile(r"@(?:waste|lost|animal|room|s(?![a-z]))?")


@dataclass(frozen=True)
class Pointing:
    """A request with the kind of photo that it needs."""

    text: str
    calls: tuple[Call, ...]  # with marks
    photo: str

    @property
    def lang(self) -> str:
        return language_of(self.text)

    @property
    def marks(self) -> frozenset[str]:
        """The marks in its calls, without their @: "" for the plain name, "s", "waste", ..."""
        found = {m.group()[1:] for c in self.calls for v in c.args.values() for m in _MARK.finditer(v)}
        return frozenset(found)

    def filled(self, word: Callable[[str], str]) -> Example:
        """With what the photo gives: `word` gets a mark without its @."""
        calls = tuple(
            make_call(c.name, *(_MARK.sub(lambda m: word(m.group()[1:]), v) for v in c.args.values()))
            for c in self.calls
        )
        return Example(self.text, calls, "photo", self.photo)


def read_pointing(path: Path) -> list[Pointing]:
    """All lines of a file. Raises `ValueError` naming file and line of the first mistake."""
    found = []
    photo = ""
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = raw.strip()
        if line.startswith("#"):
            key, _, value = line.lstrip("# ").partition(":")
            if key.strip() == "photo":
                photo = value.strip()
                if photo not in PHOTOS:
                    raise ValueError(f"{path}:{number}: no such kind of photo: {photo}")
        elif line:
            request, arrow, calls = line.partition("=>")
            try:
                if not arrow or not request.strip() or not photo:
                    raise ValueError("a line is `request => function | arg | ...` below a `# photo: KIND`")
                found.append(Pointing(request.strip(), parse_calls(calls), photo))
            except ValueError as error:
                raise ValueError(f"{path}:{number}: {error}") from error
    return found


def judged_keys() -> set[str]:
    """The keys of all requests of the dev and test sets with pictures, which no training may see."""
    return {key(line.text) for name in JUDGED for path in (HERE / name).glob("*.txt") for line in read_pointing(path)}
