"""Views that are kept in shards, and the features of names."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import tiny_sight
from PIL import Image

pytest.importorskip("onnx", reason="the school needs onnx (extra: train)")
torch = pytest.importorskip("torch", reason="the school needs torch (extra: train)")

from agent.prompt import BOS, FIRST_TEXT_ID, words  # noqa: E402
from training.vision import texts, views  # noqa: E402
from training.vision.efficientnet import EfficientNetLite  # noqa: E402
from training.vision.views import Views, views_of  # noqa: E402


def shard(folder: Path, number: int, files: list[str], seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    front = random.normal(0, 1, (len(files), 4, 3, 3)).astype(np.float16)
    np.save(folder / f"front{number}.npy", front)
    np.savez(
        folder / f"meta{number}.npz",
        files=np.array(files),
        views=np.arange(len(files)),
        feats=random.normal(0, 1, (len(files), 6)).astype(np.float32),
        small=random.integers(0, 256, (len(files), 8, 8, 3)).astype(np.uint8),
    )
    return front


def test_shards_are_one(tmp_path: Path) -> None:
    fronts = [shard(tmp_path, i, files, i) for i, files in enumerate((["a", "a"], ["b"], ["c", "c", "d"]))]
    views = Views(tmp_path)
    assert views.files == ["a", "a", "b", "c", "c", "d"]
    assert views.views == [0, 1, 0, 0, 1, 2]
    assert views.features.shape == (6, 6)
    assert views.colors.dtype == np.uint8
    every = np.concatenate(fronts)
    chosen = np.array([5, 0, 2, 3, 1, 2])
    got = views.front(chosen)
    assert got.dtype == torch.float32
    np.testing.assert_array_equal(got.numpy(), every[chosen].astype(np.float32))


@pytest.mark.slow
def test_the_command_keeps_what_the_tower_sees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two photos; the later stages make the kept feature of the kept front."""
    random = np.random.default_rng(1)
    rows = ["file,label,source,licence,caption"]
    for i in range(2):
        Image.fromarray(random.integers(0, 256, (60, 80, 3), np.uint8)).save(tmp_path / f"{i}.png")
        rows.append(f"{i}.png,pizza,food,research only,")
    (tmp_path / "images.csv").write_text("\n".join(rows))
    torch.manual_seed(1)
    tower = EfficientNetLite().eval()
    monkeypatch.setattr(views, "load", lambda state: (tower, None, None))
    torch.save({}, tmp_path / "weights.pth")
    command = f"views --data {tmp_path} --weights {tmp_path}/weights.pth --out {tmp_path}/views"
    monkeypatch.setattr(sys, "argv", command.split())
    views.main()
    kept = Views(tmp_path / "views")
    counts = [len(views_of(p)) for p in views.read_photos(tmp_path)]
    assert kept.files == ["0.png"] * counts[0] + ["1.png"] * counts[1]
    picture = Image.open(tmp_path / "0.png")
    with torch.no_grad():
        whole = tower(torch.from_numpy(tower.eye.pixels(tower.eye.square(picture)))).mean((2, 3))[0].numpy()
        back = tower.back(kept.front(np.array([0])), views.STAGES).mean((2, 3))[0].numpy()
    np.testing.assert_allclose(kept.features[0], whole, atol=1e-4)
    np.testing.assert_allclose(back, whole, atol=0.01 * np.abs(whole).max())  # kept in halves
    assert kept.colors[0].any()


class Echo:
    """A model whose hidden states are its ids' rows, so that what is taken of them can be told."""

    class shape:  # noqa: N801
        hidden = 4

    text_rows = torch.arange(400, dtype=torch.float32)[:, None].repeat(1, 4)

    def hidden(self, ids: torch.Tensor) -> torch.Tensor:
        return ids[..., None].float().repeat(1, 1, 4)


@pytest.mark.parametrize("name", ["cat", "猫"])
def test_what_is_kept_of_a_name(name: str) -> None:
    tokenizer = tiny_sight.tokenizer()
    ids = words(tokenizer, name)
    found = texts.features(Echo(), tokenizer, name).astype(np.float32).reshape(5, 4)  # type: ignore[arg-type]
    mean, last, mean_alone, last_alone, rows = found[:, 0]
    assert (mean, last) == (mean_alone, last_alone) == pytest.approx((np.mean(ids), ids[-1]), rel=1e-2)
    assert rows == pytest.approx(2 * (np.mean(ids) - FIRST_TEXT_ID), rel=1e-2)  # scaled by the root of the width
    assert BOS not in ids
