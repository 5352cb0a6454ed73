"""What a question about an animal comes to: a verdict on a food, an answer, or that nothing is known."""

from __future__ import annotations

import re
from dataclasses import dataclass

from actions.pets.animals import Animal, fold, without_animal
from actions.pets.answers import Topics, answer_for
from actions.pets.foods import NEVER, UNKNOWN, Verdict, judge
from actions.pets.tables import Answer, read_words

_EATING = re.compile(
    r"\b(?:eat|eats|eating|eaten|ate|have|had|drink|drinks|drank|feed|fed|give|gave|given|swallow\w*|lick\w*|chew\w*|"
    r"nibbl\w*|got into|treat|snack|ok|okay|safe|fine|good|bad|toxic|poison\w*|danger\w*|harm\w*|all ?right|allowed|"
    r"healthy|deadly|stole)\b|[吃喝喂舔啃吞嚼]|有毒|危险|安全|误食|中毒|有害"
)
_EATEN = re.compile(
    r"\b(?:ate|eaten|swallowed|got into|drank|licked|chewed|chewed on|stole|has had|had eaten|been eating)\b|"
    r"误食|偷吃|误吞|误喝|[吃喝吞舔啃咬](?:了|过|下|掉|到)|吞|不小心[吃喝]"
)
_REFUSED = re.compile(
    r"\b(?:won't|wont|doesn't|doesnt|not|isn't|refuses? to|stopped|stops|only) "
    r"(?:eat|eats|eating|touch|drink)|"
    r"(?:不|没|不肯|不爱|拒绝|不愿意|停止)(?:怎么|再|去|太)?[吃喝]|只[吃喝]"
)
_ASKED = re.compile(  # whether something may be eaten, or was: a yes or no that needs the food
    r"\b(?:(?:can|could|may|should|allowed to|safe to|okay to|ok to|fine to|good to)\b.*?\b(?:eat|drink|lick|chew)|"
    r"ate|has eaten|swallowed|got into|drank)\s+(?P<en>[a-z].*)|"
    r"(?:能|可以|可不可以|能不能|可否|会不会)[^吃喝]{0,4}[吃喝](?P<zh>[\u3400-\u9fffa-z ]+?)(?:吗|么|嘛|不|[？?，,]|$)|"
    r"(?:误食|偷吃|吃|喝|吞)了?(?:一|半|几|点|些|块|个|口|片|颗)*(?P<zh2>[\u3400-\u9fff]+?)(?:了|要紧|怎么|会|有事|[？?，,]|$)"
)
_GENERAL_ZH = re.compile(
    r"^(?:什么|啥|哪些|哪种|多少|几|的|东西|饭|粮|饲料|水|药|水果|蔬菜|菜|零食|肉|素|屎|便便|大便|太|人|食|早|晚|剩|一|两|点|些|得|完|饱|生的|干|湿|"
    r"活|自己|主|到|很|坏|错|夜|多|少|不|过|后|前|下|个|口|次|顿|猫砂|土|沙|蛋壳)"
)
_AMOUNT = re.compile(r"\bhow (?:much|many|often)\b|多少|多久|几次|几顿|几克|才够")


@dataclass(frozen=True)
class Finding:
    """A food or an answer, or none of them: nothing is known."""

    food: Verdict | None = None
    answer: Answer | None = None
    eaten: bool = False  # it was eaten already
    urgent: bool = False

    @property
    def id(self) -> str:
        """ "food:grapes", "dog.bathing.double_coat", "food?" for one that is not known, or empty."""
        if self.food:
            known = self.food.food is not None and self.food.kind != UNKNOWN
            return f"food:{self.food.food.en[0]}" if known and self.food.food else "food?"
        return self.answer.id if self.answer else ""


def consult(topics: Topics, animal: Animal, request: str, lang: str) -> Finding:
    """What is known about a request."""
    text = fold(request)
    eaten, refused = bool(_EATEN.search(text)), bool(_REFUSED.search(text))
    food = judge(text, animal, lang) if _EATING.search(text) and (eaten or not refused) else None
    if food and food.kind == NEVER:
        return Finding(food=food, eaten=eaten, urgent=eaten)
    if refused:
        food = None
    meant = topics.meant(without_animal(text, animal), animal, lang)
    answer = answer_for(meant.topic, animal) if meant else None
    about = Finding(answer=answer, urgent=bool(answer and meant and meant.topic.urgent))
    if about.urgent and meant and meant.cued:
        return about
    asked = "" if refused else _asked(text)
    if food and not (answer and (_AMOUNT.search(text) or (food.kind == UNKNOWN and not asked))):
        return Finding(food=food, eaten=eaten)
    if asked and not (answer and meant and meant.cued):
        return Finding(food=Verdict(UNKNOWN, asked, None), eaten=eaten)
    return about


def _asked(text: str) -> str:
    """What may be eaten, is asked, or was eaten, where it is something in particular; else empty."""
    match = _ASKED.search(text)
    if not match:
        return ""
    if match["en"]:
        words = re.findall(r"[a-z][a-z'-]*", match["en"])
        told = [place for place, word in enumerate(words) if word not in read_words().general]
        if not told:
            return ""
        end = next((place for place in range(told[0], len(words)) if words[place] in read_words().ends), len(words))
        return " ".join(words[told[0] : min(end, told[0] + 5)])
    rest = match["zh"] or match["zh2"] or ""
    return "" if _GENERAL_ZH.match(rest) else rest.strip()[:8]
