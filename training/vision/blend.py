"""Blends the plain tower and the one that learned from photos:

    python -m training.vision.blend --plain runs/frozen/tower.pt --learned runs/tower/tower.pt --share 0.6
        --out runs/blend/tower.pt

Weights between those before and after fine-tuning keep what the plain tower knew of things without photos, and most of
what the photos taught (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models"). Both runs start from the same
rows and projections; the plain one is `training.vision.contrast --frozen`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plain", type=Path, required=True)
    parser.add_argument("--learned", type=Path, required=True)
    parser.add_argument("--share", type=float, default=0.6, help="of the learned one's weights")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    plain, learned = (torch.load(path, weights_only=False) for path in (options.plain, options.learned))
    share = options.share
    model = {name: (1 - share) * plain["model"][name] + share * learned["model"][name] for name in plain["model"]}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    torch.save({**learned, "model": model}, options.out)


if __name__ == "__main__":
    main()
