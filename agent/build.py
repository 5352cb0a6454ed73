"""Builds the text model on the device: base + change, quantised, tensor by tensor, in numpy.

The largest thing in memory is one product of a layer in float32 (10 MB) or a slice of the embedding table; the
rest stays in mapped files. Knows nothing of where the files come from.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from actions.errors import DeviceError, ModelError
from agent.bundle import BUNDLE_FILES, RELEASE_FILES, Manifest, damaged, sha256_of
from agent.prompt import FIRST_TEXT_ID
from agent.weights import GEMMA, BaseWeights, Change, Shape, quantise4, quantise8

Progress = Callable[[str, int, int], None]
SLICE = 4096  # rows of the embedding table taken at once: 10 MB in float32
JOINED = {"attn_qkv": ("attn_q", "attn_k", "attn_v"), "ffn_gate_up": ("ffn_gate", "ffn_up")}


class Builder:
    """Makes the arrays of `weights.bin` in the layout's order."""

    def __init__(
        self, base: BaseWeights, change: Change, rows: np.ndarray, manifest: Manifest, shape: Shape = GEMMA
    ) -> None:
        self.manifest, self.base, self.change, self.rows, self.shape = manifest, base, change, rows, shape

    def merged(self, name: str) -> np.ndarray:
        """float32 (n, k): a product of the base with its change."""
        return self.base.tensor(f"{name}.weight") + self.change.low_rank(name)

    def product(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        prefix, _, last = name.rpartition(".")
        parts = [quantise4(self.merged(f"{prefix}.{part}")) for part in JOINED.get(last, (last,))]
        return np.concatenate([q for q, _ in parts]), np.concatenate([s for _, s in parts])

    def embedding(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for start in range(0, len(self.rows), SLICE):
            table = self.base.embedding_rows(self.rows[start : start + SLICE])
            if start == 0:
                table[:FIRST_TEXT_ID] = self.change.new_rows()
            yield quantise8(table)

    def write(self, file: BinaryIO, progress: Progress) -> None:
        entries = self.manifest.layout
        pending: dict[str, np.ndarray] = {}
        for i, entry in enumerate(entries):
            name = entry["name"]
            file.seek(entry["offset"])
            if name == "head.q":
                scales = []
                for q, scale in self.embedding():
                    file.write(q.tobytes())
                    scales.append(scale)
                pending["head.scale"] = np.concatenate(scales)
            else:
                array = pending.pop(name) if name in pending else self.array(name, pending)
                if array.nbytes != entry["length"]:
                    raise ModelError(
                        f"The release does not fit the base model: {name} has the wrong size.",
                        "模型文件和基础模型不匹配。",
                    )
                file.write(array.tobytes())
            progress(name, i + 1, len(entries))

    def array(self, name: str, pending: dict[str, np.ndarray]) -> np.ndarray:
        stem, _, last = name.rpartition(".")
        if last == "q":
            q, pending[f"{stem}.scale"] = self.product(stem)
            return q
        return self.base.tensor(name)


def check_release(release: Path) -> Manifest:
    """The release's manifest. Raises `ModelError` when one of its files is missing or not the one it names."""
    manifest = Manifest.read(release / "manifest.json")
    for name in manifest.files(RELEASE_FILES):
        if not (release / name).is_file() or sha256_of(release / name) != manifest.sha256[name]:
            raise damaged(f"{name} of the release is missing or changed")
    return manifest


def build(base: Path, release: Path, out: Path, on_progress: Progress | None = None) -> None:
    """Builds the bundle `out` from the base model's file and the folder of a release; `out` changes only when all
    is done.

    Raises `ModelError` (a file is missing, damaged or does not fit) and `DeviceError` (the disk is full or not
    writable).
    """
    manifest = check_release(release)
    if not base.is_file():
        raise ModelError(
            "The base model is missing. Run tako models fetch first.", "缺少基础模型，请先运行 tako models fetch。"
        )
    rows = np.load(release / "vocabulary.npz")["rows"]
    builder = Builder(BaseWeights(base), Change(release / "change.npz"), rows, manifest)
    fresh = out.with_name(f"{out.name}.new")
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        with (fresh / "weights.bin").open("wb") as file:
            builder.write(file, on_progress or (lambda name, done, total: None))
            file.flush()
            os.fsync(file.fileno())
        built = [name for name in manifest.files(BUNDLE_FILES) if name != "manifest.json"]
        for name in (name for name in built if name != "weights.bin"):
            shutil.copyfile(release / name, fresh / name)
        described = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
        described["sha256"] |= {name: sha256_of(fresh / name) for name in built}
        (fresh / "manifest.json").write_text(json.dumps(described, ensure_ascii=False), encoding="utf-8")
        old = out.with_name(f"{out.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        if out.exists():
            out.rename(old)
        fresh.rename(out)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise DeviceError(
            f"I could not write the model to {out}: {error.strerror or error}. Free some space and try again.",
            "写模型文件失败，请检查磁盘空间后重试。",
        ) from error


def is_stale(bundle: Path, release: Path) -> bool:
    """Whether a bundle was built from another release than `release`."""
    built, released = (Manifest.read(folder / "manifest.json") for folder in (bundle, release))
    return built.version != released.version or any(
        built.sha256.get(n) != released.sha256.get(n) for n in RELEASE_FILES
    )
