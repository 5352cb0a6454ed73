"""Sending for real: what the server receives, and what is said about it."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image

from actions.base import Request
from actions.catalogue import make_call
from actions.errors import ActionError, InputError, NotNow, Question
from actions.messages.send_email import SendEmail, message_id
from actions.outbox import carry_out
from actions.people.contacts import Contact, ContactBook
from actions.secret import Secret
from device.journal import SqliteJournal

BOOK = ContactBook(
    [
        Contact("Anna Berg", "anna@example.com", aliases=("boss",)),
        Contact("李经理", "li@example.com"),
        Contact("Ben", phone="123"),
        Contact("Tom Ash", "tom.ash@example.com"),
        Contact("Tom Oak", "tom.oak@example.com"),
    ]
)
PHOTO = Path(__file__).parent.parent / "data" / "photo.jpg"


def request(recipient: str, subject: str, body: str, lang: str = "en", **more: Any) -> Request:
    return Request(make_call("send_email", recipient, subject, body), lang, **more)


def test_arrives_encrypted_and_logged_in(start_server: Callable[..., Any]) -> None:
    server = start_server()
    outcome = SendEmail(server.settings, BOOK).perform(request("anna", "", "the invoice is paid", key="a1b2c3d4e5"))
    assert outcome.status == "done"
    assert outcome.spoken == "I sent the email to Anna Berg."
    (message,) = server.mailbox.messages
    assert server.mailbox.receivers == [["anna@example.com"]]
    assert server.mailbox.encrypted == [True]
    assert message["Subject"] == "The invoice is paid"
    assert message["From"] == "Tako <tako@example.org>"
    assert message["To"] == "Anna Berg <anna@example.com>"
    assert message["Message-ID"] == "<a1b2c3d4e5@example.org>"
    assert message["Date"]
    assert message.get_content() == "the invoice is paid\r\n" or message.get_content() == "the invoice is paid\n"


@pytest.mark.parametrize(("tls", "login"), [("tls", True), ("none", False), ("starttls", False)])
def test_every_way_to_connect(start_server: Callable[..., Any], tls: str, login: bool) -> None:
    server = start_server(tls=tls, login=login)
    assert SendEmail(server.settings, BOOK).perform(request("boss", "", "hello there")).status == "done"
    assert (server.mailbox.encrypted, server.mailbox.logged_in) == ([tls != "none"], [login])


def test_chinese_subject_body_and_name(start_server: Callable[..., Any]) -> None:
    server = start_server()
    body = "报告已经完成，请查收。\n附上数据。"
    outcome = SendEmail(server.settings, BOOK).perform(request("李经理", "周报", body, "zh"))
    assert outcome.spoken == "邮件已发给李经理。"
    (message,) = server.mailbox.messages
    assert message["Subject"] == "周报"
    assert message["To"].addresses[0].display_name == "李经理"
    assert message.get_content().splitlines() == body.splitlines()
    assert message.as_bytes().isascii()


def test_dots_and_long_lines_come_through(start_server: Callable[..., Any]) -> None:
    server = start_server()
    body = ".\n..\n. dot\n" + "word " * 400 + "\n."
    SendEmail(server.settings, BOOK).perform(request("boss", "dots", body))
    assert server.mailbox.messages[0].get_content().splitlines() == body.splitlines()


def test_photo_goes_small_upright_and_without_traces(start_server: Callable[..., Any], tmp_path: Path) -> None:
    big = tmp_path / "big.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    exif[0x010F] = "CameraMaker"
    exif.get_ifd(0x8825)[1] = "N"  # a place
    Image.new("RGB", (4000, 2000), "red").save(big, exif=exif, comment=b"secret place")
    server = start_server()
    outcome = SendEmail(server.settings, BOOK).perform(request("anna", "", "i found this", image=big))
    assert outcome.spoken == "I sent the email to Anna Berg, with the photo."
    (part,) = server.mailbox.messages[0].iter_attachments()
    assert (part.get_content_type(), part.get_filename()) == ("image/jpeg", "photo.jpg")
    content = part.get_content()
    with Image.open(io.BytesIO(content)) as photo:
        assert photo.size == (800, 1600)
        assert not photo.getexif()
        assert "comment" not in photo.info
    assert b"CameraMaker" not in content
    assert b"secret place" not in content


def test_a_picture_with_transparency_and_one_of_a_camera(start_server: Callable[..., Any], tmp_path: Path) -> None:
    clear = tmp_path / "clear.png"
    Image.new("RGBA", (20, 10), (0, 0, 0, 0)).save(clear)
    server = start_server()
    for picture in (clear, PHOTO):
        SendEmail(server.settings, BOOK).perform(request("anna", "", "look at this", image=picture))
    (first,), (second,) = (list(m.iter_attachments()) for m in server.mailbox.messages)
    with Image.open(io.BytesIO(first.get_content())) as photo:
        assert photo.getpixel((5, 5)) == (255, 255, 255)
    with Image.open(io.BytesIO(second.get_content())) as photo:
        assert photo.size == (600, 400)


@pytest.mark.parametrize("content", [b"", b"no picture", PHOTO.read_bytes()[:5000]], ids=["empty", "text", "half"])
def test_a_bad_picture_sends_nothing(start_server: Callable[..., Any], tmp_path: Path, content: bytes) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(content)
    server = start_server()
    with pytest.raises(InputError, match=r"bad\.jpg"):
        SendEmail(server.settings, BOOK).perform(request("anna", "", "look at this", image=bad))
    assert not server.mailbox.messages


def test_a_picture_of_ten_megabytes_goes_small(start_server: Callable[..., Any], tmp_path: Path) -> None:
    noise = tmp_path / "noise.png"
    Image.frombytes("RGB", (2000, 1700), random.Random(1).randbytes(2000 * 1700 * 3)).save(noise, compress_level=0)
    assert noise.stat().st_size > 10_000_000
    server = start_server()
    SendEmail(server.settings, BOOK).perform(request("anna", "", "look at this", image=noise))
    (part,) = server.mailbox.messages[0].iter_attachments()
    assert len(part.get_content()) < 2_500_000  # noise is the worst there is
    with Image.open(io.BytesIO(part.get_content())) as photo:
        assert photo.size == (1600, 1360)


def test_a_picture_that_claims_to_be_huge_is_not_unpacked(start_server: Callable[..., Any], tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.png"
    Image.new("1", (9000, 9000)).save(bomb)
    assert bomb.stat().st_size < 50_000
    with pytest.raises(InputError, match=r"bomb\.png"):
        SendEmail(start_server().settings, BOOK).perform(request("anna", "", "look at this", image=bomb))


def test_a_copy_goes_to_oneself_unseen(start_server: Callable[..., Any]) -> None:
    server = start_server()
    settings = msgspec.structs.replace(server.settings, copy_to_self=True)
    SendEmail(settings, BOOK).perform(request("anna", "", "hello there"))
    SendEmail(settings, BOOK).perform(request("tako@example.org", "", "a note to myself"))
    assert server.mailbox.receivers == [["anna@example.com", "tako@example.org"], ["tako@example.org"]]
    for message in server.mailbox.messages:
        assert "Bcc" not in message
        assert len(message["To"].addresses) == 1


def test_a_copy_that_is_refused_keeps_nothing_from_going(start_server: Callable[..., Any]) -> None:
    server = start_server()
    settings = msgspec.structs.replace(server.settings, copy_to_self=True)
    accept = server.mailbox.handle_RCPT

    async def refuse_own(smtp: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        taken: str = await accept(smtp, session, envelope, address, options)
        return taken if address != settings.address else (envelope.rcpt_tos.pop() and "550 not for you")

    server.mailbox.handle_RCPT = refuse_own
    assert SendEmail(settings, BOOK).perform(request("anna", "", "hello there")).status == "done"
    assert server.mailbox.receivers == [["anna@example.com"]]


def test_the_history_keeps_what_was_sent(start_server: Callable[..., Any], tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "history.sqlite")
    body = "a long story " * 100
    carry_out(journal, SendEmail(start_server().settings, BOOK), request("anna", "", body))
    (kept,) = journal.calls()
    assert kept.request.call.args["body"] == body
    assert kept.outcome is not None
    assert "to Anna Berg <anna@example.com>, subject 'A long story" in kept.outcome.detail
    journal.close()


def test_two_of_one_name_are_told_apart_by_the_address(start_server: Callable[..., Any]) -> None:
    book = ContactBook([Contact("Tom Ash", "one@example.com"), Contact("Tom Ash", "two@example.com")])
    action = SendEmail(start_server().settings, book)
    with pytest.raises(Question) as caught:
        action.read_back(request("tom ash", "", "hi there"))
    second = caught.value.choices[1]
    assert action.read_back(request(second, "", "hi")) == "Shall I email Tom Ash at two@example.com: hi?"
    assert action.read_back(request(second, "", "你好", "zh")).startswith("给Tom Ash（two@example.com）发邮件")


INJECTIONS = ["Bcc: evil@example.net", "To: evil@example.net", "X-Evil: 1"]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r", "\u2028", "\x85", "\x0b"])
@pytest.mark.parametrize("header", INJECTIONS)
def test_no_header_can_be_smuggled_in(start_server: Callable[..., Any], line_end: str, header: str) -> None:
    server = start_server(tls="none", login=False)
    evil = f"lunch{line_end}{header}{line_end}{line_end}"
    book = ContactBook([Contact(f"Anna{line_end}{header}", "anna@example.com", aliases=("anna",))])
    settings = msgspec.structs.replace(server.settings, sender_name=f"Tako{line_end}{header}")
    SendEmail(settings, book).perform(request("anna", evil, f"hello{line_end}{header}"))
    (message,) = server.mailbox.messages
    assert server.mailbox.receivers == [["anna@example.com"]]
    mine = {"From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"}
    assert set(message) == mine
    assert [a.addr_spec for a in message["To"].addresses] == ["anna@example.com"]
    assert message["Subject"].startswith("lunch")


@pytest.mark.parametrize(
    "recipient", ["anna@example.com\nBcc: x@example.net", "a@b.cd, x@example.net", "<a@b.cd> x@y.zz"]
)
def test_no_second_receiver_can_be_said(start_server: Callable[..., Any], recipient: str) -> None:
    server = start_server()
    with pytest.raises(Question):
        SendEmail(server.settings, BOOK).perform(request(recipient, "", "hello there"))
    assert not server.mailbox.messages


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("anna at example dot com", "anna@example.com"),
        ("Anna.Lee@Example.com", "Anna.Lee@Example.com"),
        ("anna艾特example点com", "anna@example.com"),
        ("anna underscore lee at my dash shop dot co dot uk", "anna_lee@my-shop.co.uk"),
    ],
)
def test_an_address_can_be_said(start_server: Callable[..., Any], said: str, address: str) -> None:
    server = start_server()
    outcome = SendEmail(server.settings, BOOK).perform(request(said, "", "hello there"))
    assert server.mailbox.receivers == [[address]]
    assert outcome.spoken == f"I sent the email to {address}."


def test_two_toms_give_a_question_before_and_instead_of_sending(start_server: Callable[..., Any]) -> None:
    server = start_server()
    action = SendEmail(server.settings, BOOK)
    for step in (action.read_back, action.perform):
        with pytest.raises(Question) as caught:
            step(request("tom", "", "hello there"))
        assert caught.value.spoken("en") == "Which one do you mean: Tom Ash or Tom Oak?"
        assert caught.value.spoken("zh") == "你是说Tom Ash还是Tom Oak？"
    assert not server.mailbox.messages


@pytest.mark.parametrize(
    ("call", "en", "zh"),
    [
        (("", "", "hi there"), "Who should I send the email to?", "邮件发给谁？"),
        (("anna", "", ""), "What should the email to anna say?", "给anna的邮件写什么？"),
        (("", "", ""), "Who should I send the email to?", "邮件发给谁？"),
        (("zed", "", "x"), "I don't know zed.", "通讯录里没有zed。"),
        (("ben", "", "x"), "I have no email address for Ben.", "通讯录里没有Ben的邮箱"),
    ],
)
def test_what_is_missing_is_asked_for(
    start_server: Callable[..., Any], call: tuple[str, str, str], en: str, zh: str
) -> None:
    with pytest.raises(Question) as caught:
        SendEmail(start_server().settings, BOOK).perform(request(*call))
    assert caught.value.spoken("en").startswith(en)
    assert caught.value.spoken("zh").startswith(zh)


def test_the_question_before_sending_names_all_that_matters(start_server: Callable[..., Any]) -> None:
    action = SendEmail(start_server().settings, BOOK)
    plain = request("boss", "vacation", "i am off next week")
    assert action.read_back(plain) == "Shall I email Anna Berg about vacation: i am off next week?"
    assert action.read_back(replace(plain, image=PHOTO)).startswith(
        "Shall I email Anna Berg about vacation with the photo"
    )
    chinese = request("李经理", "周报", "报告已经完成。", "zh")
    assert action.read_back(chinese) == "给李经理发邮件，主题是周报，内容是：报告已经完成。要发吗？"
    long = action.read_back(request("boss", "", "a long story " * 100))
    assert long.endswith("and so on?")
    assert len(long) < 400


def test_without_an_account_it_says_what_to_do() -> None:
    for step in (SendEmail(None, BOOK).read_back, SendEmail(None, BOOK).perform):
        with pytest.raises(ActionError, match="Add the email section") as caught:
            step(request("boss", "", "hello there"))
        assert not isinstance(caught.value, NotNow)


def test_wrong_password(start_server: Callable[..., Any]) -> None:
    server = start_server()
    settings = msgspec.structs.replace(server.settings, password=Secret("wr0ng"))
    with pytest.raises(ActionError, match="does not accept the login") as caught:
        SendEmail(settings, BOOK).perform(request("boss", "", "hello there"))
    assert not isinstance(caught.value, NotNow)
    assert "wr0ng" not in caught.value.en + caught.value.zh
    assert not server.mailbox.messages


@pytest.mark.parametrize(
    ("answer", "later", "words"),
    [
        ("550 no such user", False, "does not accept the address anna@example.com: no such user"),
        ("450 greylisted, come back", True, "cannot take emails now: greylisted, come back"),
    ],
)
def test_refused_recipient(start_server: Callable[..., Any], answer: str, later: bool, words: str) -> None:
    server = start_server()
    server.mailbox.rcpt_answer = answer
    with pytest.raises(ActionError, match=words) as caught:
        SendEmail(server.settings, BOOK).perform(request("anna", "", "hello there"))
    assert isinstance(caught.value, NotNow) is later


@pytest.mark.parametrize(
    ("answer", "later"), [("554 looks like spam", False), ("552 too big", False), ("451 not now", True)]
)
def test_refused_message(start_server: Callable[..., Any], answer: str, later: bool) -> None:
    server = start_server()
    server.mailbox.data_answer = answer
    with pytest.raises(ActionError, match=answer[4:]) as caught:
        SendEmail(server.settings, BOOK).perform(request("anna", "", "hello there"))
    assert isinstance(caught.value, NotNow) is later


def test_an_untrusted_certificate_gets_neither_password_nor_message(start_server: Callable[..., Any]) -> None:
    server = start_server()
    settings = msgspec.structs.replace(server.settings, ca_file=None)
    with pytest.raises(ActionError, match="certificate that I cannot trust") as caught:
        SendEmail(settings, BOOK).perform(request("anna", "", "hello there"))
    assert not isinstance(caught.value, NotNow)
    assert not server.mailbox.messages


def test_a_server_without_starttls_is_not_trusted(start_server: Callable[..., Any]) -> None:
    server = start_server(tls="none", login=False)
    settings = msgspec.structs.replace(server.settings, tls="starttls")
    with pytest.raises(ActionError, match="Check tls and port"):
        SendEmail(settings, BOOK).perform(request("anna", "", "hello there"))
    assert not server.mailbox.messages


def test_tls_spoken_to_a_server_that_speaks_plainly(start_server: Callable[..., Any]) -> None:
    settings = msgspec.structs.replace(start_server().settings, tls="tls")
    with pytest.raises(ActionError, match="could not agree on encryption") as caught:
        SendEmail(settings, BOOK).perform(request("anna", "", "hello there"))
    assert not isinstance(caught.value, NotNow)


def test_message_ids_are_stable_and_harmless() -> None:
    assert (
        message_id("a1b2c3d4", "me@example.org")
        == message_id("a1b2c3d4", "you@example.org")
        == "<a1b2c3d4@example.org>"
    )
    for key in ("", "short", "evil>\nBcc: x", "x" * 100):
        made = message_id(key, "me@example.org")
        assert made != message_id(key, "me@example.org")
        assert made.endswith("@example.org>")
        assert "\n" not in made
