"""Eyes for the tests: the tiny tower (`tests/tiny_tower`), a table of eight things, and random projections of the right
shapes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from agent.bundle import CONCEPTS, PROJECTION, TOWER
from agent.colors import COLOR_FEATURES
from agent.concepts import SURENESS
from agent.sight import DENSE, VISUAL_TOKENS

TESTS = Path(__file__).parents[1]
SIDE, FEATURE, EMBEDDING, INNER = 24, 12, 6, 5
THINGS = (
    ("apple", "apples", "苹果", "fruit", "水果"),
    ("banana", "bananas", "香蕉", "fruit", "水果"),
    ("mushroom", "mushrooms", "蘑菇", "vegetable", "蔬菜"),
    ("mushroom", "mushrooms", "蘑菇", "vegetable", "蔬菜"),  # another class of the same name
    ("cat", "cats", "猫", "cat", "猫"),
    ("dog", "dogs", "狗", "dog", "狗"),
    ("glass bottle", "glass bottles", "玻璃瓶", "bottle", "瓶子"),
    ("bicycle", "bicycles", "自行车", "vehicle", "车"),
    ("scarf", "scarves", "围巾", "clothes", "衣服"),
)
NAMES = len(THINGS) - 1


def table() -> dict[str, Any]:
    keys = ("en", "plural", "zh", "general_en", "general_zh")
    return {
        "concepts": [dict(zip(keys, thing, strict=True)) for thing in THINGS],
        "color": [["red", "红色"], ["green", "绿色"], ["blue", "蓝色"]],
        "material": [["glass", "玻璃"], ["wood", "木头"]],
        "room": [["kitchen", "厨房"], ["garage", "车库"]],
    }


def arrays(hidden: int, seed: int = 3) -> dict[str, np.ndarray]:
    """What `agent.sight.Projection` reads."""
    random = np.random.default_rng(seed)

    def normal(*shape: int, size: float = 0.3) -> np.ndarray:
        return random.normal(0, size, shape).astype(np.float16)

    return {
        "rows": random.integers(-127, 128, (len(THINGS), FEATURE)).astype(np.int8),
        "rows_scale": random.uniform(0.005, 0.02, len(THINGS)).astype(np.float32),
        "rows_bias": normal(len(THINGS)),
        "color": normal(3, COLOR_FEATURES + FEATURE + 1),
        "material": normal(2, FEATURE + 1),
        "room": normal(2, FEATURE + 1),
        "joint": normal(FEATURE, EMBEDDING),
        "slots": normal(VISUAL_TOKENS, hidden, size=0.05),
        "sure": normal(SURENESS, hidden, size=0.05),
        "inner": normal(FEATURE, INNER),
        "inner_bias": normal(INNER),
        "outer": normal(INNER, DENSE * hidden, size=0.05),
        "outer_bias": normal(DENSE * hidden, size=0.05),
    }


def tokenizer() -> Tokenizer:
    """Bytes."""
    return Tokenizer.from_file(str(TESTS / "tiny_model" / "tokenizer.json"))


def give_eyes(folder: Path, hidden: int, seed: int = 3) -> Path:
    """Writes tower, projection and table into the folder."""
    shutil.copy(TESTS / "tiny_tower" / "tower.onnx", folder / TOWER)
    np.savez(folder / PROJECTION, **arrays(hidden, seed))  # type: ignore[arg-type]
    (folder / CONCEPTS).write_text(json.dumps(table(), ensure_ascii=False), encoding="utf-8")
    return folder
