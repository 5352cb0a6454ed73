"""What an answer means: that it ends the matter, chooses, corrects, or is a value with words around it.

Knows how people answer in both languages; knows neither the model nor what is done with an answer. What counts as a
yes is in `device.confirm`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from actions.wording import one_line
from device.confirm import parse_yes_no

LONGEST_ANSWER = 200  # characters of a free answer; whoever says more was not answering

_ENDS = " .。,，;；:：!！…\"“”'"
_ZERO = r"oh(?=[ ,]+(?:\d|oh|zero|one|two|three|four|five|six|seven|eight|nine)\b)"  # the first digit of a number
_BESIDE = "um+|uh+|er+|erm|hm+|mm+|mhm|oh|ah|well|so|ok|okay|please|thanks|thank you|tako|i think|i guess"
_SAID_BESIDE = rf"(?:(?!{_ZERO})(?:{_BESIDE}))"
_SAID_BEHIND = r"(?:um+|uh+|please|thanks|thank you|tako|i think|i guess)"
_BESIDE_ZH = r"(?:呃|嗯|恩|哦|噢|啊|那个|那就|就是|请|麻烦你?|谢谢你?|吧)"
_LEADING = re.compile(rf"^(?:{_SAID_BESIDE}[\s,.]+)+", re.IGNORECASE)
_TRAILING = re.compile(rf"(?:[\s,.]+{_SAID_BEHIND})+$", re.IGNORECASE)
_LEADING_ZH = re.compile(rf"^(?:{_BESIDE_ZH}[，、,\s]*)+")
_TRAILING_ZH = re.compile(r"(?:[，、,\s]*(?:吧|啊|呀|谢谢你?|好了))+$")

# Carriers of a value, as the contract of the functions drops them (shared by all functions).
_CARRIER = re.compile(
    r"^(?:(?:it(?:'s| is| was)|that(?:'s| is)|they(?:'re| are)|i(?:'d| would) like|i want|i said|i mean|i meant"
    r"|make it|send it|search|look|to|for|by|with|about)\s+)+",
    re.IGNORECASE,
)
_ARTICLE = re.compile(r"^(?:the|an?|my|some|our)\s+(?=\S)", re.IGNORECASE)
_CARRIER_ZH = re.compile(r"^(?:是给|发给|写给|送给|给|我说的是|我是说|应该是|就是|是|我想要|我想|我要|关于|叫)(?=.)")
_OWN_ZH = re.compile(r"^我(?:们)?(?:家)?的?(?=..)")
_SAYING = re.compile(r"^(?:(?:it should |just )?say(?:ing)?(?: that)?|write(?: that)?|that)\s+(?=\S)", re.IGNORECASE)
_SAYING_ZH = re.compile(r"^(?:就?说|内容是|写)(?=.)")

_END_EN = (
    "cancel(?: (?:it|that|everything))?|never ?mind|forget(?: about)? it|stop(?: it)?|abort|leave it|drop it"
    "|i changed my mind|let it be|quit"
)
_NO_EN = (
    "no|nope|nah|no thanks?|no thank you|no problem|not now|not yet|not today|later|maybe later|another time|nothing"
    "|nobody|no one|none|wait|hold on|hang on|(?:don'?t|do not)(?: (?:do|send|buy|order) (?:it|that))?"
)
_END_ZH = "取消(?:掉|它|吧)?|算了(?:吧)?|不用了|停(?:止|下)?|没事了?|放弃|不弄了|不做了|我改主意了"
_NO_ZH = "不(?:要|用|行|好|是|对|发|买|做|需要|必)?了?|别(?:发|买|做)?了?|没有"
_CANCEL_EN = re.compile(rf"(?:(?:no|{_SAID_BESIDE}) )*(?:{_END_EN})(?: (?:{_END_EN}|{_SAID_BESIDE}))*", re.IGNORECASE)
_CANCEL_ZH = re.compile(rf"(?:不|{_BESIDE_ZH})*(?:{_END_ZH})(?:{_END_ZH}|{_BESIDE_ZH}|了)*")
_DENY_EN = re.compile(rf"(?:(?:{_SAID_BESIDE}|{_NO_EN}) )*(?:{_NO_EN})(?: (?:{_NO_EN}|{_SAID_BESIDE}))*", re.IGNORECASE)
_DENY_ZH = re.compile(rf"(?:{_BESIDE_ZH})*(?:{_NO_ZH})(?:{_NO_ZH}|{_BESIDE_ZH})*")

_UNDO = re.compile(r"(?:please )?(?:undo(?: it| that)?|take (?:it|that) back)(?: please)?|(?:撤销|撤回|收回)(?:它|吧)?")

_MARK_EN = re.compile(
    rf"^(?:{_SAID_BESIDE} )*(?:(?:no|nope|nah|wrong|that's wrong|not that|wait|hold on|sorry|actually|yes but)[ ,]+)*"
    r"(?:i (?:said|say|meant|mean)(?: it was)? |(?:make|change) (?:it|that)(?: to)? |it(?:'s| is|'s not| should be) "
    r"|rather |(?=(?:to|for|say|tell|not) ))?",
    re.IGNORECASE,
)
_MARK_ZH = re.compile(
    rf"^(?:{_BESIDE_ZH}[，, ]*)*(?:(?:不对|不是的?|错了|搞错了|说错了|等等|等一下|不|对不起|好的?但是?)[，,。 ]*)*"
    r"(?:我说的是|我是说|我想说的?是|应该是|改成|改为|换成|而?是(?=给|说)|是|(?=给|发给|写给|说|告诉))?"
)
_SAID_IT = re.compile(
    r"i (?:said|say|meant|mean)|(?:make|change) (?:it|that)|it should be|我说的是|我是说|应该是|改成|改为|换成", re.I
)
_OTHER = re.compile(
    r"(?:to |for )?(?:(?:the |an)other(?: one| person)?|someone else|somebody else|(?:the )?(?:wrong )?"
    r"(?:one|person|guy|name|contact)|him|her|them)|(?:发?给)?(?:另(?:外)?(?:那)?一?[个位]人?|别的?人|其他人|这个?人?|那个人?|他|她|人)",
    re.IGNORECASE,
)
_ORDINALS = (
    r"1st|first|former|number one|第一|前一|前面|前者|1",
    r"2nd|second|two|第二|2",
    r"3rd|third|three|第三|3",
    r"4th|fourth|four|第四|4",
)
_LAST = r"last|latter|最后|后一|后面|后者"
_ORDINAL_WORDS = r"(?:the|one|number|no|第|个|位|那|一|是|号|person|please|吧|\s)*"
_DOUBTFUL = re.compile(
    r"\b(?:know|sure|idea|maybe|perhaps|cancel|stop|wait|depends|but)\b|知道|清楚|确定|不好说|也许|可能|等|看情况|但"
)
_YES_FIRST = re.compile(r"(?:yes|yeah|yep|yup|it is|it does|it has|there is)\b|是|对|有|嗯")
_NO_FIRST = re.compile(r"[不没]")
_HAN = re.compile(r"[\u3400-\u9fff]")
_TOKEN = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+(?:['’][^\W_]+)?")
_NEGATION = re.compile(r"not|no|never|cannot|without|.*n'?t|不|没|别|勿")


def tokens(text: str) -> list[str]:
    """Words and Han characters, folded: what an answer is compared by."""
    return _TOKEN.findall(unicodedata.normalize("NFKC", text).casefold().replace("’", "'"))


def negated(words: Iterable[str]) -> bool:
    return any(_NEGATION.fullmatch(word) for word in words)


def is_cancel(text: str, denial: bool = True) -> bool:
    """Whether the whole answer ends the matter: "cancel", "never mind", 取消, 算了; with `denial` a plain no, too."""
    said = _flat(text)
    if _CANCEL_EN.fullmatch(said) or _CANCEL_ZH.fullmatch(said.replace(" ", "")):
        return True
    return denial and bool(_DENY_EN.fullmatch(said) or _DENY_ZH.fullmatch(said.replace(" ", "")))


def is_undo(text: str) -> bool:
    """Whether the whole request takes the last one back: "undo", 撤销, or what would have ended it."""
    return is_cancel(text) or bool(_UNDO.fullmatch(_flat(text)))


def parse_fact(text: str) -> bool | None:
    """An answer to a question about a fact ("is it greasy?"): unlike a consent, it may say more than yes or no, but
    "I don't know" is neither."""
    if _DOUBTFUL.search(text.casefold()):
        return None
    clear = parse_yes_no(text)
    if clear is None and _YES_FIRST.match(_flat(text)) and not negated(tokens(text)):
        return True
    return False if clear is None and _NO_FIRST.match(text.strip()) else clear


def without_fillers(text: str) -> str:
    """One line without what people say while they think, and without the marks at its ends."""
    text = one_line(text).strip(_ENDS)
    for pattern in (_LEADING, _TRAILING, _LEADING_ZH, _TRAILING_ZH):
        text = pattern.sub("", text).strip(_ENDS)
    return "" if re.fullmatch(rf"{_SAID_BESIDE}|{_BESIDE_ZH}", text, re.IGNORECASE) else text


def value_in(text: str, message: bool = False) -> str:
    """The value of an argument in an answer: without fillers, carriers and a leading article ("it's for my boss" is
    `boss`, 是给安娜 is 安娜). Of a `message` only "say that" is dropped: the rest is for whoever reads it."""
    text = without_fillers(text)
    for pattern in (_SAYING, _SAYING_ZH) if message else (_CARRIER, _ARTICLE, _CARRIER_ZH, _OWN_ZH):
        text = pattern.sub("", text).strip(_ENDS)
    return text


def placed(text: str, choices: Sequence[str]) -> str:
    """The one of `choices` that an answer means by its place ("the second one", 第二个), or the only one by a yes.
    Empty when it says none."""
    said = _flat(text)
    for place, words in enumerate(_ORDINALS[: len(choices)]):
        if re.fullmatch(rf"{_ORDINAL_WORDS}(?:{words}){_ORDINAL_WORDS}", said):
            return choices[place]
    if choices and re.fullmatch(rf"{_ORDINAL_WORDS}(?:{_LAST}){_ORDINAL_WORDS}", said):
        return choices[-1]
    return choices[0] if len(choices) == 1 and parse_yes_no(text) else ""


def chosen(text: str, choices: Sequence[str]) -> str:
    """The one of `choices` that an answer means: by its place, or by words that only one of them has. Empty when it is
    none or could be several."""
    if by_place := placed(text, choices):
        return by_place
    wanted = set(tokens(value_in(text)))
    fitting = [choice for choice in choices if wanted and wanted <= set(tokens(choice))]
    exact = [choice for choice in fitting if set(tokens(choice)) == wanted]
    found = exact or fitting
    return found[0] if len(found) == 1 else ""


def is_other(text: str) -> bool:
    """Whether somebody else is meant without saying who: "the other one", "wrong person", 另一个."""
    return bool(_OTHER.fullmatch(_flat(text)))


def correction(text: str) -> tuple[str, bool] | None:
    """What an answer to a read-back puts in place of what was read: "no, I said Anna" is `Anna`, 不对，发给安娜 is
    发给安娜. With it, whether that is said outright ("I said", 改成) or only follows a no. None when the answer is no
    correction: it is a no, or has nothing to do with the question."""
    said = one_line(unicodedata.normalize("NFKC", text).replace("’", "'")).strip(_ENDS)
    if not said or len(said) > LONGEST_ANSWER or is_cancel(said):
        return None
    mark = (_MARK_ZH if _HAN.search(said) else _MARK_EN).match(said)
    lead = mark.group(0) if mark else ""
    content = said[len(lead) :].strip(_ENDS)
    starts = re.match(r"(?:to|for|say|tell|not) |给|发给|写给|说|告诉", content, re.IGNORECASE)
    if not content or is_cancel(content) or not (lead.strip(_ENDS) or starts):
        return None
    return content, bool(_SAID_IT.search(lead))


def _flat(text: str) -> str:
    """Folded words with single spaces, no punctuation but apostrophes."""
    text = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return " ".join(re.sub(r"[^\w\s']+|_", " ", text).split())
