"""Judges who is found when confusable names are spoken by synthetic voices and heard by the recogniser.

    python -m bench.contacts --bundle DIR --whisper DIR --voices DIR [--every 2]

Every so many-th name of `tests/data/confusable_names.tsv` is said in a request, transcribed by whisper as the product
does it, decided by the model, and looked up among the names of its own group (those it is mistaken for). `right` is the
person meant, `asked` a question that lists this person, `other question` one that does not ("I don't know ..."), `no
recipient` what the model did not take for a message; `wrong` must be 0. `alone` looks the name up where the person is
missing: `wrong` there is a contact that does not even sound the same. Prints counts and 95 % Wilson intervals.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from pathlib import Path

from actions.errors import Question
from actions.people.contacts import Contact, ContactBook
from agent.onnx_decider import OnnxDecider
from agent.types import Percept
from device.seams import CHUNK
from device.speech.prompts import request_prompt
from device.speech.rescoring import rescored
from device.speech.whisper_engine import WhisperTranscriber
from training.scores import Share
from training.speech.synthesise import Synthesiser

NAMES = Path(__file__).resolve().parent.parent / "tests" / "data" / "confusable_names.tsv"
REQUESTS = {"en": "text {} that i'll be late", "zh": "给{}发短信说我晚点到"}


def outcome(book: ContactBook, said: str, meant: str) -> str:
    """What comes of a name as it was heard."""
    if not said:
        return "no recipient"
    try:
        return "right" if book.find(said).name == meant else "wrong"
    except Question as question:
        listed = any(choice.partition(" (")[0] == meant for choice in question.choices)
        return "asked" if listed else "other question"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--whisper", type=Path, required=True)
    parser.add_argument("--voices", type=Path, required=True)
    parser.add_argument("--every", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--errors", type=Path, help="where each name, what was heard and what came of it goes")
    options = parser.parse_args()
    rows = [line.split("\t") for line in NAMES.read_text("utf-8").splitlines()[1:]]
    groups: dict[str, list[list[str]]] = defaultdict(list)
    for row in rows:
        groups[row[1]].append(row)
    decider, synthesiser = OnnxDecider(options.bundle), Synthesiser(options.voices, options.seed)
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    lines = []
    for group in groups.values():
        lang, names = group[0][0], [row[2] for row in group]
        prompts = {lang: request_prompt(lang, names)}
        transcriber = WhisperTranscriber.load(options.whisper, (lang,), prompts)
        for row in group[:: options.every]:
            sound = synthesiser.speak(REQUESTS[lang].format(row[2]), lang)
            first = transcriber.transcribe(sound[i : i + CHUNK] for i in range(0, len(sound), CHUNK))
            heard = rescored(first, decider.log_likelihoods).text
            calls = decider.decide(Percept(heard, lang)).calls if heard.strip() else ()
            said = next((call.args["recipient"] for call in calls if "recipient" in call.args), "")
            among = outcome(
                ContactBook([Contact(name, f"{i}@example.com") for i, name in enumerate(names)]), said, row[2]
            )
            others = [r for r in group if r[2] != row[2]]
            alone = outcome(ContactBook([Contact(r[2]) for r in others if r[3] != row[3]]), said, row[2])
            counts[lang, "among the confusable"][among] += 1
            counts[lang, "alone"]["asked" if alone == "other question" else alone] += 1
            lines.append("\t".join((lang, row[2], " ".join(heard.split()), said, among, alone)))
    for (lang, where), outcomes in counts.items():
        for name, count in sorted(outcomes.items()):
            share = Share(count, outcomes.total())
            print(f"{lang} {where:21} {name:15} {count:4} {share} n={share.n}")
    if options.errors:
        options.errors.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
