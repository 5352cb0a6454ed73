"""The seam of the hands: what an adapter is given and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from actions.catalogue import Call
from actions.errors import NotNow, Question, TakoError

STATUSES = {
    "done": "carried out",
    "recorded": "kept in the history, nothing sent",
    "waiting": "in the outbox, to be carried out later",
    "unknown": "may or may not have been carried out; never repeated by itself",
    "failed": "not carried out, and trying again will not help",
    "cancelled": "the user did not say yes",
    "asked": "something is missing: the sentence is a question",
    "declined": "nothing that tako can do was asked for",
}


@dataclass(frozen=True)
class Request:
    """One call to carry out, with what the turn knows about it."""

    call: Call
    lang: str  # "en" or "zh": the language of the request, and of the answer
    text: str = ""  # what the user said
    image: Path | None = None  # the picture the request points at, None when it points at nothing
    key: str = ""  # idempotency key: two requests with one key are one action
    said: str = ""  # what the model itself says to a question about the picture; to be spoken, never obeyed


@dataclass(frozen=True)
class Outcome:
    """What came of a call."""

    status: str  # a key of `STATUSES`
    spoken: str  # one sentence in the request's language
    detail: str = ""  # for the history: what exactly was done (never a secret)


@runtime_checkable
class Action(Protocol):
    """One function of the catalogue, able to act."""

    name: str

    def read_back(self, request: Request) -> str:
        """The question asked before acting ("Shall I email Anna: ...?"), in the request's language.

        Raises `actions.errors.Question` when something else must be asked first (who, which Anna).
        """

    def perform(self, request: Request) -> Outcome:
        """Acts. Raises `actions.errors.NotNow` when it may work later, `ActionError` when it will not, `Question`
        when something must be asked first, `InputError` when the picture cannot be read."""


def outcome_of(error: TakoError, lang: str) -> Outcome:
    """What an error raised by an action means for its call."""
    status = "waiting" if isinstance(error, NotNow) else "asked" if isinstance(error, Question) else "failed"
    return Outcome(status, error.spoken(lang), detail=error.en if lang != "en" else "")
