"""From one TOML file to one frozen tree of structs, with a sentence for every mistake in it.

Knows TOML, paths and secrets; knows no section (`device.settings` names them). Checks field by field, so that all
mistakes are told at once, each by its full name, and no sentence shows a secret.
"""

from __future__ import annotations

import difflib
import re
import tomllib
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec

from actions.errors import Misfit, SettingsError
from actions.secret import Secret, read_secret

S = TypeVar("S", bound=msgspec.Struct)
_NAMES = {  # msgspec's names of types: English, Chinese
    "int": ("a whole number", "整数"),
    "float": ("a number", "数字"),
    "bool": ("true or false", "true 或 false"),
    "str": ("text in quotes", "引号里的文字"),
    "array": ("a list in brackets", "方括号里的列表"),
    "object": ("a table", "表"),
}
_BOUNDS = {
    ">=": ("at least", "不小于"),
    "<=": ("at most", "不大于"),
    ">": ("more than", "大于"),
    "<": ("less than", "小于"),
}
_AT = re.compile(r" - at `[^`]*`$")
_TYPE = re.compile(r"Expected `([^`]+)`, got `([^`]+)`")
_BOUND = re.compile(r"Expected `[^`]+` (>=|<=|>|<) (\S+)")
_LENGTH = re.compile(r"Expected `(?:str|array)` of length (>=|<=) (\d+)")


@dataclass(frozen=True)
class Mistake:
    """What is wrong with one field, as half a sentence after its name."""

    name: str  # "email.port"
    en: str
    zh: str


class Reader:
    """Reads settings of any shape from one file."""

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self.path = path
        self._environ = environ

    def read(self, kind: type[S]) -> S:
        """Raises `SettingsError` with all that is wrong. (It does so in a frame that holds no value of the file.)"""
        found = self._read(kind)
        if isinstance(found, SettingsError):
            raise found
        return found

    def _read(self, kind: type[S]) -> S | SettingsError:
        try:
            raw = tomllib.loads(self.path.read_text(encoding="utf-8-sig"))
        except OSError as error:
            return SettingsError(
                f"I cannot read the settings in {self.path}: {error.strerror}.",
                f"读不了设置文件 {self.path}：{error.strerror}。",
            )
        except UnicodeDecodeError:
            return SettingsError(
                f"The settings in {self.path} are not text in UTF-8.", f"设置文件 {self.path} 不是 UTF-8 编码。"
            )
        except tomllib.TOMLDecodeError as error:
            what, _, place = str(error).partition(" (at ")
            where = place.rstrip(")") or "the end"
            return SettingsError(
                f"The settings in {self.path} are not valid TOML at {where}: {what}.",
                f"设置文件 {self.path} 的语法有误（{where}）：{what}。",
            )
        mistakes = list(self._check(kind, raw, ""))
        return _told(self.path, mistakes) if mistakes else self._convert(raw, kind)

    def _convert(self, value: Any, kind: Any) -> Any:
        return msgspec.convert(value, kind, dec_hook=self._own_type)

    def _own_type(self, kind: type, value: Any) -> Any:
        """Values of types that TOML has not: a path (from `~`, or from the folder of the settings) and a secret."""
        if kind is Secret:
            return read_secret(value, self.path.parent, self._environ)
        if kind is Path:
            if not isinstance(value, str) or not value:
                raise Misfit("it is a path in quotes", "应是引号里的路径")
            return self.path.parent / Path(value).expanduser()
        raise NotImplementedError(kind)

    def _check(self, kind: type[msgspec.Struct], raw: Any, name: str) -> Iterator[Mistake]:
        """All mistakes of a table, deepest first; what only the whole table shows when its fields are right."""
        if not isinstance(raw, dict):
            yield Mistake(name, "must be a table", "必须是表")
            return
        fields = {field.name: field for field in msgspec.structs.fields(kind)}
        found = False
        for key, value in raw.items():
            full = f"{name}.{key}" if name else key
            if key not in fields:
                mistakes: Iterator[Mistake] = iter((_unknown(full, key, list(fields)),))
            else:
                mistakes = self._check_field(fields[key].type, value, full)
            for mistake in mistakes:
                found = True
                yield mistake
        if found:
            return
        for field in fields.values():
            if field.required and field.name not in raw:
                found = True
                yield Mistake(f"{name}.{field.name}" if name else field.name, "is missing", "没有填写")
        if found:
            return
        try:
            self._convert(raw, kind)
        except msgspec.ValidationError as error:
            yield _not_right(name or "the whole", error)

    def _check_field(self, kind: Any, value: Any, name: str) -> Iterator[Mistake]:
        inner = _struct_in(kind)
        if inner is not None:
            yield from self._check(inner, value, name)
        elif get_origin(kind) is dict and _struct_in(get_args(kind)[1]) and isinstance(value, dict):
            for key, entry in value.items():
                yield from self._check_field(get_args(kind)[1], entry, f"{name}.{key}")
        else:
            try:
                self._convert(value, kind)
            except msgspec.ValidationError as error:
                yield _wrong(name, error, kind, value)


def _struct_in(kind: Any) -> type[msgspec.Struct] | None:
    """The struct in `Struct` or `Struct | None`."""
    kinds = _members(kind)
    return next((k for k in kinds if isinstance(k, type) and issubclass(k, msgspec.Struct)), None)


def _members(kind: Any) -> tuple[Any, ...]:
    """The types of a union, or the one type."""
    return get_args(kind) if get_origin(kind) in (types.UnionType, Union) else (kind,)


def _unknown(full: str, key: str, names: list[str]) -> Mistake:
    near = difflib.get_close_matches(key.lower(), names, n=1)
    if near:
        return Mistake(full, f"is unknown; did you mean {near[0]}", f"不存在，是不是 {near[0]}")
    return Mistake(full, f"is unknown; known are {', '.join(names)}", f"不存在，可用的有 {', '.join(names)}")


def _not_right(name: str, error: msgspec.ValidationError) -> Mistake:
    """Half a sentence for what the code of a type or a section says itself."""
    why = _AT.sub("", str(error))
    zh = error.__cause__.zh if isinstance(error.__cause__, Misfit) else why
    return Mistake(name, f"is not right: {why}", f"有误：{zh}")


def _wrong(name: str, error: msgspec.ValidationError, kind: Any, value: Any) -> Mistake:
    """Half a sentence for msgspec's message about one value."""
    message = _AT.sub("", str(error))
    choices = _choices(kind)
    if choices:
        return Mistake(
            name, f"must be one of {choices}, not {_shown(value)}", f"只能是 {choices} 之一，不能是 {_shown(value)}"
        )
    if bound := _BOUND.match(message):
        en, zh = _BOUNDS[bound[1]]
        return Mistake(
            name, f"must be {en} {bound[2]}, not {_shown(value)}", f"必须{zh} {bound[2]}，不能是 {_shown(value)}"
        )
    if length := _LENGTH.match(message):
        if length[2] == "1" and length[1] == ">=":
            return Mistake(name, "must not be empty", "不能为空")
        en, zh = _BOUNDS[length[1]]
        return Mistake(name, f"must have {en} {length[2]} entries or letters", f"长度必须{zh} {length[2]}")
    if wrong := _TYPE.match(message):
        wanted = [
            _NAMES.get(part.strip(), (part.strip(),) * 2) for part in wrong[1].split("|") if part.strip() != "null"
        ]
        got = _NAMES.get(wrong[2], (wrong[2],) * 2)
        return Mistake(
            name,
            f"must be {' or '.join(en for en, _ in wanted)}, not {got[0]}",
            f"必须是{'或'.join(zh for _, zh in wanted)}，不能是{got[1]}",
        )
    if "regex" in message:
        return Mistake(name, f"cannot be {_shown(value)}", f"不能是 {_shown(value)}")
    return _not_right(name, error)


def _choices(kind: Any) -> str:
    """The values of a `Literal`, as they are written in TOML; empty for another type."""
    kinds = _members(kind)
    values = [value for k in kinds if get_origin(k) is Literal for value in get_args(k)]
    return ", ".join(_shown(value) for value in values)


def _shown(value: Any) -> str:
    """A value as TOML writes it, short. Never called with a secret: those have no bounds, choices or patterns."""
    if isinstance(value, bool):
        return str(value).lower()
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _told(path: Path, mistakes: list[Mistake]) -> SettingsError:
    return SettingsError(
        f"In the settings {path}: {'; '.join(f'{m.name} {m.en}' for m in mistakes)}.",
        f"设置文件 {path} 有误：{'；'.join(f'{m.name} {m.zh}' for m in mistakes)}。",
    )
