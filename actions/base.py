"""The seam of the hands: what an adapter is given and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from actions.catalogue import Call
from actions.errors import NotNow, Question, TakoError

if TYPE_CHECKING:
    import numpy as np

STATUSES = {
    "done": "carried out",
    "waiting": "in the outbox, to be carried out later",
    "unknown": "may or may not have been carried out; never repeated by itself",
    "failed": "not carried out, and trying again will not help",
    "cancelled": "the user did not say yes",
    "asked": "something is missing, and no clear answer came",
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
    heard: bool = True  # a recogniser wrote the words; False: they were typed
    answers: Mapping[str, str] = field(default_factory=dict)  # to the action's own questions (`Question.about`)


@dataclass(frozen=True)
class Outcome:
    """What came of a call."""

    status: str  # a key of `STATUSES`
    spoken: str  # one sentence in the request's language
    detail: str = ""  # for the history: what exactly was done (never a secret)
    offer: str = ""  # a question to ask after it, in the request's language; a yes calls `Offering.fulfil`


@runtime_checkable
class Action(Protocol):
    """One function of the catalogue, able to act.

    It may have `idempotent = True`: the same key performed twice acts once, for a day at least. What was cut short is
    then repeated by itself.
    """

    name: str

    def read_back(self, request: Request) -> str:
        """The question asked before acting ("Shall I email Anna: ...?"), in the request's language.

        Raises `actions.errors.Question` when something else must be asked first (who, which Anna).
        """

    def perform(self, request: Request) -> Outcome:
        """Acts. Raises `actions.errors.NotNow` when it may work later, `ActionError` when it will not, `Question`
        when something must be asked first, `InputError` when the picture cannot be read."""


@runtime_checkable
class Offering(Protocol):
    """An action that can do more after it has acted: its outcome has an offer."""

    def fulfil(self, request: Request) -> Outcome:
        """Does what `Outcome.offer` asked about. Raises as `Action.perform` does."""


@runtime_checkable
class Claiming(Protocol):
    """An action that can do something which the catalogue leaves out, and so no model knows."""

    def claim(self, text: str, lang: str) -> Call | None:
        """The call, for a request that the model declined as unsupported; None when it is nothing of the kind."""


class Meaning(Protocol):
    """Texts and pictures as vectors of unit length: the cosine of two says how alike they are in meaning."""

    def of_texts(self, texts: Sequence[str]) -> np.ndarray | None:
        """float32 (texts, n), English and Chinese in one space; None when no model is there."""

    def of_picture(self, path: Path) -> np.ndarray | None:
        """float32 (m,), in another space than texts; None when no model with eyes is there. Raises `InputError`."""


class Push(Protocol):
    """The way to the owner's own phone or mailbox."""

    def push(self, title: str, text: str, link: str = "", picture: Path | None = None, key: str = "") -> str:
        """Sends it and returns where to, as it can be said ("your phone"). key: the idempotency key.

        Raises as `Action.perform` does.
        """


def outcome_of(error: TakoError, lang: str) -> Outcome:
    """What an error raised by an action means for its call."""
    status = "waiting" if isinstance(error, NotNow) else "asked" if isinstance(error, Question) else "failed"
    return Outcome(status, error.spoken(lang), detail=error.en if lang != "en" else "")
