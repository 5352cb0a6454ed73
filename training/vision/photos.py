"""The photos of a data folder: rows of `images.csv`, who may learn from them, and which part judges.

A photo's part depends on its name alone, so it is the same for every stage: 70 % to learn from, 10 % to choose by
(dev), 20 % to judge by (test).
"""

from __future__ import annotations

import csv
import zlib
from dataclasses import dataclass
from pathlib import Path

PERMISSIVE = frozenset({"trashnet", "grocery", "clothing", "caltech101"})  # MIT, MIT, CC0, CC BY 4.0
SOURCES = (
    *sorted(PERMISSIVE),
    *("imagenet", "rooms", "food", "pets", "dog_breeds", "cat_breeds", "flickr8k"),  # for research only
)


@dataclass(frozen=True)
class Photo:
    file: str  # below the data folder
    label: str
    source: str
    caption: str = ""

    @property
    def concept(self) -> str:
        """The id of what it shows in the table of concepts."""
        return f"{self.source}:{self.label}"

    @property
    def part(self) -> str:
        """train, dev or test."""
        place = zlib.crc32(self.file.encode()) % 100
        return "train" if place < 70 else "dev" if place < 80 else "test"


def read_photos(data: Path, sources: frozenset[str] | None = None) -> list[Photo]:
    """The photos of the folder in the file's order; `sources`: of these alone."""
    with (data / "images.csv").open(encoding="utf-8", newline="") as rows:
        return [
            Photo(row["file"], row["label"], row["source"], row["caption"])
            for row in csv.DictReader(rows)
            if sources is None or row["source"] in sources
        ]
