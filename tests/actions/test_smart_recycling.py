"""Which bin: the rules of every place against lists written by hand before them, and what is said."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path

import msgspec
import pytest

from actions.base import Action, Outcome, Request
from actions.catalogue import make_call
from actions.errors import YES_NO, Question, SettingsError
from actions.recycling.recycling_rules import LARGEST, load_place, problems, shipped, things, vocabulary
from actions.recycling.smart_recycling import RecyclingSettings, SmartRecycling, default_place

DATA = Path(__file__).parents[1] / "data"
PLACES = ("beijing", "california", "england", "germany", "shanghai")
HAN = re.compile(r"[\u3400-\u9fff]")
# whatever is thrown away of these never goes where usual waste goes
DANGEROUS = [
    *("lithium_battery", "car_battery", "small_electronics", "big_appliance", "vape", "smoke_detector", "fluorescent"),
    *("medicine", "sharps", "mercury", "paint", "chemicals", "motor_oil", "gas_canister", "asbestos", "fireworks"),
    *("nail_polish", "paint_spray", "power_bank"),
]
USUAL = {
    *("paper", "yellow", "glass", "bio", "residual", "recycling", "food", "garden", "blue", "green", "gray"),
    *("recyclable", "kitchen", "other", "textiles"),
}


def ask(action: SmartRecycling, item: str, lang: str = "", text: str = "", **answers: str) -> Outcome:
    lang = lang or ("zh" if HAN.search(item) else "en")
    return action.perform(Request(make_call(action.name, item), lang, text or item, answers=answers))


def bin_of(outcome: Outcome) -> str:
    found = re.search(r": (\w+), [^,]+$", outcome.detail)
    return found[1] if found else "?"


@cache
def of(place: str) -> SmartRecycling:
    return SmartRecycling(RecyclingSettings(place=place), system="")


@pytest.fixture(scope="module")
def germany() -> SmartRecycling:
    return of("germany")


def test_these_places_are_shipped() -> None:
    assert shipped() == PLACES
    assert isinstance(of("germany"), Action)


@pytest.mark.parametrize("place", PLACES)
def test_every_file_fits_and_knows_every_thing(place: str) -> None:
    rules = load_place(place)
    assert problems(rules) == []
    assert set(rules.advice()) == set(things())
    assert len(things()) >= 120
    used = {advice.bin for rule in rules.rules for advice in rule.advice.all() if advice.bin}
    assert used == set(rules.bins), "a bin that nothing goes into"
    assert len(rules.place.sources) >= 3


@pytest.mark.parametrize("place", PLACES)
def test_what_is_dangerous_never_goes_into_a_usual_bin(place: str) -> None:
    advice = load_place(place).advice()
    for thing in DANGEROUS:
        assert not {a.bin for a in advice[thing].all()} & USUAL, thing


def test_no_phrase_names_two_things() -> None:
    for lang in ("en", "zh"):
        count = Counter(phrase.casefold() for names in things().values() for phrase in getattr(names, lang))
        assert [phrase for phrase, n in count.items() if n > 1] == []
    for names in things().values():
        assert names.en
        assert names.zh
        assert all(HAN.search(p) or p.isascii() for p in names.zh)
        assert not any(HAN.search(p) for p in names.en)


def test_every_word_of_the_vocabulary_is_used() -> None:
    advice = [a for place in PLACES for rule in load_place(place).rules for a in rule.advice.all()]
    assert {a.first for a in advice} - {""} == set(vocabulary().preparations)
    assert {a.ask for a in advice} - {""} == set(vocabulary().questions)
    assert set(vocabulary().materials) <= set(things())


@pytest.mark.parametrize("place", PLACES)
def test_the_list_written_before_the_rules(place: str) -> None:
    """Wrong bins are worse than questions, and questions worse than answers: none of the first, few of the second."""
    rows = [line.split("\t") for line in (DATA / f"recycling_{place}.tsv").read_text("utf-8").splitlines()]
    rows = [row for row in rows if not row[0].startswith("#")]
    assert len(rows) >= 60
    action, missed = of(place), {}
    for item, expected in rows:
        try:
            got = bin_of(ask(action, item))
        except Question as question:
            got = f"ask:{question.about}"
        if got != expected:
            missed[item] = (expected, got)
    assert not {i: m for i, m in missed.items() if m[1] not in ("?", "ask:item", "ask:alike")}, "wrong"
    assert len(missed) <= 0.03 * len(rows), missed


def test_says_bin_colour_and_preparation(germany: SmartRecycling) -> None:
    assert ask(germany, "cardboard box").spoken == (
        "Put the cardboard box into the blue paper bin. Flatten it and take tape and plastic off."
    )
    assert ask(germany, "my old newspapers").spoken == "Put my old newspapers into the blue paper bin."
    assert ask(of("beijing"), "大骨头").spoken == "大骨头是其他垃圾，请投灰色桶。"
    assert ask(of("shanghai"), "香蕉皮").spoken == "香蕉皮是湿垃圾，请投棕色桶。先沥干水分，去掉包装袋。"
    outcome = ask(of("england"), "glass jar")
    assert outcome.status == "done"
    assert outcome.detail == "'glass jar' is glass_jar (glass jar, 1.00): recycling, England"


def test_asks_what_the_rule_depends_on(germany: SmartRecycling) -> None:
    with pytest.raises(Question, match="greasy") as caught:
        ask(germany, "pizza box")
    assert (caught.value.about, caught.value.choices) == ("greasy", YES_NO)
    assert "油" in caught.value.zh
    assert bin_of(ask(germany, "pizza box", greasy="yes")) == "residual"
    assert bin_of(ask(germany, "pizza box", greasy="no")) == "paper"
    with pytest.raises(Question, match="deposit"):
        ask(germany, "plastic bottle")
    assert bin_of(ask(germany, "plastic bottle", deposit="yes")) == "deposit"
    with pytest.raises(Question, match="greasy"):
        ask(germany, "pizza box", greasy="perhaps")


@pytest.mark.parametrize(
    ("item", "text", "expected"),
    [
        ("greasy pizza box", "", "residual"),
        ("pizza box that is not greasy", "", "paper"),
        ("clean pizza box", "", "paper"),
        ("pizza box", "which bin for this greasy thing", "residual"),
        ("沾了油的披萨盒", "", "residual"),
        ("empty spray can", "", "yellow"),
        ("half-empty spray can", "", "hazardous"),
        ("spray can that is not empty", "", "hazardous"),
        ("LED light bulb", "", "lamps"),
        ("torn shirt", "", "residual"),
    ],
)
def test_does_not_ask_what_was_said(germany: SmartRecycling, item: str, text: str, expected: str) -> None:
    assert bin_of(ask(germany, item, text=text or f"where does {item} go")) == expected


def test_words_about_another_thing_of_the_request_answer_nothing(germany: SmartRecycling) -> None:
    with pytest.raises(Question, match="greasy"):
        ask(germany, "pizza box", text="where do the greasy pan and the pizza box go")


def test_two_things_that_it_may_be_are_a_question(germany: SmartRecycling) -> None:
    with pytest.raises(Question, match="Do you mean") as caught:
        ask(germany, "bottle")
    assert caught.value.about == "item"
    assert len(caught.value.choices) >= 2
    for choice in caught.value.choices:  # each of them leads on
        assert ask(germany, choice, deposit="no").status == "done"


def test_what_goes_the_same_way_is_no_question() -> None:
    assert bin_of(ask(of("england"), "wine bottle or beer bottle")) == "recycling"


def test_what_is_only_alike_is_asked(germany: SmartRecycling) -> None:
    with pytest.raises(Question, match="a kind of") as caught:
        ask(germany, "oven tray")
    assert (caught.value.about, caught.value.choices) == ("alike", YES_NO)
    assert ask(germany, "oven tray", alike="yes").status == "done"
    no = ask(germany, "oven tray", alike="no")
    assert (no.status, no.detail) == ("failed", "")
    assert no.spoken.startswith("I don't know where the oven tray goes.")


def test_what_it_is_made_of_is_better_than_nothing(germany: SmartRecycling) -> None:
    outcome = ask(germany, "plastic pineapple corer")
    assert bin_of(outcome) == "residual"
    assert outcome.spoken.startswith("I only know what it is made of. Put the plastic pineapple corer")


@pytest.mark.parametrize("place", PLACES)
def test_what_is_not_known_is_said_so(place: str) -> None:
    outcome = ask(of(place), "quantum flux capacitor")
    assert outcome.status == "failed"
    assert outcome.spoken.startswith("I don't know where the quantum flux capacitor goes. ")
    assert ask(of(place), "时光机").spoken.startswith("我不知道时光机该怎么扔。")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "item", ["chlorine granules", "plastic bag of pesticide pellets", "gas mask", "装汽油的塑料瓶", "硫酸"]
)
def test_what_may_be_dangerous_is_never_guessed(place: str, item: str) -> None:
    outcome = ask(of(place), item)
    assert (outcome.status, bin_of(outcome)) == ("failed", "?")
    assert ("有危险" if HAN.search(item) else "may be dangerous") in outcome.spoken


def test_without_a_place_it_speaks_for_a_likely_one_and_says_so() -> None:
    action = SmartRecycling(RecyclingSettings(), system="de_DE")
    outcome = ask(action, "banana peel")
    assert bin_of(outcome) == "bio"
    assert outcome.spoken.endswith(
        "That is for Germany; if you live elsewhere, set the place under recycling in my settings."
    )
    assert default_place("en_GB", "en") == "england"
    assert default_place("fr_FR", "en") == default_place("", "en") == "california"
    assert default_place("C", "zh") == "beijing"
    assert "这是北京的规定" in ask(SmartRecycling(RecyclingSettings(), system=""), "香蕉皮").spoken


def test_nothing_to_throw_away_is_a_question(germany: SmartRecycling) -> None:
    with pytest.raises(Question, match="throw away"):
        ask(germany, "")
    with pytest.raises(Question, match="throw away"):
        germany.read_back(Request(make_call("smart_recycling", ""), "en"))
    request = Request(make_call("smart_recycling", "易拉罐"), "zh")
    assert germany.read_back(request) == "要查易拉罐怎么扔吗？"


@pytest.mark.parametrize(
    "item", ["{it} {0}", "a" * 100_000, "\x00\x1b[2J\n", "'; drop table", "%s %n", "../../etc/passwd"]
)
def test_hostile_items_are_only_words(germany: SmartRecycling, item: str) -> None:
    try:
        outcome = ask(germany, item)
    except Question as question:
        outcome = Outcome("asked", question.en)
    assert len(outcome.spoken) < 300
    assert not re.search(r"[\x00-\x1f]", outcome.spoken)


OWN = """
[place]
en = "Home"
zh = "家"
unknown = { en = "Ask me.", zh = "问我。" }
hazard = { en = "Leave it.", zh = "别动。" }
sources = ["the kitchen door"]

[bins]
left = { en = "Put {it} into the left bin", zh = "{it}投左边的桶" }

[things.widget]
en = ["widget"]
zh = ["小部件"]

[[rules]]
things = ["widget", "newspaper"]
bin = "left"
"""


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "home.toml"
    path.write_text(OWN, "utf-8")
    action = of(str(path))
    assert ask(action, "old widgets").spoken == "Put the old widgets into the left bin."
    assert ask(action, "banana peel").spoken == "I don't know where the banana peel goes. Ask me."


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (('bin = "left"', 'bin = "right"'), "the bin 'right', which does not exist"),
        (('"newspaper"', '"newspapers"'), "there is no thing 'newspapers'"),
        (('"newspaper"', '"widget"'), "widget has two rules"),
        (('bin = "left"', 'ask = "greasy"'), "needs yes and no"),
        (('bin = "left"', ""), "needs either bin or ask"),
        (('bin = "left"', 'bin = "left"\nfirst = "wash"'), "the preparation 'wash'"),
        (("{it}投", "投"), "needs {it} once"),
        (("sources", "source"), "source"),
        (("[place]", "[place"), "line 2"),
    ],
)
def test_a_file_that_does_not_fit_is_said(tmp_path: Path, change: tuple[str, str], why: str) -> None:
    path = tmp_path / "home.toml"
    path.write_text(OWN.replace(*change), "utf-8")
    with pytest.raises(SettingsError, match=re.escape(why)) as caught:
        of(str(path))
    assert str(path) in caught.value.en
    assert str(path) in caught.value.zh


def test_a_place_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no recycling rules for atlantis") as caught:
        of("atlantis")
    assert "germany" in caught.value.zh
    for name in ("things", "words"):
        with pytest.raises(SettingsError):
            of(name)
    with pytest.raises(SettingsError, match="No such file"):
        of(str(tmp_path / "none.toml"))
    (tmp_path / "large.toml").write_bytes(b"#" * (LARGEST + 1))
    with pytest.raises(SettingsError, match="too large"):
        of(str(tmp_path / "large.toml"))
    (tmp_path / "latin.toml").write_bytes(b'x = "\xff"')
    with pytest.raises(SettingsError):
        of(str(tmp_path / "latin.toml"))
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"town": "x"}, RecyclingSettings)
