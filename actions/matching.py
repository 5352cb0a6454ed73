"""From what somebody says to the entry of a table that is meant by it: by spelling, and by meaning where a model is.

    matcher = Matcher([Entry("battery", {"en": ("battery", "AA cell"), "zh": ("电池",)})], meaning)
    matches = matcher.best("dead batteries", "en")
    verdict(matches)   # "clear": matches[0] is meant; "near": ask; "nothing": say that you don't know it

Words are compared by stem and, where they are misheard, letter by letter; Chinese by characters and pairs of them. Rare
words count more than common ones. The last noun says what a thing is ("milk bottle cap" is a cap), so it counts most;
with `heads=False`, for whole questions, all words count alike. Knows neither recycling nor pets; keeps nothing.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import pairwise
from math import log
from typing import Generic, Literal, TypeVar

import numpy as np
import snowballstemmer
from rapidfuzz import fuzz, process

from actions.base import Meaning

T = TypeVar("T")
CLEAR, NEAR = 0.72, 0.45  # scores from which a match is meant, and from which it may be
LEAD = 0.04  # the best must lead the next other entry by so much, else it is only near
LONGEST = 200  # characters of a text that are looked at

_HEARD = 80.0  # rapidfuzz's ratio (0 to 100) from which an unknown word may be a known one, misheard
_SPELLED = 90.0  # and a known one another, spelled otherwise ("yoghurt")
_HEAD, _BEHIND, _ASIDE = 2.0, 0.25, 0.1  # weight of the head, of words behind it, of words that say little; else 1
_UNKNOWN = 0.4  # share of its weight that a word keeps which no entry has, unless it is the head
_SAME = 0.93  # spelling from which a phrase was said
_UNLIKE = -0.3  # cosine of two meanings that are as far from each other as can be
_OTHER_HEAD = 0.6  # factor where the head of the one is not in the other: another thing is meant
_OTHER_LANGUAGE = 0.999  # factor for phrases in the other language: of two alike the own one is said

_WORD = re.compile(r",|[\u3400-\u9fff]+|[^\W_\u3400-\u9fff]+(?:'[^\W_\u3400-\u9fff]+)*")
_HAN = re.compile(r"[\u3400-\u9fff]")
_JOINS = frozenset(
    [
        "of",
        "with",
        "from",
        "for",
        "that",
        "that's",
        "which",
        "in",
        "on",
        "to",
        "without",
        "made",
        "by",
        "and",
        "or",
        ",",
    ]
)
_PARTS = frozenset(  # stems; "a bit of pipe" is a pipe
    [
        *("bit", "piec", "offcut", "cut", "scrap", "sack", "bag", "box", "pack", "packet", "pile", "roll", "lump"),
        *("bunch", "pair", "load", "half", "slice", "sheet", "lot"),
    ]
)
_SMALL = frozenset(  # stems
    [
        *("a", "an", "the", "my", "your", "his", "her", "our", "their", "this", "these", "those", "some", "ani"),
        *("it", "is", "are", "was", "off"),
    ]
)
_ASKING = frozenset(["i", "do", "doe", "can", "could", "should", "would", "will", "you", "me", "pleas"])
_PARTICLES = frozenset("的了着过个吗呢啊吧呀")
_stem = snowballstemmer.stemmer("english")
_stemming = threading.Lock()  # a stemmer keeps the word it works on


@dataclass(frozen=True)
class Entry(Generic[T]):
    """One thing that can be meant, and how people call it."""

    payload: T
    phrases: Mapping[str, tuple[str, ...]]  # language ("en", "zh") to names or questions


@dataclass(frozen=True)
class Match(Generic[T]):
    """How well an entry fits: 1 is its very words, 0 nothing in common."""

    score: float
    entry: Entry[T]
    phrase: str  # the one of its phrases that fits best


def verdict(matches: Sequence[Match[T]]) -> Literal["clear", "near", "nothing"]:
    """Whether the first of `matches` (of `Matcher.best`) is surely meant, may be meant, or nothing is."""
    if not matches or matches[0].score < NEAR:
        return "nothing"
    leads = len(matches) == 1 or matches[0].score - matches[1].score >= LEAD
    return "clear" if matches[0].score >= CLEAR and leads else "near"


class Matcher(Generic[T]):
    """Finds the entries that a text may mean. Safe in several threads.

    heads: whether texts are names of things, whose last noun counts most; aside: words and Chinese expressions that say
    little here ("old", "用完的"), by language.
    """

    def __init__(
        self,
        entries: Iterable[Entry[T]],
        meaning: Meaning | None = None,
        heads: bool = True,
        aside: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        self._entries = tuple(entries)
        self._meaning = meaning
        self._heads = heads
        aside = aside or {}
        self._aside = frozenset(stem(word) for word in aside.get("en", ())) | _SMALL | (set() if heads else _ASKING)
        self._aside_zh = tuple(sorted(aside.get("zh", ()), key=len, reverse=True))
        self._vectors: np.ndarray | None = None  # float32 (phrases, n), made when they are first wanted
        self._phrases = [
            (number, lang, phrase)
            for number, entry in enumerate(self._entries)
            for lang, phrases in entry.phrases.items()
            for phrase in phrases
        ]

    def best(self, text: str, lang: str, n: int = 5) -> list[Match[T]]:
        """The `n` entries that fit best, the best first, each once; those that have nothing in common left out.

        lang: of the text; a text may mix both languages.
        """
        text = _folded(text)
        if not self._phrases:
            return []
        scores = self._spelling(text)
        meant = self._meant(text)
        if meant is not None:
            scores = combined(scores, meant)
        scores = scores * np.where(self._langs == lang, 1.0, _OTHER_LANGUAGE)
        found: list[Match[T]] = []
        taken: set[int] = set()
        for index in np.argsort(-scores, kind="stable"):
            number, _, phrase = self._phrases[index]
            if len(found) == n or scores[index] <= 0:
                break
            if number not in taken:
                taken.add(number)
                found.append(Match(float(scores[index]), self._entries[number], phrase))
        return found

    @cached_property
    def _langs(self) -> np.ndarray:
        return np.array([lang for _, lang, _ in self._phrases])

    @cached_property
    def _index(self) -> _Index:
        tokens = [tuple(self._tokens(_folded(phrase))) for _, _, phrase in self._phrases]
        return _Index(tokens, [number for number, _, _ in self._phrases])

    def _meant(self, text: str) -> np.ndarray | None:
        """float32 (phrases,): how alike a text and each phrase are in meaning, as a cosine; None without a model."""
        if self._meaning is None or not text:
            return None
        if self._vectors is None:
            self._vectors = self._meaning.of_texts([_folded(phrase) for _, _, phrase in self._phrases])
        vector = self._meaning.of_texts([text])
        return None if vector is None or self._vectors is None else np.asarray(self._vectors @ vector[0])

    def _spelling(self, text: str) -> np.ndarray:
        """float64 (phrases,): 0 to 1."""
        return self._index.scores(list(self._tokens(text)))

    def _tokens(self, text: str) -> Iterator[_Token]:
        """The words of a text, and of its Chinese parts the characters and pairs, with their weights."""
        for expression in self._aside_zh:
            text = text.replace(expression, " ")
        words = _WORD.findall(text)
        head = self._head(words)
        for place, word in enumerate(words):
            last = self._heads and place == head
            if _HAN.match(word):
                yield from _han_tokens(word, last)
                continue
            if word in _JOINS:
                continue
            stemmed = stem(word)
            weight = _HEAD if last else _BEHIND if self._heads and place > head else 1.0
            yield _Token(stemmed, _ASIDE if stemmed in self._aside else weight, last)

    def _head(self, words: Sequence[str]) -> int:
        """The place of the noun that says what the thing is: the last before "of", "with", "from", ... that is not a
        mere part of it."""
        start = 0
        while start < len(words):
            end = next((i for i in range(start, len(words)) if i > start and words[i] in _JOINS), len(words))
            telling = [i for i in range(start, end) if words[i] not in _JOINS and stem(words[i]) not in self._aside]
            if telling and (stem(words[telling[-1]]) not in _PARTS or end == len(words) or words[end] != "of"):
                return telling[-1]
            start = end + 1
        return len(words) - 1


def combined(spelling: np.ndarray, cosine: np.ndarray) -> np.ndarray:
    """One score of both, 0 to 1: their mean, where a cosine of `_UNLIKE` counts as nothing in common. What was said in
    the very words needs no meaning."""
    mean = (spelling + np.clip((cosine - _UNLIKE) / (1.0 - _UNLIKE), 0.0, 1.0)) / 2
    return np.asarray(np.where(spelling >= _SAME, spelling, mean))


@dataclass(frozen=True)
class _Token:
    """A stem, a Chinese character or a pair of them, and how much it counts."""

    text: str
    weight: float
    head: bool


def _han_tokens(run: str, last: bool) -> Iterator[_Token]:
    """Characters and pairs of a run of Chinese; the pair at its end is the head."""
    run = "".join(c for c in run if c not in _PARTICLES) or run
    for place, character in enumerate(run):
        yield _Token(character, 0.8 if last and place == len(run) - 1 else 0.4, False)
    pairs = ["".join(pair) for pair in pairwise(run)]
    for place, pair in enumerate(pairs):
        head = last and place == len(pairs) - 1
        yield _Token(pair, 1.8 if head else 0.7, head)
    if len(run) == 1:
        yield _Token(run, 1.8 if last else 0.7, last)


class _Index:
    """Which phrases have which tokens. tokens: those of each phrase; owners: the entry of each."""

    def __init__(self, tokens: Sequence[Sequence[_Token]], owners: Sequence[int]) -> None:
        used: dict[str, set[int]] = defaultdict(set)
        for phrase, owner in zip(tokens, owners, strict=True):
            for token in phrase:
                used[token.text].add(owner)
        entries = max(owners, default=0) + 1
        self._rarity = {text: log(1 + entries / len(owning)) for text, owning in used.items()}
        self._rarest = log(1 + entries)
        self._in: dict[str, list[tuple[int, float]]] = defaultdict(list)  # token to its phrases and its weight there
        self._heads = [{token.text for token in phrase if token.head} for phrase in tokens]
        self._whole = np.zeros(len(tokens))  # weight of all tokens of a phrase
        for place, phrase in enumerate(tokens):
            for token in phrase:
                weight = token.weight * self._rarity[token.text]
                self._in[token.text].append((place, weight))
                self._whole[place] += weight
        self._words = [text for text in self._in if not _HAN.match(text)]

    def scores(self, tokens: Sequence[_Token]) -> np.ndarray:
        """float64 (phrases,), 0 to 1: the geometric mean of the share of the text that a phrase covers and of the share
        of the phrase that the text covers."""
        covered = np.zeros(len(self._whole))  # of the text
        shared: dict[tuple[int, str], float] = {}  # of a phrase, by its token
        with_head = np.zeros(len(self._whole), bool)  # whether a phrase has the head of the text
        of_head = np.array([not heads for heads in self._heads])  # whether the text has the head of a phrase
        whole = 0.0
        for token in self._and_joined(tokens):
            alike = self._alike(token.text)
            rarity = max((self._rarity[text] * likeness for text, likeness in alike.items()), default=0.0)
            weight = token.weight * (rarity or self._rarest * (1.0 if token.head else _UNKNOWN))
            whole += weight
            nearest: dict[int, float] = {}
            for text, likeness in alike.items():
                for place, share in self._in[text]:
                    nearest[place] = max(nearest.get(place, 0.0), likeness)
                    shared[place, text] = max(shared.get((place, text), 0.0), share * likeness)
            for place, likeness in nearest.items():
                covered[place] += weight * likeness
                with_head[place] |= token.head
        by_phrase = np.zeros(len(self._whole))
        for (place, text), share in shared.items():
            by_phrase[place] += share
            of_head[place] |= text in self._heads[place]
        text_share = np.minimum(covered / whole, 1.0) if whole else covered
        phrase_share = np.minimum(by_phrase / np.maximum(self._whole, 1e-9), 1.0)
        score = np.sqrt(text_share * phrase_share)
        if any(token.head for token in tokens):
            score = np.where(with_head & of_head, score, score * _OTHER_HEAD)
        return np.asarray(score)

    def _and_joined(self, tokens: Sequence[_Token]) -> list[_Token]:
        """Two words that together are one that is known become that one ("light bulb" where "lightbulb" is known)."""
        out: list[_Token] = []
        for token in tokens:
            joined = out[-1].text + token.text if out and not _HAN.match(token.text + out[-1].text) else ""
            if joined and not {out[-1].text, token.text} & self._in.keys() and self._alike(joined):
                out[-1] = replace(token, text=joined)
            else:
                out.append(token)
        return out

    def _alike(self, text: str) -> dict[str, float]:
        """Known tokens that a token may be, with their likeness (0 to 1): those spelled a little otherwise, and where
        it is not known itself, those that it may be misheard for."""
        known = {text: 1.0} if text in self._in else {}
        if _HAN.match(text) or len(text) < 4:
            return known
        cutoff = _SPELLED if known else _HEARD
        near = process.extract(text, self._words, scorer=fuzz.ratio, score_cutoff=cutoff, limit=4)
        return {word: (ratio / 100) ** 2 for word, ratio, _ in near} | known


@lru_cache(maxsize=16384)
def stem(word: str) -> str:
    """The stem of an English word in small letters: "batteries" and "battery" have one."""
    with _stemming:
        return str(_stem.stemWord(word))


def _folded(text: str) -> str:
    """NFKC in small letters, straight apostrophes, at most `LONGEST` characters."""
    return unicodedata.normalize("NFKC", text[: 2 * LONGEST]).casefold().replace("’", "'")[:LONGEST].strip()
