"""The action of `send_text`: from a call to a number, to a gateway, to a sentence.

Knows contacts and numbers; what carries a text stands behind `Gateway`: an HTTP gateway (`actions.messages.sms_http`),
a modem (`actions.messages.sms_modem`), ntfy or a webhook. It keeps nothing itself: a text that cannot go now is kept by
the outbox.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Protocol

import msgspec

from actions.base import Outcome, Request
from actions.errors import ActionError, Misfit, NotNow, Question
from actions.messages.delivery import AnswerLost, name_tells, unknown, waiting
from actions.messages.ntfy import Ntfy, NtfySettings, check_topic
from actions.messages.sms_http import Twilio, TwilioSettings
from actions.messages.sms_modem import Modem, ModemSettings
from actions.messages.sms_text import parts
from actions.messages.webhook import Webhook, WebhookSettings
from actions.people.contacts import Contacts
from actions.people.numbers_said import e164
from actions.questions import ask_for_missing
from actions.secret import Secret
from actions.wording import aloud, say


class TextSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How texts are sent."""

    via: Literal["twilio", "modem", "ntfy", "webhook"]  # which of the tables below is used
    max_parts: Annotated[int, msgspec.Meta(ge=1, le=30)] = 6  # messages that one text may take; each is paid for
    # With ntfy: contact to topic, for people who have its app and listen there: { "Anna Berg" = "nobody-guesses-this" }
    topics: dict[str, Secret] = {}
    twilio: TwilioSettings | None = None
    modem: ModemSettings | None = None
    ntfy: NtfySettings | None = None
    webhook: WebhookSettings | None = None

    def __post_init__(self) -> None:
        for topic in self.topics.values():
            check_topic(topic)
        if self.via != "modem" and getattr(self, self.via) is None:
            raise Misfit(f"the table text.{self.via} is missing", f"缺少 text.{self.via}")


class Gateway(Protocol):
    """What carries a text."""

    idempotent: bool  # whether the same key twice is one text
    sms: bool  # whether it goes as SMS: to a number, in parts that are paid for
    carries_pictures: bool

    def send(self, name: str, number: str, text: str, picture: Path | None, key: str) -> str:
        """Sends it and returns what was answered, for the history. `number` in E.164, empty where it is not SMS.

        Raises `NotNow` when it was surely not sent and may be later, `ActionError` when it will not be, `AnswerLost`
        when nobody can know.
        """


@dataclass(frozen=True)
class Receiver:
    """Who a text goes to; of a number that nobody has in the contacts `name` is the number as it is said."""

    name: str
    number: str  # E.164; may be empty where it does not go as SMS
    name_tells: bool = True  # False: others have the name, too

    def read_back(self, lang: str) -> str:
        """With the last digits where the name means several."""
        if self.name_tells or not self.number:
            return self.name
        digits = " ".join(self.number[-LAST_DIGITS:])
        return say(lang, f"{self.name} at the number ending in {digits}", f"尾号 {digits} 的{self.name}")


LAST_DIGITS = 4


class SendText:
    """Sends a text through the gateway of the settings; without one it says what to set up."""

    name = "send_text"

    def __init__(self, settings: TextSettings | None, contacts: Contacts, region: str = "") -> None:
        """region: the country of numbers without one ("DE"); see `actions.phone.to_e164`."""
        self._settings = settings
        self._contacts = contacts
        self._region = region
        self._gateway = gateway(settings) if settings else None

    @property
    def idempotent(self) -> bool:
        """Whether a text that was cut short may be sent again by itself."""
        return self._gateway is not None and self._gateway.idempotent

    def read_back(self, request: Request) -> str:
        way = self._way()
        receiver = self._receiver(request, way)
        self._measure(request, way)
        who, message = receiver.read_back(request.lang), aloud(request.call.args["message"], request.lang)
        without = request.image is not None and not way.carries_pictures
        if request.lang == "zh":
            photo = "照片发不了，只发文字，" if without else "附上照片，" if request.image else ""
            return f"给{who}发短信，{photo}内容是：{message}。要发吗？"
        if without:
            return f"I cannot send the photo along. Shall I text {who} without it: {message}?"
        return f"Shall I text {who}{' with the photo' if request.image else ''}: {message}?"

    def perform(self, request: Request) -> Outcome:
        way = self._way()
        receiver = self._receiver(request, way)
        self._measure(request, way)
        picture = request.image if way.carries_pictures else None
        text, who = request.call.args["message"].strip(), receiver.name
        detail = f"to {receiver.name} {receiver.number}, {'with photo' if picture else 'no photo'}"
        what = f"the text to {who}", f"给{who}的短信"
        try:
            answer = way.send(receiver.name, receiver.number, text, picture, request.key)
        except NotNow as error:
            raise waiting(error, *what) from error
        except AnswerLost:
            return unknown(request.lang, *what, detail)
        if picture:
            en, zh = f"I sent the text to {who}, with the photo.", f"短信和照片已发给{who}。"
        elif request.image:
            en, zh = f"I sent the text to {who}, without the photo.", f"短信已发给{who}，没有附照片。"
        else:
            en, zh = f"I sent the text to {who}.", f"短信已发给{who}。"
        return Outcome("done", say(request.lang, en, zh), f"{detail}: {answer}")

    def _way(self) -> Gateway:
        if self._gateway is None:
            raise ActionError(
                "I cannot send texts yet. Add the text section to my settings file.",
                "我还不能发短信，请在设置文件里填写 text 部分。",
            )
        return self._gateway

    def _receiver(self, request: Request, way: Gateway) -> Receiver:
        """Who is meant. Raises `Question` when that, or what to write, is not clear."""
        ask_for_missing(request)
        contact = self._contacts.find(request.call.args["recipient"], request.heard)
        if not way.sms:
            return Receiver(contact.name, e164(contact.phone, self._region), name_tells(self._contacts, contact))
        if not contact.phone:
            raise Question(
                f"I have no phone number for {contact.name}. Which number should I use?",
                f"通讯录里没有{contact.name}的电话，发到哪个号码？",
                about="recipient",
            )
        number = e164(contact.phone, self._region)
        if not number or costs_extra(number):
            why_en, why_zh = ("is charged extra", "是收费号码") if number else ("is not complete", "不完整")
            raise Question(
                f"The number of {contact.name} {why_en}. Which number should I use, with the country code?",
                f"{contact.name}的号码{why_zh}，发到哪个号码？请带国家区号。",
                about="recipient",
            )
        return Receiver(contact.name, number, name_tells(self._contacts, contact))

    def _measure(self, request: Request, way: Gateway) -> None:
        """Raises `ActionError` when a text takes more messages than the owner wants to pay for."""
        most = self._settings.max_parts if self._settings else 1
        count = parts(request.call.args["message"].strip())
        if way.sms and count > most:
            raise ActionError(
                f"That text would take {count} messages; more than {most} I don't send. Please make it shorter.",
                f"这条短信要拆成 {count} 条，超过了 {most} 条的上限，请说短一点。",
            )


class NtfyGateway:
    """Texts as push messages, each contact with a topic."""

    idempotent = True
    carries_pictures = True
    sms = False

    def __init__(self, settings: NtfySettings, topics: Mapping[str, Secret]) -> None:
        self._shared = settings.topic
        self._topics = topics
        self._ntfy = Ntfy(settings)

    def send(self, name: str, number: str, text: str, picture: Path | None, key: str) -> str:
        topic = self._topics.get(name) or self._shared
        if topic is None:
            raise ActionError(
                f"{name} has no topic with ntfy. Add one to text.topics in my settings.",
                f"{name} 还没有 ntfy 的 topic，请在设置 text.topics 里添加。",
            )
        title = "" if name in self._topics else name  # on a shared topic: whom it is for
        return f"ntfy {self._ntfy.publish(topic, title, text, picture=picture, key=key)}"


class WebhookGateway:
    """Texts as JSON to an address of the owner's."""

    carries_pictures = True
    sms = False

    def __init__(self, settings: WebhookSettings) -> None:
        self.idempotent = settings.idempotent
        self._webhook = Webhook(settings)

    def send(self, name: str, number: str, text: str, picture: Path | None, key: str) -> str:
        fields: Mapping[str, str] = {"name": name, "number": number, "message": text, "key": key}
        return f"webhook {self._webhook.call(fields, picture, key)}"


def costs_extra(number: str) -> bool:
    """Whether a number in E.164 is charged at a premium rate."""
    import phonenumbers  # late: its tables take a tenth of a second

    return phonenumbers.number_type(phonenumbers.parse(number)) == phonenumbers.PhoneNumberType.PREMIUM_RATE


def gateway(settings: TextSettings) -> Gateway:
    """What the settings choose."""
    if settings.via == "twilio" and settings.twilio:
        return Twilio(settings.twilio)
    if settings.via == "ntfy" and settings.ntfy:
        return NtfyGateway(settings.ntfy, settings.topics)
    if settings.via == "webhook" and settings.webhook:
        return WebhookGateway(settings.webhook)
    return Modem(settings.modem or ModemSettings())
