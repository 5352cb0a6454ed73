"""What tako asks during a turn, and what the answers do: two and three steps in both languages."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from bodies import SCRIPT, Eye, Hand, Sound, hand, lights, make_body, press, said, turns
from click.testing import CliRunner

from actions.base import Action, Outcome, Request
from actions.catalogue import Call, make_call
from actions.errors import YES_NO, ActionError, DeviceError, NotNow, Question
from actions.offers import meant_by
from actions.people.contacts import Contact, ContactBook
from agent.scripted import ScriptedDecider
from agent.types import Decision, Percept
from device.answers import LONGEST_ANSWER
from device.confirm import ScriptedConfirmer, SpokenConfirmer
from device.dialogue import QUESTIONS
from device.journal import MemoryJournal, SqliteJournal
from device.seams import Expects, State
from device.sim.trigger import ScriptedTrigger
from device.speech.scripted import ScriptedTranscriber
from device.turn import Body, Turn, take_turn
from device.voice.printed import PrintVoice


def text(recipient: str, message: str) -> Call:
    return make_call("send_text", recipient, message)


def email(recipient: str, subject: str, body: str) -> Call:
    return make_call("send_email", recipient, subject, body)


WORDS = SCRIPT | {
    "send a text": [text("", "")],
    "send an email": [email("", "", "")],
    "buy something": [make_call("amazon_shopping", "")],
    "买东西": [make_call("amazon_shopping", "")],
    "send texts to jordan and kim": [text("jordan", ""), text("kim", "")],
    "发短信": [text("", "")],
    "text hannah that i am here": [text("hannah", "i am here")],
    "给小红发短信说我到了": [text("小红", "我到了")],
    "order a pizza": [make_call("doordash_delivery", "pizza")],
    "which bin for the pizza box": [make_call("smart_recycling", "pizza box")],
    "披萨盒扔哪": [make_call("smart_recycling", "披萨盒")],
    "what is it about": [make_call("describe_scene", "")],
    "add milk and eggs": [make_call("instacart_shopping", "milk; eggs")],
    # how the dialogue puts answers to the mind, and what the released model makes of them
    "send a text to jordan saying um he should call me": [text("jordan", "you should call me")],
    "send a text to jordan saying he should call me": [text("jordan", "you should call me")],
    "send a text to jordan saying i'm late": [text("jordan", "i'm late")],
    "send a text to kim saying come over": [text("kim", "come over")],
    "send a text to anna saying i'm late": [text("anna", "i'm late")],
    "send a text to anna that i'm late": [text("anna", "i'm late")],
    "send an email to anna saying the heater is broken": [email("anna", "", "the heater is broken")],
    "给安娜发短信说我晚点到": [text("安娜", "我晚点到")],
    "order the red running shoes on amazon": [make_call("amazon_shopping", "red running shoes")],
    "order this one here on amazon": [make_call("amazon_shopping", "running shoes")],
    "在亚马逊上买一双跑鞋": [make_call("amazon_shopping", "跑鞋")],
    "text hannah that i am here no i said anna": [text("anna", "i am here no i said")],
    "text hannah that i am here no i said nine": [text("hannah", "i am here no i said nine")],
    "给小红发短信说我到了，不对，我说的是我快到了": [text("小红", "我快到了")],
    "order pizza no i said two pizzas": [make_call("doordash_delivery", "two pizzas")],
    "order two pizzas no i said three pizzas": [make_call("doordash_delivery", "three pizzas")],
    "order three pizzas no i said four pizzas": [make_call("doordash_delivery", "four pizzas")],
    "add milk; eggs to my instacart no i said three eggs": [make_call("instacart_shopping", "three eggs")],
}


def talk(words: str, *answers: bool | str, **parts: object) -> tuple[Turn, Body, ScriptedConfirmer]:
    confirmer = ScriptedConfirmer(answers)
    body = make_body(decider=ScriptedDecider(WORDS), confirmer=confirmer, **parts)
    return take_turn(body, press(), words), body, confirmer


def did(body: Body, name: str = "send_text") -> list[tuple[str, ...]]:
    return [tuple(request.call.args.values()) for request in hand(body, name).done]


class TestMissing:
    @pytest.mark.parametrize(
        ("words", "answers", "asked", "done"),
        [
            ("send a text to jordan", ["I'm late.", "yes"], ["What should I text jordan?"], ("jordan", "i'm late")),
            (
                "send a text to jordan",
                ["Um, tell him he should call me.", "yes"],
                ["What should I text jordan?"],
                ("jordan", "you should call me"),
            ),
            (
                "send a text",
                ["it's for Anna", "I'm late", "yes"],
                ["Who should I text?", "What should I text Anna?"],
                ("Anna", "i'm late"),
            ),
            ("send a text", ["anna that i'm late", "yes"], ["Who should I text?"], ("anna", "i'm late")),
            (
                "send a text",
                ["a n n a", "i'm late", "yes"],
                ["Who should I text?", "What should I text a n n a?"],  # the contacts know that it is spelled
                ("a n n a", "i'm late"),
            ),
            (
                "send a text",
                ["plus four nine one seven oh", "I'm late", "yes"],
                ["Who should I text?", "What should I text plus four nine one seven oh?"],
                ("plus four nine one seven oh", "I'm late"),  # the mind does not know this sentence: as it was said
            ),
            (
                "发短信",
                ["嗯，给安娜", "我晚点到", "好的"],
                ["短信发给谁？", "给安娜发什么？"],
                ("安娜", "我晚点到"),
            ),
        ],
    )
    def test_the_answer_fills_it(self, words: str, answers: list[str], asked: list[str], done: tuple[str, str]) -> None:
        turn, body, confirmer = talk(words, *answers)
        assert confirmer.asked == [*asked, "Shall I send_text?"]
        assert [tuple(value.casefold() for value in call) for call in did(body)] == [tuple(x.casefold() for x in done)]
        assert turn.exit_code == 0

    @pytest.mark.parametrize(
        ("words", "answer", "product"),
        [("buy something", "um, the red running shoes please", "red running shoes"), ("买东西", "一双跑鞋", "跑鞋")],
    )
    def test_the_mind_cuts_it_as_it_cuts_requests(self, words: str, answer: str, product: str) -> None:
        _, body, _ = talk(words, answer, True)
        assert did(body, "amazon_shopping") == [(product,)]

    def test_an_answer_may_point(self) -> None:
        """Then the mind sees the picture, and the action gets it."""
        seen: list[Percept] = []

        class Watching(ScriptedDecider):
            def decide(self, percept: Percept) -> Decision:
                seen.append(percept)
                return super().decide(percept)

        body = make_body(decider=Watching(WORDS), camera=Eye(), confirmer=ScriptedConfirmer(["this one here", True]))
        take_turn(body, press(), "buy something")
        assert seen[1].image is not None
        assert did(body, "amazon_shopping") == [("running shoes",)]
        assert hand(body, "amazon_shopping").sizes == [(64, 48)]

    def test_the_mind_invents_nothing(self) -> None:
        script = WORDS | {"send a text to jordan saying hello": [text("jordan", "goodbye my love")]}
        body = make_body(decider=ScriptedDecider(script), confirmer=ScriptedConfirmer(["hello", True]))
        take_turn(body, press(), "send a text to jordan")
        assert did(body) == [("jordan", "hello")]

    @pytest.mark.parametrize("noise", ["the news at nine is read by a man who", "um", "呃", "x" * (LONGEST_ANSWER + 1)])
    def test_noise_fills_nothing_and_is_asked_about_again(self, noise: str) -> None:
        turn, body, confirmer = talk("send a text", noise, noise, noise)
        assert confirmer.asked == ["Who should I text?"] * QUESTIONS
        assert did(body) == []
        assert turn.outcomes[0].status == "asked"
        assert said(body) == "Who should I text? Please ask me again, all at once."

    @pytest.mark.parametrize(
        ("words", "answer", "sentence"),
        [
            ("send a text", "cancel", "OK, I won't."),
            ("send a text", "Oh, never mind.", "OK, I won't."),
            ("send a text", "no", "OK, I won't."),
            ("发短信", "算了", "好的，那就不做了。"),
            ("发短信", "取消吧。", "好的，那就不做了。"),
        ],
    )
    def test_cancel_ends(self, words: str, answer: str, sentence: str) -> None:
        turn, body, confirmer = talk(words, answer, True, True)
        assert (said(body), len(confirmer.asked)) == (sentence, 1)
        assert [outcome.status for outcome in turn.outcomes] == ["cancelled"]
        assert turn.exit_code == 0

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [("send a text", "I heard no answer, so I left it at that."), ("发短信", "没听到回答，先不做了。")],
    )
    def test_silence_ends_in_a_sentence_a_light_and_a_line(self, words: str, sentence: str) -> None:
        turn, body, _ = talk(words)
        assert (said(body), turn.exit_code) == (sentence, Question.exit_code)
        assert lights(body) == [State.THINKING, State.ASKING, State.SPEAKING, State.READY]
        assert turns(body)[0].spoken == sentence
        assert "asked " in turns(body)[0].outcomes[0].detail

    def test_the_calls_of_a_turn_share_the_questions(self) -> None:
        turn, body, confirmer = talk("send texts to jordan and kim", "i'm late", True, "come over", True)
        assert did(body) == [("jordan", "i'm late"), ("kim", "come over")]
        assert len(confirmer.asked) == 4
        assert [outcome.status for outcome in turn.outcomes] == ["done", "done"]
        turn, body, _ = talk("send texts to jordan and kim", "um", "i'm late", True)
        assert [outcome.status for outcome in turn.outcomes] == ["done", "asked"]
        assert did(body) == [("jordan", "i'm late")]

    def test_what_was_asked_is_in_the_history(self) -> None:
        _, body, _ = talk("send a text to jordan", "I'm late.", "yes")
        detail = turns(body)[0].outcomes[0].detail
        assert detail == "[asked 'What should I text jordan?': \"I'm late.\"; asked 'Shall I send_text?': 'yes']"

    def test_a_microphone_that_fails_is_told(self) -> None:
        class Deaf(ScriptedConfirmer):
            def ask(self, request: Request, question: str, expects: Expects) -> str:
                raise DeviceError("The microphone is gone.", "麦克风不见了。")

        body = make_body(decider=ScriptedDecider(WORDS), confirmer=Deaf())
        assert take_turn(body, press(), "send a text").spoken == "The microphone is gone."
        assert did(body) == []


class TestCorrections:
    @pytest.mark.parametrize(
        ("words", "answers", "done"),
        [
            ("text hannah that i am here", ["No, I said Anna.", "yes"], ("anna", "i am here")),
            ("text hannah that i am here", ["no, to my boss", "yes"], ("boss", "i am here")),
            ("text hannah that i am here", ["not hannah, anna", "yes"], ("anna", "i am here")),
            ("text hannah that i am here", ["no, say i'm late", "yes"], ("hannah", "i'm late")),
            ("text hannah that i am here", ["no, to the other one", "Anna", "yes"], ("Anna", "i am here")),
            ("给小红发短信说我到了", ["不对，发给安娜", "好的"], ("安娜", "我到了")),
            ("给小红发短信说我到了", ["不是小红，是安娜", "好的"], ("安娜", "我到了")),
            ("给小红发短信说我到了", ["不对，我说的是我快到了", "好的"], ("小红", "我快到了")),
            ("给小红发短信说我到了", ["不，另一个", "安娜", "好的"], ("安娜", "我到了")),
        ],
    )
    def test_a_message_is_corrected_and_read_back_again(
        self, words: str, answers: list[str], done: tuple[str, str]
    ) -> None:
        _, body, confirmer = talk(words, *answers)
        assert did(body) == [done]
        assert confirmer.asked[0] == confirmer.asked[-1] == "Shall I send_text?"

    def test_an_order_and_a_list(self) -> None:
        _, body, _ = talk("order a pizza", "no, two pizzas", "yes")
        assert did(body, "doordash_delivery") == [("two pizzas",)]
        _, body, _ = talk("order a pizza", "no, with extra cheese", "yes")
        assert did(body, "doordash_delivery") == [("pizza with extra cheese",)]
        _, body, _ = talk("add milk and eggs", "no, three eggs", "yes")
        assert did(body, "instacart_shopping") == [("milk; three eggs",)]

    @pytest.mark.parametrize(
        "answer",
        [
            "",
            "no",
            "no wait",
            "no don't",
            "cancel",
            "never mind",
            "what",
            "the weather is nice",
            "no the weather is nice today",
            "maybe",
            "不",
            "算了",
            "等一下",
            "no, nine",
        ],
    )
    def test_all_else_is_a_no(self, answer: str) -> None:
        turn, body, confirmer = talk("text hannah that i am here", answer, True, True)
        assert did(body) == []
        assert [outcome.status for outcome in turn.outcomes] == ["cancelled"]
        assert len(confirmer.asked) == 1

    def test_they_count_as_questions(self) -> None:
        answers = ["no, two pizzas", "no, three pizzas", "no, four pizzas", "yes", "yes"]
        turn, body, confirmer = talk("order a pizza", *answers)
        assert len(confirmer.asked) == 1 + QUESTIONS
        assert [outcome.status for outcome in turn.outcomes] == ["cancelled"]
        assert did(body, "doordash_delivery") == []


class Knowing(Hand):
    """Knows two Annas, and asks which."""

    book = ContactBook([Contact("Anna Berg", "a@x.org"), Contact("Anna Bell", "b@x.org"), Contact("Hanna", "h@x.org")])

    def read_back(self, request: Request) -> str:
        said = request.call.args["recipient"]
        names = [contact.name for contact in self.book.contacts]
        if said in names:
            return f"Shall I write to {said}?"
        near = tuple(name for name in names if said.casefold() in name.casefold().split())
        raise Question(
            f"Which one: {' or '.join(near)}?" if near else f"I don't know {said}.", about="recipient", choices=near
        )


class TestQuestionsOfTheAction:
    @pytest.mark.parametrize(
        ("answers", "receiver"),
        [
            (["Anna Bell", "yes"], "Anna Bell"),
            (["berg", "yes"], "Anna Berg"),
            (["the second one", "yes"], "Anna Bell"),
            (["第一个", "yes"], "Anna Berg"),
            (["berg", "no, the other one", "yes"], "Anna Bell"),
            (["bob", "to Hanna", "yes"], None),  # Hanna is in the book, but with a capital the script's mind knows none
        ],
    )
    def test_which_of_two(self, answers: list[str], receiver: str | None) -> None:
        script = WORDS | {"text anna i am here": [text("anna", "i am here")]}
        actions: dict[str, Action] = {"send_text": Knowing("send_text")}
        body = make_body(decider=ScriptedDecider(script), confirmer=ScriptedConfirmer(answers), actions=actions)
        take_turn(body, press(), "text anna i am here")
        assert did(body) == [(receiver or "Hanna", "i am here")]

    def test_one_that_cannot_be_taken_up_ends_the_call(self) -> None:
        actions = {"send_text": Hand("send_text", Question("Please point and ask again.", "请对准后再问。"))}
        turn, _, confirmer = talk("text hannah that i am here", True, True, actions=actions)
        assert turn.spoken == "Please point and ask again."
        assert confirmer.asked == ["Shall I send_text?"]

    @pytest.mark.parametrize(
        ("words", "answers", "told"),
        [
            ("which bin for the pizza box", ["yes it is"], "yes"),
            ("which bin for the pizza box", ["no, it's clean"], "no"),
            ("which bin for the pizza box", ["I don't know", "no"], "no"),
            ("披萨盒扔哪", ["有"], "yes"),
            ("披萨盒扔哪", ["没有"], "no"),
            ("which bin for the pizza box", ["what", "hm"], None),
            ("which bin for the pizza box", ["cancel"], None),
            ("which bin for the pizza box", [""], None),
        ],
    )
    def test_a_fact_is_asked_while_it_acts(self, words: str, answers: list[str], told: str | None) -> None:
        class Bins(Hand):
            def perform(self, request: Request) -> Outcome:
                if "greasy" not in request.answers:
                    raise Question("Is it greasy?", "油吗？", about="greasy", choices=YES_NO)
                return super().perform(request)

        actions = {"smart_recycling": Bins("smart_recycling")}
        turn, body, confirmer = talk(words, *answers, actions=actions)
        assert [request.answers["greasy"] for request in actions["smart_recycling"].done] == ([told] if told else [])
        assert confirmer.asked == ["Is it greasy?" if words.isascii() else "油吗？"] * len(answers)
        assert isinstance(body.journal, MemoryJournal)
        states = [call.state for call in body.journal.calls()]
        assert states == ["done", *["asked"] * len(answers)] if told else set(states) == {"asked"}
        assert turn.exit_code == (0 if told or answers == ["cancel"] else Question.exit_code)

    def test_after_the_yes_it_is_read_back_again(self) -> None:
        """What was said yes to is not what would be done now."""

        class Late(Hand):
            def perform(self, request: Request) -> Outcome:
                if "@" not in request.call.args["recipient"]:
                    raise Question("Which address?", "哪个地址？", about="recipient")
                return super().perform(request)

        actions = {"send_text": Late("send_text")}
        _, body, confirmer = talk("text hannah that i am here", True, "h@x.org", False, actions=actions)
        assert confirmer.asked == ["Shall I send_text?", "Which address?", "Shall I send_text?"]
        assert did(body) == []


class Offerer(Hand):
    """Offers to send a link after it has searched."""

    def __init__(self, more: Outcome | Exception | None = None) -> None:
        super().__init__("google_search", Outcome("done", "It is blue.", offer="Shall I send you the link?"))
        self.more = more or Outcome("done", "I sent the link.")
        self.fulfilled: list[Request] = []

    def fulfil(self, request: Request) -> Outcome:
        self.fulfilled.append(request)
        if isinstance(self.more, Exception):
            raise self.more
        return self.more


class TestOffers:
    def offer(self, action: Hand, *answers: bool | str, **parts: object) -> tuple[Turn, Body, ScriptedConfirmer]:
        return talk("search for cheap flights", *answers, actions={"google_search": action}, **parts)

    def test_a_yes_has_it_done_under_the_same_key(self) -> None:
        action = Offerer()
        turn, body, confirmer = self.offer(action, "yes please")
        assert confirmer.asked == ["Shall I send you the link?"]
        assert [request.key for request in action.fulfilled] == [action.done[0].key]
        assert isinstance(body.voice, PrintVoice)
        assert [sentence for sentence, _ in body.voice.said] == ["It is blue.", "I sent the link."]
        assert turn.spoken == "It is blue. I sent the link."
        assert [outcome.spoken for outcome in turns(body)[0].outcomes] == ["It is blue.", "I sent the link."]
        assert lights(body)[-5:] == [State.SPEAKING, State.ASKING, State.ACTING, State.SPEAKING, State.READY]

    @pytest.mark.parametrize("answer", ["", "no", "maybe", "不用了", "yes but later"])
    def test_all_else_leaves_it(self, answer: str) -> None:
        action = Offerer()
        turn, body, _ = self.offer(action, answer)
        assert action.fulfilled == []
        assert (turn.spoken, turn.exit_code) == ("It is blue.", 0)
        assert lights(body)[-1] is State.READY

    def test_it_is_kept_like_any_call_and_fulfilled_later(self, tmp_path: Path) -> None:
        journal, action = (
            SqliteJournal(tmp_path / "history.sqlite"),
            Offerer(NotNow("There is no network.", "没有网络。")),
        )
        turn, _, _ = self.offer(action, True, journal=journal)
        assert [outcome.status for outcome in turn.outcomes] == ["done", "waiting"]
        assert [kept.state for kept in journal.calls()] == ["waiting", "done"]
        (waiting,) = journal.pending()
        again = meant_by(action, waiting.request)
        action.more = Outcome("done", "I sent the link.")
        assert again.perform(waiting.request).spoken == "I sent the link."
        assert action.fulfilled[0].key == action.fulfilled[1].key == action.done[0].key
        assert meant_by(action, action.done[0]) is action
        journal.close()

    @pytest.mark.parametrize("error", [ActionError("It was refused.", "被拒绝了。"), ZeroDivisionError("a fault")])
    def test_what_fails_is_told(self, error: Exception) -> None:
        turn, body, _ = self.offer(Offerer(error), True)
        assert [outcome.status for outcome in turn.outcomes] == ["done", "failed"]
        assert said(body) == turn.outcomes[1].spoken

    def test_an_offer_that_nobody_can_fulfil(self) -> None:
        action = Hand("google_search", Outcome("done", "It is blue.", offer="Shall I send it?"))
        turn, _, _ = self.offer(action, True)
        assert [outcome.status for outcome in turn.outcomes] == ["done", "failed"]

    def test_whoever_stops_the_answer_is_not_asked(self) -> None:
        trigger = ScriptedTrigger(())

        class Stopped(PrintVoice):
            def wait(self, timeout: float | None = None) -> bool:
                trigger.press()
                return False

        _, _, confirmer = self.offer(Offerer(), True, trigger=trigger, voice=Stopped(io.StringIO()))
        assert confirmer.asked == []

    def test_the_answer_is_shown_before_the_question(self) -> None:
        shown: list[str] = []
        body = make_body(actions={"google_search": Offerer()}, confirmer=ScriptedConfirmer([True]))
        take_turn(body, press(), "search for cheap flights", before_offer=lambda turn: shown.append(turn.spoken))
        assert shown == ["It is blue."]


class TestUndo:
    """A message may be held back for some seconds after the yes."""

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            ("undo", "OK, the text to hannah does not go out."),
            ("撤销", "好的，给hannah的短信不发了。"),
            ("cancel that", None),
        ],
    )
    def test_what_is_held_back_can_be_taken_back(self, words: str, sentence: str | None) -> None:
        turn, body, _ = talk("text hannah that i am here", True, grace=8.0)
        assert [outcome.status for outcome in turn.outcomes] == ["waiting"]
        assert did(body) == []
        undone = take_turn(body, press(), words)
        assert [outcome.status for outcome in undone.outcomes] == ["cancelled"]
        assert undone.spoken == (sentence or "OK, the text to hannah does not go out.")
        assert isinstance(body.journal, MemoryJournal)
        assert [call.state for call in body.journal.calls()] == ["cancelled"]

    def test_without_one_there_is_nothing_to_undo(self) -> None:
        turn, body, _ = talk("undo", grace=8.0)
        assert (turn.exit_code, turn.decision) == (ActionError.exit_code, None)
        assert turns(body)[0].error == turn.spoken

    def test_only_what_is_sensitive_is_held_back(self) -> None:
        _, body, _ = talk("order a pizza", True, grace=8.0)
        assert did(body, "doordash_delivery") == [("pizza",)]

    def test_without_grace_it_is_a_request_like_any_other(self) -> None:
        turn, _, _ = talk("undo")
        assert turn.decision is not None


def test_a_whole_dialogue_aloud() -> None:
    """The answers go through the ears: one for words, one for a yes or no."""
    voice, words = PrintVoice(io.StringIO()), ScriptedTranscriber(["Um, it's for Anna.", "I'm late.", "no, to my boss"])
    yes_no = ScriptedTranscriber(["no", "yes"])
    confirmer = SpokenConfirmer(voice, lambda: Sound(8), lambda lang: yes_no, words=lambda: words)
    body = make_body(decider=ScriptedDecider(WORDS), confirmer=confirmer, voice=voice)
    turn = take_turn(body, press(), "send a text")
    assert [sentence for sentence, _ in voice.said] == [
        "Who should I text?",
        "What should I text Anna?",
        "Shall I send_text?",
        "OK, I won't.",  # both questions are used up: a third thing to explain is too many
    ]
    assert turn.outcomes[0].status == "cancelled"


@pytest.fixture
def one_text(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., str]:
    """`tako ask` with a scripted mind, and what it prints."""
    from device.cli.main import tako

    monkeypatch.setenv("TAKO_HOME", str(tmp_path))
    monkeypatch.setenv("TAKO_CONFIG", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("device.body.choose_decider", lambda settings: ScriptedDecider(WORDS))

    def ask(*args: str, typed: str = "") -> str:
        result = CliRunner().invoke(tako, ["ask", *args], input=typed)
        return f"{result.exit_code} {result.output}"

    return ask


def test_in_the_terminal_a_line_is_the_answer(one_text: Callable[..., str]) -> None:
    shown = one_text("send", "a", "text", "to", "jordan", typed="cancel\n")
    assert "What should I text jordan?" in shown
    assert "OK, I won't." in shown


def test_the_end_of_the_input_is_silence(one_text: Callable[..., str]) -> None:
    shown = one_text("send", "a", "text", "to", "jordan")
    assert shown.startswith("8 ")
    assert "I heard no answer" in shown
