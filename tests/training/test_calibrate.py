"""The confidence: what is fitted, which threshold is chosen, what is written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from agent.onnx_decider import OnnxDecider, confidence
from training import calibrate
from training.calibrate import Sample, fit, is_fitted, sureness, threshold

TINY = Path(__file__).parents[1] / "tiny_model"


@pytest.fixture
def samples() -> list[Sample]:
    random = np.random.default_rng(2)
    odds, text = random.normal(2, 3, 3000), -random.exponential(1, 3000)
    right = random.random(3000) < 1 / (1 + np.exp(-(0.8 * odds + 0.5 * text + 0.3)))
    return [Sample(np.array([a, b]), bool(r), True) for a, b, r in zip(odds, text, right, strict=True)]


def test_the_fit_finds_the_law_behind_the_samples(samples: list[Sample]) -> None:
    assert fit(samples) == pytest.approx([0.8, 0.5, 0.3], abs=0.15)


def test_the_threshold_rises_with_what_a_wrong_action_costs(samples: list[Sample]) -> None:
    sure = sureness(samples, fit(samples))
    limits = [threshold(samples, sure, wrong) for wrong in (0.0, 1.0, 3.0, 9.0)]
    assert limits == sorted(limits)
    assert limits[0] == 0.0
    assert limits[1:] == pytest.approx([0.5, 0.75, 0.9], abs=0.1)  # refusing pays below wrong / (wrong + 1)


def test_it_is_written_into_release_and_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("bundle", "release"):
        shutil.copytree(TINY, tmp_path / name, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (tmp_path / "dev").mkdir()
    lines = ["where is my scarf => lost_and_found | lost | scarf", "text bob hi => send_text | bob | hi"]
    (tmp_path / "dev" / "en.txt").write_text("\n".join(lines * 3 + lines[:1] * 2) + "\n")
    real = {"source": "slurp", "intent": "alarm_set", "text": ""}
    (tmp_path / "utterances.jsonl").write_text(
        "\n".join(json.dumps(real | {"text": f"wake me at {i}"}) for i in range(60)) + "\n"
    )
    paths = {"--bundle": "bundle", "--release": "release", "--dev": "dev", "--data": ".", "--json": "out.json"}
    monkeypatch.setattr("sys.argv", ["calibrate", *(word for pair in paths.items() for word in pair)])
    monkeypatch.chdir(tmp_path)
    before = OnnxDecider(tmp_path / "bundle").answer("where is my scarf")
    calibrate.main()
    told = json.loads((tmp_path / "out.json").read_text())
    for name in ("bundle", "release"):
        assert json.loads((tmp_path / name / "manifest.json").read_text())["calibration"] == told["calibration"]
    assert "no threshold:" in capsys.readouterr().out
    judged = told["reliability"]["dev, other half"]
    real_half = sum(not is_fitted(i) for i in range(len(list(calibrate.out_of_scope(tmp_path)))))
    assert len(judged) == 4 + real_half
    assert real_half > 0
    assert all(0 <= sure <= 1 and acts for sure, _, acts in judged)
    # the decider of the calibrated bundle is as sure as the calibration says
    decider = OnnxDecider(tmp_path / "bundle")
    assert decider.refuse_below == told["threshold"]
    assert decider.confidence(before) == pytest.approx(confidence(before, told["calibration"]))
