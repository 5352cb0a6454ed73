"""Makes the tiny image tower that the tests see with: `python tests/tiny_tower/generate.py`. Needs `onnx`; its output
is committed.

Its feature is the mean red, green and blue (-1 to 1) of each quarter of the picture: red of all four, then green, blue.
"""

from __future__ import annotations

import json
from pathlib import Path

import onnx
from onnx import TensorProto, helper

SIDE = 24  # pixels
EYE = {"side": SIDE, "mean": [127.5] * 3, "deviation": [127.5] * 3}


def main() -> None:
    graph = helper.make_graph(
        [
            helper.make_node(
                "AveragePool", ["pixels"], ["quarters"], kernel_shape=[SIDE // 2] * 2, strides=[SIDE // 2] * 2
            ),
            helper.make_node("Flatten", ["quarters"], ["feature"]),
        ],
        "tiny_tower",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("feature", TensorProto.FLOAT, [1, 12])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {"eye": json.dumps(EYE)})
    onnx.checker.check_model(model)
    onnx.save_model(model, str(Path(__file__).with_name("tower.onnx")))


if __name__ == "__main__":
    main()
