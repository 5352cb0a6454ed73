"""Stage 3: teaches the base its functional tokens, knowing that its weights will have four bits.

    python -m training.functional --base BASE.gguf --train train.jsonl --out runs/NAME [--rank 64] [--batch 32]
    [--hours 1.5] [--pictures runs/pictures [--align-only]]

With `--pictures` (`training.vision.pictures`) the model sees, too: requests that point at something, questions that are
answered in words, and of the other requests a share that a picture merely accompanies. `--align-only` is stage 2: the
model stands still, and only what joins it to the image tower learns.

Low-rank changes of every product and the reserved embedding rows are learned; the forward pass sees the merged
weights as the device will have them. Writes `checkpoint.pt` every few minutes and resumes from it; `log.jsonl` has
the figures.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path
from random import Random

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

from agent.prompt import CALL, END, FIRST_FUNCTION, SEP
from agent.weights import BaseWeights
from training.batches import Batch, Item, collate, items, picture_items, read_training_set, shuffled, with_view
from training.data.requests import read_examples
from training.model import Gemma
from training.vision.projector import Pictures, Projector

# words whose mean a new row starts from; a row that starts at the mean of all rows makes every request the same
# function
WORDS = {
    CALL: "answer: call the function",
    SEP: ", ; |",
    END: ". end",
    FIRST_FUNCTION + 0: "email mail 邮件",
    FIRST_FUNCTION + 1: "text message tell 短信 告诉",
    FIRST_FUNCTION + 2: "search google look up question 搜索 查",
    FIRST_FUNCTION + 3: "amazon buy product shopping 买 购物",
    FIRST_FUNCTION + 4: "recycle trash bin waste 垃圾 回收",
    FIRST_FUNCTION + 5: "lost found missing 丢 捡到",
    FIRST_FUNCTION + 6: "design room style interior 设计 风格",
    FIRST_FUNCTION + 7: "groceries milk eggs vegetables 买菜",
    FIRST_FUNCTION + 8: "delivery restaurant order food pizza 外卖 点",
    FIRST_FUNCTION + 9: "pet dog cat animal 宠物 狗 猫",
    FIRST_FUNCTION + 10: "see picture describe scene 看到 描述",
    FIRST_FUNCTION + 11: "none nothing no unsupported 不 没有",
}


def start_new_rows(model: Gemma, tokenizer: Tokenizer) -> None:
    with torch.no_grad():
        mean = model.text_rows.mean(0)
        model.new_rows[4:] = mean
        for row, words in WORDS.items():
            ids = torch.tensor(tokenizer.encode(words, add_special_tokens=False).ids) - model.new_rows.shape[0]
            model.new_rows[row] = model.text_rows[ids].mean(0)


def look(model: Gemma, batch: Batch, projector: Projector | None, pictures: Pictures | None) -> torch.Tensor:
    """Last hidden states of a batch, with the pictures that belong to it."""
    items = torch.nonzero(batch.views >= 0)[:, 0]
    if projector is None or pictures is None or not len(items):
        return model.hidden(batch.ids)
    return model.hidden(batch.ids, (items, projector(*pictures[batch.views[items]])))


def loss_of(
    model: Gemma, batch: Batch, projector: Projector | None = None, pictures: Pictures | None = None
) -> torch.Tensor:
    hidden = look(model, batch, projector, pictures)
    logits = model.logits(hidden.reshape(-1, hidden.shape[-1])[batch.rows])
    losses = F.cross_entropy(logits, batch.targets, reduction="none")
    return (losses * batch.weights).sum() / batch.weights.sum()


def with_chance(item: Item, share: float, views: int, random: Random) -> Item:
    """A request as it is, or with a picture that has nothing to do with it."""
    if item.language or not item.answer or random.random() >= share:
        return item
    return with_view(item, random.randrange(views))


@torch.no_grad()
def judge(
    model: Gemma,
    judged: list[Item],
    projector: Projector | None = None,
    pictures: Pictures | None = None,
    size: int = 32,
) -> dict[str, float]:
    """Share of items whose whole answer, and whose functional tokens, greedy decoding would give."""
    whole = function = 0
    for start in range(0, len(judged), size):
        group = sorted(judged, key=lambda item: item.length)[start : start + size]
        batch = collate(group)
        hidden = look(model, batch, projector, pictures)
        right = model.logits(hidden.reshape(-1, hidden.shape[-1])[batch.rows]).argmax(-1) == batch.targets
        is_function = (batch.targets >= FIRST_FUNCTION) & (batch.targets < model.new_rows.shape[0])
        for i in range(len(group)):
            mine = batch.owner == i
            whole += bool(right[mine].all())
            function += bool(right[mine & is_function].all())
    return {"function": function / len(judged), "whole": whole / len(judged), "n": len(judged)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument(
        "--release", type=Path, default=Path("models/text"), help="folder of tokenizer.json and vocabulary.npz"
    )
    parser.add_argument("--dev", type=Path, default=Path("training/data/dev"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rank", type=int, default=64)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--lr", type=float, default=4e-4)
    parser.add_argument("--lr-rows", type=float, default=2e-3)
    parser.add_argument(
        "--hours", type=float, default=1.5, help="the learning rate reaches its end after so long, or after --epochs"
    )
    parser.add_argument(
        "--until", type=float, default=1e9, help="stop after so many hours of the whole run, to go on with other data"
    )
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--start", type=Path, help="checkpoint of another run to start from, its optimiser left behind")
    parser.add_argument(
        "--language", type=float, default=0.1, help="weight of predicting a token of a request or plain sentence"
    )
    parser.add_argument(
        "--language-every", type=int, default=5, help="every so many-th request is predicted, too; sentences all are"
    )
    parser.add_argument("--pictures", type=Path, help="folder of pictures.npz and pictures.jsonl")
    parser.add_argument("--pictures-dev", type=Path, help="another such folder, to judge by")
    parser.add_argument(
        "--attach", type=float, default=0.25, help="share of the other requests that a picture accompanies"
    )
    parser.add_argument("--align-only", action="store_true")
    parser.add_argument("--lr-sight", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--judge-every", type=int, default=300, help="steps")
    parser.add_argument(
        "--full-precision", action="store_true", help="ablation: train without knowing the quantisation"
    )
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    random = Random(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer.from_file(str(options.release / "tokenizer.json"))
    rows = np.load(options.release / "vocabulary.npz")["rows"]
    model = Gemma(BaseWeights(options.base), rows, options.rank)
    start_new_rows(model, tokenizer)
    model.quantise(not options.full_precision)
    train = items(tokenizer, read_training_set(options.train), options.language, options.language_every)
    dev = {p.stem: items(tokenizer, read_examples(p))[::2] for p in sorted(options.dev.glob("*.txt"))}
    pictures = Pictures(options.pictures / "pictures.npz") if options.pictures else None
    width = {"feature": pictures.features.shape[1]} if pictures else {}
    projector, dev_pictures = Projector(model.text_rows, **width), None
    judged_pictures: dict[str, list[Item]] = {}
    if pictures:
        kinds = frozenset({"align"}) if options.align_only else frozenset({"align", "photo"})
        text = (
            [] if options.align_only else [with_chance(item, options.attach, len(pictures), random) for item in train]
        )
        train = text + picture_items(tokenizer, options.pictures / "pictures.jsonl", kinds)
    if options.pictures_dev:
        dev_pictures = Pictures(options.pictures_dev / "pictures.npz")
        rows_of = options.pictures_dev / "pictures.jsonl"
        judged_pictures = {kind: picture_items(tokenizer, rows_of, frozenset({kind})) for kind in ("photo", "align")}
    low_rank = [p for n, p in model.named_parameters() if n != "new_rows"]
    still = 0.0 if options.align_only else 1.0
    optimiser = torch.optim.AdamW(
        [
            {"params": low_rank, "peak": options.lr * still},
            {"params": [model.new_rows], "peak": options.lr_rows * still},
            {"params": list(projector.parameters()), "peak": options.lr_sight},
        ],
        betas=(0.9, 0.98),
        weight_decay=0.0,
    )
    total = int(len(train) * options.epochs / options.batch)
    step, spent, seen = 0, 0.0, 0
    checkpoint = options.out / "checkpoint.pt"
    if options.start and not checkpoint.exists():
        start = torch.load(options.start, weights_only=True)
        model.load_state_dict(start["model"], strict=False)
        projector.load_state_dict(start.get("sight", projector.state_dict()))
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(saved["model"], strict=False)
        projector.load_state_dict(saved["sight"])
        optimiser.load_state_dict(saved["optimiser"])
        step, spent, seen = saved["step"], saved["spent"], saved["seen"]
        random.seed(options.seed + step)
    log = (options.out / "log.jsonl").open("a", encoding="utf-8")

    def note(**figures: object) -> None:
        print(json.dumps(figures), flush=True)
        log.write(json.dumps(figures) + "\n")
        log.flush()

    def judge_all() -> dict[str, dict[str, float]]:
        scores = {name: judge(model, judged) for name, judged in dev.items()}
        seen_scores = {name: judge(model, judged, projector, dev_pictures) for name, judged in judged_pictures.items()}
        return scores | seen_scores

    def save() -> None:
        state = {n: p.detach() for n, p in model.named_parameters()}
        torch.save(
            {
                "model": state,
                "sight": projector.state_dict(),
                "optimiser": optimiser.state_dict(),
                "step": step,
                "spent": spent,
                "seen": seen,
            },
            checkpoint.with_suffix(".new"),
        )
        checkpoint.with_suffix(".new").replace(checkpoint)

    note(options={k: str(v) for k, v in vars(options).items()}, train=len(train), steps=total)
    model.refresh()
    started, losses, done, last_save = time.monotonic() - spent, [], False, time.monotonic()
    while not done:
        for batch in shuffled(train, options.batch, random):
            progress = max(step / total, spent / (options.hours * 3600))
            if progress >= 1 or spent > options.until * 3600:
                done = True
                break
            warm = min(1.0, (step + 1) / 60)
            for group in optimiser.param_groups:
                group["lr"] = group["peak"] * warm * (0.04 + 0.96 * 0.5 * (1 + math.cos(math.pi * progress)))
            loss = loss_of(model, batch, projector, pictures)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            model.refresh()
            losses.append(loss.item())
            step, seen, spent = step + 1, seen + int(batch.ids.shape[0]), time.monotonic() - started
            if step % 20 == 0:
                note(
                    step=step,
                    seen=seen,
                    minutes=round(spent / 60, 1),
                    loss=round(sum(losses[-20:]) / 20, 4),
                    rate=round(seen / spent, 2),
                    progress=round(progress, 3),
                )
            if step % options.judge_every == 0:
                note(step=step, dev=judge_all())
            if time.monotonic() - last_save > 300:
                save()
                last_save = time.monotonic()
    save()
    note(step=step, seen=seen, final=judge_all())


if __name__ == "__main__":
    main()
