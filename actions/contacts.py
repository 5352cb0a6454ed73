"""Who is who: from the name a person says to one contact, or to a question.

Knows names, not where contacts are kept (`actions.contact_files`). Never guesses: two near candidates give a
`Question`, no candidate gives a `Question`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from rapidfuzz import fuzz

from actions.errors import Question
from actions.wording import listing, one_line

NEAR = 80.0  # similarity (0 to 100) from which a name may be meant: one letter of five misheard
CLEAR_BY = 12.0  # the best must lead the next by so much, else tako asks


@dataclass(frozen=True)
class Contact:
    """One person or place that can be written to; an unknown email or phone is empty."""

    name: str
    email: str = ""
    phone: str = ""
    aliases: tuple[str, ...] = ()


@runtime_checkable
class Contacts(Protocol):
    """From a name said to a contact."""

    def find(self, name: str) -> Contact:
        """The one contact meant. Raises `Question` (in both languages) when it is nobody or could be several."""


class ContactBook:
    """Contacts in memory: a name or alias as it stands, then a first or last name, then one spelled nearly so."""

    def __init__(self, contacts: Iterable[Contact]) -> None:
        self.contacts = tuple(dict.fromkeys(contacts))

    def find(self, name: str) -> Contact:
        candidates = self.candidates(name)
        if len(candidates) == 1:
            return candidates[0]
        said = one_line(name)
        if not candidates:
            raise Question(
                f"I don't know {said}. Who should it go to? Say a contact's name or an email address.",
                f"通讯录里没有{said}。要发给谁？请说联系人的名字或邮箱地址。",
            )
        raise Question(
            f"Which one do you mean: {listing(_told_apart(candidates), 'en')}?",
            f"你是说{listing(_told_apart(candidates), 'zh')}？",
        )

    def candidates(self, name: str) -> tuple[Contact, ...]:
        """All contacts that the name may mean, the likeliest first; one only when it leads clearly."""
        said = _folded(name)
        if not said:
            return ()
        for names_of in (_full_names, _name_parts):
            exact = tuple(c for c in self.contacts if said in names_of(c))
            if exact:
                return exact
        scored = sorted(((_likeness(said, c), c) for c in self.contacts), key=lambda pair: -pair[0])
        if not scored or scored[0][0] < NEAR:
            return ()
        return tuple(contact for score, contact in scored if scored[0][0] - score < CLEAR_BY)


def _folded(text: str) -> str:
    return one_line(unicodedata.normalize("NFKC", text)).casefold().strip(" .。,，'\"")


def _full_names(contact: Contact) -> set[str]:
    return {_folded(contact.name), *map(_folded, contact.aliases)}


def _name_parts(contact: Contact) -> set[str]:
    return {part for name in _full_names(contact) for part in name.split()}


def _likeness(said: str, contact: Contact) -> float:
    """0 to 100, the best over full names, aliases and their single words."""
    return max(fuzz.ratio(said, name) for name in _full_names(contact) | _name_parts(contact))


def _told_apart(candidates: tuple[Contact, ...]) -> list[str]:
    """Names to choose from, at most four; contacts of one name are told apart by address or number."""
    shown = candidates[:4]
    names = [contact.name for contact in shown]
    return [c.name if names.count(c.name) == 1 else f"{c.name} ({c.email or c.phone or '?'})" for c in shown]
