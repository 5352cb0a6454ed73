"""The neural voices' graphs, opened over the fetched weights, and their vocoder, which turns frames into sound piece by
piece.

A vocoder is made of convolutions: a frame's sound depends on a few frames on either side and on nothing else. So a
window of frames with that many around it gives the very samples that all frames together would, and the first third of
a second can be heard while the rest of the sentence is still frames. Knows no text.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from actions.errors import ModelError

GRAPHS = Path(__file__).resolve().parents[2] / "models" / "voice"  # made by training.speech.graphs
FIRST = 32  # frames of the first window, about 0.4 s of sound
WIDEST = 96  # frames of a window, about 1.1 s: until it is done, a child that is to be silent goes on working
_WEIGHTS_BESIDE = "session.model_external_initializers_file_folder_path"


def open_graph(name: str, folder: Path, threads: int) -> ort.InferenceSession:
    """A graph of `GRAPHS` whose weights are in `folder`. Raises `ModelError` when they are not the ones it was made
    for."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # no two sentences have the same length
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry(_WEIGHTS_BESIDE, str(folder))
    options.log_severity_level = 4
    graph = (GRAPHS / f"{name}.onnx").read_bytes()
    try:
        session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        made_for = session.get_modelmeta().custom_metadata_map
        fits = (folder / made_for["weights"]).stat().st_size == int(made_for["size"])
    except Exception as error:  # onnxruntime has no common base class for its errors
        raise damaged(folder.name) from error
    if not fits:
        raise damaged(folder.name)
    return session


def damaged(name: str) -> ModelError:
    return ModelError(
        f"The voice {name} is damaged. Run: tako models fetch {name}",
        f"语音模型 {name} 已损坏，请运行 tako models fetch {name}。",
    )


class Vocoder:
    """`sounds(frames)` gives their sound in order."""

    def __init__(self, session: Any, axis: int, hop: int, context: int) -> None:
        """axis: of time in the frames; hop: samples a frame; context: frames on either side that a sample depends on
        (measured: with so many, windows and the whole give the same samples)."""
        self._session, self._axis, self._hop, self._context = session, axis, hop, context

    def sounds(self, frames: np.ndarray) -> Iterator[np.ndarray]:
        """float32, shape (n * hop,), -1 to 1, for n frames at a time, few first."""
        total, start, width = frames.shape[self._axis], 0, FIRST
        while start < total:
            end = start + width if total - start - width > FIRST // 2 else total  # no crumb at the end
            low, high = max(0, start - self._context), min(total, end + self._context)
            window = np.ascontiguousarray(np.take(frames, range(low, high), axis=self._axis))
            sound = self._session.run(None, {"frames": window})[0].reshape(-1)
            yield sound[(start - low) * self._hop : (end - low) * self._hop]
            start, width = end, min(2 * width, WIDEST)
