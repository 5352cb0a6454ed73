"""The adapter that docs/adapters.md shows is taken over by the registry and does what the page says."""

from __future__ import annotations

import re
import sys
import types
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from actions.base import Action, Request, outcome_of
from actions.catalogue import make_call
from actions.errors import NotNow, Question, SettingsError
from actions.people.contacts import ContactBook
from actions.registry import GROUP, Context, build_actions
from actions.settings import ActionsSettings

PAGE = (Path(__file__).parents[2] / "docs" / "adapters.md").read_text(encoding="utf-8")
(CODE,) = re.findall("```python\n(.*?)```", PAGE, re.DOTALL)
NAME, PLACE = re.findall('"tako.actions"]\n(\\w+) = "([\\w:]+)"', PAGE)[0]


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> EntryPoint:
    """The page's package as if it were installed."""
    module = types.ModuleType(PLACE.partition(":")[0])
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(CODE, "docs/adapters.md", "exec"), module.__dict__)
    return EntryPoint(NAME, PLACE, GROUP)


@pytest.fixture
def lamp(package: EntryPoint, tmp_path: Path) -> Action:
    context = Context(ActionsSettings(), ContactBook([]), tmp_path)
    return build_actions(context, plugins=[package])[NAME]


def wanted(item: str, lang: str = "en") -> Request:
    return Request(make_call(NAME, item), lang)


def test_it_is_as_short_as_the_page_promises() -> None:
    assert len([line for line in CODE.splitlines() if line.strip()]) <= 32


def test_it_acts_in_place_of_tako_s_own(lamp: Action, tmp_path: Path) -> None:
    assert type(lamp).__module__ == PLACE.partition(":")[0]
    (tmp_path / "lamps").mkdir()
    outcome = lamp.perform(wanted("plastic bottle"))
    assert (outcome.status, outcome.spoken) == ("done", "The yellow bin.")
    assert (tmp_path / "lamps" / "yellow").read_text() == "1"
    assert lamp.perform(wanted("旧鞋", "zh")).detail == "black"
    assert lamp.read_back(wanted("旧鞋", "zh")).endswith("？")


def test_what_it_raises_is_told_and_waits(lamp: Action) -> None:
    with pytest.raises(NotNow) as error:
        lamp.perform(wanted("shoe"))
    assert outcome_of(error.value, "zh").status == "waiting"
    with pytest.raises(Question):
        lamp.perform(wanted(""))


def test_a_package_that_does_not_fit_is_named(package: EntryPoint, tmp_path: Path) -> None:
    context = Context(ActionsSettings(), ContactBook([]), tmp_path)
    with pytest.raises(SettingsError, match="tako_bins:make"):
        build_actions(context, plugins=[EntryPoint("pet_care", PLACE, GROUP)])
