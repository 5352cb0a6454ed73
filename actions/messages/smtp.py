"""Delivery of one message over SMTP, and what each way of failing means.

Knows a mail server, nothing of contacts, languages of the body or the outbox. smtplib speaks the protocol; the DATA
step is taken apart here, because what matters to a person is whether the final dot was already sent: before it the
server must discard the message (RFC 5321, 4.1.1.4), after it nobody can know until the server answers.
"""

from __future__ import annotations

import contextlib
import logging
import re
import smtplib
import ssl
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from actions.errors import ActionError, Misfit, NotNow
from actions.messages.delivery import CERTIFICATE_NOT_YET_VALID, AnswerLost
from actions.messages.mail_text import is_address
from actions.secret import Secret

log = logging.getLogger(__name__)
PORTS = {"starttls": 587, "tls": 465, "none": 25}
OWN_NAME = "[127.0.0.1]"  # said in EHLO: the real name is nobody's business, and looking it up can hang without network


class EmailSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The mail account that emails are sent from."""

    host: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9.:-]+$")]  # mail server, "smtp.example.com"
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = (
        None  # TCP port; the usual one of `tls` when left out: 587, 465 or 25
    )
    tls: Literal["starttls", "tls", "none"] = (
        "starttls"  # encryption: from a command on, from the start, or none at all
    )
    user: str = ""  # login name; empty: no login
    password: Secret | None = None  # "words", or { file = "path" }, { env = "NAME" } or { credential = "name" }
    sender: str = ""  # address that emails come from; empty: `user`
    sender_name: str = ""  # name that receivers see beside it
    timeout: Annotated[float, msgspec.Meta(ge=1, le=600)] = 30.0  # seconds to wait for each answer of the server
    ca_file: Path | None = None  # certificate of a private authority to trust (PEM); left out: those of the system
    copy_to_self: bool = False  # whether each email also goes to your own address, unseen by the receiver

    def __post_init__(self) -> None:
        if not is_address(self.address):
            raise Misfit(
                "sender must be an email address (it may be left out when user is one)",
                "sender 必须是邮箱地址（user 是邮箱地址时可不填）",
            )
        if bool(self.user) != bool(self.password):
            missing = "password" if self.user else "user"
            raise Misfit(
                f"{missing} is missing: a login needs user and password", f"缺少 {missing}：登录需要用户名和密码"
            )
        if not self.user.isascii() or (self.password and not self.password.reveal().isascii()):
            raise Misfit(
                "user and password must be ASCII: mail servers take no other characters",
                "用户名和密码只能用 ASCII 字符",
            )

    @property
    def address(self) -> str:
        return self.sender or self.user

    @property
    def tcp_port(self) -> int:
        return self.port or PORTS[self.tls]


def deliver(settings: EmailSettings, recipient: str, message: bytes) -> str:
    """Hands `message` (CRLF line ends) to the server and returns its answer. A copy goes to oneself if the settings
    say so; one that is refused keeps nothing from going.

    Raises `NotNow` when it was surely not accepted and may be later, `ActionError` when it was refused for good,
    `AnswerLost` when nobody can know.
    """
    handed_over = False
    smtp: smtplib.SMTP | None = None
    try:
        smtp = _connect(settings)
        size = [f"size={len(message)}"] if smtp.has_extn("size") else []
        _expect(smtp.mail(settings.address, size), 250)
        _expect_recipient(smtp.rcpt(recipient), recipient)
        if settings.copy_to_self and settings.address != recipient:
            code, words = smtp.rcpt(settings.address)
            if code not in (250, 251):
                log.warning("%s takes no copy for %s: %s", settings.host, settings.address, _text(words))
        _expect(smtp.docmd("data"), 354)
        body = re.sub(rb"(?m)^\.", b"..", message)
        smtp.send(body if body.endswith(b"\r\n") else body + b"\r\n")
        smtp.send(b".\r\n")  # fails only when it was not wholly taken over, and half a dot ends no message
        handed_over = True
        answer = _expect(smtp.getreply(), 250)
        _take_leave(smtp)
    except smtplib.SMTPResponseException as error:
        if handed_over and not 400 <= error.smtp_code < 600:  # neither a yes nor a no
            raise AnswerLost from None
        raise _refused(error, settings) from None
    except (OSError, smtplib.SMTPException) as error:
        if handed_over:
            log.warning("the answer of %s to a message was lost: %s", settings.host, error)
            raise AnswerLost from None
        raise _unreachable(error, settings) from None
    finally:
        if smtp is not None:
            smtp.close()
    return answer


def log_in(settings: EmailSettings) -> None:
    """Connects and logs in as `deliver` does, and sends nothing. Raises `NotNow` when the server cannot be reached,
    `ActionError` when it does not take the login or cannot be trusted."""
    try:
        smtp = _connect(settings)
    except smtplib.SMTPResponseException as error:
        raise _refused(error, settings) from None
    except (OSError, smtplib.SMTPException) as error:
        raise _unreachable(error, settings) from None
    _take_leave(smtp)
    smtp.close()


def _connect(settings: EmailSettings) -> smtplib.SMTP:
    """A connection, encrypted and logged in as the settings say."""
    context = None
    if settings.tls != "none":
        try:
            context = ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)
        except OSError as error:
            raise ActionError(
                f"I cannot read the certificate file {settings.ca_file} of the email settings: {error.strerror}.",
                f"读不了邮件设置中的证书文件 {settings.ca_file}。",
            ) from None
    host, port, timeout = settings.host, settings.tcp_port, settings.timeout
    smtp: smtplib.SMTP
    if settings.tls == "tls":
        smtp = smtplib.SMTP_SSL(host, port, OWN_NAME, timeout=timeout, context=context)
    else:
        smtp = smtplib.SMTP(host, port, OWN_NAME, timeout=timeout)
    if settings.tls == "none" and settings.password is not None:
        log.warning("the login to %s goes over the network unencrypted (tls = none)", host)
    try:
        smtp.ehlo_or_helo_if_needed()
        if settings.tls == "starttls":
            smtp.starttls(context=context)
            smtp.ehlo()
        if settings.password is not None:
            smtp.login(settings.user, settings.password.reveal())
    except BaseException:
        smtp.close()
        raise
    return smtp


def _take_leave(smtp: smtplib.SMTP) -> None:
    """Says goodbye; the message is accepted already, so whatever happens here changes nothing."""
    with contextlib.suppress(OSError, smtplib.SMTPException):
        if smtp.sock is not None:
            smtp.sock.settimeout(2.0)
        smtp.docmd("quit")


def _expect(reply: tuple[int, bytes], code: int) -> str:
    if reply[0] != code:
        raise smtplib.SMTPResponseException(*reply)
    return f"{code} {_text(reply[1])}"


def _expect_recipient(reply: tuple[int, bytes], recipient: str) -> None:
    if 500 <= reply[0] < 600:
        raise ActionError(
            f"The mail server does not accept the address {recipient}: {_text(reply[1])}. Please check the address.",
            f"邮件服务器不接受地址 {recipient}，请检查地址。",
        )
    if reply[0] not in (250, 251):
        raise smtplib.SMTPResponseException(*reply)


def _refused(error: smtplib.SMTPResponseException, settings: EmailSettings) -> ActionError:
    """The meaning of an answer that is not the one hoped for."""
    host, code = settings.host, error.smtp_code
    text = _text(error.smtp_error)
    if settings.password is not None:
        text = settings.password.hide_in(text)
    if 400 <= code < 500:
        return NotNow(
            f"The mail server cannot take emails now: {text}.",
            "邮件服务器暂时不能收信。",
        )
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return ActionError(
            f"The mail server {host} does not accept the login of {settings.user}. Check user and password in the "
            "email settings; some providers want an app password.",
            f"邮件服务器 {host} 不接受 {settings.user} 的登录，请检查邮件设置中的用户名和密码（有的邮箱需要授权码）。",
        )
    if code < 0:
        return ActionError(
            f"{host} does not answer like a mail server. Check host, port and tls in the email settings.",
            f"{host} 的回应不像邮件服务器，请检查邮件设置中的 host、port 和 tls。",
        )
    return ActionError(f"The mail server refused the email: {text}.", f"邮件服务器拒绝了这封邮件：{text}。")


def _unreachable(error: OSError | smtplib.SMTPException, settings: EmailSettings) -> ActionError:
    """The meaning of a failure without an answer, before the message was handed over."""
    host = settings.host
    if isinstance(error, ssl.SSLCertVerificationError) and error.verify_code == CERTIFICATE_NOT_YET_VALID:
        return NotNow(
            f"The certificate of the mail server {host} is not valid yet: my clock may be wrong.",
            f"邮件服务器 {host} 的证书尚未生效，可能是系统时间不对。",
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        return ActionError(
            f"The mail server {host} shows a certificate that I cannot trust ({error.verify_message}), so I sent "
            "nothing. Check host and ca_file in the email settings, and the clock.",
            f"邮件服务器 {host} 的证书不可信，没有发送。请检查邮件设置中的 host 和 ca_file，以及系统时间。",
        )
    if isinstance(error, ssl.SSLError) and not isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return ActionError(
            f"I could not agree on encryption with {host}, so I sent nothing. Check port and tls in the email "
            "settings.",
            f"和邮件服务器 {host} 无法建立加密连接，没有发送。请检查邮件设置中的 port 和 tls。",
        )
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return ActionError(
            f"The mail server {host} cannot do what the email settings ask for ({error}), so I sent nothing. "
            "Check tls and port.",
            f"邮件服务器 {host} 不支持邮件设置要求的方式，没有发送。请检查 tls 和 port。",
        )
    if isinstance(error, smtplib.SMTPException) and not isinstance(error, smtplib.SMTPServerDisconnected):
        return ActionError(  # no way of logging in that both know
            f"I cannot log in at the mail server {host}: {error}. Check the email settings.",
            f"无法登录邮件服务器 {host}，请检查邮件设置。",
        )
    log.info("no connection to %s: %s", host, error)
    return NotNow(f"I cannot reach the mail server {host} now.", f"现在连不上邮件服务器 {host}。")


def _text(reply: bytes | str) -> str:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else str(reply)
    return " ".join(text.split())[:200].rstrip(".")
