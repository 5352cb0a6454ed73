"""Carrying calls out so that none is lost and none is done twice.

A call is kept before it is carried out and its outcome after it. One that cannot be carried out now waits; one whose
process died in between is unknown, and only a person may say that it be tried again. Knows neither the database (the
journal of the device is the `Outbox`) nor when there is a network: whoever calls `retry_waiting` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from actions.base import Action, Outcome, Request, outcome_of
from actions.errors import ActionError, DeviceError, TakoError
from actions.wording import say

BEGUN = "begun"  # the state of a call while it is carried out; every other state is a key of `actions.base.STATUSES`


@dataclass(frozen=True)
class KeptCall:
    """One call as it is kept."""

    request: Request  # with its key; `image` is the outbox's own copy of the picture
    state: str  # `BEGUN` or a key of `STATUSES`
    started: float  # time.time() when it was first kept
    attempts: int  # how often it was begun
    outcome: Outcome | None = None  # None while it is begun, and when it was cut short


@runtime_checkable
class Outbox(Protocol):
    """Where calls are kept."""

    def begin(self, request: Request) -> str:
        """Keeps a call durably as begun and returns its key (a new one when the request has none).

        Raises `ActionError` when a call of that key is kept already, `DeviceError` when it cannot be kept.
        """

    def end(self, key: str, outcome: Outcome) -> None:
        """Keeps what came of it. Raises `KeyError` for a key that was never begun."""

    def pending(self) -> tuple[KeptCall, ...]:
        """The calls that are waiting or unknown, oldest first."""

    def resume(self, key: str, unknown: bool = False) -> Request:
        """Begins a waiting call again (with `unknown`, an unknown one as well); of two who try, one gets it.

        `key` may be the first characters of one. Raises `ActionError` when there is no such call to resume.
        """


def carry_out(outbox: Outbox, action: Action, request: Request) -> Outcome:
    """Keeps the call, performs it, keeps the outcome. Raises what the outbox raises."""
    return _perform(outbox, action, replace(request, key=outbox.begin(request)))


def retry(outbox: Outbox, actions: Mapping[str, Action], key: str) -> tuple[Request, Outcome]:
    """Carries a waiting or unknown call out again because a person said so. Raises `ActionError` when there is none."""
    request = outbox.resume(key, unknown=True)
    return request, _perform(outbox, actions[request.call.name], request)


def retry_waiting(outbox: Outbox, actions: Mapping[str, Action]) -> Iterable[tuple[Request, Outcome]]:
    """Carries out all that waits, oldest first; yields each with its outcome. Unknown ones stay as they are.

    A function that still cannot act is not tried again in this round.
    """
    stuck: set[str] = set()
    for kept in outbox.pending():
        if kept.state != "waiting" or kept.request.call.name in stuck:
            continue
        try:
            request = outbox.resume(kept.request.key)
        except ActionError:  # another process was faster
            continue
        outcome = _perform(outbox, actions[request.call.name], request)
        if outcome.status == "waiting":
            stuck.add(request.call.name)
        yield request, outcome


def drop(outbox: Outbox, key: str) -> Request:
    """Gives a waiting or unknown call up because a person said so. Raises `ActionError` when there is none."""
    request = outbox.resume(key, unknown=True)
    outbox.end(request.key, Outcome("cancelled", say(request.lang, "I dropped it.", "已取消。"), "dropped by hand"))
    return request


def _perform(outbox: Outbox, action: Action, request: Request) -> Outcome:
    try:
        outcome = action.perform(request)
    except TakoError as error:
        outcome = outcome_of(error, request.lang)
    except BaseException as error:  # a fault of the program, or Ctrl-C in the midst: nobody knows how far it came
        outbox.end(request.key, cut_short(request.lang, type(error).__name__))
        raise
    try:
        outbox.end(request.key, outcome)
    except DeviceError as error:  # what happened has happened: both are said, and the call is unknown after a restart
        return replace(outcome, spoken=f"{outcome.spoken} {error.spoken(request.lang)}")
    return outcome


def cut_short(lang: str, why: str) -> Outcome:
    """The outcome of a call that was interrupted while it was carried out."""
    sentence = say(
        lang,
        "I was interrupted and don't know whether that was done. I won't repeat it by myself.",
        "中途被打断，不确定是否完成。我不会自动重做。",
    )
    return Outcome("unknown", sentence, f"cut short: {why}")
