"""A real SMTP server on this machine's loopback, for the demo: STARTTLS, a login, a certificate made for the occasion.

Takes in what is sent to it and keeps it in memory; passes nothing on to anybody.
"""

from __future__ import annotations

import logging
import secrets
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

HOST = "127.0.0.1"
USER = "tako@example.com"


@dataclass
class Inbox:
    """What has arrived, and what one needs to send to it."""

    ca_file: Path  # certificate of the authority that vouches for the server (PEM)
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    port: int = 0
    messages: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        content = envelope.content
        message = message_from_bytes(
            content if isinstance(content, bytes) else (content or "").encode(), policy=default
        )
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        return "250 taken"

    def log_in(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (
            USER.encode(),
            self.password.encode(),
        )
        return AuthResult(success=right, handled=False)


@contextmanager
def mail_server(folder: Path) -> Iterator[Inbox]:
    """A running server; `folder` gets the authority's certificate. Nobody outside this machine can reach it."""
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd warns of a past of its own at each login
    authority = trustme.CA()
    inbox = Inbox(folder / "ca.pem")
    authority.cert_pem.write_to_path(str(inbox.ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    controller = Controller(
        inbox,
        hostname=HOST,
        port=_free_port(),
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=inbox.log_in,
    )
    controller.start()
    try:
        inbox.port = controller.port
        yield inbox
    finally:
        controller.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
