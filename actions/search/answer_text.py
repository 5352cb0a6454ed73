"""From what a search finds to two sentences that can be read aloud.

Text comes from strangers: markup is parsed and dropped, addresses, control and direction characters go, and what is
left is quoted, never rephrased. Which sentences are quoted is decided by the words of the query. Knows no engine.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser

from actions.matching import stem
from actions.wording import LONGEST, aloud, one_line

MOST_TEXT = 20_000  # characters of one passage that are looked at
MOST_SENTENCES = 60

_NOT_TEXT = "script, style, noscript, template, iframe, object, svg, math, head, title, textarea, select, button"
_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s，。；）)]*[^\s，。；）).,;:!?]", re.IGNORECASE)
_MARKS = re.compile(r"\[(?:\d{1,3}|[a-z]|note \d+|citation needed|edit|编辑|來源請求|来源请求)\]|[*_|`~{}\\<>\[\]]")
_DATE = re.compile(r"^(?:[A-Z][a-z]{2,8} \d{1,2}, \d{4}|\d{4}年\d{1,2}月\d{1,2}日|\d{4}-\d\d-\d\d)\s*[·—–|-]\s*")
_BRACKET = re.compile(r"\s?[(（]([^()（）]*)[)）]")
_UNITS = "km|m|mi|ft|kg|lb|t|ha|cm|mm|in|acres?|sq|°|米|公里|千米|英里|吨"
_YEAR = re.compile(rf"(?<![\d.,])(?:1\d|20)\d\d(?!\d|[.,]\d|\s?(?:{_UNITS})\b)")  # not "1100 ft"
_ELLIPSIS = re.compile(r"\s*(?:\.{3,}|…+)\s*")
_WHOLE = re.compile(r"[.!?。！？][\"'”’」』）)]*$")
_WORD = re.compile(r"[\u3400-\u9fff]+|[^\W_\u3400-\u9fff]+(?:'[^\W_\u3400-\u9fff]+)*")
_HAN = re.compile(r"[\u3400-\u9fff]")

_SAY_LITTLE = """
    a an the of in on at to for from by with about into as and or is are was were be been being am do does did has have
    had can could will would should shall may might must it its this that these those there their they them he she his
    her i me my you your we our us who whom whose what which when where why how please tell find show search look up
    google web internet online information much many any some also than then so if not
"""
STOP_WORDS = frozenset(_SAY_LITTLE.split())
_ENDINGS = ("er", "or", "ist", "est", "ing", "ion", "ly", "r")  # that stems keep ("painter")
_STOP_ZH = re.compile(
    "请问|告诉我|帮我|为什么|什么时候|什么样|什么|哪一年|哪一个|哪[年里儿个些位国]|怎么样|怎么|怎样|如何|多少|是不是|有没有|"
    "多[长高大远深重久快宽]|关于|搜索|查一下|一下|谁|几|[是的了吗呢在有叫]"
)
_MEASURE_ZH = re.compile(r"多([长高大远深重久快宽])")
_NUMBER = re.compile(
    r"\bwhen\b|\bhow (?:long|tall|high|many|much|far|old|big|deep|fast|large|heavy|wide)\b|\bwhat (?:year|date|time)\b|"
    r"\bpopulation\b|多[少长高大远深重久快宽]|几|哪一?年|什么时候|何时|人口"
)


@dataclass(frozen=True)
class Passage:
    """A piece of text that a search found."""

    source: str  # as it is spoken: "Wikipedia", "britannica.com"
    title: str
    text: str  # plain, one line
    link: str = ""  # empty: there is none
    direct: bool = False  # the search engine's own answer, not an excerpt of a page


@dataclass(frozen=True)
class Sought:
    """What a query is about."""

    terms: tuple[str, ...]  # stems of words; of Chinese, pairs of characters
    number: bool  # the answer is a number or a date


@dataclass(frozen=True)
class Answer:
    text: str  # one or two sentences, fit to be read aloud
    passage: Passage


def sought(query: str) -> Sought:
    """The telling words of a query in either language."""
    folded = fold(query)
    terms: list[str] = []
    for word in _WORD.findall(folded):
        if not _HAN.match(word):
            word = word.removesuffix("'s")
            terms += [] if word in STOP_WORDS else [stem(word)]
            continue
        for run in chunks(word):
            terms += [run] if len(run) < 3 else [run[i : i + 2] for i in range(len(run) - 1)]
    terms += _MEASURE_ZH.findall(folded)
    return Sought(tuple(dict.fromkeys(terms)), bool(_NUMBER.search(folded)))


def chunks(run: str) -> list[str]:
    """A run of Chinese characters without the words that only ask ("长城有多长" is ["长城"])."""
    return [part for part in _STOP_ZH.split(run) if part]


def coverage(terms: Sequence[str], text: str) -> float:
    """The share of the terms that a text has, 0 to 1; 0 when there are no terms."""
    found = _found(terms, text)
    return len(found) / len(terms) if terms else 0.0


def answer(query: str, passages: Sequence[Passage], lang: str) -> Answer | None:
    """The best passage's best sentences, at most `LONGEST` characters; None when none can be read in `lang`.

    passages: the best first, as the search engine ranks them.
    """
    wanted = sought(query)
    best: tuple[float, Passage, list[str]] | None = None
    for rank, passage in enumerate(passages):
        found = sentences(passage.text, lang)
        if not found or not in_language(passage.text, lang):
            continue
        score = 2 * coverage(wanted.terms, f"{passage.title} {passage.text}") - 0.1 * rank
        score += 0.3 * bool(_WHOLE.search(found[0])) + 0.5 * passage.direct
        if best is None or score > best[0]:
            best = score, passage, found
    if best is None:
        return None
    _, passage, found = best
    return Answer(_two(found, wanted, passage.title, lang), passage)


def _two(found: Sequence[str], wanted: Sought, title: str, lang: str) -> str:
    """The sentence that answers, with the one that says what it is about where both are short enough."""
    subject = _found(wanted.terms, title)
    focus = [term for term in wanted.terms if term not in subject]

    def score(place: int) -> float:
        sentence = found[place]
        number = wanted.number and any(c.isdigit() for c in sentence)
        about = coverage(sorted(subject), sentence)
        return 2 * coverage(focus, sentence) + 0.5 * about + number + 0.4 * (place == 0) + 0.2 / (1 + place)

    best = max(range(len(found)), key=score)
    joint, longest = ("", LONGEST["zh"]) if lang == "zh" else (" ", LONGEST["en"])
    stop = "。" if lang == "zh" else "."
    for pair in ([0, best] if best else [0, 1], [best]):
        text = joint.join(found[place] for place in pair if place < len(found))
        if len(text) <= longest:
            return text if _WHOLE.search(text) else text + stop
    return aloud(text, lang) + stop


def sentences(text: str, lang: str) -> list[str]:
    """The sentences of a plain text; whole ones only, as far as there are any.

    The excerpts of search engines are cut out of a page: what stands before or behind "..." is half a sentence.
    """
    from sentencex import segment  # late: only a search needs it

    whole: list[str] = []
    parts: list[str] = []
    fragments = _ELLIPSIS.split(_DATE.sub("", text[:MOST_TEXT]))
    for number, fragment in enumerate(fragments):
        for place, piece in enumerate(segment("zh" if lang == "zh" else "en", fragment)):
            sentence = without_asides(piece).strip(" ·,，;；")
            if sum(c.isalnum() for c in sentence) < 2:
                continue
            begins = number == 0 or place > 0 or sentence[0].isupper()
            (whole if begins and _WHOLE.search(sentence) else parts).append(sentence)
    longest = [max(parts, key=len)] if parts else []
    return [s for s in dict.fromkeys(whole or longest) if in_language(s, lang)][:MOST_SENTENCES]


def without_asides(sentence: str) -> str:
    """Without brackets, which hold pronunciations, other languages and other units; dates in them stay."""

    def kept(bracket: re.Match[str]) -> str:
        parts = [p.strip() for p in re.split(r"[;；，]|, (?=[^\d])", bracket[1]) if _YEAR.search(p) and "/" not in p]
        left, right = ("（", "）") if "（" in bracket[0] else (" (", ")")
        return f"{left}{', '.join(parts)}{right}" if parts else ""

    before = ""
    while before != sentence:  # brackets in brackets, from the inside
        before, sentence = sentence, _BRACKET.sub(kept, sentence)
    return re.sub(r"\s+([,.;:!?，。])", r"\1", sentence)


def plain(text: str) -> str:
    """Text that may hold markup, as one line of plain text without addresses and without what acts on a screen."""
    text = text[: 4 * MOST_TEXT]
    for _ in range(3):  # markup that was escaped, even twice, is markup
        if "<" not in text and "&" not in text:
            break
        before, text = text, text_of(LexborHTMLParser(text))
        if text == before:
            break
    text = unicodedata.normalize("NFC", text)
    text = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp", "Zs") else c for c in text if _speakable(c))
    text = _MARKS.sub(" ", _ADDRESS.sub(" ", text))
    return re.sub(r"\s+([,.;:!?，。；：！？])", r"\1", one_line(text))[:MOST_TEXT]


def text_of(tree: LexborHTMLParser) -> str:
    """All text of parsed HTML but what no browser shows as text; line breaks are spaces."""
    for node in tree.css(_NOT_TEXT):
        node.decompose()
    for node in tree.css("br, p, div, li, td, tr, h1, h2, h3"):
        node.insert_before(" ")
    return tree.body.text(separator="") if tree.body else ""


def _speakable(character: str) -> bool:
    """False for invisible and direction characters, private ones, and pictures."""
    kind = unicodedata.category(character)
    return (
        kind not in ("Cf", "Co", "Cs", "Cn")
        and "VARIATION" not in unicodedata.name(character, "")
        and (kind != "So" or character in "°№℃℉")
    )


def in_language(text: str, lang: str) -> bool:
    """Whether a text can be read aloud by the voice of a language: by its script alone."""
    letters = [c for c in text if c.isalpha()]
    han = sum(bool(_HAN.match(c)) for c in letters)
    if lang == "zh":
        return han > 0 and 3 * han >= len(letters) - han
    latin = sum(unicodedata.name(c, "").startswith("LATIN") for c in letters)
    return latin > 0 and latin >= 0.7 * len(letters)


def fold(text: str) -> str:
    """In small letters, full-width forms and apostrophes made the usual ones."""
    return unicodedata.normalize("NFKC", text).casefold().replace("’", "'")


def _found(terms: Sequence[str], text: str) -> set[str]:
    """Those of the terms that a text has: of two stems that differ by an ending one is enough ("paint", "painter")."""
    folded = fold(text)
    stems = {stem(word) for word in _WORD.findall(folded) if not _HAN.match(word)}
    return {
        term
        for term in terms
        if (term in folded if _HAN.match(term) else term in stems or any(_akin(term, other) for other in stems))
    }


def _akin(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return len(short) > 3 and long.startswith(short) and long[len(short) :] in _ENDINGS
