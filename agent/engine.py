"""Runs the text model's graph: a key/value cache that stays in place, several tokens in one pass, logits where
they are wanted.

Knows nothing of functions or words.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort

from actions.errors import ModelError
from agent.bundle import Bundle, Embedding, damaged


def open_session(path: Path, threads: int) -> ort.InferenceSession:
    """A graph on the processor with so many threads, idle ones asleep. Raises what onnxruntime raises, which has no
    common base class."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class Engine:
    """One sequence at a time. `append` adds tokens after `length` kept ones; `keep` forgets the last ones again."""

    def __init__(self, bundle: Bundle, threads: int = 1) -> None:
        try:
            self._session = open_session(bundle.folder / "graph.onnx", threads)
        except Exception as error:  # onnxruntime has no common base class for its errors
            raise damaged("the graph cannot be loaded") from error
        self.embedding = Embedding(bundle)
        try:
            self.positions = int(self._session.get_modelmeta().custom_metadata_map["positions"])
        except (KeyError, ValueError) as error:
            raise damaged("the graph is of another version") from error
        past = {i.name[5:]: i.shape for i in self._session.get_inputs() if i.name.startswith("past_")}
        self._caches = list(past)
        _, self._kv_heads, _, self._head = next(iter(past.values()))
        self._room = 0
        self._binding = self._session.io_binding()
        self.length = 0

    def restart(self, room: int) -> None:
        """Forgets everything and makes room for `room` positions. Raises `ModelError` beyond the model's
        `positions`."""
        if room > self.positions:
            raise ModelError("That is more than I can keep in mind at once.", "内容太长了，我记不住。")
        self.length = 0
        room = -(-room // 64) * 64
        if room != self._room:
            self._room = min(room, self.positions)
            shape = (1, self._kv_heads, self._room, self._head)
            self._binding.clear_binding_inputs()
            self._binding.clear_binding_outputs()
            for name in self._caches:
                cache = ort.OrtValue.ortvalue_from_numpy(np.zeros(shape, np.float32))
                self._binding.bind_ortvalue_input(f"past_{name}", cache)
                self._binding.bind_ortvalue_output(f"present_{name}", cache)

    @property
    def room(self) -> int:
        return self._room

    def keep(self, length: int) -> None:
        """Keeps the first `length` positions only."""
        self.length = min(length, self.length)

    def append(self, embeds: np.ndarray, rows: Sequence[int]) -> np.ndarray:
        """Adds embeddings float32 (1, n, hidden); logits float32 (len(rows), vocabulary) of the chosen ones of
        them."""
        total = self.length + embeds.shape[1]
        if total > self._room:
            raise ModelError("That is more than I can keep in mind at once.", "内容太长了，我记不住。")
        if embeds.shape[1] == 1 and total < self._room:
            # a token alone is summed up in another order, and the products' eight bits make that visible: with a
            # second one, soon forgotten, logits do not depend on how tokens were put into passes
            embeds = np.concatenate((embeds, embeds), axis=1)
        end = self.length + embeds.shape[1]
        binding = self._binding
        binding.bind_cpu_input("embeds", np.ascontiguousarray(embeds, np.float32))
        binding.bind_cpu_input("rows", np.asarray(rows, np.int64))
        binding.bind_cpu_input("last", np.asarray([end - 1], np.int32))
        binding.bind_cpu_input("total", np.asarray(end, np.int32))
        binding.bind_output("logits")
        self._session.run_with_iobinding(binding)
        self.length = total
        logits: np.ndarray = binding.get_outputs()[-1].numpy()
        return logits
