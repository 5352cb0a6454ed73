"""Run instead of `device.voice.neural_child`: its own protocol and threads, with a voice that is a tone.

A word is a tenth of a second of sound; "die" ends the process, "hang" stops it, "slow" takes a tenth of a second to
make. The folder of a language may be named "damaged".
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from device.voice import neural_child
from device.voice.vocoder import damaged


class Tone:
    """Louder for English than for Mandarin."""

    def __init__(self, lang: str) -> None:
        self.rate = 22_050 if lang == "en" else 24_000
        self._level = 0.5 if lang == "en" else 0.25

    def sounds(self, text: str, speed: float = 1.0) -> Iterator[np.ndarray]:
        for word in text.split():
            if word == "die":
                os._exit(3)
            if word == "hang":
                time.sleep(60)
            if word == "slow":
                time.sleep(0.1)
            samples = np.arange(int(0.1 * self.rate / speed))
            yield (self._level * np.sin(samples * 2 * np.pi * 440 / self.rate)).astype(np.float32)


def open_voice(lang: str, folder: Path, threads: int) -> Tone:
    if folder.name == "damaged":
        raise damaged(folder.name)
    return Tone(lang)


neural_child.open_voice = open_voice
neural_child.main()
