"""Makes the tiny text model that the tests run on: `python tests/tiny_model/generate.py`. Needs `onnx`; its output
is committed.

The graph is the real one with one narrow layer, the tokenizer is bytes, the weights are random but for the head's
first column, which fixes the order of preference: report a lost thing, say nothing of it, stop. So every request
becomes `lost_and_found(lost, "")`, with the true signature, grammar and cache.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
from tokenizers import Tokenizer, decoders, models, normalizers

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from actions.catalogue import CATALOGUE  # noqa: E402
from agent.bundle import sha256_of  # noqa: E402
from agent.prompt import END, EOS, FIRST_FUNCTION, PROMPT_VERSION, RESERVED, SEP  # noqa: E402
from agent.weights import Shape, quantise4, quantise8  # noqa: E402
from training.graph import GraphWriter  # noqa: E402

SHAPE = Shape(layers=1, hidden=128, heads=2, kv_heads=1, head=16, ffn=32)
POSITIONS = 384
PREFERENCE = {EOS: 9.0, FIRST_FUNCTION + 5: 8.0, END: 7.0, SEP: 7.0}


def tokenizer() -> Tokenizer:
    texts = [*RESERVED, *(f"<0x{i:02X}>" for i in range(256)), "▁"]
    made = Tokenizer(models.BPE({t: i for i, t in enumerate(texts)}, [], byte_fallback=True, unk_token="<unk>"))
    made.normalizer = normalizers.Replace(" ", "▁")
    made.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return made


def main() -> None:
    random = np.random.default_rng(7)
    bytes_of = tokenizer()
    bytes_of.save(str(HERE / "tokenizer.json"), pretty=False)
    vocabulary = bytes_of.get_vocab_size()
    writer = GraphWriter(vocabulary, SHAPE, POSITIONS)
    onnx.save_model(writer.model(), str(HERE / "graph.onnx"))
    head = random.normal(0, 0.05, (vocabulary, SHAPE.hidden)).astype(np.float32)
    head[:, 0] = 1.0 + np.array([PREFERENCE.get(i, 0.0) for i in range(vocabulary)])
    head[bytes_of.token_to_id("<0x6C>"), 0] = 4.0  # "l" before "f": lost before found
    arrays = {"head.q": quantise8(head)[0], "head.scale": quantise8(head)[1]}
    for entry in writer.layout:
        if entry.name.endswith(".weight"):
            arrays[entry.name] = np.ones(entry.shape, np.float32)
        elif entry.name.endswith(".q") and entry.name not in arrays:
            n, blocks, packed = entry.shape
            weight = random.normal(0, 0.02, (n, blocks * packed * 2)).astype(np.float32)
            arrays[entry.name], arrays[entry.name[:-1] + "scale"] = quantise4(weight)
    for name in (
        "post_attention_norm",
        "post_ffw_norm",
    ):  # the layer hardly changes the stream, so the preference holds
        arrays[f"blk.0.{name}.weight"] *= 0.01
    with (HERE / "weights.bin").open("wb") as file:
        for entry in writer.layout:
            file.seek(entry.offset)
            file.write(arrays[entry.name].tobytes())
    manifest = {
        "version": "tiny",
        "catalogue": [f.name for f in CATALOGUE],
        "prompt": PROMPT_VERSION,
        "calibration": {"odds": 1.0, "text": 0.0, "bias": 0.0, "refuse_below": 0.0},
        "sha256": {n: sha256_of(HERE / n) for n in ("graph.onnx", "tokenizer.json", "weights.bin")},
        "layout": [asdict(e) for e in writer.layout],
    }
    (HERE / "manifest.json").write_text(json.dumps(manifest) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
