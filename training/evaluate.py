"""Judges a built bundle: `python -m training.evaluate --bundle DIR [--data ../shared/data] [--errors FILE] [--json
FILE]`.

Prints shares with n and 95 % Wilson intervals: functions and whole calls (function and every argument, exactly as
written), per language, kind and function, as typed and as a recogniser writes; and the share of real utterances
out of scope that trigger an action.
"""

from __future__ import annotations

import argparse
import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from actions.catalogue import Call
from actions.errors import InputError
from agent.onnx_decider import OnnxDecider
from agent.types import Percept
from training.data.requests import Example, read_examples
from training.data.style import as_recognised
from training.data.utterances import held_out, real_utterances


def wilson(right: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a share. Wilson 1927."""
    if n == 0:
        return 0.0, 1.0
    p = right / n
    middle, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle - spread) / (1 + z * z / n), (middle + spread) / (1 + z * z / n)


def share(right: int, n: int) -> str:
    low, high = wilson(right, n)
    return f"{100 * right / max(n, 1):5.1f} % [{100 * low:.1f}, {100 * high:.1f}] n={n}"


def plain(calls: Iterable[Call]) -> list[tuple[str, ...]]:
    """Calls without case and punctuation: what a lenient reader would compare."""
    return [(c.name, *(re.sub(r"[\W_]+", "", v.lower()) for v in c.args.values())) for c in calls]


def functions(calls: Iterable[Call]) -> list[str]:
    return [c.name for c in calls]


class Tally:
    """Counts of right answers by group."""

    def __init__(self) -> None:
        self.counts: dict[str, dict[str, list[int]]] = defaultdict(
            lambda: {m: [0, 0] for m in ("function", "whole", "lenient")}
        )

    def add(self, group: str, got: tuple[Call, ...], wanted: tuple[Call, ...]) -> None:
        right = {
            "function": functions(got) == functions(wanted),
            "whole": got == wanted,
            "lenient": plain(got) == plain(wanted),
        }
        for measure, value in right.items():
            self.counts[group][measure][0] += value
            self.counts[group][measure][1] += 1

    def show(self) -> str:
        lines = [f"{'group':34} {'function':34} {'whole call':34} lenient"]
        for group, measures in sorted(self.counts.items()):
            lines.append(
                f"{group:34} " + " ".join(f"{share(*measures[m]):34}" for m in ("function", "whole", "lenient"))
            )
        return "\n".join(lines)


def judge(decider: OnnxDecider, examples: Iterable[Example], tally: Tally, style: str, errors: list[str]) -> None:
    for example in examples:
        got = decider.decide(Percept(example.text)).calls
        group = f"{example.lang} {style}"
        tally.add(f"{group}", got, example.calls)
        tally.add(f"{group} kind {example.kind}", got, example.calls)
        if len(example.calls) == 1:
            tally.add(f"{group} {example.calls[0].name}", got, example.calls)
        if got != example.calls:
            errors.append(f"{style}\t{example.kind}\t{example.text}\t{as_line(example.calls)}\t{as_line(got)}")


def as_line(calls: Iterable[Call]) -> str:
    """Calls as the request files write them."""
    return " && ".join(" | ".join((c.name, *c.args.values())) for c in calls)


def out_of_scope(decider: OnnxDecider, data: Path, limit: int = 600) -> dict[str, tuple[int, int]]:
    """Of real utterances that no function answers and no training saw: how many trigger an action that is not
    `none`."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for example in real_utterances(data):
        if held_out(example.text) and example.calls[0].name == "none" and counts[example.lang][1] < limit:
            try:
                acts = decider.decide(Percept(example.text)).calls[0].name != "none"
            except InputError:
                acts = False
            counts[example.lang][0] += acts
            counts[example.lang][1] += 1
    return {lang: (right, n) for lang, (right, n) in counts.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--dev", type=Path, default=Path("training/data/dev"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--errors", type=Path, help="writes every error here, tab-separated")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--refuse-below", type=float)
    options = parser.parse_args()
    decider = OnnxDecider(options.bundle, options.threads, options.refuse_below)
    tally, errors = Tally(), list[str]()
    for path in sorted(options.dev.glob("*.txt")):
        examples = read_examples(path)
        judge(decider, examples, tally, "as written", errors)
        judge(decider, map(as_recognised, examples), tally, "recogniser style", errors)
    print(tally.show())
    result: dict[str, object] = {"version": decider.version, "dev": tally.counts}
    if (options.data / "utterances.jsonl").exists():
        wrong = out_of_scope(decider, options.data)
        for lang, (acted, n) in wrong.items():
            print(f"{lang} real utterances out of scope that trigger an action: {share(acted, n)}")
        result["out_of_scope"] = wrong
    if options.errors:
        options.errors.write_text("\n".join(errors) + "\n", encoding="utf-8")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
