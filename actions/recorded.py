"""The functions that have no adapter yet: each keeps what was asked for and says so, and claims nothing more.

Knows words only; the record itself is the call and its outcome in the history. An adapter that comes later takes the
function's place in `actions.registry`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from actions.base import Outcome, Request
from actions.catalogue import FUNCTIONS, JOINT
from actions.questions import ask_for_missing
from actions.wording import aloud, listing, say


@dataclass(frozen=True)
class Words:
    """How one function is spoken of. `{argument}` stands for the call's argument."""

    asks: tuple[str, str]  # the question before it, English and Chinese
    noted: tuple[str, str]  # what was kept
    cannot: tuple[str, str]  # what tako cannot do yet


WORDS: dict[str, Words] = {
    "send_text": Words(
        ("Shall I note a text to {recipient}: {message}?", "记下给{recipient}的短信，内容是：{message}。要记吗？"),
        ("I noted a text to {recipient}: {message}.", "已记下给{recipient}的短信：{message}。"),
        ("I can't send texts yet", "我还不能发短信"),
    ),
    "google_search": Words(
        ("Shall I note the search for {query}?", "要记下搜索“{query}”吗？"),
        ("I noted the search: {query}.", "已记下要搜索：{query}。"),
        ("I can't search the web yet", "我还不能上网搜索"),
    ),
    "amazon_shopping": Words(
        ("Shall I note {product} for shopping?", "要把{product}记到购物清单吗？"),
        ("I noted for shopping: {product}.", "已记下要买：{product}。"),
        ("I can't shop yet", "我还不能下单"),
    ),
    "smart_recycling": Words(
        ("Shall I note the question about {item}?", "要记下{item}的分类问题吗？"),
        ("I noted that you want to throw away: {item}.", "已记下要扔的东西：{item}。"),
        ("I can't say which bin it goes in yet", "我还不知道它该扔哪个桶"),
    ),
    "interior_design": Words(
        ("Shall I note the style {style} for {room}?", "要记下把{room}改成{style}风格吗？"),
        ("I noted the style {style} for: {room}.", "已记下：{room}，{style}风格。"),
        ("I can't restyle rooms yet", "我还不能设计房间"),
    ),
    "instacart_shopping": Words(
        ("Shall I note these groceries: {items}?", "要记下买{items}吗？"),
        ("I noted the groceries: {items}.", "已记下要买的菜：{items}。"),
        ("I can't order groceries yet", "我还不能买菜下单"),
    ),
    "doordash_delivery": Words(
        ("Shall I note the order of {order}?", "要记下点{order}吗？"),
        ("I noted the order: {order}.", "已记下要点的外卖：{order}。"),
        ("I can't order meals yet", "我还不能点外卖"),
    ),
    "pet_care": Words(
        ("Shall I note the question about your {animal}?", "要记下关于{animal}的问题吗？"),
        ("I noted your question about {animal}: {request}.", "已记下关于{animal}的问题：{request}。"),
        ("I can't answer it yet", "我还不能回答"),
    ),
    "lost": Words(
        ("Shall I note that you lost: {item}?", "要记下你丢了{item}吗？"),
        ("I noted that you lost: {item}.", "已记下你丢了：{item}。"),
        ("I can't look for it yet", "我还不能帮你找"),
    ),
    "found": Words(
        ("Shall I note that you found: {item}?", "要记下你捡到{item}吗？"),
        ("I noted that you found: {item}.", "已记下你捡到：{item}。"),
        ("I can't find its owner yet", "我还不能帮你找失主"),
    ),
}
STYLE_ONLY = Words(
    ("Shall I note the style {style}?", "要记下{style}风格吗？"),
    ("I noted the style: {style}.", "已记下：{style}风格。"),
    WORDS["interior_design"].cannot,
)


class Recorded:
    """A function that is kept in the history and not carried out."""

    def __init__(self, name: str) -> None:
        if name not in FUNCTIONS or name in ("none", "send_email", "describe_scene"):
            raise ValueError(f"{name} is not a function that is only recorded")
        self.name = name

    def read_back(self, request: Request) -> str:
        ask_for_missing(request)
        return _filled(_words(request).asks, request)

    def perform(self, request: Request) -> Outcome:
        ask_for_missing(request)
        words = _words(request)
        rest = say(
            request.lang,
            f"{words.cannot[0]}; you find it under tako history.",
            f"{words.cannot[1]}，可以用 tako history 查看。",
        )
        photo = f", photo {request.image.name}" if request.image else ""
        detail = f"{self.name}: {'; '.join(f'{k} {v!r}' for k, v in request.call.args.items() if v)}{photo}"
        return Outcome("recorded", _joined(request.lang, _filled(words.noted, request), rest), detail)


class Nothing:
    """The function `none`: nothing is done, kindly."""

    name = "none"

    def __init__(self, acting: Sequence[str] = ("send_email",)) -> None:
        """`acting`: names of the functions that are really carried out; the first three are offered."""
        self._acting = tuple(acting)[:3]

    def read_back(self, request: Request) -> str:
        """Nothing is asked before nothing is done: the sentence that `perform` would say."""
        return self.perform(request).spoken

    def perform(self, request: Request) -> Outcome:
        if request.call.args["reason"] == "unsupported":
            en = listing([FUNCTIONS[name].en for name in self._acting], "en", ("and", "和"))
            zh = listing([FUNCTIONS[name].zh for name in self._acting], "zh", ("and", "和"))
            spoken = say(
                request.lang,
                f"Sorry, I can't help with that. I can {en}, and note errands and questions for later.",
                f"对不起，这个我做不了。我可以{zh}，也可以记下要办的事和问题。",
            )
            return Outcome("declined", spoken, "unsupported")
        spoken = say(
            request.lang, "Sorry, I didn't get that. Could you say it again?", "对不起，我没听清，请再说一遍好吗？"
        )
        return Outcome("asked", spoken, "unclear")


def _words(request: Request) -> Words:
    args = request.call.args
    if request.call.name == "lost_and_found":
        return WORDS[args["report"]]
    if request.call.name == "interior_design" and not args["room"]:
        return STYLE_ONLY
    return WORDS[request.call.name]


def _filled(sentence: tuple[str, str], request: Request) -> str:
    comma = say(request.lang, ", ", "、")
    values = {k: comma.join(aloud(v, request.lang).split(JOINT)) for k, v in request.call.args.items()}
    return say(request.lang, *sentence).format_map(values)


def _joined(lang: str, *sentences: str) -> str:
    return say(lang, " ", "").join(sentences)
