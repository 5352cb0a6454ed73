"""The bounded HTTP client: what it takes, how it fails, and what it never says."""

from __future__ import annotations

import datetime
import logging
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from web_server import Answer, Seen, WebServer, free_port

from actions.errors import ActionError, NotNow
from actions.messages.delivery import AnswerLost
from actions.secret import Secret
from actions.web import Refused, Reply, Web

KEY = "s3cr3t-key"


@pytest.fixture
def server() -> Iterator[WebServer]:
    running = WebServer()
    yield running
    running.close()


@pytest.fixture
def secure(authority: tuple[trustme.CA, Path]) -> Iterator[Callable[..., WebServer]]:
    """Starts servers with a certificate: `secure("localhost", not_after=...)`."""
    running: list[WebServer] = []

    def start(name: str = "127.0.0.1", **times: Any) -> WebServer:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority[0].issue_cert(name, **times).configure_cert(context)
        running.append(WebServer(context))
        return running[-1]

    yield start
    for server in running:
        server.close()


def web(timeout: float = 5.0, max_bytes: int = 100_000, ca_file: Path | None = None) -> Web:
    return Web(service="Example", section="example", timeout=timeout, max_bytes=max_bytes, ca_file=ca_file)


def test_get_sends_parameters_headers_and_login(server: WebServer) -> None:
    server.answer = Answer(body='{"name": "李"}'.encode(), headers={"Content-Type": "application/json"})
    reply = web().get(
        f"{server.url}/find?a=1", {"q": "tea & 茶"}, {"X-Key": Secret(KEY)}, auth=("me", Secret("pass:wörd"))
    )
    assert reply.json() == {"name": "李"}
    (seen,) = server.seen
    assert (seen.method, seen.path, seen.query) == ("GET", "/find", {"a": "1", "q": "tea & 茶"})
    assert seen.headers["X-Key"] == KEY
    assert seen.headers["Authorization"] == "Basic bWU6cGFzczp3w7ZyZA=="
    assert seen.headers["User-Agent"].startswith("tako")


def test_post_sends_forms_json_and_bytes(server: WebServer) -> None:
    web().post(server.url, data=[("To", "+49"), ("Body", "a&b=c 你好"), ("MediaUrl", "x"), ("MediaUrl", "y")])
    web().post(server.url, json={"text": "你好"})
    web().post(server.url, data=b"\xff\xd8", method="PUT", headers={"Content-Type": "image/jpeg"})
    form, json_, put = server.seen
    assert form.form == [("To", "+49"), ("Body", "a&b=c 你好"), ("MediaUrl", "x"), ("MediaUrl", "y")]
    assert json_.json == {"text": "你好"}
    assert (put.method, put.body, put.headers["Content-Type"]) == ("PUT", b"\xff\xd8", "image/jpeg")


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (401, Refused, "Check the key in the example settings"),
        (403, Refused, "Check the key in the example settings"),
        (404, Refused, "Example refused the request (404)"),
        (302, Refused, "refused the request (302)"),
        (429, NotNow, "Example has no time for me now"),
        (500, NotNow, "Example does not work now"),
        (503, NotNow, "Example does not work now"),
        (529, NotNow, "Example does not work now"),
    ],
)
def test_what_an_answer_means(server: WebServer, status: int, error: type[ActionError], words: str) -> None:
    server.answer = Answer(status, b'{"code": 7}', {"Location": "/elsewhere"} if status == 302 else {})
    with pytest.raises(error) as caught:
        web().post(server.url, json={})
    assert words in caught.value.spoken("en")
    assert "Example" in caught.value.spoken("zh")
    if isinstance(caught.value, Refused):
        assert caught.value.reply.json() == {"code": 7}
    assert len(server.seen) == 1


@pytest.mark.parametrize("how", ["drop", "hang", "cut", "drip"])
def test_without_a_whole_answer_it_is_for_later_unless_it_must_be_once(server: WebServer, how: str) -> None:
    server.answer = Answer(body=b"{}" * 50, how=how)
    begun = time.monotonic()
    with pytest.raises(NotNow, match="cannot reach Example"):
        web(0.4).get(server.url)
    with pytest.raises(NotNow, match="cannot reach Example"):
        web(0.4).post(server.url, data=b"x")
    with pytest.raises(AnswerLost):
        web(0.4).post(server.url, data=b"x", once=True)
    assert time.monotonic() - begun < 3
    assert len(server.seen) == 3  # no second try of its own


def test_behind_some_errors_a_request_may_have_been_carried_out(server: WebServer) -> None:
    for status in (500, 502, 504):
        server.answer = Answer(status)
        with pytest.raises(AnswerLost):
            web().post(server.url, data=b"x", once=True)
    for status in (429, 503):
        server.answer = Answer(status)
        with pytest.raises(NotNow):
            web().post(server.url, data=b"x", once=True)
    server.answer = Answer(400)
    with pytest.raises(Refused):
        web().post(server.url, data=b"x", once=True)


def test_what_never_left_is_for_later_though_it_must_be_once(server: WebServer) -> None:
    with pytest.raises(NotNow):
        web().post(f"http://127.0.0.1:{free_port()}/", data=b"x", once=True)
    with pytest.raises(NotNow):
        web(2.0).post("http://tako.invalid/", data=b"x", once=True)
    server.answer = Answer(how="deaf")
    with pytest.raises(NotNow):  # cut in the midst of a body that no buffer holds
        web().post(server.url, data=b"x" * 30_000_000, once=True)
    assert not server.seen


def test_too_much_is_not_taken(server: WebServer) -> None:
    server.answer = Answer(body=b"x" * 100_001)
    with pytest.raises(ActionError, match="sends more than I can take") as caught:
        web().get(server.url)
    assert not isinstance(caught.value, NotNow)


def test_a_compressed_flood_is_not_taken(server: WebServer) -> None:
    import gzip

    server.answer = Answer(body=gzip.compress(b"0" * 50_000_000), headers={"Content-Encoding": "gzip"})
    with pytest.raises(ActionError, match="sends more than I can take"):
        web().get(server.url)


def test_an_answer_that_is_no_json(server: WebServer) -> None:
    server.answer = Answer(body=b"<html>please sign in</html>")
    with pytest.raises(NotNow, match="cannot read"):
        web().get(server.url).json()
    with pytest.raises(NotNow, match="cannot read"):
        Reply(200, {}, b"[" * 200_000, "", "Example").json()


def test_text_in_the_charset_of_the_answer(server: WebServer) -> None:
    for charset, body in (("gb18030", "你好".encode("gb18030")), ("nonsense", "你好".encode()), ("", b"\xff")):
        server.answer = Answer(body=body, headers={"Content-Type": f"text/plain; charset={charset}"})
        assert web().get(server.url).text() == ("\ufffd" if body == b"\xff" else "你好")


def test_redirects_lead_to_the_web_and_leave_the_key_at_home(server: WebServer) -> None:
    other = WebServer()

    def lead(seen: Seen) -> Answer:
        target = {"/near": "/here", "/far": f"{other.url}/there", "/round": "/round", "/file": "file:///etc/passwd"}
        to = target.get(seen.path)
        return Answer(302, b"", {"Location": to}) if to else Answer()

    server.answer = lead
    headers = {"X-Key": Secret(KEY)}
    assert web().get(f"{server.url}/near", headers=headers).url.endswith("/here")
    assert server.seen[-1].headers["X-Key"] == KEY
    web().get(f"{server.url}/far", headers=headers, auth=("me", Secret("pw")))
    assert other.seen[0].headers["X-Key"] is None
    assert other.seen[0].headers["Authorization"] is None
    for path in ("/round", "/file"):
        with pytest.raises(ActionError, match="an address that I don't follow"):
            web().get(server.url + path)
    other.close()


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x/y", "http://", "http://[::1", "javascript:1", ""])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(ActionError, match="address that I don't follow"):
        web().get(url)


def test_no_header_can_be_smuggled_in(server: WebServer) -> None:
    for value in ("a\r\nX-Evil: 1", "a\nX-Evil: 1"):
        with pytest.raises(ActionError, match="address that I don't follow"):
            web().get(server.url, headers={"X-Title": value})
    assert not server.seen


def test_https_to_http_is_not_followed(
    secure: Callable[..., WebServer], server: WebServer, authority: tuple[trustme.CA, Path]
) -> None:
    safe = secure()
    assert web(ca_file=authority[1]).get(safe.url).status == 200
    safe.answer = Answer(302, b"", {"Location": server.url})
    with pytest.raises(ActionError, match="address that I don't follow"):
        web(ca_file=authority[1]).get(safe.url)
    assert not server.seen


def test_certificates(secure: Callable[..., WebServer], authority: tuple[trustme.CA, Path]) -> None:
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    cases = [
        (secure(), None, ActionError, "certificate that I cannot trust"),
        (secure("example.org"), authority[1], ActionError, "certificate that I cannot trust"),
        (secure(not_after=now - day), authority[1], ActionError, "certificate has expired"),
        (secure(not_before=now + day, not_after=now + 2 * day), authority[1], NotNow, "my clock may be wrong"),
        (secure(), Path("/nowhere/ca.pem"), ActionError, "cannot read the certificate file"),
    ]
    for server, ca_file, error, words in cases:
        with pytest.raises(error, match=words) as caught:
            web(ca_file=ca_file).post(server.url, data=b"secret", once=True)
        assert isinstance(caught.value, NotNow) is (error is NotNow)
        assert not server.seen


def test_secrets_are_in_no_message_and_no_log(server: WebServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "actions")
    said = []
    for answer in (Answer(401), Answer(500), Answer(how="drop"), Answer(body=b"x" * 200_000)):
        server.answer = answer
        with pytest.raises(ActionError) as caught:
            web().get(f"{server.url}/{KEY}", {"key": KEY}, {"X-Key": Secret(KEY)}, auth=(KEY, Secret(KEY)))
        error: BaseException | None = caught.value
        said.append(repr(error) + caught.value.en + caught.value.zh)
        assert error is not None
        assert error.__cause__ is None
        assert error.__suppress_context__ or error.__context__ is None
    with pytest.raises(ActionError) as caught:
        web().get(f"http://127.0.0.1:{free_port()}/{KEY}")
    said.append(repr(caught.value))
    assert KEY not in "".join(said) + caplog.text
    server.answer = Answer()
    assert KEY not in repr(web().get(f"{server.url}/{KEY}"))
