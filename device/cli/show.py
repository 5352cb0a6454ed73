"""How a turn looks on the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import click
import msgspec

if TYPE_CHECKING:
    from rich.console import Console

    from actions.catalogue import Call
    from device.seams import TurnRecord

_LABEL = 9  # columns
_PIPED = 160  # columns of a line that is piped: few are broken


def show_turn(turn: TurnRecord, said: bool = True) -> None:
    """What was heard, decided and done, what tako says (`said`), and how long each stage took."""
    heard = turn.transcript
    if heard.text:
        how = f"  ({heard.engine}, {heard.lang}, {heard.confidence:.0%} sure)" if heard.engine != "typed" else ""
        _line("heard", heard.text + click.style(how, dim=True))
    if turn.decision:
        for call in turn.decision.calls:
            _line("decided", describe(call))
        sure = f"{turn.decision.confidence:.0%} sure"
        if turn.decision.refused:
            sure += f"; not sure enough for {describe(turn.decision.refused)}"
        _line("", click.style(sure, dim=True))
    for outcome in turn.outcomes:
        _line(outcome.status, click.style(outcome.detail, dim=True))
    if said:
        _line("says", click.style(turn.spoken, fg="red" if turn.error else None, bold=True))
    _line("took", click.style(times(turn.ms), dim=True))


def describe(call: Call) -> str:
    """`send_email(recipient: anna, body: i am late)`; empty arguments are left out."""
    return f"{call.name}({', '.join(f'{name}: {value}' for name, value in call.args.items() if value)})"


def times(ms: Mapping[str, float]) -> str:
    """`listen 3.0 s, transcribe 510 ms, ...`"""
    return ", ".join(f"{stage} {_time(value)}" for stage, value in ms.items())


def span(seconds: float) -> str:
    """ "12 s", "5 min", "3 h", "4 days"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6_000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3_600:.0f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"


def console() -> Console:
    """For tables: colours on a terminal, plain and wide when piped."""
    from rich.console import Console

    shown = Console(highlight=False)
    return shown if shown.is_terminal else Console(highlight=False, width=_PIPED)


def as_json(value: object) -> str:
    """One line of JSON."""
    return msgspec.json.encode(value).decode()


def toml_lines(settings: msgspec.Struct, prefix: str = "") -> Iterator[str]:
    """Each setting as a line of TOML, by its full name; what is not set is left out, a secret is masked."""
    for name in settings.__struct_fields__:
        yield from _toml_value(f"{prefix}{name}", getattr(settings, name))


def _toml_value(name: str, value: object) -> Iterator[str]:
    if isinstance(value, msgspec.Struct):
        yield from toml_lines(value, f"{name}.")
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield from _toml_value(f"{name}.{json.dumps(key, ensure_ascii=False)}", entry)
    elif value is not None:
        plain = value if isinstance(value, bool | int | float | tuple | list) else str(value)
        yield f"{name} = {json.dumps(plain, ensure_ascii=False)}"


def _time(ms: float) -> str:
    return f"{ms / 1000:.1f} s" if ms >= 1000 else f"{ms:.0f} ms"


def _line(label: str, text: str) -> None:
    click.echo(f"{click.style(label.ljust(_LABEL), fg='cyan')} {text}".rstrip())
