"""Multiplies hand-written requests: values change places between requests of one kind, and are corrected in
mid-sentence.

Every step changes request and calls together, so a label stays as right as its hand-written source. Knows no files.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from random import Random

from actions.catalogue import Call
from training.data.requests import Example

# what stands before a value and is no part of it
ARTICLES = r"(?:a|an|the|my|our|your|some|his|her|their)\s"
ONE_MEASURE = (
    "一(?:个|份|台|双|件|条|把|本|只|部|瓶|盒|杯|碗|张|辆|套|副|款|支|块|包|袋|罐|箱|顶|根|卷|桶|对|束|棵|颗|粒|片|串|壶|筐|篮"
    "|组|架|幅|面|床|枚|扇|节|管|盏|座|匹|头|笼|碟|屉|锅|煲|例|客)"
)
_EN_PREFIX = re.compile(rf"\b{ARTICLES}$", re.IGNORECASE)
_ZH_PREFIX = re.compile(rf"{ONE_MEASURE}$")
_LAST_WORD = re.compile(r"([A-Za-z']+|[\u4e00-\u9fff]|[^\sA-Za-z\u4e00-\u9fff])\s*$")
# arguments whose values may take each other's place, whatever comes before them
_FREE_SLOTS = {"recipient", "product", "item", "style", "room", "order", "animal"}
# arguments whose values may take each other's place after the same word ("that", "to", "说")
_BOUND_SLOTS = {"message", "body", "subject", "query"}
THIRD_PERSON = re.compile(r"\b(he|she|they|him|her|them|his|their|he's|she's|they're)\b|[他她它]", re.IGNORECASE)


@dataclass(frozen=True)
class Slot:
    """Where an argument's value stands in a request, with the article or measure word before it."""

    call: int
    name: str
    start: int
    end: int
    key: tuple[str, ...]  # values of equal keys may take each other's place
    surface: str  # what is said, article included
    value: str


def slots_of(example: Example) -> list[Slot]:
    """The arguments that are said word for word, exactly once, in order of the text; none overlap."""
    text, found = example.text, []
    for i, call in enumerate(example.calls):
        for name, value in call.args.items():
            if name not in _FREE_SLOTS | _BOUND_SLOTS or not value or text.count(value) != 1:
                continue
            if name == "recipient" and THIRD_PERSON.search(text):
                continue
            start = text.index(value)
            end = start + len(value)
            if _inside_word(text, start, end):
                continue
            prefix = (_EN_PREFIX if example.lang == "en" else _ZH_PREFIX).search(text[:start])
            if prefix:
                start = prefix.start()
            kind = "text" if name in ("message", "body") else name
            key: tuple[str, ...] = (kind,) if name == "recipient" else (kind, call.name)
            if name in _BOUND_SLOTS:
                before = _LAST_WORD.search(text[:start])
                key = (kind, before.group(1).lower() if before else "")
            if name == "item":
                key = (kind, call.name, call.args.get("report", ""))
            found.append(Slot(i, name, start, end, key, text[start:end], value))
    found.sort(key=lambda slot: slot.start)
    apart: list[Slot] = []
    for slot in found:
        if not apart or apart[-1].end <= slot.start:
            apart.append(slot)
    return apart


def _inside_word(text: str, start: int, end: int) -> bool:
    before, after = text[start - 1 : start], text[end : end + 1]
    ascii_word = re.compile(r"[A-Za-z0-9]")
    return bool(
        (ascii_word.match(before) and ascii_word.match(text[start]))
        or (ascii_word.match(after) and ascii_word.match(text[end - 1]))
    )


class Recombiner:
    """Swaps values between hand-written requests of one language."""

    def __init__(self, examples: Sequence[Example], more: Iterable[tuple[tuple[str, ...], str, str]] = ()) -> None:
        self.sources = [(e, slots) for e in examples if (slots := slots_of(e)) and e.kind not in ("correction",)]
        self.values: dict[tuple[str, ...], list[tuple[str, str]]] = defaultdict(list)
        for example, slots in self.sources:
            for slot in slots:
                if not THIRD_PERSON.search(slot.value):
                    self.values[(example.lang, *slot.key)].append((slot.surface, slot.value))
        for key, surface, value in more:
            self.values[key].append((surface, value))

    def sample(self, random: Random) -> Example:
        example, slots = random.choice(self.sources)
        text, calls = example.text, [dict(c.args) for c in example.calls]
        for slot in reversed(slots):
            pool = self.values[(example.lang, *slot.key)]
            if len(pool) < 3 or random.random() < 0.25:
                continue
            surface, value = random.choice(pool)
            if value in text:
                continue
            text = text[: slot.start] + surface + text[slot.end :]
            calls[slot.call][slot.name] = value
        made = tuple(Call(c.name, args) for c, args in zip(example.calls, calls, strict=True))
        return replace(example, text=text, calls=made, source="recombined")


_CORRECT = {
    "en": (
        "{w} no wait {r}",
        "{w} no {r}",
        "{w} sorry i mean {r}",
        "{w} i mean {r}",
        "{w} no sorry {r}",
        "{w} actually no {r}",
        "{w} wait no {r}",
        "{w} scratch that {r}",
        "{w} or rather {r}",
        "{w}, no, {r}",
        "{w} make that {r}",
    ),
    "zh": (
        "{w}不对{r}",
        "{w}啊不{r}",
        "{w}不是{r}",
        "{w}，不对，{r}",
        "{w}哦不{r}",
        "{w}不不{r}",
        "{w}说错了{r}",
        "{w}，错了，是{r}",
        "{w}不对不对是{r}",
    ),
}


def correct(example: Example, recombiner: Recombiner, random: Random) -> Example | None:
    """The speaker says a wrong value first and takes it back."""
    slots = [s for s in slots_of(example) if s.name in ("recipient", "product", "order", "room", "style", "item")]
    if not slots:
        return None
    slot = random.choice(slots)
    wrong, value = random.choice(recombiner.values[(example.lang, *slot.key)])
    if value == slot.value:
        return None
    said = random.choice(_CORRECT[example.lang]).format(w=wrong, r=slot.surface)
    return replace(
        example,
        text=example.text[: slot.start] + said + example.text[slot.end :],
        kind="correction",
        source="corrected",
    )
