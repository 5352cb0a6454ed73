"""Quantisation, the reader of the base's file and the build, on small files made here."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from actions.errors import DeviceError, ModelError
from agent.build import build, check_release, is_stale
from agent.bundle import sha256_of
from agent.gguf_file import GgufFile
from agent.weights import BLOCK, BLOCK8, BaseWeights, Change, pack_factor, quantise4, quantise8, restore8

gguf = pytest.importorskip("gguf")
TINY = Path(__file__).parents[1] / "tiny_model"


@pytest.fixture
def base(tmp_path: Path) -> tuple[Path, dict[str, np.ndarray]]:
    random = np.random.default_rng(0)
    tensors = {
        "token_embd.weight": random.normal(size=(300, 640)).astype(np.float32),
        "blk.0.attn_norm.weight": random.normal(size=64).astype(np.float32),
        "blk.0.attn_q.weight": random.normal(size=(64, 64)).astype(np.float32),
        "output_norm.weight": random.normal(size=640).astype(np.float32),
    }
    path = tmp_path / "base.gguf"
    writer = gguf.GGUFWriter(path, "gemma3")
    writer.add_token_list([f"token {i}" for i in range(50)])
    writer.add_float32("some.number", 1.5)
    q8 = gguf.GGMLQuantizationType.Q8_0
    for name, tensor in tensors.items():
        if tensor.ndim == 2:
            writer.add_tensor(name, gguf.quants.quantize(tensor, q8), raw_dtype=q8)
        else:
            writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path, tensors


def test_the_base_is_read_as_written(base: tuple[Path, dict[str, np.ndarray]]) -> None:
    path, tensors = base
    file = GgufFile(path)
    for name, tensor in tensors.items():
        assert file.tensor(name).shape == tensor.shape
        np.testing.assert_allclose(file.tensor(name), tensor, atol=0.02)
    rows = np.array([5, -1, 299, 0])
    table = BaseWeights(path).embedding_rows(rows)
    np.testing.assert_array_equal(table[1], 0)
    np.testing.assert_allclose(table[[0, 2, 3]], tensors["token_embd.weight"][[5, 299, 0]], atol=0.02)


@pytest.mark.parametrize("harm", ["cut", "empty", "other"])
def test_a_damaged_base_is_told(base: tuple[Path, dict[str, np.ndarray]], harm: str) -> None:
    path, _ = base
    data = path.read_bytes()
    path.write_bytes({"cut": data[: len(data) // 2], "empty": b"", "other": b"PK" + data[2:]}[harm])
    with pytest.raises(ModelError, match="damaged"):
        BaseWeights(path)


def test_four_bits_keep_the_peak_and_halve_the_step() -> None:
    weight = np.random.default_rng(1).normal(size=(8, 4 * BLOCK)).astype(np.float32)
    packed, scale = quantise4(weight)
    assert packed.shape == (8, 4, BLOCK // 2)
    low, high = packed & 15, packed >> 4
    q = np.stack((low, high), -1).reshape(8, 4, BLOCK).astype(np.float32) - 8
    restored = q * scale.reshape(8, 4, 1)
    blocks = weight.reshape(8, 4, BLOCK)
    step = np.abs(scale.reshape(8, 4, 1))
    assert np.all(np.abs(restored - blocks) <= step * 1.0001)
    peak = np.abs(blocks).argmax(-1)[..., None]
    np.testing.assert_allclose(np.take_along_axis(restored, peak, -1), np.take_along_axis(blocks, peak, -1), rtol=1e-6)


def test_eight_bits_and_zero_blocks() -> None:
    weight = np.random.default_rng(2).normal(size=(4, 2 * BLOCK8)).astype(np.float32)
    weight[1, :BLOCK8] = 0
    q, scale = quantise8(weight)
    restored = restore8(q, scale.reshape(4, 2))
    assert np.abs(restored - weight).max() <= np.abs(weight).max() / 127
    np.testing.assert_array_equal(restored[1, :BLOCK8], 0)
    assert not np.isnan(quantise4(np.zeros((2, BLOCK), np.float32))[1]).any()


def test_a_change_is_the_product_of_its_factors(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    a, b = random.normal(size=(4, 32)).astype(np.float32), random.normal(size=(16, 4)).astype(np.float32)
    arrays = {}
    for side, factor in (("a", a), ("b", b)):
        arrays[f"x.{side}"], arrays[f"x.{side}_scale"] = pack_factor(factor)
    np.savez(tmp_path / "change.npz", **arrays, new_rows=np.ones((2, 3), np.float16))
    change = Change(tmp_path / "change.npz")
    np.testing.assert_allclose(change.low_rank("x"), b @ a, atol=0.15)
    assert change.new_rows().dtype == np.float32


@pytest.fixture
def release(tmp_path: Path) -> Path:
    folder = tmp_path / "release"
    shutil.copytree(TINY, folder)
    np.savez(folder / "vocabulary.npz", rows=np.arange(4, dtype=np.int32))
    np.savez(folder / "change.npz", new_rows=np.zeros((4, 640), np.float16))
    described = json.loads((folder / "manifest.json").read_text())
    described["sha256"] = {
        n: sha256_of(folder / n) for n in ("graph.onnx", "tokenizer.json", "vocabulary.npz", "change.npz")
    }
    (folder / "manifest.json").write_text(json.dumps(described))
    return folder


def test_a_release_with_a_changed_file_is_refused(release: Path) -> None:
    check_release(release)
    (release / "change.npz").write_bytes(b"other")
    with pytest.raises(ModelError, match="missing or changed"):
        check_release(release)


def test_a_failed_build_leaves_what_was_there(
    release: Path, base: tuple[Path, dict[str, np.ndarray]], tmp_path: Path
) -> None:
    out = tmp_path / "models" / "text"
    shutil.copytree(TINY, out)
    before = sha256_of(out / "weights.bin")
    with pytest.raises(ModelError, match="tako models fetch"):
        build(tmp_path / "nowhere.gguf", release, out)
    with pytest.raises(ModelError, match="does not fit"):
        build(base[0], release, out)  # this base is no Gemma
    assert sha256_of(out / "weights.bin") == before
    assert is_stale(out, release)


def test_a_full_disk_is_told(
    release: Path, base: tuple[Path, dict[str, np.ndarray]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("agent.build.Builder.write", full)
    with pytest.raises(DeviceError, match="No space left"):
        build(base[0], release, tmp_path / "text")
    assert not (tmp_path / "text").exists()


def test_a_release_may_come_with_a_drafter(release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = release / "manifest.json"
    described = json.loads(path.read_text())
    shutil.copytree(TINY, tmp_path / "old")
    described["sha256"]["draft.npz"] = "of a file that is not here"
    path.write_text(json.dumps(described))
    with pytest.raises(ModelError, match=r"draft\.npz of the release is missing"):
        check_release(release)
    (release / "draft.npz").write_bytes(b"learned")
    described["sha256"]["draft.npz"] = sha256_of(release / "draft.npz")
    path.write_text(json.dumps(described))
    monkeypatch.setattr("agent.build.BaseWeights", lambda path: None)
    monkeypatch.setattr("agent.build.Builder.write", lambda self, file, progress: file.write(b"weights"))
    build(path, release, tmp_path / "text")
    built = json.loads((tmp_path / "text" / "manifest.json").read_text())
    assert (tmp_path / "text" / "draft.npz").read_bytes() == b"learned"
    assert built["sha256"]["draft.npz"] == described["sha256"]["draft.npz"]
    assert not is_stale(tmp_path / "text", release)
    (release / "draft.npz").write_bytes(b"learned anew")
    described["sha256"]["draft.npz"] = sha256_of(release / "draft.npz")
    path.write_text(json.dumps(described))
    assert is_stale(tmp_path / "text", release)
