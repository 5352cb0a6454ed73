"""The question for each argument that a request left out, in both languages. Knows the catalogue, nothing else."""

from __future__ import annotations

from actions.base import Request
from actions.catalogue import Call
from actions.errors import Question
from actions.wording import aloud, say

# (function, argument): the question in English and Chinese; `{...}` is another argument of the same call.
QUESTIONS: dict[tuple[str, str], tuple[str, str]] = {
    ("send_email", "recipient"): ("Who should I send the email to?", "邮件发给谁？"),
    ("send_email", "subject"): ("What is the email about?", "邮件的主题是什么？"),
    ("send_email", "body"): ("What should the email to {recipient} say?", "给{recipient}的邮件写什么？"),
    ("send_text", "recipient"): ("Who should I text?", "短信发给谁？"),
    ("send_text", "message"): ("What should I text {recipient}?", "给{recipient}发什么？"),
    ("google_search", "query"): ("What should I search for?", "要搜索什么？"),
    ("amazon_shopping", "product"): ("What would you like to buy?", "你想买什么？"),
    ("smart_recycling", "item"): ("What would you like to throw away?", "要扔的是什么？"),
    ("lost_and_found", "report"): ("Did you lose it or find it?", "是你丢的，还是你捡到的？"),
    ("lost_and_found", "item"): ("What is the thing that was {report}?", "是什么东西？"),
    ("interior_design", "room"): ("Which room is it?", "是哪个房间？"),
    ("interior_design", "style"): ("Which style would you like?", "你想要什么风格？"),
    ("instacart_shopping", "items"): ("Which groceries should I get?", "要买哪些菜？"),
    ("doordash_delivery", "order"): ("What would you like to eat?", "你想吃什么？"),
    ("pet_care", "animal"): ("Which animal is it about?", "是什么动物？"),
    ("pet_care", "request"): ("What would you like to know about your {animal}?", "想问{animal}的什么？"),
    ("describe_scene", "question"): ("What would you like to know about it?", "你想知道什么？"),
    ("none", "reason"): ("I didn't get that. Could you say it again?", "我没听清，请再说一遍好吗？"),
}
# The same questions when the argument that they name is missing as well, or would be too long to say.
SHORTER: dict[tuple[str, str], tuple[str, str]] = {
    ("send_email", "body"): ("What should the email say?", "邮件写什么？"),
    ("send_text", "message"): ("What should I text?", "短信写什么？"),
    ("lost_and_found", "item"): ("What is it?", "是什么东西？"),
    ("pet_care", "request"): ("What would you like to know?", "你想问什么？"),
}
_LONGEST_NAME = 60  # characters of an argument that is spoken inside a question


def question_for(call: Call, lang: str) -> str:
    """The question for the first required argument that is empty. Raises `ValueError` when none is."""
    en, zh = _question(call)
    return say(lang, en, zh)


def ask_for_missing(request: Request) -> None:
    """Raises `Question` when a required argument is empty."""
    if request.call.missing():
        raise Question(*_question(request.call))


def _question(call: Call) -> tuple[str, str]:
    missing = call.missing()
    if not missing:
        raise ValueError(f"nothing is missing in this call of {call.name}")
    key = (call.name, missing[0])
    en, zh = QUESTIONS[key]
    if key in SHORTER and not all(
        0 < len(value) <= _LONGEST_NAME for name, value in call.args.items() if f"{{{name}}}" in en
    ):
        en, zh = SHORTER[key]
    values = {name: aloud(value, "en") for name, value in call.args.items()}
    return en.format_map(values), zh.format_map(values)
