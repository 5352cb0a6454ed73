"""Writes down what the recogniser makes of the bank's requests when synthetic voices say them.

    python -m bench.hear --whisper DIR --voices DIR --count 2000

Each request is spoken (`training.speech`) at a speed of its own, one in four with pink noise 10 to 22 dB below it, and
heard by whisper as the product hears. `training/data/heard/en.tsv` and `zh.tsv` get a request, a tab and a reading in
each line: the first two that differ in more than case and punctuation. A run over the same bank goes on where the last
one ended; over a longer one it chooses other requests. The dev and test sets are never spoken here.
"""

from __future__ import annotations

import argparse
from itertools import islice
from pathlib import Path
from random import Random

import numpy as np

from device.seams import CHUNK
from device.speech.prompts import request_prompt
from device.speech.rescoring import distinct
from device.speech.whisper_engine import WhisperTranscriber
from training.data.heard import HEARD
from training.data.requests import judged_keys, key, read_examples
from training.speech.synthesise import Synthesiser

SPEEDS = (0.9, 1.0, 1.0, 1.1, 1.2)
NOISY, NOISE_DB = 0.25, (10.0, 22.0)  # share of requests with noise, and how far below the voice it is
READINGS = 2


def pink_noise(samples: int, chance: np.random.Generator) -> np.ndarray:
    """Noise whose power falls with the frequency, float64 (samples,), standard deviation 1."""
    spectrum = np.fft.rfft(chance.standard_normal(samples))
    noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)), samples)
    return noise / noise.std()


def with_noise(sound: np.ndarray, decibels: float, chance: np.random.Generator) -> np.ndarray:
    """int16 sound with pink noise so many dB below its own power."""
    voice = sound.astype(np.float64)
    noise = pink_noise(len(voice), chance) * np.sqrt((voice**2).mean()) * 10 ** (-decibels / 20)
    return np.clip(voice + noise, -32768, 32767).astype(np.int16)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--whisper", type=Path, required=True)
    parser.add_argument("--voices", type=Path, required=True)
    parser.add_argument("--bank", type=Path, default=HEARD.parent / "bank")
    parser.add_argument("--out", type=Path, default=HEARD)
    parser.add_argument("--count", type=int, default=2000, help="requests of each language, heard ones included")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    judged = judged_keys()
    synthesiser = Synthesiser(options.voices, options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    for lang in ("en", "zh"):
        random, chance = Random(options.seed), np.random.default_rng(options.seed)
        transcriber = WhisperTranscriber.load(options.whisper, (lang,), {lang: request_prompt(lang)})
        texts = [e.text for path in sorted(options.bank.glob(f"{lang}_*.txt")) for e in read_examples(path)]
        texts = [text for text in texts if key(text) not in judged]
        random.shuffle(texts)
        path = options.out / f"{lang}.tsv"
        done = {line.partition("\t")[0] for line in path.read_text("utf-8").splitlines()} if path.exists() else set()
        with path.open("a", encoding="utf-8") as out:
            for text in islice(texts, options.count):
                speed, noisy, decibels = random.choice(SPEEDS), random.random() < NOISY, random.uniform(*NOISE_DB)
                if text in done:
                    continue
                sound = synthesiser.speak(text, lang, speed)
                sound = with_noise(sound, decibels, chance) if noisy else sound
                heard = transcriber.transcribe(sound[i : i + CHUNK] for i in range(0, len(sound), CHUNK))
                for reading in distinct(heard.readings)[:READINGS]:
                    out.write(f"{text}\t{' '.join(reading.text.split())}\n")
                out.flush()


if __name__ == "__main__":
    main()
