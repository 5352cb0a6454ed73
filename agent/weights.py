"""The numbers of the model: reading the base, the change against it, and four- and eight-bit quantisation, in numpy.

Used by the build on the device and by the school, so that both see the same weights. Tensors are read one by one;
nothing here holds more than one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from actions.errors import ModelError
from agent.gguf_file import GgufFile


@dataclass(frozen=True)
class Shape:
    """The body of Gemma 3 270M."""

    layers: int = 18
    hidden: int = 640
    heads: int = 4
    kv_heads: int = 1
    head: int = 256
    ffn: int = 2048
    eps: float = 1e-6
    rope_local: float = 10_000.0
    rope_global: float = 1_000_000.0
    global_every: int = 6  # layers 5, 11 and 17 see everything, the others a window longer than any request

    def products(self) -> dict[str, tuple[int, int]]:
        """Matrix products of one layer: name to (rows, columns) of the weight."""
        q, kv = self.heads * self.head, self.kv_heads * self.head
        return {
            "attn_q": (q, self.hidden),
            "attn_k": (kv, self.hidden),
            "attn_v": (kv, self.hidden),
            "attn_output": (self.hidden, q),
            "ffn_gate": (self.ffn, self.hidden),
            "ffn_up": (self.ffn, self.hidden),
            "ffn_down": (self.hidden, self.ffn),
        }


NORMS = ("attn_norm", "attn_q_norm", "attn_k_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm")
GEMMA = Shape()
BLOCK, BLOCK8 = 32, 128  # weights that share one scale, with four and with eight bits


class BaseWeights:
    """The base model's tensors by their GGUF names, dequantised to float32 one at a time."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = GgufFile(path)
        except (OSError, ValueError) as error:
            raise ModelError(
                f"The base model {path.name} is damaged. Run tako models fetch again.",
                "基础模型文件已损坏，请重新运行 tako models fetch。",
            ) from error

    def tensor(self, name: str) -> np.ndarray:
        """float32; a matrix has the shape (rows, columns) of `y = W x`. Raises `ModelError` when the file has no
        such tensor."""
        try:
            return self._file.tensor(name)
        except KeyError as error:
            raise ModelError(
                f"The base model is not the one I was made for: it has no {name}. Run tako models fetch again.",
                "基础模型不匹配，请重新运行 tako models fetch。",
            ) from error

    def embedding_rows(self, rows: np.ndarray) -> np.ndarray:
        """float32, shape (len(rows), hidden): rows of the embedding table; zero where the row is -1."""
        out = np.zeros((len(rows), GEMMA.hidden), np.float32)
        known = rows >= 0
        out[known] = self._file.rows("token_embd.weight", rows[known])
        return out


def quantise4(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Four-bit blocks of `BLOCK` along the columns, as MatMulNBits wants them.

    weight: float32 (n, k). Returns packed uint8 (n, k / BLOCK, BLOCK / 2), low nibble first, and scales float32
    (n * k / BLOCK). The largest magnitude of a block becomes exactly -8: `w = (q - 8) * scale`.
    """
    n, k = weight.shape
    blocks = weight.reshape(n, k // BLOCK, BLOCK)
    scale = signed_peak(blocks) / -8.0
    inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale != 0)
    q = np.clip(np.rint(blocks * inverse[..., None]) + 8, 0, 15).astype(np.uint8)
    return q[..., 0::2] | (q[..., 1::2] << 4), scale.reshape(-1)


def quantise8(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eight-bit blocks likewise: uint8 (n, k / BLOCK8, BLOCK8), zero at 128, scales float32 (n * k / BLOCK8)."""
    n, k = weight.shape
    blocks = weight.reshape(n, k // BLOCK8, BLOCK8)
    scale = np.abs(blocks).max(-1) / 127.0
    inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale != 0)
    q = np.clip(np.rint(blocks * inverse[..., None]) + 128, 1, 255).astype(np.uint8)
    return q, scale.reshape(-1)


def signed_peak(blocks: np.ndarray) -> np.ndarray:
    """The value of the largest magnitude of each block, sign kept; (..., BLOCK) to (...)."""
    high, low = blocks.max(-1), blocks.min(-1)
    return np.where(high >= -low, high, low)


def restore8(q: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """float32 (n, k) of eight-bit blocks: q uint8 (n, k / BLOCK8, BLOCK8), scale float32 (n, k / BLOCK8)."""
    return ((q.astype(np.float32) - 128.0) * scale[..., None]).reshape(len(q), -1)


def rope_frequencies(head: int, theta: float) -> np.ndarray:
    """Radians that each half-dimension of a head turns by from one position to the next, float64 (head / 2,). Su et
    al. 2021 (RoFormer)."""
    frequencies: np.ndarray = theta ** (-np.arange(0, head, 2, dtype=np.float64) / head)
    return frequencies


class Change:
    """What the school taught, as git carries it: low-rank factors in eight bits with one scale a row, new rows in
    float16."""

    def __init__(self, path: Path) -> None:
        self._arrays = np.load(path)

    def low_rank(self, name: str) -> np.ndarray:
        """float32 (n, k): the change of the base's tensor `name`."""
        return self._factor(name, "b") @ self._factor(name, "a")

    def new_rows(self) -> np.ndarray:
        """float32 (FIRST_TEXT_ID, hidden)."""
        return self._arrays["new_rows"].astype(np.float32)

    def _factor(self, name: str, side: str) -> np.ndarray:
        return self._arrays[f"{name}.{side}"].astype(np.float32) * self._arrays[f"{name}.{side}_scale"][:, None]


def pack_factor(factor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """int8 (n, k) and float32 scales (n,) of a float32 factor."""
    scale = np.maximum(np.abs(factor).max(1), 1e-12) / 127.0
    return np.rint(factor / scale[:, None]).astype(np.int8), scale.astype(np.float32)
