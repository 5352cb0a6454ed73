"""A decider that knows its answers by heart: for the simulator, and for tests that are not about the model.

Its script is what `tako batch` writes, one JSON object a line with `transcript` and `calls`, so that what a model
decided once can be played again. Chosen explicitly; a request that is not in the script is `none`, unclear.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from actions.catalogue import FUNCTIONS, Call, make_call
from actions.errors import InputError, ModelError
from agent.language import language_of
from agent.prompt import MAX_REQUEST_CHARACTERS, MAX_REQUEST_TOKENS, clean
from agent.types import Decision, Percept

UNCLEAR = make_call("none", "unclear")


class _Call(msgspec.Struct, frozen=True):
    name: str
    args: dict[str, str]


class _Line(msgspec.Struct, frozen=True):
    transcript: str
    calls: list[_Call]


class ScriptedDecider:
    """Looks the request up, upper case, spaces and a final full stop aside."""

    def __init__(self, script: Mapping[str, Sequence[Call]]) -> None:
        self._script = {_key(text): tuple(calls) for text, calls in script.items()}

    @classmethod
    def from_file(cls, path: Path) -> ScriptedDecider:
        """Raises `ModelError` when the script cannot be read or has a call that is not in the catalogue."""
        try:
            lines = path.read_bytes().splitlines()
        except OSError as error:
            raise ModelError(f"I cannot read the script {path.name}.", f"无法读取脚本 {path.name}。") from error
        return cls(dict(_entry(line, f"{path.name}:{i}") for i, line in enumerate(lines, 1) if line.strip()))

    def decide(self, percept: Percept) -> Decision:
        text = clean(percept.text)
        if not text:
            raise InputError("I heard no words.", "我没有听到内容。")
        if len(text.split()) > MAX_REQUEST_TOKENS or len(text) > MAX_REQUEST_CHARACTERS:
            raise InputError(
                "That request is too long for me. Please say it in a few sentences.", "这段话太长了，请用几句话说。"
            )
        calls = self._script.get(_key(text))
        return Decision(
            calls=calls or (UNCLEAR,),
            lang=percept.lang or language_of(text),
            confidence=1.0 if calls else 0.0,
        )


def _entry(line: bytes, where: str) -> tuple[str, list[Call]]:
    try:
        entry = msgspec.json.decode(line, type=_Line)
        return entry.transcript, [_call(call) for call in entry.calls]
    except (ValueError, KeyError) as error:  # msgspec's errors are ValueErrors too
        raise ModelError(f"The script is wrong at {where}: {error}.", f"脚本有误，见 {where}。") from error


def _call(call: _Call) -> Call:
    return make_call(call.name, *(call.args[name] for name in FUNCTIONS[call.name].argument_names))


def _key(text: str) -> str:
    return clean(text).casefold().rstrip(".!?。！？ ")
