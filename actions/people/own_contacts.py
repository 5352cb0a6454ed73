"""tako's own book of contacts, a vCard file that `tako contacts` changes. Knows nothing of how a name is matched."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from actions.database import private_folder
from actions.errors import SettingsError
from actions.messages.mail_text import is_address
from actions.people.contact_files import VCARD, Card, cards_in, read_contacts, read_text, tidied
from actions.people.contacts import Contact
from actions.people.names import clean, fold
from actions.people.numbers_said import e164
from actions.wording import one_line


class OwnBook:
    """tako's own vCard file, as `tako contacts` changes it: whole in one rename, every other card as it was."""

    def __init__(self, path: Path, region: str = "") -> None:
        self.path = path
        self._region = region

    def cards(self) -> tuple[Card, ...]:
        """Raises `SettingsError`."""
        return cards_in(read_text(self.path), self.path) if self.path.exists() else ()

    def add(self, contact: Contact) -> Contact:
        """Adds a contact and returns it as it is kept. Raises `SettingsError` when it cannot be used."""
        kept = self._checked(contact)
        with self._changing() as cards:
            if any(card.contact and _same(card.contact, kept) for card in cards):
                raise SettingsError(f"{kept.name} is in the contacts already.", f"通讯录里已有{kept.name}。")
            self._write([*cards, Card(_vcard(kept), kept)])
        return kept

    def take_over(self, path: Path) -> tuple[int, int, int]:
        """Takes over what a CSV or vCard file has: how many were new, known already, and not usable.

        Raises `SettingsError` when the file cannot be read.
        """
        if path.suffix.lower() in VCARD:
            found = list(cards_in(read_text(path), path))
        else:
            found = [Card(_vcard(contact), contact) for contact in read_contacts(path)]
        with self._changing() as cards:
            known = {_identity(card.contact) for card in cards if card.contact}
            before, doubled, left_out = len(cards), 0, 0
            for card in found:
                if card.contact is None or not fold(card.contact.name):
                    left_out += 1
                elif _identity(card.contact) in known:
                    doubled += 1
                else:
                    known.add(_identity(card.contact))
                    cards.append(card)
            if len(cards) > before:
                self._write(cards)
            return len(cards) - before, doubled, left_out

    def remove(self, contact: Contact) -> None:
        """Raises `SettingsError` when the contact is not in this book."""
        with self._changing() as cards:
            rest = [card for card in cards if not (card.contact and _same(tidied(card.contact, self._region), contact))]
            if len(rest) == len(cards):
                raise SettingsError(
                    f"{contact.name} is not in my own book but in the settings or their file; remove it there.",
                    f"{contact.name}不在我自己的通讯录里，而在设置或其通讯录文件里，请在那里删除。",
                )
            self._write(rest)

    @contextmanager
    def _changing(self) -> Iterator[list[Card]]:
        """The cards, for as long as nobody else changes them."""
        try:
            private_folder(self.path.parent)
            folder = os.open(self.path.parent, os.O_RDONLY)
        except OSError as error:
            raise _unwritable(self.path, error) from None
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield list(self.cards())
        finally:
            os.close(folder)

    def _checked(self, contact: Contact) -> Contact:
        name = clean(contact.name)
        if not fold(name):
            raise SettingsError("A contact needs a name with letters.", "联系人要有可以念出来的名字。")
        if len(one_line(contact.name)) > len(name) + 20:
            raise SettingsError(f"The name {name[:30]}… is too long.", f"名字{name[:30]}……太长了。")
        if contact.email and not is_address(contact.email.strip()):
            raise SettingsError(
                f"{one_line(contact.email)[:60]} is not an email address.",
                f"{one_line(contact.email)[:60]} 不是邮箱地址。",
            )
        phone = e164(contact.phone, self._region)
        if contact.phone and not phone:
            raise SettingsError(
                f"{one_line(contact.phone)[:30]} is not a phone number that I can use. Write it with the country code, "
                "like +49 170 1234567.",
                f"{one_line(contact.phone)[:30]} 不是可用的电话号码，请加上国家区号，如 +86 138 1234 5678。",
            )
        if not contact.email and not phone:
            raise SettingsError("A contact needs an email address or a phone number.", "联系人要有邮箱地址或电话号码。")
        return replace(tidied(contact, self._region), name=name, email=contact.email.strip(), phone=phone)

    def _write(self, cards: Iterable[Card]) -> None:
        text = "".join(re.sub(r"\r?\n", "\r\n", card.raw.strip()) + "\r\n" for card in cards)
        replace_file(self.path, text)


def replace_file(path: Path, text: str) -> None:
    """Writes a private file whole or not at all: beside it, to the disk, then in one rename. Raises `SettingsError`."""
    beside = path.with_name(f".{path.name}.new")
    try:
        mode = private_folder(path.parent)
        beside.unlink(missing_ok=True)  # of a run that was killed
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        with _folder(path.parent) as folder:
            os.fsync(folder)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise _unwritable(path, error) from None


@contextmanager
def _folder(path: Path) -> Iterator[int]:
    handle = os.open(path, os.O_RDONLY)
    try:
        yield handle
    finally:
        os.close(handle)


def _unwritable(path: Path, error: OSError) -> SettingsError:
    return SettingsError(
        f"I cannot write the contacts to {path}: {error.strerror}. Nothing was changed.",
        f"无法写入通讯录 {path}：{error.strerror}。没有改动。",
    )


def _vcard(contact: Contact) -> str:
    import vobject

    card = vobject.vCard()
    card.add("fn").value = contact.name
    given, _, family = contact.name.rpartition(" ")
    card.add("n").value = vobject.vcard.Name(family=family if given else "", given=given or contact.name)
    for alias in contact.aliases:
        card.add("nickname").value = alias.replace(",", " ")
    if contact.email:
        card.add("email").value = contact.email
    if contact.phone:
        phone = card.add("tel")
        phone.value, phone.type_param = contact.phone, "CELL"
    text: str = card.serialize()
    return text


def _identity(contact: Contact) -> tuple[str, str, str]:
    return fold(contact.name), contact.email.casefold(), re.sub(r"\D", "", contact.phone)


def _same(one: Contact, other: Contact) -> bool:
    return _identity(one) == _identity(other)
