"""The dialogue of one turn: what is asked before a call is carried out, and what the answers change.

    missing argument, or a `Question` of the action  -> asked -> the answer fills it -> on
    a call that sends or spends                      -> read back -> yes | no | a correction, read back again

Knows words, calls and the seam of the mind; knows neither light, button nor voice (`device.turn` hands in how to ask).
Nothing is filled with noise: an answer must be words of the user's that the call can hold, else the question stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from actions.base import Action, Outcome, Request, outcome_of
from actions.catalogue import ITEMS, JOINT, Argument, Call, Risk
from actions.errors import YES_NO, Question
from actions.messages.mail_text import address_said
from actions.people.contacts import label_meant
from actions.people.name_words import spelled_out
from actions.questions import question_for
from actions.wording import one_line, say
from agent.pointing import points_at_picture
from agent.types import Decision
from device import sentences
from device.answers import (
    LONGEST_ANSWER,
    chosen,
    correction,
    is_cancel,
    is_other,
    negated,
    parse_fact,
    placed,
    tokens,
    value_in,
    without_fillers,
)
from device.confirm import parse_yes_no
from device.seams import Expects

QUESTIONS = 2  # of a turn, corrections counted: what the user has to explain. The read-back of a call is none of them
RECIPIENT = "recipient"
_SHORT = 6  # words or Han characters: an answer that may be a bare name or thing, though the model finds no call in it
_PRONOUNS = re.compile(
    "i|me|my|mine|you|yours?|he|him|his|she|hers?|it|its|we|us|our|they|them|their|am|is|are|was|were|be|do|does|have|has"
    "|will|[你您我他她它们的是]"
)
_LINKED = re.compile(r"\b(?:that|saying|say|tell|about|and)\b|说|告诉|关于|主题", re.IGNORECASE)
_ADDED = re.compile(r"(?:with|without|from|in) ", re.IGNORECASE)  # more of the same thing, not another
_DIGIT = re.compile(
    r"\d+|zero|oh|o|one|two|three|four|five|six|seven|eight|nine|double|plus|[零〇幺一二三四五六七八九]", re.I
)


@dataclass(frozen=True)
class Means:
    """How a dialogue asks, understands and acts."""

    ask: Callable[[Request, str, Expects], str]  # as `Confirmer.ask`
    understand: Callable[[str], Decision]  # a whole request in words
    request: Callable[[Call, str], Request]  # a call, and the user's words for it
    act: Callable[[Action, Request], Outcome]  # durably, under a key of its own; raises the action's own `Question`


class _EndedError(Exception):
    """The call ends here."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.status)
        self.outcome = outcome


@dataclass
class Dialogue:
    """All questions of one turn: its calls share `left`."""

    means: Means
    left: int = QUESTIONS
    _talk: list[str] = field(default_factory=list)  # about the call at hand, for the history
    _choices: Mapping[str, Sequence[str]] = field(default_factory=dict)  # argument to what was offered for it

    def carry(self, action: Action, call: Call, words: str) -> Outcome:
        """Asks what must be asked, then carries the call out. `words`: the user's. Raises what `means` raise."""
        self._talk, self._choices = [], {}
        request = self.means.request(call, words)
        try:
            outcome = self._carry(action, request)
        except _EndedError as ended:
            outcome = ended.outcome
        talk = "; ".join(self._talk)
        return replace(outcome, detail=f"{outcome.detail} [{talk}]".strip()) if talk else outcome

    def _carry(self, action: Action, request: Request) -> Outcome:
        while True:
            try:
                missing = request.call.missing()
                if missing:
                    raise Question(question_for(request.call, "en"), question_for(request.call, "zh"), missing[0])
                if request.call.function.risk is not Risk.SAFE:
                    corrected = self._consent(action, request)
                    if corrected:
                        request = corrected
                        continue
                return self.means.act(action, request)
            except Question as question:
                request = self._answered(request, question)

    # --- questions ---

    def _answered(self, request: Request, question: Question) -> Request:
        """The request with what the user answered; as it is when the answer was not clear."""
        lang, about = request.lang, question.about
        spoken = question.spoken(lang)
        if not about:
            raise _EndedError(outcome_of(question, lang))
        if self.left <= 0:
            again = say(lang, " Please ask me again, all at once.", "请再完整地说一遍。")
            raise _EndedError(Outcome("asked", spoken + again))
        self.left -= 1
        yes_or_no = question.choices == YES_NO
        answer = self._ask(request, spoken, Expects.YES_NO if yes_or_no else Expects.WORDS)
        if not answer:
            silence = say(lang, "I heard no answer, so I left it at that.", "没听到回答，先不做了。")
            raise _EndedError(Outcome("asked", silence))
        if is_cancel(answer, denial=not yes_or_no):
            raise _EndedError(cancelled(lang))
        if len(answer) > LONGEST_ANSWER:
            return request
        if about in request.call.args:
            self._choices = {**self._choices, about: question.choices}
            args = self._filled(request.call, lang, about, answer, question.choices)
            return self._renewed(request, {**request.call.args, **args}, answer) if args else request
        if yes_or_no:
            fact = parse_fact(answer)
            value = "" if fact is None else YES_NO[0] if fact else YES_NO[1]
        else:
            value = chosen(answer, question.choices) if question.choices else without_fillers(answer)
        return replace(request, answers={**request.answers, about: value}) if value else request

    def _ask(self, request: Request, question: str, expects: Expects) -> str:
        answer = one_line(self.means.ask(request, question, expects))
        self._talk.append(f"asked {question!r}: {answer[:LONGEST_ANSWER]!r}")
        return answer

    def _renewed(self, request: Request, args: Mapping[str, str], words: str = "") -> Request:
        """The request with other arguments."""
        text = say(request.lang, " ", "，").join(filter(None, (request.text, words)))
        return replace(self.means.request(Call(request.call.name, dict(args)), text), answers=request.answers)

    # --- consent ---

    def _consent(self, action: Action, request: Request) -> Request | None:
        """None after a clear yes; the corrected request after a correction. All else ends the call."""
        answer = self._ask(request, action.read_back(request), Expects.CONSENT)
        if parse_yes_no(answer) is True:
            return None
        replacement = correction(answer) if self.left > 0 else None
        args = self._corrected(request, *replacement) if replacement else None
        if args and args.get(ITEMS):
            args = {**args, ITEMS: _relisted(request.call.args[ITEMS], args[ITEMS])}
        if not args or {**request.call.args, **args} == request.call.args:
            raise _EndedError(cancelled(request.lang))
        self.left -= 1
        return self._renewed(request, {**request.call.args, **args})

    def _corrected(self, request: Request, content: str, outright: bool) -> Mapping[str, str] | None:
        """The arguments that a correction changes; an empty one is asked for next."""
        call, lang = request.call, request.lang
        for name, value in call.args.items():  # "not Hannah, Anna", 不是小明，是小红
            old = re.escape(value)
            not_this = rf"(?:not (?:to )?{old}[,\s]+(?:but )?|(?:不是)?{old}[,\s]*而?是)(?=.)"
            found = re.match(not_this, content, re.IGNORECASE) if value else None
            if found:
                return self._filled(replace_argument(call, name, ""), lang, name, content[found.end() :])
        if RECIPIENT in call.args and is_other(content):
            others = [c for c in self._choices.get(RECIPIENT, ()) if c != call.args[RECIPIENT]]
            return {RECIPIENT: others[0] if len(others) == 1 else ""}
        about, rest = sentences.part_meant(call, content)
        if about:
            return self._filled(replace_argument(call, about, ""), lang, about, rest)
        sentence = sentences.corrected(call, lang, content)
        changes = _changes(call, self.means.understand(sentence), content) if sentence else {}
        if changes:
            return changes
        names = [name for name, value in call.args.items() if value]
        about = RECIPIENT if RECIPIENT in names else names[0] if len(names) == 1 else ""
        if about and (outright or (about != RECIPIENT and len(tokens(content)) <= _SHORT)):
            if _ADDED.match(content):
                return {about: f"{call.args[about]} {content}"}
            return self._filled(replace_argument(call, about, ""), lang, about, content)
        return None

    # --- what an answer fills ---

    def _filled(self, call: Call, lang: str, about: str, answer: str, choices: Sequence[str] = ()) -> Mapping[str, str]:
        """The arguments that the answer to a question about one of them gives; none when it is not clear."""
        argument = next(a for a in call.function.arguments if a.name == about)
        if choices and (instead := correction(answer)):  # "no, I said Anna"
            answer = instead[0]
        value = value_in(answer, message=argument.rewritten)
        if about == RECIPIENT:
            picked = placed(answer, choices) or label_meant(answer, choices)
            picked = picked or (
                answer if spelled_out(answer) else value if address_said(value) or _is_number(value) else ""
            )
        else:
            picked = chosen(answer, argument.choices or choices)
        if picked or argument.choices or not value:
            return _given(about, picked)
        if about == RECIPIENT and not _LINKED.search(answer):  # a name is what was said, whatever the model knows
            return _given(about, value if len(tokens(value)) <= _SHORT else "")
        sentence = sentences.with_answer(call, lang, about, without_fillers(answer))
        if not sentence:
            return _given(about, value)
        decision = self.means.understand(sentence)
        understood = _read(call, decision, argument, answer)
        if understood:
            return understood
        bare = argument.rewritten or len(tokens(value)) <= _SHORT
        return _given(about, value if bare else "")


def cancelled(lang: str) -> Outcome:
    return Outcome("cancelled", say(lang, "OK, I won't.", "好的，那就不做了。"))


def replace_argument(call: Call, name: str, value: str) -> Call:
    return Call(call.name, {**call.args, name: value})


def _relisted(old: str, new: str) -> str:
    """A list with each corrected item in the place of the one it corrects: "milk; eggs" and "three eggs" is "milk;
    three eggs"; the corrected list alone when it is about other things."""
    items = old.split(JOINT)
    for item in new.split(JOINT):
        same = [i for i, was in enumerate(items) if tokens(was)[-1:] == tokens(item)[-1:]]
        if len(same) != 1:
            return new
        items[same[0]] = item
    return JOINT.join(items)


def _given(about: str, value: str) -> Mapping[str, str]:
    return {about: value} if value else {}


def _is_number(text: str) -> bool:
    words = tokens(text)
    return len(words) > 0 and all(_DIGIT.fullmatch(word) for word in words) and (len(words) > 4 or len(text) > 4)


def _only_call(call: Call, decision: Decision) -> Call | None:
    return decision.calls[0] if len(decision.calls) == 1 and decision.calls[0].name == call.name else None


def _read(call: Call, decision: Decision, argument: Argument, answer: str) -> Mapping[str, str]:
    """What the model reads out of an answer: the argument asked for, and with it others that were missing."""
    read = _only_call(call, decision)
    if read is None:
        return {}
    seen = points_at_picture(answer) and not argument.rewritten
    if not read.args[argument.name] or not (seen or _is_said(read.args[argument.name], (answer,), argument)):
        return {}
    more = [a for a in call.function.arguments if not call.args[a.name] and _LINKED.search(answer)]
    values = {a.name: read.args[a.name] for a in more if _is_said(read.args[a.name], (answer,), a)}
    return {**values, argument.name: read.args[argument.name]}


def _changes(call: Call, decision: Decision, content: str) -> Mapping[str, str]:
    """The arguments that the model changes because of a correction, as far as the user's words bear them out."""
    read = _only_call(call, decision)
    if read is None:
        return {}
    changed = {}
    for argument in call.function.arguments:
        old, new = call.args[argument.name], read.args[argument.name]
        if new and tokens(new) != tokens(old) and _is_said(new, (old, content), argument) and _is_said(new, (content,)):
            changed[argument.name] = new
    return changed


def _is_said(value: str, texts: Sequence[str], argument: Argument | None = None) -> bool:
    """Whether every word of a value was said in `texts` (but for pronouns in what is rewritten) and no "not" of the
    last of them got lost; without an argument: whether any word was."""
    said = {word for text in texts for word in tokens(text)}
    words = tokens(value)
    if argument is None:
        return any(word in said for word in words)
    lost = negated(tokens(texts[-1])) and not negated(words)
    free = _PRONOUNS.fullmatch if argument.rewritten else lambda word: None
    return len(words) > 0 and not lost and all(word in said or free(word) for word in words)
