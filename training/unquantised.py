"""The text model as it was before quantisation: base and release's change in float32, decided with by the very code of
the device.

`UnquantisedEngine` stands in for `agent.engine.Engine`, in numpy, so that grammar, penalty, calibration and refusal are
those of `OnnxDecider`. It needs 550 MB of memory. Knows nothing of scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import numpy as np

from actions.errors import ModelError
from agent.build import JOINED, is_stale
from agent.bundle import damaged
from agent.decoding import Answer
from agent.engine import Engine
from agent.onnx_decider import OnnxDecider
from agent.prompt import FIRST_TEXT_ID, encode_request
from agent.sight import Seen
from agent.weights import GEMMA, NORMS, BaseWeights, Change, Shape, rope_frequencies


class Base(Protocol):
    """What is read of `agent.weights.BaseWeights`."""

    def tensor(self, name: str) -> np.ndarray: ...
    def embedding_rows(self, rows: np.ndarray) -> np.ndarray: ...


class Taught(Protocol):
    """What is read of `agent.weights.Change`."""

    def low_rank(self, name: str) -> np.ndarray: ...
    def new_rows(self) -> np.ndarray: ...


@dataclass(frozen=True)
class Body:
    """Every weight of the model, float32.

    table: (vocabulary, hidden), embeddings and head; layers: of each its products (rows, columns), some joined as in
    the device's graph, and its norms (width,).
    """

    shape: Shape
    table: np.ndarray
    layers: tuple[dict[str, np.ndarray], ...]
    output_norm: np.ndarray

    @classmethod
    def merge(cls, base: Base, change: Taught, rows: np.ndarray, shape: Shape = GEMMA) -> Body:
        """The sum of base and change, nothing rounded; rows: int (vocabulary,), the base's row of each token."""
        table = base.embedding_rows(rows)
        table[:FIRST_TEXT_ID] = change.new_rows()
        joined = {part for parts in JOINED.values() for part in parts}
        groups = JOINED | {name: (name,) for name in shape.products() if name not in joined}
        layers = []
        for i in range(shape.layers):
            layer = {
                name: np.concatenate(
                    [base.tensor(f"blk.{i}.{p}.weight") + change.low_rank(f"blk.{i}.{p}") for p in parts]
                )
                for name, parts in groups.items()
            }
            layers.append(layer | {name: np.array(base.tensor(f"blk.{i}.{name}.weight")) for name in NORMS})
        return cls(shape, table, tuple(layers), np.array(base.tensor("output_norm.weight")))


class UnquantisedEngine:
    """One sequence at a time, as `agent.engine.Engine`: `append` adds tokens after `length` kept ones; `keep` forgets
    the last ones again.

    Nothing is computed before a row of logits is looked at. Then all that was appended goes through the layers in one
    pass, and if it is how `expected` begins, the rest of that too: an answer foreseen rightly costs one pass. What was
    foreseen wrongly costs time and changes nothing.
    """

    def __init__(self, body: Body, positions: int) -> None:
        s = body.shape
        self.positions, self.length, self.room = positions, 0, 0
        self.expected: list[int] = []
        self._body = body
        self._ropes = [
            np.outer(np.arange(positions), rope_frequencies(s.head, theta)) for theta in (s.rope_local, s.rope_global)
        ]
        self._keys = np.zeros((s.layers, positions, s.head), np.float32)
        self._values = np.zeros_like(self._keys)
        self._ids: list[int] = []  # the sequence
        self._known: list[int] = []  # what keys and values hold
        self._rows: dict[int, np.ndarray] = {}  # logits by position
        self._first = 0  # position whose logits were wanted first

    def restart(self, room: int) -> None:
        """Forgets everything and makes room for `room` positions, rounded as on the device. Raises `ModelError` beyond
        `positions`."""
        if room > self.positions:
            raise ModelError("That is more than I can keep in mind at once.", "内容太长了，我记不住。")
        self.length, self.room = 0, min(-(-room // 64) * 64, self.positions)
        self._ids, self._known, self._rows = [], [], {}

    def keep(self, length: int) -> None:
        """Keeps the first `length` positions only."""
        self.length = min(length, self.length)
        del self._ids[self.length :]

    def embedding(self, ids: Sequence[int]) -> np.ndarray:
        """What `append` takes; here the ids themselves, int64 (1, n)."""
        return np.array([ids])

    def append(self, embeds: np.ndarray, rows: Sequence[int]) -> Rows:
        """Adds tokens (1, n); the logits of the chosen ones of them."""
        start, ids = self.length, embeds[0].tolist()
        if start + len(ids) > self.room:
            raise ModelError("That is more than I can keep in mind at once.", "内容太长了，我记不住。")
        if not self._ids:
            self._first = min(rows)
        self._ids += ids
        self.length += len(ids)
        return Rows(self, [start + row for row in rows])

    def logits(self, position: int) -> np.ndarray:
        """float32 (vocabulary,): of the token that follows `position`."""
        pairs = zip(self._known, self._ids, strict=False)
        alike = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(self._known), len(self._ids)))
        if position >= alike:
            foreseen = self.expected[: self.length] == self._ids
            self._known = self.expected[: self.room] if foreseen else list(self._ids)
            self._pass(alike)
        return self._rows[position]

    def _pass(self, start: int) -> None:
        """Sends `_known[start:]` through the layers."""
        body, s = self._body, self._body.shape
        ids, total = self._known[start:], len(self._known)
        n = len(ids)
        later = np.arange(total)[None] > np.arange(start, total)[:, None]
        h = body.table[ids] * np.float32(np.sqrt(s.hidden))
        waves = [(np.cos(r[start:total]), np.sin(r[start:total])) for r in self._ropes]
        ropes = [(cos.astype(np.float32), sin.astype(np.float32)) for cos, sin in waves]
        for i, layer in enumerate(body.layers):
            rope = ropes[(i + 1) % s.global_every == 0]
            qkv = _norm(h, layer["attn_norm"], s.eps) @ layer["attn_qkv"].T
            q, k, v = np.split(qkv, [s.heads * s.head, s.heads * s.head + s.head], axis=1)
            q = _rotate(_norm(q.reshape(n, s.heads, s.head).swapaxes(0, 1), layer["attn_q_norm"], s.eps), *rope)
            self._keys[i, start:total] = _rotate(_norm(k, layer["attn_k_norm"], s.eps), *rope)
            self._values[i, start:total] = v
            near = q @ self._keys[i, :total].T / np.float32(np.sqrt(s.head))  # (heads, n, total)
            near[:, later] = -np.inf
            near = np.exp(near - near.max(-1, keepdims=True))
            y = (near / near.sum(-1, keepdims=True)) @ self._values[i, :total]
            y = y.swapaxes(0, 1).reshape(n, -1) @ layer["attn_output"].T
            h = h + _norm(y, layer["post_attention_norm"], s.eps)
            gate, up = np.split(_norm(h, layer["ffn_norm"], s.eps) @ layer["ffn_gate_up"].T, 2, axis=1)
            y = (_gelu(gate) * up) @ layer["ffn_down"].T
            h = h + _norm(y, layer["post_ffw_norm"], s.eps)
        wanted = max(start, self._first)
        logits = _norm(h[wanted - start :], body.output_norm, s.eps) @ body.table.T
        self._rows = {p: row for p, row in self._rows.items() if p < start} | dict(enumerate(logits, wanted))


class Rows:
    """Logits of chosen positions, computed when they are looked at."""

    def __init__(self, engine: UnquantisedEngine, positions: list[int]) -> None:
        self._engine, self._positions = engine, positions

    def __len__(self) -> int:
        return len(self._positions)

    def __getitem__(self, i: int) -> np.ndarray:
        return self._engine.logits(self._positions[i])


class RecordingDecider(OnnxDecider):
    """Keeps its last answer, as it was before any refusal."""

    last = Answer()

    def answer(self, text: str, seen: Seen | None = None) -> Answer:
        self.last = Answer()
        self.last = super().answer(text, seen)
        return self.last


class UnquantisedDecider(RecordingDecider):
    """Decides as the bundle in `folder` does, with the weights of `body`. Raises what `OnnxDecider` raises.

    `draft`: ids of an answer that the next one is likely to be like; only how long it takes depends on it.
    """

    def __init__(self, folder: Path, body: Body, refuse_below: float | None = None) -> None:
        super().__init__(folder, refuse_below=refuse_below)
        self._unquantised = UnquantisedEngine(body, self._engine.positions)
        self._engine = cast(Engine, self._unquantised)
        self.draft: list[int] = []

    @classmethod
    def open(cls, folder: Path, base: Path, release: Path, refuse_below: float | None = None) -> UnquantisedDecider:
        """Of the release from which `folder` was built. Raises `ModelError` when it is another one."""
        if is_stale(folder, release):
            raise damaged(f"it was not built from the release in {release}")
        rows = np.load(release / "vocabulary.npz")["rows"]
        return cls(folder, Body.merge(BaseWeights(base), Change(release / "change.npz"), rows), refuse_below)

    def answer(self, text: str, seen: Seen | None = None) -> Answer:
        self._unquantised.expected = [*encode_request(self.tokenizer, text), *self.draft]
        return super().answer(text, seen)


def _norm(x: np.ndarray, weight: np.ndarray, eps: float) -> np.ndarray:
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + np.float32(eps)) * weight


def _rotate(x: np.ndarray, cos: np.ndarray, sin: np.ndarray) -> np.ndarray:
    a, b = np.split(x, 2, axis=-1)
    return np.concatenate((a * cos - b * sin, b * cos + a * sin), -1)


def _gelu(x: np.ndarray) -> np.ndarray:
    inner = np.float32(np.sqrt(2 / np.pi)) * (x + np.float32(0.044715) * x * x * x)
    return np.float32(0.5) * x * (1 + np.tanh(inner))
