"""Carrying calls out: kept before, settled after, never twice by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from actions.base import Outcome, Request
from actions.catalogue import make_call
from actions.errors import ActionError, DeviceError, NotNow
from actions.outbox import BEGUN, KeptCall, carry_out, drop, retry, retry_waiting

REQUEST = Request(make_call("send_email", "anna", "", "hello there"), "en", key="0123456789abcdef")


class Shelf:
    """The smallest outbox: a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[str, KeptCall] = {}
        self.full = False

    def begin(self, request: Request) -> str:
        assert request.key not in self.kept
        self.kept[request.key] = KeptCall(request, BEGUN, 0.0, 1)
        return request.key

    def end(self, key: str, outcome: Outcome) -> None:
        if self.full:
            raise DeviceError("The disk is full.")
        self.kept[key] = replace(self.kept[key], state=outcome.status, outcome=outcome)

    def pending(self) -> tuple[KeptCall, ...]:
        return tuple(kept for kept in self.kept.values() if kept.state in ("waiting", "unknown"))

    def resume(self, key: str, unknown: bool = False) -> Request:
        kept = self.kept.get(key)
        if kept is None or kept.state not in ("waiting", *(["unknown"] if unknown else [])):
            raise ActionError("no such call")
        self.kept[key] = replace(kept, state=BEGUN, attempts=kept.attempts + 1)
        return kept.request


class Scripted:
    """An action that does what the script says, one entry a time."""

    name = "send_email"

    def __init__(self, *script: Outcome | BaseException) -> None:
        self._script: Iterator[Outcome | BaseException] = iter(script)
        self.performed: list[Request] = []

    def read_back(self, request: Request) -> str:
        return "Shall I?"

    def perform(self, request: Request) -> Outcome:
        self.performed.append(request)
        step = next(self._script)
        if isinstance(step, BaseException):
            raise step
        return step


DONE = Outcome("done", "Done.")


def test_kept_while_it_is_carried_out_and_settled_after() -> None:
    shelf, seen = Shelf(), []

    class Looking(Scripted):
        def perform(self, request: Request) -> Outcome:
            seen.append(shelf.kept[request.key].state)
            return super().perform(request)

    assert carry_out(shelf, Looking(DONE), REQUEST) == DONE
    assert seen == [BEGUN]
    assert shelf.kept[REQUEST.key].state == "done"


def test_errors_become_outcomes() -> None:
    for error, status in ((NotNow("later"), "waiting"), (ActionError("no"), "failed"), (DeviceError("bad"), "failed")):
        shelf = Shelf()
        assert carry_out(shelf, Scripted(error), REQUEST) == Outcome(status, error.en)
        assert shelf.kept[REQUEST.key].state == status


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), RuntimeError("a fault")])
def test_what_is_cut_short_is_unknown(fault: BaseException) -> None:
    shelf = Shelf()
    with pytest.raises(type(fault)):
        carry_out(shelf, Scripted(fault), REQUEST)
    kept = shelf.kept[REQUEST.key]
    assert kept.state == "unknown"
    assert kept.outcome
    assert type(fault).__name__ in kept.outcome.detail


def test_a_full_disk_after_the_deed_hides_neither() -> None:
    shelf = Shelf()
    shelf.full = True
    assert carry_out(shelf, Scripted(DONE), REQUEST) == Outcome("done", "Done. The disk is full.")


def test_waiting_ones_go_when_they_can_and_unknown_ones_stay() -> None:
    shelf = Shelf()
    for key, state in (("a", "waiting"), ("b", "unknown"), ("c", "waiting"), ("d", "done"), ("e", "failed")):
        shelf.kept[key] = KeptCall(replace(REQUEST, key=key), state, 0.0, 1)
    action = Scripted(DONE, DONE)
    done = list(retry_waiting(shelf, {"send_email": action}))
    assert [(request.key, outcome.status) for request, outcome in done] == [("a", "done"), ("c", "done")]
    assert [request.key for request in action.performed] == ["a", "c"]
    assert shelf.kept["b"].state == "unknown"
    assert list(retry_waiting(shelf, {"send_email": action})) == []


def test_a_function_that_still_cannot_is_tried_once_a_round() -> None:
    shelf = Shelf()
    for key in "abc":
        shelf.kept[key] = KeptCall(replace(REQUEST, key=key), "waiting", 0.0, 1)
    other = Request(make_call("send_text", "mom", "hi"), "en", key="t")
    shelf.kept["t"] = KeptCall(other, "waiting", 0.0, 1)
    email, text = Scripted(NotNow("later")), Scripted(DONE)
    done = list(retry_waiting(shelf, {"send_email": email, "send_text": text}))
    assert [(request.key, outcome.status) for request, outcome in done] == [("a", "waiting"), ("t", "done")]
    assert [kept.request.key for kept in shelf.pending()] == ["a", "b", "c"]


def test_a_person_may_repeat_an_unknown_one_or_drop_it() -> None:
    shelf = Shelf()
    for key in "abc":
        shelf.kept[key] = KeptCall(replace(REQUEST, key=key), "unknown", 0.0, 1)
    request, outcome = retry(shelf, {"send_email": Scripted(DONE)}, "a")
    assert (request.key, outcome) == ("a", DONE)
    assert drop(shelf, "b").key == "b"
    assert [shelf.kept[key].state for key in "abc"] == ["done", "cancelled", "unknown"]
    for act in (lambda: drop(shelf, "a"), lambda: retry(shelf, {}, "a"), lambda: drop(shelf, "zz")):
        with pytest.raises(ActionError):
            act()
