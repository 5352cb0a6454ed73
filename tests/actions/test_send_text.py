"""Texts: what the gateway is asked, what arrives at the modem, and what is said about it."""

from __future__ import annotations

import base64
import io
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from at_modem import AtModem, submitted
from PIL import Image
from web_server import Answer, Seen, WebServer, free_port

from actions.base import Request
from actions.catalogue import make_call
from actions.errors import ActionError, Misfit, NotNow, Question
from actions.messages.delivery import AnswerLost
from actions.messages.ntfy import NtfySettings
from actions.messages.send_text import SendText, TextSettings
from actions.messages.sms_http import TwilioSettings
from actions.messages.sms_modem import Modem, ModemSettings
from actions.messages.sms_text import alphabet, parts
from actions.messages.webhook import WebhookSettings
from actions.people.contacts import Contact, ContactBook
from actions.secret import Secret

PHOTO = Path(__file__).parent.parent / "data" / "photo.jpg"
SID, TOKEN, KEY = "AC" + "0" * 32, "t0ken-of-twilio", "0123456789abcdef0123456789abcdef"
BOOK = ContactBook(
    [
        Contact("Anna Berg", "anna@example.com", "+49 1512 3456789"),
        Contact("李经理", phone="+86 131 2345 6789"),
        Contact("Ben Local", phone="0151 23456780"),
        Contact("Chris Short", phone="12345"),
        Contact("Dora Mail", "dora@example.com"),
        Contact("Hotline", phone="+49 900 1234567"),
        Contact("Tom Ash", "one@example.com", "+44 7400 123456"),
        Contact("Tom Ash", "two@example.com", "+44 7400 654321"),
    ],
    "DE",
)


def request(recipient: str, message: str, lang: str = "en", image: Path | None = None) -> Request:
    return Request(make_call("send_text", recipient, message), lang, image=image, key=KEY)


@pytest.fixture
def server() -> Iterator[WebServer]:
    running = WebServer()
    yield running
    running.close()


class TwilioLike:
    """Checks a request as Twilio's documentation demands it, and answers as it does."""

    def __init__(self) -> None:
        self.messages: list[dict[str, list[str]]] = []

    def __call__(self, seen: Seen) -> Answer:
        login = base64.b64decode(seen.headers["Authorization"].removeprefix("Basic ")).decode()
        if login not in (f"{SID}:{TOKEN}", f"SK1:{TOKEN}"):
            return self.error(401, 20003, "Authenticate")
        if (seen.method, seen.path) != ("POST", f"/2010-04-01/Accounts/{SID}/Messages.json"):
            return self.error(404, 20404, f"The requested resource {seen.path} was not found")
        fields: dict[str, list[str]] = {}
        for name, value in seen.form:
            fields.setdefault(name, []).append(value)
        if not fields.keys() <= {"To", "From", "MessagingServiceSid", "Body", "MediaUrl"}:
            return self.error(400, 20001, "Unknown parameters")
        if ("From" in fields) == ("MessagingServiceSid" in fields):
            return self.error(400, 21603, "A 'From' phone number is required")
        if fields["To"] == ["+447400123456"]:
            return self.error(400, 21610, f"Attempt to send to unsubscribed recipient https://x.example/?{TOKEN}")
        if not fields["To"][0].startswith("+") or not fields["To"][0][1:].isdigit():
            return self.error(400, 21211, f"Invalid 'To' Phone Number: {fields['To'][0]}")
        if len(fields["Body"][0]) > 1600:
            return self.error(400, 21617, "The concatenated message body exceeds the 1600 character limit")
        self.messages.append(fields)
        return Answer(201, b'{"sid": "SM1", "status": "queued", "num_segments": "1", "error_code": null}')

    @staticmethod
    def error(status: int, code: int, message: str) -> Answer:
        more = f"https://www.twilio.com/docs/errors/{code}"
        return Answer(status, msgspec.json.encode({"code": code, "message": message, "more_info": more}))


def twilio(server: WebServer, **more: Any) -> TextSettings:
    fields = {"account_sid": SID, "auth_token": Secret(TOKEN), "sender": "+15005550006", "url": server.url, **more}
    return TextSettings(via="twilio", twilio=TwilioSettings(**{"timeout": 2.0, **fields}))


@pytest.mark.parametrize(
    ("recipient", "message", "lang", "to", "spoken"),
    [
        ("anna", "i'll be late & sorry + 5€", "en", "+4915123456789", "I sent the text to Anna Berg."),
        ("李经理", "我晚点到\n谢谢", "zh", "+8613123456789", "短信已发给李经理。"),
        ("ben", "hello", "en", "+4915123456780", "I sent the text to Ben Local."),
        ("+44 7400 111222", "hello", "en", "+447400111222", "I sent the text to +44 7400 111222."),
        ("0151 99999999", "你好", "zh", "+4915199999999", "短信已发给+49 1519 9999999。"),
    ],
)
def test_twilio_gets_what_it_demands(
    server: WebServer, recipient: str, message: str, lang: str, to: str, spoken: str
) -> None:
    server.answer = gateway = TwilioLike()
    outcome = SendText(twilio(server), BOOK, "DE").perform(request(recipient, message, lang))
    assert gateway.messages == [{"To": [to], "From": ["+15005550006"], "Body": [message]}]
    assert (outcome.status, outcome.spoken) == ("done", spoken)
    assert to in outcome.detail
    assert "SM1" in outcome.detail


def test_twilio_with_an_api_key_and_a_messaging_service(server: WebServer) -> None:
    server.answer = gateway = TwilioLike()
    settings = twilio(server, key_sid="SK1", sender="MG" + "a" * 32)
    assert SendText(settings, BOOK).perform(request("anna", "hi")).status == "done"
    assert gateway.messages == [{"To": ["+4915123456789"], "MessagingServiceSid": ["MG" + "a" * 32], "Body": ["hi"]}]


def test_a_picture_goes_by_way_of_a_web_server(server: WebServer) -> None:
    files = WebServer()
    server.answer = gateway = TwilioLike()
    settings = twilio(server, pictures_user="me", pictures_password=Secret("pw"))
    assert settings.twilio is not None
    folder = msgspec.structs.replace(settings.twilio, pictures=f"{files.url}/tako/")
    action = SendText(msgspec.structs.replace(settings, twilio=folder), BOOK)
    assert action.read_back(request("anna", "look", image=PHOTO)) == "Shall I text Anna Berg with the photo: look?"
    assert action.read_back(request("anna", "看", "zh", PHOTO)) == "给Anna Berg发短信，附上照片，内容是：看。要发吗？"
    outcome = action.perform(request("anna", "look", image=PHOTO))
    assert outcome.spoken == "I sent the text to Anna Berg, with the photo."
    (put,) = files.seen
    assert (put.method, put.path) == ("PUT", f"/tako/{KEY}.jpg")
    assert put.headers["Authorization"] == "Basic bWU6cHc="
    with Image.open(io.BytesIO(put.body)) as picture:
        assert picture.format == "JPEG"
    assert gateway.messages[0]["MediaUrl"] == [f"{files.url}/tako/{KEY}.jpg"]
    files.answer = Answer(507)
    with pytest.raises(NotNow):
        action.perform(request("anna", "look", image=PHOTO))
    assert len(gateway.messages) == 1
    files.close()


def test_where_no_picture_can_go_it_is_said_before_and_after(server: WebServer) -> None:
    server.answer = gateway = TwilioLike()
    action = SendText(twilio(server), BOOK)
    english, chinese = request("anna", "look at this", image=PHOTO), request("anna", "看这个", "zh", PHOTO)
    assert action.read_back(english) == (
        "I cannot send the photo along. Shall I text Anna Berg without it: look at this?"
    )
    assert action.read_back(chinese) == "给Anna Berg发短信，照片发不了，只发文字，内容是：看这个。要发吗？"
    assert action.perform(english).spoken == "I sent the text to Anna Berg, without the photo."
    assert action.perform(chinese).spoken == "短信已发给Anna Berg，没有附照片。"
    assert all("MediaUrl" not in message for message in gateway.messages)


@pytest.mark.parametrize("how", ["drop", "hang", "cut"])
def test_a_lost_answer_is_unknown_and_nothing_goes_twice(server: WebServer, how: str) -> None:
    server.answer = Answer(201, b'{"sid": "SM1"}', how=how)
    action = SendText(twilio(server, timeout=1.0), BOOK)
    english = action.perform(request("anna", "hi"))
    assert english.status == "unknown"
    assert "I don't know whether the text to Anna Berg went out" in english.spoken
    assert len(server.seen) == 1
    assert not action.idempotent
    server.answer = Answer(500)
    assert "不确定给Anna Berg的短信是否发出" in action.perform(request("anna", "hi", "zh")).spoken


def test_what_never_left_waits(server: WebServer) -> None:
    for settings in (twilio(server, url=f"http://127.0.0.1:{free_port()}"), twilio(server, url="http://tako.invalid")):
        with pytest.raises(NotNow) as caught:
            SendText(settings, BOOK).perform(request("anna", "hi"))
        assert caught.value.en.startswith("I cannot reach Twilio now. I keep the text to Anna Berg in the outbox")
        assert "给Anna Berg的短信先放在发件箱" in caught.value.zh
    for status in (429, 503):
        server.answer = Answer(status)
        with pytest.raises(NotNow):
            SendText(twilio(server), BOOK).perform(request("anna", "hi"))


def test_refusals_say_what_to_do_and_no_secret(server: WebServer) -> None:
    server.answer = gateway = TwilioLike()
    stopped = ContactBook([Contact("Tom", phone="+44 7400 123456")])
    cases = [
        (SendText(twilio(server, auth_token=Secret("wr0ng-token")), BOOK), "anna", "Check the key in the text.twilio"),
        (
            SendText(twilio(server), stopped),
            "tom",
            "Twilio refused the text: Attempt to send to unsubscribed recipient",
        ),
    ]
    for action, who, words in cases:
        with pytest.raises(ActionError, match=words) as caught:
            action.perform(request(who, "hi"))
        assert not isinstance(caught.value, NotNow)
        for secret in (TOKEN, "wr0ng-token", "https://"):
            assert secret not in caught.value.en + caught.value.zh
    server.answer = Answer(400, b"<html>no</html>")
    with pytest.raises(ActionError, match="Twilio refused the text: error 400"):
        SendText(twilio(server), BOOK).perform(request("anna", "hi"))
    server.answer = Answer(201, b'{"sid": "SM1", "status": "failed", "error_code": 30003}')
    with pytest.raises(ActionError, match="could not send the text: 30003"):
        SendText(twilio(server), BOOK).perform(request("anna", "hi"))
    server.answer = Answer(201, b"not json")
    assert SendText(twilio(server), BOOK).perform(request("anna", "hi")).status == "done"
    assert not gateway.messages


def test_who_and_what_is_asked(server: WebServer) -> None:
    action = SendText(twilio(server), BOOK, "DE")
    assert action.read_back(request("anna", "i'll be late.")) == "Shall I text Anna Berg: i'll be late?"
    assert action.read_back(request("李经理", "我晚点到。", "zh")) == "给李经理发短信，内容是：我晚点到。要发吗？"
    assert action.read_back(request("+447400111222", "hi")) == "Shall I text +44 7400 111222: hi?"
    questions = [
        ("", "hi", "Who should I text?", "短信发给谁？"),
        ("anna", "", "What should I text anna?", "给anna发什么？"),
        ("dora", "hi", "I have no phone number for Dora Mail.", "通讯录里没有Dora Mail的电话"),
        ("chris", "hi", "The number of Chris Short is not complete.", "Chris Short的号码不完整"),
        ("hotline", "hi", "The number of Hotline is charged extra.", "Hotline的号码是收费号码"),
    ]
    for who, what, en, zh in questions:
        for step in (action.read_back, action.perform):
            with pytest.raises(Question) as caught:
                step(request(who, what))
            assert caught.value.en.startswith(en)
            assert caught.value.zh.startswith(zh)
    with pytest.raises(Question):
        SendText(twilio(server), BOOK).perform(request("ben", "hi"))  # no country is set: whose number is it?
    assert not server.seen


def test_two_of_one_name_are_told_apart_by_the_last_digits(server: WebServer) -> None:
    action = SendText(twilio(server), BOOK)
    with pytest.raises(Question) as caught:
        action.read_back(request("tom ash", "hi"))
    second = caught.value.choices[1]
    assert action.read_back(request(second, "hi")) == "Shall I text Tom Ash at the number ending in 4 3 2 1: hi?"
    assert action.read_back(request(second, "你好", "zh")).startswith("给尾号 4 3 2 1 的Tom Ash发短信")


@pytest.mark.parametrize(
    ("text", "kind", "count"),
    [
        ("a" * 160, "gsm", 1),
        ("a" * 161, "gsm", 2),
        ("€" * 80, "gsm", 1),
        ("€" * 81, "gsm", 2),
        ("€" * 153, "gsm", 3),  # a pair is not split: 76 in each of the 153 places
        ("a" * 306, "gsm", 2),
        ("a" * 307, "gsm", 3),
        ("很" * 70, "ucs2", 1),
        ("很" * 71, "ucs2", 2),
        ("很" * 135, "ucs2", 3),
        ("😀" * 35, "ucs2", 1),
        ("😀" * 67, "ucs2", 3),
        ("it’s late", "ucs2", 1),
        ("", "gsm", 1),
    ],
)
def test_how_many_messages_a_text_takes(text: str, kind: str, count: int) -> None:
    assert (alphabet(text), parts(text)) == (kind, count)


def test_gammu_counts_the_same() -> None:
    gammu = pytest.importorskip("gammu")
    for text in ("a" * 160, "a" * 307, "€" * 153, "很" * 71, "很" * 135):
        entry = {"ID": "ConcatenatedTextLong", "Buffer": text}
        info = {"Class": -1, "Unicode": alphabet(text) == "ucs2", "Entries": [entry]}
        assert len(gammu.EncodeSMS(info)) == parts(text)


def test_a_text_that_costs_too_much_is_not_sent(server: WebServer) -> None:
    settings = msgspec.structs.replace(twilio(server), max_parts=2)
    for step in (SendText(settings, BOOK).read_back, SendText(settings, BOOK).perform):
        with pytest.raises(ActionError, match="would take 3 messages; more than 2 I don't send") as caught:
            step(request("anna", "很" * 140))
        assert "拆成 3 条" in caught.value.zh
    long = msgspec.structs.replace(twilio(server), max_parts=30)
    with pytest.raises(ActionError, match="too long"):
        SendText(long, BOOK).perform(request("anna", "a" * 1601))
    assert not server.seen


@dataclass(frozen=True)
class Sent:
    """What came of one text through a modem."""

    modem: AtModem
    result: str | Exception


LONG = "明天下午三点在图书馆门口见，记得带上书，" * 8


@pytest.fixture(scope="module")
def sent() -> Iterator[dict[str, Sent]]:
    """One text through each kind of modem, all at a time: Gammu takes five seconds for its greetings."""
    pytest.importorskip("gammu")
    modems = {
        "short": AtModem(),
        "long": AtModem(),
        "refusing": AtModem(end="+CMS ERROR: 500"),
        "silent": AtModem(end="hang"),
        "half": AtModem(end="ERROR", end_at=2),
        "locked": AtModem(pin="SIM PIN"),
    }

    def send(name: str) -> Sent:
        modem, text = modems[name], LONG if name in ("long", "half") else "see you at 5"
        settings = ModemSettings(device=modem.device, timeout=7 if name == "silent" else 60)
        try:
            return Sent(modem, Modem(settings).send("Anna", "+4915123456789", text, None, KEY))
        except Exception as error:  # noqa: BLE001 - each test says which it should be
            return Sent(modem, error)

    with ThreadPoolExecutor(len(modems)) as pool:
        yield dict(zip(modems, pool.map(send, modems), strict=True))
    for modem in modems.values():
        modem.close()


@pytest.mark.slow
def test_the_modem_gets_number_and_text(sent: dict[str, Sent]) -> None:
    assert sent["short"].result == "1 messages, gsm"
    assert [submitted(pdu) for pdu in sent["short"].modem.taken] == [("+4915123456789", "see you at 5", 0, None)]


@pytest.mark.slow
def test_long_chinese_goes_as_joined_messages_in_ucs2(sent: dict[str, Sent]) -> None:
    assert sent["long"].result == "3 messages, ucs2"
    messages = [submitted(pdu) for pdu in sent["long"].modem.taken]
    assert {(number, coding) for number, _, coding, _ in messages} == {("+4915123456789", 8)}
    assert "".join(text for _, text, _, _ in messages) == LONG
    assert [part for *_, part in messages] == [(3, 1), (3, 2), (3, 3)]


@pytest.mark.slow
def test_modems_that_fail(sent: dict[str, Sent]) -> None:
    refusing, locked = sent["refusing"].result, sent["locked"].result
    assert isinstance(refusing, ActionError)
    assert "The modem refused the text" in refusing.en
    assert not isinstance(refusing, NotNow)
    assert isinstance(locked, ActionError)
    assert "turn the PIN off" in locked.en
    assert not sent["locked"].modem.taken
    for name in ("silent", "half"):  # sent, or a part of it: nobody can know, so nothing is repeated
        assert isinstance(sent[name].result, AnswerLost)
    assert len(sent["silent"].modem.taken) == 1
    assert len(sent["half"].modem.taken) == 2


def modem(**settings: Any) -> SendText:
    return SendText(TextSettings(via="modem", modem=ModemSettings(**settings)), BOOK)


def test_gammus_own_dummy_phone_takes_texts(tmp_path: Path) -> None:
    pytest.importorskip("gammu")
    action = modem(device=str(tmp_path), connection="none", model="dummy")
    assert action.perform(request("anna", "hello there")).detail.endswith(": 1 messages, gsm")
    outcome = action.perform(request("李经理", LONG, "zh"))
    assert (outcome.status, outcome.spoken) == ("done", "短信已发给李经理。")
    assert outcome.detail.endswith(": 3 messages, ucs2")


def test_a_modem_that_is_not_there(tmp_path: Path) -> None:
    pytest.importorskip("gammu")
    with pytest.raises(NotNow, match=r"cannot reach the modem at .*Is it plugged in\? I keep the text to Anna Berg"):
        modem(device=str(tmp_path / "ttyUSB9")).perform(request("anna", "hi"))
    with pytest.raises(ActionError, match="Check connection and model"):
        modem(device="/dev/null", connection="pigeon").perform(request("anna", "hi"))


def test_without_gammu_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gammu", None)
    with pytest.raises(ActionError, match="sudo apt install python3-gammu"):
        modem().perform(request("anna", "hi"))


def test_ntfy_takes_a_text_to_the_topic_of_a_person(server: WebServer) -> None:
    server.answer = Answer(200, b'{"id": "n1"}')
    settings = TextSettings(
        via="ntfy", topics={"Anna Berg": Secret("annas-topic")}, ntfy=NtfySettings(server=server.url, timeout=1.0)
    )
    action = SendText(settings, BOOK)
    assert action.perform(request("anna", "看这个 ☺", image=PHOTO)).spoken == (
        "I sent the text to Anna Berg, with the photo."
    )
    assert (server.seen[0].path, server.seen[0].headers["X-Sequence-ID"]) == ("/annas-topic", KEY)
    with pytest.raises(ActionError, match="Ben Local has no topic with ntfy"):
        action.perform(request("ben", "hi"))
    server.answer = Answer(how="drop")
    with pytest.raises(NotNow):  # the same sequence ID again replaces what may have arrived
        action.perform(request("anna", "hi"))
    assert action.idempotent


def test_a_webhook_gets_all_as_json_with_the_key(server: WebServer) -> None:
    hook = WebhookSettings(url=Secret(f"{server.url}/hook/s3cr3t"), token=Secret("tk"), timeout=1.0)
    action = SendText(TextSettings(via="webhook", webhook=hook), BOOK)
    assert action.perform(request("anna", "hi & bye", image=PHOTO)).status == "done"
    (seen,) = server.seen
    picture = base64.b64decode(seen.json.pop("picture"))
    assert picture.startswith(b"\xff\xd8")
    expected = {"name": "Anna Berg", "number": "+4915123456789", "message": "hi & bye", "key": KEY}
    assert {name: seen.json[name] for name in expected} == expected
    assert (seen.headers["Idempotency-Key"], seen.headers["Authorization"]) == (KEY, "Bearer tk")
    server.answer = Answer(how="drop")
    assert action.perform(request("anna", "hi")).status == "unknown"
    again = msgspec.structs.replace(hook, idempotent=True)
    with pytest.raises(NotNow):
        SendText(TextSettings(via="webhook", webhook=again), BOOK).perform(request("anna", "hi"))


def test_settings_that_do_not_fit() -> None:
    fits: list[Callable[[], object]] = [
        lambda: TextSettings(via="twilio"),
        lambda: TextSettings(via="ntfy", ntfy=NtfySettings(topic=Secret("no/slash"))),
        lambda: TwilioSettings(account_sid=SID, auth_token=Secret("t"), sender="+1500", pictures_user="me"),
    ]
    for make in fits:
        with pytest.raises(Misfit):
            make()


def test_without_settings_it_says_what_to_do() -> None:
    action = SendText(None, BOOK)
    for step in (action.read_back, action.perform):
        with pytest.raises(ActionError, match="Add the text section") as caught:
            step(request("anna", "hi"))
        assert not isinstance(caught.value, NotNow)
