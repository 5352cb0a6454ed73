"""Who is who: from the name a person says to one contact, or to a question.

Knows names, not where contacts are kept (`actions.people.contact_files`). Never guesses: a contact is taken only when
it is spelled or sounds as the name said and no other is near; else a `Question` about the recipient names the near
ones. What was heard leaves more open than what was typed: of names that sound alike the recogniser chose the spelling.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol, runtime_checkable

from actions.errors import Question
from actions.people.name_words import (
    described,
    description,
    digits_said,
    familiar,
    is_kin,
    kin,
    parts,
    spelled_out,
    surname_of,
    surname_said,
    unadorned,
)
from actions.people.names import Grade, Name, clean, fold, grade, likeness
from actions.people.numbers_said import e164, written
from actions.wording import cut, listing

SHOWN = 4  # names in one question at the most
FEWEST_DIGITS = 5  # of what is taken for a number


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

    def find(self, name: str, heard: bool = True) -> Contact:
        """The one contact meant; `heard`: a recogniser wrote the name, nobody typed it.

        Raises `Question` (about the recipient) when it is nobody or could be several.
        """


@dataclass(frozen=True)
class _Entry:
    """A contact with the names it goes by."""

    contact: Contact
    own: frozenset[str]  # name and aliases, folded
    full: tuple[Name, ...]  # the same, but for mom and boss
    part: tuple[Name, ...]  # first names, last names
    called: tuple[Name, ...]  # mom, 小明: taken for no other name, and no other name for them
    surnames: tuple[Name, ...]  # in front of a title: 李经理


@dataclass(frozen=True)
class _Match:
    """How near one contact is to what was said."""

    contact: Contact
    grade: Grade
    full: bool  # a whole name or alias, spelled as said
    only_part: bool  # a shorter name, spelled as said, and no whole one near
    likeness: float


class ContactBook:
    """Contacts in memory. `region`: the country of numbers said without one, "DE"; empty: none."""

    def __init__(self, contacts: Iterable[Contact], region: str = "") -> None:
        self.contacts = tuple(dict.fromkeys(contacts))
        self.region = region

    def find(self, name: str, heard: bool = True) -> Contact:
        said = clean(name)
        if labelled := self._labelled(said):
            return labelled
        if len(digits_said(said).lstrip("+")) >= FEWEST_DIGITS:
            return self._number(said)
        spelled = spelled_out(said)
        heard = heard and not spelled
        matches = self._matches(spelled or said, heard) or self._described(said)
        enough = Grade.SAME if heard else Grade.SPELLED
        if len(matches) == 1 and matches[0].grade >= enough:
            return matches[0].contact
        raise _which(cut(spelled or said, 40), [match.contact for match in matches])

    def candidates(self, name: str, heard: bool = True) -> tuple[Contact, ...]:
        """All contacts that the name may mean, the likeliest first."""
        return tuple(match.contact for match in self._matches(clean(name), heard))

    def _labelled(self, said: str) -> Contact | None:
        """Who has this label of a question, "Jo (jo@x.org)"."""
        key = _key(said)
        having = [c for c in self.contacts if "(" in key and key in map(_key, _labels(c))]
        return having[0] if len(having) == 1 else None

    def _number(self, said: str) -> Contact:
        number = e164(digits_said(said), self.region)
        if not number:
            raise Question(
                f"{cut(said, 40)} is no phone number that I can use. Which number is it, with the country code?",
                f"{cut(said, 40)}不是可用的电话号码，请说完整的号码，带国家区号。",
                about="recipient",
            )
        owners = [contact for contact in self.contacts if e164(contact.phone, self.region) == number]
        return replace(owners[0], phone=number) if len(owners) == 1 else Contact(written(number), phone=number)

    def _described(self, said: str) -> list[_Match]:
        """Who has the characters that are described beside a name or without one: 弓长张的张伟."""
        chars, beside = described(said)
        having = [contact for contact in self.contacts if chars and all(char in contact.name for char in chars)]
        if beside:
            return ContactBook(having)._matches(beside, heard=True)
        return [_Match(contact, Grade.SPELLED, True, False, 100.0) for contact in having]

    @cached_property
    def _entries(self) -> tuple[_Entry, ...]:
        return tuple(map(_entry, self.contacts))

    def _matches(self, said: str, heard: bool) -> list[_Match]:
        names = [Name(text) for text in dict.fromkeys((fold(said), unadorned(fold(said)))) if text]
        found = [match for entry in self._entries if (match := _match(names, entry)).grade]
        if any(match.full for match in found):  # who is called just so is not taken for one of the others called so
            found = [match for match in found if not match.only_part]
        if any(is_kin(name.folded) for name in names) or not heard:  # Mom is not taken for Tom, nor what was typed
            spelled = [m for m in found if m.grade == Grade.SPELLED]
            found = spelled or found
        return sorted(found, key=lambda match: (-match.grade, -match.likeness))


def _entry(contact: Contact) -> _Entry:
    own = {text for text in map(fold, (contact.name, *contact.aliases)) if text}
    family = {name for name in own if is_kin(name)}
    short = {part for name in own for part in parts(name)} - own
    called = {text for name in own for text in (*kin(name), *familiar(name))} - own
    surnames = {text for text in map(surname_of, own) if text}
    kinds = (tuple(map(Name, sorted(names))) for names in (own - family, short, called | family, surnames))
    return _Entry(contact, frozenset(own), *kinds)


def _match(said: Sequence[Name], entry: _Entry) -> _Match:
    whole = _nearest(said, entry.full)
    called = _nearest(said, entry.called)
    titled = [Name(surname) for s in said if (surname := surname_said(s.folded))]
    part = max(
        _nearest(said, entry.part), _nearest(titled, entry.surnames), called if called >= Grade.SAME else Grade.FAR
    )
    level = max(whole, part)
    near = max((likeness(s, name) for s in said for name in (*entry.full, *entry.part)), default=0.0) if level else 0.0
    full = whole == Grade.SPELLED or any(s.folded in entry.own for s in said)
    return _Match(entry.contact, level, full, part == Grade.SPELLED and not full and not whole, near)


def _nearest(said: Sequence[Name], names: Sequence[Name]) -> Grade:
    return max((grade(s, name) for s in said for name in names), default=Grade.FAR)


def _which(said: str, near: Sequence[Contact]) -> Question:
    """The question that tells the near contacts apart, or asks anew when there are none."""
    if not near:
        return Question(
            f"I don't know {said or 'that name'}. Who should it go to? Say a contact's name, spell it, or say an "
            "address or a number.",
            f"通讯录里没有{said or '这个名字'}。要发给谁？请说联系人的名字，或邮箱、电话号码。",
            about="recipient",
        )
    labels = told_apart(near[:SHOWN])
    if len(labels) == 1:
        return Question(
            f"I don't know {said}. Do you mean {labels[0]}?",
            f"通讯录里没有{said}。你是说{labels[0]}吗？",
            about="recipient",
            choices=tuple(labels),
        )
    return Question(
        f"Which one do you mean: {listing(labels, 'en')}?",
        f"你是说{listing(labels, 'zh')}？",
        about="recipient",
        choices=tuple(labels),
    )


def told_apart(contacts: Sequence[Contact]) -> list[str]:
    """One unlike label for each contact, which `ContactBook.find` takes for that contact and no other.

    The name alone where it says enough; else with its characters, address or number: "张伟 (弓长张，伟大的伟)".
    """
    labels = []
    for contact in contacts:
        others = [other for other in contacts if other is not contact]
        sure = all(grade(Name(fold(contact.name)), Name(fold(other.name))) == Grade.FAR for other in others)
        taken = {_key(label) for other in others for label in _labels(other)}
        details = [label for label in _labels(contact) if _key(label) not in taken]
        labels.append(contact.name if sure or not details else details[0])
    return labels


def label_meant(answer: str, labels: Sequence[str]) -> str:
    """The one of the labels of a question that an answer means by what only one of them has; empty when none or two.

    A name alone is not enough where another of the labels sounds alike: the recogniser may have chosen its spelling.
    """
    said = Name(fold(spelled_out(answer) or answer))
    split = [unicodedata.normalize("NFKC", label).rstrip(")").partition("(") for label in labels]
    named = [label for label, (name, _, _) in zip(labels, split, strict=True) if _is_called(said, name)]
    if len(named) == 1:
        return named[0]
    whole = [grade(said, Name(fold(name))) for name, _, _ in split]
    best = max(range(len(labels)), key=whole.__getitem__, default=0)
    others = [g for i, g in enumerate(whole) if i != best]
    if len(said.words) > 1 and others and whole[best] >= Grade.SAME > max(others):  # a whole name leaves little open
        return labels[best]
    told = [label for label, (_, _, more) in zip(labels, split, strict=True) if _is_told(said, fold(more))]
    return told[0] if len(told) == 1 and not named else ""


def _is_called(said: Name, name: str) -> bool:
    return any(grade(said, Name(text)) > Grade.FAR for text in (fold(name), *parts(fold(name))))


def _is_told(said: Name, detail: str) -> bool:
    return bool(said.joined) and (set(said.words) <= set(detail.split()) or (said.is_han and said.joined in detail))


def _labels(contact: Contact) -> list[str]:
    """The name with each detail that may tell it apart."""
    details = (description(contact.name), contact.email, contact.phone, *contact.aliases, _letters(contact.name), "?")
    return [f"{contact.name} ({detail})" for detail in details if detail]


def _letters(name: str) -> str:
    """ "J-O-N" for the first word of a Latin name."""
    first = fold(name).partition(" ")[0]
    return "-".join(first.upper()) if first.isascii() and first.isalpha() and len(first) <= 12 else ""


def _key(label: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", label)).casefold()
