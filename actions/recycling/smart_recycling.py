"""The action of `smart_recycling`: says which bin a thing goes into, and what to do with it first.

The rules are local and lie in files (`actions.recycling.recycling_rules`); nothing goes online. A thing is found by
meaning (`actions.matching`). What may be dangerous is never given a usual bin by guess, and what is not known is said
so.
"""

from __future__ import annotations

import locale
import re
from collections.abc import Sequence
from functools import cached_property

import msgspec

from actions.base import Meaning, Outcome, Request
from actions.errors import YES_NO, Question
from actions.matching import CLEAR, LEAD, Entry, Match, Matcher, verdict
from actions.questions import ask_for_missing
from actions.recycling.recycling_rules import (
    Advice,
    Place,
    is_dangerous,
    load_place,
    matcher_of_things,
    material_of,
    shipped,
    things,
    vocabulary,
)
from actions.wording import cut, listing, one_line, say

DEFAULTS = {"en": "california", "zh": "beijing"}  # by the request's language, where the system does not tell more
LONGEST_ITEM = {"en": 60, "zh": 24}  # characters of an item that are said
_HAN = re.compile(r"[\u3400-\u9fff]")
_DETERMINED = re.compile(
    r"(?:the|an?|my|your|our|his|her|their|this|that|these|those|some|all|one|two|three|four|five|six|seven|eight|nine"
    r"|ten|several|both|\d+)\b",
    re.IGNORECASE,
)


class RecyclingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whose rules of waste and recycling hold."""

    place: str = ""  # beijing, california, england, germany, shanghai, or the path of a file of rules; empty: a guess


class SmartRecycling:
    """Answers from the rules of the place in the settings.

    system: the locale of the system ("de_DE"), from which the place is guessed when none is set. Raises `SettingsError`
    for a place that has no rules, or a file of rules that does not fit.
    """

    name = "smart_recycling"

    def __init__(self, settings: RecyclingSettings, meaning: Meaning | None = None, system: str | None = None) -> None:
        self._meaning = meaning
        self._guides: dict[str, _Guide] = {}
        self._set = settings.place
        self._system = (locale.getlocale()[0] or "") if system is None else system
        if self._set:
            self._guide(self._set)

    def read_back(self, request: Request) -> str:
        ask_for_missing(request)
        item = _short(request.call.args["item"], request.lang)
        return say(request.lang, f"Shall I look up where {_the(item)} goes?", f"要查{item}怎么扔吗？")

    def perform(self, request: Request) -> Outcome:
        ask_for_missing(request)
        guide = self._guide(self._set or default_place(self._system, request.lang))
        spoken, detail = guide.answer(request)
        if not self._set:
            spoken += say(
                request.lang,
                f" That is for {guide.place.place.en}; if you live elsewhere, set the place under recycling in my "
                "settings.",
                f"这是{guide.place.place.zh}的规定，如果不在那里，请在设置的 recycling 里填写 place。",
            )
        return Outcome("done" if detail else "failed", spoken, detail)

    def _guide(self, place: str) -> _Guide:
        if place not in self._guides:
            self._guides[place] = _Guide(load_place(place), self._meaning)
        return self._guides[place]


def default_place(system: str, lang: str) -> str:
    """The place that a system's locale ("de_DE") speaks for, else one for the language of the request."""
    for name in shipped():
        if system and system in load_place(name).place.locales:
            return name
    return DEFAULTS.get(lang, DEFAULTS["en"])


class _Guide:
    """Answers for one place."""

    def __init__(self, place: Place, meaning: Meaning | None) -> None:
        self.place = place
        self._meaning = meaning
        self._advice = place.advice()

    @cached_property
    def _matcher(self) -> Matcher[str]:
        names = {**things(), **self.place.things}
        return matcher_of_things(self._meaning, {thing: names[thing] for thing in names if thing in self._advice})

    def answer(self, request: Request) -> tuple[str, str]:
        """What to say, and for the history which rule it was, empty when none. Raises `Question`."""
        said = one_line(request.call.args["item"])
        item = _short(said, request.lang)
        match = self._thing(said, request)
        place = self.place.place
        if match is None:
            if is_dangerous(said):
                sorry = say(
                    request.lang,
                    f"I have no rule for {_the(item)}, and it may be dangerous.",
                    f"我没有{item}的规则，它可能有危险。",
                )
                return _joined(request.lang, sorry, place.hazard.in_(request.lang)), ""
            sorry = say(request.lang, f"I don't know where {_the(item)} goes.", f"我不知道{item}该怎么扔。")
            return _joined(request.lang, sorry, place.unknown.in_(request.lang)), ""
        advice = self._decided(self._advice[match.entry.payload], said, request)
        where = self.place.bins[advice.bin].in_(request.lang).replace("{it}", _it(item, request.lang))
        unsure = "" if match.phrase else say(request.lang, "I only know what it is made of.", "我只知道它的材质。")
        first = vocabulary().preparations[advice.first].in_(request.lang) if advice.first else ""
        note = advice.note.in_(request.lang) if advice.note else ""
        how = f"{match.phrase}, {match.score:.2f}" if match.phrase else "by its material"
        detail = f"{item!r} is {match.entry.payload} ({how}): {advice.bin}, {place.en}"
        return _joined(request.lang, unsure, where + say(request.lang, ".", "。"), first, note), detail

    def _thing(self, said: str, request: Request) -> Match[str] | None:
        """The thing that is meant, None when it is not known. Raises `Question` when it could be several."""
        matches = self._matcher.best(said, request.lang)
        kind = verdict(matches)
        if kind != "nothing" and is_dangerous(said, matches[0].phrase):
            return None
        if kind == "clear":
            return matches[0]
        material = "" if is_dangerous(said) else material_of(said)
        if kind == "near":
            rivals = [match for match in matches if matches[0].score - match.score < LEAD]
            if matches[0].score >= CLEAR:
                return self._one_of(rivals, request)
            if not material:
                return self._perhaps(matches[0], said, request)
        if material in self._advice:
            return Match(0.0, Entry(material, {}), "")  # no phrase: by its material
        return None

    def _one_of(self, rivals: Sequence[Match[str]], request: Request) -> Match[str]:
        """The first where all of them go the same way; else the question which is meant."""
        by_rule = {self._advice[match.entry.payload]: match for match in reversed(rivals)}
        if len(by_rule) == 1:
            return rivals[0]
        names = [match.phrase for match in rivals if by_rule[self._advice[match.entry.payload]] is match][:3]
        raise Question(
            f"Do you mean {listing(names, 'en')}?",
            f"你是说{listing(names, 'zh')}？",
            about="item",
            choices=tuple(names),
        )

    def _perhaps(self, match: Match[str], said: str, request: Request) -> Match[str] | None:
        """A thing that is only alike: taken after a yes."""
        answer = request.answers.get("alike", "")
        if answer in YES_NO:
            return match if answer == "yes" else None
        item = _short(said, request.lang)
        raise Question(
            f"I don't know {_the(item)}. Is it a kind of {match.phrase}?",
            f"我不认识{item}，它算是一种{match.phrase}吗？",
            about="alike",
            choices=YES_NO,
        )

    def _decided(self, advice: Advice, said: str, request: Request) -> Advice:
        """The advice behind all questions that the request answers. Raises `Question` for one that it does not."""
        # where the picture names the thing, all words that were said are about it
        text = said if said.casefold() in request.text.casefold() else f"{said} {request.text}"
        while advice.ask:
            question = vocabulary().questions[advice.ask]
            answer = request.answers.get(advice.ask, "")
            if answer not in YES_NO:
                answer = question.answered(text)
            branch = {"yes": advice.yes, "no": advice.no}.get(answer)
            if branch is None:
                raise Question(question.ask.en, question.ask.zh, about=advice.ask, choices=YES_NO)
            advice = branch
        return advice


def _joined(lang: str, *sentences: str) -> str:
    return say(lang, " ", "").join(filter(None, sentences))


def _short(item: str, lang: str) -> str:
    return cut(one_line(item).rstrip(" .。,，;；?？!！"), LONGEST_ITEM["zh" if lang == "zh" else "en"])


def _the(item: str) -> str:
    """The item with an article, in an English sentence."""
    return item if _DETERMINED.match(item) or _HAN.search(item) else f"the {item}"


def _it(item: str, lang: str) -> str:
    return item if lang == "zh" else _the(item)
