"""Writes a release from a checkpoint: `python -m training.export --checkpoint runs/NAME/checkpoint.pt --version
0.1.0`.

The release folder gets `change.npz` (what git carries of the training) and `manifest.json`; graph, tokenizer and
vocabulary lie there already (`training.graph`, `training.vocabulary`). The calibration is neutral until
`training.calibrate` has measured it on the built bundle.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from actions.catalogue import CATALOGUE
from agent.bundle import OPTIONAL, RELEASE_FILES, sha256_of
from agent.prompt import PROMPT_VERSION
from agent.weights import pack_factor

NEUTRAL = {"odds": 1.0, "text": 0.0, "bias": 0.0, "refuse_below": 0.0}


def change_of(state: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    """The arrays of `change.npz`; a layer's product is named as in the base (`blk.3.attn_q`)."""
    arrays: dict[str, np.ndarray] = {"new_rows": state["new_rows"].detach().numpy().astype(np.float16)}
    for name, parameter in state.items():
        parts = name.split(".")  # layers.3.attn_q.a
        if parts[0] == "layers" and parts[-1] in ("a", "b"):
            key = f"blk.{parts[1]}.{parts[2]}.{parts[3]}"
            arrays[key], arrays[f"{key}_scale"] = pack_factor(parameter.detach().numpy())
    return arrays


def write_manifest(release: Path, version: str, calibration: dict[str, float]) -> None:
    """Names all files of a release; drafter (`training.draft`) and eyes (`training.vision.export`) are left out where
    there are none."""
    names = [name for name in RELEASE_FILES if name not in OPTIONAL or (release / name).is_file()]
    manifest = {
        "version": version,
        "catalogue": [f.name for f in CATALOGUE],
        "prompt": PROMPT_VERSION,
        "calibration": calibration,
        "sha256": {name: sha256_of(release / name) for name in names},
        "layout": json.loads((release / "layout.json").read_text()),
    }
    (release / "manifest.json").write_text(json.dumps(manifest, indent=0) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--release", type=Path, default=Path("models/text"))
    parser.add_argument("--version", required=True)
    options = parser.parse_args()
    state = torch.load(options.checkpoint, weights_only=True, map_location="cpu")["model"]
    np.savez_compressed(options.release / "change.npz", **change_of(state))
    write_manifest(options.release, options.version, NEUTRAL)
    size = sum((options.release / name).stat().st_size for name in RELEASE_FILES if (options.release / name).is_file())
    print(f"release {options.version}: {size / 1e6:.1f} MB in {options.release}")


if __name__ == "__main__":
    main()
