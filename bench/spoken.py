"""Judges a built bundle on requests spoken by synthetic voices and heard by a recogniser, nothing corrected by hand.

    python -m bench.spoken --bundle DIR --whisper DIR --voices DIR [--every 5]

Every so many-th dev request is spoken (`training.speech`), transcribed by whisper as the product does it, and decided.
Case and punctuation are ignored, as a recogniser's are its own. Prints the share of transcripts without an error beside
functions and whole calls, with n and 95 % Wilson intervals. The voices are tools of the school, see `training/speech`.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from agent.onnx_decider import OnnxDecider
from agent.types import Percept
from device.seams import CHUNK
from device.speech.prompts import request_prompt
from device.speech.whisper_engine import WhisperTranscriber
from training.data.requests import read_examples
from training.evaluate import as_line, functions, plain, share
from training.speech.synthesise import Synthesiser


def letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--whisper", type=Path, required=True)
    parser.add_argument("--voices", type=Path, required=True)
    parser.add_argument("--dev", type=Path, default=Path("training/data/dev"))
    parser.add_argument("--every", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--errors", type=Path)
    options = parser.parse_args()
    decider = OnnxDecider(options.bundle)
    transcriber = WhisperTranscriber.load(
        options.whisper, ("en", "zh"), {lang: request_prompt(lang) for lang in ("en", "zh")}
    )
    synthesiser = Synthesiser(options.voices, options.seed)
    lines = []
    for path in sorted(options.dev.glob("*.txt")):
        counts = {"transcript": 0, "function": 0, "whole": 0}
        examples = read_examples(path)[:: options.every]
        for example in examples:
            sound = synthesiser.speak(example.text, path.stem)
            heard = transcriber.transcribe(sound[i : i + CHUNK] for i in range(0, len(sound), CHUNK))
            got = decider.decide(Percept(heard.text, heard.lang)).calls if heard.text.strip() else ()
            right = plain(got) == plain(example.calls)
            counts["transcript"] += letters(heard.text) == letters(example.text)
            counts["function"] += functions(got) == functions(example.calls)
            counts["whole"] += right
            if not right:
                lines.append(f"{path.stem}\t{example.text}\t{heard.text}\t{as_line(got)}")
        for name, count in counts.items():
            print(f"{path.stem} spoken, {name:10} {share(count, len(examples))}")
    if options.errors:
        options.errors.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
