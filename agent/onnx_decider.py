"""The mind on the device: the built text model behind the seam `Decider`."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tokenizers import Tokenizer

from actions.catalogue import JOINT, NONE, Call, make_call
from actions.errors import InputError
from agent.bundle import DRAFT, Bundle, damaged
from agent.decoding import Answer, decode
from agent.draft import Drafter
from agent.engine import Engine
from agent.grammar import Grammar
from agent.language import language_of
from agent.likelihood import log_likelihoods
from agent.prompt import FIRST_TEXT_ID, SEP, SPACE, decode_calls, encode_request, words
from agent.sentence import say_in_words
from agent.sight import VISUAL_TOKENS, Seen, Sight
from agent.types import Decision, Percept

if TYPE_CHECKING:
    from PIL.Image import Image

STRANGE = 2.0  # what the logit of a token loses that was not said, where what was said is to be copied
ANSWER_ROOM = 128  # positions beyond twice the request: an answer mostly copies


class OnnxDecider:
    """Decides with the bundle in `folder`. Raises `ModelError` when it is missing, damaged or made for another
    catalogue.

    threads: of onnxruntime; refuse_below: confidence (0 to 1) under which nothing is done, None takes the
    release's own; drafts: whether answers are guessed first, which only saves time.
    """

    def __init__(self, folder: Path, threads: int = 1, refuse_below: float | None = None, drafts: bool = True) -> None:
        bundle = Bundle(folder)
        try:
            self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # tokenizers raises bare Exception
            raise damaged("the tokenizer cannot be read") from error
        self._engine = Engine(bundle, threads)
        self._grammar = Grammar(self.tokenizer)
        drafts = drafts and bundle.manifest.drafts
        self._drafter = Drafter(folder / DRAFT, self.tokenizer, self._engine.embedding) if drafts else None
        sees = bundle.manifest.sees
        self._sight = Sight(folder, self.tokenizer, self._engine.embedding, threads) if sees else None
        self._last: tuple[Image, Seen] | None = None  # the picture that was looked at last
        self._looking = threading.Lock()
        self._calibration = bundle.manifest.calibration
        self._refuse_below = refuse_below
        self.version = bundle.manifest.version
        self._joint = words(self.tokenizer, f"a{JOINT}b")  # holds the tokens that join items
        self._lock = threading.Lock()

    @property
    def sees(self) -> bool:
        """Whether it has eyes."""
        return self._sight is not None

    def look(self, image: Image) -> Seen | None:
        """What a picture (RGB, upright) is to the model; None for a release without eyes. The last one is kept, so that
        it can be looked at before the words are there; whoever asks meanwhile waits, and nothing is done twice."""
        if self._sight is None:
            return None
        with self._looking:
            if self._last is None or self._last[0] is not image:
                self._last = image, self._sight.look(image)
            return self._last[1]

    def embedding(self, image: Image) -> np.ndarray | None:
        """As `agent.types.Embedder` says."""
        seen = self.look(image)
        return None if seen is None else seen.embedding

    def answer(self, text: str, seen: Seen | None = None) -> Answer:
        """The model's own answer to a request, before any refusal. Raises `InputError`."""
        said = encode_request(self.tokenizer, text)
        request = encode_request(self.tokenizer, text, VISUAL_TOKENS) if seen else said
        with self._lock:
            self._engine.restart(min(2 * len(request) + ANSWER_ROOM, self._engine.positions))
            draft = self._drafter(said) if self._drafter else ()
            strange = self._strange(said, seen.words if seen else frozenset())
            return decode(self._engine, self._grammar, request, strange, draft, seen.tokens if seen else None)

    def describe(self, image: Image, question: str) -> str:
        """The model's own words on a question about a picture; empty for a release without eyes. Raises
        `InputError`."""
        seen = self.look(image)
        if seen is None:
            return ""
        request = encode_request(self.tokenizer, question, VISUAL_TOKENS, SEP)
        with self._lock:
            return say_in_words(self._engine, self.tokenizer, request, seen.tokens)

    def _strange(self, request: list[int], seen: frozenset[int]) -> np.ndarray:
        """float32 (vocabulary,): zero for marks, the request's own tokens (with a space before them or without), the
        joint of items and the words for what is seen, `STRANGE` for all others."""
        said = {*request, *self._joint, *seen}
        for token in request:
            piece = self.tokenizer.id_to_token(token) or ""
            other = self.tokenizer.token_to_id(piece[1:] if piece.startswith(SPACE) else SPACE + piece)
            if other is not None:
                said.add(other)
        strange = np.full(self.tokenizer.get_vocab_size(), STRANGE, np.float32)
        strange[:FIRST_TEXT_ID] = 0
        strange[list(said)] = 0
        return strange

    def log_likelihoods(self, texts: Sequence[str]) -> list[float]:
        """As `agent.types.LanguageModel` says, by the weights that answer a request; that it ends counts, too."""
        requests = [self._readable(text) for text in texts]
        with self._lock:
            found = iter(log_likelihoods(self._engine, [ids for ids in requests if ids]))
        return [next(found) if ids else -np.inf for ids in requests]

    def _readable(self, text: str) -> list[int]:
        try:
            return encode_request(self.tokenizer, text)
        except InputError:
            return []

    @property
    def refuse_below(self) -> float:
        """The confidence under which nothing is done, without a picture."""
        return self._limit(False)

    def _limit(self, seen: bool) -> float:
        return calibrated(self._calibration, seen)["refuse_below"] if self._refuse_below is None else self._refuse_below

    def confidence(self, answer: Answer, seen: bool = False) -> float:
        """Calibrated probability that the functions are right (Platt scaling on held-out requests,
        `training.calibrate`); `seen`: whether there was a picture."""
        return confidence(answer, calibrated(self._calibration, seen))

    def decide(self, percept: Percept) -> Decision:
        started = time.perf_counter()
        seen = self.look(percept.image) if percept.image is not None else None
        looked = time.perf_counter()
        answer = self.answer(percept.text, seen)
        lang = percept.lang or language_of(percept.text)
        sure = self.confidence(answer, seen is not None)
        try:
            calls = decode_calls(self.tokenizer, answer.ids)
        except ValueError:  # the answer ran out of room: nothing of it can be trusted
            calls, sure = (make_call(NONE.name, "unclear"),), 0.0
        refused: Call | None = None
        if sure < self._limit(seen is not None) and calls[0].name != NONE.name:
            refused, calls = calls[0], (make_call(NONE.name, "unclear"),)
        ms = {"see": (looked - started) * 1e3} if seen else {}
        return Decision(calls, lang, sure, refused, ms | {"decide": (time.perf_counter() - looked) * 1e3})


def features(answer: Answer) -> np.ndarray:
    """What the confidence is made of: the least sure functional token's log-odds and the least sure argument
    token's."""
    p = min(answer.functions, default=0.0)
    return np.array([np.log(max(p, 1e-6)) - np.log(max(1 - p, 1e-6)), min(answer.text, default=0.0)])


def calibrated(calibration: dict[str, float], seen: bool) -> dict[str, float]:
    """The part of a release's calibration that holds with a picture, or without one; a release without eyes has but
    one."""
    part = "seen_" if seen and "seen_odds" in calibration else ""
    return {name: calibration[part + name] for name in ("odds", "text", "bias", "refuse_below")}


def confidence(answer: Answer, calibration: dict[str, float]) -> float:
    """Logistic function of the features; the weights come with the release."""
    a, b = features(answer)
    return float(1 / (1 + np.exp(-(calibration["odds"] * a + calibration["text"] * b + calibration["bias"]))))
