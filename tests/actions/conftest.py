"""A real SMTP server for the tests of sending: aiosmtpd with STARTTLS or TLS and AUTH, its certificate made here."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from actions.messages.smtp import EmailSettings
from actions.secret import Secret

USER, PASSWORD = "tako@example.org", "corr3ct-h0rse"


@dataclass
class Mailbox:
    """What the server took in, and how it is told to behave."""

    messages: list[EmailMessage] = field(default_factory=list)
    receivers: list[list[str]] = field(default_factory=list)
    rcpt_answer: str = ""  # answer to RCPT in place of 250
    data_answer: str = ""  # answer to the whole message in place of 250; it is then not taken in
    encrypted: list[bool] = field(default_factory=list)
    logged_in: list[bool] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.rcpt_answer:
            return self.rcpt_answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.data_answer:
            return self.data_answer
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        self.receivers.append(list(envelope.rcpt_tos))
        assert server.transport is not None
        self.logged_in.append(bool(session.authenticated))
        self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        return "250 taken"


def _authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)


@dataclass
class Server:
    """A running server and settings that fit it."""

    mailbox: Mailbox
    settings: EmailSettings


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, Path]:
    ca = trustme.CA()
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return ca, path


@pytest.fixture
def start_server(authority: tuple[trustme.CA, Path]) -> Iterator[Callable[..., Server]]:
    """Starts a server: `start_server(tls="starttls", login=True)`."""
    running: list[Controller] = []
    ca, ca_file = authority

    def start(tls: str = "starttls", login: bool = True) -> Server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert("localhost", "127.0.0.1").configure_cert(context)
        mailbox = Mailbox()
        controller = Controller(
            mailbox,
            hostname="127.0.0.1",
            port=free_port(),
            ssl_context=context if tls == "tls" else None,
            tls_context=context if tls == "starttls" else None,
            require_starttls=tls == "starttls",
            auth_required=login and tls == "starttls",  # else aiosmtpd warns; `Mailbox.logged_in` tells
            auth_require_tls=tls == "starttls",
            authenticator=_authenticate,
        )
        controller.start()
        running.append(controller)
        settings = EmailSettings(
            host="127.0.0.1",
            port=controller.port,
            tls=tls,  # type: ignore[arg-type]
            user=USER if login else "",
            password=Secret(PASSWORD) if login else None,
            sender="tako@example.org",
            sender_name="Tako",
            timeout=5.0,
            ca_file=ca_file,
        )
        return Server(mailbox, settings)

    yield start
    for controller in running:
        controller.stop()


class FaultyServer:
    """A mail server that speaks as it should up to one point, where it fails in a chosen way.

    `at`: "greeting", "EHLO", "MAIL", "RCPT", "DATA", "body" (in the midst of the message) or "end" (after its last
    line). `how`: "drop" closes the connection, "hang" says nothing more, anything else is the answer given there.
    """

    def __init__(self, at: str, how: str) -> None:
        self.at, self.how = at, how
        self.connections = 0
        self._done = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # a large message cannot hide in buffers
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def settings(self, timeout: float = 1.0) -> EmailSettings:
        return EmailSettings(host="127.0.0.1", port=self.port, tls="none", sender="tako@example.org", timeout=timeout)

    def close(self) -> None:
        self._done.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while not self._done.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            with connection, connection.makefile("rb") as lines:
                self._talk(connection, lines)

    def _talk(self, connection: socket.socket, lines: BinaryIO) -> None:
        if not self._answer(connection, "greeting", "220 ready"):
            return
        for line in lines:
            verb = line[:4].decode().upper().strip()
            answer = {"DATA": "354 go on", "QUIT": "221 bye"}.get(verb, "250 OK")
            if not self._answer(connection, verb, answer):
                return
            if verb == "DATA":
                for number, part in enumerate(lines):
                    if self.at == "body" and number == 3 and not self._answer(connection, "body", ""):
                        return
                    if part == b".\r\n":
                        break
                if not self._answer(connection, "end", "250 taken"):
                    return

    def _answer(self, connection: socket.socket, point: str, answer: str) -> bool:
        """Whether the talk goes on."""
        if point == self.at and self.how == "drop":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, at once
            return False
        if point == self.at and self.how == "hang":
            self._done.wait(30)
            return False
        connection.sendall((self.how if point == self.at else answer).encode() + b"\r\n")
        return True


@pytest.fixture
def faulty_server() -> Iterator[Callable[[str, str], FaultyServer]]:
    """`faulty_server(at, how)`, see `FaultyServer`."""
    running: list[FaultyServer] = []

    def start(at: str, how: str) -> FaultyServer:
        running.append(FaultyServer(at, how))
        return running[-1]

    yield start
    for server in running:
        server.close()
