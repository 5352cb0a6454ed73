"""What surrounds a turn: pointing words, and parts that are made late."""

from __future__ import annotations

import pytest

from actions.catalogue import Call, make_call
from actions.errors import ModelError
from agent.pointing import points_at_picture, wants_picture
from agent.scripted import ScriptedDecider
from agent.types import Decider, Percept
from device.deferred import DeferredDecider, DeferredTranscriber
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
