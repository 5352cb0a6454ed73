"""Messages to "you", said about the receiver in the third person: "you should call me" as "tell bob he should call
me"."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from random import Random

from actions.catalogue import Call
from training.data.recombine import THIRD_PERSON, slots_of
from training.data.requests import Example

_EN_PERSON = {
    "he": {"you": "he", "your": "his", "yours": "his", "yourself": "himself", "obj": "him"},
    "she": {"you": "she", "your": "her", "yours": "hers", "yourself": "herself", "obj": "her"},
    "they": {"you": "they", "your": "their", "yours": "theirs", "yourself": "themselves", "obj": "them"},
}
_AFTER_YOU = {
    "are": "is",
    "were": "was",
    "have": "has",
    "need": "needs",
    "don't": "doesn't",
    "do": "does",
    "aren't": "isn't",
    "haven't": "hasn't",
    "want": "wants",
    "look": "looks",
    "owe": "owes",
    "get": "gets",
    "still": "still",
}
_SAME_AFTER_YOU = {
    "can",
    "can't",
    "could",
    "should",
    "shouldn't",
    "must",
    "will",
    "won't",
    "would",
    "might",
    "left",
    "forgot",
    "missed",
    "passed",
    "won",
    "said",
    "did",
    "didn't",
    "dropped",
}


def report_english(message: str, person: str) -> str | None:
    """A message to "you" as one reports it ("you should call me" -> "he should call me"); None where the grammar
    is not certain."""
    words = message.split()
    forms = _EN_PERSON[person]
    out: list[str] = []
    changed = False
    for i, word in enumerate(words):
        low, last = word.lower(), out[-1].lower() if out else ""
        if low in ("you're", "you've", "you'll", "you'd"):
            tail = {"you're": "'re" if person == "they" else "'s", "you've": "'ve" if person == "they" else "'s"}
            out.append(forms["you"] + tail.get(low, low[3:]))
            changed = True
        elif low in ("your", "yours", "yourself"):
            out.append(forms[low])
            changed = True
        elif low == "you":
            following = words[i + 1].lower() if i + 1 < len(words) else ""
            if following in _SAME_AFTER_YOU or following in _AFTER_YOU:
                out.append(forms["you"])
            elif not following or following in (
                "at",
                "in",
                "on",
                "for",
                "to",
                "by",
                "the",
                "a",
                "tomorrow",
                "tonight",
                "and",
            ):
                out.append(forms["obj"])
            else:
                return None
            changed = True
        elif last in ("he", "she") and person != "they" and low in _AFTER_YOU and words[i - 1].lower() == "you":
            out.append(_AFTER_YOU[low])
        else:
            out.append(word)
    return " ".join(out) if changed else None


class Reporter:
    """Messages to "you", said about the receiver in the third person."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self.messages: dict[str, list[str]] = defaultdict(list)
        self.recipients: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for example in examples:
            for slot in slots_of(example):
                if slot.name == "recipient" and example.calls[0].name in ("send_text", "send_email"):
                    self.recipients[example.lang].append((slot.surface, slot.value))
            for call in example.calls:
                message = call.args.get("message") or call.args.get("body") or ""
                if (
                    re.search(r"\byou|[你您]", message, re.IGNORECASE)
                    and not THIRD_PERSON.search(message)
                    and "?" not in message
                ):
                    self.messages[example.lang].append(message)

    def sample(self, random: Random, lang: str) -> Example | None:
        surface, recipient = random.choice(self.recipients[lang])
        message = random.choice(self.messages[lang])
        email = random.random() < 0.35
        if lang == "zh":
            if re.search("[吗呢？]|(.)不\\1", message) or "咱" in message:
                return None
            said = message.replace("你们", "他们").replace("你", random.choice("他她")).replace("您", "他")
            if email:
                form = random.choice(
                    ["给{r}写封邮件说{m}", "发邮件告诉{r}{m}", "邮件通知{r}{m}", "给{r}发个邮件，就说{m}"]
                )
            else:
                form = random.choice(
                    [
                        "告诉{r}{m}",
                        "跟{r}说{m}",
                        "给{r}发短信说{m}",
                        "发消息告诉{r}{m}",
                        "通知{r}{m}",
                        "短信告诉{r}，{m}",
                    ]
                )
        else:
            person = random.choice(list(_EN_PERSON))
            reported = report_english(
                message[:1].lower() + message[1:] if not message.startswith("I") else message, person
            )
            if (
                reported is None
                or reported.split()[0].lower()
                not in (
                    "he",
                    "she",
                    "they",
                    "his",
                    "her",
                    "their",
                    "i",
                    "we",
                    "the",
                )
            ) and (
                reported is None or not re.match(r"(i|we|the|he|she|they)\b|\w+'(s|re|ll)\b", reported, re.IGNORECASE)
            ):
                return None
            said = reported
            that = random.choice(["that ", ""])
            if email:
                form = random.choice(
                    [
                        "email {r} {t}{m}",
                        "write to {r} that {m}",
                        "send {r} an email saying {m}",
                        "drop {r} an email saying {m}",
                    ]
                )
            else:
                form = random.choice(
                    [
                        "tell {r} {t}{m}",
                        "text {r} {t}{m}",
                        "let {r} know {t}{m}",
                        "message {r} {t}{m}",
                        "send {r} a text saying {m}",
                        "inform {r} {t}{m}",
                    ]
                )
            form = form.replace("{t}", that)
        text = form.format(r=surface, m=said)
        label = (
            message if lang == "zh" else (message[:1].lower() + message[1:] if not message.startswith("I") else message)
        )
        if email:
            call = Call("send_email", {"recipient": recipient, "subject": "", "body": label})
        else:
            call = Call("send_text", {"recipient": recipient, "message": label})
        return Example(text, (call,), "plain", "reported")
