"""The data people wrote: lints clean, and what the generator makes of it keeps the contract. Needs no torch."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from actions.catalogue import FUNCTIONS, Call
from training.data import lint, recombine, style
from training.data.generate import generate
from training.data.report import report_english
from training.data.requests import Example, key, parse_line, read_examples

DATA = Path(__file__).parents[2] / "training" / "data"
FILES = sorted(path for name in ("bank", "dev", "test") for path in (DATA / name).glob("*.txt"))
NOWHERE = Path("/nonexistent")  # the generator goes without real utterances where the data folder is not


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_what_people_wrote_lints_clean(path: Path) -> None:
    for example in read_examples(path):
        errors, _ = lint.problems(example)
        assert not errors, f"{example.text}: {errors}"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("buy a kettle => amazon_shopping | kettle on amazon", "service"),
        ("make it nordic => interior_design | | nordic style", "carrier"),
        ("milk and eggs => instacart_shopping | milk and eggs", "joined"),
        ("买一个水杯 => amazon_shopping | 一个水杯", "一"),
        ("text bob hi. => send_text | bob | hi.", "full stop"),
    ],
)
def test_the_linter_finds_breaches(line: str, said: str) -> None:
    errors, _ = lint.problems(parse_line(line))
    assert any(said in error for error in errors)


@pytest.mark.parametrize(
    "line",
    [
        "no arrow here",
        " => none | unclear",
        "hello => sing | la",
        "x => send_text | bob",
        "x => lost_and_found | stolen | bag",
    ],
)
def test_a_bad_line_is_told(line: str) -> None:
    with pytest.raises(ValueError):
        parse_line(line)


def test_the_generator_repeats_itself_and_never_shows_the_dev_set() -> None:
    first, again = list(generate(1500, 3, NOWHERE)), list(generate(1500, 3, NOWHERE))
    assert first == again
    dev = {key(e.text) for p in (DATA / "dev").glob("*.txt") for e in read_examples(p)}
    assert not {key(e.text) for e in first} & dev
    assert len({e.text for e in first}) > 1000
    for example in first:
        for call in example.calls:
            assert tuple(call.args) == FUNCTIONS[call.name].argument_names
    assert {c.name for e in first for c in e.calls} == set(FUNCTIONS)


def test_recogniser_style_changes_request_and_arguments_alike() -> None:
    said = "It's 3,500.50 at 7:45, ok?"
    example = parse_line(f"Email anna.k@example.com: {said} => send_email | anna.k@example.com | | {said}")
    made = style.as_recognised(example)
    assert made.text == "email anna.k@example.com it's 3,500.50 at 7:45 ok"
    assert made.calls[0].args["body"] == "it's 3,500.50 at 7:45 ok"


@pytest.mark.parametrize(
    ("message", "person", "said"),
    [
        ("you should call me", "he", "he should call me"),
        ("your keys are here", "she", "her keys are here"),
        ("you are late and I miss you", "they", "they is late and I miss them"),
        ("you're right", "she", "she's right"),
        ("see you drift by", "he", None),
    ],
)
def test_messages_are_reported(message: str, person: str, said: str | None) -> None:
    if person == "they" and said:
        said = said.replace("they is", "they are")
    assert report_english(message, person) == said


def test_joined_requests_keep_the_order_of_calls() -> None:
    parts = [parse_line("text mom hi => send_text | mom | hi"), parse_line("Buy a lamp. => amazon_shopping | lamp")]
    made = style.join(parts, random.Random(0))
    assert [c.name for c in made.calls] == ["send_text", "amazon_shopping"]
    assert made.text.index("mom") < made.text.index("lamp")


def test_a_swapped_value_is_swapped_in_the_call_too() -> None:
    bank = [parse_line(f"order a {v} => amazon_shopping | {v}") for v in ("kettle", "lamp", "chair", "desk")]
    swapper = recombine.Recombiner(bank)
    source = random.Random(1)
    for _ in range(50):
        made: Example = swapper.sample(source)
        assert made.text == f"order a {made.calls[0].args['product']}"


def test_hesitation_leaves_the_calls_alone() -> None:
    example = parse_line("text mom i am late => send_text | mom | i am late")
    made = style.hesitate(example, random.Random(4))
    assert made.text != example.text
    assert made.calls == (Call("send_text", {"recipient": "mom", "message": "i am late"}),)
