"""The neural English voice: piper's joe (CC0). Phonemes by piper, sound by its two halves in onnxruntime.

Draws its breath by chance: no two readings of a sentence are the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from actions.errors import DeviceError
from device.voice.vocoder import Vocoder, damaged, open_graph

CONFIG = "en_US-joe-medium.onnx.json"
_HOP, _CONTEXT = 256, 12  # samples a frame; frames
_GAIN = 1.5  # its loudest sample is at 0.4 to 0.65 of full scale; as loud as espeak-ng then


class Joe:
    """`sounds(text)` gives sound as it comes. Needs piper's package (GPL), so it lives in a process of its own."""

    def __init__(self, folder: Path, threads: int) -> None:
        """Raises `DeviceError` without piper, `ModelError` when the voice is damaged."""
        try:
            from piper import PiperVoice
            from piper.config import PiperConfig
        except ImportError as error:
            raise DeviceError(
                "The neural English voice needs piper. Install it with: pip install 'tako[voices]'",
                "英语神经语音需要 piper，请运行 pip install 'tako[voices]'。",
            ) from error
        try:
            config = PiperConfig.from_dict(json.loads((folder / CONFIG).read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError) as error:
            raise damaged(folder.name) from error
        self.rate: int = config.sample_rate  # Hz
        self._acoustic = open_graph("english.acoustic", folder, threads)
        self._vocoder = Vocoder(open_graph("english.vocoder", folder, threads), 2, _HOP, _CONTEXT)
        self._piper = PiperVoice(session=self._acoustic, config=config)
        self._config = config

    def sounds(self, text: str, speed: float = 1.0) -> Iterator[np.ndarray]:
        """float32, -1 to 1, at `rate`; nothing for a text without a word. `speed` above 1 is faster."""
        scales = [self._config.noise_scale, self._config.length_scale / speed, self._config.noise_w_scale]
        for phonemes in self._piper.phonemize(text):
            if not any(phoneme.isalpha() for phoneme in phonemes):
                continue
            ids = self._piper.phonemes_to_ids(phonemes)
            feed = {
                "input": np.array([ids], np.int64),
                "input_lengths": np.array([len(ids)], np.int64),
                "scales": np.array(scales, np.float32),
            }
            frames = self._acoustic.run(None, feed)[0]  # (1, 192, n)
            for sound in self._vocoder.sounds(frames):
                yield np.clip(sound * _GAIN, -1.0, 1.0)
