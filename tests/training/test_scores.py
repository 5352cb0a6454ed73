"""Tallies of answers, the report of `training.evaluate`, and the pictures made of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from actions.catalogue import Call, make_call
from training.data.requests import Example
from training.scores import (
    STYLES,
    Judged,
    Reply,
    Share,
    acting,
    answers,
    confusion,
    markdown,
    refusals,
    tabulate,
    wilson,
)

TEXT, OTHER = make_call("send_text", "bob", "i am late"), make_call("send_text", "bob", "")
SHOP, NONE, UNCLEAR = (
    make_call("amazon_shopping", "lamp"),
    make_call("none", "unsupported"),
    make_call("none", "unclear"),
)


def judged(wanted: list[Call], got: list[Call], other: list[Call] | None = None, kind: str = "plain", **more) -> Judged:
    reply = Reply(tuple(got), more.pop("confidence", 0.99), tuple(got))
    second = None if other is None else Reply(tuple(other), 0.99, tuple(other))
    return Judged("dev", STYLES[0], Example("text bob", tuple(wanted), kind), reply, second, **more)


def refused(wanted: list[Call], meant: list[Call]) -> Judged:
    return Judged("dev", STYLES[0], Example("text bob", tuple(wanted)), Reply((UNCLEAR,), 0.2, tuple(meant), True))


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (95, 100, 0.8882, 0.9785), (0, 0, 0, 1)],
)
def test_wilson(right: int, n: int, low: float, high: float) -> None:
    assert wilson(right, n) == pytest.approx((low, high), abs=1e-4)


def test_answers_are_counted_by_request_and_by_call() -> None:
    table = tabulate([judged([TEXT, SHOP], [OTHER, SHOP], [TEXT], "multi"), judged([SHOP], [SHOP], [SHOP])], answers)
    assert table["all"].shares["functions"] == Share(2, 2)
    assert table["all"].shares["whole calls"] == Share(1, 2)
    assert table["all"].shares["unquantised: functions"] == Share(1, 2)
    assert table["all"].shares["equal"] == Share(1, 2)
    assert table["kind multi"].shares["whole calls"] == Share(0, 1)
    assert table["send_text"].shares["functions"] == Share(1, 1)
    assert table["send_text"].shares["whole calls"] == Share(0, 1)
    assert table["send_text"].shares["unquantised: whole calls"] == Share(1, 1)
    assert table["amazon_shopping"].shares["whole calls"] == Share(2, 2)
    assert table["amazon_shopping"].shares["unquantised: whole calls"] == Share(1, 2)  # the second call is not there


def test_a_call_at_another_place_is_wrong() -> None:
    table = tabulate([judged([TEXT, SHOP], [SHOP, TEXT])], answers)
    assert table["send_text"].shares["functions"] == table["amazon_shopping"].shares["functions"] == Share(0, 1)
    assert "equal" not in table["all"].shares


def test_case_and_punctuation_may_be_ignored() -> None:
    row = tabulate([judged([TEXT], [make_call("send_text", "Bob", "I am late.")])], answers)["all"]
    assert (row.shares["whole calls"].right, row.shares["case and punctuation ignored"].right) == (0, 1)


def test_refusals() -> None:
    table = tabulate(
        [
            judged([OTHER], [OTHER], kind="missing"),
            judged([OTHER], [TEXT], kind="missing"),
            judged([NONE], [SHOP], [NONE]),
            judged([TEXT], [SHOP]),
            refused([TEXT], [OTHER]),
            refused([TEXT], [SHOP]),
        ],
        refusals,
    )
    shares = {group: row.shares["bundle"] for group, row in table.items()}
    assert shares["missing arguments recognised: empty are exactly the wanted ones"] == Share(1, 2)
    assert shares["`none` wanted, acts"] == Share(1, 1)
    assert table["`none` wanted, acts"].shares["unquantised"] == Share(0, 1)
    assert shares["a call wanted, answers `none`"] == Share(2, 5)
    assert shares["a call wanted, acts with a wrong function"] == Share(1, 5)
    assert shares["would act, refused below the threshold"] == Share(2, 6)
    assert shares["refused, but its functions were right"] == Share(1, 2)


def test_out_of_scope_and_confusion() -> None:
    some = [judged([NONE], [NONE], [NONE]), judged([NONE], [SHOP], [NONE]), refused([SHOP], [TEXT])]
    table = tabulate(some[:2], acting)
    assert table["English"].shares == {
        "bundle acts": Share(1, 2),
        "unquantised acts": Share(0, 2),
        "equal": Share(1, 2),
    }
    assert confusion(some) == {"none": {"none": 1, "amazon_shopping": 1}, "amazon_shopping": {"refused": 1}}


def test_the_table_is_aligned_and_in_order() -> None:
    table = tabulate([judged([SHOP], [SHOP]), judged([TEXT], [SHOP], [TEXT])], answers)
    lines = markdown("dev", table, ("all", "kind plain", "send_text")).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert [line.split("|")[1].strip() for line in lines[2:]] == ["all", "kind plain", "send_text", "amazon_shopping"]
    assert "50.0 % [9.5, 90.5]" in lines[2]
    assert "n=1" in lines[2]  # the unquantised model was asked one of the two


@pytest.mark.slow
def test_the_report_has_every_group_and_the_pictures_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="drawing needs matplotlib (extra: train)")
    pytest.importorskip("onnxruntime")
    from training.evaluate import errors, reliability, report
    from training.plots import draw

    some = [judged([SHOP], [SHOP], [SHOP], confidence=0.9 + i / 500) for i in range(40)]
    some += [judged([TEXT], [SHOP], [TEXT], confidence=0.6, fitted=i % 2 == 0) for i in range(4)]
    some.append(refused([TEXT], [TEXT]))
    pages, tables = report(some)
    assert "dev, English, as written" in pages
    assert "recogniser" not in pages
    assert len(list(errors(some))) == 1 + 4 + 1
    samples = reliability(some)["dev, other half"]
    assert len(samples) == 40 + 2 + 1
    assert samples[-1] == (0.2, True, True)
    result = {
        "version": "test",
        "threshold": 0.7,
        "tables": tables,
        "confusion": {"en": confusion(some), "zh": {}},
        "reliability": reliability(some),
    }
    made = draw(json.loads(json.dumps(result)), tmp_path / "plots")
    assert [path.name for path in made] == ["confusion-matrix.png", "reliability.png", "scores.png"]
    for path in made:
        data = path.read_bytes()
        assert data.startswith(b"\x89PNG\r\n\x1a\n")
        assert int.from_bytes(data[16:20]) == 1200
        assert 10_000 < len(data) < 150_000
