"""The mind on the device: the built text model behind the seam `Decider`."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

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
from agent.prompt import FIRST_TEXT_ID, SPACE, decode_calls, encode_request, words
from agent.types import Decision, Percept

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
        self._calibration = bundle.manifest.calibration
        self.refuse_below = self._calibration["refuse_below"] if refuse_below is None else refuse_below
        self.version = bundle.manifest.version
        self._joint = words(self.tokenizer, f"a{JOINT}b")  # holds the tokens that join items
        self._lock = threading.Lock()

    def answer(self, text: str) -> Answer:
        """The model's own answer to a request, before any refusal. Raises `InputError`."""
        request = encode_request(self.tokenizer, text)
        with self._lock:
            self._engine.restart(min(2 * len(request) + ANSWER_ROOM, self._engine.positions))
            draft = self._drafter(request) if self._drafter else ()
            return decode(self._engine, self._grammar, request, self._strange(request), draft)

    def _strange(self, request: list[int]) -> np.ndarray:
        """float32 (vocabulary,): zero for marks, the request's own tokens (with a space before them or without) and the
        joint of items, `STRANGE` for all others."""
        said = {*request, *self._joint}
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

    def confidence(self, answer: Answer) -> float:
        """Calibrated probability that the functions are right (Platt scaling on held-out requests,
        `training.calibrate`)."""
        return confidence(answer, self._calibration)

    def decide(self, percept: Percept) -> Decision:
        started = time.perf_counter()
        answer = self.answer(percept.text)
        lang = percept.lang or language_of(percept.text)
        sure = self.confidence(answer)
        try:
            calls = decode_calls(self.tokenizer, answer.ids)
        except ValueError:  # the answer ran out of room: nothing of it can be trusted
            calls, sure = (make_call(NONE.name, "unclear"),), 0.0
        refused: Call | None = None
        if sure < self.refuse_below and calls[0].name != NONE.name:
            refused, calls = calls[0], (make_call(NONE.name, "unclear"),)
        return Decision(calls, lang, sure, refused, {"decide": (time.perf_counter() - started) * 1e3})


def features(answer: Answer) -> np.ndarray:
    """What the confidence is made of: the least sure functional token's log-odds and the least sure argument
    token's."""
    p = min(answer.functions, default=0.0)
    return np.array([np.log(max(p, 1e-6)) - np.log(max(1 - p, 1e-6)), min(answer.text, default=0.0)])


def confidence(answer: Answer, calibration: dict[str, float]) -> float:
    """Logistic function of the features; the weights come with the release."""
    a, b = features(answer)
    return float(1 / (1 + np.exp(-(calibration["odds"] * a + calibration["text"] * b + calibration["bias"]))))
