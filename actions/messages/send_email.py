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
from pathlib import Path

from actions.base import Outcome, Request
from actions.errors import ActionError, NotNow, Question
from actions.messages.delivery import AnswerLost, name_tells, unknown, waiting
from actions.messages.mail_text import address_said, is_address, subject_from
from actions.messages.smtp import EmailSettings, deliver
from actions.people.contacts import Contacts
from actions.photo import jpeg_to_send
from actions.questions import ask_for_missing
from actions.wording import aloud, one_line, say

POLICY = SMTP.clone(cte_type="7bit")  # base64 or quoted-printable: every server carries it unchanged


@dataclass(frozen=True)
class Receiver:
    """Who an email goes to; `name` is empty when only an address was said."""

    name: str
    address: str
    name_tells: bool = True  # False: others have the name, too

    @property
    def spoken(self) -> str:
        return self.name or self.address

    def read_back(self, lang: str) -> str:
        if not self.name or self.name_tells:
            return self.spoken
        return say(lang, f"{self.name} at {self.address}", f"{self.name}（{self.address}）")


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
            return f"给{receiver.read_back('zh')}发邮件，{about}{photo}内容是：{body}。要发吗？"
        about = f" about {subject}" if subject else ""
        photo = " with the photo" if request.image else ""
        return f"Shall I email {receiver.read_back('en')}{about}{photo}: {body}?"

    def perform(self, request: Request) -> Outcome:
        settings, receiver = self._account(), self._receiver(request)
        args = request.call.args
        message = compose(settings, receiver, args["subject"], args["body"], request.image, request.key)
        detail = f"to {message['To']}, subject {message['Subject']!r}, {'with photo' if request.image else 'no photo'}"
        what = f"the email to {receiver.spoken}", f"给{receiver.spoken}的邮件"
        try:
            answer = deliver(settings, receiver.address, message.as_bytes())
        except NotNow as error:
            raise waiting(error, *what) from error
        except AnswerLost:
            return unknown(request.lang, *what, f"{detail}, {message['Message-ID']}")
        if request.image:
            en, zh = f"I sent the email to {receiver.spoken}, with the photo.", f"带照片的邮件已发给{receiver.spoken}。"
        else:
            en, zh = f"I sent the email to {receiver.spoken}.", f"邮件已发给{receiver.spoken}。"
        return Outcome("done", say(request.lang, en, zh), f"{detail}, {message['Message-ID']}: {answer}")

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
        contact = self._contacts.find(said, request.heard)
        if not is_address(contact.email):
            raise Question(
                f"I have no email address for {contact.name}. Which address should I use?",
                f"通讯录里没有{contact.name}的邮箱，发到哪个地址？",
                about="recipient",
            )
        return Receiver(contact.name, contact.email, name_tells(self._contacts, contact))


def compose(
    settings: EmailSettings, receiver: Receiver, subject: str, body: str, image: Path | None = None, key: str = ""
) -> EmailMessage:
    """The message; its subject is made from the body when there is none. No word of it can become a header or a
    second receiver.

    Raises `InputError` when the picture cannot be read.
    """
    body = body.strip()
    message = EmailMessage(policy=POLICY)
    message["From"] = Address(_header(settings.sender_name), addr_spec=settings.address)
    message["To"] = Address(_header(receiver.name), addr_spec=receiver.address)
    message["Subject"] = _header(subject) or subject_from(body)
    message["Date"] = format_datetime(localtime())
    message["Message-ID"] = message_id(key, settings.address)
    message.set_content(body + "\n")
    if image:
        message.add_attachment(jpeg_to_send(image), maintype="image", subtype="jpeg", filename="photo.jpg")
    return message


def message_id(key: str, sender: str) -> str:
    """The Message-ID of a key: the same each time, so that mail systems recognise an email sent twice."""
    domain = sender.rpartition("@")[2]
    return f"<{key}@{domain}>" if re.fullmatch(r"[A-Za-z0-9_-]{8,64}", key) else make_msgid(domain=domain)


def _header(text: str) -> str:
    """A text fit for a header: one line, at most 200 characters (a mail server may refuse longer ones)."""
    return one_line(text)[:200]
