"""The hand-written table of concepts: what each class of the tower is called, and what it is good for.

`training/data/concepts/*.jsonl` has a line for every ImageNet class and every label of the photos. Knows words alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parents[1] / "data" / "concepts"
IMAGENET = 1000  # of the concepts, the first ones: ImageNet's classes in their order
ROOMS = {
    "bedroom": "卧室",
    "kitchen": "厨房",
    "bathroom": "浴室",
    "living room": "客厅",
    "dining room": "餐厅",
    "home office": "书房",
    "nursery": "儿童房",
    "hallway": "走廊",
    "garage": "车库",
    "garden": "花园",
    "house": "房子",
}
COLORS = {
    "black": "黑色",
    "white": "白色",
    "grey": "灰色",
    "red": "红色",
    "orange": "橙色",
    "yellow": "黄色",
    "green": "绿色",
    "blue": "蓝色",
    "purple": "紫色",
    "pink": "粉色",
    "brown": "棕色",
    "beige": "米色",
    "gold": "金色",
    "silver": "银色",
    "transparent": "透明",
    "multicolored": "彩色",
}
MATERIALS = {
    "plastic": "塑料",
    "glass": "玻璃",
    "metal": "金属",
    "paper": "纸",
    "cardboard": "纸板",
    "fabric": "布",
    "leather": "皮革",
    "wood": "木头",
    "food": "食物",
    "ceramic": "陶瓷",
    "other": "其他",
}
KINDS = frozenset(
    (
        *("dog", "cat", "pet", "animal", "plant", "fruitveg", "grocery", "dish", "container", "clothing", "product"),
        *("furniture", "instrument", "vehicle", "building", "scene", "person", "other"),
    )
)


@dataclass(frozen=True)
class Concept:
    """One class of the tower. `en`, `zh`: its names, the one that people say first; `waste`: what it is called in
    front of the bins, English and Chinese, or empty; `rooms`: where it is typical; `also`: ids of the same thing."""

    id: str
    en: tuple[str, ...]
    plural: str
    zh: tuple[str, ...]
    kind: str
    general: tuple[str, str]
    waste: tuple[str, str] = ("", "")
    rooms: tuple[str, ...] = ()
    color: str = ""
    also: tuple[str, ...] = ()
    label: str = ""  # ImageNet's own name

    @property
    def row(self) -> dict[str, str]:
        """Its line in the release's table."""
        return {
            "en": self.en[0],
            "plural": self.plural,
            "zh": self.zh[0],
            "general_en": self.general[0],
            "general_zh": self.general[1],
        }


def read_concepts(folder: Path = HERE) -> list[Concept]:
    """All of the folder's files in the order of their names. Raises `ValueError` naming the line that is wrong."""
    found: list[Concept] = []
    for path in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                found.append(_concept(json.loads(line)))
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"{path.name}:{number}: {error!r}") from error
    return sorted(found, key=lambda c: int(c.id.split(":")[1]) if c.id.startswith("imagenet:") else IMAGENET)


def _concept(row: dict[str, object]) -> Concept:
    def strings(name: str) -> tuple[str, ...]:
        value = row.get(name) or []
        if not isinstance(value, list):
            raise ValueError(f"{name} is a list")
        return tuple(str(v) for v in value)

    def string(name: str) -> str:
        return str(row.get(name) or "")

    en, zh, kind = strings("en"), strings("zh"), string("kind")
    if not en or not zh or kind not in KINDS:
        raise ValueError(f"{row.get('id')}: names in both languages and a kind are needed")
    rooms = tuple(room.replace("-", " ").replace("house front", "house") for room in string("rooms").split())
    if unknown := set(rooms) - set(ROOMS):
        raise ValueError(f"{row.get('id')}: no such room: {unknown}")
    return Concept(
        str(row["id"]),
        en,
        string("plural") or en[0],
        zh,
        kind,
        (string("general_en") or en[0], string("general_zh") or zh[0]),
        (string("waste_en"), string("waste_zh")),
        rooms,
        string("color"),
        strings("also"),
        string("label"),
    )
