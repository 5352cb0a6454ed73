"""From a question to the topic it is about, and from topic and animal to the answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from actions.base import Meaning
from actions.matching import Entry, Matcher
from actions.pets.animals import Animal
from actions.pets.tables import ANSWERS, Answer, AnswerTable, Topic, TopicTable, read_table, read_words

CLEAR = 0.55  # score of `Candidate` from which a topic is meant
CUE = 0.6  # what a word that gives a topic away adds to the score
RIVAL = 0.15  # lead of the best topic from which no other is considered
PRESSING = 0.4  # the same for an urgent topic that a word gives away


@dataclass(frozen=True)
class Candidate:
    """A topic that may be meant."""

    topic: Topic
    score: float  # 0 to 1, and above it where a word gives it away
    cued: bool


class Topics:
    """Finds topics by what is asked."""

    def __init__(self, meaning: Meaning | None = None) -> None:
        self._meaning = meaning

    def best(self, text: str, lang: str) -> list[Candidate]:
        """The topics that a request (folded, without the animal) may be about, the best first."""
        matches = self._matcher.best(text, lang, len(topics()))
        scores = {match.entry.payload.id: match.score for match in matches}
        found = [
            Candidate(topic, scores.get(topic.id, 0.0) + CUE * cued, cued)
            for topic, cue in _cued()
            for cued in [bool(cue and cue.search(text))]
        ]
        return sorted(found, key=lambda candidate: -candidate.score)

    def meant(self, text: str, animal: Animal, lang: str) -> Candidate | None:
        """The topic that is meant; of some that are about as good, one that is urgent or known for the animal."""
        found = self.best(text, lang)
        top = found[0].score
        near = [c for c in found if c.score >= max(top - (PRESSING if c.topic.urgent and c.cued else RIVAL), CLEAR)]
        near.sort(key=lambda c: (answer_for(c.topic, animal) is None, not (c.topic.urgent and c.cued), not c.cued))
        return near[0] if near else None

    @cached_property
    def _matcher(self) -> Matcher[Topic]:
        entries = [Entry(topic, {"en": topic.en, "zh": topic.zh}) for topic in topics()]
        aside = {"en": read_words().aside_en, "zh": read_words().aside_zh}
        return Matcher(entries, self._meaning, heads=False, aside=aside)


@cache
def _cued() -> tuple[tuple[Topic, re.Pattern[str] | None], ...]:
    return tuple((topic, re.compile(topic.cue) if topic.cue else None) for topic in topics())


def topics() -> tuple[Topic, ...]:
    return read_table("topics", TopicTable).topic


def answer_for(topic: Topic, animal: Animal) -> Answer | None:
    """The answer of the nearest kind of the animal; of several the one with the most of its groups, and of these the
    first of the file."""
    for name in (topic.id, *topic.like):
        for kind in animal.kinds():
            fitting = [a for a in _answers().get((kind, name), ()) if animal.groups.issuperset(a.groups)]
            if fitting:
                return max(fitting, key=lambda answer: len(answer.groups))
    return None


def answers() -> tuple[Answer, ...]:
    """All of them."""
    return tuple(entry for name in ANSWERS for entry in read_table(name, AnswerTable).entry)


@cache
def _answers() -> Mapping[tuple[str, str], Sequence[Answer]]:
    found: dict[tuple[str, str], list[Answer]] = {}
    for answer in answers():
        found.setdefault((answer.species, answer.topic), []).append(answer)
    return found
