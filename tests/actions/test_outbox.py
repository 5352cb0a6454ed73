"""Carrying calls out: kept before, settled after, never twice by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from actions.base import Outcome, Request
from actions.catalogue import make_call
from actions.errors import ActionError, DeviceError, NotNow
from actions.outbox import BEGUN, JITTER, SELDOM, SOON, KeptCall, backoff, carry_out, drop, retry, retry_waiting, undo

REQUEST = Request(make_call("send_email", "anna", "", "hello there"), "en", key="0123456789abcdef")


class Shelf:
    """The smallest outbox: a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[str, KeptCall] = {}
        self.full = False

    def begin(self, request: Request, hold: float = 0.0) -> str:
        assert request.key not in self.kept
        kept = KeptCall(request, "waiting", 0.0, 0, wait=hold) if hold else KeptCall(request, BEGUN, 0.0, 1)
        self.kept[request.key] = kept
        return request.key

    def find(self, key: str) -> KeptCall:
        if key not in self.kept:
            raise ActionError("no such call")
        return self.kept[key]

    def settle(self, kept: KeptCall, outcome: Outcome) -> None:
        if self.kept[kept.request.key] != kept or kept.state not in ("waiting", "unknown"):
            raise ActionError("no such call")
        self.end(kept.request.key, outcome)

    def postpone(self, key: str, seconds: float) -> None:
        self.kept[key] = replace(self.kept[key], wait=seconds)

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


def waiting(
    shelf: Shelf, key: str, state: str = "waiting", attempts: int = 1, wait: float = 0.0, age: float = 0.0
) -> None:
    shelf.kept[key] = KeptCall(replace(REQUEST, key=key), state, 0.0, attempts, wait=wait, age=age)


def test_what_is_not_due_yet_waits_unless_a_person_says_now() -> None:
    shelf = Shelf()
    waiting(shelf, "a", wait=20.0)
    assert list(retry_waiting(shelf, {"send_email": Scripted()})) == []
    assert [o for _, o in retry_waiting(shelf, {"send_email": Scripted(DONE)}, all_now=True)] == [DONE]


def test_the_others_of_a_stuck_function_wait_as_long() -> None:
    shelf = Shelf()
    for key in "ab":
        waiting(shelf, key)
    list(retry_waiting(shelf, {"send_email": Scripted(NotNow("later"))}))
    assert SOON * (1 - JITTER) <= shelf.kept["b"].wait <= SOON


def test_backoff_grows_and_ends() -> None:
    for attempts in range(12):
        whole = min(SOON * 2 ** max(attempts - 1, 0), SELDOM)
        tries = [backoff(attempts) for _ in range(50)]
        assert whole * (1 - JITTER) <= min(tries) < max(tries) <= whole
    assert backoff(10**6) <= SELDOM


@pytest.mark.parametrize(("lang", "words"), [("en", ("the email to anna", "4 days", "never went out", "Ask me again")),
                                             ("zh", ("给anna的邮件", "4天", "没有发出", "再说一次"))])  # fmt: skip
def test_what_is_too_old_fails_untried_and_says_so(lang: str, words: tuple[str, ...]) -> None:
    shelf, action = Shelf(), Scripted()
    for key, age in (("old", 4 * 86_400.0), ("held", 4 * 86_400.0), ("young", 2 * 86_400.0)):
        waiting(shelf, key, attempts=0 if key == "held" else 3, wait=5.0 if key == "young" else 0.0, age=age)
        shelf.kept[key] = replace(shelf.kept[key], request=replace(REQUEST, key=key, lang=lang))
    done = list(retry_waiting(shelf, {"send_email": action}, expire=3 * 86_400.0))
    assert [(request.key, outcome.status) for request, outcome in done] == [("old", "failed"), ("held", "failed")]
    assert all(word in done[0][1].spoken for word in words)
    assert action.performed == []
    assert [shelf.kept[key].state for key in ("old", "held", "young")] == ["failed", "failed", "waiting"]


def test_only_an_idempotent_action_repeats_what_was_cut_short_and_not_for_ever() -> None:
    class Idempotent(Scripted):
        idempotent = True

    shelf = Shelf()
    waiting(shelf, "a", "unknown")
    waiting(shelf, "b", "unknown", wait=10.0)
    waiting(shelf, "c", "unknown", age=2 * 86_400.0)  # the counterpart may have forgotten its key
    assert list(retry_waiting(shelf, {"send_email": Scripted()})) == []
    done = list(retry_waiting(shelf, {"send_email": Idempotent(DONE)}))
    assert [request.key for request, _ in done] == ["a"]
    assert [shelf.kept[key].state for key in "abc"] == ["done", "unknown", "unknown"]


def test_a_function_that_is_gone_is_left_alone() -> None:
    shelf = Shelf()
    waiting(shelf, "a")
    assert list(retry_waiting(shelf, {})) == []
    assert shelf.kept["a"].state == "waiting"


@pytest.mark.parametrize(("lang", "sentence"), [
    ("en", "The email to anna goes out in 8 seconds. Say undo if you don't want it."),
    ("zh", "给anna的邮件会在8秒后发出。不想发就说撤销。"),
])  # fmt: skip
def test_grace_holds_back_and_then_it_goes(lang: str, sentence: str) -> None:
    shelf, action = Shelf(), Scripted(DONE)
    outcome = carry_out(shelf, action, replace(REQUEST, lang=lang), grace=8.0)
    assert (outcome.status, outcome.spoken) == ("waiting", sentence)
    assert list(retry_waiting(shelf, {"send_email": action})) == []
    shelf.kept[REQUEST.key] = replace(shelf.kept[REQUEST.key], wait=0.0)
    assert [o for _, o in retry_waiting(shelf, {"send_email": action})] == [DONE]
    assert len(action.performed) == 1


def test_undo_takes_back_the_last_one_held_and_nothing_else() -> None:
    shelf = Shelf()
    waiting(shelf, "tried")
    for key in "ab":
        carry_out(shelf, Scripted(), replace(REQUEST, key=key), grace=8.0)
    assert undo(shelf, "en").spoken == "OK, the email to anna does not go out."
    assert undo(shelf, "zh").spoken == "好的，给anna的邮件不发了。"
    assert {key: kept.state for key, kept in shelf.kept.items()} == {
        "tried": "waiting",
        "a": "cancelled",
        "b": "cancelled",
    }
    with pytest.raises(ActionError, match="nothing that I could still undo"):
        undo(shelf, "en")


def test_undo_that_comes_too_late_says_so() -> None:
    class Racing(Shelf):
        def settle(self, kept: KeptCall, outcome: Outcome) -> None:
            self.resume(kept.request.key)  # the courier was faster
            super().settle(kept, outcome)

    shelf = Racing()
    carry_out(shelf, Scripted(), REQUEST, grace=8.0)
    with pytest.raises(ActionError, match="too late: the email to anna"):
        undo(shelf, "en")
    assert shelf.kept[REQUEST.key].state == BEGUN
