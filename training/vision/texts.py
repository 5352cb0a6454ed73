"""What the base language model makes of every concept's names: the locked text side of stage 1.

    python -m training.vision.texts --base BASE.gguf --out runs/views/text.npz

A name's features are the last hidden states over it, mean and last, after a phrase as a photo is spoken of and alone,
and the mean of its words' embeddings. Names that the file has already are kept.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from agent.language import language_of
from agent.prompt import BOS, FIRST_TEXT_ID, words
from agent.weights import BaseWeights
from training.model import Gemma
from training.vision.table import read_concepts

PHRASES = {"en": ("This is a photo of a", ""), "zh": ("这是一张照片，上面是", "")}


@torch.no_grad()
def features(model: Gemma, tokenizer: Tokenizer, name: str) -> np.ndarray:
    """float16 (5 * hidden,)."""
    ids = words(tokenizer, name)
    parts = []
    for phrase in PHRASES[language_of(name)]:
        before = [BOS, *(words(tokenizer, phrase) if phrase else [])]
        hidden = model.hidden(torch.tensor([[*before, *ids]]))[0, len(before) :]
        parts += [hidden.mean(0), hidden[-1]]
    rows = model.text_rows[torch.tensor(ids) - FIRST_TEXT_ID].mean(0)
    return torch.cat([*parts, rows * model.shape.hidden**0.5]).half().numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--release", type=Path, default=Path("models/text"))
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    tokenizer = Tokenizer.from_file(str(options.release / "tokenizer.json"))
    model = Gemma(BaseWeights(options.base), np.load(options.release / "vocabulary.npz")["rows"], 1)
    model.quantise(False)
    model.refresh(torch.float32)
    known: dict[str, np.ndarray] = {}
    if options.out.exists():
        with np.load(options.out) as file:
            known = dict(zip(file["names"].tolist(), file["feats"], strict=True))
    for concept in read_concepts():
        for name in (concept.en[0], concept.zh[0]):
            if name not in known:
                known[name] = features(model, tokenizer, name)
    np.savez(options.out, names=np.array(list(known)), feats=np.stack(list(known.values())))
    print(f"{len(known)} names")


if __name__ == "__main__":
    main()
