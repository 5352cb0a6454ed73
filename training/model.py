"""Gemma 3 270M in torch, with what the school needs: low-rank changes, fake four-bit weights, logits at chosen
positions.

Architecture: Gemma 3 technical report (2025), sections 2.1 and 2.2. Weights come through `agent.weights`, so the
school sees the numbers that the device sees.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from agent.prompt import FIRST_TEXT_ID
from agent.weights import BLOCK, GEMMA, NORMS, BaseWeights, Shape, rope_frequencies

POSITIONS = 640  # of the longest sequence


def fake4(weight: Tensor) -> Tensor:
    """What `agent.weights.quantise4` and back makes of a float32 weight (n, k)."""
    blocks = weight.view(weight.shape[0], -1, BLOCK)
    high, low = blocks.amax(-1, keepdim=True), blocks.amin(-1, keepdim=True)
    scale = torch.where(high >= -low, high, low) / -8.0
    inverse = torch.where(scale != 0, 1.0 / scale, torch.zeros_like(scale))
    return ((blocks * inverse).round_().clamp_(-8, 7).mul_(scale)).view_as(weight)


class Product(nn.Module):
    """y = (W + B A) x with W frozen; the sum is seen through the quantiser, the gradient goes straight through it.

    W: (n, k); A: (rank, k); B: (n, rank). Hu et al. 2021 (LoRA); Bengio et al. 2013 (straight-through estimator).
    """

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.a = nn.Parameter(torch.randn(rank, weight.shape[1]) / math.sqrt(weight.shape[1]))
        self.b = nn.Parameter(torch.zeros(weight.shape[0], rank))
        self.quantised = True
        self._seen: Tensor | None = None

    def merged(self) -> Tensor:
        return self.weight + self.b @ self.a

    @torch.no_grad()
    def refresh(self, dtype: torch.dtype) -> None:
        """Takes the weight anew that the forward pass uses; to be called after each step."""
        weight = self.merged()
        self._seen = (fake4(weight) if self.quantised else weight).to(dtype)

    def forward(self, x: Tensor) -> Tensor:
        y = F.linear(x, self._seen)
        if torch.is_grad_enabled():
            change = F.linear(F.linear(x, self.a.to(x.dtype)), self.b.to(x.dtype))
            y = y + (change - change.detach())
        return y


class Norm(nn.Module):
    def __init__(self, weight: Tensor, eps: float) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x.float(), (x.shape[-1],), self.weight, self.eps).to(x.dtype)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary position of x (batch, heads, length, head), halves paired."""
    a, b = x.float().chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).to(x.dtype)


class Layer(nn.Module):
    def __init__(self, base: BaseWeights, index: int, rank: int, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        for name in shape.products():
            setattr(self, name, Product(_tensor(base, f"blk.{index}.{name}.weight"), rank))
        for name in NORMS:
            setattr(self, name, Norm(_tensor(base, f"blk.{index}.{name}.weight"), shape.eps))

    def forward(self, h: Tensor, rope: tuple[Tensor, Tensor]) -> Tensor:
        s, (batch, length, _) = self.shape, h.shape
        x = self.attn_norm(h)
        q = self.attn_q_norm(self.attn_q(x).view(batch, length, s.heads, s.head)).transpose(1, 2)
        k = self.attn_k_norm(self.attn_k(x).view(batch, length, s.kv_heads, s.head)).transpose(1, 2)
        v = self.attn_v(x).view(batch, length, s.kv_heads, s.head).transpose(1, 2)
        q, k = rotate(q, *rope), rotate(k, *rope)
        k, v = k.expand(-1, s.heads, -1, -1), v.expand(-1, s.heads, -1, -1)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        y = self.attn_output(y.transpose(1, 2).reshape(batch, length, -1))
        h = h + self.post_attention_norm(y)
        x = self.ffn_norm(h)
        y = self.ffn_down(F.gelu(self.ffn_gate(x), approximate="tanh") * self.ffn_up(x))
        return h + self.post_ffw_norm(y)


class Gemma(nn.Module):
    """The pruned base with its changes.

    `new_rows` (the first `FIRST_TEXT_ID` rows of the embedding table: marks and functional tokens) are trained in
    full.
    """

    def __init__(self, base: BaseWeights, rows: np.ndarray, rank: int, shape: Shape = GEMMA) -> None:
        super().__init__()
        self.shape = shape
        table = torch.from_numpy(base.embedding_rows(rows))
        self.new_rows = nn.Parameter(table[:FIRST_TEXT_ID].clone())
        self.register_buffer("text_rows", table[FIRST_TEXT_ID:].clone())
        self.layers = nn.ModuleList(Layer(base, i, rank, shape) for i in range(shape.layers))
        self.output_norm = Norm(_tensor(base, "output_norm.weight"), shape.eps)
        for name, theta in (("local", shape.rope_local), ("global", shape.rope_global)):
            angle = torch.from_numpy(np.outer(np.arange(POSITIONS), rope_frequencies(shape.head, theta)))
            self.register_buffer(f"cos_{name}", angle.cos().float(), persistent=False)
            self.register_buffer(f"sin_{name}", angle.sin().float(), persistent=False)
        self._head: Tensor | None = None

    def products(self) -> list[Product]:
        return [m for m in self.modules() if isinstance(m, Product)]

    def quantise(self, on: bool) -> None:
        for product in self.products():
            product.quantised = on

    def refresh(self, dtype: torch.dtype = torch.bfloat16) -> None:
        """To be called before the first forward pass and after each change of the parameters."""
        for product in self.products():
            product.refresh(dtype)
        if self._head is None or self._head.dtype != dtype:
            self._head = self.text_rows.to(dtype)

    def hidden(self, ids: Tensor, seen: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """Last hidden states (batch, length, 640) of token ids (batch, length). `seen`: which items of the batch have
        a picture, and its visual tokens (pictures, tokens, 640), which stand right behind the first id."""
        dtype = self._head.dtype
        text = F.embedding((ids - FIRST_TEXT_ID).clamp_min(0), self.text_rows)
        new = F.embedding(ids.clamp_max(FIRST_TEXT_ID - 1), self.new_rows)
        h = torch.where((ids < FIRST_TEXT_ID)[..., None], new, text)
        if seen is not None:
            items, tokens = seen
            places = torch.arange(1, 1 + tokens.shape[1])
            h = h.index_put((items[:, None], places[None]), tokens)
        h = h * math.sqrt(self.shape.hidden)
        h = h.to(dtype)
        length = ids.shape[1]
        for i, layer in enumerate(self.layers):
            name = "global" if (i + 1) % self.shape.global_every == 0 else "local"
            rope = getattr(self, f"cos_{name}")[:length], getattr(self, f"sin_{name}")[:length]
            h = layer(h, rope)
        return self.output_norm(h)

    def logits(self, hidden: Tensor) -> Tensor:
        """Logits float32 (n, vocabulary) of hidden states (n, 640)."""
        new = F.linear(hidden, self.new_rows.to(hidden.dtype))
        return torch.cat((new, F.linear(hidden, self._head)), -1).float()


def _tensor(base: BaseWeights, name: str) -> Tensor:
    return torch.from_numpy(np.array(base.tensor(name)))
