"""The settings in writing: the commented example file and the reference page, made from the structs themselves.

What a field means is the comment beside it in the code; this module reads it there. Knows no section.

    python -m device.settings_text           writes docs/tako.example.toml and docs/settings.md
    python -m device.settings_text --check   fails when one of them is stale
"""

from __future__ import annotations

import ast
import inspect
import io
import json
import sys
import textwrap
import tokenize
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from actions.secret import Secret
from device.settings import VARIABLE, Settings

DOCS = Path(__file__).resolve().parent.parent / "docs"
EXAMPLE, REFERENCE = DOCS / "tako.example.toml", DOCS / "settings.md"
COMMAND = "python -m device.settings_text"

# What the example shows for fields that have no default; a test wants one for each of them.
EXAMPLES: dict[str, str] = {
    "email.host": '"smtp.example.com"',
    "email.port": "587",
    "email.user": '"tako@example.com"',
    "email.password": '{ file = "mail.password" }',
    "email.ca_file": '"private-ca.pem"',
    "contacts.file": '"contacts.csv"',
    'contacts.people."Anna Berg".email': '"anna@example.com"',
    'contacts.people."Anna Berg".phone': '"+49 170 1234567"',
    'contacts.people."Anna Berg".aliases': '["mom", "妈妈"]',
    "text.via": '"twilio"',
    "text.topics": '{ "Anna Berg" = "anna-7fK2pQ" }',
    "text.twilio.account_sid": '"AC0123456789abcdef0123456789abcdef"',
    "text.twilio.auth_token": '{ file = "twilio.token" }',
    "text.twilio.sender": '"+15551234567"',
    "text.twilio.pictures_user": '"tako"',
    "text.twilio.pictures_password": '{ file = "files.password" }',
    "text.twilio.ca_file": '"private-ca.pem"',
    **{
        f"{table}.{name}": value
        for table in ("text", "owner")
        for name, value in (
            ("ntfy.topic", '{ file = "ntfy.topic" }'),
            ("ntfy.token", '{ file = "ntfy.token" }'),
            ("ntfy.ca_file", '"private-ca.pem"'),
            ("webhook.url", '{ file = "hook.url" }'),
            ("webhook.token", '{ file = "hook.token" }'),
            ("webhook.ca_file", '"private-ca.pem"'),
        )
    },
    "recycling.place": '"germany"',
    "search.searxng_url": '"https://search.example.org"',
    "search.google_key": '{ file = "google.key" }',
    "search.google_cx": '"0123456789abcdefg"',
    "search.encyclopedias": '["wikipedia_en.zim"]',
    "search.backends": '["offline", "searxng"]',
    "search.ca_file": '"private-ca.pem"',
    "shopping.products.name": '"京东"',
    "shopping.products.search": '"https://search.jd.com/Search?keyword={query}&enc=utf-8"',
    "shopping.groceries.name": '"My grocer"',
    "shopping.groceries.search": '"https://www.example.com/search?q={query}"',
    "shopping.meals.name": '"Wolt"',
    "shopping.meals.search": '"https://wolt.com/en/search?q={query}"',
    "shopping.instacart.key": '{ file = "instacart.key" }',
    "shopping.instacart.ca_file": '"private-ca.pem"',
    "pets.vet": '"Dr Li, 555 0123"',
    "pets.poison_line": '"555 0199"',
    "history.folder": '"~/tako-history"',
    "camera.folder": '"pictures"',
    "button.gpio.second_pin": "27",
    "button.gpio.mute_pin": "25",
    "mind.refuse_below": "0.7",
    "mind.script": '"answers.jsonl"',
}
ENTRY_NAMES = {"contacts.people": '"Anna Berg"'}  # the entry that the example shows of a table of tables


@dataclass(frozen=True)
class Field:
    """One line of the settings."""

    name: str  # within its table
    value: str  # default as TOML writes it, or the example where there is none
    default: str  # as the reference shows it
    kind: str  # "whole number, 1 to 65535"
    meaning: str


@dataclass(frozen=True)
class Section:
    """One table of the settings."""

    name: str  # "email", "camera.pi", 'contacts.people."Anna Berg"'
    meaning: str
    fields: tuple[Field, ...]
    optional: bool  # the table may be left out, and means something else when it is there


def sections() -> Iterator[Section]:
    """All tables in the order of the tree; first what stands above them, with an empty name."""
    notes = comments(Settings)
    fields = msgspec.structs.fields(Settings)
    above = [field for field in fields if not _has_struct(field.type)]
    yield Section("", "", tuple(_field(field.name, field, notes[field.name]) for field in above), optional=False)
    for field in fields:
        if field in above:
            continue
        yield from _section(field.name, field.type, notes.get(field.name, ""), optional=field.default is None)


def _section(name: str, kind: Any, note: str, optional: bool) -> Iterator[Section]:
    struct = _struct_in(kind)
    notes = comments(struct)
    own: list[Field] = []
    below: list[Section] = []
    for field in msgspec.structs.fields(struct):
        full = f"{name}.{field.name}"
        if full in ENTRY_NAMES:
            entry = get_args(field.type)[1]
            below += _section(f"{full}.{ENTRY_NAMES[full]}", entry, notes.get(field.name, ""), optional=True)
        elif _has_struct(field.type):
            below += _section(full, field.type, notes.get(field.name, ""), optional=field.default is None)
        else:
            own.append(_field(full, field, notes.get(field.name, "")))
    meaning = " ".join(filter(None, (inspect.cleandoc(struct.__doc__ or "").split("\n\n")[0], _sentence(note))))
    yield Section(name, " ".join(meaning.split()), tuple(own), optional)
    yield from below


def _field(full: str, field: Any, meaning: str) -> Field:
    default = "" if field.required else _toml(_default(field))
    value = EXAMPLES.get(full) or default
    shown = "**required**" if field.required else f"`{default}`" if default else "–"
    return Field(field.name, value, shown, _kind(field.type), meaning)


def comments(struct: type[msgspec.Struct]) -> dict[str, str]:
    """Field name to the comment beside it, or to the lines above it when there is none beside it.

    Lines between two fields that have comments beside them go on with the first one's. What a struct has of another
    one is told there.
    """
    above = struct.__base__
    inherited = comments(above) if above not in (None, msgspec.Struct) else {}
    source = textwrap.dedent(inspect.getsource(struct))
    body = ast.parse(source).body[0]
    assert isinstance(body, ast.ClassDef)
    found: dict[int, str] = {}  # line to its comment
    alone: set[int] = set()  # lines with nothing but a comment
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            found[token.start[0]] = token.string.lstrip("# ")
            if not token.line[: token.start[1]].strip():
                alone.add(token.start[0])
    notes: dict[str, str] = {}
    before = ""  # the field that lines of comment alone may go on with
    line = 0
    for node in body.body:
        if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)):
            continue
        last = node.end_lineno or node.lineno
        between = [found[i] for i in range(line + 1, node.lineno) if i in alone]
        beside = [found[i] for i in range(node.lineno, last + 1) if i in found]
        if beside and before:
            notes[before] = " ".join([notes[before], *between])
        notes[node.target.id] = " ".join(beside or between)
        before, line = (node.target.id if beside else ""), last
    if before:
        notes[before] = " ".join([notes[before], *(found[i] for i in sorted(alone) if i == line + 1)])
    return inherited | notes


def example_toml() -> str:
    """The example file: every setting with its meaning and its default, all of them commented out."""
    lines = [
        "# Settings of tako. A line that begins with # is off; what it shows is the default, or an example where there",
        f"# is none. Put this file at ~/.config/tako/tako.toml, or name it in {VARIABLE}. Relative paths start here.",
    ]
    for section in sections():
        lines += ["", *textwrap.wrap(section.meaning, 116, initial_indent="# ", subsequent_indent="# ")]
        if section.name:
            lines.append(f"{'# ' if section.optional else ''}[{section.name}]")
        for field in section.fields:
            entry = f"# {field.name} = {field.value}"
            meaning = textwrap.wrap(field.meaning, 116, initial_indent="#   ", subsequent_indent="#   ")
            lines += [entry, *meaning]
    return "\n".join(lines) + "\n"


def reference() -> str:
    """The page `docs/settings.md`."""
    lines = [
        "# Settings",
        "",
        f"<!-- Made by `{COMMAND}` from the code; change the comments there. -->",
        "",
        f"tako reads one TOML file: `~/.config/tako/tako.toml`, or the one that the variable `{VARIABLE}` names. Every",
        "setting has a default; [tako.example.toml](tako.example.toml) shows them all. A mistake in the file ends in a",
        "sentence that names the field. Relative paths start at the file's folder.",
        "",
        'A secret is written in quotes, or better kept elsewhere: `{ file = "mail.password" }` (a file of one line),',
        '`{ env = "TAKO_EMAIL_PASSWORD" }` (an environment variable) or `{ credential = "email" }` (systemd\'s',
        "`LoadCredential=`). It is never shown, logged or kept in the history.",
    ]
    for section in sections():
        heading = f"`[{section.name}]`" if section.name else "Above all tables"
        lines += ["", f"## {heading}", *(["", section.meaning] if section.meaning else [])]
        if section.fields:
            lines += ["", "| setting | default | is | meaning |", "|---|---|---|---|"]
        for field in section.fields:
            cells = (f"`{field.name}`", field.default, field.kind, field.meaning)
            lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def _default(field: Any) -> Any:
    return field.default if field.default is not msgspec.NODEFAULT else field.default_factory()


def _members(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (types.UnionType, Union) else (kind,)


def _has_struct(kind: Any) -> bool:
    return any(isinstance(k, type) and issubclass(k, msgspec.Struct) for k in _members(kind))


def _struct_in(kind: Any) -> type[msgspec.Struct]:
    return next(k for k in _members(kind) if isinstance(k, type) and issubclass(k, msgspec.Struct))


def _kind(kind: Any) -> str:
    """A type in words."""
    words = {int: "whole number", float: "number", bool: "true or false", str: "text", Path: "path", Secret: "secret"}
    parts = []
    for k in _members(kind):
        bounds = ""
        if get_origin(k) is Annotated:
            meta = k.__metadata__[0]
            ends = (("at least", meta.ge), ("more than", meta.gt), ("at most", meta.le), ("less than", meta.lt))
            bounds = ", ".join(f"{word} {end:g}" for word, end in ends if end is not None)
            k = get_args(k)[0]
        if get_origin(k) is Literal:
            parts.append(" or ".join(f"`{_toml(value)}`" for value in get_args(k)))
        elif get_origin(k) in (tuple, list):
            parts.append(f"list, each {_kind(get_args(k)[0])}")
        elif get_origin(k) is dict:
            parts.append(f"table, each value {_kind(get_args(k)[1])}")
        elif k is not type(None):
            parts.append(f"{words[k]}{f', {bounds}' if bounds else ''}")
    return " or ".join(parts)


def _toml(value: Any) -> str:
    """A default as TOML writes it; empty for none."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k, ensure_ascii=False)} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, str | Path):
        return json.dumps(str(value), ensure_ascii=False)  # a TOML basic string for any text without control characters
    return repr(value)


def _sentence(note: str) -> str:
    return f"{note[:1].upper()}{note[1:]}." if note else ""


def main() -> int:
    stale = 0
    for path, text in ((EXAMPLE, example_toml()), (REFERENCE, reference())):
        if "--check" not in sys.argv[1:]:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            sys.stderr.write(f"{path.relative_to(DOCS.parent)} is stale: run {COMMAND}\n")
            stale = 1
    return stale


if __name__ == "__main__":
    raise SystemExit(main())
