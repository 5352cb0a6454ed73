"""The neural Mandarin voice: pinyin by pypinyin, FastSpeech2 and multi-band MelGAN in onnxruntime.

Speaks Han characters and numbers; Latin words are not in its phonemes (`synthesise` gives them to the English voice).
Its recordings come from the Baker corpus, which is for non-commercial use.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import cn2an
import numpy as np
import onnxruntime as ort
from pypinyin import Style, lazy_pinyin

RATE = 24_000  # Hz, of the vocoder
_PAUSE = re.compile(r"[，。！？；：、,.!?;:\s]+")
_SYLLABLE = re.compile(r"([a-zü]+?)(r?)([1-5])")
_BREATH = 0.2  # seconds between two phrases


class MandarinVoice:
    """`speak(text)` gives sound. `speed` above 1 is faster."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        table = json.loads((folder / "baker_mapper.json").read_text(encoding="utf-8"))
        self._ids: dict[str, int] = table["symbol_to_id"]
        self._syllables: dict[str, tuple[str, str]] = {key: tuple(value) for key, value in table["pinyin_dict"].items()}
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._acoustic = ort.InferenceSession(str(folder / "fastspeech2_quan.onnx"), options)
        self._vocoder = ort.InferenceSession(str(folder / "mb_melgan.onnx"), options)

    def speak(self, text: str, speed: float = 1.0) -> np.ndarray:
        """Sound of a text: float32, shape (n,), -1 to 1, at `RATE`. `ValueError` when there is nothing to speak."""
        breath = np.zeros(int(_BREATH * RATE), np.float32)
        parts: list[np.ndarray] = []
        for phonemes in self._phrases(text):
            parts += [self._phrase(phonemes, speed), breath]
        if not parts:
            raise ValueError(f"nothing to speak in {text!r}")
        return np.concatenate(parts[:-1])

    def _phrases(self, text: str) -> Iterator[list[str]]:
        for phrase in _PAUSE.split(cn2an.transform(text, "an2cn")):
            spoken = lazy_pinyin(
                phrase, style=Style.TONE3, neutral_tone_with_five=True, tone_sandhi=True, errors="ignore"
            )
            phonemes: list[str] = []
            for syllable in spoken:
                phonemes += [*self._phonemes(syllable), "#0"]
            if phonemes:
                yield ["sil", *phonemes[:-1], "sil", "eos"]

    def _phonemes(self, syllable: str) -> list[str]:
        found = _SYLLABLE.fullmatch(syllable.replace("v", "ü"))
        if found is None:
            raise ValueError(f"not a syllable of pinyin: {syllable!r}")
        plain, tone = found[1].replace("ü", "v"), found[3]
        plain = "en" if plain == "n" else plain  # 嗯
        if plain + found[2] in self._syllables:  # "er", and syllables without an r
            initial, final = self._syllables[plain + found[2]]
            return [initial, final + tone]
        initial, final = self._syllables[plain]
        return [initial, final + tone, "er5"]

    def _phrase(self, phonemes: list[str], speed: float) -> np.ndarray:
        ids = np.array([[self._ids[phoneme] for phoneme in phonemes]], np.int32)
        one = np.ones(1, np.float32)
        feed = {
            "input_ids": ids,
            "speaker_ids": np.zeros(1, np.int32),
            "speed_ratios": one / speed,
            "f0_ratios": one,
            "energy_ratios": one,
        }
        mel = self._acoustic.run(["Identity_1"], feed)[0]  # (1, frames, 80)
        sound: np.ndarray = self._vocoder.run(["Identity"], {"mels": mel})[0][0, :, 0]
        return sound
