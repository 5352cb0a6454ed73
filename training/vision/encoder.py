"""An image tower that somebody brings along (`docs/encoders.md`): any ONNX graph that makes one vector of one picture.

It takes the place of EfficientNet where features are computed; nothing of it learns.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn

from agent.sight import LENGTH, Eye

FEATURE = "feature"


def with_eye(model: onnx.ModelProto, eye: Eye) -> onnx.ModelProto:
    """The graph with how it wants its pixels, as `Eye.of` reads it."""
    helper.set_model_props(model, {"eye": json.dumps(asdict(eye))})
    return model


def read_eye(path: Path) -> Eye:
    """From a file like `{"side": 256, "mean": [0, 0, 0], "deviation": [255, 255, 255]}`."""
    return Eye.of({"eye": path.read_text(encoding="utf-8")})


def adopted(path: Path, eye: Eye) -> onnx.ModelProto:
    """A CLIP-like image tower as the rest wants it: weights inside, its feature at `LENGTH`, whatever length it gives.

    Raises `ValueError` when the graph has not one input (1, 3, side, side) and one output (1, width), float32; a first
    dimension without a number is taken for 1.
    """
    model = onnx.load(path)
    graph = model.graph
    weights = {weight.name for weight in graph.initializer}
    taken = [value for value in graph.input if value.name not in weights]
    shapes = [_shape(value) for value in (*taken, *graph.output)]
    if len(taken) != 1 or len(graph.output) != 1 or shapes[0] != [1, 3, eye.side, eye.side] or len(shapes[1]) != 2:
        raise ValueError(f"{path} takes and gives {shapes}, not (1, 3, {eye.side}, {eye.side}) and (1, width)")
    own = graph.output[0].name
    graph.initializer.append(numpy_helper.from_array(np.float32(LENGTH), f"{FEATURE}.length"))
    graph.node.append(helper.make_node("LpNormalization", [own], [f"{FEATURE}.unit"], axis=1, p=2))
    graph.node.append(helper.make_node("Mul", [f"{FEATURE}.unit", f"{FEATURE}.length"], [f"{FEATURE}.scaled"]))
    end = helper.make_tensor_value_info(f"{FEATURE}.scaled", onnx.TensorProto.FLOAT, shapes[1])
    del graph.output[:]
    graph.output.append(end)
    onnx.checker.check_model(model)
    return with_eye(model, eye)


class Encoder(nn.Module):
    """An adopted tower in onnxruntime: pictures float32 (batch, 3, side, side), as its `eye` gives them, to features
    (batch, width, 1, 1)."""

    def __init__(self, model: onnx.ModelProto, threads: int = 1) -> None:
        super().__init__()
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name
        self.eye = Eye.of(self._session.get_modelmeta().custom_metadata_map)

    def front(self, x: Tensor, stages: int) -> Tensor:
        """As `EfficientNetLite.front`: all of it."""
        return self(x)

    def back(self, x: Tensor, stages: int) -> Tensor:
        """As `EfficientNetLite.back`: nothing is left to do."""
        return x

    def forward(self, x: Tensor) -> Tensor:
        found = [self._session.run(None, {self._input: picture[None]})[0] for picture in x.numpy()]
        return torch.from_numpy(np.concatenate(found))[..., None, None]


def _shape(value: onnx.ValueInfoProto) -> list[int]:
    """Of a float32 tensor; a dimension without a number is 1, another type's is empty."""
    tensor = value.type.tensor_type
    return [d.dim_value or 1 for d in tensor.shape.dim] if tensor.elem_type == onnx.TensorProto.FLOAT else []
