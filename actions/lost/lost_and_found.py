"""The action of `lost_and_found`: keeps a report and says which opposite ones may be about the same thing.

The register is local (`actions.lost.register`); what is alike is decided by `actions.lost.belongings` from words and,
where the model has eyes, from pictures. Nothing is sent to anybody, and nothing is settled without a yes.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np

from actions.base import Meaning, Outcome, Request
from actions.errors import ActionError, InputError, Question
from actions.lost.belongings import ALIKE, Traits, likeness, read_traits
from actions.lost.register import Kind, Register, Report
from actions.questions import question_for
from actions.times.clock import local_zone
from actions.times.schedule import spoken_day
from actions.wording import cut, one_line, say

LOOKED_AT = 12  # pictures of other reports that are compared: each costs a pass of the tower
LONGEST = {"en": 60, "zh": 24}  # characters of a thing that are said
OPPOSITE: dict[str, Kind] = {"lost": "found", "found": "lost"}
_DAY = 86_400.0
_DAYS_AGO = (
    (2, re.compile(r"\bday before yesterday\b|前天|\btwo days ago\b")),
    (1, re.compile(r"\byesterday\b|\blast night\b|昨")),
    (3, re.compile(r"\bthree days ago\b|三天前")),
    (7, re.compile(r"\b(?:last week|a week ago)\b|上周|上个?星期|一周前")),
)
_DETERMINED = re.compile(r"(?:the|an?|my|your|our|his|her|their|this|that|these|those|some|two|three|both|\d+)\b", re.I)


class LostSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The register of lost and found things."""

    keep_days: Annotated[int, msgspec.Meta(ge=0, le=3650)] = 180  # days until a report and its picture go; 0: never


@dataclass(frozen=True)
class Candidate:
    """An opposite report that may be about the same thing."""

    report: Report
    traits: Traits
    likeness: float  # `ALIKE` to 1


class LostAndFound:
    """Keeps reports in `register`. clock: time.time(); zone: in which a day is said."""

    name = "lost_and_found"

    def __init__(
        self,
        register: Register,
        meaning: Meaning | None = None,
        clock: Callable[[], float] = time.time,
        zone: Callable[[], tzinfo] = local_zone,
    ) -> None:
        self._register = register
        self._meaning = meaning
        self._clock, self._zone = clock, zone
        self._look = lru_cache(2 * LOOKED_AT)(self._looked_at)

    def read_back(self, request: Request) -> str:
        _ask_for_missing(request)
        thing = _the(read_traits(request.call.args["item"]).thing, request.lang)
        if request.call.args["report"] == "lost":
            return say(request.lang, f"Shall I note that you lost {thing}?", f"要登记你丢了{thing}吗？")
        return say(request.lang, f"Shall I note that you found {thing}?", f"要登记你捡到{thing}吗？")

    def perform(self, request: Request) -> Outcome:
        """Keeps the report, once for each key, and says what may match it. Raises `Question`, `InputError`,
        `ActionError` and `DeviceError`."""
        _ask_for_missing(request)
        report = self._keep(request)
        lang, thing = request.lang, _the(read_traits(report.item, report.text).thing, request.lang)
        noted = _noted(report.kind, thing, lang)
        detail = f"report {report.id}: {report.kind} {report.item!r}{', photo' if report.picture else ''}"
        if report.settled:
            return Outcome("done", _joined(lang, noted, say(lang, "It is settled already.", "已经解决了。")), detail)
        found = self.candidates(report)
        if not found:
            self._register.offer(report, None)
            return Outcome("done", _joined(lang, noted, _nothing_yet(report.kind, lang)), detail)
        detail += "".join(f"; {c.likeness:.2f} like report {c.report.id}, {c.report.item!r}" for c in found[:5])
        told = [self._told(candidate, lang) for candidate in found[:2]]
        if len(found) == 1:
            self._register.offer(report, found[0].report)
            spoken = say(lang, f"That may be {told[0]}.", f"可能就是{told[0]}。")
            return Outcome(
                "done",
                _joined(lang, noted, spoken),
                detail,
                say(lang, "Shall I mark both as settled?", "要把这两条都标为已解决吗？"),
            )
        self._register.offer(report, None)
        en = f"{len(found)} reports may fit, most likely {told[0]}, or {told[1]}."
        zh = f"有{len(found)}条可能符合，最像的是{told[0]}，或者{told[1]}。"
        return Outcome("done", _joined(lang, noted, say(lang, en, zh)), detail)

    def fulfil(self, request: Request) -> Outcome:
        """Settles the report and the one that was offered as its match."""
        report = self._register.with_key(request.key)
        if report is None or not report.partner:
            raise ActionError(
                "I no longer know which two reports that was. tako lost list shows them.",
                "我不记得是哪两条了，可以用 tako lost list 查看。",
            )
        self._register.settle([report.id, report.partner])
        thing = _short(read_traits(report.item).thing, request.lang)
        spoken = say(request.lang, f"Both reports are settled: {thing}.", f"两条都已解决：{thing}。")
        return Outcome("done", spoken, f"reports {report.id} and {report.partner} settled")

    def candidates(self, report: Report) -> list[Candidate]:
        """The open opposite reports that may be about the same thing, the likeliest first, of two alike the newer.

        A picture that can no longer be read is left out of account.
        """
        others = self._register.open(OPPOSITE[report.kind])
        if not others:
            return []
        own = read_traits(report.item, report.text)
        traits = [read_traits(other.item, other.text) for other in others]
        cosines = self._meant([own.thing, *(each.thing for each in traits)])
        scores = [likeness(own, each, cosine) for each, cosine in zip(traits, cosines, strict=True)]
        looked = self._seen(report, others, scores)
        found = [
            Candidate(other, each, likeness(own, each, cosine, looked.get(other.id)))
            for other, each, cosine in zip(others, traits, cosines, strict=True)
        ]
        alike = [candidate for candidate in found if candidate.likeness >= ALIKE]
        return sorted(alike, key=lambda candidate: -candidate.likeness)

    def _keep(self, request: Request) -> Report:
        kind: Kind = "lost" if request.call.args["report"] == "lost" else "found"
        happened = self._clock() - _DAY * next(
            (days for days, said in _DAYS_AGO if said.search(request.text.lower())), 0
        )
        return self._register.add(
            request.key, kind, request.call.args["item"], request.lang, request.text, request.image, happened
        )

    def _meant(self, things: list[str]) -> list[float | None]:
        """The cosine of the first with each of the others; None where there is no model."""
        vectors = self._meaning.of_texts(things) if self._meaning else None
        if vectors is None:
            return [None] * (len(things) - 1)
        return [float(cosine) for cosine in vectors[1:] @ vectors[0]]

    def _seen(self, report: Report, others: tuple[Report, ...], scores: list[float]) -> dict[int, float]:
        """The cosine of the report's picture with those of the likeliest others, by their numbers."""
        own = self._look(report.picture) if report.picture else None
        if own is None:
            return {}
        order = sorted(range(len(others)), key=lambda place: -scores[place])
        pictured = [others[place] for place in order if others[place].picture][:LOOKED_AT]
        looked = {other.id: self._look(other.picture) for other in pictured}
        return {id_: float(own @ vector) for id_, vector in looked.items() if vector is not None}

    def _looked_at(self, picture: Path) -> np.ndarray | None:
        try:
            return self._meaning.of_picture(picture) if self._meaning else None
        except InputError:  # the copy went with its report, or the disk is damaged
            return None

    def _told(self, candidate: Candidate, lang: str) -> str:
        """ "the black umbrella that was found at the station yesterday", "昨天在车站捡到的黑色雨伞"."""
        report, traits = candidate.report, candidate.traits
        thing, place = _the(traits.thing_in(lang), lang), _short(traits.place_in(lang), lang)
        today, then = (datetime.fromtimestamp(at, self._zone()).date() for at in (self._clock(), report.happened))
        day = spoken_day(then, today, lang)
        if lang == "zh":
            return f"{day}{place}{'捡到' if report.kind == 'found' else '丢'}的{thing}"
        return " ".join(filter(None, (thing, f"that was {report.kind}", place, day)))


def _ask_for_missing(request: Request) -> None:
    missing = request.call.missing()
    if missing:
        choices = ("found", "lost") if missing[0] == "report" else ()
        raise Question(question_for(request.call, "en"), question_for(request.call, "zh"), missing[0], choices)


def _noted(kind: str, thing: str, lang: str) -> str:
    if kind == "lost":
        return say(lang, f"I noted that you lost {thing}.", f"已登记你丢了{thing}。")
    return say(lang, f"I noted that you found {thing}.", f"已登记你捡到{thing}。")


def _nothing_yet(kind: str, lang: str) -> str:
    if kind == "lost":
        return say(
            lang, "Nothing like it has been found yet; I keep looking.", "还没有人捡到类似的东西，我会继续留意。"
        )
    return say(lang, "Nobody has reported it lost yet; I keep it in mind.", "还没有人说丢了它，我会记着。")


def _the(thing: str, lang: str) -> str:
    thing = _short(thing, lang)
    return thing if lang == "zh" or _DETERMINED.match(thing) or not thing.isascii() else f"the {thing}"


def _short(text: str, lang: str) -> str:
    return cut(one_line(text).rstrip(" .。,，;；?？!！"), LONGEST["zh" if lang == "zh" else "en"])


def _joined(lang: str, *sentences: str) -> str:
    return say(lang, " ", "").join(sentences)
