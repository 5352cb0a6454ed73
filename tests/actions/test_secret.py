"""A secret stays one: in print, logs, tracebacks, settings and the history."""

from __future__ import annotations

import copy
import io
import logging
import pickle
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console
from rich.traceback import Traceback

from actions.base import Request
from actions.catalogue import make_call
from actions.errors import ActionError
from actions.messages.send_email import SendEmail
from actions.messages.smtp import EmailSettings
from actions.people.contacts import Contact, ContactBook
from actions.secret import MASK, Secret, read_secret

WORD = "corr3ct-h0rse-battery"


def shown(value: Secret) -> str:
    return f"{value} {value!r} {value!s} {value:>40} " + "%s %r" % (value, value)  # noqa: UP031


def test_nothing_shows_it(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
    secret = Secret(WORD)
    settings = EmailSettings(host="h", user="me@example.org", password=secret)
    print(secret, settings, [secret], {"password": secret})  # noqa: T201
    Console().print(settings)
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("test").debug("with %s and %r of %s", secret, secret, settings)
    seen = shown(secret) + repr(settings) + caplog.text + capsys.readouterr().out
    assert WORD not in seen
    assert MASK in seen
    assert secret.reveal() == WORD


def test_it_is_not_written_out() -> None:
    secret = Secret(WORD)
    for write in (msgspec.json.encode, pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            write(secret)
    assert not hasattr(secret, "__dict__")


@pytest.mark.parametrize("wrong", [True, False], ids=["refused", "unreachable"])
def test_no_traceback_shows_it(start_server: Callable[..., Any], wrong: bool) -> None:
    """Not even one with the local variables of every frame, as rich prints it."""
    settings = start_server().settings
    changed = {"password": Secret(WORD)} if wrong else {"password": Secret(WORD), "port": 1}
    settings = msgspec.structs.replace(settings, **changed)
    action = SendEmail(settings, ContactBook([Contact("Anna", "anna@example.com")]))
    with pytest.raises(ActionError) as caught:
        action.perform(Request(make_call("send_email", "anna", "", "hello there"), "en"))
    error = caught.value
    lines = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    out = Console(file=io.StringIO(), width=200)
    out.print(Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True))
    assert isinstance(out.file, io.StringIO)
    assert WORD not in lines + out.file.getvalue()
    assert "SendEmail" in lines


def test_an_answer_that_repeats_it_is_masked() -> None:
    assert Secret(WORD).hide_in(f"535 wrong: {WORD}") == f"535 wrong: {MASK}"
    assert Secret("").hide_in("535 wrong") == "535 wrong"


def test_where_it_may_come_from(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text(f"{WORD}\nsecond line\n")
    environ = {"PW": WORD, "CREDENTIALS_DIRECTORY": str(tmp_path)}
    for place in (WORD, {"file": "pw"}, {"file": str(tmp_path / "pw")}, {"env": "PW"}, {"credential": "pw"}):
        assert read_secret(place, tmp_path, environ).reveal() == WORD


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ({"file": "nowhere"}, "nowhere cannot be read"),
        ({"file": "binary"}, "not text"),
        ({"file": "empty"}, "empty"),
        ({"env": "NOT_SET"}, "NOT_SET is not set"),
        ({"credential": "pw"}, "not started by systemd"),
        ({"file": 3}, "name in quotes"),
        ({"file": "a", "env": "b"}, "one of"),
        ({"vault": "a"}, "one of"),
        (3, "one of"),
        ("", "empty"),
    ],
)
def test_where_it_may_not(tmp_path: Path, place: object, why: str) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\xfa")
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(ValueError, match=why):
        read_secret(place, tmp_path, {})


def test_a_credential_is_no_path(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a path"):
        read_secret({"credential": "../pw"}, tmp_path, {"CREDENTIALS_DIRECTORY": str(tmp_path)})
