"""Requests as padded batches of token ids."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
from tokenizers import Tokenizer
from torch import Tensor

from actions.catalogue import make_call
from agent.prompt import IMAGE, PAD, SEP, encode_calls, encode_request, encode_sentence
from agent.sight import VISUAL_TOKENS
from training.data.requests import Example

NONE_SEEN = -1  # instead of the number of a view: no picture
LENGTHS = (
    16,
    24,
    32,
    40,
    48,
    64,
    80,
    96,
    128,
    160,
    224,
    320,
)  # few shapes: each new one costs seconds of kernel preparation on the CPU


@dataclass(frozen=True)
class Item:
    """One example as ids: the request's and the answer's."""

    request: list[int]
    answer: list[int]  # empty: a plain sentence, which nothing answers
    view: int = NONE_SEEN  # which picture is seen with it
    language: float = 0.0  # what predicting a token of the request itself weighs; one of the answer weighs 1

    @property
    def length(self) -> int:
        return len(self.request) + len(self.answer) - 1  # the last token is only predicted


@dataclass(frozen=True)
class Batch:
    ids: Tensor  # int64 (batch, length), right-padded
    rows: Tensor  # int64 (targets,): position in the flattened batch that predicts each target
    targets: Tensor  # int64 (targets,)
    owner: Tensor  # int64 (targets,): which item of the batch a target belongs to
    weights: Tensor  # float32 (targets,): what each target weighs
    views: Tensor  # int64 (batch,): the picture seen with each item, minus one for none


def read_training_set(path: Path) -> list[Example]:
    examples = []
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            examples.append(
                Example(row["text"], tuple(make_call(*c) for c in row["calls"]), row["kind"], row["source"])
            )
    return examples


def items(tokenizer: Tokenizer, examples: Sequence[Example], language: float = 0.0, every: int = 1) -> list[Item]:
    """Examples as ids. Every so many-th request, and every plain sentence, is also to be predicted, weighing
    `language`; not what nobody would say, though a recogniser hears it."""
    made = []
    for i, e in enumerate(examples):
        if not e.calls and not language:
            continue
        predicted = not e.calls or (i % every == 0 and e.source != "heard" and e.kind != "noisy")
        answer = encode_calls(tokenizer, e.calls) if e.calls else []
        made.append(Item(encode_request(tokenizer, e.text), answer, language=language if predicted else 0.0))
    return made


def picture_items(tokenizer: Tokenizer, path: Path, kinds: frozenset[str]) -> list[Item]:
    """The rows of `pictures.jsonl` of these kinds ("photo": calls, "align": sentences)."""
    made = []
    with path.open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            if row["kind"] not in kinds:
                continue
            if row["kind"] == "align":
                request = encode_request(tokenizer, row["text"], VISUAL_TOKENS, SEP)
                answer = encode_sentence(tokenizer, row["answer"])
            else:
                request = encode_request(tokenizer, row["text"], VISUAL_TOKENS if "view" in row else 0)
                answer = encode_calls(tokenizer, [make_call(*c) for c in row["calls"]])
            made.append(Item(request, answer, row.get("view", NONE_SEEN)))
    return made


def with_view(item: Item, view: int) -> Item:
    """The same request while the camera shows something that it does not ask about."""
    request = [item.request[0], *[IMAGE] * VISUAL_TOKENS, *item.request[1:]]
    return Item(request, item.answer, view)


def collate(group: Sequence[Item]) -> Batch:
    longest = max(item.length for item in group)
    length = next((n for n in LENGTHS if n >= longest), longest)
    ids, rows, targets, owner, weights = [], [], [], [], []
    for i, item in enumerate(group):
        sequence = [*item.request, *item.answer]
        ids.append(sequence[:-1] + [PAD] * (length - item.length))
        first = 0 if item.language else len(item.request) - 1  # position that predicts the first target
        predicted = sequence[first + 1 :]
        rows += range(i * length + first, i * length + first + len(predicted))
        targets += predicted
        owner += [i] * len(predicted)
        spoken = len(predicted) - len(item.answer)
        weights += [item.language] * spoken + [1.0] * len(item.answer)
    return Batch(
        torch.tensor(ids),
        torch.tensor(rows),
        torch.tensor(targets),
        torch.tensor(owner),
        torch.tensor(weights),
        torch.tensor([item.view for item in group]),
    )


def shuffled(all_items: Sequence[Item], size: int, random: Random) -> Iterator[Batch]:
    """Batches of items of like length, in random order."""
    order = list(range(len(all_items)))
    random.shuffle(order)
    pool = size * 32
    groups = []
    for start in range(0, len(order), pool):
        chunk = sorted(order[start : start + pool], key=lambda i: all_items[i].length)
        groups += [chunk[i : i + size] for i in range(0, len(chunk), size)]
    random.shuffle(groups)
    for group in groups:
        yield collate([all_items[i] for i in group])
