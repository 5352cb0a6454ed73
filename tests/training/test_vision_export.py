"""The tower's way into a release: the graph computes what torch does, eight bits stay close to it, and a tower from
elsewhere goes through all stages."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import tiny_sight
from PIL import Image

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from agent.bundle import CONCEPTS, PROJECTION, TOWER  # noqa: E402
from agent.sight import LENGTH, Eye, Sight  # noqa: E402
from training.vision import contrast, efficientnet, export, heads, views  # noqa: E402
from training.vision.dream import Dream  # noqa: E402
from training.vision.encoder import Encoder, adopted, with_eye  # noqa: E402
from training.vision.labels import read_labels  # noqa: E402
from training.vision.photos import Photo  # noqa: E402
from training.vision.projector import Projector  # noqa: E402
from training.vision.table import read_concepts  # noqa: E402

OTHER = Path(__file__).parents[1] / "tiny_tower" / "tower.onnx"
EYE = Eye(24, (127.5,) * 3, (127.5,) * 3)
HIDDEN = 16


@pytest.fixture
def tower(monkeypatch: pytest.MonkeyPatch) -> efficientnet.EfficientNetLite:
    monkeypatch.setitem(efficientnet.LITE, "tiny", efficientnet.Scale(0.25, 0.3, 45))
    torch.manual_seed(3)
    tower = efficientnet.EfficientNetLite("tiny").eval()
    for parameter in tower.parameters():  # so that activations reach the six of ReLU6 now and then
        parameter.data.mul_(2.5)
    return tower


def pictures(tower: efficientnet.EfficientNetLite, count: int) -> list[np.ndarray]:
    random = np.random.default_rng(5)
    side = tower.eye.side
    return [random.uniform(-1, 1, (1, 3, side, side)).astype(np.float32) for _ in range(count)]


def cosines(tower: efficientnet.EfficientNetLite, encoder: Encoder) -> np.ndarray:
    x = torch.from_numpy(np.concatenate(pictures(tower, 8)))
    with torch.inference_mode():
        return torch.cosine_similarity(tower(x).mean((2, 3)), encoder(x).mean((2, 3))).numpy()


def test_the_graph_computes_what_torch_does(tower: efficientnet.EfficientNetLite) -> None:
    encoder = Encoder(with_eye(export.tower_graph(tower), tower.eye))
    x = torch.from_numpy(np.concatenate(pictures(tower, 3)))
    with torch.inference_mode():
        expected = tower(x).mean((2, 3))
        assert expected.std() > 0.01
        torch.testing.assert_close(encoder(x).mean((2, 3)), expected, rtol=1e-3, atol=1e-4)
    assert encoder.eye == tower.eye


def test_eight_bits_are_small_and_close(tower: efficientnet.EfficientNetLite) -> None:
    whole = export.tower_graph(tower)
    small = export.quantised(whole, pictures(tower, 4))
    assert len(small.SerializeToString()) < 0.5 * len(whole.SerializeToString())
    assert cosines(tower, Encoder(with_eye(small, tower.eye))).min() > 0.97
    kinds = {weight.name: weight.data_type for weight in small.graph.initializer}
    assert kinds["stem.weight"] == onnx.TensorProto.FLOAT
    assert kinds["head.weight_quantized"] == onnx.TensorProto.INT8


def test_rows_in_eight_bits_name_what_the_float_ones_did() -> None:
    random = np.random.default_rng(1)
    names = {"joint": (12, 4), "color": (16, 151), "material": (11, 13), "room": (11, 13)}
    fitted = {name: random.normal(0, 1, shape) for name, shape in names.items()}
    fitted |= {"rows": random.normal(0, 1, (50, 12)), "rows_bias": random.normal(0, 1, 50)}
    written = export.projection(fitted, Projector(torch.zeros(4, HIDDEN), 12).state_dict())
    assert written["rows"].dtype == np.int8
    restored = written["rows"] * written["rows_scale"][:, None]
    assert np.abs(restored - fitted["rows"]).max() <= written["rows_scale"].max() / 2 + 1e-6


def test_an_adopted_tower_gives_the_same_directions_at_one_length() -> None:
    given = Encoder(onnx.load(OTHER))
    taken = Encoder(adopted(OTHER, EYE))
    x = torch.from_numpy(np.random.default_rng(2).uniform(-1, 1, (4, 3, 24, 24)).astype(np.float32))
    before, after = given(x)[..., 0, 0], taken(x)[..., 0, 0]
    torch.testing.assert_close(after, torch.nn.functional.normalize(before, dim=-1) * LENGTH)
    assert taken.eye == EYE


def test_a_graph_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="not \\(1, 3, 32, 32\\)"):
        adopted(OTHER, Eye(32, EYE.mean, EYE.deviation))


def test_dreams_are_negative_only_where_photos_are() -> None:
    random = np.random.default_rng(4)
    for floor in (0.0, -1.0):
        dream = Dream(np.full(6, floor + 0.1), np.zeros((2, 6)), random.normal(0, 1, (40, 6)))
        assert (dream.features([0, 1] * 20, random).min() < 0) == (floor < 0)


def data_folder(folder: Path) -> Path:
    """Made pictures that bear the names of labelled photos: the labels tell the heads what to learn."""
    random = np.random.default_rng(6)
    ids = sorted(concept.id for concept in read_concepts())
    rows = [("file", "label", "source", "caption")]
    for source in ("caltech101", "clothing", "grocery"):
        labels = [id.partition(":")[2] for id in ids if id.startswith(f"{source}:")][:3]
        photos = [Photo(file, "", source) for file in sorted(read_labels()) if file.startswith(f"images/{source}/")]
        for part, count in (("train", 12), ("dev", 3), ("test", 2)):
            for i, photo in enumerate([p for p in photos if p.part == part][:count]):
                path = folder / photo.file
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(random.integers(0, 256, (3, 4, 3), np.uint8)).resize((40, 30)).save(path)
                rows.append((photo.file, labels[i % 3], source, ""))
    with (folder / "images.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder


@pytest.mark.slow
def test_a_tower_from_elsewhere_goes_through_all_stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = data_folder(tmp_path / "data")
    random = np.random.default_rng(7)
    spoken = sorted({name for c in read_concepts() for name in (c.en[0], c.zh[0])})
    np.savez(tmp_path / "text.npz", names=np.array(spoken), feats=random.normal(0, 1, (len(spoken), 8)))
    (tmp_path / "eye.json").write_text(json.dumps({"side": 24, "mean": [127.5] * 3, "deviation": [127.5] * 3}))
    torch.save({"sight": Projector(torch.zeros(4, HIDDEN), 12).state_dict()}, tmp_path / "checkpoint.pt")
    (tmp_path / "release").mkdir()

    def run(stage: object, **options: object) -> None:
        words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
        monkeypatch.setattr("sys.argv", ["stage", *(word for word in words if word != "True")])
        stage.main()  # type: ignore[attr-defined]

    seen, learnt = tmp_path / "views", tmp_path / "tower"
    run(views, data=data, onnx=OTHER, eye=tmp_path / "eye.json", out=seen)
    common = {"views": seen, "text": tmp_path / "text.npz", "data": data}
    run(contrast, **common, out=learnt, frozen=True, hours=0.0003, batch=8)
    made = {"tower": learnt / "tower.pt", "heads": learnt / "heads.npz"}
    run(heads, **common, tower=made["tower"], out=made["heads"])
    run(export, **made, checkpoint=tmp_path / "checkpoint.pt", data=data, release=tmp_path / "release")

    table = random.normal(0, 1, (400, HIDDEN)).astype(np.float32)
    sight = Sight(tmp_path / "release", tiny_sight.tokenizer(), lambda ids: table[ids][None])
    fitted = np.load(made["heads"])
    place = fitted["views"].tolist().index(0)
    found = sight.look(Image.open(data / fitted["files"][place]).convert("RGB"))
    logits = fitted["features"][place].astype(np.float32) @ fitted["rows"].T + fitted["rows_bias"]
    sure = np.exp(logits - logits.max())
    expected = sight.concepts.probabilities(sure / sure.sum())
    assert found.names[0][1] == pytest.approx(expected.max(), rel=0.05)
    assert np.isfinite(found.tokens).all()
    assert {path.name for path in (tmp_path / "release").iterdir()} == {TOWER, PROJECTION, CONCEPTS}
