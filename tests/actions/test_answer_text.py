"""Sentences that can be read aloud, out of what strangers wrote."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.search.answer_text import Passage, answer, coverage, in_language, plain, sentences, sought, without_asides
from actions.wording import LONGEST

NIGHT_WATCH = (
    "The Night Watch (Dutch: De Nachtwacht) is a 1642 painting by Rembrandt van Rijn. It hangs in Amsterdam. "
    "It was cut on all four sides in 1715."
)


def page(text: str, title: str = "", source: str = "example.org", direct: bool = False) -> Passage:
    return Passage(source, title, text, "https://example.org/", direct)


def read(query: str, *passages: Passage, lang: str = "en") -> str:
    found = answer(query, passages, lang)
    return found.text if found else ""


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (
            "who painted the night watch",
            "The Night Watch is a 1642 painting by Rembrandt van Rijn. It hangs in Amsterdam.",
        ),
        ("the night watch", "The Night Watch is a 1642 painting by Rembrandt van Rijn. It hangs in Amsterdam."),
        (
            "when was the night watch cut",
            "The Night Watch is a 1642 painting by Rembrandt van Rijn. It was cut on all four sides in 1715.",
        ),
    ],
)
def test_the_sentence_that_answers_and_the_one_that_says_what_it_is_about(query: str, words: str) -> None:
    assert read(query, page(NIGHT_WATCH, "The Night Watch")) == words


def test_chinese_sentences() -> None:
    text = "长城是中国古代的军事防御工程。它是世界文化遗产！明长城总长8851.8公里（5500英里）。"
    assert read("长城有多长", page(text, "长城"), lang="zh") == "长城是中国古代的军事防御工程。明长城总长8851.8公里。"


def test_the_passage_with_the_words_of_the_query() -> None:
    cats = page("Cats sleep a lot. They also eat.", "Cats")
    wall = page("The wall is 8,850 km long. It is old.", "Great Wall")
    assert read("how long is the great wall", cats, wall) == "The wall is 8,850 km long. It is old."


def test_what_the_engine_itself_answers_comes_first() -> None:
    direct = page("100 EUR is 108 USD.", direct=True)
    assert read("100 euro in dollars", page("100 euro in dollars are many. Yes.", "100 euro in dollars"), direct) == (
        "100 euro in dollars are many. Yes."  # a page with all words is the better answer
    )
    assert read("100 eur in usd", page("Money changes. It does."), direct) == "100 EUR is 108 USD."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Jul 3, 2023 ... The Night Watch is a painting. It hangs in ...", ["The Night Watch is a painting."]),
        ("Jul 3, 2023 · The Night Watch is a painting.", ["The Night Watch is a painting."]),
        ("2023年7月3日 · 《夜巡》是一幅油画。它在...", ["《夜巡》是一幅油画。"]),
        ("was painted by Rembrandt in ...", ["was painted by Rembrandt in"]),
        ("… was painted by him. He was Dutch. …", ["He was Dutch."]),
        (
            "Mr. J. R. R. Tolkien was born in 1892. He lived at 3.5 St. Giles.",
            ["Mr. J. R. R. Tolkien was born in 1892.", "He lived at 3.5 St. Giles."],
        ),
        ("· — ...", []),
    ],
)
def test_half_sentences_are_left_out_where_there_are_whole_ones(text: str, said: list[str]) -> None:
    assert sentences(text, "zh" if "夜" in text else "en") == said


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("Paris (/ˈpærɪs/; French: [paʁi] ) is a city.", "Paris is a city."),
        ("Bell (/bɛl/; March 3, 1847 – August 2, 1922) lived.", "Bell (March 3, 1847 – August 2, 1922) lived."),
        ("It is 330 metres (1,083 ft) tall (see (below)).", "It is 330 metres tall."),
        ("It is 400 m (1312 ft) tall.", "It is 400 m tall."),
        ("孔子（前551年－前479年），名丘（Kǒngzǐ）。", "孔子，名丘。"),
        (
            "鲁迅（英语：Lu Xun，1881年9月25日－1936年10月19日）是作家。",
            "鲁迅（1881年9月25日－1936年10月19日）是作家。",
        ),
    ],
)
def test_brackets_go_but_for_dates(sentence: str, said: str) -> None:
    assert without_asides(sentence) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<p>Hello <b>wor</b>ld<script>alert(1)</script></p>", "Hello world"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;Hi &amp; bye", "Hi & bye"),
        ("&amp;lt;img src=x onerror=alert(1)&amp;gt;Hi", "Hi"),
        ("one<br>two<style>p{}</style><iframe src=//x>three</iframe>", "one two"),
        ("see https://evil.example/a?b=c, or www.evil.example. Yes", "see, or. Yes"),
        ("a\u202eb\u202c\u200bc\u2066d\ufeff\x00\x1b[31me", "abcd 31me"),
        ("**Bold** _it_ `code` [link](x)[1][citation needed] 25 °C", "Bold it code link (x) 25 °C"),
        ("I ❤️ tea 🍵 \ue000", "I tea"),
        ("e\u0301t\u00a0 \u3000\u2028\u00e9", "ét é"),
        ("a < b", "a b"),
        ("<<<<>>>>&&&&;;", "&&&&;;"),
    ],
)
def test_plain_text(text: str, said: str) -> None:
    assert plain(text) == said


@given(st.text(max_size=300))
def test_nothing_that_acts_or_hides_is_left(text: str) -> None:
    said = plain(text)
    assert not set(said) & set("<>*_`|\\")
    assert not [c for c in said if unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp")]
    assert said == " ".join(said.split())


@given(st.text(max_size=400), st.text(max_size=60), st.sampled_from(["en", "zh"]))
def test_any_text_ends_in_a_short_answer_or_none(text: str, query: str, lang: str) -> None:
    found = answer(query, [page(plain(text), "title")], lang)
    if found:
        assert 0 < len(found.text) <= LONGEST[lang] + 12  # " and so on."
        assert in_language(found.text, lang)


def test_a_sentence_without_end_is_cut() -> None:
    text = "The wall is long and " * 100 + "old."
    assert read("wall", page(text)).endswith(" and so on.")
    assert len(read("wall", page(text))) <= LONGEST["en"] + 12
    assert len(read("长城", page("长城很长，" * 100 + "很老。"), lang="zh")) <= LONGEST["zh"] + 12


def test_two_long_sentences_are_one() -> None:
    first, second = "The wall is " + "very " * 35 + "old.", "The wall is " + "quite " * 30 + "long."
    assert read("how long is the wall", page(f"{first} {second}", "Wall")) == second


def test_another_language_is_not_read() -> None:
    assert not read("night watch", page("《夜巡》是一幅油画。"))
    assert not read("夜巡", page("The Night Watch is a painting."), lang="zh")
    assert not read("night watch", page("Ночной дозор это картина Рембрандта."))
    assert read("iPhone", page("iPhone是苹果公司的手机。"), lang="zh") == "iPhone是苹果公司的手机。"


def test_nothing_to_read() -> None:
    assert answer("night watch", [], "en") is None
    assert answer("night watch", [page("")], "en") is None
    assert answer("", [page("Cats sleep. Dogs too.")], "en") is not None


@pytest.mark.parametrize(
    ("query", "terms", "number"),
    [
        ("who painted the Night Watch", ("paint", "night", "watch"), False),
        ("how tall is Everest?", ("tall", "everest"), True),
        ("what’s Rembrandt's name", ("rembrandt", "name"), False),
        ("夜巡是谁画的", ("夜巡", "画"), False),
        ("珠穆朗玛峰有多高", ("珠穆", "穆朗", "朗玛", "玛峰", "高"), True),
        ("iphone是哪年发布的", ("iphon", "发布"), True),
        ("the", (), False),
    ],
)
def test_what_a_query_is_about(query: str, terms: tuple[str, ...], number: bool) -> None:
    assert (sought(query).terms, sought(query).number) == (terms, number)


def test_words_count_in_all_their_forms() -> None:
    assert coverage(("paint", "invent"), "The painter and the inventor") == 1.0
    assert coverage(("paint", "cat"), "Concatenated pains") == 0.0
    assert coverage((), "anything") == 0.0
