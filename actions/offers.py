"""What an outcome offers, kept in the outbox like any call; and what an action asks while it is carried out.

In the outbox a fulfilment has the call's own key with `MARK` behind it: so it is done once, however often it is said
yes to, and the action is handed the key under which it acted the first time. Knows no function.
"""

from __future__ import annotations

from dataclasses import replace

from actions.base import Action, Offering, Outcome, Request
from actions.errors import ActionError, Question

MARK = "-offer"


class Fulfilment:
    """An action whose `perform` does what the outcome of another offered."""

    def __init__(self, action: Action) -> None:
        self._action = action
        self.name = action.name

    def read_back(self, request: Request) -> str:
        return self._action.read_back(request)

    def perform(self, request: Request) -> Outcome:
        if not isinstance(self._action, Offering):  # an action that was exchanged for another since
            raise ActionError("I can't do that any more. Please ask me again.", "这个我现在做不了了，请重新说一遍。")
        return self._action.fulfil(replace(request, key=request.key.removesuffix(MARK)))


def fulfilment_of(request: Request) -> Request:
    """The request to fulfil what the outcome of `request` offered."""
    return replace(request, key=request.key + MARK)


def meant_by(action: Action, request: Request) -> Action:
    """What carries a kept request out: the action, or the fulfilment of its offer."""
    return Fulfilment(action) if request.key.endswith(MARK) else action


class Asking:
    """An action that remembers the question it raised, of which the outbox makes an outcome."""

    def __init__(self, action: Action) -> None:
        self._action = action
        self.name = action.name
        self.question: Question | None = None

    def __getattr__(self, name: str) -> object:
        return getattr(self._action, name)

    def read_back(self, request: Request) -> str:
        return self._action.read_back(request)

    def perform(self, request: Request) -> Outcome:
        try:
            return self._action.perform(request)
        except Question as question:
            self.question = question
            raise
