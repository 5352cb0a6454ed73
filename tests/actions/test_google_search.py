"""Searching for real: servers on loopback that want what Google, SearXNG and DuckDuckGo want, and a ZIM file."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme
from web_server import Answer, Seen, WebServer, free_port
from zim_file import CHINESE, ENGLISH, write_zim

from actions.base import Offering, Outcome, Request
from actions.catalogue import make_call
from actions.errors import ActionError, Misfit, NotNow, Question
from actions.search.google_search import GoogleSearch
from actions.search.search_web import Google, SearchSettings
from actions.secret import Secret
from actions.wording import LONGEST

KEY, CX = "g00gle-key", "017576662512468239146:omuauf_lfve"
RESULTS = [
    ("Cats - All about them", "https://cats.example.org/", "Cats sleep. They also eat. ..."),
    (
        "The Night Watch - <b>Rijksmuseum</b>",
        "https://www.rijksmuseum.nl/en/collection/SK-C-5",
        "Mar 3, 2020 ... The Night Watch is a painting by <b>Rembrandt</b> of 1642. It hangs in the museum. It is ...",
    ),
]
CHINESE_RESULTS = [
    ("夜巡", "https://zh.wikipedia.org/wiki/夜巡", "《夜巡》是荷兰画家伦勃朗的油画。它作于1642年。更多...")
]


@pytest.fixture
def server() -> Iterator[WebServer]:
    running = WebServer()
    yield running
    running.close()


@pytest.fixture(scope="module")
def zim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_zim(tmp_path_factory.mktemp("zim") / "wikipedia_en.zim", "en", ENGLISH, "wikipedia_en_all")


class Phone:
    """A way to the owner that notes what it is given."""

    def __init__(self, error: ActionError | None = None) -> None:
        self.error = error
        self.pushed: list[dict[str, Any]] = []

    def push(self, title: str, text: str, link: str = "", picture: Path | None = None, key: str = "") -> str:
        if self.error:
            raise self.error
        self.pushed.append({"title": title, "text": text, "link": link, "picture": picture, "key": key})
        return "your phone"


def request(query: str, lang: str = "en", key: str = "key-of-this-call") -> Request:
    return Request(make_call("google_search", query), lang, key=key)


def as_google(found: list[tuple[str, str, str]]) -> Callable[[Seen], Answer]:
    """Google's Custom Search JSON API, `cse.list`: checks every parameter as its reference describes them."""

    def answer(seen: Seen) -> Answer:
        asked = seen.query
        right = (
            seen.method == "GET"
            and set(asked) <= {"key", "cx", "q", "num", "hl", "lr", "safe"}
            and asked["key"] == KEY
            and asked["cx"] == CX
            and asked["q"]
            and 1 <= int(asked["num"]) <= 10
            and asked["safe"] in ("active", "off")
            and (asked["hl"], asked["lr"]) in (("en", "lang_en"), ("zh-CN", "lang_zh-CN"))
        )
        if not right:
            error = {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}
            return Answer(400, json.dumps({"error": error}).encode())
        items = [{"kind": "customsearch#result", "title": t, "link": u, "snippet": s} for t, u, s in found]
        return Answer(body=json.dumps({"kind": "customsearch#search"} | ({"items": items} if items else {})).encode())

    return answer


def as_searxng(
    found: list[tuple[str, str, str]],
    answers: Sequence[Any] = (),
    infoboxes: Sequence[Any] = (),
) -> Callable[[Seen], Answer]:
    """SearXNG's Search API with the format json allowed."""

    def answer(seen: Seen) -> Answer:
        asked = seen.query
        if seen.path != "/search" or asked.get("format") != "json":
            return Answer(403, b"<!doctype html><title>403 Forbidden</title>")
        if not asked.get("q") or asked["language"] not in ("en", "zh-CN") or asked["safesearch"] not in "012":
            return Answer(400, b'{"error": "Invalid value"}')
        reply = {
            "query": asked["q"],
            "number_of_results": 0,
            "results": [{"title": t, "url": u, "content": s, "engine": "x", "score": 1.0} for t, u, s in found],
            "answers": list(answers),
            "corrections": [],
            "infoboxes": list(infoboxes),
            "suggestions": [],
            "unresponsive_engines": [["google", "timeout"]],
        }
        return Answer(body=json.dumps(reply).encode(), headers={"Content-Type": "application/json"})

    return answer


def by_google(server: WebServer, folder: Path, phone: Phone | None = None, **more: Any) -> GoogleSearch:
    values: dict[str, Any] = {"google_key": Secret(KEY), "google_cx": CX, "timeout": 2.0, **more}
    settings = SearchSettings(**values)
    return GoogleSearch(settings, folder, phone, {"google": Google(settings, f"{server.url}/customsearch/v1")})


def by_searxng(server: WebServer, folder: Path, phone: Phone | None = None, **more: Any) -> GoogleSearch:
    return GoogleSearch(SearchSettings(searxng_url=server.url, **{"timeout": 2.0, **more}), folder, phone)


def test_google_answers_in_two_sentences_with_the_source(server: WebServer, tmp_path: Path) -> None:
    server.answer = as_google(RESULTS)
    outcome = by_google(server, tmp_path).perform(request("who painted the Night Watch"))
    assert outcome.status == "done"
    assert outcome.spoken == (
        "rijksmuseum.nl says: The Night Watch is a painting by Rembrandt of 1642. It hangs in the museum."
    )
    assert outcome.offer == ""  # nowhere to send a link to
    assert "https://www.rijksmuseum.nl/en/collection/SK-C-5" in outcome.detail
    assert KEY not in repr(outcome)
    assert server.seen[0].query["q"] == "who painted the Night Watch"


def test_google_in_chinese(server: WebServer, tmp_path: Path) -> None:
    server.answer = as_google(CHINESE_RESULTS)
    outcome = by_google(server, tmp_path, Phone()).perform(request("夜巡是谁画的", "zh"))
    assert outcome.spoken == "据维基百科：《夜巡》是荷兰画家伦勃朗的油画。它作于1642年。"
    assert outcome.offer == "要把链接发给你吗？"
    assert server.seen[0].query["hl"] == "zh-CN"


def test_searxng_answers(server: WebServer, tmp_path: Path) -> None:
    server.answer = as_searxng(RESULTS)
    outcome = by_searxng(server, tmp_path).perform(request("who painted the Night Watch"))
    assert outcome.spoken.startswith("rijksmuseum.nl says: The Night Watch is a painting by Rembrandt of 1642.")


@pytest.mark.parametrize(
    ("more", "spoken"),
    [
        ({"answers": ["100 EUR = 108.2 USD"]}, "SearXNG says: 100 EUR = 108.2 USD."),
        (
            {"answers": [{"answer": "100 EUR = 108.2 USD", "url": "https://duckduckgo.com/x", "engine": "currency"}]},
            "duckduckgo.com says: 100 EUR = 108.2 USD.",
        ),
        (
            {
                "infoboxes": [
                    {"infobox": "Euro", "content": "100 EUR in USD are 108.", "urls": [{"url": "https://a.bc"}]}
                ]
            },
            "a.bc says: 100 EUR in USD are 108.",
        ),
    ],
)
def test_searxng_gives_answers_of_its_own(server: WebServer, tmp_path: Path, more: Any, spoken: str) -> None:
    server.answer = as_searxng([("Cats", "https://cats.example.org/", "Cats sleep.")], **more)
    assert by_searxng(server, tmp_path).perform(request("100 eur in usd")).spoken == spoken


def test_searxng_with_an_authority_of_its_own_below_a_path(authority: tuple[trustme.CA, Path], tmp_path: Path) -> None:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority[0].issue_cert("127.0.0.1").configure_cert(context)
    server = WebServer(context)
    try:
        server.answer = as_searxng(RESULTS)
        search = by_searxng(server, tmp_path, ca_file=authority[1])
        assert search.perform(request("night watch")).status == "done"
        with pytest.raises(ActionError, match="certificate"):
            by_searxng(server, tmp_path).perform(request("night watch"))
    finally:
        server.close()


DUCK_PAGE = """<html><body><div id="links">
<div class="result results_links"><div class="links_main result__body">
<h2 class="result__title"><a href="https://cats.example.org/">Cats</a></h2>
<a class="result__snippet" href="https://cats.example.org/">Cats sleep a lot.</a></div></div>
<div class="result results_links"><div class="links_main result__body">
<h2 class="result__title"><a href="https://en.wikipedia.org/wiki/The_Night_Watch">The <b>Night</b> Watch</a></h2>
<a class="result__snippet" href="https://en.wikipedia.org/wiki/The_Night_Watch">The <b>Night Watch</b> is by Rembrandt.
&lt;b&gt;It&lt;/b&gt; is large.</a></div></div></div></body></html>"""


@pytest.fixture
def duck(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> WebServer:
    """DuckDuckGo's page for browsers without scripts; ddgs has its address in a class."""
    from ddgs.engines.duckduckgo import Duckduckgo

    monkeypatch.setattr(Duckduckgo, "search_url", f"{server.url}/html/")
    return server


def test_duckduckgo_is_asked_when_nothing_is_set_up(duck: WebServer, tmp_path: Path) -> None:
    duck.answer = Answer(body=DUCK_PAGE.encode(), headers={"Content-Type": "text/html; charset=utf-8"})
    outcome = GoogleSearch(SearchSettings(), tmp_path).perform(request("who painted the night watch"))
    assert outcome.spoken == "Wikipedia says: The Night Watch is by Rembrandt. It is large."
    (seen,) = duck.seen
    assert (seen.method, dict(seen.form)["q"], dict(seen.form)["l"]) == ("POST", "who painted the night watch", "us-en")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(202, b"<html>Are you a robot?</html>"), "DuckDuckGo gave me no results. Please ask me again later."),
        (Answer(body=b"<html><body>nothing</body></html>"), "DuckDuckGo gave me no results."),
        (Answer(how="drop"), "I cannot reach DuckDuckGo now. Please ask me again later."),
        (Answer(how="hang"), "I cannot reach DuckDuckGo now."),
    ],
)
def test_duckduckgo_fails(duck: WebServer, tmp_path: Path, answer: Answer, words: str) -> None:
    duck.answer = answer
    with pytest.raises(ActionError) as caught:
        GoogleSearch(SearchSettings(timeout=1), tmp_path).perform(request("night watch"))
    assert words in caught.value.spoken("en")
    assert "DuckDuckGo" in caught.value.spoken("zh")
    assert not isinstance(caught.value, NotNow)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(400, b'{"error": {"code": 400}}'), "Check google_key and google_cx in the search settings."),
        (Answer(403, b"{}"), "Google does not let me in (403). Check the key in the search settings."),
        (Answer(429, b"{}"), "Google has no time for me now (429). Please ask me again later."),
        (Answer(503, b"{}"), "Google does not work now (503). Please ask me again later."),
        (Answer(body=b'{"items": [{"title": ', headers={}), "Google gave an answer that I cannot read."),
        (Answer(body=b"<html>Sign in to our free wifi</html>"), "Google gave an answer that I cannot read."),
        (Answer(body=b"[1, 2]"), "Google gave an answer that I cannot read."),
        (Answer(body=b'{"items": {"a": 1}}'), "Google gave an answer that I cannot read."),
        (Answer(body=b'{"items": [{"title": 7}]}'), "Google gave an answer that I cannot read."),
        (Answer(body=b"[" * 100_000), "Google gave an answer that I cannot read."),
        (Answer(body=b" " * 2_000_000), "Google sends more than I can take."),
        (Answer(302, b"", {"Location": "file:///etc/passwd"}), "Google leads to an address that I don't follow."),
        (Answer(how="drop"), "I cannot reach Google now. Please ask me again later."),
        (Answer(how="hang"), "I cannot reach Google now. Please ask me again later."),
        (Answer(body=b"{}" * 100, how="drip"), "I cannot reach Google now. Please ask me again later."),
    ],
)
def test_every_failure_is_a_sentence_and_never_waits(
    server: WebServer, tmp_path: Path, answer: Answer, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    server.answer = answer
    begun = time.monotonic()
    with pytest.raises(ActionError) as caught:
        by_google(server, tmp_path, timeout=1.0).perform(request("night watch"))
    assert words in caught.value.spoken("en")
    assert "Google" in caught.value.spoken("zh")
    assert not isinstance(caught.value, NotNow)
    assert time.monotonic() - begun < 3
    assert KEY not in caught.value.spoken("en") + caplog.text


def test_a_wrong_key(server: WebServer, tmp_path: Path) -> None:
    server.answer = as_google(RESULTS)
    with pytest.raises(ActionError, match="Check google_key and google_cx"):
        by_google(server, tmp_path, google_key=Secret("another")).perform(request("night watch"))


def test_searxng_without_json_says_what_to_allow(server: WebServer, tmp_path: Path) -> None:
    server.answer = Answer(403, b"<html>403</html>")
    with pytest.raises(ActionError, match=r"gives no JSON\. Allow the format json in its settings"):
        by_searxng(server, tmp_path).perform(request("night watch"))


def test_without_network_the_encyclopedia_answers(tmp_path: Path, zim: Path) -> None:
    settings = SearchSettings(
        searxng_url=f"http://127.0.0.1:{free_port()}", google_key=Secret(KEY), google_cx=CX, encyclopedias=(zim,)
    )
    nowhere = Google(settings, f"http://127.0.0.1:{free_port()}/")
    outcome = GoogleSearch(settings, tmp_path, None, {"google": nowhere}).perform(
        request("who painted the Night Watch")
    )
    assert outcome.status == "done"
    assert outcome.spoken.startswith("Wikipedia says: The Night Watch is a 1642 painting by Rembrandt van Rijn.")
    assert "by offline" in outcome.detail


def test_a_file_in_the_folder_is_found_and_nobody_else_is_asked(tmp_path: Path, duck: WebServer) -> None:
    write_zim(tmp_path / "any.zim", "zh", CHINESE, "wikipedia_zh_all")
    outcome = GoogleSearch(SearchSettings(), tmp_path).perform(request("长城有多长", "zh"))
    assert outcome.spoken == "据维基百科：长城是中国古代的军事防御工程。明长城的总长度为8851.8公里。"
    assert not duck.seen


def test_the_order_is_that_of_the_settings(server: WebServer, tmp_path: Path, zim: Path) -> None:
    server.answer = as_searxng(RESULTS)
    first = by_searxng(server, tmp_path, encyclopedias=(zim,), backends=("offline", "searxng"))
    assert first.perform(request("night watch")).spoken.startswith("Wikipedia says")
    assert not server.seen
    assert first.perform(request("cats")).spoken.startswith("cats.example.org says: Cats sleep.")
    second = by_searxng(server, tmp_path, encyclopedias=(zim,))
    assert second.perform(request("night watch")).spoken.startswith("rijksmuseum.nl says")


def test_nothing_found(server: WebServer, tmp_path: Path, zim: Path) -> None:
    server.answer = as_google([])
    outcome = by_google(server, tmp_path, encyclopedias=(zim,)).perform(request("xyzzy plugh"))
    assert outcome == Outcome(
        "done",
        "I found nothing about xyzzy plugh. Try other words.",
        "google_search: 'xyzzy plugh': nothing in google, offline",
    )
    server.answer = Answer(503)
    with pytest.raises(ActionError) as caught:
        by_google(server, tmp_path, encyclopedias=(zim,)).perform(request("xyzzy"))
    assert caught.value.spoken("en") == (
        "Google does not work now (503). Elsewhere I found nothing about xyzzy. Please ask me again later."
    )
    assert caught.value.spoken("zh") == "Google 暂时不可用（503）。别处也没有找到关于xyzzy的内容。请稍后再问。"


def test_an_answer_in_another_language_is_a_link_only(server: WebServer, tmp_path: Path) -> None:
    server.answer = as_google(CHINESE_RESULTS)
    phone = Phone()
    search = by_google(server, tmp_path, phone)
    outcome = search.perform(request("yexun"))
    assert outcome.spoken == "I found a page of Wikipedia about yexun, but nothing in it that I can read aloud."
    assert outcome.offer == "Shall I send you the link?"
    search.fulfil(request("yexun"))
    assert phone.pushed[0]["link"] == "https://zh.wikipedia.org/wiki/%E5%A4%9C%E5%B7%A1"


def test_the_link_is_sent_after_a_yes_also_by_the_next_process(server: WebServer, tmp_path: Path) -> None:
    server.answer = as_google(RESULTS)
    phone = Phone()
    asked = request("who painted the Night Watch")
    outcome = by_google(server, tmp_path, phone).perform(asked)
    assert outcome.offer == "Shall I send you the link?"
    assert not phone.pushed
    restarted = by_google(server, tmp_path, phone)
    assert isinstance(restarted, Offering)
    sent = restarted.fulfil(asked)
    assert (sent.status, sent.spoken) == ("done", "I sent the link to your phone.")
    assert phone.pushed == [
        {
            "title": "The Night Watch - Rijksmuseum",
            "text": outcome.spoken,
            "link": "https://www.rijksmuseum.nl/en/collection/SK-C-5",
            "picture": None,
            "key": "key-of-this-call",
        }
    ]
    assert len(server.seen) == 1
    assert restarted.fulfil(replace(asked, lang="zh")).spoken == "链接已发到你的手机。"


def test_each_request_has_its_own_link_and_old_ones_go(
    server: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actions.search.google_search.KEPT", 3)
    phone = Phone()
    search = by_google(server, tmp_path, phone)
    for number in range(5):
        server.answer = as_google([("Night", f"https://example.org/{number}", "Night is dark. It is so.")])
        search.perform(request("night", key=f"key{number}"))
    search.fulfil(request("night", key="key3"))
    assert phone.pushed[0]["link"] == "https://example.org/3"
    with pytest.raises(ActionError, match="no longer have that link"):
        search.fulfil(request("night", key="key1"))
    with sqlite3.connect(tmp_path / "search.sqlite") as kept:
        assert kept.execute("SELECT count(*) FROM links").fetchone() == (3,)
    assert (tmp_path / "search.sqlite").stat().st_mode & 0o077 == 0


def test_the_link_cannot_be_sent_now(server: WebServer, tmp_path: Path) -> None:
    server.answer = as_google(RESULTS)
    search = by_google(server, tmp_path, Phone(NotNow("I cannot reach ntfy now.")))
    search.perform(request("night watch"))
    with pytest.raises(NotNow):
        search.fulfil(request("night watch"))


def test_a_disk_that_takes_nothing_still_gives_an_answer(server: WebServer, tmp_path: Path) -> None:
    server.answer = as_google(RESULTS)
    (tmp_path / "file").write_text("not a folder")
    outcome = by_google(server, tmp_path / "file", Phone()).perform(request("night watch"))
    assert (outcome.status, outcome.offer) == ("done", "")


HOSTILE = [
    ("Night Watch", "javascript:alert(1)", "The Night Watch is run. It runs."),
    ("Night Watch", "file:///etc/passwd", "The Night Watch is read. It reads."),
    ("Night Watch", "https://user:pass@evil.example/", "The Night Watch is evil. It is."),
    ("Night Watch", "https://localhost/", "The Night Watch is here. It is."),
    ("Night Watch", "http://[::1", "The Night Watch is broken. It is."),
    ("Night Watch", "https://е\u0445ample.org/", "The Night Watch is Cyrillic. It is."),
    ("Night Watch", "https://x.org/" + "a" * 5000, "The Night Watch is long. It is."),
    (
        "Night <script>x()</script>Watch\r\nBcc: x@example.net",
        "https://good.example.org/a b\u202e?q=<x>\r\nHost: evil",
        "The Night Watch <img src=x onerror=a(1)>is\u202e good. &lt;script&gt;steal()&lt;/script&gt;It \x1b[2Jis.\x00",
    ),
]


def test_hostile_results(server: WebServer, tmp_path: Path) -> None:
    server.answer = as_google(HOSTILE)
    phone = Phone()
    search = by_google(server, tmp_path, phone)
    outcome = search.perform(request("night watch"))
    assert outcome.spoken == "good.example.org says: The Night Watch is good. It 2Jis."
    search.fulfil(request("night watch"))
    (pushed,) = phone.pushed
    assert pushed["title"] == "Night Watch Bcc: x@example.net"
    assert pushed["link"] == "https://good.example.org/a%20b%E2%80%AE?q=%3Cx%3E%0D%0AHost:%20evil"


def test_a_long_answer_is_short_enough_to_hear(server: WebServer, tmp_path: Path) -> None:
    server.answer = as_google([("Night", "https://example.org/", "Night is " + "very " * 2000 + "dark.")])
    outcome = by_google(server, tmp_path).perform(request("night"))
    assert len(outcome.spoken) < LONGEST["en"] + 50
    assert outcome.spoken.endswith(" and so on.")


def test_a_long_query_is_cut(server: WebServer, tmp_path: Path) -> None:
    server.answer = as_google(RESULTS)
    by_google(server, tmp_path).perform(request("night\nwatch " * 500))
    assert server.seen[0].query["q"].startswith("night watch night watch")
    assert len(server.seen[0].query["q"]) <= 200


def test_without_a_query_it_asks(server: WebServer, tmp_path: Path) -> None:
    search = by_google(server, tmp_path)
    for act in (search.perform, search.read_back):
        with pytest.raises(Question, match="What should I search for"):
            act(request(""))
    assert not server.seen
    assert search.read_back(request("night watch")) == "Shall I search for night watch?"
    assert search.read_back(request("夜巡", "zh")) == "要搜索夜巡吗？"


def test_offline_alone_without_a_file_says_where_to_put_one(tmp_path: Path) -> None:
    with pytest.raises(ActionError, match="Put a ZIM file into") as caught:
        GoogleSearch(SearchSettings(backends=("offline",)), tmp_path).perform(request("night watch"))
    assert "later" not in caught.value.spoken("en")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"google_key": Secret(KEY)}, "google_cx is missing"),
        ({"google_cx": CX}, "google_key is missing"),
        ({"backends": ("google",)}, "backends has google, which needs google_key and google_cx"),
        ({"backends": ("searxng", "offline")}, "backends has searxng, which needs searxng_url"),
    ],
)
def test_settings_that_do_not_fit(values: dict[str, Any], words: str) -> None:
    with pytest.raises(Misfit, match=words):
        SearchSettings(**values)


@pytest.mark.parametrize(("safe", "google", "searxng"), [("off", "off", "0"), ("strict", "active", "2")])
def test_how_much_is_left_out_for_children(
    server: WebServer, tmp_path: Path, safe: str, google: str, searxng: str
) -> None:
    server.answer = as_google(RESULTS)
    by_google(server, tmp_path, safe=safe).perform(request("night watch"))
    server.answer = as_searxng(RESULTS)
    by_searxng(server, tmp_path, safe=safe).perform(request("night watch"))
    assert [server.seen[0].query["safe"], server.seen[1].query["safesearch"]] == [google, searxng]
