"""Texts through an HTTP gateway with Twilio's interface (Messages.json of its API of 2010-04-01).

Twilio knows no idempotency key for messages: when its answer is lost nobody can know, and nothing is repeated.
https://www.twilio.com/docs/messaging/api/message-resource
"""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import Annotated

import msgspec

from actions.errors import ActionError, Misfit, NotNow
from actions.photo import jpeg_to_send
from actions.secret import Secret
from actions.web import Refused, Reply, Web
from actions.wording import cut, one_line

LONGEST = 1600  # characters that Twilio takes (its errors 21617 and 21658)
_DEAD = {"failed", "undelivered", "canceled"}  # statuses of a message that will not arrive
_URL = re.compile(r"https?://\S+")


class TwilioSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An account with Twilio, or with a gateway that speaks its language."""

    account_sid: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{2,64}$")]  # "AC..." from Twilio's console
    auth_token: Secret  # from there too; or the secret of an API key
    key_sid: str = ""  # "SK...": of the API key whose secret `auth_token` is; empty: the account's own token
    # what texts come from: a number of yours ("+15551234567"), a messaging service ("MG...") or a sender's name
    sender: Annotated[str, msgspec.Meta(pattern=r"^(\+[1-9][0-9]{4,14}|MG[0-9a-f]{32}|[A-Za-z0-9 ]{1,11})$")]
    url: Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s?#]+$")] = "https://api.twilio.com"  # of the interface
    pictures: Annotated[str, msgspec.Meta(pattern=r"^(https://[^\s?#]+/)?$")] = (
        ""  # folder on a web server of yours that takes a picture by PUT and gives it to Twilio; empty: no pictures
    )
    pictures_user: str = ""  # login name for that PUT; empty: no login
    pictures_password: Secret | None = None  # and its password
    timeout: Annotated[float, msgspec.Meta(ge=1, le=600)] = 20.0  # seconds for one text
    ca_file: Path | None = None  # certificate of a private authority to trust (PEM)

    def __post_init__(self) -> None:
        if bool(self.pictures_user) != bool(self.pictures_password):
            raise Misfit(
                "a login needs both pictures_user and pictures_password",
                "登录需要同时填写 pictures_user 和 pictures_password",
            )


class Twilio:
    """Sends a text with one POST; see `actions.messages.send_text.Gateway`."""

    idempotent = False
    sms = True

    def __init__(self, settings: TwilioSettings) -> None:
        self._settings = settings
        self._web = Web(service="Twilio", section="text.twilio", timeout=settings.timeout, ca_file=settings.ca_file)
        self.carries_pictures = bool(settings.pictures)

    def send(self, name: str, number: str, text: str, picture: Path | None, key: str) -> str:
        """Returns Twilio's id and status of the message. Raises as `Gateway.send` does."""
        settings = self._settings
        if len(text) > LONGEST:
            raise ActionError(
                f"That is too long for one text: Twilio takes {LONGEST} characters.",
                f"内容太长，Twilio 最多发 {LONGEST} 个字。",
            )
        sender = "MessagingServiceSid" if re.fullmatch(r"MG[0-9a-f]{32}", settings.sender) else "From"
        fields = [("To", number), (sender, settings.sender), ("Body", text)]
        if picture is not None and settings.pictures:
            fields.append(("MediaUrl", self._upload(picture, key)))
        try:
            reply = self._web.post(
                f"{settings.url.rstrip('/')}/2010-04-01/Accounts/{settings.account_sid}/Messages.json",
                data=fields,
                auth=(settings.key_sid or settings.account_sid, settings.auth_token),
                once=True,
            )
        except Refused as error:
            if error.reply.status in (401, 403):
                raise
            raise self._refusal(error.reply) from None
        return self._taken(reply)

    def _upload(self, picture: Path, key: str) -> str:
        """Puts the picture on the web server, under a name that nobody can guess, and returns its address."""
        settings = self._settings
        login = (settings.pictures_user, settings.pictures_password) if settings.pictures_password else None
        web = Web(section="text.twilio", timeout=settings.timeout, ca_file=settings.ca_file)
        name = key if re.fullmatch(r"[A-Za-z0-9_-]{16,64}", key) else uuid.uuid4().hex
        address = f"{settings.pictures}{name}.jpg"
        web.post(address, data=jpeg_to_send(picture), headers={"Content-Type": "image/jpeg"}, auth=login, method="PUT")
        return address

    def _refusal(self, reply: Reply) -> ActionError:
        """What Twilio says is wrong, as far as a person can use it."""
        code, message = "", ""
        try:
            error = reply.json()
            code, message = str(error["code"]), self._clean(str(error["message"]))
        except (NotNow, KeyError, TypeError):
            code = str(reply.status)
        return ActionError(
            f"Twilio refused the text: {message or f'error {code}'}.", f"Twilio 拒绝了这条短信（错误 {code[:8]}）。"
        )

    def _taken(self, reply: Reply) -> str:
        """What a success says. One that cannot be read is a success all the same: the message was made."""
        try:
            message = reply.json()
            status = str(message.get("status", ""))
            told = f"{message.get('sid', '')} {status}, {message.get('num_segments', '?')} parts"
        except (NotNow, AttributeError):
            return f"{reply.status}, unreadable"
        if status in _DEAD:
            code = self._clean(str(message.get("error_message") or message.get("error_code") or status))
            raise ActionError(f"Twilio could not send the text: {code}.", f"Twilio 没能发出这条短信（{status}）。")
        return self._clean(told)

    def _clean(self, text: str) -> str:
        """Words of the gateway, fit to be said: short, one line, no addresses, no secret."""
        return cut(self._settings.auth_token.hide_in(one_line(_URL.sub("", text))), 160).strip(" .")
