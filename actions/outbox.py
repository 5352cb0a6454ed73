"""Carrying calls out so that none is lost and none is done twice.

A call is kept before it is carried out and its outcome after it. One that cannot be carried out now waits, and is tried
again after a while that grows with each try, until it has expired. One whose process died in between is unknown: only
a person may say that it be tried again, unless its action says `idempotent`. A sensitive call may be held back for some
seconds in which it can be undone. Knows neither the database (the journal of the device is the `Outbox`) nor threads:
whoever calls `retry_waiting` does (`device.courier`).
"""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Protocol, runtime_checkable

import msgspec

from actions.base import Action, Outcome, Request, outcome_of
from actions.errors import ActionError, DeviceError, TakoError
from actions.offers import meant_by
from actions.outbox_words import named
from actions.wording import say

log = logging.getLogger(__name__)
BEGUN = "begun"  # the state of a call while it is carried out; every other state is a key of `actions.base.STATUSES`
SOON, SELDOM = 30.0, 900.0  # seconds from one try to the next: at first, and at most
JITTER = 0.2  # part of it by which it is shortened at random, so that not all gadgets come back at once
REMEMBERED = 86_400.0  # seconds for which an idempotent action may repeat what was cut short by itself
_DAY = 86_400.0


class OutboxSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What becomes of requests that do not go at once."""

    grace_seconds: Annotated[float, msgspec.Meta(ge=0, le=600)] = (
        0.0  # seconds for which an email or a text is held back after your yes, so that it can be undone; 0: not at all
    )
    expire_days: Annotated[float, msgspec.Meta(gt=0, le=365)] = (
        3.0  # days after which a request that never could be carried out is given up, and said so
    )


@dataclass(frozen=True)
class KeptCall:
    """One call as it is kept."""

    request: Request  # with its key; `image` is the outbox's own copy of the picture
    state: str  # `BEGUN` or a key of `STATUSES`
    started: float  # time.time() when it was first kept
    attempts: int  # how often it was begun; 0: it is held back, and can be undone
    outcome: Outcome | None = None  # None while it is begun, and when it was cut short
    wait: float = field(default=0.0, compare=False)  # seconds until it may be tried again by itself, when it was read
    age: float = field(default=0.0, compare=False)  # seconds since it was first kept, whatever the clock was set to

    @property
    def held_back(self) -> bool:
        """Whether it is still in its grace time."""
        return self.state == "waiting" and self.attempts == 0


@runtime_checkable
class Outbox(Protocol):
    """Where calls are kept. Every change is one transaction: durable and whole, or not at all."""

    def begin(self, request: Request, hold: float = 0.0) -> str:
        """Keeps a call durably as begun and returns its key (a new one when the request has none). hold: seconds for
        which it only waits; it is then begun by `resume`.

        Raises `ActionError` when a call of that key is kept already, `DeviceError` when it cannot be kept.
        """

    def end(self, key: str, outcome: Outcome) -> None:
        """Keeps what came of it; one that waits, or is unknown, may be tried again after `backoff`.

        Raises `KeyError` for a key that was never begun.
        """

    def pending(self) -> tuple[KeptCall, ...]:
        """The calls that are waiting or unknown, oldest first."""

    def find(self, key: str) -> KeptCall:
        """The one call whose key begins so. Raises `ActionError` when there is none, or more than one."""

    def resume(self, key: str, unknown: bool = False) -> Request:
        """Begins a waiting call again (with `unknown`, an unknown one as well); of two who try, one gets it.

        `key` may be the first characters of one. Raises `ActionError` when there is no such call to resume.
        """

    def settle(self, kept: KeptCall, outcome: Outcome) -> None:
        """Ends a waiting or unknown call without beginning it. Raises `ActionError` when it is not as in `kept` now."""

    def postpone(self, key: str, seconds: float) -> None:
        """Lets a waiting call wait so much longer, from now; one that is not waiting stays as it is."""


def backoff(attempts: int) -> float:
    """Seconds to the next try after so many: twice as many each time, from `SOON` to `SELDOM`, less some at random."""
    return min(SOON * 2.0 ** min(max(attempts - 1, 0), 16), SELDOM) * (1.0 - JITTER * random.random())


def carry_out(outbox: Outbox, action: Action, request: Request, grace: float = 0.0) -> Outcome:
    """Keeps the call, performs it, keeps the outcome. grace: seconds for which it is only kept, and can be undone; then
    whoever calls `retry_waiting` performs it. Raises what the outbox raises."""
    if grace > 0:
        outbox.begin(request, hold=grace)
        thing = named(request.call, request.lang)
        sentence = say(
            request.lang,
            f"{thing[0].upper()}{thing[1:]} goes out in {grace:.0f} seconds. Say undo if you don't want it.",
            f"{thing}会在{grace:.0f}秒后发出。不想发就说撤销。",
        )
        return Outcome("waiting", sentence, f"held back for {grace:g} s")
    return _perform(outbox, action, replace(request, key=outbox.begin(request)))


def retry(outbox: Outbox, actions: Mapping[str, Action], key: str) -> tuple[Request, Outcome]:
    """Carries a waiting or unknown call out again because a person said so. Raises `ActionError` when there is none."""
    request = outbox.resume(key, unknown=True)
    return request, _perform(outbox, meant_by(actions[request.call.name], request), request)


def retry_waiting(
    outbox: Outbox, actions: Mapping[str, Action], expire: float = 3 * _DAY, all_now: bool = False
) -> Iterable[tuple[Request, Outcome]]:
    """Carries out what waits and is due, oldest first; yields each with its outcome.

    A function that still cannot act is not tried again in this round: its other calls wait as long as the one that was
    tried. What is older than `expire` (seconds) fails, untried. Unknown ones stay as they are, but for those of
    idempotent actions. all_now: what is not due yet as well, because a person said so.
    """
    stuck: set[str] = set()
    for kept in outbox.pending():
        request = kept.request
        if request.call.name not in actions:  # of an add-on that is not installed any more
            continue
        action = meant_by(actions[request.call.name], request)
        again = kept.state == "unknown" and getattr(action, "idempotent", False) and kept.age < min(REMEMBERED, expire)
        if not (kept.state == "waiting" or again) or (kept.wait > 0 and not all_now):
            continue
        try:
            if kept.state == "waiting" and kept.age > expire:
                outcome = _expired(request, kept.age)
                outbox.settle(kept, outcome)
                yield request, outcome
                continue
            if request.call.name in stuck and not kept.held_back:
                outbox.postpone(request.key, backoff(kept.attempts))
                continue
            request = outbox.resume(request.key, unknown=again)
        except ActionError as error:
            log.info("outbox: %s", error)
            if kept.request.image and not kept.request.image.is_file():  # else another process was faster
                outbox.settle(kept, outcome_of(error, request.lang))
                yield request, outcome_of(error, request.lang)
            continue
        outcome = _perform(outbox, action, request)
        if outcome.status == "waiting":
            stuck.add(request.call.name)
        yield request, outcome


def drop(outbox: Outbox, key: str) -> Request:
    """Gives a waiting or unknown call up because a person said so. Raises `ActionError` when there is none."""
    kept = outbox.find(key)
    outbox.settle(kept, Outcome("cancelled", say(kept.request.lang, "I dropped it.", "已取消。"), "dropped by hand"))
    return kept.request


def undo(outbox: Outbox, lang: str) -> Outcome:
    """Gives up the last call that is still held back. Raises `ActionError` when there is none, or it is too late."""
    held = [kept for kept in outbox.pending() if kept.held_back]
    if not held:
        raise ActionError(
            "There is nothing that I could still undo. What waits is under tako outbox list.",
            "没有可以撤销的。等待中的可以用 tako outbox list 查看。",
        )
    kept = held[-1]
    en, zh = named(kept.request.call, "en"), named(kept.request.call, "zh")
    outcome = Outcome("cancelled", say(lang, f"OK, {en} does not go out.", f"好的，{zh}不发了。"), "undone")
    try:
        outbox.settle(kept, outcome)
    except ActionError:
        raise ActionError(f"It is too late: {en} is going out already.", f"来不及了，{zh}已经在发了。") from None
    return outcome


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


def _expired(request: Request, age: float) -> Outcome:
    thing, days = named(request.call, request.lang), max(round(age / _DAY), 1)
    sentence = say(
        request.lang,
        f"I gave {thing} up: for {days} day{'s' * (days > 1)} it could not be done, and it never went out. Ask me "
        "again if you still want it.",
        f"{thing}等了{days}天都没能办成，没有发出，我放弃了。还需要的话请再说一次。",
    )
    return Outcome("failed", sentence, f"expired after {age / _DAY:.1f} days")
