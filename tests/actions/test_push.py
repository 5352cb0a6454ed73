"""To the owner's own phone or mailbox."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from email.header import decode_header, make_header
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image
from web_server import Answer, Seen, WebServer, free_port

from actions.base import Push
from actions.errors import ActionError, InputError, Misfit, NotNow
from actions.messages.ntfy import NtfySettings
from actions.messages.push import HOOK, MAILBOX, PHONE, OwnerPush, OwnerSettings, owner_push, place
from actions.messages.webhook import WebhookSettings
from actions.secret import Secret

PHOTO = Path(__file__).parent.parent / "data" / "photo.jpg"
KEY, LINK = "0123456789abcdef0123456789abcdef", "https://shop.example.com/s?k=tea&x=茶"


@pytest.fixture
def server() -> Iterator[WebServer]:
    running = WebServer()
    running.answer = ntfy
    yield running
    running.close()


def ntfy(seen: Seen) -> Answer:
    """As ntfy answers, with its rules for topic, token and sequence id."""
    if seen.headers["Authorization"] != "Bearer tk_1":
        return Answer(403, b'{"code": 40301, "http": 403, "error": "forbidden"}')
    if seen.method != "PUT" or seen.path != "/my-topic" or len(seen.headers["X-Sequence-ID"] or "") > 64:
        return Answer(400, b'{"code": 40009, "http": 400, "error": "topic invalid"}')
    return Answer(200, b'{"id": "hwQ2YpKdmg", "event": "message"}')


def to_phone(server: WebServer, token: str = "tk_1") -> OwnerPush:
    settings = NtfySettings(server=server.url, topic=Secret("my-topic"), token=Secret(token), timeout=1.0)
    return OwnerPush(OwnerSettings(ntfy=settings), None)


def header(seen: Seen, name: str) -> str:
    return str(make_header(decode_header(seen.headers[name])))


def test_a_link_to_the_phone(server: WebServer) -> None:
    push: Push = to_phone(server)
    assert push.push("购物清单 tea", "Green tea\n茶", LINK, key=KEY) == PHONE
    (seen,) = server.seen
    assert seen.body.decode() == "Green tea\n茶"
    assert header(seen, "Title") == "购物清单 tea"
    assert seen.headers["Click"] == "https://shop.example.com/s?k=tea&x=%E8%8C%B6"
    assert seen.headers["X-Sequence-ID"] == KEY
    assert (place(PHONE, "en"), place(PHONE, "zh"), place(HOOK, "zh")) == ("your phone", "你的手机", "你那里")


def test_a_picture_to_the_phone(server: WebServer) -> None:
    to_phone(server).push("Mood board", "three changes\n三个变化", picture=PHOTO, key=KEY)
    (seen,) = server.seen
    assert seen.headers["Filename"] == "photo.jpg"
    assert header(seen, "Message") == "three changes\\n三个变化"  # ntfy makes line ends of these
    with Image.open(io.BytesIO(seen.body)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (600, 400))


def test_a_title_cannot_smuggle_a_header_in(server: WebServer) -> None:
    to_phone(server).push("tea\r\nX-Evil: 1\r\n\r\nbody", "text")
    (seen,) = server.seen
    assert seen.headers["X-Evil"] is None
    assert seen.headers["Title"] == "tea X-Evil: 1 body"


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "file:///etc/passwd", "https://", "http://x/\r\nX: 1", "http://a b/", "http://[::1"]
)
def test_what_is_no_web_address_is_not_sent(server: WebServer, link: str) -> None:
    with pytest.raises(ActionError, match="no web address"):
        to_phone(server).push("title", "text", link)
    assert not server.seen


def test_a_phone_that_cannot_be_reached(server: WebServer, tmp_path: Path) -> None:
    with pytest.raises(ActionError, match=r"ntfy does not let me in .* Check the key in the ntfy settings") as caught:
        to_phone(server, "tk_wrong").push("title", "text")
    assert "tk_wrong" not in caught.value.en
    for answer in (Answer(how="drop"), Answer(how="hang"), Answer(503), Answer(429)):
        server.answer = answer
        with pytest.raises(NotNow, match="ntfy"):
            to_phone(server).push("title", "text", key=KEY)
    nowhere = NtfySettings(server=f"http://127.0.0.1:{free_port()}", topic=Secret("my-topic"), timeout=1.0)
    with pytest.raises(NotNow, match="cannot reach ntfy"):
        OwnerPush(OwnerSettings(ntfy=nowhere), None).push("title", "text")
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    with pytest.raises(InputError):
        to_phone(server).push("title", "text", picture=tmp_path / "bad.jpg")


def test_a_webhook(server: WebServer) -> None:
    hook = WebhookSettings(url=Secret(f"{server.url}/hook"), timeout=1.0)
    server.answer = Answer(204, b"")
    push = OwnerPush(OwnerSettings(webhook=hook), None)
    assert push.push("list", "milk; eggs", LINK, PHOTO, KEY) == HOOK
    (seen,) = server.seen
    assert seen.headers["Idempotency-Key"] == KEY
    content = seen.json
    assert base64.b64decode(content.pop("picture")).startswith(b"\xff\xd8")
    assert content == {"title": "list", "text": "milk; eggs", "link": LINK, "key": KEY}
    server.answer = Answer(how="drop")
    with pytest.raises(ActionError, match="look whether it reached you") as caught:
        push.push("list", "milk")
    assert not isinstance(caught.value, NotNow)  # never repeated by itself


def test_to_the_mailbox(start_server: Callable[..., Any]) -> None:
    mail = start_server()
    push = owner_push(OwnerSettings(email="me@example.com"), mail.settings)
    assert push is not None
    assert push.push("Einkauf\nBcc: x@example.com", "Milch", LINK, PHOTO, KEY) == MAILBOX
    assert mail.mailbox.receivers == [["me@example.com"]]
    (message,) = mail.mailbox.messages
    assert message["Subject"] == "Einkauf Bcc: x@example.com"
    assert message["Message-ID"] == f"<{KEY}@example.org>"
    text, photo = message.walk() if not message.is_multipart() else message.iter_parts()
    assert text.get_content().split() == ["Milch", LINK]
    assert photo.get_content_type() == "image/jpeg"


def test_a_mailbox_whose_server_does_not_answer(faulty_server: Callable[[str, str], Any]) -> None:
    owner = OwnerSettings(email="me@example.com")
    with pytest.raises(ActionError, match="look whether it reached you") as caught:
        OwnerPush(owner, faulty_server("end", "drop").settings()).push("title", "text")
    assert not isinstance(caught.value, NotNow)
    with pytest.raises(NotNow):
        OwnerPush(owner, faulty_server("RCPT", "drop").settings()).push("title", "text")


def test_what_is_set_up_decides(start_server: Callable[..., Any]) -> None:
    email = start_server().settings
    assert owner_push(None, email) is None
    assert owner_push(OwnerSettings(), email) is None
    assert owner_push(OwnerSettings(email="me@example.com"), None) is None
    with pytest.raises(ActionError, match="owner section"):
        OwnerPush(OwnerSettings(), None).push("title", "text")
    for fields in ({"email": "no address"}, {"ntfy": NtfySettings()}):
        with pytest.raises(Misfit):
            OwnerSettings(**fields)
    with pytest.raises(Misfit):
        msgspec.structs.replace(NtfySettings(), topic=Secret("a topic"))
