"""The action of `send_email`: from a call to a message, to the mail server, to a sentence.

Knows contacts, the photo and SMTP; knows neither the microphone nor the model, and keeps nothing itself: an email that
cannot go now is kept by the outbox under the same key, which is also its Message-ID.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime, make_msgid
from functools import partial

from actions.base import Outcome, Request
from actions.contacts import Contacts
from actions.errors import ActionError, NotNow, Question
from actions.mail_text import address_said, is_address, subject_from
from actions.photo import jpeg_to_send
from actions.questions import ask_for_missing
from actions.smtp import AnswerLost, EmailSettings, deliver
from actions.wording import aloud, one_line, say

POLICY = SMTP.clone(cte_type="7bit")  # base64 or quoted-printable: every server carries it unchanged


@dataclass(frozen=True)
class Receiver:
    """Who an email goes to; `name` is empty when only an address was said."""

    name: str
    address: str

    @property
    def spoken(self) -> str:
        return self.name or self.address


class SendEmail:
    """Sends an email from the account of the settings; without an account it says what to set up."""

    name = "send_email"

    def __init__(self, settings: EmailSettings | None, contacts: Contacts) -> None:
        self._settings = settings
        self._contacts = contacts

    def read_back(self, request: Request) -> str:
        self._account()
        receiver = self._receiver(request)
        subject, body = (aloud(request.call.args[name], request.lang) for name in ("subject", "body"))
        if request.lang == "zh":
            about = f"主题是{subject}，" if subject else ""
            photo = "并附上照片，" if request.image else ""
            return f"给{receiver.spoken}发邮件，{about}{photo}内容是：{body}。要发吗？"
        about = f" about {subject}" if subject else ""
        photo = " with the photo" if request.image else ""
        return f"Shall I email {receiver.spoken}{about}{photo}: {body}?"

    def perform(self, request: Request) -> Outcome:
        settings, receiver = self._account(), self._receiver(request)
        message = compose(request, receiver, settings)
        detail = f"to {message['To']}, subject {message['Subject']!r}, {'with photo' if request.image else 'no photo'}"
        sentence = partial(say, request.lang)
        try:
            answer = deliver(settings, receiver.address, message.as_bytes())
        except NotNow as error:
            raise NotNow(
                f"{error.en} I keep the email to {receiver.spoken} in the outbox and send it when that works again.",
                f"{error.zh}给{receiver.spoken}的邮件先放在发件箱，等能发的时候再发。",
            ) from error
        except AnswerLost:
            unsure = sentence(
                f"The connection broke at the very end, so I don't know whether the email to {receiver.spoken} went "
                "out. I won't send it again by myself.",
                f"最后一刻连接断了，不确定给{receiver.spoken}的邮件是否发出。我不会自动重发。",
            )
            return Outcome("unknown", unsure, f"{detail}, {message['Message-ID']}: no answer after the last byte")
        if request.image:
            done = sentence(
                f"I sent the email to {receiver.spoken}, with the photo.", f"带照片的邮件已发给{receiver.spoken}。"
            )
        else:
            done = sentence(f"I sent the email to {receiver.spoken}.", f"邮件已发给{receiver.spoken}。")
        return Outcome("done", done, f"{detail}, {message['Message-ID']}: {answer}")

    def _account(self) -> EmailSettings:
        if self._settings is None:
            raise ActionError(
                "I have no mail account yet. Add the email section to my settings file.",
                "我还没有邮箱账号，请在设置文件里填写 email 部分。",
            )
        return self._settings

    def _receiver(self, request: Request) -> Receiver:
        """Who is meant. Raises `Question` when that, or what to write, is not clear."""
        ask_for_missing(request)
        said = request.call.args["recipient"]
        address = address_said(said)
        if address:
            return Receiver("", address)
        contact = self._contacts.find(said)
        if not is_address(contact.email):
            raise Question(
                f"I have no email address for {contact.name}. Which address should I use?",
                f"通讯录里没有{contact.name}的邮箱，发到哪个地址？",
            )
        return Receiver(contact.name, contact.email)


def compose(request: Request, receiver: Receiver, settings: EmailSettings) -> EmailMessage:
    """The message. No word of the request can become a header or a second receiver.

    Raises `InputError` when the picture cannot be read.
    """
    body = request.call.args["body"].strip()
    message = EmailMessage(policy=POLICY)
    message["From"] = Address(_header(settings.sender_name), addr_spec=settings.address)
    message["To"] = Address(_header(receiver.name), addr_spec=receiver.address)
    message["Subject"] = _header(request.call.args["subject"]) or subject_from(body)
    message["Date"] = format_datetime(localtime())
    message["Message-ID"] = message_id(request.key, settings.address)
    message.set_content(body + "\n")
    if request.image:
        message.add_attachment(jpeg_to_send(request.image), maintype="image", subtype="jpeg", filename="photo.jpg")
    return message


def message_id(key: str, sender: str) -> str:
    """The Message-ID of a key: the same each time, so that mail systems recognise an email sent twice."""
    domain = sender.rpartition("@")[2]
    return f"<{key}@{domain}>" if re.fullmatch(r"[A-Za-z0-9_-]{8,64}", key) else make_msgid(domain=domain)


def _header(text: str) -> str:
    """A text fit for a header: one line, at most 200 characters (a mail server may refuse longer ones)."""
    return one_line(text)[:200]
