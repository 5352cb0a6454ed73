"""The text model as it lies on the device: a folder with graph, weights, tokenizer and manifest; refused when they
do not fit each other.

graph.onnx       the graph; its initializers are in weights.bin
weights.bin      built on the device from base and change (`agent.build`)
tokenizer.json   the pruned tokenizer
draft.npz        what guesses an answer before the model checks it (`agent.draft`); a release may come without one
tower.onnx       the image tower, sight.npz what joins it to the text model, concepts.json the words for what it knows
                 (`agent.sight`); a release may come without them, and then takes no notice of pictures
manifest.json    what belongs together: version, catalogue, prompt, layout of weights.bin, calibration, sha256 of
the release files
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from actions.catalogue import CATALOGUE
from actions.errors import ModelError
from agent.prompt import PROMPT_VERSION
from agent.weights import BLOCK8, restore8

DRAFT = "draft.npz"
TOWER, PROJECTION, CONCEPTS = "tower.onnx", "sight.npz", "concepts.json"
OPTIONAL = (DRAFT, TOWER, PROJECTION, CONCEPTS)
RELEASE_FILES = ("graph.onnx", "tokenizer.json", "vocabulary.npz", "change.npz", *OPTIONAL)
BUNDLE_FILES = ("graph.onnx", "tokenizer.json", "weights.bin", "manifest.json", *OPTIONAL)


def damaged(what: str) -> ModelError:
    return ModelError(
        f"My language model is damaged: {what}. Run tako models build again.",
        "我的语言模型文件已损坏，请重新运行 tako models build。",
    )


@dataclass(frozen=True)
class Manifest:
    """What a release says of itself."""

    version: str
    catalogue: tuple[str, ...]
    prompt: int
    layout: tuple[dict[str, Any], ...]
    calibration: dict[str, float]
    sha256: dict[str, str]

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Raises `ModelError` when it is missing, unreadable or made for another catalogue or prompt."""
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            manifest = cls(
                data["version"],
                tuple(data["catalogue"]),
                data["prompt"],
                tuple(data["layout"]),
                data["calibration"],
                data["sha256"],
            )
        except FileNotFoundError as error:
            raise ModelError(
                "I have no language model yet. Run tako models fetch and tako models build.",
                "我还没有语言模型，请运行 tako models fetch 和 tako models build。",
            ) from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise damaged(f"{path.name} cannot be read") from error
        if manifest.catalogue != tuple(f.name for f in CATALOGUE) or manifest.prompt != PROMPT_VERSION:
            raise ModelError(
                "My language model belongs to another version of tako. Run tako models build.",
                "语言模型和程序版本不一致，请运行 tako models build。",
            )
        return manifest

    @property
    def drafts(self) -> bool:
        """Whether a drafter belongs to it."""
        return DRAFT in self.sha256

    @property
    def sees(self) -> bool:
        """Whether eyes belong to it."""
        return TOWER in self.sha256

    def files(self, names: Sequence[str]) -> tuple[str, ...]:
        """Those of `RELEASE_FILES` or `BUNDLE_FILES` that belong to it."""
        return tuple(name for name in names if name not in OPTIONAL or name in self.sha256)

    @property
    def weight_bytes(self) -> int:
        last = self.layout[-1]
        return int(last["offset"]) + int(last["length"])


class Bundle:
    """A built model, checked for completeness (sizes; `verify` also reads every byte)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = Manifest.read(folder / "manifest.json")
        for name in self.manifest.files(BUNDLE_FILES):
            if not (folder / name).is_file():
                raise damaged(f"{name} is missing")
        if (folder / "weights.bin").stat().st_size != self.manifest.weight_bytes:
            raise damaged("weights.bin has the wrong size")

    def verify(self) -> None:
        """Raises `ModelError` when a file is not the one that was built."""
        for name, expected in self.manifest.sha256.items():
            if (self.folder / name).is_file() and sha256_of(self.folder / name) != expected:
                raise damaged(f"{name} has changed")


class Embedding:
    """The embedding table of a bundle, eight bits, memory-mapped: it is the head of the graph as well."""

    def __init__(self, bundle: Bundle) -> None:
        entries = {e["name"]: e for e in bundle.manifest.layout}
        q, scale = entries["head.q"], entries["head.scale"]
        weights = bundle.folder / "weights.bin"
        self._q = np.memmap(weights, np.uint8, "r", q["offset"], tuple(q["shape"]))
        self._scale = np.memmap(weights, np.float32, "r", scale["offset"], (len(self._q), q["shape"][1]))
        self._factor = np.float32(np.sqrt(q["shape"][1] * BLOCK8))

    def __call__(self, ids: list[int]) -> np.ndarray:
        """float32 (1, len(ids), hidden), scaled as Gemma wants it (by the root of the width)."""
        return (restore8(self._q[ids], self._scale[ids]) * self._factor)[None]


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
