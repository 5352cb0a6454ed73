"""How a request is said: joined with others, as a recogniser writes it, with hesitation, with a carrier phrase
before it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from actions.catalogue import ITEMS, JOINT, Call
from training.data.requests import Example

_JOIN_EN = (
    "{a} and {b}",
    "{a} and then {b}",
    "{a} then {b}",
    "{a} and also {b}",
    "{a}, then {b}",
    "{a}, and {b}",
    "first {a} then {b}",
    "{a} also {b}",
    "{a}. Also {b}",
    "{a}. Then {b}",
    "{a} and while you're at it {b}",
    "{a} plus {b}",
    "{a} after that {b}",
)
_JOIN_ZH = (
    "{a}然后{b}",
    "{a}，然后{b}",
    "{a}再{b}",
    "{a}，再{b}",
    "{a}，顺便{b}",
    "{a}顺便{b}",
    "{a}还有{b}",
    "先{a}再{b}",
    "{a}，还有{b}",
    "{a}，另外{b}",
    "{a}另外{b}",
    "{a}接着{b}",
    "{a}，{b}",
    "{a}完了再{b}",
    "{a}同时{b}",
)
_END_MARK = re.compile(r"[.。!！]+$")


def join(parts: Sequence[Example], random: Random) -> Example:
    """One request of several, calls in spoken order."""
    text = parts[0].text
    for part in parts[1:]:
        form = random.choice(_JOIN_EN if part.lang == "en" else _JOIN_ZH)
        first, then = _END_MARK.sub("", text), part.text
        if re.match(r"[A-Z][a-z]", then) and ". " not in form:
            then = then[0].lower() + then[1:]
        if form.startswith("first") and first[:1].isupper():
            form = form.replace("first {a}", "First {a}")
            first = first[0].lower() + first[1:]
        text = form.format(a=first, b=then)
    return Example(text, tuple(c for part in parts for c in part.calls), "multi", "joined")


_PUNCTUATION = re.compile(
    r"[.,:](?![A-Za-z0-9])|(?<![A-Za-z0-9])[.,:]|[!?;\"()…，。！？；：、“”‘’（）《》—]|(?<=\s)-(?=\s)"
)


def as_recognised(example: Example) -> Example:
    """The request as a recogniser writes it: lower case, no punctuation; the arguments likewise."""

    def strip(text: str) -> str:
        text = _PUNCTUATION.sub(" ", text.replace("’", "'"))
        text = re.sub(r"(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])", "", " ".join(text.split()))
        return text.lower()

    calls = []
    for call in example.calls:
        args = {}
        for name, value in call.args.items():
            args[name] = JOINT.join(strip(v) for v in value.split(JOINT)) if name == ITEMS else strip(value)
        calls.append(Call(call.name, args))
    return replace(example, text=strip(example.text), calls=tuple(calls))


_FILLERS = {
    "en": ("um", "uh", "like", "er", "you know", "so", "well"),
    "zh": ("嗯", "那个", "就是", "呃", "这个", "额"),
}


def hesitate(example: Example, random: Random) -> Example:
    """Fillers and stutters, which no argument keeps."""
    words = example.text.split(" ") if example.lang == "en" else re.findall(r"[A-Za-z0-9'@.]+|.", example.text)
    for _ in range(random.choice((1, 1, 2))):
        i = random.randrange(len(words))
        if example.lang == "en" and random.random() < 0.35 and words[i].isalpha() and len(words[i]) < 5:
            words.insert(i, words[i])
        elif example.lang == "en":
            words.insert(i, random.choice(_FILLERS["en"][:4] if i else _FILLERS["en"]))
        else:
            starts = [0] + [k for k in range(1, len(words)) if words[k - 1] in "给说买点搜把找，"]
            words.insert(random.choice(starts), random.choice(_FILLERS["zh"][:4]))
    return replace(example, text=(" " if example.lang == "en" else "").join(words), kind="noisy")


_SIGNS = (
    *(
        "🎂",
        "🎉🎉",
        "❤️",
        "😂",
        "👍",
        "😅",
        "🙏",
        "🐙",
        "🥳🎓",
        "😭",
        "✌️",
        "🍕",
        "💪",
        ":)",
        ";-)",
        "<3",
        "xx",
        "!!!",
        "?!",
    ),
    *("https://maps.example.org/p/{n}", "www.{w}.com/{n}", "https://{w}.net/a?id={n}&x=1", "{w}@{w}.org", "{w}_{n}"),
    *("#{w}", "@{w}", "#{n}", "{n}%", "+447700{n}", "0{n}", "{n}-{m}", "£{n}", "${n}.50", "{n}€", "¥{m}", "{n}:{m}"),
    *("({n})", "A{n}B", "B{m}", "{n}/{m}/2027"),
)
_SIGN_WORDS = ("shop", "tako", "kiki", "lunar", "photo", "maria", "linux", "park", "bus", "noodle", "zoe", "oak")


def sign(example: Example, random: Random) -> Example | None:
    """A message or body that is typed at the end of the request gets what only typing has: an emoji, an address, a
    number."""
    call = example.calls[-1]
    name = {"send_text": "message", "send_email": "body"}.get(call.name, "")
    text = example.text.rstrip(".。")
    if not name or not call.args[name] or not text.endswith(call.args[name]):
        return None
    values = {"n": random.randrange(10, 99999), "m": random.randrange(10, 60), "w": random.choice(_SIGN_WORDS)}
    said = random.choice(_SIGNS).format(**values)
    value = call.args[name]
    gap = " " if example.lang == "en" or random.random() < 0.5 else ""
    body = random.choice((f"{value}{gap}{said}", f"{value}{gap}{said}", f"{said}{gap}{value}", said))
    changed = Call(call.name, {**call.args, name: body})
    return replace(example, text=text[: -len(value)] + body, calls=(*example.calls[:-1], changed), source="signed")


_OPEN = {
    "en": (
        "please ",
        "can you ",
        "could you please ",
        "hey tako ",
        "tako, ",
        "could you ",
        "hey, ",
        "i need you to ",
        "i'd like you to ",
        "go ahead and ",
        "would you mind, ",
        "ok ",
    ),
    "zh": (
        "帮我",
        "请",
        "麻烦你",
        "麻烦",
        "请帮我",
        "嘿，",
        "你好，",
        "能不能帮我",
        "可以帮我",
        "劳驾",
        "喂，",
        "来，",
    ),
}
_IMPERATIVE = re.compile(
    r"(?i)(text|tell|send|email|write|message|order|buy|get|search|look|find|google|add|make|redo|turn|drop|let|put|grab|pick|describe|report|log|shoot|notify|ask|remind|inform)\b"
    r"|给|跟|告诉|发|写|买|订|点|搜|查|把|加|通知|叫|来"
)


def open_with(example: Example, random: Random) -> Example:
    """A carrier phrase before an imperative."""
    if example.calls[0].name == "none" or not _IMPERATIVE.match(example.text):
        return example
    opening = random.choice(_OPEN[example.lang])
    text = example.text[0].lower() + example.text[1:] if re.match("[A-Z][a-z]", example.text) else example.text
    return replace(example, text=opening + text)
