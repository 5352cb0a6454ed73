"""Where contacts are kept: in the settings, and in a CSV or vCard file. Knows nothing of how a name is matched."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import msgspec

from actions.contacts import Contact, ContactBook
from actions.errors import SettingsError
from actions.wording import one_line

COLUMNS = ("name", "email", "phone", "aliases")


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


def load_contacts(settings: ContactsSettings) -> ContactBook:
    """The contacts of the settings and of their file. Raises `SettingsError` when the file cannot be read."""
    people = [
        Contact(one_line(name), p.email.strip(), p.phone.strip(), tuple(map(one_line, p.aliases)))
        for name, p in settings.people.items()
    ]
    return ContactBook([*people, *(read_contacts(settings.file) if settings.file else ())])


def read_contacts(path: Path) -> tuple[Contact, ...]:
    """The contacts of a CSV or vCard (.vcf) file. Raises `SettingsError`."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SettingsError(
            f"I cannot read the contacts in {path}: {error.strerror}.", f"读不了通讯录文件 {path}：{error.strerror}。"
        ) from None
    except UnicodeDecodeError:
        raise SettingsError(
            f"The contacts in {path} are not text in UTF-8. Save the file as UTF-8.",
            f"通讯录文件 {path} 不是 UTF-8 编码，请另存为 UTF-8。",
        ) from None
    return tuple(_vcards(text, path) if path.suffix.lower() in (".vcf", ".vcard") else _table(text, path))


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
            yield Contact(cell["name"], cell["email"], cell["phone"], aliases)
    except csv.Error:
        raise _wrong_line(path, reader.line_num) from None


def _wrong_line(path: Path, line: int) -> SettingsError:
    return SettingsError(
        f"Line {line} of {path} is not a contact: it has no name, or more cells than columns, or a quote left open.",
        f"通讯录文件 {path} 第 {line} 行有误：没有名字、单元格过多，或引号没有配对。",
    )


def _vcards(text: str, path: Path) -> Iterator[Contact]:
    import vobject

    cards = 0
    try:
        for card in vobject.readComponents(text, ignoreUnreadable=True, allowQP=True):
            cards += 1
            fields = card.contents
            name = one_line(str(fields["fn"][0].value)) if "fn" in fields else ""
            if name:  # a card without a name cannot be said
                first = {key: one_line(str(fields[key][0].value)) for key in ("email", "tel") if key in fields}
                nicknames = tuple(one_line(str(item.value)) for item in fields.get("nickname", ()))
                yield Contact(name, first.get("email", ""), first.get("tel", ""), nicknames)
    except (vobject.base.VObjectError, ValueError, LookupError) as error:  # the last two: a wrong or unknown encoding
        raise _no_cards(path, f": {error}") from None
    if text.strip() and not cards:
        raise _no_cards(path, "")


def _no_cards(path: Path, why: str) -> SettingsError:
    return SettingsError(
        f"The contacts in {path} are not vCards that I can read{why}.", f"通讯录文件 {path} 不是可读的 vCard{why}。"
    )
