"""The unquantised engine: what it computes, and that what it foresees changes nothing. The comparison with the
school's model skips without torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from actions.errors import ModelError
from agent.decoding import Answer, decode
from agent.engine import Engine
from agent.grammar import Grammar
from agent.onnx_decider import OnnxDecider
from agent.prompt import FIRST_TEXT_ID, encode_request
from agent.types import Percept
from agent.weights import NORMS, Shape, restore8
from training.evaluate import Judge, main
from training.unquantised import Body, RecordingDecider, UnquantisedDecider, UnquantisedEngine

TINY = Path(__file__).parents[1] / "tiny_model"
SHAPE = Shape(layers=3, hidden=64, heads=2, kv_heads=1, head=32, ffn=48, global_every=2)
VOCABULARY = OnnxDecider(TINY).tokenizer.get_vocab_size()
REQUESTS = ("where is my scarf", "lost my keys, lost my keys and my bag", "把灯打开")


class RandomBase:
    """A base model of `SHAPE`, and a change of it."""

    def tensor(self, name: str) -> np.ndarray:
        last, random = name.split(".")[-2], np.random.default_rng(sum(name.encode()) + 31 * len(name))
        if last in SHAPE.products():
            return random.normal(0, 0.15, SHAPE.products()[last]).astype(np.float32)
        return random.uniform(0.5, 1.5, SHAPE.head if last.endswith(("q_norm", "k_norm")) else SHAPE.hidden).astype("f")

    def embedding_rows(self, rows: np.ndarray) -> np.ndarray:
        return np.random.default_rng(5).normal(0, 0.3, (len(rows), SHAPE.hidden)).astype(np.float32)

    def low_rank(self, name: str) -> np.ndarray:
        return np.float32(0.1) * self.tensor(f"{name}.weight")

    def new_rows(self) -> np.ndarray:
        return np.random.default_rng(6).normal(0, 0.3, (FIRST_TEXT_ID, SHAPE.hidden)).astype(np.float32)


@pytest.fixture
def body() -> Body:
    return Body.merge(RandomBase(), RandomBase(), np.arange(VOCABULARY), SHAPE)


@pytest.fixture(scope="module")
def tiny_body() -> Body:
    """What the tiny bundle's weights were rounded to, in float32."""
    layout = {e["name"]: e for e in json.loads((TINY / "manifest.json").read_text())["layout"]}
    data = (TINY / "weights.bin").read_bytes()

    def array(name: str) -> np.ndarray:
        e = layout[name]
        return np.frombuffer(data, e["dtype"], e["length"] // np.dtype(e["dtype"]).itemsize, e["offset"]).reshape(
            e["shape"]
        )

    def four(name: str) -> np.ndarray:
        packed = array(f"blk.0.{name}.q")
        q = np.stack((packed & 15, packed >> 4), -1).reshape(*packed.shape[:2], -1).astype(np.float32) - 8
        return (q * array(f"blk.0.{name}.scale").reshape(*packed.shape[:2], 1)).reshape(len(packed), -1)

    layer = {name: four(name) for name in ("attn_qkv", "attn_output", "ffn_gate_up", "ffn_down")}
    layer |= {name: array(f"blk.0.{name}.weight") for name in NORMS}
    table = restore8(array("head.q"), array("head.scale").reshape(VOCABULARY, -1))
    shape = Shape(layers=1, hidden=128, heads=2, kv_heads=1, head=16, ffn=32)
    return Body(shape, table, (layer,), array("output_norm.weight"))


def rows_of(engine: UnquantisedEngine, ids: list[int]) -> np.ndarray:
    rows = engine.append(engine.embedding(ids), range(len(ids)))
    return np.array([rows[i] for i in range(len(rows))])


def test_the_cache_changes_nothing(body: Body) -> None:
    ids = [2, 100, 101, 257, 270, 40, 4, 9, 120]
    whole, parts = UnquantisedEngine(body, 96), UnquantisedEngine(body, 96)
    whole.restart(64)
    wanted = rows_of(whole, ids)
    parts.restart(64)
    got = [rows_of(parts, ids[:4])]
    rows_of(parts, [77, 78, 79])  # guessed wrongly, and forgotten
    parts.keep(4)
    got += [rows_of(parts, ids[4:5]), rows_of(parts, ids[5:])]
    np.testing.assert_allclose(np.concatenate(got), wanted, atol=1e-4)
    assert np.abs(wanted).max() > 1


def test_it_computes_what_torch_learned(body: Body) -> None:
    torch = pytest.importorskip("torch", reason="the school needs torch (extra: train)")
    from training.model import Gemma

    model = Gemma(RandomBase(), np.arange(VOCABULARY), rank=64, shape=SHAPE)  # type: ignore[arg-type]
    with torch.no_grad():
        model.new_rows.copy_(torch.from_numpy(RandomBase().new_rows()))
        for i, layer in enumerate(model.layers):
            for name in SHAPE.products():
                product, change = getattr(layer, name), RandomBase().low_rank(f"blk.{i}.{name}")
                left, values, right = np.linalg.svd(change, full_matrices=False)  # of full rank, so exact
                product.a.zero_()[: len(values)] = torch.from_numpy(right)
                product.b.zero_()[:, : len(values)] = torch.from_numpy(left * values)
    model.quantise(False)
    model.refresh(torch.float32)
    ids = [2, 100, 101, 257, 270, 40, 4, 9, 120]
    with torch.no_grad():
        wanted = model.logits(model.hidden(torch.tensor([ids]))[0]).numpy()
    engine = UnquantisedEngine(body, 96)
    engine.restart(64)
    got = np.concatenate((rows_of(engine, ids[:5]), rows_of(engine, ids[5:])))
    np.testing.assert_allclose(got, wanted, atol=2e-3 * wanted.std())


@pytest.mark.parametrize("text", REQUESTS)
def test_what_is_foreseen_saves_passes_and_changes_no_answer(body: Body, text: str) -> None:
    decider = OnnxDecider(TINY)
    request, engine = encode_request(decider.tokenizer, text), UnquantisedEngine(body, 384)
    passes = 0
    send = engine._pass

    def counted(start: int) -> None:
        nonlocal passes
        passes += 1
        send(start)

    engine._pass = counted  # type: ignore[method-assign]

    def answered(draft: list[int]) -> Answer:
        nonlocal passes
        passes, engine.expected = 0, [*request, *draft]
        engine.restart(64)
        return decode(cast(Engine, engine), Grammar(decider.tokenizer), request)

    plain = answered([])
    needed = passes
    assert needed > 1
    foreseen = answered(plain.ids)
    assert passes == 1
    half = len(plain.ids) // 2
    astray = answered([*plain.ids[:half], plain.ids[half] + 1, *plain.ids[half + 1 :]])
    assert 1 < passes <= needed + 1
    for other in (foreseen, astray):
        assert other.ids == plain.ids
        np.testing.assert_allclose(other.text, plain.text, atol=1e-4)
        np.testing.assert_allclose(other.functions, plain.functions, atol=1e-4)


def test_room_is_the_device_s(body: Body) -> None:
    engine, device = UnquantisedEngine(body, 384), OnnxDecider(TINY)._engine
    for room in (10, 64, 65, 384):
        engine.restart(room)
        device.restart(room)
        assert engine.room == device.room
    for one in (engine, device):
        with pytest.raises(ModelError):
            one.restart(385)
        one.restart(10)
        with pytest.raises(ModelError):
            one.append(one.embedding([5] * 65), [0])


@pytest.mark.parametrize("text", REQUESTS)
def test_side_by_side(tiny_body: Body, text: str) -> None:
    """With the weights that the bundle was rounded to, the decisions are the bundle's."""
    judge = Judge(RecordingDecider(TINY), UnquantisedDecider(TINY, tiny_body))
    bundle, unquantised = judge(text)
    assert unquantised is not None
    assert unquantised.calls == bundle.calls == RecordingDecider(TINY).decide(Percept(text)).calls
    assert unquantised.confidence == pytest.approx(bundle.confidence, abs=0.02)
    assert judge(text, both=False) == (bundle, None)
    assert judge.asked == 1  # each text once


def test_what_is_refused_is_kept(tiny_body: Body) -> None:
    judge = Judge(RecordingDecider(TINY, refuse_below=1.1), UnquantisedDecider(TINY, tiny_body, refuse_below=1.1))
    for reply in judge(REQUESTS[0]):
        assert reply is not None
        assert (reply.refused, reply.acts, reply.would_act) == (True, False, True)
        assert reply.meant[0].name == "lost_and_found"


def test_what_cannot_be_read_does_not_act() -> None:
    reply, other = Judge(RecordingDecider(TINY))("  ")
    assert (reply.acts, reply.would_act, other) == (False, False, None)


def test_the_command_without_a_base_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "en.txt").write_text("where is my scarf => lost_and_found | lost | scarf\n")
    command = (
        f"evaluate --bundle {TINY} --set {tmp_path}/own --data {tmp_path} --errors {tmp_path}/e --json {tmp_path}/j"
    )
    monkeypatch.setattr("sys.argv", command.split())
    main()
    said = capsys.readouterr().out
    assert "unquantised model is left out" in said
    assert "Out of scope is left out" in said
    assert "| lost_and_found" in said
    assert "equal" not in said
    header, *rows = (tmp_path / "e").read_text().splitlines()
    assert len(rows) == 2
    assert all(len(row.split("\t")) == len(header.split("\t")) for row in rows)
    assert json.loads((tmp_path / "j").read_text())["confusion"]["en"] == {"lost_and_found": {"lost_and_found": 1}}
