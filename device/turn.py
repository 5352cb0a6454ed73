"""One turn: press -> frame + utterance -> percept -> decision -> confirmation -> outcome -> speech.

Knows the seams and the order of things; knows no implementation. Whatever happens on the way, a turn ends in a
sentence, a light and a line in the history.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from actions.base import Action, Claiming, Outcome, Request, outcome_of
from actions.catalogue import NONE, Call, Risk, make_call
from actions.describe_scene import DescribeScene
from actions.errors import DeviceError, InputError, TakoError
from actions.offers import Asking, Fulfilment, fulfilment_of
from actions.outbox import Outbox, carry_out, undo
from actions.wording import say
from agent.language import language_of
from agent.pointing import points_at_picture, wants_picture
from agent.types import Decider, Decision, Observer, Percept
from device.answers import is_undo
from device.confirm import parse_yes_no
from device.dialogue import Dialogue, Means
from device.errors import fault
from device.gestures import Gestured, check, obey, watched, while_muted
from device.look import Look, Snapshot
from device.mute import Mute
from device.seams import (
    Camera,
    Confirmer,
    Expects,
    Indicator,
    Journal,
    Microphone,
    Press,
    State,
    Transcriber,
    Transcript,
    Trigger,
    TurnRecord,
    Voice,
)

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

log = logging.getLogger(__name__)
EXIT_CODES = {"waiting": 7, "unknown": 6, "failed": 6, "asked": 8}  # of outcomes, as in `actions.errors`; others are 0
UNSUPPORTED = make_call(NONE.name, "unsupported")
TYPED = "typed"  # the engine of a transcript that nobody spoke
_PATIENCE = 20.0, 0.6  # seconds, and seconds a character, after which a voice that does not end is given up


class History(Journal, Outbox, Protocol):
    """The journal, which is the outbox too."""

    def close(self) -> None: ...


Endpointing = Callable[["Iterable[np.ndarray]", threading.Event], "Iterable[np.ndarray]"]


def whole(chunks: Iterable[np.ndarray], released: threading.Event) -> Iterable[np.ndarray]:
    """The endpointing of a recording: the utterance ends where the sound does."""
    return chunks


@dataclass(frozen=True)
class Ear:
    """What hears."""

    microphone: Microphone
    transcriber: Transcriber
    endpointing: Endpointing = whole  # (sound, whether the button is released) to the sound of the utterance


@dataclass(frozen=True)
class Body:
    """All that a turn needs: one implementation of each seam."""

    trigger: Trigger
    camera: Camera
    ear: Ear | None  # None where requests are typed
    decider: Decider
    actions: Mapping[str, Action]
    confirmer: Confirmer
    voice: Voice
    indicator: Indicator
    journal: History
    lang: str = "en"  # of the answer while nothing was understood
    grace: float = 0.0  # seconds for which a sensitive call is held back after the yes, so that it can be undone
    mute: Mute = field(default_factory=Mute)  # whether the microphone is off
    must_see: bool = False  # whether a camera that fails ends the turn, though the request does not point at anything
    stopping: threading.Event = field(default_factory=threading.Event)  # set from outside: end soon

    def close(self) -> None:
        """Closes every part, the button first."""
        with ExitStack() as stack:
            for part in (self.journal, self.indicator, self.voice, self.camera, self.trigger):
                stack.callback(part.close)
            if self.ear:
                stack.callback(self.ear.transcriber.close)


@dataclass
class Turn:
    """What has come of a turn so far."""

    lang: str
    started: float = field(default_factory=time.time)
    transcript: Transcript = field(default_factory=lambda: Transcript("", ""))
    decision: Decision | None = None
    outcomes: list[Outcome] = field(default_factory=list)
    offers: list[tuple[Action, Request, Outcome]] = field(default_factory=list)  # what can be done more, and after what
    error: TakoError | None = None
    image: str = ""
    ms: dict[str, float] = field(default_factory=dict)

    @property
    def spoken(self) -> str:
        """All that is said at the end of the turn; what went wrong twice (a full disk) is said once."""
        sentences = [outcome.spoken for outcome in self.outcomes] + (
            [self.error.spoken(self.lang)] if self.error else []
        )
        return say(self.lang, " ", "").join(dict.fromkeys(sentences))

    @property
    def exit_code(self) -> int:
        """0 when all went as it should, else that of the first thing that did not."""
        codes = [EXIT_CODES.get(outcome.status, 0) for outcome in self.outcomes]
        return next((code for code in codes if code), self.error.exit_code if self.error else 0)

    def record(self) -> TurnRecord:
        error = self.error.spoken(self.lang) if self.error else ""
        return TurnRecord(
            self.started,
            self.transcript,
            self.decision,
            tuple(self.outcomes),
            self.spoken,
            dict(self.ms),
            self.image,
            error,
        )


def take_turn(
    body: Body, press: Press, typed: str | None = None, before_offer: Callable[[Turn], None] = lambda turn: None
) -> Turn:
    """Goes through one turn and says what came of it. `typed`: the request in writing, so nothing is recorded;
    `before_offer` gets the turn before tako asks whether more is wanted, for whoever shows the answer in writing."""
    turn, told = Turn(body.lang), False
    try:
        check(press)
        if typed is None:
            while_muted(press, body.mute)
        look = Look(body.camera, body.decider if isinstance(body.decider, Observer) else None)
        turn.transcript = _listen(body, turn, press) if typed is None else _read(typed)
        check(press)
        percept = _perceive(body, turn, look)
        if body.grace > 0 and is_undo(percept.text):
            turn.outcomes.append(undo(body.journal, turn.lang))
        else:
            decision = _decide(body, turn, percept, look)
            with Snapshot(percept.image) as snapshot:
                dialogue = _dialogue(body, turn, press, percept, snapshot, alone=len(decision.calls) == 1)
                for call in decision.calls:
                    check(press)
                    turn.outcomes.append(_outcome(body, turn, call, dialogue))
                heard, told = _speak(body, turn, turn.spoken), True
                if heard and turn.offers:
                    _offer(body, turn, dialogue, before_offer)
    except Gestured as sign:  # the press was no request
        turn.outcomes.append(obey(sign.gesture, body.journal, body.mute, turn.lang))
    except TakoError as error:
        turn.error = error
    except Exception:  # a fault of the program: told like any other, with its traceback in the log
        log.exception("the turn failed")
        turn.error = fault()
    if not told:
        _speak(body, turn, turn.spoken)
    _remember(body, turn)
    body.indicator.show(State.READY)
    return turn


def _listen(body: Body, turn: Turn, press: Press) -> Transcript:
    """The transcript of what is said from the press to its end; understood while it is being said."""
    ear = body.ear
    if ear is None:
        raise DeviceError("I have no microphone to listen with.", "我没有可用的麦克风。")
    body.voice.stop()  # what is still being said is not part of the request
    body.indicator.show(State.LISTENING)
    begun = ended = time.monotonic()

    def utterance(chunks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        nonlocal ended
        for chunk in watched(ear.endpointing(chunks, press.released), press):
            if body.stopping.is_set():
                raise InputError("I was switched off while you spoke.", "你说话时我被关闭了。")
            yield chunk
        ended = time.monotonic()
        body.indicator.show(State.THINKING)

    with ear.microphone.open() as chunks:
        transcript = ear.transcriber.transcribe(utterance(chunks))
    turn.ms["listen"] = (ended - begun) * 1000
    turn.ms["transcribe"] = (time.monotonic() - ended) * 1000
    return transcript


def _read(text: str) -> Transcript:
    return Transcript(text, language_of(text), engine=TYPED)


def _perceive(body: Body, turn: Turn, look: Look) -> Percept:
    """Words and picture together. A camera that fails matters only to a request that points."""
    transcript = turn.transcript
    if not transcript.text.strip():
        raise InputError("I heard nothing.", "我什么也没听到。")
    turn.lang = transcript.lang if transcript.lang in ("en", "zh") else language_of(transcript.text)
    body.indicator.show(State.THINKING, transcript.text)
    try:
        image = look.picture()
    except TakoError as error:
        if body.must_see or points_at_picture(transcript.text):
            raise
        log.warning("no picture in this turn: %s", error)
        image = None
    turn.ms["look"] = look.ms
    return Percept(transcript.text, turn.lang, image)


def _decide(body: Body, turn: Turn, percept: Percept, look: Look) -> Decision:
    with _timed(turn, "decide"):
        turn.decision = body.decider.decide(percept)
        seeing = look.seeing() if percept.image is not None else None
        if seeing is not None:
            turn.ms["see"] = seeing  # most of it while the user spoke
    turn.lang = turn.decision.lang
    if turn.decision.calls == (UNSUPPORTED,):
        claims = (a.claim(percept.text, turn.lang) for a in body.actions.values() if isinstance(a, Claiming))
        claimed = next(filter(None, claims), None)
        turn.decision = replace(turn.decision, calls=(claimed,)) if claimed else turn.decision
    return turn.decision


def _dialogue(body: Body, turn: Turn, press: Press, percept: Percept, snapshot: Snapshot, alone: bool) -> Dialogue:
    """What asks, understands and acts in this turn. `alone`: the request has one call only."""

    def ask(request: Request, question: str, expects: Expects) -> str:
        body.indicator.show(State.ASKING, question)
        body.trigger.pressed()  # an impatient press from before the question is no answer to it
        with _timed(turn, "confirm" if expects is Expects.CONSENT else "ask"):
            return body.confirmer.ask(request, question, expects)

    def understand(words: str) -> Decision:
        body.indicator.show(State.THINKING)
        with _timed(turn, "decide"):
            image = percept.image if points_at_picture(words) else None
            return body.decider.decide(Percept(words, turn.lang, image))

    def request(call: Call, words: str) -> Request:
        shown = snapshot if wants_picture(call, words, alone) else None
        image = shown.path() if shown else None
        said = _said_of(body, turn, call, shown.image if shown else None)
        return Request(call, turn.lang, words, image, said=said, heard=turn.transcript.engine != TYPED)

    def act(action: Action, request: Request) -> Outcome:
        check(press)  # pressed twice while it was thinking or asking
        request = replace(request, key=uuid.uuid4().hex)  # each try is a call of its own
        body.indicator.show(State.ACTING)
        with _timed(turn, "act"):
            asking = Asking(action)
            grace = body.grace if request.call.function.risk is Risk.SENSITIVE else 0.0
            outcome = carry_out(body.journal, asking, request, grace)
        if asking.question is not None:
            raise asking.question
        if request.image:
            turn.image = turn.image or _kept(body.journal, request.key)
        turn.offers += [(action, request, outcome)] if outcome.offer else []
        return outcome

    return Dialogue(Means(ask, understand, request, act))


def _outcome(body: Body, turn: Turn, call: Call, dialogue: Dialogue) -> Outcome:
    """What comes of one call. That it is refused or fails does not end the turn."""
    try:
        return dialogue.carry(body.actions[call.name], call, turn.transcript.text)
    except Gestured:  # ends the turn
        raise
    except TakoError as error:
        return outcome_of(error, turn.lang)
    except Exception:  # likewise; what was begun stays in the outbox as unknown
        log.exception("%s failed", call.name)
        return outcome_of(fault(), turn.lang)


def _offer(body: Body, turn: Turn, dialogue: Dialogue, before: Callable[[Turn], None]) -> None:
    """Asks once whether more is wanted of what was done, does it after a yes, and says what came of it."""
    action, request, outcome = turn.offers[0]
    before(turn)
    try:
        if parse_yes_no(dialogue.means.ask(request, outcome.offer, Expects.YES_NO)) is not True:
            return
        body.indicator.show(State.ACTING)
        with _timed(turn, "act"):
            more = carry_out(body.journal, Fulfilment(action), fulfilment_of(request))
    except TakoError as error:
        more = outcome_of(error, turn.lang)
    except Exception:  # as with every call
        log.exception("the offer of %s failed", request.call.name)
        more = outcome_of(fault(), turn.lang)
    turn.outcomes.append(more)
    _speak(body, turn, more.spoken)


def _said_of(body: Body, turn: Turn, call: Call, image: Image | None) -> str:
    """What the model itself says where a picture is asked about; empty elsewhere, and where it has no eyes."""
    if call.name != DescribeScene.name or call.missing() or image is None or not isinstance(body.decider, Observer):
        return ""
    with _timed(turn, "describe"):
        return body.decider.describe(image, call.args["question"])


def _kept(journal: History, key: str) -> str:
    """Where the picture of a call is kept that is not settled yet; empty when it is."""
    return next((str(call.request.image or "") for call in journal.pending() if call.request.key == key), "")


def _speak(body: Body, turn: Turn, text: str) -> bool:
    """Says it, and whether all of it: a press or the end of the service cuts it short. A voice that fails is an error
    of the turn."""
    body.indicator.show(State.ERROR if turn.error else State.SPEAKING, text)
    body.trigger.pressed()  # presses from before are no reason to fall silent
    with _timed(turn, "speak"):
        limit = time.monotonic() + _PATIENCE[0] + _PATIENCE[1] * len(text)
        try:
            body.voice.say(text, turn.lang)
            while not body.voice.wait(0.05):
                if body.trigger.pressed() or body.stopping.is_set() or time.monotonic() > limit:
                    body.voice.stop()
                    return False
            return True
        except TakoError as error:
            log.warning("cannot speak: %s", error)
            turn.error = turn.error or error
            body.indicator.show(State.ERROR, error.spoken(turn.lang))
            return False


def _remember(body: Body, turn: Turn) -> None:
    turn.ms["total"] = (time.time() - turn.started) * 1000
    try:
        body.journal.record(turn.record())
    except TakoError as error:
        told = error.spoken(turn.lang) in turn.spoken
        turn.error = turn.error or error
        if not told:
            _speak(body, turn, error.spoken(turn.lang))


@contextmanager
def _timed(turn: Turn, stage: str) -> Iterator[None]:
    """Adds the time that passes to the stage's milliseconds."""
    begun = time.monotonic()
    try:
        yield
    finally:
        turn.ms[stage] = turn.ms.get(stage, 0.0) + (time.monotonic() - begun) * 1000
