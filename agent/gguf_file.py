"""Reads the tensors of a GGUF file one at a time, without mapping the file and without its 262,144 vocabulary
strings.

The `gguf` package's reader keeps an array per string and maps the whole file, 700 MB for the base model; a Pi Zero
2 W has 512. The layout is that of the GGUF specification, version 3, little endian; dequantisation is the `gguf`
package's.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

# bytes of each scalar metadata type; 8 is a string, 9 an array
_SCALARS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_STRING, _ARRAY = 8, 9


@dataclass(frozen=True)
class TensorInfo:
    """Where a tensor lies and how it is stored."""

    shape: tuple[int, ...]  # (rows, columns), or (columns,)
    kind: int  # ggml type
    offset: int  # bytes from the start of the file
    row_bytes: int


class GgufFile:
    """The tensors of one file by name. Raises `ValueError` when it is no GGUF file or cut short."""

    def __init__(self, path: Path) -> None:
        from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

        self.path = path
        self.tensors: dict[str, TensorInfo] = {}
        alignment = 32
        with path.open("rb") as file:
            magic, version, tensors, pairs = struct.unpack("<4sIQQ", _take(file, 24))
            if magic != b"GGUF" or version not in (2, 3):
                raise ValueError(f"{path.name} is no GGUF file")
            for _ in range(pairs):
                key, kind = _string(file), struct.unpack("<I", _take(file, 4))[0]
                if key == b"general.alignment":
                    alignment = struct.unpack("<I", _take(file, 4))[0]
                else:
                    _skip(file, kind)
            for _ in range(tensors):
                name = _string(file).decode()
                (dims,) = struct.unpack("<I", _take(file, 4))
                shape = struct.unpack(f"<{dims}Q", _take(file, 8 * dims))[::-1]
                kind, offset = struct.unpack("<IQ", _take(file, 12))
                per_block, block_bytes = GGML_QUANT_SIZES[GGMLQuantizationType(kind)]
                self.tensors[name] = TensorInfo(shape, kind, offset, shape[-1] // per_block * block_bytes)
            start = -(-file.tell() // alignment) * alignment
        for name, info in self.tensors.items():
            self.tensors[name] = TensorInfo(info.shape, info.kind, start + info.offset, info.row_bytes)
        end = max(info.offset + info.row_bytes * int(np.prod(info.shape[:-1])) for info in self.tensors.values())
        if path.stat().st_size < end:
            raise ValueError(f"{path.name} is cut short")

    def tensor(self, name: str) -> np.ndarray:
        """float32, in the shape of the file (rows, columns)."""
        info = self.tensors[name]
        count = info.row_bytes * int(np.prod(info.shape[:-1]))
        data = np.fromfile(self.path, np.uint8, count, offset=info.offset)
        return _restore(data.reshape(-1, info.row_bytes), info).reshape(info.shape)

    def rows(self, name: str, rows: np.ndarray) -> np.ndarray:
        """float32 (len(rows), columns): chosen rows of a matrix."""
        info = self.tensors[name]
        data = np.empty((len(rows), info.row_bytes), np.uint8)
        with self.path.open("rb") as file:
            for i, row in enumerate(rows.tolist()):
                data[i] = np.frombuffer(
                    os.pread(file.fileno(), info.row_bytes, info.offset + row * info.row_bytes), np.uint8
                )
        return _restore(data, info)


def _restore(data: np.ndarray, info: TensorInfo) -> np.ndarray:
    from gguf.constants import GGMLQuantizationType
    from gguf.quants import dequantize

    kind = GGMLQuantizationType(info.kind)
    if kind == GGMLQuantizationType.F32:
        return data.view(np.float32)
    restored: np.ndarray = dequantize(data, kind)
    return restored.astype(np.float32, copy=False)


def _take(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise ValueError("the file is cut short")
    return data


def _string(file: BinaryIO) -> bytes:
    return _take(file, struct.unpack("<Q", _take(file, 8))[0])


def _skip(file: BinaryIO, kind: int) -> None:
    if kind == _STRING:
        file.seek(struct.unpack("<Q", _take(file, 8))[0], os.SEEK_CUR)
    elif kind == _ARRAY:
        inner, count = struct.unpack("<IQ", _take(file, 12))
        if inner in _SCALARS:
            file.seek(_SCALARS[inner] * count, os.SEEK_CUR)
        else:
            for _ in range(count):
                _skip(file, inner)
    elif kind in _SCALARS:
        file.seek(_SCALARS[kind], os.SEEK_CUR)
    else:
        raise ValueError(f"unknown metadata type {kind}")
