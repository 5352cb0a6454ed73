"""The eyes of the model: a picture becomes visual tokens in the text model's space, and an embedding to find it by.

    picture -> tower.onnx -> feature -> probabilities of names and attributes -> word slots -> visual tokens

The tower is of the CLIP kind (`training/vision`); its class rows are prototypes. A word slot is the embedding of a
word that the picture calls for; what words do not hold goes into a few dense tokens, projected from the feature. So the
tower hands the text model words that it knows how to copy, and beside them how sure it is of them.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agent.bundle import CONCEPTS, PROJECTION, TOWER, damaged
from agent.colors import COLOR_FEATURES, color_features, shrunk
from agent.concepts import ATTRIBUTES, SURENESS, WORD_SLOTS, Concepts, Name
from agent.engine import open_session

if TYPE_CHECKING:
    from PIL.Image import Image
    from tokenizers import Tokenizer

DENSE = 3  # visual tokens made of the feature itself
VISUAL_TOKENS = 1 + WORD_SLOTS + DENSE  # the first one says that a picture follows
LENGTH = 10.0  # of a feature before anything is made of it

# what numpy, zipfile and json raise on files that are not what they should be
_DAMAGE = (OSError, ValueError, LookupError, TypeError, AttributeError, EOFError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True)
class Seen:
    """What one picture is to the model."""

    tokens: np.ndarray  # float32 (visual tokens, hidden), scaled as the text model's embeddings are
    words: frozenset[int]  # token ids of the words that the picture may put into an argument
    embedding: np.ndarray  # float32 (embedding,), unit length: its cosine with another says how alike they are
    names: tuple[tuple[Name, float], ...]  # the likeliest names with their probabilities


class Sight:
    """Looks with the files in `folder`. Raises `ModelError` when one is missing or damaged.

    embed: token ids to float32 (1, n, hidden), the text model's scaled embeddings; threads: of onnxruntime.
    """

    def __init__(
        self, folder: Path, tokenizer: Tokenizer, embed: Callable[[list[int]], np.ndarray], threads: int = 1
    ) -> None:
        try:
            self._tower = open_session(folder / TOWER, threads)
            self._eye = Eye.of(self._tower.get_modelmeta().custom_metadata_map)
            self._input = self._tower.get_inputs()[0].name
        except Exception as error:  # onnxruntime has no common base class for its errors
            raise damaged("the image tower cannot be loaded") from error
        try:
            self.concepts = Concepts.read(folder / CONCEPTS, tokenizer)
            with (folder / PROJECTION).open("rb") as stream, np.load(stream) as arrays:
                self.projection = Projection({name: arrays[name] for name in arrays.files})
            self._try(embed([0]).shape[-1])
        except _DAMAGE as error:
            raise damaged("what joins picture and words cannot be read") from error
        self._embed = embed

    def _try(self, hidden: int) -> None:
        """Raises `ValueError` unless tower, table and projection fit each other and a text model of this width."""
        p, table = self.projection, self.concepts
        p.fits(len(table.name_of), {kind: len(pairs) for kind, pairs in table.attributes.items()}, hidden)
        side = self._eye.side
        shapes = (
            (self._tower.get_inputs()[0].shape, (1, 3, side, side)),
            (self._tower.get_outputs()[0].shape, (1, p.width)),
        )
        for given, wanted in shapes:
            if any(isinstance(g, int) and g != w for g, w in zip(given, wanted, strict=True)):
                raise ValueError(f"the tower has {given}, not {wanted}")

    def look(self, picture: Image) -> Seen:
        """picture: RGB, upright, of any size (`agent.picture.fit`)."""
        square = self._eye.square(picture)
        feature = np.mean([self._tower.run(None, {self._input: x})[0][0] for x in self._eye.views(picture, square)], 0)
        return self.seen(feature, color_features(shrunk(square)))

    def seen(self, feature: np.ndarray, colors: np.ndarray) -> Seen:
        """From a feature float32 (feature,) and the picture's colours float32 (COLOR_FEATURES,)."""
        p = self.projection
        names = self.concepts.probabilities(p.concepts(feature))
        wording = self.concepts.wording(names, p.attributes(feature, colors))
        scale = np.sqrt(np.float32(p.slots.shape[1]))
        tokens = p.slots * scale
        tokens[0] += wording.sureness @ p.sure * scale
        used = np.flatnonzero(wording.weights)
        tokens[1 + used] += self._embed(wording.ids[used].tolist())[0] * wording.weights[used, None]
        tokens[1 + WORD_SLOTS :] += p.dense(feature) * scale
        top = np.argsort(-names, kind="stable")[:5]
        likeliest = tuple((self.concepts.names[i], float(names[i])) for i in top)
        return Seen(tokens, frozenset(self.concepts.sayable(names)), p.embedding(feature), likeliest)


@dataclass(frozen=True)
class Eye:
    """How a tower wants its pixels: the central square, `side` pixels wide, (value - mean) / deviation of 0 to 255."""

    side: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @classmethod
    def of(cls, metadata: dict[str, str]) -> Eye:
        """From the metadata "eye" of a tower's graph. Raises `KeyError` or `ValueError`."""
        eye = json.loads(metadata["eye"])
        return cls(int(eye["side"]), tuple(eye["mean"]), tuple(eye["deviation"]))

    def square(self, picture: Image) -> Image:
        width, height = picture.size
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        return _small(picture, self.side, (left, top, left + side, top + side))

    def views(self, picture: Image, square: Image) -> Iterator[np.ndarray]:
        """What the tower looks at, one after the other: the square, its mirror image, and all of the picture squeezed
        into a square. The mean of their features names more things rightly than one does (training/LOG.md)."""
        pixels = self.pixels(square)
        yield pixels
        yield np.ascontiguousarray(pixels[..., ::-1])
        if max(picture.size) > 1.05 * min(picture.size):
            yield self.pixels(_small(picture, self.side, (0, 0, *picture.size)))

    def pixels(self, square: Image) -> np.ndarray:
        """float32 (1, 3, side, side)."""
        mean, deviation = np.asarray(self.mean, np.float32), np.asarray(self.deviation, np.float32)
        values = (np.asarray(square, np.float32) - mean) / deviation
        return np.ascontiguousarray(values.transpose(2, 0, 1))[None]


class Projection:
    """What was learned between tower and text model. `arrays` as `training.vision.export` writes them:

    rows int8 (concepts, feature), rows_scale (concepts,), rows_bias (concepts,): the prototypes
    color, material, room: (choices, inputs + 1), the last column the bias; material and room read the feature, color
    the colours of the picture and the feature
    joint (feature, embedding): into the space that picture and text share
    slots (visual tokens, hidden); sure (SURENESS, hidden), of the first token
    inner (feature, inner), inner_bias; outer (inner, dense * hidden), outer_bias
    """

    @classmethod
    def untaught(cls, heads: dict[str, np.ndarray], hidden: int = 1) -> Projection:
        """Prototypes and attributes alone, as `training.vision.heads` fits them, before anything joins the text
        model."""
        none = np.zeros((heads["rows"].shape[1], 1)), np.zeros(1), np.zeros((1, hidden)), np.zeros(hidden)
        rest = dict(zip(("inner", "inner_bias", "outer", "outer_bias"), none, strict=True))
        ones = np.ones(len(heads["rows"]), np.float32)
        fitted = {name: heads[name] for name in ("rows", "rows_bias", "joint", *ATTRIBUTES)}
        blank = {"slots": np.zeros((1 + WORD_SLOTS, hidden)), "sure": np.zeros((SURENESS, hidden))}
        return cls({**fitted, **rest, **blank, "rows_scale": ones})

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        get = {name: array if array.dtype == np.int8 else array.astype(np.float32) for name, array in arrays.items()}
        self._rows = get["rows"].astype(np.float32) * get["rows_scale"][:, None]
        self._bias = get["rows_bias"]
        self._heads = {kind: get[kind] for kind in ATTRIBUTES}
        self._joint = get["joint"]
        self.slots, self.sure = get["slots"], get["sure"]
        self._inner, self._inner_bias = get["inner"], get["inner_bias"]
        self._outer, self._outer_bias = get["outer"], get["outer_bias"]

    @property
    def width(self) -> int:
        """Of a feature."""
        return int(self._rows.shape[1])

    def fits(self, concepts: int, choices: dict[str, int], hidden: int) -> None:
        """Raises `ValueError` when the arrays are not those of so many concepts, of so many choices of each kind of
        attribute and of a text model of this width."""
        width, inner = self._inner.shape
        wanted = {
            "rows": (self._rows, (concepts, width)),
            "rows_bias": (self._bias, (concepts,)),
            "joint": (self._joint, (width, self._joint.shape[-1])),
            "slots": (self.slots, (VISUAL_TOKENS, hidden)),
            "sure": (self.sure, (SURENESS, hidden)),
            "inner_bias": (self._inner_bias, (inner,)),
            "outer": (self._outer, (inner, DENSE * hidden)),
            "outer_bias": (self._outer_bias, (DENSE * hidden,)),
        }
        for kind, head in self._heads.items():
            more = COLOR_FEATURES if kind == "color" else 0
            wanted[kind] = (head, (choices[kind], more + width + 1))
        for name, (array, shape) in wanted.items():
            if array.shape != shape:
                raise ValueError(f"{name} is {array.shape}, not {shape}")

    def concepts(self, feature: np.ndarray) -> np.ndarray:
        """Probability of each concept (concepts,)."""
        return _softmax(self._rows @ feature + self._bias)

    def attributes(self, feature: np.ndarray, colors: np.ndarray) -> dict[str, np.ndarray]:
        """Probabilities of each kind of attribute."""
        feature = unit(feature)
        inputs = {"color": np.concatenate((colors * LENGTH, feature)), "material": feature, "room": feature}
        return {kind: _softmax(head[:, :-1] @ inputs[kind] + head[:, -1]) for kind, head in self._heads.items()}

    def embedding(self, feature: np.ndarray) -> np.ndarray:
        """float32 (embedding,), unit length."""
        return unit(unit(feature) @ self._joint, 1.0)

    def dense(self, feature: np.ndarray) -> np.ndarray:
        """float32 (dense tokens, hidden)."""
        inner = unit(feature) @ self._inner + self._inner_bias
        return (np.maximum(inner, 0) @ self._outer + self._outer_bias).reshape(-1, self.slots.shape[1])


def _small(picture: Image, side: int, box: tuple[float, float, float, float]) -> Image:
    from PIL.Image import Resampling

    return picture.resize((side, side), Resampling.BICUBIC, box)


def unit(x: np.ndarray, length: float = LENGTH) -> np.ndarray:
    """The vectors x (..., n) at this length."""
    return np.asarray(x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-6) * length, np.float32)


def _softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max())
    return np.asarray(e / e.sum(), np.float32)
