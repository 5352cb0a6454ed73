"""Servers that fail at every step: what may be tried again, what not, and what nobody can know."""

from __future__ import annotations

import contextlib
import datetime
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trustme

from actions.base import Request
from actions.catalogue import make_call
from actions.errors import ActionError, NotNow
from actions.messages.send_email import SendEmail
from actions.messages.smtp import EmailSettings
from actions.people.contacts import Contact, ContactBook

LARGE = "a line that is long enough to fill the buffers between here and there\n" * 150_000  # 10 MB
BOOK = ContactBook([Contact("Anna", "anna@example.com")])
REQUEST = Request(make_call("send_email", "anna", "", "the first line\nand another\nand one more\nand the last"), "en")
Start = Callable[[str, str], Any]
NOW, DAY = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)


@pytest.mark.parametrize("at", ["greeting", "EHLO", "MAIL", "RCPT", "DATA"])
def test_dropped_before_the_end_waits(faulty_server: Start, at: str) -> None:
    server = faulty_server(at, "drop")
    with pytest.raises(NotNow) as caught:
        SendEmail(server.settings(), BOOK).perform(REQUEST)
    assert "I keep the email to Anna in the outbox" in caught.value.spoken("en")
    assert "先放在发件箱" in caught.value.spoken("zh")
    assert server.connections == 1


@pytest.mark.parametrize("how", ["drop", "hang"])
def test_dropped_in_the_midst_of_a_large_message_waits(faulty_server: Start, how: str) -> None:
    large = Request(make_call("send_email", "anna", "large", LARGE), "en")
    with pytest.raises(NotNow):
        SendEmail(faulty_server("body", how).settings(), BOOK).perform(large)


def test_dropped_in_the_midst_of_a_small_message_is_unknown(faulty_server: Start) -> None:
    """All of it, the end included, fits into the buffers of the network: that it did not arrive cannot be seen."""
    assert SendEmail(faulty_server("body", "hang").settings(), BOOK).perform(REQUEST).status == "unknown"


@pytest.mark.parametrize("how", ["drop", "hang", "nonsense", "299"])
def test_dropped_after_the_end_is_unknown_and_said_so(faulty_server: Start, how: str) -> None:
    server = faulty_server("end", how)
    outcome = SendEmail(server.settings(), BOOK).perform(REQUEST)
    assert outcome.status == "unknown"
    assert "I don't know whether the email to Anna went out" in outcome.spoken
    assert server.connections == 1  # no blind second try


@pytest.mark.parametrize("at", ["greeting", "EHLO", "RCPT"])
def test_a_slow_server_is_given_up_after_the_timeout(faulty_server: Start, at: str) -> None:
    begun = time.monotonic()
    with pytest.raises(NotNow):
        SendEmail(faulty_server(at, "hang").settings(timeout=1.0), BOOK).perform(REQUEST)
    assert time.monotonic() - begun < 4


@pytest.mark.parametrize(
    ("at", "answer", "later"),
    [
        ("greeting", "421 too busy", True),
        ("greeting", "554 go away", False),
        ("greeting", "SSH-2.0-OpenSSH", False),
        ("MAIL", "451 later", True),
        ("MAIL", "530 log in first", False),
        ("DATA", "451 later", True),
        ("DATA", "554 no", False),
        ("end", "421 closing", True),
        ("end", "550 no", False),
    ],
)
def test_answers_mean_what_they_say(faulty_server: Start, at: str, answer: str, later: bool) -> None:
    with pytest.raises(ActionError) as caught:
        SendEmail(faulty_server(at, answer).settings(), BOOK).perform(REQUEST)
    assert isinstance(caught.value, NotNow) is later


@pytest.mark.parametrize("how", ["drop", "hang", "500 what"])
def test_a_bad_goodbye_changes_nothing(faulty_server: Start, how: str) -> None:
    assert SendEmail(faulty_server("QUIT", how).settings(), BOOK).perform(REQUEST).status == "done"


def test_nobody_listens(faulty_server: Start) -> None:
    server = faulty_server("greeting", "drop")
    settings = server.settings()
    server.close()
    server.close = lambda: None
    with pytest.raises(NotNow, match="cannot reach the mail server"):
        SendEmail(settings, BOOK).perform(REQUEST)


def test_no_name_service() -> None:
    settings = EmailSettings(host="mail.invalid", sender="tako@example.org", timeout=2.0)
    with pytest.raises(NotNow, match=r"cannot reach the mail server mail\.invalid"):
        SendEmail(settings, BOOK).perform(REQUEST)


def test_a_certificate_file_that_is_not_there(faulty_server: Start, tmp_path: Any) -> None:
    settings = msgspec.structs.replace(
        faulty_server("MAIL", "drop").settings(), tls="starttls", ca_file=tmp_path / "no.pem"
    )
    with pytest.raises(ActionError, match=r"certificate file .*no\.pem"):
        SendEmail(settings, BOOK).perform(REQUEST)


@pytest.mark.parametrize(
    ("name", "validity", "later", "words"),
    [
        ("mail.example.org", {}, False, "certificate that I cannot trust"),
        ("127.0.0.1", {"not_before": NOW - 2 * DAY, "not_after": NOW - DAY}, False, "certificate has expired"),
        ("127.0.0.1", {"not_before": NOW + DAY, "not_after": NOW + 2 * DAY}, True, "my clock may be wrong"),
    ],
    ids=["another host", "expired", "not yet valid"],
)
def test_a_certificate_that_does_not_hold_gets_nothing(
    authority: tuple[trustme.CA, Path], name: str, validity: dict[str, Any], later: bool, words: str
) -> None:
    ca, ca_file = authority
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(name, **validity).configure_cert(context)
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as tls:
                heard.append(tls.recv(1))

        thread = threading.Thread(target=serve)
        thread.start()
        settings = EmailSettings(
            host="127.0.0.1",
            port=listener.getsockname()[1],
            tls="tls",
            sender="me@example.org",
            timeout=5,
            ca_file=ca_file,
        )
        with pytest.raises(ActionError, match=words) as caught:
            SendEmail(settings, BOOK).perform(REQUEST)
        thread.join(5)
    assert isinstance(caught.value, NotNow) is later
    assert not any(heard)
