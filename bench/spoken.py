"""Judges a built bundle on requests spoken by synthetic voices and heard by a recogniser, nothing corrected by hand.

    python -m bench.spoken --bundle DIR --whisper DIR --voices DIR [--set training/data/test] [--every 5]

Every so many-th request of a set is spoken (`training.speech`), transcribed by whisper as the product does it, and
decided: from whisper's first reading, and from the one that the text model chooses among its readings (what the product
does). Case and punctuation are ignored, as a recogniser's are its own. Prints the share of transcripts without an error
beside functions and whole calls, with n and 95 % Wilson intervals. The voices are tools of the school, see
`training/speech`.
"""

from __future__ import annotations

import argparse
import statistics
from collections import defaultdict
from pathlib import Path

from agent.onnx_decider import OnnxDecider
from agent.types import Percept
from device.seams import CHUNK
from device.speech.prompts import request_prompt
from device.speech.rescoring import rescored
from device.speech.whisper_engine import WhisperTranscriber
from training.data.requests import key, read_examples
from training.scores import Share, as_line, functions, plain
from training.speech.synthesise import Synthesiser


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--whisper", type=Path, required=True)
    parser.add_argument("--voices", type=Path, required=True)
    parser.add_argument("--set", type=Path, default=Path("training/data/dev"), dest="folder")
    parser.add_argument("--every", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--errors", type=Path)
    options = parser.parse_args()
    decider = OnnxDecider(options.bundle)
    langs = ("en", "zh")
    plainly = WhisperTranscriber.load(options.whisper, langs, {lang: request_prompt(lang) for lang in langs})
    synthesiser = Synthesiser(options.voices, options.seed)
    lines = []
    counts: dict[tuple[str, str, str], Share] = defaultdict(Share)
    seconds: dict[tuple[str, str], list[float]] = defaultdict(list)
    for path in sorted(options.folder.glob("*.txt")):
        lang = path.stem[:2]
        for example in read_examples(path)[:: options.every]:
            sound = synthesiser.speak(example.text, lang)
            first = plainly.transcribe(sound[i : i + CHUNK] for i in range(0, len(sound), CHUNK))
            judged = rescored(first, decider.log_likelihoods)
            for way, heard in (("first reading", first), ("rescored", judged)):
                got = decider.decide(Percept(heard.text, heard.lang)).calls if heard.text.strip() else ()
                counts[lang, way, "transcript without error"].add(key(heard.text) == key(example.text))
                counts[lang, way, "functions"].add(functions(got) == functions(example.calls))
                counts[lang, way, "whole call"].add(plain(got) == plain(example.calls))
                seconds[lang, way].append(heard.ms / 1000)
                if plain(got) != plain(example.calls):
                    lines.append(f"{lang}\t{way}\t{example.text}\t{heard.text}\t{as_line(got)}")
    for (lang, way, name), right in counts.items():
        print(f"{lang} {way:14} {name:25} {right} n={right.n}")
    for (lang, way), spent in seconds.items():
        print(f"{lang} {way:14} median seconds to the transcript {statistics.median(spent):.2f}")
    if options.errors:
        options.errors.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
