"""Stage 3: teaches the base its functional tokens, knowing that its weights will have four bits.

    python -m training.functional --base BASE.gguf --train train.jsonl --out runs/NAME [--rank 64] [--batch 32]
    [--hours 1.5]

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
from training.batches import Batch, Item, collate, items, read_training_set, shuffled
from training.data.requests import read_examples
from training.model import Gemma

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


def loss_of(model: Gemma, batch: Batch) -> torch.Tensor:
    hidden = model.hidden(batch.ids)
    logits = model.logits(hidden.reshape(-1, hidden.shape[-1])[batch.rows])
    losses = F.cross_entropy(logits, batch.targets, reduction="none")
    return (losses * batch.weights).sum() / batch.weights.sum()


@torch.no_grad()
def judge(model: Gemma, judged: list[Item], size: int = 32) -> dict[str, float]:
    """Share of items whose whole answer, and whose functional tokens, greedy decoding would give."""
    whole = function = 0
    for start in range(0, len(judged), size):
        group = sorted(judged, key=lambda item: item.length)[start : start + size]
        batch = collate(group)
        hidden = model.hidden(batch.ids)
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
    low_rank = [p for n, p in model.named_parameters() if n != "new_rows"]
    optimiser = torch.optim.AdamW(
        [{"params": low_rank, "peak": options.lr}, {"params": [model.new_rows], "peak": options.lr_rows}],
        betas=(0.9, 0.98),
        weight_decay=0.0,
    )
    total = int(len(train) * options.epochs / options.batch)
    step, spent, seen = 0, 0.0, 0
    checkpoint = options.out / "checkpoint.pt"
    if options.start and not checkpoint.exists():
        model.load_state_dict(torch.load(options.start, weights_only=True)["model"], strict=False)
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(saved["model"], strict=False)
        optimiser.load_state_dict(saved["optimiser"])
        step, spent, seen = saved["step"], saved["spent"], saved["seen"]
        random.seed(options.seed + step)
    log = (options.out / "log.jsonl").open("a", encoding="utf-8")

    def note(**figures: object) -> None:
        print(json.dumps(figures), flush=True)
        log.write(json.dumps(figures) + "\n")
        log.flush()

    def save() -> None:
        state = {n: p.detach() for n, p in model.named_parameters()}
        torch.save(
            {"model": state, "optimiser": optimiser.state_dict(), "step": step, "spent": spent, "seen": seen},
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
            loss = loss_of(model, batch)
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
                note(step=step, dev={name: judge(model, judged) for name, judged in dev.items()})
            if time.monotonic() - last_save > 300:
                save()
                last_save = time.monotonic()
    save()
    note(step=step, seen=seen, final={name: judge(model, judged) for name, judged in dev.items()})


if __name__ == "__main__":
    main()
