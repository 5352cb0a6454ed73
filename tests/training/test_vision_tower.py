"""EfficientNet-Lite: TensorFlow's padding, folded batch norms, and a front that can be kept."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="the school needs torch (extra: train)")
F = torch.nn.functional

from training.vision.efficientnet import (  # noqa: E402
    BN_EPSILON,
    STAGES,
    Block,
    Convolution,
    EfficientNetLite,
    _pairs,
    _rounded,
    load,
    same_padding,
)


@pytest.mark.parametrize("side", [1, 5, 17, 33, 65, 130, 224, 260])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (5, 1), (5, 2)])
def test_same_padding(side: int, kernel: int, stride: int) -> None:
    before, after = same_padding(side, kernel, stride)
    assert (side + before + after - kernel) // stride + 1 == math.ceil(side / stride)
    assert 0 <= before <= after <= before + 1  # the odd one comes last
    with torch.no_grad():
        made = Convolution(2, 3, kernel, stride)(torch.zeros(1, 2, side, side))
    assert made.shape == (1, 3, math.ceil(side / stride), math.ceil(side / stride))


def test_an_even_side_is_padded_behind() -> None:
    """As TensorFlow does, and torch's own padding does not."""
    assert same_padding(260, 3, 2) == (0, 1)
    assert same_padding(130, 5, 2) == (1, 2)
    assert same_padding(65, 3, 1) == (1, 1)


def random_state(tower: EfficientNetLite, seed: int = 0) -> dict[str, torch.Tensor]:
    """What the wheel holds: kernels and batch norms apart, and the classifier."""
    generator = torch.Generator().manual_seed(seed)
    state = {
        "_fc.weight": torch.randn(1000, 1280, generator=generator),
        "_fc.bias": torch.randn(1000, generator=generator),
    }
    for convolution, conv, bn in _pairs(tower):
        shape = convolution.conv.weight.shape
        fan = shape[1] * shape[2] * shape[3]
        state[f"{conv}.weight"] = torch.randn(shape, generator=generator) * math.sqrt(2 / fan)
        state[f"{bn}.weight"] = 0.5 + torch.rand(shape[0], generator=generator)
        state[f"{bn}.bias"] = 0.3 * torch.randn(shape[0], generator=generator)
        state[f"{bn}.running_mean"] = 0.3 * torch.randn(shape[0], generator=generator)
        state[f"{bn}.running_var"] = 0.5 + torch.rand(shape[0], generator=generator)
    return state


def unfolded(state: dict[str, torch.Tensor], conv: str, bn: str, x: torch.Tensor, like: Convolution) -> torch.Tensor:
    """A convolution without bias, then its batch norm, then ReLU6."""
    kernel, stride = like.conv.kernel_size[0], like.conv.stride[0]
    pads = [p for side in (x.shape[-1], x.shape[-2]) for p in same_padding(side, kernel, stride)]
    x = F.conv2d(F.pad(x, pads), state[f"{conv}.weight"], stride=stride, groups=like.conv.groups)
    norm = [state[f"{bn}.{name}"] for name in ("running_mean", "running_var", "weight", "bias")]
    x = F.batch_norm(x, *norm, training=False, eps=BN_EPSILON)
    return x.clamp(0, 6) if like.relu else x


@torch.no_grad()
def test_folding_the_batch_norms_changes_nothing() -> None:
    state = random_state(EfficientNetLite("lite0"))
    tower, rows, bias = load(state, "lite0")
    assert torch.equal(rows, state["_fc.weight"])
    assert torch.equal(bias, state["_fc.bias"])
    pixels = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    names = {id(convolution): (conv, bn) for convolution, conv, bn in _pairs(tower)}

    def plain(convolution: Convolution, x: torch.Tensor) -> torch.Tensor:
        return unfolded(state, *names[id(convolution)], x, convolution)

    x = plain(tower.stem, pixels)
    for block in tower.blocks:
        y = plain(block.expand, x) if block.expand is not None else x
        y = plain(block.project, plain(block.depthwise, y))
        x = x + y if block.residual else y
    wanted = plain(tower.head, x)
    got = tower(pixels)
    assert got.shape == (1, 1280, 2, 2)
    assert 0.1 < wanted.std() < 3
    torch.testing.assert_close(got, wanted, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(("name", "blocks", "last"), [("lite0", 16, 320), ("lite2", 21, 352)])
def test_the_members_of_the_family(name: str, blocks: int, last: int) -> None:
    """As the release has them: lite2 is wider by a tenth and deeper by a fifth, but not at its ends."""
    tower = EfficientNetLite(name)
    assert len(tower.blocks) == tower.stage_ends[-1] == blocks
    assert tower.head.conv.in_channels == last
    assert tower.stem.conv.out_channels == 32
    assert len({conv for _, conv, _ in _pairs(tower)}) == sum(1 for m in tower.modules() if isinstance(m, Convolution))


@torch.no_grad()
@pytest.mark.parametrize("stages", range(1, len(STAGES) + 1))
def test_front_and_back_are_the_whole(stages: int) -> None:
    tower, _, _ = load(random_state(EfficientNetLite("lite0")), "lite0")
    pixels = torch.rand(2, 3, 40, 40, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(tower.back(tower.front(pixels, stages), stages), tower(pixels))


def test_a_state_that_lacks_something_is_no_tower() -> None:
    state = random_state(EfficientNetLite("lite0"))
    del state["_blocks.3._bn1.running_var"]
    with pytest.raises(KeyError):
        load(state, "lite0")


@torch.no_grad()
def test_a_block_adds_its_input_where_shapes_allow() -> None:
    same = Block(8, 8, 3, 1, 6)
    for p in same.project.parameters():
        p.zero_()
    x = torch.randn(1, 8, 9, 9)
    assert torch.equal(same(x), x)
    assert not Block(8, 8, 3, 2, 6).residual
    assert not Block(8, 16, 3, 1, 6).residual
    assert Block(8, 8, 3, 1, 1).expand is None


@pytest.mark.parametrize(
    ("asked", "channels"), [(16, 16), (17.6, 16), (26.4, 24), (44, 48), (88, 88), (211.2, 208), (2, 8)]
)
def test_channels_are_multiples_of_eight(asked: float, channels: int) -> None:
    assert _rounded(asked) == channels
    assert channels >= 0.9 * asked
