"""A draft of the answer, made in a fraction of a millisecond before the model is asked: the model then checks all of it
in one pass (`agent.decoding`), so a wrong draft costs time and never an answer.

A few convolutions over the request's embeddings say of each token to which argument it belongs, whether another word
takes its place ("he" becomes "you"), and of the request which function it asks for first. Learned by `training.draft`.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from actions.catalogue import CATALOGUE, ITEMS, JOINT, NONE, make_call
from agent.bundle import damaged
from agent.prompt import encode_calls

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# a function with the value of its argument that has choices: what the first token and those choices are
CLASSES: tuple[tuple[int, str], ...] = tuple(
    (i, choice)
    for i, function in enumerate(CATALOGUE)
    for choice in next((a.choices for a in function.arguments if a.choices), ("",))
)
# what a token may be part of: a class and the index of one of its arguments without choices
ROLES: tuple[tuple[int, int], ...] = tuple(
    (i, k)
    for i, (function, _) in enumerate(CLASSES)
    for k, argument in enumerate(CATALOGUE[function].arguments)
    if not argument.choices
)
TAGS = 1 + 2 * len(ROLES)  # 0: of no argument; 1 + 2 * role: it begins here; 2 + 2 * role: it goes on
REACH = 5  # tokens that a convolution sees
STEPS = (1, 2, 4)  # distance between them, layer by layer


@dataclass
class Found:
    """A call as it is pieced together: ids of the parts of each argument."""

    of: int  # index in CLASSES
    parts: dict[int, list[list[int]]] = field(default_factory=dict)


def assemble(tokenizer: Tokenizer, ids: Sequence[int], tags: Sequence[int], first: int) -> list[int]:
    """The answer that tags mean: ids to copy (words already put in place of others), their tags, and the class of the
    first call where no tag says it."""
    found: list[Found] = []
    for token, tag in zip(ids, tags, strict=True):
        if not tag:
            continue
        of, argument = ROLES[(tag - 1) // 2]
        begins = tag % 2 == 1
        joined = CATALOGUE[CLASSES[of][0]].arguments[argument].name == ITEMS
        if not found or found[-1].of != of or (begins and argument in found[-1].parts and not joined):
            found.append(Found(of))
        parts = found[-1].parts.setdefault(argument, [])
        if begins or not parts:
            parts.append([])
        parts[-1].append(token)
    if not found or CATALOGUE[CLASSES[first][0]] is NONE:
        found = [Found(first)]
    calls = []
    for call in found:
        function, choice = CLASSES[call.of]
        values = [
            choice
            if argument.choices
            else JOINT.join(tokenizer.decode(part, skip_special_tokens=False).strip() for part in call.parts.get(k, []))
            for k, argument in enumerate(CATALOGUE[function].arguments)
        ]
        calls.append(make_call(CATALOGUE[function].name, *values))
    return encode_calls(tokenizer, calls)


class Drafter:
    """Drafts with the weights in `path`; `embedding` gives float32 (1, n, hidden) for n ids.

    Raises `ModelError` when the file cannot be read or does not fit the catalogue.
    """

    def __init__(self, path: Path, tokenizer: Tokenizer, embedding: Callable[[list[int]], np.ndarray]) -> None:
        self._tokenizer, self._embedding = tokenizer, embedding
        try:
            with path.open("rb") as stream, np.load(stream) as file:
                arrays = {name: file[name] for name in file.files}
            self._others = arrays.pop("others")
            self._w = {
                name: array.astype(np.float32) * arrays[f"{name}_scale"] if array.dtype == np.int8 else array
                for name, array in arrays.items()
            }
            forward(self._w, embedding([0])[0])  # every weight is there, and one fits the next
            sizes = [self._w[f"{name}_bias"].shape for name in ("tags", "first", "other")]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise damaged(f"{path.name} cannot be read") from error
        if sizes != [(TAGS,), (len(CLASSES),), (1 + len(self._others),)]:
            raise damaged(f"{path.name} was learned for other functions")

    def __call__(self, request: Sequence[int]) -> list[int]:
        """What the answer to `<bos> request <call>` may be, `<eos>` at its end."""
        ids = np.array(request[1:-1])
        tags, other, first = forward(self._w, self._embedding(ids.tolist())[0])
        replaced = other.argmax(1)
        words = np.where(replaced > 0, self._others[replaced - 1], ids)
        return assemble(self._tokenizer, words.tolist(), best_path(tags, self._w["after"]), int(first.argmax()))


def forward(w: dict[str, np.ndarray], x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x: float32 (n, hidden), n > 0. Scores of the tags (n, TAGS), of the words instead (n, 1 + others; 0 is to copy)
    and of the first call's class (CLASSES)."""
    n = len(x)
    x = x / np.sqrt(np.square(x).mean(1, keepdims=True) + 1e-6)
    h = np.maximum(x @ w["in"] + w["in_bias"], 0)
    for i, step in enumerate(STEPS):
        reach = step * (REACH // 2)
        padded = np.zeros((n + 2 * reach, h.shape[1]), np.float32)
        padded[reach : reach + n] = h
        seen = np.concatenate([padded[k * step : k * step + n] for k in range(REACH)], 1)
        h = h + np.maximum(seen @ w[f"layer_{i}"] + w[f"layer_{i}_bias"], 0)
        h = h + pooled(h) @ w[f"whole_{i}"]
    return (
        h @ w["tags"] + w["tags_bias"],
        h @ w["other"] + w["other_bias"],
        pooled(h) @ w["first"] + w["first_bias"],
    )


def best_path(scores: np.ndarray, after: np.ndarray) -> list[int]:
    """The tags of the highest sum (Viterbi): scores (n, TAGS) of each token's, after (TAGS, TAGS) of one after
    another."""
    total, came = scores[0], []
    for row in scores[1:]:
        ways = total[:, None] + after
        came.append(ways.argmax(0))
        total = ways.max(0) + row
    path = [int(total.argmax())]
    for back in reversed(came):
        path.append(int(back[path[-1]]))
    return path[::-1]


def pooled(h: np.ndarray) -> np.ndarray:
    """(n, width) to (2 * width,): mean and maximum over the request."""
    return np.concatenate((h.mean(0), h.max(0)))
