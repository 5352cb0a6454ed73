"""What a press means beside talking: pressed twice it takes back, held long in silence it mutes.

A press is handed over at once and tako listens at once; so a gesture shows while it listens already, and ends the
listening as an error of its own kind, which a turn answers with `obey`. Knows neither pins nor the turn.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from actions.base import Outcome, outcome_of
from actions.errors import InputError, TakoError
from actions.outbox import Outbox, undo
from actions.wording import say
from device.mute import Mute
from device.seams import Press

if TYPE_CHECKING:
    import numpy as np

MUTED_PATIENCE = 0.5  # seconds in which a tap, while the microphone is off, may still become a double press
_POLL = 0.02  # seconds


class Gesture(Enum):
    """What was meant."""

    UNDO = "undo"  # pressed twice at the start: take back what is held back
    CANCEL = "cancel"  # pressed twice later: leave what this turn is about
    MUTE = "mute"  # held long in silence: switch the microphone off, or on


_SENTENCES = {
    Gesture.UNDO: ("OK, I take it back.", "好的，撤销。"),
    Gesture.CANCEL: ("OK, I leave it.", "好的，不做了。"),
    Gesture.MUTE: ("OK, I switch the microphone.", "好的，切换麦克风。"),
}


class Gestured(InputError):
    """The press is no request: `gesture` says what it is."""

    def __init__(self, gesture: Gesture) -> None:
        super().__init__(*_SENTENCES[gesture])
        self.gesture = gesture


@runtime_checkable
class Hearing(Protocol):
    """Sound that knows whether somebody has spoken in it."""

    heard: bool


def check(press: Press, heard: bool = True) -> None:
    """Raises `Gestured` when the press has turned out to be no request. `heard`: whether somebody has spoken."""
    if press.doubled.is_set():
        raise Gestured(Gesture.UNDO)
    if press.cancelled.is_set():
        raise Gestured(Gesture.CANCEL)
    if press.long.is_set() and not heard:
        raise Gestured(Gesture.MUTE)


def watched(sound: Iterable[np.ndarray], press: Press) -> Iterator[np.ndarray]:
    """The sound of an utterance for as long as its press is a request. Raises `Gestured`. Sound that does not know
    whether somebody speaks is taken for speech."""
    for chunk in sound:
        check(press, _heard(sound))
        yield chunk
    check(press, _heard(sound))


def while_muted(press: Press, mute: Mute) -> None:
    """Returns at once when the microphone is on. Else waits for what the press is: raises `Gestured`, or, for one that
    wanted to talk, `DeviceError` with the sentence that the microphone is off."""
    while mute.on:
        check(press, heard=False)
        if press.released.is_set() and time.monotonic() - press.at > MUTED_PATIENCE:
            mute.check()
        time.sleep(_POLL)


def obey(gesture: Gesture, outbox: Outbox, mute: Mute, lang: str) -> Outcome:
    """Does what was meant, and says what came of it. Raises nothing: what cannot be done is said, too."""
    try:
        if gesture is Gesture.UNDO:
            return undo(outbox, lang)
        if gesture is Gesture.CANCEL:
            return Outcome("cancelled", say(lang, *_SENTENCES[gesture]), "by a double press")
        off = mute.toggle()
    except TakoError as error:
        return outcome_of(error, lang)
    sentence = ("The microphone is off.", "麦克风已关闭。") if off else ("The microphone is on.", "麦克风已打开。")
    return Outcome("done", say(lang, *sentence), "by a long press")


def _heard(sound: object) -> bool:
    return sound.heard if isinstance(sound, Hearing) else True
