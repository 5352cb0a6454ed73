"""A call as the request that would have led to it, so that the mind can read an answer in its place.

Knows how each function is asked for in both languages; knows neither the mind nor the dialogue. What functions.md calls
carrier words are the carriers here, so that an answer is cut to an argument as a request is.
"""

from __future__ import annotations

import re

from actions.catalogue import Call
from actions.wording import say

# (function, argument): the request with the answer in the argument's place, English and Chinese.
ASKING: dict[tuple[str, str], tuple[str, str]] = {
    ("send_email", "recipient"): ("send an email to {recipient}", "给{recipient}发邮件"),
    ("send_email", "subject"): ("send an email to {recipient} about {subject}", "给{recipient}发邮件主题是{subject}"),
    ("send_email", "body"): ("send an email to {recipient} saying {body}", "给{recipient}发邮件说{body}"),
    ("send_text", "recipient"): ("send a text to {recipient}", "给{recipient}发短信"),
    ("send_text", "message"): ("send a text to {recipient} saying {message}", "给{recipient}发短信说{message}"),
    ("google_search", "query"): ("search for {query}", "搜索{query}"),
    ("amazon_shopping", "product"): ("order {product} on amazon", "在亚马逊上买{product}"),
    ("smart_recycling", "item"): ("which bin does {item} go in", "{item}扔哪个垃圾桶"),
    ("interior_design", "style"): ("redo the room in {style} style", "把房间改成{style}风格"),
    ("instacart_shopping", "items"): ("add {items} to my instacart", "在instacart上买{items}"),
    ("doordash_delivery", "order"): ("order {order} for delivery", "点{order}外卖"),
}
_LOST = {"lost": ("i lost {item}", "我丢了{item}"), "found": ("i found {item}", "我捡到了{item}")}
_WHOLE = {
    "send_email": ("email {recipient} that {body}", "给{recipient}发邮件说{body}"),
    "send_text": ("text {recipient} that {message}", "给{recipient}发短信说{message}"),
    "amazon_shopping": ("buy {product}", "在亚马逊上买{product}"),
    "instacart_shopping": ("add {items} to my instacart", "在instacart上买{items}"),
    "doordash_delivery": ("order {order}", "点{order}"),
}
# how a correction names the argument it means
_TO = re.compile(
    r"(?:send it |email |text |write |it's |it is )?(?:to|for) (.+)|(?:是|写|寄|发)?给(.+?)(?:发|的)?", re.I
)
_SUBJECT = re.compile(r"(?:the )?subject (?:is |should be |to )?(.+)|主题(?:应该)?(?:是|改成|改为)?(.+)", re.I)
_SAYS = re.compile(r"(?:just )?(?:(?:say|tell|write)\b.+)|(?:告诉|说|内容|写).+", re.I)
_BEFORE = re.compile(
    r"^(?:the )?(?:message|text|body|email)(?: is| should be|:)? |^内容(?:应该)?(?:是|改成|改为)", re.I
)
_TELL = re.compile(r"^tell (?:him|her|them) (?:that |to )?(?=.)", re.IGNORECASE)  # as if it had been said at once
MESSAGE = {"send_email": "body", "send_text": "message"}


def with_answer(call: Call, lang: str, about: str, answer: str) -> str:
    """The request for the call with an answer in place of one argument; empty where there is no way to say it so."""
    pair = ASKING.get((call.name, about))
    if call.name == "lost_and_found" and about == "item":
        pair = _LOST.get(call.args["report"])
    if pair is None:
        return ""
    if about == MESSAGE.get(call.name):
        answer = _TELL.sub("", answer)
    values = {name: value for name, value in call.args.items() if value} | {about: answer}
    try:
        return say(lang, *pair).format_map(values)
    except KeyError:  # it cannot be said without another argument that is missing, too
        return ""


def corrected(call: Call, lang: str, content: str) -> str:
    """The request for the call, and behind it a correction, as people make them in one breath; empty for a function
    that is not read back."""
    pair = _WHOLE.get(call.name)
    if pair is None:
        return ""
    whole = say(lang, *pair).format_map(call.args)
    return say(lang, f"{whole} no i said {content}", f"{whole}，不对，我说的是{content}")


def part_meant(call: Call, content: str) -> tuple[str, str]:
    """The argument that a correction names and the words for it: "to Anna" is the recipient. Empty when none."""
    message = MESSAGE.get(call.name)
    if message is None:
        return "", content
    for name, pattern in (("subject", _SUBJECT), ("recipient", _TO)):
        found = pattern.fullmatch(content)
        if name in call.args and found:
            return name, next(filter(None, found.groups()))
    if _BEFORE.match(content):
        return message, _BEFORE.sub("", content)
    return (message, content) if _SAYS.fullmatch(content) else ("", content)
