"""From words to an entry: spelling, heads, mishearings, Chinese, and meaning where a model is."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.matching import CLEAR, LONGEST, NEAR, Entry, Match, Matcher, verdict

ENTRIES = [
    Entry("battery", {"en": ("battery", "AA cell"), "zh": ("电池", "充电宝")}),
    Entry("plastic bottle", {"en": ("plastic bottle", "shampoo bottle"), "zh": ("塑料瓶", "矿泉水瓶")}),
    Entry("cap", {"en": ("bottle cap", "lid"), "zh": ("瓶盖",)}),
    Entry("glass bottle", {"en": ("glass bottle", "wine bottle"), "zh": ("玻璃瓶", "啤酒瓶")}),
    Entry("foam", {"en": ("polystyrene", "yogurt pot"), "zh": ("泡沫",)}),
    Entry("pipe", {"en": ("copper pipe",), "zh": ("铜管",)}),
    Entry("phone", {"en": ("mobile phone",), "zh": ("手机",)}),
]
ASIDE = {"en": ("old", "dead", "empty"), "zh": ("用完的", "旧的")}


@pytest.fixture(scope="module")
def matcher() -> Matcher[str]:
    return Matcher(ENTRIES, aside=ASIDE)


@pytest.mark.parametrize(
    ("text", "lang", "meant"),
    [
        ("battery", "en", "battery"),
        ("Dead Batteries", "en", "battery"),
        ("bottle of plastic", "en", "plastic bottle"),
        ("plastic bottle cap", "en", "cap"),
        ("wine bottle with a cap", "en", "glass bottle"),
        ("a bit of copper pipe", "en", "pipe"),
        ("polly styrene", "en", "foam"),
        ("yoghurt pots", "en", "foam"),
        ("用完的电池", "zh", "battery"),
        ("空矿泉水瓶", "zh", "plastic bottle"),
        ("旧的 mobile phone", "zh", "phone"),
        ("塑料瓶的瓶盖", "zh", "cap"),
    ],
)
def test_clear(matcher: Matcher[str], text: str, lang: str, meant: str) -> None:
    matches = matcher.best(text, lang)
    assert (verdict(matches), matches[0].entry.payload) == ("clear", meant)


def test_what_may_be_two_things_is_not_clear(matcher: Matcher[str]) -> None:
    matches = matcher.best("bottle", "en")
    assert {match.entry.payload for match in matches[:2]} == {"plastic bottle", "glass bottle"}
    assert verdict(matches) == "near"


@pytest.mark.parametrize("text", ["unicorn", "", "  ", "...", "🦄", "独角兽", "the old", "旧的"])
def test_nothing(matcher: Matcher[str], text: str) -> None:
    assert verdict(matcher.best(text, "en")) == "nothing"


def test_each_entry_comes_once_with_its_best_phrase_in_the_own_language(matcher: Matcher[str]) -> None:
    matches = matcher.best("wine bottle", "en")
    assert matches[0] == Match(pytest.approx(1.0), ENTRIES[3], "wine bottle")
    payloads = [match.entry.payload for match in matches]
    assert len(payloads) == len(set(payloads))
    both = Matcher([Entry("cd", {"en": ("CD",), "zh": ("cd",)})])
    assert both.best("cd", "zh")[0].phrase == "cd"
    assert both.best("cd", "en")[0].phrase == "CD"
    assert len(matcher.best("plastic glass bottle cap", "en", n=2)) == 2


def test_in_questions_all_words_count_alike() -> None:
    entries = [
        Entry("bath", {"en": ("how often should i bathe him",), "zh": ("多久洗一次澡",)}),
        Entry("food", {"en": ("how often should i feed him",), "zh": ("多久喂一次",)}),
    ]
    matcher = Matcher(entries, heads=False)
    assert matcher.best("how often do i have to bathe my old dog", "en")[0].entry.payload == "bath"
    assert matcher.best("多久要给它洗澡", "zh")[0].entry.payload == "bath"
    assert matcher.best("feeding how often", "en")[0].entry.payload == "food"


def test_verdict_has_three_answers() -> None:
    a, b = ENTRIES[:2]
    assert verdict([]) == "nothing"
    assert verdict([Match(NEAR - 0.01, a, "")]) == "nothing"
    assert verdict([Match(NEAR, a, "")]) == "near"
    assert verdict([Match(CLEAR, a, "")]) == "clear"
    assert verdict([Match(0.9, a, ""), Match(0.89, b, "")]) == "near"


class Fake:
    """A model that knows one pair of synonyms; counts how often it is asked."""

    def __init__(self, there: bool = True) -> None:
        self.there, self.asked = there, 0

    def of_texts(self, texts: Sequence[str]) -> np.ndarray | None:
        self.asked += 1
        axes = [0 if text in ("handset", "mobile phone") else 1 + hash(text) % 200 for text in texts]
        return np.eye(201, dtype=np.float32)[axes] if self.there else None

    def of_picture(self, path: Path) -> np.ndarray | None:
        return None


def test_meaning_finds_what_is_spelled_otherwise() -> None:
    meaning = Fake()
    matcher = Matcher(ENTRIES, meaning)
    matches = matcher.best("handset", "en")
    assert (matches[0].entry.payload, verdict(matches)) == ("phone", "near")
    matcher.best("handset", "en")
    assert meaning.asked == 3, "the entries' vectors are made once"


def test_a_model_that_comes_later_is_used() -> None:
    meaning = Fake(there=False)
    matcher = Matcher(ENTRIES, meaning)
    assert matcher.best("handset", "en") == []
    assert verdict(matcher.best("wine bottles", "en")) == "clear"
    meaning.there = True
    assert matcher.best("handset", "en")[0].entry.payload == "phone"


def test_no_entries() -> None:
    assert Matcher([]).best("battery", "en") == []


def test_in_many_threads_the_answers_are_the_same() -> None:
    matcher = Matcher(ENTRIES, aside=ASIDE)
    texts = ["dead batteries", "plastic bottles", "bottle caps", "wine bottles"] * 25
    found: list[list[object]] = [[] for _ in range(8)]

    def ask(into: list[object]) -> None:
        into.extend(matcher.best(text, "en")[0].entry.payload for text in texts)

    threads = [threading.Thread(target=ask, args=(into,)) for into in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(answers == ["battery", "plastic bottle", "cap", "glass bottle"] * 25 for answers in found)


@given(st.text(max_size=400), st.sampled_from(["en", "zh"]))
def test_any_text_has_an_answer(matcher: Matcher[str], text: str, lang: str) -> None:
    matches = matcher.best(text, lang)
    assert all(0 < match.score <= 1 + 1e-9 for match in matches)
    assert [m.score for m in matches] == sorted((m.score for m in matches), reverse=True)


def test_a_huge_text_is_cut(matcher: Matcher[str]) -> None:
    assert matcher.best("battery " + "x" * 5_000_000, "en") == matcher.best(
        ("battery " + "x" * LONGEST)[:LONGEST], "en"
    )
