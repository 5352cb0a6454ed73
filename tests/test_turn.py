"""The whole turn with the simulators: press, words, picture, decision, confirmation, outcome, speech."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from bodies import SCRIPT, Eye, Hand, Sound, hand, hears, lights, make_body, press, said, turns, with_hand
from PIL import Image

from actions.base import Request
from actions.errors import ActionError, DeviceError, InputError, NotNow, Question, TakoError
from actions.people.contacts import ContactBook
from actions.registry import Context, build_actions
from actions.settings import ActionsSettings
from agent.onnx_decider import OnnxDecider
from agent.scripted import ScriptedDecider
from agent.types import Decision, Percept
from device.confirm import ScriptedConfirmer
from device.journal import MemoryJournal, SqliteJournal
from device.seams import Expects, Press, State, Transcript
from device.sim.camera import FolderCamera, NoCamera
from device.sim.trigger import ScriptedTrigger
from device.speech.microphone import WavMicrophone
from device.speech.scripted import ScriptedTranscriber
from device.turn import Ear, take_turn
from device.voice.printed import PrintVoice

DATA = Path(__file__).parent / "data"
TINY = Path(__file__).parent / "tiny_model"


def test_a_whole_turn_from_press_to_speech() -> None:
    body = make_body(ear=hears("text mom i'll be late"), camera=Eye())
    turn = take_turn(body, press())
    assert turn.transcript.seconds == pytest.approx(0.3)
    assert turn.exit_code == 0
    assert hand(body, "send_text").done[0].call.args == {"recipient": "mom", "message": "i'll be late"}
    assert said(body) == "send_text is done."
    assert lights(body) == [
        State.LISTENING,
        State.THINKING,
        State.ASKING,
        State.ACTING,
        State.SPEAKING,
        State.READY,
    ]
    (record,) = turns(body)
    assert record.transcript.text == "text mom i'll be late"
    assert record.decision is not None
    assert record.spoken == "send_text is done."
    assert set(record.ms) == {"listen", "transcribe", "look", "decide", "confirm", "act", "speak", "total"}
    assert all(ms >= 0 for ms in record.ms.values())


def test_a_whole_turn_on_real_parts(tmp_path: Path) -> None:
    """A recording, a photo, an ONNX model (the tiny one reports a lost thing, whatever it is told), real hands, a real
    history. Only the recogniser is a script."""
    journal = SqliteJournal(tmp_path / "history.sqlite")
    body = make_body(
        ear=Ear(WavMicrophone(DATA / "zh_request.wav"), ScriptedTranscriber(["我的东西不见了"])),
        camera=FolderCamera(DATA / "photo.jpg"),
        decider=OnnxDecider(TINY),
        actions=build_actions(Context(ActionsSettings(), ContactBook([]), tmp_path), plugins=()),
        journal=journal,
    )
    turn = take_turn(body, press())
    assert [(o.status, o.spoken) for o in turn.outcomes] == [("asked", "没听到回答，先不做了。")]
    assert said(body) == "没听到回答，先不做了。"
    kept = journal.turns()[0].turn
    journal.close()
    assert kept.transcript.seconds == pytest.approx(2.3, abs=0.1)
    assert kept.decision == turn.decision
    assert kept.spoken == "没听到回答，先不做了。"
    assert kept.outcomes[0].detail == "[asked '是什么东西？': '']"


def test_chinese_is_answered_in_chinese() -> None:
    body = make_body(confirmer=ScriptedConfirmer([False]), ear=hears("给小明发短信说我到了"))
    take_turn(body, press())
    assert isinstance(body.voice, PrintVoice)
    assert body.voice.said == [("好的，那就不做了。", "zh")]


@pytest.mark.parametrize("text", ["", "  "])
def test_silence_ends_before_any_decision(text: str) -> None:
    body = make_body(ear=hears(text))
    turn = take_turn(body, press())
    assert (turn.exit_code, turn.decision) == (InputError.exit_code, None)
    assert said(body) == "I heard nothing."
    assert turns(body)[0].error == "I heard nothing."


class TestConfirmation:
    def test_nothing_sensitive_happens_without_a_yes(self) -> None:
        confirmer = ScriptedConfirmer([False])
        body = make_body(confirmer=confirmer)
        turn = take_turn(body, press(), "text mom i'll be late")
        assert confirmer.asked == ["Shall I send_text?"]
        assert hand(body, "send_text").done == []
        assert [outcome.status for outcome in turn.outcomes] == ["cancelled"]
        assert isinstance(body.journal, MemoryJournal)
        assert body.journal.calls() == ()

    def test_what_is_safe_is_not_asked(self) -> None:
        confirmer = ScriptedConfirmer()
        take_turn(body := make_body(confirmer=confirmer), press(), "search for cheap flights")
        assert confirmer.asked == []
        assert len(hand(body, "google_search").done) == 1

    def test_spending_is_asked(self) -> None:
        confirmer = ScriptedConfirmer([False])
        body = make_body(confirmer=confirmer)
        take_turn(body, press(), "order these on amazon")
        assert len(confirmer.asked) == 1
        assert hand(body, "amazon_shopping").done == []

    def test_a_question_of_the_action_comes_before_the_yes(self) -> None:
        class Unsure(Hand):
            def read_back(self, request: Request) -> str:
                raise Question("Which Anna?", "哪个安娜？")

        confirmer = ScriptedConfirmer([True])
        body = make_body(confirmer=confirmer, actions={"send_text": Unsure("send_text")})
        turn = take_turn(body, press(), "text mom i'll be late")
        assert confirmer.asked == []
        assert [(o.status, o.spoken) for o in turn.outcomes] == [("asked", "Which Anna?")]
        assert turn.exit_code == Question.exit_code

    def test_an_impatient_press_is_no_answer(self) -> None:
        """Pressing the button again while tako thinks must not be taken for the yes to a question asked later."""
        trigger = ScriptedTrigger(())
        trigger.press()
        left: list[Press | None] = []

        class ByButton:
            def ask(self, request: Request, question: str, expects: Expects) -> str:
                left.append(trigger.wait(0.0))
                return "yes" if left[-1] else ""

        body = make_body(trigger=trigger, confirmer=ByButton())
        take_turn(body, press(), "text mom i'll be late")
        assert left == [None]
        assert hand(body, "send_text").done == []


class TestSeveralCalls:
    def test_they_are_done_in_the_order_they_were_said(self) -> None:
        body = make_body()
        turn = take_turn(body, press(), "text dad happy birthday and search for cake")
        assert turn.spoken == "send_text is done. google_search is done."

    def test_one_that_is_refused_does_not_stop_the_others(self) -> None:
        body = make_body(confirmer=ScriptedConfirmer([False]))
        turn = take_turn(body, press(), "text dad happy birthday and search for cake")
        assert [outcome.status for outcome in turn.outcomes] == ["cancelled", "done"]

    @pytest.mark.parametrize(
        ("error", "status", "code"),
        [
            (ActionError("The server refused it.", "服务器拒绝了。"), "failed", 6),
            (NotNow("There is no network.", "没有网络。"), "waiting", 7),
            (Question("Which dad?", "哪个爸爸？"), "asked", 8),
            (ZeroDivisionError("a fault of the program"), "failed", 6),
        ],
    )
    def test_one_that_fails_does_not_stop_the_others(self, error: Exception, status: str, code: int) -> None:
        body = make_body(actions=with_hand("send_text", error))
        turn = take_turn(body, press(), "text dad happy birthday and search for cake")
        assert [outcome.status for outcome in turn.outcomes] == [status, "done"]
        assert turn.exit_code == code
        assert isinstance(body.journal, MemoryJournal)
        kept = status if isinstance(error, TakoError) else "unknown"  # a fault may have come after the deed
        assert [call.state for call in body.journal.calls()] == ["done", kept]


def test_what_is_missing_is_asked() -> None:
    body = make_body()
    turn = take_turn(body, press(), "send a text to jordan")
    assert [(o.status, o.spoken) for o in turn.outcomes] == [("asked", "I heard no answer, so I left it at that.")]
    assert turn.exit_code == Question.exit_code
    assert turn.outcomes[0].detail == "[asked 'What should I text jordan?': '']"
    assert lights(body) == [State.THINKING, State.ASKING, State.SPEAKING, State.READY]
    assert hand(body, "send_text").done == []


class TestPicture:
    @pytest.mark.parametrize(
        ("text", "name", "given"),
        [
            ("email anna that i found this at the market", "send_email", True),
            ("order these on amazon", "amazon_shopping", True),
            ("what am i looking at", "describe_scene", True),
            ("text mom i'll be late", "send_text", False),
            ("search for cheap flights", "google_search", False),
        ],
    )
    def test_the_action_gets_it_when_the_request_points(self, text: str, name: str, given: bool) -> None:
        body = make_body(camera=Eye())
        take_turn(body, press(), text)
        assert hand(body, name).sizes == ([(64, 48)] if given else [])

    def test_it_is_gone_after_the_turn(self) -> None:
        body = make_body(camera=Eye())
        take_turn(body, press(), "order these on amazon")
        image = hand(body, "amazon_shopping").done[0].image
        assert image is not None
        assert not image.exists()

    def test_it_is_kept_while_a_call_waits(self, tmp_path: Path) -> None:
        """The outbox has a copy of its own, which the history names."""
        journal = SqliteJournal(tmp_path / "history.sqlite")
        actions = with_hand("amazon_shopping", NotNow("There is no network.", "没有网络。"))
        turn = take_turn(make_body(camera=Eye(), journal=journal, actions=actions), press(), "order these on amazon")
        kept = journal.turns()[0].turn.image
        journal.close()
        assert turn.image == kept
        assert Path(kept).is_file()

    def test_the_decider_sees_it_always(self) -> None:
        seen: list[Percept] = []

        class Watching(ScriptedDecider):
            def decide(self, percept: Percept) -> Decision:
                seen.append(percept)
                return super().decide(percept)

        take_turn(make_body(camera=Eye(), decider=Watching(SCRIPT)), press(), "search for cheap flights")
        assert seen[0].image is not None
        assert seen[0].lang == "en"

    def test_the_frame_is_of_the_press(self) -> None:
        """It is taken while the user still speaks."""
        taken = threading.Event()

        class Quick(NoCamera):
            def frame(self) -> None:
                taken.set()

        class Patient(ScriptedTranscriber):
            def transcribe(
                self, chunks: Iterable[np.ndarray], on_partial: Callable[[str], None] | None = None
            ) -> Transcript:
                for _ in chunks:
                    assert taken.wait(5.0)
                return Transcript("search for cheap flights", "en")

        turn = take_turn(make_body(camera=Quick(), ear=Ear(Sound(), Patient([]))), press())
        assert turn.exit_code == 0

    @pytest.mark.parametrize(("text", "code"), [("order these on amazon", 4), ("search for cheap flights", 0)])
    def test_a_broken_camera_matters_only_to_a_request_that_points(self, text: str, code: int) -> None:
        class Broken(NoCamera):
            def frame(self) -> None:
                raise DeviceError("The camera is gone.", "摄像头不见了。")

        turn = take_turn(make_body(camera=Broken()), press(), text)
        assert turn.exit_code == code

    def test_a_camera_with_a_fault_ends_in_a_sentence(self) -> None:
        class Faulty(NoCamera):
            def frame(self) -> None:
                raise ZeroDivisionError

        turn = take_turn(make_body(camera=Faulty()), press(), "order these on amazon")
        assert turn.spoken == "Something is wrong with the camera."

    def test_a_full_disk_ends_in_a_sentence(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(self: Image.Image, *args: object, **kwargs: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Image.Image, "save", full)
        body = make_body(camera=Eye())
        turn = take_turn(body, press(), "order these on amazon")
        assert "disk is full" in turn.spoken
        assert hand(body, "amazon_shopping").done == []
