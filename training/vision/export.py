"""Writes the eyes of a release: `tower.onnx`, `sight.npz` and `concepts.json`, as `agent.sight` reads them.

    python -m training.vision.export --tower runs/tower/tower.pt --heads runs/tower/heads.npz
        --checkpoint runs/NAME/checkpoint.pt --data ../shared/data --release models/text

The tower is written in eight bits (Jacob et al. 2018: weights per channel, ranges of activations from training photos
of the permissive sources), but for its first six convolutions, 6,400 weights on the largest maps, where an error costs
most. Measured with the taught tower on 200 dev photos, half of them as from a hand, all variants in turn on one busy
core of an x86 server with VNNI (time is relative to float32, which takes 20 to 25 ms where little else runs):

    variant                         MB   time   cosine: mean, least   same likeliest concept
    float32                       19.1   1.00   1       1             100 %
    all in eight bits              5.3   0.39   0.9965  0.979         96.5 %
    all but stem and block 0       5.4   0.38   0.9981  0.991         96.0 %
    all but these and block 1      5.4   0.40   0.9985  0.996         98.5 %   (this one)

With the plain tower, everything in eight bits: 0.9917, 0.876, 96.0 %; ranges as a moving average 0.9896 and 94.3 %;
signed activations the same agreement at twice, unsigned weights less of it at ten times the time.

A tower from elsewhere (`docs/encoders.md`) is written as it is.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from PIL import Image

from agent.bundle import CONCEPTS, PROJECTION, TOWER
from agent.concepts import ATTRIBUTES
from agent.sight import Eye, Projection, unit
from training.vision.augment import as_from_a_hand
from training.vision.efficientnet import Convolution, EfficientNetLite, same_padding
from training.vision.encoder import Encoder, with_eye
from training.vision.heads import open_tower
from training.vision.photos import PERMISSIVE, read_photos
from training.vision.pictures import release_table
from training.vision.projector import Projector
from training.vision.table import read_concepts

OPSET, IR = 17, 8
CALIBRATED = 300  # photos that the ranges of the activations are taken from
FLOAT = ("stem", "block0.", "block1.")  # what stays float starts so
INPUT, OUTPUT = "pixels", "feature"


class _Writer:
    """Nodes and weights of a graph in the making; places are (name of a tensor, its height and width)."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights = [numpy_helper.from_array(np.float32(v), name) for name, v in (("zero", 0), ("six", 6))]

    def convolution(self, taken: str, side: int, layer: Convolution, name: str) -> tuple[str, int]:
        conv = layer.conv
        kernel, stride = conv.kernel_size[0], conv.stride[0]
        self.weights.append(numpy_helper.from_array(conv.weight.detach().numpy(), f"{name}.weight"))
        self.weights.append(numpy_helper.from_array(conv.bias.detach().numpy(), f"{name}.bias"))
        before, after = same_padding(side, kernel, stride)
        self.nodes.append(
            helper.make_node(
                "Conv",
                [taken, f"{name}.weight", f"{name}.bias"],
                [name],
                name,
                kernel_shape=[kernel, kernel],
                strides=[stride, stride],
                pads=[before, before, after, after],
                group=conv.groups,
            )
        )
        side = -(-side // stride)
        return (self.node("Clip", name, "zero", "six"), side) if layer.relu else (name, side)

    def node(self, kind: str, *taken: str, **attributes: object) -> str:
        given = f"{taken[0]}.{kind.lower()}"
        self.nodes.append(helper.make_node(kind, taken, [given], given, **attributes))
        return given


def tower_graph(tower: EfficientNetLite) -> onnx.ModelProto:
    """From "pixels" float32 (1, 3, side, side) to "feature" float32 (1, width), the mean of the last feature map."""
    writer = _Writer()
    x, side = writer.convolution(INPUT, tower.side, tower.stem, "stem")
    for i, block in enumerate(tower.blocks):
        y, at = (x, side) if block.expand is None else writer.convolution(x, side, block.expand, f"block{i}.expand")
        y, at = writer.convolution(y, at, block.depthwise, f"block{i}.depthwise")
        y, side = writer.convolution(y, at, block.project, f"block{i}.project")
        x = writer.node("Add", y, x) if block.residual else y
    x, side = writer.convolution(x, side, tower.head, "head")
    writer.nodes.append(helper.make_node("ReduceMean", [x], [OUTPUT], OUTPUT, axes=[2, 3], keepdims=0))
    shapes = {INPUT: [1, 3, tower.side, tower.side], OUTPUT: [1, tower.head.conv.out_channels]}
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    graph = helper.make_graph(writer.nodes, "tower", ends[:1], ends[1:], writer.weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    onnx.checker.check_model(model)
    return model


class _Reader(CalibrationDataReader):
    def __init__(self, pictures: Iterable[np.ndarray]) -> None:
        self._pictures = iter(pictures)

    def get_next(self) -> dict[str, np.ndarray] | None:
        pixels = next(self._pictures, None)
        return None if pixels is None else {INPUT: pixels}


def quantised(model: onnx.ModelProto, pictures: Iterable[np.ndarray]) -> onnx.ModelProto:
    """The same graph in eight bits; pictures: pixels float32 (1, 3, side, side) that show how large activations get."""
    logging.getLogger().setLevel(logging.ERROR)  # it recommends steps that this graph does not need
    with tempfile.TemporaryDirectory() as folder:
        whole, small = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        onnx.save(model, whole)
        quantize_static(
            whole,
            small,
            _Reader(pictures),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=[node.name for node in model.graph.node if node.name.startswith(FLOAT)],
        )
        return onnx.load(small)


def photos_for(data: Path, part: str, eye: Eye, count: int = CALIBRATED) -> Iterator[np.ndarray]:
    """Pixels (1, 3, side, side) of photos of the permissive sources, every second one as from a hand."""
    random = Random(part)
    photos = [photo for photo in read_photos(data, PERMISSIVE) if photo.part == part]
    for i, photo in enumerate(random.sample(photos, min(count, len(photos)))):
        picture = Image.open(data / photo.file).convert("RGB")
        yield eye.pixels(eye.square(as_from_a_hand(picture, random) if i % 2 else picture))


def projection(heads: dict[str, np.ndarray], sight: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    """The arrays of `sight.npz`, from what `training.vision.heads` fitted and the projector's state."""
    rows = heads["rows"]
    scale = np.maximum(np.abs(rows).max(1), 1e-12) / 127
    projector = Projector(torch.zeros(1, sight["slots"].shape[1]), rows.shape[1])
    projector.load_state_dict(sight)
    return {
        "rows": np.rint(rows / scale[:, None]).astype(np.int8),
        "rows_scale": scale.astype(np.float32),
        "rows_bias": heads["rows_bias"].astype(np.float32),
        **{name: heads[name].astype(np.float16) for name in ("joint", *ATTRIBUTES)},
        **projector.arrays(),
    }


def agreement(release: Path, tower: EfficientNetLite | Encoder, heads: dict[str, np.ndarray], data: Path) -> str:
    """How far tower and rows as written agree with those they were made of, on photos of the dev part."""
    written = Encoder(onnx.load(release / TOWER))
    with np.load(release / PROJECTION) as arrays:
        small, whole = Projection(dict(arrays)), Projection.untaught(heads)
    cosines, same = [], []
    for pixels in photos_for(data, "dev", tower.eye):
        x = torch.from_numpy(pixels)
        with torch.no_grad():
            new, old = (each(x).mean((2, 3))[0].numpy() for each in (written, tower))
        cosines.append(unit(new, 1.0) @ unit(old, 1.0))
        same.append(small.concepts(new).argmax() == whole.concepts(old).argmax())
    return f"cosine {np.mean(cosines):.4f} (least {min(cosines):.3f}), same likeliest concept {np.mean(same):.1%}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tower", type=Path, required=True)
    parser.add_argument("--heads", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--release", type=Path, default=Path("models/text"))
    parser.add_argument("--check", action="store_true", help="compare with the float tower on dev photos")
    options = parser.parse_args()
    tower = open_tower(options.tower)[0].tower
    if isinstance(tower, Encoder):
        model = onnx.load(options.tower.with_name(TOWER))
    else:
        photos = photos_for(options.data, "train", tower.eye)
        model = with_eye(quantised(tower_graph(tower), photos), tower.eye)
    sight = torch.load(options.checkpoint, weights_only=True, map_location="cpu")["sight"]
    onnx.save(model, options.release / TOWER)
    np.savez_compressed(options.release / PROJECTION, **projection(dict(np.load(options.heads)), sight))
    table = json.dumps(release_table(read_concepts()), ensure_ascii=False, indent=0)
    (options.release / CONCEPTS).write_text(table + "\n", encoding="utf-8")
    if options.check:
        print(agreement(options.release, tower, dict(np.load(options.heads)), options.data))
    for name in (TOWER, PROJECTION, CONCEPTS):
        print(f"{name}: {(options.release / name).stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
