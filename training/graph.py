"""Writes the ONNX graph of the text model without its weights: `python -m training.graph --out models/text`.

The graph takes embeddings (of tokens now, of pictures later) and appends them to a key/value cache that stays in
place; it gives logits at chosen rows only. Products are MatMulNBits with four bits (the head eight), attention is
GroupQueryAttention with rotary positions inside. Every initializer lies in `weights.bin`, which the device builds;
`layout` is the list of what lies where.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from agent.weights import BLOCK, BLOCK8, GEMMA, Shape, rope_frequencies

ALIGN = 64
MAX_POSITIONS = 640
MS = "com.microsoft"
_BYTES = {TensorProto.FLOAT: 4, TensorProto.UINT8: 1}


@dataclass(frozen=True)
class Entry:
    """One initializer in `weights.bin`."""

    name: str
    dtype: str  # float32 | uint8
    shape: tuple[int, ...]
    offset: int
    length: int  # bytes


class GraphWriter:
    def __init__(self, vocabulary: int, shape: Shape = GEMMA, positions: int = MAX_POSITIONS) -> None:
        self.shape, self.vocabulary, self.positions = shape, vocabulary, positions
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.layout: list[Entry] = []
        self.offset = 0

    def weight(self, name: str, dims: tuple[int, ...], kind: int = TensorProto.FLOAT) -> str:
        length = int(np.prod(dims)) * _BYTES[kind]
        tensor = TensorProto(name=name, data_type=kind, dims=dims, data_location=TensorProto.EXTERNAL)
        for key, value in (("location", "weights.bin"), ("offset", str(self.offset)), ("length", str(length))):
            tensor.external_data.add(key=key, value=value)
        self.initializers.append(tensor)
        self.layout.append(Entry(name, "float32" if kind == TensorProto.FLOAT else "uint8", dims, self.offset, length))
        self.offset += -(-length // ALIGN) * ALIGN
        return name

    def node(self, op: str, inputs: list[str], outputs: list[str], domain: str = "", **attributes: object) -> str:
        self.nodes.append(helper.make_node(op, inputs, outputs, name=outputs[0], domain=domain, **attributes))
        return outputs[0]

    def product(self, x: str, name: str, n: int, k: int, bits: int = 4) -> str:
        block = BLOCK if bits == 4 else BLOCK8
        q = self.weight(f"{name}.q", (n, k // block, block * bits // 8), TensorProto.UINT8)
        scales = self.weight(f"{name}.scale", (n * k // block,))
        return self.node(
            "MatMulNBits", [x, q, scales], [name], MS, K=k, N=n, bits=bits, block_size=block, accuracy_level=4
        )

    def norm(self, x: str, name: str, size: int) -> str:
        w = self.weight(f"{name}.weight", (size,))
        return self.node("SimplifiedLayerNormalization", [x, w], [name], axis=-1, epsilon=self.shape.eps, stash_type=1)

    def constant(self, name: str, values: list[int]) -> str:
        self.initializers.append(helper.make_tensor(name, TensorProto.INT64, [len(values)], values))
        return name

    def rope(self, name: str, theta: float) -> None:
        """Tables of rotary positions, float32 (positions, head / 2). Of constants only, so they are made when the graph
        is loaded and cost no room on the disk."""
        turns = helper.make_tensor(
            f"turns_{name}", TensorProto.FLOAT, [1, self.shape.head // 2], rope_frequencies(self.shape.head, theta)
        )
        position = helper.make_tensor(
            f"position_{name}", TensorProto.FLOAT, [self.positions, 1], np.arange(self.positions)
        )
        self.initializers += [turns, position]
        self.node("Mul", [position.name, turns.name], [f"angle_{name}"])
        self.node("Cos", [f"angle_{name}"], [f"cos_{name}"])
        self.node("Sin", [f"angle_{name}"], [f"sin_{name}"])

    def layer(self, i: int, h: str, x: str) -> tuple[str, str]:
        """One layer; `h` is the residual stream, `x` its normed form. Returns both for the next."""
        s, p = self.shape, f"blk.{i}."
        q, kv = s.heads * s.head, s.kv_heads * s.head
        self.product(x, p + "attn_qkv", q + 2 * kv, s.hidden)
        self.node("Split", [p + "attn_qkv", "split_qkv"], [p + "q", p + "k", p + "v"], axis=-1)
        for part, heads in (("q", "heads_q"), ("k", "heads_kv")):
            self.node("Reshape", [p + part, heads], [p + part + "_heads"])
            self.norm(p + part + "_heads", f"{p}attn_{part}_norm", s.head)
            self.node("Reshape", [f"{p}attn_{part}_norm", "flat_q" if part == "q" else "flat_kv"], [p + part + "_flat"])
        rope = "global" if (i + 1) % s.global_every == 0 else "local"
        self.node(
            "GroupQueryAttention",
            [
                p + "q_flat",
                p + "k_flat",
                p + "v",
                f"past_key_{i}",
                f"past_value_{i}",
                "last",
                "total",
                f"cos_{rope}",
                f"sin_{rope}",
            ],
            [p + "attention", f"present_key_{i}", f"present_value_{i}"],
            MS,
            num_heads=s.heads,
            kv_num_heads=s.kv_heads,
            do_rotary=1,
            rotary_interleaved=0,
        )
        y = self.product(p + "attention", p + "attn_output", s.hidden, q)
        y = self.norm(y, p + "post_attention_norm", s.hidden)
        x, h = self.add_and_norm(h, y, p + "ffn_norm", p + "middle")
        self.product(x, p + "ffn_gate_up", 2 * s.ffn, s.hidden)
        self.node("Split", [p + "ffn_gate_up", "split_ffn"], [p + "gate", p + "up"], axis=-1)
        self.node("Gelu", [p + "gate"], [p + "gelu"], approximate="tanh")
        self.node("Mul", [p + "gelu", p + "up"], [p + "gated"])
        y = self.product(p + "gated", p + "ffn_down", s.hidden, s.ffn)
        y = self.norm(y, p + "post_ffw_norm", s.hidden)
        return self.add_and_norm(h, y, f"blk.{i + 1}.attn_norm" if i + 1 < s.layers else "output_norm", p + "out")

    def add_and_norm(self, h: str, y: str, name: str, total: str) -> tuple[str, str]:
        w = self.weight(f"{name}.weight", (self.shape.hidden,))
        self.node("SkipSimplifiedLayerNormalization", [h, y, w], [name, "", "", total], MS, epsilon=self.shape.eps)
        return name, total

    def model(self) -> onnx.ModelProto:
        s = self.shape
        self.rope("local", s.rope_local)
        self.rope("global", s.rope_global)
        self.constant("split_qkv", [s.heads * s.head, s.kv_heads * s.head, s.kv_heads * s.head])
        self.constant("split_ffn", [s.ffn, s.ffn])
        self.constant("heads_q", [1, -1, s.heads, s.head])
        self.constant("heads_kv", [1, -1, s.kv_heads, s.head])
        self.constant("flat_q", [1, -1, s.heads * s.head])
        self.constant("flat_kv", [1, -1, s.kv_heads * s.head])
        h, x = "embeds", self.norm("embeds", "blk.0.attn_norm", s.hidden)
        for i in range(s.layers):
            x, h = self.layer(i, h, x)
        self.node("Squeeze", [x, self.constant("axis_0", [0])], ["hidden"])
        self.node("Gather", ["hidden", "rows"], ["chosen"], axis=0)
        self.product("chosen", "head", self.vocabulary, s.hidden, bits=8)
        self.nodes[-1].output[0] = "logits"
        cache = ["batch", s.kv_heads, "positions", s.head]
        f, value = TensorProto.FLOAT, helper.make_tensor_value_info
        inputs = [
            value("embeds", f, [1, "new", s.hidden]),
            value("rows", TensorProto.INT64, ["chosen_rows"]),
            value("last", TensorProto.INT32, [1]),
            value("total", TensorProto.INT32, []),
        ]
        outputs = [value("logits", f, ["chosen_rows", self.vocabulary])]
        for i in range(s.layers):
            for part in ("key", "value"):
                inputs.append(value(f"past_{part}_{i}", f, cache))
                outputs.append(value(f"present_{part}_{i}", f, cache))
        graph = helper.make_graph(self.nodes, "tako_text", inputs, outputs, self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid(MS, 1)])
        model.ir_version = 10
        helper.set_model_props(model, {"positions": str(self.positions)})
        return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("models/text"))
    options = parser.parse_args()
    rows = np.load(options.out / "vocabulary.npz")["rows"]
    writer = GraphWriter(len(rows))
    onnx.save_model(writer.model(), str(options.out / "graph.onnx"))
    (options.out / "layout.json").write_text(json.dumps([asdict(e) for e in writer.layout], indent=0) + "\n")
    print(f"graph {(options.out / 'graph.onnx').stat().st_size} bytes, weights {writer.offset} bytes")


if __name__ == "__main__":
    main()
