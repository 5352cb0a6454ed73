"""What every way of sending shares: doubt after a broken connection, a clock that is wrong, sentences about both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actions.base import Outcome
from actions.errors import NotNow, Question
from actions.wording import say

if TYPE_CHECKING:
    from actions.people.contacts import Contact, Contacts

# OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID. A board without a battery wakes up in the past and is set right later.
CERTIFICATE_NOT_YET_VALID = 9


class AnswerLost(Exception):
    """The whole of it was handed over, but no answer came: it may have been taken, and nobody can know."""


def waiting(error: NotNow, en: str, zh: str) -> NotNow:
    """`error`, and that the outbox sends it later; `en` and `zh`: "the email to Anna", "给Anna的邮件"."""
    return NotNow(
        f"{error.en} I keep {en} in the outbox and send it when that works again.",
        f"{error.zh}{zh}先放在发件箱，等能发的时候再发。",
    )


def unknown(lang: str, en: str, zh: str, detail: str) -> Outcome:
    """The outcome of `AnswerLost`."""
    spoken = say(
        lang,
        f"The connection broke at the very end, so I don't know whether {en} went out. "
        "I won't send it again by myself.",
        f"最后一刻连接断了，不确定{zh}是否发出。我不会自动重发。",
    )
    return Outcome("unknown", spoken, f"{detail}: no answer after the last byte")


def name_tells(contacts: Contacts, contact: Contact) -> bool:
    """Whether the contact's name alone means nobody else, so that it need not be told apart aloud."""
    try:
        return contacts.find(contact.name) == contact
    except Question:
        return False
