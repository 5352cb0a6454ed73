"""Subjects nobody said, addresses as they are said, texts as they are read aloud."""

from __future__ import annotations

import pytest

from actions.messages.mail_text import SUBJECT_EN, SUBJECT_ZH, address_said, is_address, subject_from
from actions.wording import LONGEST, aloud, listing, one_line


@pytest.mark.parametrize(
    ("body", "subject"),
    [
        ("the invoice is paid", "The invoice is paid"),
        ("hi anna, i will be late tomorrow because of the train", "I will be late tomorrow because of the train"),
        ("Can you come at 5? I need help.", "Can you come at 5?"),
        ("ok, see you at 3:30", "See you at 3:30"),
        ("Robert, the meeting is moved", "The meeting is moved"),
        ("version 2.5 is out. please test it", "Version 2.5 is out"),
        (
            "i will come to the office tomorrow morning and bring the signed contract",
            "I will come to the office tomorrow morning",
        ),
        (
            "this is a really long sentence without any punctuation that goes on",
            "This is a really long sentence without any…",
        ),
        ("hello", "Hello"),
        ("iPhone prices", "iPhone prices"),
        ("报告已经完成", "报告已经完成"),
        ("你好，我今天身体不舒服想请一天假，明天会补上", "我今天身体不舒服想请一天假"),
        ("我今天下午要去医院检查身体所以不能参加会议了麻烦你帮我记录一下", "我今天下午要去医院检查身体"),
        ("iPhone 的报价是多少？", "iPhone 的报价是多少？"),
        ("在吗", "在吗"),
        ("", ""),
        ("...", ""),
    ],
)
def test_subject(body: str, subject: str) -> None:
    assert subject_from(body).rstrip("？") == subject.rstrip("？")


@pytest.mark.parametrize("body", ["x" * 500, "很" * 500, "a b " * 300, "line\nbreak\r\nBcc: x", "\x00\u2028é" * 40])
def test_a_subject_is_always_short_and_one_line(body: str) -> None:
    subject = subject_from(body)
    assert len(subject) <= max(SUBJECT_EN, SUBJECT_ZH) + 1
    assert subject == one_line(subject)


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("anna at example dot com", "anna@example.com"),
        ("Anna@Example.com.", "Anna@Example.com"),
        ("anna＠example．com", "anna@example.com"),
        ("anna艾特example点com", "anna@example.com"),
        ("anna 艾特 example 点 com 点 cn", "anna@example.com.cn"),
        ("first dot last at mail dot example dot org", "first.last@mail.example.org"),
        ("anna plus news at example dot com", "anna+news@example.com"),
        ("anna berg at example dot com", None),
        ("bob at work", None),
        ("anna", None),
        ("", None),
        ("a@b", None),
        ("a..b@example.com", None),
        ("@example.com", None),
        ("a@-example.com", None),
        ("a@example.com,b@example.com", None),
        ("x" * 65 + "@example.com", None),
        ("李@example.com", None),
    ],
)
def test_address(said: str, address: str | None) -> None:
    assert address_said(said) == address


@pytest.mark.parametrize("text", ["a@b.cd\n", "a@b.cd\r\nBcc: x@y.zz", " a@b.cd", "a@b.cd>", "a@b.cd x"])
def test_what_is_beside_an_address_is_not_one(text: str) -> None:
    assert not is_address(text)


def test_aloud() -> None:
    assert aloud("i am late.\nsorry!", "en") == "i am late. sorry"
    assert aloud("word " * 200, "en").endswith("word and so on")
    assert len(aloud("很长" * 200, "zh")) <= LONGEST["zh"] + 2
    assert listing(["a"], "en") == "a"
    assert listing(["a", "b", "c"], "en") == "a, b or c"
    assert listing(["a", "b", "c"], "zh") == "a、b还是c"
