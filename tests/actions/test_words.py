"""What tako says for every function, in both languages: questions, what was noted, what it cannot do."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.metadata import EntryPoint
from itertools import product
from pathlib import Path

import pytest

from actions.base import STATUSES, Action, Outcome, Request, outcome_of
from actions.catalogue import CATALOGUE, FUNCTIONS, Argument, Call, Function, Risk, make_call
from actions.contacts import Contact, ContactBook
from actions.errors import ActionError, InputError, NotNow, Question, SettingsError
from actions.questions import QUESTIONS, question_for
from actions.recorded import Recorded
from actions.registry import Context, build_actions
from actions.smtp import EmailSettings

CONTEXT = Context(EmailSettings(host="h", sender="tako@example.org"), ContactBook([Contact("mia", "mia@example.com")]))
ACTIONS = build_actions(CONTEXT, plugins=())
DESCRIBE = ACTIONS["describe_scene"]
PHOTO = Path("/x/a.jpg")  # is never opened
SAID = {
    "recipient": ("mia", "mia"),
    "items": ("milk; two eggs", "牛奶; 两个鸡蛋"),
    "question": ("what is it?", "这是什么？"),
}
HAN = re.compile(r"[\u4e00-\u9fff]")
LANGS = ("en", "zh")
RECORDED = [function for function in CATALOGUE if function.name not in ("send_email", "describe_scene", "none")]


def value(argument: Argument, lang: str) -> str:
    if argument.choices:
        return argument.choices[0]
    return SAID.get(argument.name, (f"some {argument.name}", "某物"))[lang == "zh"]


def request(function: Function, lang: str, empty: str = "") -> Request:
    """A request for the function with a value for every argument but `empty`."""
    args = {a.name: "" if a.name == empty else value(a, lang) for a in function.arguments}
    return Request(Call(function.name, args), lang)


def in_language(sentence: str, lang: str) -> bool:
    """Whole, without a hole, in one language, ended as a sentence is."""
    whole = sentence and not re.search(r"[{}]|\bNone\b|  |\.\.|\?\.|。。|？。|：。|: \.", sentence)
    end = "。？" if lang == "zh" else ".?"
    return bool(whole) and bool(HAN.search(sentence)) == (lang == "zh") and sentence[-1] in end


def is_question(sentence: str, lang: str) -> bool:
    return in_language(sentence, lang) and sentence[-1] in "?？"


def test_every_argument_has_its_question() -> None:
    arguments = {(f.name, a.name) for f in CATALOGUE for a in f.arguments}
    assert set(QUESTIONS) == arguments


@pytest.mark.parametrize(("function", "lang"), list(product(CATALOGUE, LANGS)), ids=lambda v: getattr(v, "name", v))
def test_what_is_missing_is_asked_for(function: Function, lang: str) -> None:
    for argument in function.arguments:
        if not argument.required:
            continue
        incomplete = request(function, lang, empty=argument.name)
        question = question_for(incomplete.call, lang)
        assert is_question(question, lang), question
        assert len(question) < 80
        if function.name != "none":
            for step in (ACTIONS[function.name].read_back, ACTIONS[function.name].perform):
                with pytest.raises(Question) as caught:
                    step(incomplete)
                assert caught.value.spoken(lang) == question
    with pytest.raises(ValueError, match="nothing is missing"):
        question_for(request(function, lang).call, lang)


def test_a_question_names_what_is_known_unless_that_is_long_or_missing() -> None:
    assert question_for(make_call("send_text", "jordan", ""), "en") == "What should I text jordan?"
    assert question_for(make_call("send_text", "jordan", ""), "zh") == "给jordan发什么？"
    assert question_for(make_call("send_text", "jordan " * 20, ""), "en") == "What should I text?"
    assert question_for(make_call("send_text", "", ""), "en") == "Who should I text?"
    assert question_for(make_call("pet_care", "", "can it eat grapes"), "zh") == "是什么动物？"


@pytest.mark.parametrize(("function", "lang"), list(product(RECORDED, LANGS)), ids=lambda v: getattr(v, "name", v))
def test_what_is_only_noted_is_said_to_be_only_noted(function: Function, lang: str) -> None:
    given = request(function, lang)
    outcome = ACTIONS[function.name].perform(given)
    assert outcome.status == "recorded"
    assert in_language(outcome.spoken, lang), outcome.spoken
    assert "tako history" in outcome.spoken
    assert ("can't" in outcome.spoken and "yet" in outcome.spoken) if lang == "en" else ("还不" in outcome.spoken)
    assert not re.search(r"\b(sent|ordered|bought|found it)\b", outcome.spoken)
    assert len(outcome.spoken) < 200
    for argument in function.arguments:
        if not argument.choices:
            assert value(argument, lang).split(";")[0].rstrip("?？") in outcome.spoken
        assert value(argument, lang) in outcome.detail
    question = ACTIONS[function.name].read_back(given)
    assert is_question(question, lang), question


def test_the_words_of_the_kinds_of_things() -> None:
    def said(lang: str, *call: str) -> str:
        return ACTIONS[call[0]].perform(Request(make_call(*call), lang)).spoken

    rest = " you find it under tako history."
    assert (
        said("en", "instacart_shopping", "milk; eggs")
        == f"I noted the groceries: milk, eggs. I can't order groceries yet;{rest}"
    )
    assert (
        said("zh", "instacart_shopping", "一斤苹果; 两盒牛奶")
        == "已记下要买的菜：一斤苹果、两盒牛奶。我还不能买菜下单，可以用 tako history 查看。"
    )
    assert said("en", "lost_and_found", "lost", "grey backpack").startswith("I noted that you lost: grey backpack. ")
    assert said("zh", "lost_and_found", "found", "雨伞").startswith("已记下你捡到：雨伞。")
    assert said("en", "interior_design", "", "japanese").startswith("I noted the style: japanese. ")
    assert said("zh", "interior_design", "客厅", "北欧").startswith("已记下：客厅，北欧风格。")


class TestDescribing:
    QUESTION = make_call("describe_scene", "what is this?")

    @pytest.mark.parametrize(
        ("lang", "words", "spoken"),
        [
            ("en", "A red bicycle. It leans on a wall", "A red bicycle. It leans on a wall."),
            ("en", " Two\nlines\x1b[2J. ", "Two lines [2J."),
            ("zh", "一辆红色的自行车。", "一辆红色的自行车。"),
        ],
    )
    def test_the_model_s_own_words_are_spoken(self, lang: str, words: str, spoken: str) -> None:
        outcome = DESCRIBE.perform(Request(self.QUESTION, lang, image=PHOTO, said=words))
        assert outcome == Outcome("done", spoken, "describe_scene: question 'what is this?', photo")

    def test_what_is_too_long_to_hear_is_cut(self) -> None:
        spoken = DESCRIBE.perform(Request(self.QUESTION, "en", image=PHOTO, said="a wall and " * 200)).spoken
        assert len(spoken) < 340
        assert spoken.endswith(" and so on.")

    @pytest.mark.parametrize("lang", LANGS)
    def test_it_asks_for_a_picture(self, lang: str) -> None:
        for step in (DESCRIBE.read_back, DESCRIBE.perform):
            with pytest.raises(Question) as caught:
                step(Request(self.QUESTION, lang, said="A wall."))
            assert in_language(caught.value.spoken(lang), lang)

    @pytest.mark.parametrize(("lang", "words"), [("en", ""), ("zh", ""), ("en", " ... ")])
    def test_without_an_answer_it_says_what_it_cannot(self, lang: str, words: str) -> None:
        outcome = DESCRIBE.perform(Request(self.QUESTION, lang, image=PHOTO, said=words))
        assert outcome.status == "declined"
        assert in_language(outcome.spoken, lang)
        assert ("can't" in outcome.spoken) if lang == "en" else ("不能" in outcome.spoken)

    @pytest.mark.parametrize("lang", LANGS)
    def test_it_reads_the_question_back(self, lang: str) -> None:
        asked = replace(request(FUNCTIONS["describe_scene"], lang), image=PHOTO)
        question = DESCRIBE.read_back(asked)
        assert is_question(question, lang), question
        assert asked.call.args["question"].rstrip("?？") in question


def test_the_photo_is_named_in_the_record() -> None:
    outcome = ACTIONS["smart_recycling"].perform(
        Request(make_call("smart_recycling", "jar"), "en", image=Path("/x/a.jpg"))
    )
    assert outcome.detail == "smart_recycling: item 'jar', photo a.jpg"


@pytest.mark.parametrize("lang", LANGS)
def test_none_is_kind(lang: str) -> None:
    unsupported = ACTIONS["none"].perform(Request(make_call("none", "unsupported"), lang))
    unclear = ACTIONS["none"].perform(Request(make_call("none", "unclear"), lang))
    assert (unsupported.status, unclear.status) == ("declined", "asked")
    assert in_language(unsupported.spoken, lang)
    assert in_language(unclear.spoken, lang)
    assert unclear.spoken[-1] in "?？"
    assert FUNCTIONS["send_email"].en in unsupported.spoken or FUNCTIONS["send_email"].zh in unsupported.spoken
    assert "search the web" not in unsupported.spoken  # it cannot, yet
    assert ACTIONS["none"].read_back(Request(make_call("none", "unclear"), lang)) == unclear.spoken


def test_every_function_has_its_action() -> None:
    assert list(ACTIONS) == [function.name for function in CATALOGUE]
    for name, action in ACTIONS.items():
        assert isinstance(action, Action)
        assert action.name == name
    assert {f.name for f in CATALOGUE if f.risk is not Risk.SAFE} >= {"send_email", "send_text", "amazon_shopping"}
    for name in ("none", "send_email", "describe_scene", "fly"):
        with pytest.raises(ValueError, match="only recorded"):
            Recorded(name)


class Pizza:
    """A third party's action."""

    name = "doordash_delivery"

    def __init__(self, context: Context) -> None:
        self.context = context

    def read_back(self, request: Request) -> str:
        return "Shall I?"

    def perform(self, request: Request) -> Outcome:
        return Outcome("done", "It is on its way.")


def broken(context: Context) -> Action:
    raise RuntimeError("no oven")


def test_a_third_party_takes_a_function_over() -> None:
    actions = build_actions(CONTEXT, plugins=[_entry("doordash_delivery", Pizza)])
    assert actions["doordash_delivery"].perform(Request(make_call("doordash_delivery", "pizza"), "en")).status == "done"
    assert actions["doordash_delivery"].context is CONTEXT  # type: ignore[attr-defined]
    none = actions["none"].perform(Request(make_call("none", "unsupported"), "en"))
    assert "write an email, order dinner and say what I see" in none.spoken


def _entry(name: str, target: object) -> EntryPoint:
    class Loaded(EntryPoint):
        def load(self) -> object:
            return target

    return Loaded(name, "kitchen:action", "tako.actions")


@pytest.mark.parametrize(
    ("plugins", "why"),
    [
        ([_entry("fly", Pizza)], "no function fly"),
        ([_entry("none", Pizza)], "no function none"),
        ([_entry("doordash_delivery", broken)], "RuntimeError: no oven"),
        ([_entry("send_text", Pizza)], "not an action of that name"),
        ([_entry("doordash_delivery", lambda context: object())], "not an action of that name"),
        ([_entry("doordash_delivery", Pizza)] * 2, "another package"),
        ([EntryPoint("send_text", "no_such_module:action", "tako.actions")], "ModuleNotFoundError"),
    ],
)
def test_a_third_party_that_does_not_fit_is_named(plugins: list[EntryPoint], why: str) -> None:
    with pytest.raises(SettingsError, match=why) as caught:
        build_actions(CONTEXT, plugins)
    assert plugins[0].value in caught.value.zh


def test_what_an_error_means() -> None:
    meanings = [(NotNow("later", "稍后"), "waiting"), (Question("who?", "谁？"), "asked")]
    meanings += [(ActionError("no", "不"), "failed"), (InputError("bad", "坏"), "failed")]
    for error, status in meanings:
        assert status in STATUSES
        assert outcome_of(error, "zh") == Outcome(status, error.zh, error.en)
        assert outcome_of(error, "en") == Outcome(status, error.en)
