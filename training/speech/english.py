"""The neural English voice: piper's joe (CC0), with a seed: the same list of texts gives the same recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
from piper import PiperVoice, SynthesisConfig

MODEL = "en_US-joe-medium.onnx"


class EnglishVoice:
    """`speak(text)` gives sound. `speed` above 1 is faster."""

    def __init__(self, folder: Path, seed: int = 0) -> None:
        ort.set_seed(seed)  # piper's noise is drawn inside the graph, seeded when the session starts
        self._voice = PiperVoice.load(folder / MODEL)
        self.rate = self._voice.config.sample_rate  # Hz

    def speak(self, text: str, speed: float = 1.0) -> np.ndarray:
        """Sound of a text: float32, shape (n,), -1 to 1, at `rate`. `ValueError` when there is nothing to speak."""
        length = self._voice.config.length_scale / speed
        chunks = [part.audio_float_array for part in self._voice.synthesize(text, SynthesisConfig(length_scale=length))]
        if not chunks:
            raise ValueError(f"nothing to speak in {text!r}")
        return np.concatenate(chunks)
