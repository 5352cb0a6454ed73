"""What surrounds a turn: pointing words, parts that are made late, and the courier of the outbox."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from actions.base import Action, Outcome, Request
from actions.catalogue import Call, make_call
from actions.errors import DeviceError, ModelError, NotNow
from agent.pointing import points_at_picture, wants_picture
from agent.scripted import ScriptedDecider
from agent.types import Decider, Percept
from device.courier import Courier
from device.deferred import DeferredDecider, DeferredTranscriber
from device.journal import MemoryJournal
from device.seams import Transcriber
from device.speech.scripted import ScriptedTranscriber

POINTING = """
email anna that i found this at the market
what kind of building is this look it up
order these on amazon
send that to bob
what's that
buy that jacket
take a photo and send it to mom
which bin does this go in
three of these
what am i looking at
买这个
把这张照片发给妈妈
拍一张发给小李
这是什么
把我手里的发给小王
""".strip().splitlines()
NOT_POINTING = """
email anna that the invoice is paid
tell ann that her sister called
text mom i'll be ten minutes late
email boss that i am off this week
remind tom that this friday works
is it true that the shop is closed
text bob that that is fine by me
tell him that tom lost his keys
email kate about that time we met
text anna that i am here
make sure that i get it
跟小明说这周我不在
给李经理发邮件说这么晚了
我这几天不在
告诉他这样不行
那个帮我点一份外卖
给弟弟发消息说帽子在我这
""".strip().splitlines()


@pytest.mark.parametrize("text", POINTING)
def test_words_that_point(text: str) -> None:
    assert points_at_picture(text)


@pytest.mark.parametrize("text", NOT_POINTING)
def test_words_that_do_not_point(text: str) -> None:
    assert not points_at_picture(text)


EMAIL = make_call("send_email", "pam", "", "the photos you sent made us laugh")


@pytest.mark.parametrize(
    ("call", "text", "alone", "wanted"),
    [
        (make_call("describe_scene", "how many chairs"), "how many chairs", True, True),
        (make_call("interior_design", "", "nordic"), "make it nordic", True, True),
        (make_call("none", "unclear"), "this this this", True, False),
        (EMAIL, "email pam that the photos she sent made us laugh", True, False),
        (make_call("send_email", "pam", "", ""), "email pam the photo", True, True),
        (
            make_call("send_text", "bev", "i'm here early"),
            "what is this hall and text bev i'm here early",
            False,
            False,
        ),
        (make_call("send_text", "bev", "look at this"), "search for cake and text bev look at this", False, True),
        (make_call("amazon_shopping", "lamp"), "order this and text phil i got it", False, True),
    ],
)
def test_the_picture_goes_with_the_call_that_means_it(call: Call, text: str, alone: bool, wanted: bool) -> None:
    assert wants_picture(call, text, alone) is wanted


class TestDeferred:
    def test_a_missing_part_is_looked_for_each_time(self) -> None:
        here: list[Decider] = []

        def make() -> Decider:
            if not here:
                raise ModelError("There is no model yet.")
            return here[0]

        decider = DeferredDecider(make)
        for _ in range(2):
            with pytest.raises(ModelError):
                decider.decide(Percept("hi"))
        here.append(ScriptedDecider({}))
        assert decider.decide(Percept("hi")).calls == (make_call("none", "unclear"),)

    def test_it_is_made_once(self) -> None:
        made: list[ScriptedTranscriber] = []

        def make() -> Transcriber:
            made.append(ScriptedTranscriber(["one", "two"]))
            return made[-1]

        transcriber = DeferredTranscriber(make, ("en",))
        transcriber.close()  # nothing is there to close
        assert [transcriber.transcribe([]).text for _ in range(2)] == ["one", "two"]
        assert len(made) == 1
        assert isinstance(transcriber, Transcriber)


class Mail:
    """An action that has no network for its first `refusals` tries."""

    name = "send_email"

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.tries = 0

    def read_back(self, request: Request) -> str:
        return "Shall I?"

    def perform(self, request: Request) -> Outcome:
        self.tries += 1
        if self.tries <= self.refusals:
            raise NotNow("There is no network.", "没有网络。")
        return Outcome("done", "I sent it.")


def waiting() -> MemoryJournal:
    journal = MemoryJournal()
    key = journal.begin(Request(EMAIL, "en"))
    journal.end(key, Outcome("waiting", "It waits."))
    return journal


def eventually(condition: Callable[[], object]) -> bool:
    end = time.monotonic() + 5.0
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


class TestCourier:
    def test_what_waits_is_done_when_it_can_be_and_told_once(self) -> None:
        journal, mail = waiting(), Mail(refusals=2)
        actions: dict[str, Action] = {"send_email": mail}
        courier = Courier(journal, actions, soon=0.01)
        assert eventually(lambda: [kept.state for kept in journal.calls()] == ["done"])
        courier.close()
        news = courier.news()
        assert news is not None
        assert news[1].spoken == "I sent it."
        assert courier.news() is None
        assert mail.tries == 3

    def test_a_disk_that_fails_does_not_end_it(self) -> None:
        class Failing(MemoryJournal):
            rounds = 0

            def pending(self) -> tuple[()]:
                self.rounds += 1
                raise DeviceError("The disk is full.")

        journal = Failing()
        courier = Courier(journal, {}, soon=0.01)
        assert eventually(lambda: journal.rounds > 2)
        courier.close()

    def test_a_fault_of_an_action_is_noted_and_not_repeated(self) -> None:
        class Faulty(Mail):
            def perform(self, request: Request) -> Outcome:
                self.tries += 1
                raise ZeroDivisionError("deep inside")

        journal, mail = waiting(), Faulty(0)
        courier = Courier(journal, {"send_email": mail}, soon=0.01)
        assert eventually(lambda: [kept.state for kept in journal.calls()] == ["unknown"])
        time.sleep(0.1)
        courier.close()
        assert mail.tries == 1

    def test_closing_does_not_wait_for_the_next_round(self) -> None:
        courier = Courier(MemoryJournal(), {}, soon=60.0)
        before = time.monotonic()
        courier.close()
        assert time.monotonic() - before < 1.0
