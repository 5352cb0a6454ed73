"""Stage 2's module: what joins tower and text model, in torch. `agent.sight` does the same in numpy on the device."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from agent.concepts import SURENESS, WORD_SLOTS
from agent.prompt import FIRST_TEXT_ID
from agent.sight import DENSE, LENGTH, VISUAL_TOKENS

INNER = 64


class Projector(nn.Module):
    """Views to visual tokens (batch, VISUAL_TOKENS, hidden), unscaled as the rows of the embedding table are.

    slots: what is added at each place; sure: what sureness adds to the first; inner, outer: the dense tokens' two
    layers.
    """

    def __init__(self, table: Tensor, feature: int = 1280) -> None:
        super().__init__()
        hidden = table.shape[1]
        self.table = [table]  # of the text model, in a list so that it is no weight of this module
        self.slots = nn.Parameter(torch.zeros(VISUAL_TOKENS, hidden))
        with torch.no_grad():
            self.slots[0] = table.mean(0)
        self.sure = nn.Parameter(torch.zeros(SURENESS, hidden))
        self.inner = nn.Linear(feature, INNER)
        self.outer = nn.Linear(INNER, DENSE * hidden)
        nn.init.normal_(self.outer.weight, std=0.002)
        nn.init.zeros_(self.outer.bias)

    def forward(self, ids: Tensor, weights: Tensor, sureness: Tensor, features: Tensor) -> Tensor:
        """ids int64 and weights (batch, WORD_SLOTS); sureness (batch, SURENESS); features (batch, feature)."""
        words = F.embedding((ids - FIRST_TEXT_ID).clamp_min(0), self.table[0]) * weights[..., None]
        dense = self.outer(F.relu(self.inner(F.normalize(features, dim=-1) * LENGTH)))
        first = (sureness @ self.sure)[:, None]
        return torch.cat((first, words, dense.view(len(ids), DENSE, -1)), 1) + self.slots

    def arrays(self) -> dict[str, np.ndarray]:
        """As `agent.sight.Projection` reads them."""
        given = {
            "slots": self.slots,
            "sure": self.sure,
            "inner": self.inner.weight.T,
            "inner_bias": self.inner.bias,
            "outer": self.outer.weight.T,
            "outer_bias": self.outer.bias,
        }
        return {name: tensor.detach().numpy().astype(np.float16) for name, tensor in given.items()}


class Pictures:
    """The views of `pictures.npz` (`training.vision.pictures`)."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as arrays:
            self.ids = torch.from_numpy(arrays["ids"].astype(np.int64))
            self.weights = torch.from_numpy(arrays["weights"].astype(np.float32))
            self.sureness = torch.from_numpy(arrays["sureness"].astype(np.float32))
            self.features = torch.from_numpy(arrays["features"].astype(np.float32))
        if self.ids.shape[1] != WORD_SLOTS:
            raise ValueError(f"{path} was made for other word slots")

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        return self.ids[rows], self.weights[rows], self.sureness[rows], self.features[rows]
