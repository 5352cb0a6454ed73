"""Judges a built bundle, beside the same release before quantisation:

    python -m training.evaluate --bundle DIR --base BASE.gguf [--set training/data/dev training/data/test]
        [--data ../shared/data] [--pairs 4] [--errors FILE] [--json FILE] [--plots docs/plots]

Prints, for each set, language and style, shares with n and 95 % Wilson intervals: functions and whole calls (function
and every argument, exactly as written), in all, per kind and per function; what was missing or refused; and the real
utterances out of scope that trigger an action. `equal` is the share of the bundle's calls that are the unquantised
model's. Both are decided by the same code (`training.unquantised`). A bundle with eyes is also shown the held-out
photos of the data folder (`training.vision.evaluate`).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from actions.catalogue import CATALOGUE
from actions.errors import InputError
from agent.bundle import Manifest
from agent.prompt import decode_calls
from agent.types import Percept
from training.calibrate import REAL, is_fitted, out_of_scope
from training.data.requests import KINDS, read_examples
from training.data.style import as_recognised
from training.scores import (
    LANGUAGES,
    STYLES,
    UNREADABLE,
    Judged,
    Reply,
    acting,
    answers,
    as_json,
    as_line,
    confusion,
    markdown,
    refusals,
    tabulate,
)
from training.unquantised import RecordingDecider, UnquantisedDecider
from training.vision.evaluate import Examination, draw_sheet

if TYPE_CHECKING:
    from PIL.Image import Image

DEV, TEST = Path("training/data/dev"), Path("training/data/test")
ORDER = ("all", *(f"kind {kind}" for kind in KINDS), *(function.name for function in CATALOGUE))
LIMIT = 600  # real utterances of a language


class Judge:
    """Asks the bundle and, if there is one, the unquantised model; each text once."""

    def __init__(self, bundle: RecordingDecider, unquantised: UnquantisedDecider | None = None) -> None:
        self.bundle, self.unquantised = bundle, unquantised
        self.seconds = {"bundle": 0.0, "unquantised": 0.0}
        self.asked = 0
        self._bundle: dict[str, tuple[Reply, list[int]]] = {}  # with the answer's ids
        self._unquantised: dict[str, Reply] = {}

    def __call__(self, text: str, both: bool = True) -> tuple[Reply, Reply | None]:
        """What the two make of a request; the second is None where it is not to be asked."""
        if text not in self._bundle:
            self._bundle[text] = self._ask(self.bundle, Percept(text), "bundle"), self.bundle.last.ids
        reply, ids = self._bundle[text]
        if not both or self.unquantised is None:
            return reply, None
        if text not in self._unquantised:
            self.unquantised.draft = ids  # the likely answer, which saves it passes
            self._unquantised[text] = self._ask(self.unquantised, Percept(text), "unquantised")
        return reply, self._unquantised[text]

    def see(self, text: str, image: Image | None) -> Reply:
        """What the bundle makes of a request with a picture, or without."""
        return (
            self(text, both=False)[0] if image is None else self._ask(self.bundle, Percept(text, "", image), "bundle")
        )

    def describe(self, image: Image, question: str) -> str:
        """What the bundle says about a picture."""
        return self.bundle.describe(image, question)

    def _ask(self, decider: RecordingDecider, percept: Percept, name: str) -> Reply:
        started = time.perf_counter()
        try:
            decision = decider.decide(percept)
        except InputError:  # tako says so, and does nothing
            return Reply(UNREADABLE, 0.0)
        finally:
            self.seconds[name] += time.perf_counter() - started
        self.asked += name == "bundle"
        if self.asked % 100 == 0 and name == "bundle":
            print(f"{self.asked} requests, {sum(self.seconds.values()):.0f} s", file=sys.stderr, flush=True)
        try:
            meant = decode_calls(decider.tokenizer, decider.last.ids)
        except ValueError:
            meant = ()
        return Reply(decision.calls, decision.confidence, meant, decision.refused is not None)


def judge_set(judge: Judge, folder: Path, every: int = 1, both_styles: bool = True) -> Iterator[Judged]:
    """A set's requests as written and in a recogniser's style; `both_styles`: the unquantised model is asked in the
    latter, too."""
    examples = [e for path in sorted(folder.glob("*.txt")) for e in read_examples(path)]
    for i, example in list(enumerate(examples))[::every]:
        fitted = folder.name == DEV.name and is_fitted(i)
        yield Judged(folder.name, STYLES[0], example, *judge(example.text), fitted)
        spoken = as_recognised(example)
        yield Judged(folder.name, STYLES[1], spoken, *judge(spoken.text, both_styles), fitted)


def judge_real(judge: Judge, data: Path, every: int = 1) -> Iterator[Judged]:
    """Real utterances that no function answers and no training saw."""
    found = list(enumerate(out_of_scope(data)))
    for lang in LANGUAGES:
        for i, example in [(i, e) for i, e in found if e.lang == lang][:LIMIT:every]:
            yield Judged("real", STYLES[0], example, *judge(example.text), i < REAL and is_fitted(i))


def reliability(judged: Iterable[Judged]) -> dict[str, list[tuple[float, bool, bool]]]:
    """Samples as written that no calibration was fitted on: the dev set's other half with the real utterances, every
    other set for itself."""
    groups: dict[str, list[tuple[float, bool, bool]]] = {}
    for one in judged:
        if one.style == STYLES[0] and not one.fitted:
            name = "dev, other half" if one.place in (DEV.name, "real") else one.place
            groups.setdefault(name, []).append(one.sample)
    return groups


def errors(judged: Iterable[Judged]) -> Iterator[str]:
    """The bundle's errors, tab-separated, under a line of names; out of scope an error is an action."""
    yield "set\tstyle\tkind\trequest\twanted\tgot\tgot unquantised\tconfidence\tphoto"
    for one in judged:
        if one.bundle.acts if one.place == "real" else one.bundle.calls != one.example.calls:
            other = as_line(one.unquantised.calls) if one.unquantised else ""
            wanted, got = as_line(one.example.calls), as_line(one.bundle.calls)
            head = f"{one.place}\t{one.style}\t{one.example.kind}\t{one.example.text}"
            yield f"{head}\t{wanted}\t{got}\t{other}\t{one.bundle.confidence:.4f}\t"


def report(judged: Sequence[Judged]) -> tuple[str, dict[str, object]]:
    """All tables as Markdown, and the same as what JSON can hold."""
    pages: list[str] = []
    data: dict[str, object] = {}
    for place in dict.fromkeys(one.place for one in judged if one.place != "real"):
        for style in STYLES:
            for lang, language in LANGUAGES.items():
                part = [j for j in judged if (j.place, j.style, j.example.lang) == (place, style, lang)]
                if not part:
                    continue
                name = f"{place}, {language}, {style}"
                table, refused = tabulate(part, answers), tabulate(part, refusals)
                pages += [markdown(name, table, ORDER), markdown(f"{name}: refusals", refused)]
                data[name] = {"answers": as_json(table), "refusals": as_json(refused)}
    real = tabulate((j for j in judged if j.place == "real"), acting)
    if real:
        pages.append(markdown("real utterances out of scope", real))
        data["real"] = as_json(real)
    return "\n\n".join(pages), data


def open_deciders(options: argparse.Namespace) -> Judge:
    bundle = RecordingDecider(options.bundle, options.threads, options.refuse_below)
    if options.base is None:
        print("The unquantised model is left out: it needs the base model, --base.\n")
        return Judge(bundle)
    return Judge(bundle, UnquantisedDecider.open(options.bundle, options.base, options.release, options.refuse_below))


def look(judge: Judge, options: argparse.Namespace) -> Examination:
    """What is made of the sets with pictures; where that cannot be told, a sentence says why."""
    seen = Examination(judge, options.data, options.pairs, options.every)
    if not Manifest.read(options.bundle / "manifest.json").sees:
        seen.pages.append("Pictures are left out: the bundle has no eyes.")
    elif not (options.data / "images.csv").exists():
        seen.pages.append(f"Pictures are left out: there is no images.csv in {options.data}.")
    else:
        for folder in options.sets:
            seen.examine(folder)
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--base", type=Path, help="the base model's GGUF, for the unquantised model beside the bundle")
    parser.add_argument("--release", type=Path, default=Path("models/text"), help="what the bundle was built from")
    parser.add_argument("--set", type=Path, nargs="+", default=[p for p in (DEV, TEST) if p.is_dir()], dest="sets")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--errors", type=Path, help="writes every error of the bundle here, tab-separated")
    parser.add_argument("--json", type=Path, help="writes the tables here, and what `training.plots` draws")
    parser.add_argument("--plots", type=Path, help="draws into this folder")
    parser.add_argument("--every", type=int, default=1, help="takes every so many-th request; odd, or a half is left")
    parser.add_argument(
        "--written-only", action="store_true", help="do not ask the unquantised model in recogniser style"
    )
    parser.add_argument("--pairs", type=int, default=4, help="photos for a request that points")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--refuse-below", type=float)
    options = parser.parse_args()
    for folder in options.sets:
        if not list(folder.glob("*.txt")):
            parser.error(f"there is no set of requests in {folder}")
    for path in filter(None, (options.errors, options.json)):
        path.parent.mkdir(parents=True, exist_ok=True)
    judge = open_deciders(options)
    judged = [j for s in options.sets for j in judge_set(judge, s, options.every, not options.written_only)]
    if (options.data / "utterances.jsonl").exists():
        judged += judge_real(judge, options.data, options.every)
    else:
        print(f"Out of scope is left out: there is no utterances.jsonl in {options.data}.\n")
    pages, tables = report(judged)
    seen = look(judge, options)
    threshold = judge.bundle.refuse_below
    spent = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in judge.seconds.items() if seconds)
    print(f"Bundle {judge.bundle.version}, threshold {threshold:.2f}; {judge.asked} requests; {spent}.\n")
    if judge.unquantised and options.written_only:
        print("In recogniser style the bundle alone was asked (--written-only).\n")
    print("\n\n".join([pages, *seen.pages]))
    written = [j for j in judged if j.style == STYLES[0] and j.place != "real"]
    result = {
        "version": judge.bundle.version,
        "threshold": threshold,
        "tables": tables,
        "pictures": seen.tables,
        "confusion": {lang: confusion(j for j in written if j.example.lang == lang) for lang in LANGUAGES},
        "reliability": reliability(judged),
    }
    if options.errors:
        options.errors.write_text("\n".join([*errors(judged), *seen.errors]) + "\n", encoding="utf-8")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if options.plots:
        from training.plots import draw

        for path in draw(json.loads(json.dumps(result)), options.plots):
            print(f"\n{path}")
        print("\n" + draw_sheet(seen.answered, options.data, options.plots / "pictures.png"))


if __name__ == "__main__":
    main()
