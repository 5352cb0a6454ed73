"""`tako list`: what was asked for in words, on the terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from actions.shopping.shopping_list import GROCERIES, MEALS, PRODUCTS, ShoppingList, Wanted
from device.cli.main import tako

SCRIPT = [
    ("get three lemons and milk", "instacart_shopping", {"items": "three lemons; milk"}),
    ("get two lemons", "instacart_shopping", {"items": "two lemons"}),
    ("点一份宫保鸡丁", "doordash_delivery", {"order": "宫保鸡丁"}),
    ("buy a hammer", "amazon_shopping", {"product": "hammer"}),
]
SETTINGS = '[mind]\nkind = "scripted"\nscript = "script.jsonl"\n[voice]\nengine = "print"\n'

Tako = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tako:
    """`tako` with a TAKO_HOME of its own and a scripted mind."""
    monkeypatch.setenv("TAKO_HOME", str(tmp_path))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    lines = [{"transcript": text, "calls": [{"name": name, "args": args}]} for text, name, args in SCRIPT]
    (tmp_path / "script.jsonl").write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    (tmp_path / "tako.toml").write_text(SETTINGS)

    def call(*args: str, stdin: str = "", more: str = "") -> Result:
        (tmp_path / "tako.toml").write_text(SETTINGS + more)
        everything = ["--settings", str(tmp_path / "tako.toml"), *args]
        return CliRunner().invoke(tako, everything, input=stdin, prog_name="tako", catch_exceptions=False)

    return call


@pytest.fixture
def filled(run: Tako, tmp_path: Path) -> Tako:
    """With a list on which is what `SCRIPT` asks for."""
    kept = ShoppingList(tmp_path / "shopping")
    kept.add("k1", GROCERIES, [Wanted("three lemons", "lemons"), Wanted("milk", "milk")], "en")
    kept.add("k2", GROCERIES, [Wanted("two lemons", "lemons")], "en")
    kept.add("k3", MEALS, [Wanted("宫保鸡丁", "宫保鸡丁")], "zh")
    kept.add("k4", PRODUCTS, [Wanted("hammer", "hammer")], "en")
    kept.close()
    return run


def test_what_was_asked_for_is_on_the_list(run: Tako) -> None:
    for text, _, _ in SCRIPT:
        assert run("ask", text, "--yes").exit_code == 0
    lines = run("list", "show").stdout.splitlines()
    assert [line.split("  ")[-2:] for line in lines] == [
        ["5 lemons", "groceries"],
        ["milk", "groceries"],
        ["宫保鸡丁", "meals"],
        ["hammer", "products"],
    ]


def test_a_no_puts_nothing_on_it(run: Tako) -> None:
    result = run("ask", "buy a hammer", stdin="n\n")
    assert "Shall I put hammer on your list?" in result.stderr
    assert run("list", "show").stdout == "The shopping list is empty.\n"


def test_as_json(filled: Tako) -> None:
    lemons, milk, dish, hammer = (json.loads(line) for line in filled("list", "show", "--json").stdout.splitlines())
    assert lemons.pop("added") > 0
    assert lemons == {
        "number": 1,
        "text": "5 lemons",
        "name": "lemons",
        "quantity": 5.0,
        "unit": "each",
        "kind": "groceries",
        "said": ["three lemons", "two lemons"],
        "bought": None,
        "link": "https://www.instacart.com/store/s?k=lemons",
    }
    assert (milk["quantity"], milk["unit"]) == (None, None)
    assert dish["link"].startswith("https://www.doordash.com/search/store/%E5%AE%AB")
    assert hammer["link"] == "https://www.amazon.com/s?k=hammer"


def test_links_are_of_the_shops_in_the_settings(filled: Tako) -> None:
    shown = filled("list", "show", "--links", more='[shopping]\nregion = "DE"\n').stdout
    assert "      https://www.amazon.de/s?k=hammer" in shown
    assert "instacart" not in shown


def test_done_and_remove_by_number_and_by_words(filled: Tako) -> None:
    assert filled("list", "done", "1", "milk").stdout == "   1  5 lemons  bought\n   2  milk  bought\n"
    assert filled("list", "remove", "hammers").stdout.endswith("hammer  removed\n")
    assert [line.split("  ")[-2] for line in filled("list", "show").stdout.splitlines()] == ["宫保鸡丁"]
    assert "5 lemons" in filled("list", "show", "--bought").stdout
    assert filled("list", "clear", "--bought").stdout == "3 entries forgotten.\n"
    assert filled("list", "show", "--bought").stdout == "Nothing was bought yet.\n"


@pytest.mark.parametrize("command", ["done", "remove"])
def test_what_is_not_there_changes_nothing(filled: Tako, command: str) -> None:
    result = filled("list", command, "1", "cheese")
    assert (result.exit_code, result.stderr) == (6, "There is no cheese on your list.\n")
    assert len(filled("list", "show").stdout.splitlines()) == 4


@pytest.mark.parametrize(("answer", "left"), [("y\n", 0), ("n\n", 4), ("", 4)])
def test_clear_asks(filled: Tako, answer: str, left: int) -> None:
    result = filled("list", "clear", stdin=answer)
    assert "Forget the whole shopping list?" in result.stderr
    assert len(filled("list", "show", "--json").stdout.splitlines()) == left


def test_clear_without_asking(filled: Tako) -> None:
    assert filled("list", "clear", "--yes").stdout == "5 entries forgotten.\n"


def test_a_damaged_list_is_told_and_a_new_one_begun(run: Tako, tmp_path: Path) -> None:
    (tmp_path / "shopping").mkdir()
    (tmp_path / "shopping" / "shopping.sqlite").write_bytes(b"no database" * 100)
    result = run("list", "show")
    assert (result.exit_code, result.stdout) == (0, "The shopping list is empty.\n")
    assert "My shopping list was damaged" in result.stderr
