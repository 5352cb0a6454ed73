"""456 confusable names, written by hand with how they are misheard and mistyped: nobody is taken for another."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from actions.errors import Question
from actions.people.contacts import Contact, ContactBook, label_meant
from actions.people.name_words import description, digits_said, spelled_out
from actions.people.names import Grade, Name, clean, fold, grade

TABLE = Path(__file__).parent.parent / "data" / "confusable_names.tsv"


@dataclass(frozen=True)
class Row:
    language: str
    group: str  # of names that are confused with each other
    name: str
    sound: str  # names of one sound nobody can tell apart by ear
    variants: tuple[str, ...]  # misheard and mistyped


def _rows() -> list[Row]:
    lines = TABLE.read_text(encoding="utf-8").splitlines()[1:]
    return [Row(*cells[:4], tuple(v for v in cells[4].split("; ") if v)) for cells in (x.split("\t") for x in lines)]


ROWS = _rows()
GROUPS = [list(rows) for _, rows in itertools.groupby(ROWS, key=lambda row: row.group)]
SPELLED = {fold(row.name) for row in ROWS}


def book(rows: list[Row]) -> ContactBook:
    return ContactBook(Contact(row.name, f"{ROWS.index(row)}@example.com") for row in rows)


def asked(contacts: ContactBook, said: str, heard: bool = True) -> Contact | Question:
    """Who is found, or what is asked."""
    try:
        return contacts.find(said, heard)
    except Question as question:
        return question


def found(contacts: ContactBook, said: str, heard: bool = True) -> str:
    """The name found; empty for a question."""
    got = asked(contacts, said, heard)
    return got.name if isinstance(got, Contact) else ""


def named(question: Question) -> list[str]:
    """The names that a question lists."""
    return [choice.partition(" (")[0] for choice in question.choices]


def test_the_list_is_long_and_without_doubles() -> None:
    assert len(ROWS) == len({row.name for row in ROWS}) >= 300
    assert sum(len(row.variants) for row in ROWS) >= 300
    assert Counter(row.language for row in ROWS)["zh"] >= 100


def test_nobody_is_taken_for_another_among_all() -> None:
    everybody = book(ROWS)
    wrong = [
        said for row in ROWS[::4] for said in (row.name, *row.variants) if found(everybody, said) not in ("", row.name)
    ]
    assert not wrong


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group[0].name)
def test_nobody_is_taken_for_another_of_those_alike(group: list[Row]) -> None:
    among = book(group)
    for row in group:
        for said in (row.name, *row.variants):
            assert found(among, said) in ("", row.name), said
        got = asked(among, row.name)
        assert row.name in (named(got) if isinstance(got, Question) else [got.name])


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group[0].name)
def test_who_is_missing_is_not_replaced(group: list[Row]) -> None:
    """Only a name that nobody can tell apart by ear may stand in, and never what is another's name as it is spelled."""
    for row, other in itertools.permutations(group, 2):
        alone = book([other])
        assert found(alone, row.name) in ("", *[other.name] * (row.sound == other.sound)), (row.name, other.name)
        for said in row.variants:
            if fold(said) not in SPELLED:
                assert found(alone, said) in ("", other.name)
                assert not found(alone, said) or grade(Name(fold(said)), Name(fold(other.name))) == Grade.SAME


def test_typed_names_are_found_as_they_are_spelled() -> None:
    everybody = book(ROWS)
    assert [row.name for row in ROWS[1::4] if found(everybody, row.name, heard=False) != row.name] == []


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group[0].name)
def test_every_label_of_a_question_is_an_answer_to_it(group: list[Row]) -> None:
    among = book(group)
    questions = [got for row in group if isinstance(got := asked(among, row.name), Question)]
    for question in questions:
        assert question.about == "recipient"
        assert len(set(question.choices)) == len(question.choices)
        assert [found(among, choice) for choice in question.choices] == named(question)


def test_most_names_of_an_ordinary_book_need_no_question() -> None:
    first = "James Mary Robert Patricia Jennifer Linda David Elizabeth William Susan Joseph Thomas Karen Nancy Kevin"
    last = "Smith Johnson Williams Brown Jones Garcia Miller Davis Martinez Lopez Wilson Anderson Taylor Moore Lee"
    names = [f"{a} {b}" for a, b in zip(first.split(), last.split(), strict=True)]
    given = "王秀英 李建国 张婷婷 刘志强 陈雨桐 杨浩然 黄春梅 赵俊杰 吴海燕 周文博 徐子涵 孙玉兰 马晓东 朱国强 胡佳怡"
    names += given.split()
    among = ContactBook(map(Contact, names))
    assert [name for name in names if found(among, name) != name] == []


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        ("john", "jon", Grade.SAME),
        ("sara", "sarah", Grade.SAME),
        ("jo anne", "joanne", Grade.SPELLED),
        ("mary ann", "marian", Grade.NEAR),
        ("catherine", "kathryn", Grade.NEAR),
        ("john", "joan", Grade.NEAR),
        ("joan", "joann", Grade.NEAR),
        ("rhonda", "ronny", Grade.FAR),
        ("ben", "ken", Grade.NEAR),
        ("anna berg", "anna bell", Grade.FAR),
        ("anna berg", "anna burg", Grade.NEAR),
        ("张伟", "章威", Grade.SAME),
        ("赵敏", "曹敏", Grade.NEAR),
        ("李宁", "林宁", Grade.FAR),
        ("刘洋", "牛洋", Grade.NEAR),
        ("陈静", "程金", Grade.NEAR),
        ("陈静", "王芳", Grade.FAR),
        ("曾强", "增强", Grade.SAME),
        ("zhang wei", "张伟", Grade.SAME),
        ("wei zhang", "张伟", Grade.SAME),
        ("安娜", "anna", Grade.SAME),
        ("zoe", "章威", Grade.FAR),
        ("анна", "инна", Grade.NEAR),
        ("anna", "", Grade.FAR),
    ],
)
def test_how_near_names_are(one: str, other: str, level: Grade) -> None:
    assert grade(Name(one), Name(other)) == grade(Name(other), Name(one)) == level


def test_a_name_is_shown_without_what_cannot_be_seen() -> None:
    assert clean("Anna\u202egreB\u2066 \x00\n\u200bBerg") == "AnnagreB Berg"
    assert clean("x" * 10_000) == "x" * 100
    assert fold("José  MÜLLER-Weiß") == "jose muller weiss"
    assert fold("🖖❤️") == ""


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("a n n a", "anna"),
        ("A-N-N-A", "anna"),
        ("A. N. N. A.", "anna"),
        ("anna, a double n a", "anna"),
        ("b as in bob, e, n", "ben"),
        ("j o h n s m i t h", "johnsmith"),
        ("弓长张，伟大的伟", "张伟"),
        ("是木子李，美丽的丽", "李丽"),
        ("anna", ""),
        ("张伟", ""),
        ("a", ""),
        ("", ""),
    ],
)
def test_spelled(said: str, name: str) -> None:
    assert spelled_out(said) == name


@pytest.mark.parametrize(
    ("said", "digits"),
    [
        ("one seven oh double five six", "170556"),
        ("plus forty-nine, 170 1234567", "+491701234567"),
        ("four oh eight triple five twelve twelve", "4085551212"),
        ("twenty twenty five", "2025"),
        ("幺三八 零零幺三 八零零零", "13800138000"),
        ("加八六幺三八零零幺三八零零零", "+8613800138000"),
        ("+49 (0)170 123-4567", "+491701234567"),
        ("nine lives", ""),
        ("double", ""),
        ("", ""),
    ],
)
def test_digits(said: str, digits: str) -> None:
    assert digits_said(said) == digits


def test_characters_are_told_apart() -> None:
    assert description("张伟") == "弓长张，伟大的伟"
    assert description("章威") == "立早章，威风的威"
    assert description("Anna") == ""


LABELS = (
    "John Berg (j@x.org)",
    "Jon Berg (jon@y.org)",
    "张伟 (弓长张，伟大的伟)",
    "章威 (立早章，威风的威)",
    "Rosa Diaz",
)


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("y org", LABELS[1]),
        ("弓长张", LABELS[2]),
        ("伟大的伟", LABELS[2]),
        ("rosa", LABELS[4]),
        ("diaz", LABELS[4]),
        ("jon", ""),
        ("jon berg", ""),
        ("张伟", ""),
        ("zoe", ""),
        ("", ""),
    ],
)
def test_a_name_that_sounds_as_another_is_no_answer(answer: str, label: str) -> None:
    assert label_meant(answer, LABELS) == label
