"""What answers mean, in words alone."""

from __future__ import annotations

import pytest

from actions.catalogue import make_call
from device.answers import chosen, correction, is_cancel, is_undo, parse_fact, value_in
from device.sentences import ASKING, corrected, part_meant, with_answer


@pytest.mark.parametrize(
    "text", ["cancel", "no cancel that", "Never mind, please.", "forget it", "stop", "取消", "算了吧", "不用了", "停"]
)
def test_words_that_end(text: str) -> None:
    assert is_cancel(text)
    assert is_cancel(text, denial=False)


@pytest.mark.parametrize(
    "text", ["no", "No thanks.", "nothing", "no wait", "not today", "不", "不要了", "别发了", "没有"]
)
def test_denials_end_where_words_are_asked_for(text: str) -> None:
    assert is_cancel(text)
    assert not is_cancel(text, denial=False)


@pytest.mark.parametrize(
    "text",
    [
        "tell him to cancel the order",
        "cancel the meeting",
        "no i said anna",
        "nora",
        "告诉他取消了",
        "不来了",
        "",
        "um",
    ],
)
def test_words_that_only_contain_an_end(text: str) -> None:
    assert not is_cancel(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("undo", True),
        ("Undo that!", True),
        ("take it back", True),
        ("撤销", True),
        ("取消", True),
        ("undo my hair", False),
        ("", False),
    ],
)
def test_taking_back(text: str, meant: bool) -> None:
    assert is_undo(text) is meant


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("it's for my boss", "boss"),
        ("Um, to Anna.", "Anna"),
        ("Anna", "Anna"),
        ("I think Anna Berg", "Anna Berg"),
        ("the red running shoes please", "red running shoes"),
        ("anna at example dot com", "anna at example dot com"),
        ("um oh one seven oh", "oh one seven oh"),
        ("是安娜", "安娜"),
        ("嗯，给安娜吧", "安娜"),
        ("我的仓鼠", "仓鼠"),
        ("uh", ""),
        ("嗯", ""),
        ("...", ""),
        ("a\nb\x00c", "b c"),
    ],
)
def test_the_value_in_an_answer(text: str, value: str) -> None:
    assert value_in(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Say that I'm late.", "I'm late"),
        ("that i am late", "i am late"),
        ("for my boss", "for my boss"),
        ("说我到了", "我到了"),
    ],
)
def test_a_message_keeps_its_words(text: str, value: str) -> None:
    assert value_in(text, message=True) == value


NAMES = ["Anna Berg", "Anna Bell (b@x.org)"]


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("the second one", 1),
        ("first", 0),
        ("number two", 1),
        ("The last one, please.", 1),
        ("第二个", 1),
        ("前一个", 0),
        ("berg", 0),
        ("to Anna Bell", 1),
        ("anna", None),
        ("bob", None),
        ("", None),
        ("the third one", None),
        ("second thoughts", None),
    ],
)
def test_choosing(text: str, choice: int | None) -> None:
    assert chosen(text, NAMES) == ("" if choice is None else NAMES[choice])


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("yes", True),
        ("yes it's greasy", True),
        ("it is", True),
        ("是空的", True),
        ("有", True),
        ("no", False),
        ("no it isn't", False),
        ("没有", False),
        ("没油", False),
        ("I don't know", None),
        ("maybe", None),
        ("yes but not much", None),
        ("不知道", None),
        ("", None),
        ("hello", None),
    ],
)
def test_facts(text: str, fact: bool | None) -> None:
    assert parse_fact(text) is fact


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("No, I said Anna.", ("Anna", True)),
        ("no to the other one", ("to the other one", False)),
        ("not hannah, anna", ("not hannah, anna", False)),
        ("yes but to anna", ("to anna", False)),
        ("make it two pizzas", ("two pizzas", True)),
        ("不对，发给安娜", ("发给安娜", False)),
        ("我说的是安娜", ("安娜", True)),
        ("换成三盒", ("三盒", True)),
        ("no", None),
        ("no thanks", None),
        ("no wait", None),
        ("hm", None),
        ("yes", None),
        ("the tv is on", None),
        ("好像不对", None),
        ("没关系", None),
        ("", None),
        ("no " + "very " * 60, None),
    ],
)
def test_corrections(text: str, content: tuple[str, bool] | None) -> None:
    assert correction(text) == content


@pytest.mark.parametrize(
    ("content", "meant"),
    [
        ("to anna", ("recipient", "anna")),
        ("发给安娜", ("recipient", "安娜")),
        ("the subject is rent", ("subject", "rent")),
        ("主题是房租", ("subject", "房租")),
        ("tell her i'm late", ("body", "tell her i'm late")),
        ("the message is come home", ("body", "come home")),
        ("说我不来了", ("body", "说我不来了")),
        ("anna", ("", "anna")),
    ],
)
def test_which_argument_a_correction_names(content: str, meant: tuple[str, str]) -> None:
    assert part_meant(make_call("send_email", "hannah", "", "hi"), content) == meant


def test_every_sentence_can_be_said() -> None:
    """Braces and all: a value is never read as a place for another."""
    for name, about in ASKING:
        call = make_call(name, *["{x}"] * len(make_arguments(name)))
        for lang in ("en", "zh"):
            assert "{recipient}" in with_answer(call, lang, about, "{recipient}")
    assert corrected(make_call("google_search", "x"), "en", "y") == ""
    assert with_answer(make_call("pet_care", "", ""), "en", "animal", "dog") == ""


def make_arguments(name: str) -> tuple[str, ...]:
    from actions.catalogue import FUNCTIONS

    return FUNCTIONS[name].argument_names
