"""The courier of the outbox: what waits goes when it is due, once, and is told once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from actions.base import Action, Outcome, Request
from actions.catalogue import make_call
from actions.errors import DeviceError, NotNow
from actions.outbox import KeptCall, OutboxSettings, carry_out, undo
from device.courier import Courier
from device.journal import MemoryJournal, SqliteJournal

REQUEST = Request(make_call("send_email", "anna", "", "hello"), "en", key="0123456789abcdef")
WAITING = Outcome("waiting", "Later.")


class Mail:
    """An action that refuses a few times."""

    name = "send_email"

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.at: list[float] = []

    def read_back(self, request: Request) -> str:
        return "?"

    def perform(self, request: Request) -> Outcome:
        self.at.append(time.monotonic())
        if len(self.at) <= self.refusals:
            raise NotNow("I cannot reach the mail server now.")
        return Outcome("done", "I sent it.")


@contextmanager
def going(journal: MemoryJournal | SqliteJournal, action: Action, soon: float = 60.0) -> Iterator[Courier]:
    courier = Courier(journal, {"send_email": action}, OutboxSettings(), soon)
    try:
        yield courier
    finally:
        courier.close()


def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def kept_waiting(request: Request = REQUEST) -> MemoryJournal:
    journal = MemoryJournal()
    journal.end(journal.begin(request), WAITING)
    journal.postpone(request.key, 0.0)
    return journal


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actions.outbox.SOON", 0.02)


@pytest.mark.usefixtures("fast")
def test_what_waits_is_done_when_it_can_be_and_told_once() -> None:
    journal, mail = kept_waiting(), Mail(refusals=2)
    with going(journal, mail) as courier:
        assert eventually(lambda: [kept.state for kept in journal.calls()] == ["done"])
        assert eventually(lambda: (news := courier.news()) is not None and news[1].spoken == "I sent it.")
        assert courier.news() is None
    assert len(mail.at) == 3
    assert mail.at[2] - mail.at[1] > mail.at[1] - mail.at[0]  # it waits longer each time


def test_a_call_held_back_goes_when_its_grace_time_is_over() -> None:
    """Not at the next round, which is a minute away; and a nudge alone does not make it go earlier."""
    journal, mail = MemoryJournal(), Mail()
    with going(journal, mail) as courier:
        begun = time.monotonic()
        assert carry_out(journal, mail, REQUEST, grace=0.3).status == "waiting"
        for _ in range(3):
            courier.nudge()
            time.sleep(0.01)
        assert eventually(lambda: courier.news() is not None)
    assert 0.3 <= mail.at[0] - begun < 1.0


def test_a_call_held_back_goes_after_a_restart(tmp_path: Path) -> None:
    first = SqliteJournal(tmp_path / "h.db")
    carry_out(first, Mail(), REQUEST, grace=0.2)
    first.close()
    journal, mail = SqliteJournal(tmp_path / "h.db"), Mail()
    with going(journal, mail):
        assert eventually(lambda: [kept.state for kept in journal.calls()] == ["done"])
    journal.close()
    assert len(mail.at) == 1


def test_undone_in_time_it_never_goes() -> None:
    journal, mail = MemoryJournal(), Mail()
    with going(journal, mail) as courier:
        carry_out(journal, mail, REQUEST, grace=0.1)
        courier.nudge()
        undo(journal, "en")
        time.sleep(0.2)
    assert mail.at == []
    assert [kept.state for kept in journal.calls()] == ["cancelled"]


def test_a_call_held_back_that_cannot_go_is_told() -> None:
    """Its user was told that it goes; that it does not must be said as well."""
    journal, mail = MemoryJournal(), Mail(refusals=9)
    with going(journal, mail) as courier:
        carry_out(journal, mail, REQUEST, grace=0.01)
        courier.nudge()
        told: list[str] = []
        assert eventually(lambda: bool(told) or ((n := courier.news()) is not None and not told.append(n[1].status)))
    assert told == ["waiting"]


def test_what_cannot_be_resumed_costs_no_rounds(tmp_path: Path) -> None:
    """Its function is gone with an add-on: it stays, and is looked at now and then only."""

    class Counting(MemoryJournal):
        looks = 0

        def pending(self) -> tuple[KeptCall, ...]:
            self.looks += 1
            return super().pending()

    journal = Counting()
    journal.end(journal.begin(replace(REQUEST, call=make_call("send_text", "mom", "hi"))), WAITING)
    journal.postpone(REQUEST.key, 0.0)
    with going(journal, Mail()):
        time.sleep(0.2)
    assert 0 < journal.looks <= 6


def test_a_picture_that_is_gone_is_told(tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"pixels")
    journal = SqliteJournal(tmp_path / "h.db")
    journal.end(journal.begin(replace(REQUEST, image=photo)), WAITING)
    journal.postpone(REQUEST.key, 0.0)
    image = journal.pending()[0].request.image
    assert image
    image.unlink()
    with going(journal, Mail()) as courier:
        assert eventually(
            lambda: (n := courier.news()) is not None and "picture of that request is gone" in n[1].spoken
        )
    assert journal.calls()[0].state == "failed"
    journal.close()


@pytest.mark.usefixtures("fast")
def test_a_disk_that_fails_does_not_end_it() -> None:
    class Failing(MemoryJournal):
        rounds = 0

        def pending(self) -> tuple[()]:
            self.rounds += 1
            raise DeviceError("The disk is full.")

    journal = Failing()
    with going(journal, Mail(), soon=0.01):
        assert eventually(lambda: journal.rounds > 2)


@pytest.mark.usefixtures("fast")
def test_a_fault_of_an_action_is_noted_and_not_repeated() -> None:
    class Faulty(Mail):
        def perform(self, request: Request) -> Outcome:
            super().perform(request)
            raise ZeroDivisionError("deep inside")

    journal, mail = kept_waiting(), Faulty()
    with going(journal, mail, soon=0.01):
        assert eventually(lambda: [kept.state for kept in journal.calls()] == ["unknown"])
        time.sleep(0.1)
    assert len(mail.at) == 1


def test_closing_does_not_wait_for_the_next_round() -> None:
    courier = Courier(MemoryJournal(), {})
    before = time.monotonic()
    courier.close()
    assert time.monotonic() - before < 1.0
