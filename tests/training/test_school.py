"""The school against the device: what torch learns is what the graph computes. Skips without torch and onnx."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from actions.catalogue import CATALOGUE
from agent.build import Builder
from agent.bundle import Bundle, Manifest
from agent.engine import Engine
from agent.prompt import FIRST_TEXT_ID, PROMPT_VERSION
from agent.weights import BLOCK, Shape, quantise4

torch = pytest.importorskip("torch", reason="the school needs torch (extra: train)")
onnx = pytest.importorskip("onnx", reason="the school needs onnx (extra: train)")

from training.export import change_of  # noqa: E402
from training.graph import GraphWriter  # noqa: E402
from training.model import Gemma, Product, fake4  # noqa: E402

SHAPE = Shape(layers=3, hidden=128, heads=2, kv_heads=1, head=32, ffn=64, global_every=2)
VOCABULARY = 400


class RandomBase:
    """A base model of the tiny shape, in place of `agent.weights.BaseWeights`."""

    def tensor(self, name: str) -> np.ndarray:
        random = np.random.default_rng(abs(hash_of(name)))
        last = name.split(".")[-2]
        if last in SHAPE.products():
            return random.normal(0, 0.08, SHAPE.products()[last]).astype(np.float32)
        size = SHAPE.head if last in ("attn_q_norm", "attn_k_norm") else SHAPE.hidden
        return random.uniform(0.5, 1.5, size).astype(np.float32)

    def embedding_rows(self, rows: np.ndarray) -> np.ndarray:
        table = np.random.default_rng(5).normal(0, 0.06, (VOCABULARY, SHAPE.hidden)).astype(np.float32)
        return np.where((rows >= 0)[:, None], table[rows], 0).astype(np.float32)


def hash_of(name: str) -> int:
    return sum(ord(c) * (i + 1) for i, c in enumerate(name))


@pytest.fixture
def model() -> Gemma:
    torch.manual_seed(0)
    made = Gemma(RandomBase(), np.arange(VOCABULARY), rank=4, shape=SHAPE)
    with torch.no_grad():
        for product in made.products():
            product.b.normal_(0, 0.02)
    made.refresh(torch.float32)
    return made


def test_fake_four_bits_are_the_device_s(model: Gemma) -> None:
    weight = np.random.default_rng(3).normal(size=(6, 3 * BLOCK)).astype(np.float32)
    packed, scale = quantise4(weight)
    q = np.stack((packed & 15, packed >> 4), -1).reshape(6, 3, BLOCK).astype(np.float32) - 8
    restored = (q * scale.reshape(6, 3, 1)).reshape(6, -1)
    np.testing.assert_allclose(fake4(torch.from_numpy(weight)).numpy(), restored, atol=1e-6)


def test_the_graph_computes_what_torch_learned(model: Gemma, tmp_path: Path) -> None:
    writer = GraphWriter(VOCABULARY, SHAPE, positions=64)
    onnx.save_model(writer.model(), str(tmp_path / "graph.onnx"))
    manifest = {
        "version": "test",
        "catalogue": [f.name for f in CATALOGUE],
        "prompt": PROMPT_VERSION,
        "layout": [asdict(e) for e in writer.layout],
        "calibration": {},
        "sha256": {},
    }
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "tokenizer.json").write_text("{}")
    np.savez(tmp_path / "change.npz", **change_of(dict(model.named_parameters())))
    from agent.weights import Change

    builder = Builder(
        RandomBase(),  # type: ignore[arg-type]
        Change(tmp_path / "change.npz"),
        np.arange(VOCABULARY),
        Manifest.read(tmp_path / "manifest.json"),
        SHAPE,
    )
    with (tmp_path / "weights.bin").open("wb") as file:
        builder.write(file, lambda *_: None)
    engine = Engine(Bundle(tmp_path))
    ids = [2, 100, 101, 257, 300, 399, 4, 9, 120]
    with torch.no_grad():
        wanted = model.logits(model.hidden(torch.tensor([ids]))[0]).numpy()
    engine.restart(64)
    at_once = engine.append(engine.embedding(ids), range(len(ids)))
    engine.restart(64)
    parts = [engine.append(engine.embedding(ids[:4]), range(4)), engine.append(engine.embedding(ids[4:]), range(5))]
    scale = wanted.std()
    for got in (at_once, np.concatenate(parts)):
        # activations are rounded to eight bits in the device's products
        assert np.abs(got - wanted).max() < 0.15 * scale
        assert np.corrcoef(got.ravel(), wanted.ravel())[0, 1] > 0.999


def test_the_gradient_goes_through_the_quantiser() -> None:
    torch.manual_seed(1)
    product = Product(torch.randn(16, 64) * 0.1, rank=4)
    product.refresh(torch.float32)
    x = torch.randn(5, 64)
    product(x).square().sum().backward()
    assert product.b.grad is not None
    assert product.b.grad.abs().max() > 0
    assert product.a.grad is not None
    assert product.a.grad.abs().max() == 0  # B starts at zero


def test_new_rows_are_the_only_embeddings_that_learn(model: Gemma) -> None:
    model.refresh(torch.float32)
    model.logits(model.hidden(torch.tensor([[2, 100, 4]]))[0]).sum().backward()
    learning = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
    assert "new_rows" in learning
    assert model.new_rows.shape[0] == FIRST_TEXT_ID
    assert not model.text_rows.requires_grad
