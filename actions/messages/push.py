"""To the owner: a link, a list or a picture to their own phone or mailbox. It is the `Push` of `actions.base`."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from actions.errors import ActionError, Misfit
from actions.messages.delivery import AnswerLost
from actions.messages.mail_text import is_address
from actions.messages.ntfy import Ntfy, NtfySettings
from actions.messages.send_email import Receiver, compose
from actions.messages.smtp import EmailSettings, deliver
from actions.messages.webhook import Webhook, WebhookSettings
from actions.wording import one_line

PHONE, MAILBOX, HOOK = "your phone", "your mailbox", "you"
_CHINESE = {PHONE: "你的手机", MAILBOX: "你的邮箱", HOOK: "你那里"}


class OwnerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where tako sends what is for yourself: links, lists, pictures. The first that is set is taken."""

    ntfy: NtfySettings | None = None  # push messages to your phone through ntfy
    webhook: WebhookSettings | None = None  # or to an address of yours
    email: str = ""  # or to this mailbox, from the mail account

    def __post_init__(self) -> None:
        if self.email and not is_address(self.email):
            raise Misfit("email must be an email address", "email 必须是邮箱地址")
        if self.ntfy and self.ntfy.topic is None:
            raise Misfit("ntfy.topic is missing", "缺少 ntfy.topic")


def owner_push(owner: OwnerSettings | None, email: EmailSettings | None) -> OwnerPush | None:
    """The way to the owner that the settings give, None when they give none."""
    if owner is None or not (owner.ntfy or owner.webhook or (owner.email and email)):
        return None
    return OwnerPush(owner, email)


def place(where: str, lang: str) -> str:
    """What `Push.push` returned, in the language of the request."""
    return _CHINESE.get(where, where) if lang == "zh" else where


class OwnerPush:
    """Sends to the owner by the first way that is set up."""

    def __init__(self, owner: OwnerSettings, email: EmailSettings | None) -> None:
        self._owner = owner
        self._email = email

    def push(self, title: str, text: str, link: str = "", picture: Path | None = None, key: str = "") -> str:
        """See `Push.push`. A link that is no web address is refused with an `ActionError`."""
        if link and not _is_web_address(link):
            raise ActionError("That is no web address, so I did not send it.", "那不是网址，没有发送。")
        try:
            return self._send(one_line(title), text, link, picture, key)
        except AnswerLost:
            raise ActionError(
                "The connection broke at the very end. Please look whether it reached you before you ask again.",
                "最后一刻连接断了，请先看看是否收到，再决定要不要重发。",
            ) from None

    def _send(self, title: str, text: str, link: str, picture: Path | None, key: str) -> str:
        owner = self._owner
        if owner.ntfy and owner.ntfy.topic:
            Ntfy(owner.ntfy).publish(owner.ntfy.topic, title, text or link or title, link, picture, key)
            return PHONE
        if owner.webhook:
            Webhook(owner.webhook).call({"title": title, "text": text, "link": link, "key": key}, picture, key)
            return HOOK
        if owner.email and self._email:
            body = "\n\n".join(filter(None, (text.strip(), link)))
            message = compose(self._email, Receiver("", owner.email), title, body or title, picture, key)
            deliver(self._email, owner.email, message.as_bytes())
            return MAILBOX
        raise ActionError(
            "I don't know where to send it to you. Fill in the owner section of my settings file.",
            "我不知道该发到哪里给你，请填写设置文件的 owner 部分。",
        )


def _is_web_address(link: str) -> bool:
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and one_line(link) == link and " " not in link
