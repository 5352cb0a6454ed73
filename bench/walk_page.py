"""The page of the walk: turns as they went, in Markdown, with no path of the machine they were made on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from actions.base import Outcome
from actions.catalogue import CATALOGUE, FUNCTIONS, Call
from agent.types import Decision
from bench.walk_scenes import Scene
from device.cli.show import describe, times
from device.seams import Transcript
from training.data.requests import key

COMMAND = "python -m bench.walk"
SEVERAL = "Several at once"
LONGEST = 400  # characters of what a counterpart got
_TALK = re.compile(r"\s*\[asked .*\]$", re.DOTALL)  # behind an outcome's detail; the page has it as it was said
_SPECIAL = re.compile(r"([\\`*_\[\]|<>])")


class Record(msgspec.Struct, frozen=True):
    """As much of `tako turn --json` as the page shows."""

    transcript: Transcript
    decision: Decision | None
    outcomes: tuple[Outcome, ...]
    spoken: str
    ms: dict[str, float]

    @property
    def calls(self) -> Sequence[Call]:
        return self.decision.calls if self.decision else ()


@dataclass(frozen=True)
class Taken:
    """A turn as it went."""

    scene: Scene
    command: str
    record: Record
    code: int  # of the command
    talk: tuple[tuple[str, str], ...]  # question and answer; an empty answer is silence
    arrived: tuple[tuple[str, str], ...]  # counterpart and message
    seconds: float  # length of the spoken answer
    photo: str = ""  # where the photo comes from, in words

    @property
    def misheard(self) -> bool:
        return key(self.record.transcript.text) != key(self.scene.said)

    @property
    def problems(self) -> list[str]:
        """What is not as the scene expects."""
        found = []
        calls = [(call.name, ", ".join(value for value in call.args.values() if value)) for call in self.record.calls]
        wanted = list(self.scene.calls.items())
        if [name for name, _ in calls] != [name for name, _ in wanted] or not all(
            re.search(pattern, values, re.IGNORECASE) for (_, values), (_, pattern) in zip(calls, wanted, strict=True)
        ):
            found.append(f"the calls should be {'; '.join(f'{name} with /{pattern}/' for name, pattern in wanted)}")
        statuses = tuple(outcome.status for outcome in self.record.outcomes)
        if statuses != self.scene.statuses:
            found.append(
                f"it should end {', '.join(self.scene.statuses)}; it did {', '.join(statuses) or 'in nothing'}"
            )
        if [answer for _, answer in self.talk] != [reply.says for reply in self.scene.replies]:
            found.append(f"the questions should be {len(self.scene.replies)}, each answered")
        if len(self.arrived) != len(self.scene.arrives) or not all(
            any(
                place == where and re.search(pattern, message, re.IGNORECASE | re.DOTALL)
                for where, message in self.arrived
            )
            for place, pattern in self.scene.arrives
        ):
            expected = "; ".join(f"/{pattern}/ at the {place}" for place, pattern in self.scene.arrives)
            found.append(f"there should arrive {expected or 'nothing'}")
        if self.code:
            found.append(f"the command ended with {self.code}")
        if self.seconds < 0.5:
            found.append("there is no spoken answer")
        return found


@dataclass(frozen=True)
class Made:
    """What the page says of itself."""

    version: str
    model: str
    date: str
    machine: str


def page(made: Made, turns: Sequence[Taken], remembered: Mapping[str, str]) -> str:
    """The whole page. `remembered`: a command of tako, and what it printed after the walk."""
    wrong = [turn for turn in turns if turn.problems]
    misheard = [turn for turn in turns if turn.misheard]
    lines = [
        "# A walk through every function",
        "",
        f"<!-- Made by `{COMMAND}`; do not change it by hand. -->",
        "",
        f"{len(turns)} turns, each of them one `tako turn` on a recording, as they went: tako {made.version}, text "
        f"model {made.model}, {made.date}, {made.machine}. Made by `{COMMAND} --data DIR` and by nothing else.",
        "",
        f"As expected: {len(turns) - len(wrong)} of {len(turns)}. Heard to the letter: {len(turns) - len(misheard)}. "
        "What went wrong stays in here, marked. The requests are chosen to show every function; how often tako hears "
        "and understands rightly is measured elsewhere ([models/README.md](../models/README.md)).",
        "",
        "- The requests were spoken by synthetic voices, one English, one Mandarin, and heard by tako's recogniser.",
        "- What tako asks was answered in writing, by a list made beforehand. To a question that the list does not "
        "foresee there is silence.",
        "- The photos come from data sets; none of them taught the model. Only source and label are shown.",
        "- Everybody else is on this machine: a mail server (STARTTLS, login), the phone that texts go to (a webhook), "
        "the owner's phone (speaks as ntfy does), and a search server (answers as SearXNG does; it knows seven short "
        "texts). Nothing was sent to anybody, and nothing bought.",
        "- The times are of this machine while it had other work, and of a program that was started anew for each turn "
        "(its start is not counted).",
        "",
        "| | said | ended |",
        "|---|---|---|",
    ]
    for turn in turns:
        ended = ", ".join(outcome.status for outcome in turn.record.outcomes) or "error"
        lines.append(f"| {_names(turn.scene)} | {_cell(turn.scene.said)} | {ended}{_mark(turn)} |")
    for section in (*(function.name for function in CATALOGUE), SEVERAL):
        of_it = [turn for turn in turns if _section(turn.scene) == section]
        if of_it:
            lines += ["", f"## `{section}`" if section in FUNCTIONS else f"## {section}"]
            lines += [line for turn in of_it for line in _turn(turn)]
    lines += ["", "## What it remembers", "", "After the walk, in the same folder:", "", "```"]
    for number, (command, printed) in enumerate(remembered.items()):
        lines += ([""] if number else []) + [f"$ {command}", *printed.rstrip().splitlines()]
    return "\n".join([*lines, "```", ""])


def masked(text: str, places: Mapping[Path, str]) -> str:
    """The text without the folders of this machine: each becomes its word, the longest first; / stays."""
    named = {str(form): word for path, word in places.items() for form in (path, path.resolve()) if form.name}
    for folder in sorted(named, key=len, reverse=True):
        text = re.sub(rf"{re.escape(folder)}(?![\w.-])", named[folder], text)
    return text


def _section(scene: Scene) -> str:
    return SEVERAL if len(scene.calls) > 1 else next(iter(scene.calls))


def _names(scene: Scene) -> str:
    return ", ".join(f"`{name}`" for name in scene.calls)


def _mark(turn: Taken) -> str:
    return ", **not as expected**" if turn.problems else ", not heard to the letter" if turn.misheard else ""


def _turn(turn: Taken) -> Iterator[str]:
    """One turn: a heading and a table."""
    scene = turn.scene
    yield from ("", f"### {_cell(scene.said)}", "")
    if scene.title:
        yield from (f"{scene.title[0].upper()}{scene.title[1:]}.", "")
    yield from ("| | |", "|---|---|")
    for label, text in _rows(turn):
        yield f"| {label} | {text} |"


def _rows(turn: Taken) -> Iterator[tuple[str, str]]:
    record, heard = turn.record, turn.record.transcript
    yield "command", f"`{turn.command}`"
    if turn.photo:
        yield "photo", _cell(turn.photo)
    how = f"({heard.engine}, {heard.lang}, {heard.confidence:.0%} sure)" if heard.text else "(nothing)"
    yield "heard", f"{_cell(heard.text)} {how}{' **not to the letter**' if turn.misheard else ''}"
    for call in record.calls:
        yield "decided", f"`{describe(call).replace('`', ' ').replace('|', ' ')}`"
    if record.decision:
        refused = record.decision.refused
        unsure = f"; not sure enough for `{describe(refused)}`" if refused else ""
        yield "", f"{record.decision.confidence:.0%} sure{unsure}"
    for question, answer in turn.talk:
        yield "asked", _cell(question)
        yield "answered", f"**{_cell(answer)}**" if answer else "(silence)"
    for outcome in record.outcomes:
        detail = _cell(_TALK.sub("", outcome.detail))
        yield "ended", f"**{outcome.status}**{': ' if detail else ''}{detail}"
    yield "says", f"**{_cell(record.spoken)}**"
    for place, message in turn.arrived:
        short = message if len(message) <= LONGEST else message[:LONGEST] + " …"
        yield f"{place} got", _cell(short)
    yield "took", f"{times(record.ms)}; the answer is {turn.seconds:.1f} s long"
    for problem in turn.problems:
        yield "**not as expected**", _cell(problem)


def _cell(text: str) -> str:
    """Text in a cell of a table, nothing in it markup."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
