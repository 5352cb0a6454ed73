"""The list on disk: each request once, nothing lost, the same thing on one line."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from actions.errors import ActionError, DeviceError, Question
from actions.shopping.shopping_list import FILE, GROCERIES, MEALS, MOST, PRODUCTS, Line, ShoppingList, Wanted, clean


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[ShoppingList]:
    kept = ShoppingList(tmp_path, clock=lambda: 1000.0)
    yield kept
    kept.close()


def put(kept: ShoppingList, key: str, *said: str, kind: str = GROCERIES) -> None:
    kept.add(key, kind, [Wanted(words, words) for words in said], "en")


def texts(kept: ShoppingList, done: bool = False) -> list[str]:
    return [line.text for line in kept.lines(done)]


def test_the_same_key_puts_things_on_it_once(kept: ShoppingList) -> None:
    for _ in range(2):
        put(kept, "k1", "milk", "eggs")
    put(kept, "k2", "bread")
    assert texts(kept) == ["milk", "eggs", "bread"]


def test_a_request_that_was_cut_short_in_the_midst_of_being_kept_is_kept_once(kept: ShoppingList) -> None:
    put(kept, "k1", "milk", "eggs")
    kept._database.write("DELETE FROM errands")  # as if the power had failed right before it
    kept.tick([kept.find("eggs")])
    put(kept, "k1", "milk", "eggs")
    assert (texts(kept), texts(kept, done=True)) == (["milk"], ["eggs"])


def test_what_was_removed_does_not_come_back_when_the_request_is_repeated(kept: ShoppingList) -> None:
    put(kept, "k1", "milk")
    kept.remove(kept.lines())
    put(kept, "k1", "milk")
    assert texts(kept) == []


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (["three lemons", "two lemons"], ["5 lemons"]),
        (["lemon", "Lemons"], ["lemon"]),
        (["milk", "2 liters of milk"], ["milk", "2 liters of milk"]),  # one does not say how much the other is
        (["2 liters of milk", "two bottles of milk", "1 liter of milk"], ["3 liters of milk", "two bottles of milk"]),
        (["两盒牛奶", "牛奶3盒"], ["5盒牛奶"]),
        (["一斤苹果", "三个苹果"], ["一斤苹果", "三个苹果"]),
        (["🍋", "🍎", "🍋"], ["🍋", "🍎"]),
    ],
)
def test_the_same_thing_is_one_line(kept: ShoppingList, said: list[str], shown: list[str]) -> None:
    for number, words in enumerate(said):
        put(kept, f"k{number}", words)
    assert texts(kept) == shown
    assert sorted(words for line in kept.lines() for words in line.said) == sorted(said)  # nothing is lost


def test_kinds_are_not_merged(kept: ShoppingList) -> None:
    for kind in (PRODUCTS, GROCERIES, MEALS):
        put(kept, kind, "lemons", kind=kind)
    assert [line.kind for line in kept.lines()] == [PRODUCTS, GROCERIES, MEALS]


def test_bought_and_removed(kept: ShoppingList) -> None:
    put(kept, "k1", "three lemons", "milk", "eggs", "bread")
    put(kept, "k2", "two lemons")
    kept.tick([kept.find("lemons"), kept.find("2")])
    kept.remove([kept.find("EGG")])
    assert texts(kept) == ["bread"]
    assert texts(kept, done=True) == ["5 lemons", "milk"]
    assert {line.done for line in kept.lines(done=True)} == {1000.0}
    assert kept.clear(done_only=True) == 3
    assert (texts(kept), texts(kept, done=True)) == (["bread"], [])
    assert kept.clear() == 1


def test_a_line_is_found_by_number_by_words_or_by_what_it_is(kept: ShoppingList) -> None:
    put(kept, "k1", "three lemons", "milk", "2 liters of milk")
    assert [kept.find(which).number for which in ("1", "lemon", "three lemons", "milk", "2 liters of milk")] == [
        1, 1, 1, 2, 3,
    ]  # fmt: skip
    for which in ("7", "9" * 5000, "cheese", "", "%"):
        with pytest.raises(ActionError, match="There is no"):
            kept.find(which)


def test_what_means_two_lines_is_a_question(kept: ShoppingList) -> None:
    put(kept, "k1", "two bottles of milk", "2 liters of milk")
    with pytest.raises(Question, match="milk is on your list 2 times") as caught:
        kept.find("milk")
    assert caught.value.zh == "清单上有2个milk，请说编号。"


def test_a_full_list_says_so_and_takes_nothing(kept: ShoppingList) -> None:
    put(kept, "k1", *(f"thing {n}" for n in range(MOST)))
    put(kept, "k1", *(f"thing {n}" for n in range(MOST)))  # the same request again is no new thing
    with pytest.raises(ActionError, match=f"full: it has {MOST} things"):
        put(kept, "k2", "one more")
    kept.tick([kept.find("1")])
    put(kept, "k2", "one more")
    assert len(kept.lines()) == MOST


def test_what_is_kept_is_one_line_that_can_be_seen(kept: ShoppingList) -> None:
    put(
        kept,
        "k1",
        "milk\r\nBcc: x@example.net",
        "\u202eeggs\u200b",
        "x" * 10_000,
        "\ud800bread",
        "'); DROP TABLE entries",
    )
    first, second, third, fourth, fifth = texts(kept)
    assert first == "milk Bcc: x@example.net"
    assert second == "eggs"
    assert len(third) == 200
    assert fourth == "?bread"
    assert fifth == "'); DROP TABLE entries"
    assert clean("  a\u2028b\x00c ") == "a b c"


def test_the_link_of_a_request_is_remembered(kept: ShoppingList) -> None:
    put(kept, "k1", "milk")
    assert (kept.errand("k1").link, kept.errand("k1").sent) == ("", "")
    kept.keep_link("k1", "https://www.example.com/list")
    kept.mark_sent("k1", "your phone")
    assert (kept.errand("k1").link, kept.errand("k1").sent) == ("https://www.example.com/list", "your phone")


def test_it_is_there_again_and_private(kept: ShoppingList, tmp_path: Path) -> None:
    put(kept, "k1", "milk")
    other = ShoppingList(tmp_path)
    assert texts(other) == ["milk"]  # while another process has it open, too
    other.close()
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_kill_9_right_after_loses_nothing(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "from actions.shopping.shopping_list import ShoppingList, Wanted\n"
        f"ShoppingList(Path({str(tmp_path)!r})).add('k1', 'groceries', [Wanted('milk', 'milk')], 'en')\n"
        f"os.kill(os.getpid(), {int(signal.SIGKILL)})\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False, env=os.environ)
    assert ended.returncode == -signal.SIGKILL
    kept = ShoppingList(tmp_path)
    assert texts(kept) == ["milk"]
    kept.close()


def test_a_damaged_list_is_set_aside_and_said(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"this is no database" * 100)
    kept = ShoppingList(tmp_path)
    put(kept, "k1", "milk")
    assert kept.notice
    assert "shopping list was damaged" in kept.notice.en
    assert texts(kept) == ["milk"]
    kept.close()


def test_a_full_disk_is_a_sentence(kept: ShoppingList, tmp_path: Path) -> None:
    put(kept, "k1", "milk")
    connection: sqlite3.Connection = kept._database._connection
    connection.execute(f"PRAGMA max_page_count={connection.execute('PRAGMA page_count').fetchone()[0]}")
    with pytest.raises(DeviceError, match="disk is full"):
        put(kept, "k2", *("y" * 200 for _ in range(100)))
    assert texts(kept) == ["milk"]


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DeviceError):
        ShoppingList(tmp_path / "file").lines()


def test_a_line_says_all_that_is_known_of_it(kept: ShoppingList) -> None:
    kept.add("k1", MEALS, [Wanted("two pizzas from Luigi's", "Luigi's")], "en")
    (line,) = kept.lines()
    assert isinstance(line, Line)
    assert (line.query, line.added, line.done, line.amount.quantity) == ("Luigi's", 1000.0, None, 2)
