"""The action of `pet_care`: answers about animals from a knowledge on the device, and reminders for their care.

What is dangerous comes first: an emergency is answered also where nobody said which animal it is about. What is not
known is said to be so. Medicine and its doses are the vet's business. The knowledge is in `actions.pets`; when
reminders are told is the business of `device.reminders`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from typing import Annotated

import msgspec

from actions.base import Meaning, Outcome, Request
from actions.catalogue import Call, make_call
from actions.errors import ActionError, Question
from actions.pets.animals import Animal, animal_in, find_animal
from actions.pets.answers import Topics
from actions.pets.consult import Finding, consult
from actions.pets.foods import AVOID, NEVER, UNKNOWN, YES, Verdict
from actions.questions import ask_for_missing
from actions.times.reminders import Reminders
from actions.times.when import ABOUT, task_said
from actions.wording import aloud, one_line, say

_REMIND = re.compile(r"\bremind (?:me|us)\b|提醒(?:我|一下|我们)?")
_REMIND_FIRST = re.compile(r"^(?:please |can you |could you |hey )*remind (?:me|us)\b|^.{0,16}提醒")
_LONGEST = 40  # characters of a food's or an animal's name that are said

Line = Annotated[str, msgspec.Meta(max_length=120)]


class PetSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whom to call when an animal is in danger."""

    vet: Line = ""  # name and number of your vet, said with urgent advice: "Dr Li, 555 0123"
    poison_line: Line = ""  # number of the animal poison line of your country, said when something was eaten


class PetCare:
    """The function `pet_care`. reminders: opens where they are kept; None where there is no place for them."""

    name = "pet_care"

    def __init__(
        self,
        settings: PetSettings | None = None,
        meaning: Meaning | None = None,
        reminders: Callable[[], Reminders] | None = None,
    ) -> None:
        self._settings = settings or PetSettings()
        self._topics = Topics(meaning)
        self._reminders = reminders

    def read_back(self, request: Request) -> str:
        ask_for_missing(request)
        animal, about = (aloud(request.call.args[name], request.lang) for name in ("animal", "request"))
        return say(request.lang, f"Shall I answer about {animal}: {about}?", f"要我回答{animal}的问题吗：{about}？")

    def claim(self, text: str, lang: str) -> Call | None:
        """A reminder for the care of an animal; all others are nobody's business here."""
        animal = animal_in(text) if _REMIND_FIRST.match(text.casefold()) and self._reminders else ""
        return make_call(self.name, animal, one_line(text)) if animal else None

    def perform(self, request: Request) -> Outcome:
        args = request.call.args
        if args["request"] and (_REMIND.search(args["request"].casefold()) or _REMIND_FIRST.match(_heard(request))):
            return self._remind(request)
        animal = find_animal(args["animal"]) if args["animal"] else None
        finding = consult(self._topics, animal or Animal(), args["request"], request.lang) if args["request"] else None
        if finding is None or (animal is None and not finding.urgent):
            ask_for_missing(request)
            name = aloud(args["animal"], request.lang)[:_LONGEST]
            raise Question(f"What kind of animal is {name}?", f"{name}是什么动物？", about="animal")
        return self._outcome(finding, animal or Animal(), request.lang)

    def _remind(self, request: Request) -> Outcome:
        """Raises `Question` about "when" where no time was said."""
        if self._reminders is None:
            raise ActionError(
                "I have no place to keep reminders here. Start me as the gadget and ask again.",
                "这里没有地方存提醒，请在设备上启动后再说一次。",
            )
        args, lang = request.call.args, request.lang
        words = args["request"] if _REMIND.search(args["request"].casefold()) else request.text
        task, animal = task_said(args["request"], lang), args["animal"]
        text = say(lang, f"{animal}: {task}", f"{animal}：{task}") if animal and animal not in task else task
        when = " ".join(part for part in (words, request.answers.get(ABOUT, "")) if part)
        with closing(self._reminders()) as kept:
            reminder = kept.add(text, when, lang, key=request.key)
        time, said = reminder.spoken(lang), aloud(reminder.text, lang)
        spoken = say(lang, f"OK, I'll remind you {time}: {said}.", f"好的，{time}提醒你：{said}。")
        return Outcome("done", spoken, f"reminder {reminder.id}")

    def _outcome(self, finding: Finding, animal: Animal, lang: str) -> Outcome:
        if finding.food:
            source = finding.food.food.source if finding.food.food else ""
            sentence = _of_food(finding.food, finding.eaten, animal, lang)
        elif finding.answer:
            source, sentence = finding.answer.source, finding.answer.text(lang)
        else:
            kind = animal.kind.plural(lang)
            unknown = say(
                lang, f"I don't know that about {kind}. Please ask a vet", f"关于{kind}的这个问题我不知道，请问兽医"
            )
            return Outcome("declined", unknown + self._vet(lang), "no answer known")
        if finding.urgent or (finding.eaten and finding.food and finding.food.kind == UNKNOWN):
            sentence += self._whom_to_call(bool(finding.food) or "poison" in finding.id, lang)
        return Outcome("done", sentence, ", ".join(part for part in (finding.id, source) if part))

    def _whom_to_call(self, poison: bool, lang: str) -> str:
        lines = []
        if self._settings.vet:
            lines.append(say(lang, f" Your vet: {self._settings.vet}.", f"你的兽医：{self._settings.vet}。"))
        if poison and self._settings.poison_line:
            line = self._settings.poison_line
            lines.append(say(lang, f" Poison line: {line}.", f"动物中毒热线：{line}。"))
        return "".join(lines)

    def _vet(self, lang: str) -> str:
        vet = self._settings.vet
        return say(lang, f": {vet}.", f"：{vet}。") if vet else say(lang, ".", "。")


def _heard(request: Request) -> str:
    return request.text.casefold().strip()


def _of_food(verdict: Verdict, eaten: bool, animal: Animal, lang: str) -> str:
    """The sentence for a food that may be eaten, or was."""
    name, kind = aloud(verdict.name, lang)[:_LONGEST], animal.kind.plural(lang)
    if verdict.food is None or verdict.kind == UNKNOWN:
        if eaten:
            return say(
                lang,
                f"I don't know what {name} does to {kind}. Call a vet now and ask.",
                f"我不知道{name}对{kind}有没有危险，请马上打电话问兽医。",
            )
        return say(
            lang,
            f"I don't know whether {kind} may have {name}, so don't feed that, and ask a vet.",
            f"我不知道{kind}能不能吃{name}，先别喂，请问兽医。",
        )
    food, many = verdict.food, kind[:1].upper() + kind[1:]
    how = say(lang, f", {food.how_en}", f"，{food.how_zh}") if food.how_en else ""
    harm = say(lang, food.harm_en, food.harm_zh)
    if verdict.kind == NEVER and eaten:
        return say(
            lang,
            f"Call a vet or an animal poison line now, even if it seems well, and say how much and when. "
            f"{name[:1].upper() + name[1:]} can be dangerous for {kind}: {harm}.",
            f"马上联系兽医或动物中毒热线，看着没事也要打，说明吃了多少、什么时候吃的。{name}对{kind}很危险：{harm}。",
        )
    if verdict.kind == NEVER:
        return say(
            lang,
            f"No, keep {name} away from {kind}: {harm}. If any was eaten, call a vet now.",
            f"不行，别让{kind}碰{name}：{harm}。吃了就马上联系兽医。",
        )
    if verdict.kind == AVOID:
        more = say(lang, " Call a vet if it ate much or seems unwell.", "吃得多或不舒服就联系兽医。") if eaten else ""
        return say(lang, f"{many} had better not have {name}: {harm}.", f"{kind}最好别吃{name}：{harm}。") + more
    more = say(lang, "; call a vet if it ate much or seems unwell", "；吃得多或不舒服就联系兽医") if eaten else ""
    if verdict.kind == YES:
        return say(lang, f"Yes, {kind} may have {name}{how}{more}.", f"可以，{kind}能吃{name}{how}{more}。")
    return say(lang, f"{many} may have {name} as a small treat{how}{more}.", f"{kind}可以少量吃{name}{how}{more}。")
