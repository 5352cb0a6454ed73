"""Where contacts are read from: the settings, a CSV or vCard file they name, and tako's own book, a vCard file.

Knows nothing of how a name is matched, and writes nothing (`actions.people.own_contacts`). Of a vCard only name,
nicknames, first email and mobile number are understood. One broken card never costs the others: it is left out, with a
word in the log.
"""

from __future__ import annotations

import csv
import io
import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from actions.errors import Misfit, SettingsError
from actions.people.contacts import Contact, ContactBook
from actions.people.names import clean
from actions.people.numbers_said import e164, known_region, region_of_locale
from actions.wording import one_line

log = logging.getLogger(__name__)
COLUMNS = ("name", "email", "phone", "aliases")
LARGEST = 64 * 2**20  # bytes of a file of contacts: thousands of cards with photos
VCARD = (".vcf", ".vcard")
_CARD = re.compile(r"^BEGIN:VCARD[ \t]*\r?$.*?^END:VCARD[ \t]*\r?$", re.IGNORECASE | re.MULTILINE | re.DOTALL)
_BEGIN = re.compile(r"^BEGIN:VCARD", re.IGNORECASE | re.MULTILINE)
_BULKY = re.compile(
    r"^(?:[\w-]+\.)?(?:PHOTO|LOGO|SOUND|KEY)[;:].*(?:\r?\n[ \t].*)*(?:\r?\n)?", re.IGNORECASE | re.MULTILINE
)
_NICKNAMES = re.compile(r"^(?:[\w-]+\.)?NICKNAME[;:].*(?:\r?\n[ \t].*)*", re.IGNORECASE | re.MULTILINE)


class PersonSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One contact, written as `[contacts.people."Anna Berg"]`."""

    email: str = ""  # address for emails
    phone: str = ""  # number for texts
    aliases: tuple[str, ...] = ()  # other names the contact is called by: ["mom", "boss", "安娜"]


class ContactsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who can be written to."""

    # CSV with the columns name, email, phone and aliases (joined by ";"), or vCards (.vcf) as phones export them
    file: Path | None = None
    people: dict[str, PersonSettings] = {}  # contacts written here, one table each, beside those of the file
    region: str = ""  # country of numbers without a country code, "DE" or "CN"; empty: that of the system's locale

    def __post_init__(self) -> None:
        if self.region and not known_region(self.region):
            raise Misfit(
                'region is the two letters of a country, "DE" or "CN"', 'region 应是两个字母的国家代码，如 "CN"'
            )

    @property
    def home_region(self) -> str:
        return self.region or region_of_locale()


def load_contacts(settings: ContactsSettings, own: Path | None = None) -> ContactBook:
    """The contacts of the settings, of their file and of tako's `own` book. Raises `SettingsError`."""
    region = settings.home_region
    people = [Contact(name, p.email, p.phone, p.aliases) for name, p in settings.people.items()]
    files = [path for path in (settings.file, own if own and own.exists() else None) if path]
    everybody = [*people, *(contact for path in files for contact in read_contacts(path))]
    return ContactBook([tidy for contact in everybody if (tidy := tidied(contact, region)).name], region)


def tidied(contact: Contact, region: str) -> Contact:
    """Names on one line without invisible characters, a number in E.164 where it can be."""
    aliases = tuple(alias for alias in map(clean, contact.aliases) if alias)
    phone = one_line(contact.phone)
    return Contact(clean(contact.name), one_line(contact.email), e164(phone, region) or phone, aliases)


class LiveContacts:
    """The contacts of the settings, read anew when one of the files has changed: the service need not restart."""

    def __init__(self, settings: ContactsSettings, own: Path | None = None) -> None:
        """Raises `SettingsError`."""
        self._settings, self._own = settings, own
        self._seen = self._state()
        self._book = load_contacts(settings, own)

    @property
    def contacts(self) -> tuple[Contact, ...]:
        return self._fresh().contacts

    def find(self, name: str, heard: bool = True) -> Contact:
        return self._fresh().find(name, heard)

    def _fresh(self) -> ContactBook:
        state = self._state()
        if state != self._seen:
            self._seen = state
            try:
                self._book = load_contacts(self._settings, self._own)
            except SettingsError as error:  # being written, or broken now: those known before are still right
                log.warning("%s", error)
        return self._book

    def _state(self) -> list[tuple[int, int] | None]:
        states: list[tuple[int, int] | None] = []
        for path in (self._settings.file, self._own):
            try:
                stat = path.stat() if path else None
            except OSError:
                stat = None
            states.append((stat.st_mtime_ns, stat.st_size) if stat else None)
        return states


@dataclass(frozen=True)
class Card:
    """One vCard: its lines as they were, and the contact in it; None when it has no name or cannot be read."""

    raw: str
    contact: Contact | None


def read_contacts(path: Path) -> tuple[Contact, ...]:
    """The contacts of a CSV or vCard (.vcf) file. Raises `SettingsError`."""
    text = read_text(path)
    if path.suffix.lower() not in VCARD:
        return tuple(_table(text, path))
    return tuple(card.contact for card in cards_in(text, path) if card.contact)


def read_text(path: Path) -> str:
    """Raises `SettingsError`."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise SettingsError(
                f"{path} is too large to be a list of contacts (more than {LARGEST >> 20} MB).",
                f"{path} 太大（超过 {LARGEST >> 20} MB），不像通讯录文件。",
            )
        return content.decode("utf-8-sig")
    except OSError as error:
        raise SettingsError(
            f"I cannot read the contacts in {path}: {error.strerror}.", f"读不了通讯录文件 {path}：{error.strerror}。"
        ) from None
    except UnicodeDecodeError:
        raise SettingsError(
            f"The contacts in {path} are not text in UTF-8. Save the file as UTF-8.",
            f"通讯录文件 {path} 不是 UTF-8 编码，请另存为 UTF-8。",
        ) from None


def _table(text: str, path: Path) -> Iterator[Contact]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True, restkey="")
    try:
        header = [column.strip().lower() for column in reader.fieldnames or ()]
        if "name" not in header or not set(header) <= set(COLUMNS):
            raise SettingsError(
                f"The first line of {path} must name the columns: {', '.join(COLUMNS)}.",
                f"通讯录文件 {path} 的第一行应是列名：{', '.join(COLUMNS)}。",
            )
        reader.fieldnames = header
        for row in reader:
            if "" in row or not (row["name"] or "").strip():
                raise _wrong_line(path, reader.line_num)
            cell = {column: one_line(row.get(column) or "") for column in COLUMNS}
            aliases = tuple(alias.strip() for alias in cell["aliases"].split(";") if alias.strip())
            yield Contact(clean(cell["name"]), cell["email"], cell["phone"], aliases)
    except csv.Error:
        raise _wrong_line(path, reader.line_num) from None


def _wrong_line(path: Path, line: int) -> SettingsError:
    return SettingsError(
        f"Line {line} of {path} is not a contact: it has no name, or more cells than columns, or a quote left open.",
        f"通讯录文件 {path} 第 {line} 行有误：没有名字、单元格过多，或引号没有配对。",
    )


def cards_in(text: str, path: Path) -> tuple[Card, ...]:
    """All cards of a vCard file. Raises `SettingsError` when there is text but no card, or none can be read."""
    blocks = _CARD.findall(text)
    problems: list[str] = []
    cards = []
    for raw in blocks:
        try:
            cards.append(Card(raw, _contact(raw)))
        except ValueError as error:
            cards.append(Card(raw, None))
            problems.append(one_line(str(error))[:100])
    if len(_BEGIN.findall(text)) > len(blocks):
        problems.append("a card without an end")
    for problem in problems:
        log.warning("left out a card of %s: %s", path, problem)
    if (text.strip() and not blocks) or (blocks and len(problems) >= len(blocks)):
        why = f": {problems[0]}" if problems else ""
        raise SettingsError(
            f"The contacts in {path} are not vCards that I can read{why}.", f"通讯录文件 {path} 不是可读的 vCard{why}。"
        )
    return tuple(cards)


def _contact(raw: str) -> Contact | None:
    """Raises `ValueError` for a card that cannot be read."""
    import vobject

    try:
        text = _NICKNAMES.sub(lambda match: re.sub(r"(?<!\\),", r"\,", match[0]), _BULKY.sub("", raw))
        card = vobject.readOne(text, ignoreUnreadable=True, allowQP=True)  # of several in a line it keeps the first
    except (vobject.base.VObjectError, ValueError, LookupError, AttributeError, TypeError) as error:
        raise ValueError(str(error) or type(error).__name__) from None  # the last ones: wrong encodings, odd nesting
    fields = card.contents if card else {}
    name = clean(str(fields["fn"][0].value)) if "fn" in fields else ""
    if not name:  # a card without a name cannot be said
        return None
    nicknames = ",".join(_text(item) for item in fields.get("nickname", ()))
    aliases = tuple(alias for alias in map(clean, nicknames.split(",")) if alias)
    return Contact(name, _best(fields.get("email", ()), ()), _best(fields.get("tel", ()), ("cell", "mobile")), aliases)


def _text(item: object) -> str:
    value = getattr(item, "value", "")
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _best(items: Iterable[object], kinds: tuple[str, ...]) -> str:
    """The value of the field that is of one of these kinds, then of the preferred one, then of the first."""

    def rank(item: object) -> tuple[bool, bool]:
        params: dict[str, list[str]] = getattr(item, "params", {})
        told = {str(value).lower() for values in params.values() for value in values} | {p.lower() for p in params}
        single: Iterable[str] = getattr(item, "singletonparams", ())
        told |= {str(value).lower() for value in single}
        return not any(kind in told for kind in kinds), "pref" not in told

    ranked = sorted(items, key=rank)
    return one_line(_text(ranked[0])).removeprefix("tel:") if ranked else ""
