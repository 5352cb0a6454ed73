"""A body of simulators for tests of the turn, and what its parts were given."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby

import numpy as np
from PIL import Image

from actions.base import Outcome, Request
from actions.catalogue import CATALOGUE, make_call
from agent.scripted import ScriptedDecider
from device.confirm import ScriptedConfirmer
from device.journal import MemoryJournal
from device.seams import CHUNK, Press, State, TurnRecord
from device.sim.camera import NoCamera
from device.sim.indicator import SilentIndicator
from device.sim.trigger import ScriptedTrigger
from device.speech.scripted import ScriptedTranscriber
from device.turn import Body, Ear
from device.voice.printed import PrintVoice

SCRIPT = {
    "text mom i'll be late": [make_call("send_text", "mom", "i'll be late")],
    "给小明发短信说我到了": [make_call("send_text", "小明", "我到了")],
    "search for cheap flights": [make_call("google_search", "cheap flights")],
    "order these on amazon": [make_call("amazon_shopping", "running shoes")],
    "what am i looking at": [make_call("describe_scene", "what am i looking at")],
    "email anna that i found this at the market": [
        make_call("send_email", "anna", "", "i found this at the market"),
    ],
    "send a text to jordan": [make_call("send_text", "jordan", "")],
    "text dad happy birthday and search for cake": [
        make_call("send_text", "dad", "happy birthday"),
        make_call("google_search", "cake"),
    ],
}


class Eye(NoCamera):
    """Sees one colour."""

    def frame(self) -> Image.Image:  # type: ignore[override]
        return Image.new("RGB", (64, 48), "red")


class Hand:
    """An action that notes what it is given; `outcome` may be an error, raised instead."""

    def __init__(self, name: str, outcome: Outcome | Exception | None = None) -> None:
        self.name = name
        self.outcome = outcome
        self.done: list[Request] = []
        self.sizes: list[tuple[int, int]] = []  # of the pictures, while they are there

    def read_back(self, request: Request) -> str:
        return f"Shall I {self.name}?"

    def perform(self, request: Request) -> Outcome:
        self.done.append(request)
        if request.image:
            with Image.open(request.image) as picture:
                self.sizes.append(picture.size)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome or Outcome("done", f"{self.name} is done.")


class Sound:
    """A microphone that hears `chunks` of silence."""

    def __init__(self, chunks: int = 3) -> None:
        self.chunks = chunks

    @contextmanager
    def open(self) -> Iterator[Iterator[np.ndarray]]:
        yield iter([np.zeros(CHUNK, np.int16)] * self.chunks)


def hears(text: str, chunks: int = 3) -> Ear:
    """An ear that understands these words, whatever the sound."""
    return Ear(Sound(chunks), ScriptedTranscriber([text]))


def make_body(**parts: object) -> Body:
    body = Body(
        trigger=ScriptedTrigger(()),
        camera=NoCamera(),
        ear=None,
        decider=ScriptedDecider(SCRIPT),
        actions={function.name: Hand(function.name) for function in CATALOGUE},
        confirmer=ScriptedConfirmer([True] * 9),
        voice=PrintVoice(io.StringIO()),
        indicator=SilentIndicator(),
        journal=MemoryJournal(),
    )
    return replace(body, **parts)  # type: ignore[arg-type]


def hand(body: Body, name: str) -> Hand:
    action = body.actions[name]
    assert isinstance(action, Hand)
    return action


def with_hand(name: str, outcome: Outcome | Exception) -> dict[str, Hand]:
    return {function.name: Hand(function.name, outcome if function.name == name else None) for function in CATALOGUE}


def said(body: Body) -> str:
    assert isinstance(body.voice, PrintVoice)
    return body.voice.said[-1][0]


def lights(body: Body) -> list[State]:
    """The states in order, each once while it lasts."""
    assert isinstance(body.indicator, SilentIndicator)
    return [state for state, _ in groupby(body.indicator.states)]


def turns(body: Body) -> list[TurnRecord]:
    assert isinstance(body.journal, MemoryJournal)
    return [kept.turn for kept in body.journal.turns()]


def press() -> Press:
    return Press(time.monotonic(), threading.Event())
