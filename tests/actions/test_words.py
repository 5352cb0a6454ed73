"""What tako says for every function, in both languages: what it asks, what came of it, what it lacks.

The adapters are those of the registry, with a mail server, a phone, a search engine and an owner on loopback.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from web_server import Answer, Seen, WebServer, free_port

from actions.base import STATUSES, Action, Outcome, Request, outcome_of
from actions.catalogue import CATALOGUE, FUNCTIONS, Call, Function, Risk, make_call
from actions.errors import ActionError, InputError, NotNow, Question, SettingsError, TakoError
from actions.messages.push import OwnerSettings
from actions.messages.send_text import TextSettings
from actions.messages.webhook import WebhookSettings
from actions.people.contacts import Contact, ContactBook
from actions.questions import QUESTIONS, question_for
from actions.recycling.smart_recycling import RecyclingSettings
from actions.registry import Context, build_actions
from actions.search.search_web import SearchSettings
from actions.secret import Secret
from actions.settings import ActionsSettings

HAN = re.compile(r"[\u4e00-\u9fff]")
LANGS = ("en", "zh")
ACTING = tuple(function for function in CATALOGUE if function.name != "none")
PHOTO = Path(__file__).parent.parent / "data" / "photo.jpg"
LONGEST = {"en": 340, "zh": 130}  # characters that are spoken in one go
BOOK = ContactBook([Contact("mia", "mia@example.com", "+49 170 1234567")])


@dataclass(frozen=True)
class Example:
    """One request, and what the answer to it must name."""

    args: tuple[str, ...]
    named: str


EXAMPLES: dict[str, tuple[Example, Example]] = {  # function: English, Chinese
    "send_email": (Example(("mia", "", "I am late"), "mia"), Example(("mia", "", "我晚点到"), "mia")),
    "send_text": (Example(("mia", "I am late"), "mia"), Example(("mia", "我晚点到"), "mia")),
    "google_search": (Example(("who painted the Night Watch",), "Rembrandt"), Example(("长城有多长",), "长城")),
    "amazon_shopping": (Example(("three hammers",), "three hammers"), Example(("蓝色水杯",), "蓝色水杯")),
    "smart_recycling": (Example(("newspaper",), "newspaper"), Example(("旧报纸",), "旧报纸")),
    "lost_and_found": (Example(("lost", "grey backpack"), "grey backpack"), Example(("found", "雨伞"), "雨伞")),
    "interior_design": (Example(("bedroom", "japanese"), "bedroom"), Example(("客厅", "北欧"), "客厅")),
    "instacart_shopping": (
        Example(("milk; two eggs",), "milk and two eggs"),
        Example(("牛奶; 两个鸡蛋",), "牛奶和两个鸡蛋"),
    ),
    "doordash_delivery": (
        Example(("two pizzas from Luigi's",), "two pizzas from Luigi's"),
        Example(("宫保鸡丁",), "宫保鸡丁"),
    ),
    "pet_care": (Example(("cat", "can it eat grapes"), "cats"), Example(("狗", "可以吃葡萄吗"), "狗")),
    "describe_scene": (Example(("what is it?",), "A cup of coffee"), Example(("这是什么？",), "一杯咖啡")),
}


def request(function: Function, lang: str, empty: str = "") -> Request:
    """A request for the function with a value for every argument but `empty`."""
    example = EXAMPLES[function.name][lang == "zh"] if function.name in EXAMPLES else Example(("unclear",), "")
    args = dict(zip(function.argument_names, example.args, strict=True))
    seen = function.name == "describe_scene"
    return Request(
        Call(function.name, {**args, empty: ""} if empty else args),
        lang,
        text=" ".join(example.args),
        image=PHOTO if seen else None,
        key="4f1c22aa90b7",
        said=example.named if seen else "",
    )


def in_language(sentence: str, lang: str) -> bool:
    """Whole, without a hole, in one language, ended as a sentence is."""
    whole = sentence and not re.search(r"[{}]|\bNone\b|  |\.\.|\?\.|。。|？。|：。|: \.", sentence)
    end = "。？" if lang == "zh" else ".?"
    return bool(whole) and bool(HAN.search(sentence)) == (lang == "zh") and sentence[-1] in end


def is_question(sentence: str, lang: str) -> bool:
    return in_language(sentence, lang) and sentence[-1] in "?？"


def found(seen: Seen) -> Answer:
    """The answer of a search engine, of a phone and of the owner's address."""
    if seen.path != "/search":
        return Answer(204, b"")
    chinese = HAN.search(seen.query["q"])
    content = "明长城的总长度为8851.8公里。" if chinese else "The Night Watch is a painting by Rembrandt van Rijn."
    title, url = ("长城", "https://example.org/wall") if chinese else ("The Night Watch", "https://example.org/watch")
    return Answer(body=json.dumps({"results": [{"title": title, "url": url, "content": content}]}).encode())


@pytest.fixture
def web() -> Iterator[WebServer]:
    server = WebServer()
    server.answer = found
    yield server
    server.close()


@pytest.fixture
def actions(tmp_path: Path, web: WebServer, start_server: Callable[..., Any]) -> Mapping[str, Action]:
    """The registry's, with all that can be set up."""
    settings = ActionsSettings(
        email=start_server(tls="none", login=False).settings,
        text=TextSettings(via="webhook", webhook=WebhookSettings(url=Secret(f"{web.url}/texts"))),
        owner=OwnerSettings(webhook=WebhookSettings(url=Secret(f"{web.url}/owner"))),
        search=SearchSettings(searxng_url=web.url),
        recycling=RecyclingSettings(place="germany"),
    )
    return build_actions(Context(settings, BOOK, tmp_path), plugins=())


@pytest.fixture
def bare(tmp_path: Path) -> Mapping[str, Action]:
    """The registry's, with nothing set up, and no web."""
    settings = ActionsSettings(search=SearchSettings(searxng_url=f"http://127.0.0.1:{free_port()}"))
    return build_actions(Context(settings, BOOK, tmp_path), plugins=())


def each(functions: tuple[Function, ...]) -> pytest.MarkDecorator:
    """Every function in every language."""
    return pytest.mark.parametrize(
        ("function", "lang"), list(product(functions, LANGS)), ids=lambda v: getattr(v, "name", v)
    )


def test_every_argument_has_its_question() -> None:
    arguments = {(f.name, a.name) for f in CATALOGUE for a in f.arguments}
    assert set(QUESTIONS) == arguments


@each(CATALOGUE)
def test_there_is_a_question_for_what_is_missing(function: Function, lang: str) -> None:
    for argument in function.arguments:
        if not argument.required:
            continue
        incomplete = request(function, lang, empty=argument.name)
        question = question_for(incomplete.call, lang)
        assert is_question(question, lang), question
        assert len(question) < 80
    with pytest.raises(ValueError, match="nothing is missing"):
        question_for(request(function, lang).call, lang)


@each(ACTING)
def test_every_adapter_asks_for_what_is_missing(actions: Mapping[str, Action], function: Function, lang: str) -> None:
    for argument in function.arguments:
        if not argument.required:
            continue
        incomplete = request(function, lang, empty=argument.name)
        for step in (actions[function.name].read_back, actions[function.name].perform):
            with pytest.raises(Question) as caught:
                step(incomplete)
            assert caught.value.spoken(lang) == question_for(incomplete.call, lang)


def test_a_question_names_what_is_known_unless_that_is_long_or_missing() -> None:
    assert question_for(make_call("send_text", "jordan", ""), "en") == "What should I text jordan?"
    assert question_for(make_call("send_text", "jordan", ""), "zh") == "给jordan发什么？"
    assert question_for(make_call("send_text", "jordan " * 20, ""), "en") == "What should I text?"
    assert question_for(make_call("send_text", "", ""), "en") == "Who should I text?"
    assert question_for(make_call("pet_care", "", "can it eat grapes"), "zh") == "是什么动物？"


@each(ACTING)
def test_what_is_read_back(actions: Mapping[str, Action], function: Function, lang: str) -> None:
    """What a person is asked before it, with every value that was said."""
    given = request(function, lang)
    question = actions[function.name].read_back(given)
    assert is_question(question, lang), question
    for value in filter(None, EXAMPLES[function.name][lang == "zh"].args):
        if value not in ("lost", "found"):
            assert value.split(";")[0].rstrip("?？") in question


@each(ACTING)
def test_what_came_of_it_names_what_was_acted_on(actions: Mapping[str, Action], function: Function, lang: str) -> None:
    outcome = actions[function.name].perform(request(function, lang))
    assert outcome.status == "done"
    assert in_language(outcome.spoken, lang), outcome.spoken
    assert EXAMPLES[function.name][lang == "zh"].named in outcome.spoken
    assert len(outcome.spoken) <= LONGEST[lang]
    assert outcome.detail
    assert not outcome.offer or is_question(outcome.offer, lang), outcome.offer


@each(ACTING)
def test_without_settings_it_does_what_it_can_or_says_what_to_set_up(
    bare: Mapping[str, Action], function: Function, lang: str
) -> None:
    try:
        outcome = bare[function.name].perform(request(function, lang))
    except TakoError as error:
        outcome = outcome_of(error, lang)
    assert outcome.status == ("failed" if function.name in ("send_email", "send_text", "google_search") else "done")
    assert in_language(outcome.spoken, lang), outcome.spoken
    if function.risk is not Risk.SAFE:
        assert ("设置" if lang == "zh" else "settings") in outcome.spoken


@pytest.mark.parametrize("lang", LANGS)
def test_what_spends_says_that_nothing_is_ordered(actions: Mapping[str, Action], web: WebServer, lang: str) -> None:
    for function in CATALOGUE:
        if function.risk is Risk.SPENDING:
            outcome = actions[function.name].perform(replace(request(function, lang), key=f"key{function.name}"))
            assert ("Nothing is ordered yet." in outcome.spoken) or ("还没有下单" in outcome.spoken)
    assert {seen.path for seen in web.seen} == {"/owner"}


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
    def test_the_model_s_own_words_are_spoken(
        self, bare: Mapping[str, Action], lang: str, words: str, spoken: str
    ) -> None:
        outcome = bare["describe_scene"].perform(Request(self.QUESTION, lang, image=PHOTO, said=words))
        assert outcome == Outcome("done", spoken, "describe_scene: question 'what is this?', photo")

    def test_what_is_too_long_to_hear_is_cut(self, bare: Mapping[str, Action]) -> None:
        given = Request(self.QUESTION, "en", image=PHOTO, said="a wall and " * 200)
        spoken = bare["describe_scene"].perform(given).spoken
        assert len(spoken) < 340
        assert spoken.endswith(" and so on.")

    @pytest.mark.parametrize("lang", LANGS)
    def test_it_asks_for_a_picture(self, bare: Mapping[str, Action], lang: str) -> None:
        for step in (bare["describe_scene"].read_back, bare["describe_scene"].perform):
            with pytest.raises(Question) as caught:
                step(Request(self.QUESTION, lang, said="A wall."))
            assert in_language(caught.value.spoken(lang), lang)

    @pytest.mark.parametrize(("lang", "words"), [("en", ""), ("zh", ""), ("en", " ... ")])
    def test_without_an_answer_it_says_what_it_cannot(self, bare: Mapping[str, Action], lang: str, words: str) -> None:
        outcome = bare["describe_scene"].perform(Request(self.QUESTION, lang, image=PHOTO, said=words))
        assert outcome.status == "declined"
        assert in_language(outcome.spoken, lang)
        assert ("can't" in outcome.spoken) if lang == "en" else ("不能" in outcome.spoken)


@pytest.mark.parametrize("lang", LANGS)
def test_none_is_kind_and_names_what_is_set_up(
    actions: Mapping[str, Action], bare: Mapping[str, Action], lang: str
) -> None:
    def said(hands: Mapping[str, Action], reason: str) -> Outcome:
        return hands["none"].perform(Request(make_call("none", reason), lang))

    unsupported, unclear = said(actions, "unsupported"), said(actions, "unclear")
    assert (unsupported.status, unclear.status) == ("declined", "asked")
    assert in_language(unsupported.spoken, lang)
    assert is_question(unclear.spoken, lang)
    assert actions["none"].read_back(Request(make_call("none", "unclear"), lang)) == unclear.spoken
    emails = FUNCTIONS["send_email"].zh if lang == "zh" else FUNCTIONS["send_email"].en
    assert emails in unsupported.spoken
    assert emails not in said(bare, "unsupported").spoken  # it cannot, without an account


def test_every_function_has_its_action(bare: Mapping[str, Action]) -> None:
    assert list(bare) == [function.name for function in CATALOGUE]
    for name, action in bare.items():
        assert isinstance(action, Action)
        assert action.name == name
    assert {f.name for f in CATALOGUE if f.risk is not Risk.SAFE} >= {"send_email", "send_text", "amazon_shopping"}


class Pigeon:
    """A third party's action."""

    name = "send_text"

    def __init__(self, context: Context) -> None:
        self.context = context

    def read_back(self, request: Request) -> str:
        return "Shall I?"

    def perform(self, request: Request) -> Outcome:
        return Outcome("done", "It is on its way.")


def broken(context: Context) -> Action:
    raise RuntimeError("no corn")


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(ActionsSettings(), BOOK, tmp_path)


def test_a_third_party_takes_a_function_over(context: Context) -> None:
    actions = build_actions(context, plugins=[_entry("send_text", Pigeon)])
    assert actions["send_text"].perform(Request(make_call("send_text", "mia", "hi"), "en")).status == "done"
    assert actions["send_text"].context is context  # type: ignore[attr-defined]
    none = actions["none"].perform(Request(make_call("none", "unsupported"), "en"))
    assert "I can send a text, search the web and shop for things, for example." in none.spoken


def _entry(name: str, target: object) -> EntryPoint:
    class Loaded(EntryPoint):
        def load(self) -> object:
            return target

    return Loaded(name, "loft:action", "tako.actions")


@pytest.mark.parametrize(
    ("plugins", "why"),
    [
        ([_entry("fly", Pigeon)], "no function fly"),
        ([_entry("none", Pigeon)], "no function none"),
        ([_entry("send_text", broken)], "RuntimeError: no corn"),
        ([_entry("send_email", Pigeon)], "not an action of that name"),
        ([_entry("send_text", lambda context: object())], "not an action of that name"),
        ([_entry("send_text", Pigeon)] * 2, "another package"),
        ([EntryPoint("send_text", "no_such_module:action", "tako.actions")], "ModuleNotFoundError"),
    ],
)
def test_a_third_party_that_does_not_fit_is_named(context: Context, plugins: list[EntryPoint], why: str) -> None:
    with pytest.raises(SettingsError, match=why) as caught:
        build_actions(context, plugins)
    assert plugins[0].value in caught.value.zh


def test_what_an_error_means() -> None:
    meanings = [(NotNow("later", "稍后"), "waiting"), (Question("who?", "谁？"), "asked")]
    meanings += [(ActionError("no", "不"), "failed"), (InputError("bad", "坏"), "failed")]
    for error, status in meanings:
        assert status in STATUSES
        assert outcome_of(error, "zh") == Outcome(status, error.zh, error.en)
        assert outcome_of(error, "en") == Outcome(status, error.en)
