"""Counterparts for the walk, on this machine's loopback: a search server that answers as SearXNG does, and the owner's
phone behind a server that takes push messages as ntfy does.

Each checks what the real one demands, keeps in memory what it is sent, and passes nothing on to anybody. What the
library knows are seven short texts written for it. Sources: SearXNG, Search API; ntfy, Publishing.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.header import decode_header, make_header
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from demo.mail_server import HOST

LONGEST = 15_000_000  # bytes of an attachment that ntfy.sh takes


@dataclass(frozen=True)
class Page:
    """A page that the library knows."""

    title: str
    text: str

    @property
    def words(self) -> frozenset[str]:
        return _words(f"{self.title} {self.text}")


PAGES = (
    Page(
        "The Night Watch",
        "The Night Watch was painted by Rembrandt van Rijn in 1642. It hangs in the Rijksmuseum in Amsterdam.",
    ),
    Page("Watch", "A watch is a small clock that is worn on the wrist. The first ones were made in Germany."),
    Page("Lighthouse", "A lighthouse is a tower with a strong light that shows ships the way at night."),
    Page("Mango", "The mango is a sweet fruit with one large stone. Most mangoes are grown in India."),
    Page("珠穆朗玛峰", "珠穆朗玛峰是世界最高的山，高8848.86米。它在中国和尼泊尔的边界上。"),
    Page("长城", "长城是中国古代的防御工程，全长两万多公里。"),
    Page("乞力马扎罗山", "乞力马扎罗山是非洲最高的山，高5895米。"),
)
_COMMON = frozenset(re.findall(r"\w+", "a an and by in is it of on that the to was were what which who"))
_WORDS = re.compile(r"[a-z0-9]+|[\u4e00-\u9fff]+")


@dataclass
class Library:
    """A search server: where it is, and what it was asked."""

    url: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)  # language, query


@dataclass(frozen=True)
class Push:
    """One push message as it arrived."""

    title: str
    text: str
    link: str
    attached: int = 0  # bytes


@dataclass
class OwnersPhone:
    """A topic of a push server, whose messages the owner's phone shows."""

    server: str = ""
    topic: str = field(default_factory=lambda: f"tako-{secrets.token_urlsafe(9)}")
    token: str = field(default_factory=lambda: f"tk_{secrets.token_hex(15)}")
    shown: dict[str, Push] = field(default_factory=dict)  # by sequence id: one sent again replaces itself

    @property
    def pushes(self) -> list[Push]:
        return list(self.shown.values())


@contextmanager
def library() -> Iterator[Library]:
    """A running search server."""
    made = Library()

    class Handler(_Handler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            query = asked.get("q", "")
            if parts.path != "/search":
                self.answer(404, {})
            elif asked.get("format") != "json":
                self.answer(403, {})
            elif not query.strip():
                self.answer(400, {"error": "No query"})
            else:
                made.asked.append((asked.get("language", "all"), query))
                self.answer(200, _results(query))

    with _serving(Handler) as made.url:
        yield made


@contextmanager
def owners_phone() -> Iterator[OwnersPhone]:
    """A running push server with one protected topic."""
    made = OwnersPhone()

    class Handler(_Handler):
        def do_PUT(self) -> None:
            content = self.content()
            if self.path != f"/{made.topic}" or self.headers["Authorization"] != f"Bearer {made.token}":
                self.answer(403, {"code": 40301, "http": 403, "error": "forbidden"})
                return
            if len(content) > LONGEST:
                self.answer(413, {"code": 41301, "http": 413, "error": "attachment too large"})
                return
            number = secrets.token_urlsafe(9)
            file = self.headers["Filename"] is not None
            text = self.header("Message").replace("\\n", "\n") if file else content.decode()
            push = Push(self.header("Title"), text, self.header("Click"), len(content) if file else 0)
            made.shown[self.headers["X-Sequence-ID"] or number] = push
            event = {"id": number, "time": int(time.time()), "event": "message", "topic": made.topic, "message": text}
            self.answer(200, event)

        do_POST = do_PUT  # noqa: N815 - ntfy takes both

    with _serving(Handler) as made.server:
        yield made


class _Handler(BaseHTTPRequestHandler):
    def content(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"] or 0))

    def header(self, name: str) -> str:
        """A header as text; what is not ASCII comes encoded by RFC 2047."""
        return str(make_header(decode_header(self.headers[name] or "")))

    def answer(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """The walk shows what arrives; the server itself is quiet."""


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a running server. Nobody outside this machine can reach it."""
    with ThreadingHTTPServer((HOST, 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _results(query: str) -> dict[str, object]:
    """The pages that have a quarter of the query's words, the most of them first, in the form of SearXNG's JSON."""
    wanted = _words(query)
    fits = {page: len(page.words & wanted) for page in PAGES if 4 * len(page.words & wanted) >= max(len(wanted), 1)}
    found = sorted(fits, key=lambda page: -fits[page])
    results = [
        {"url": f"https://library.example/{number}", "title": page.title, "content": page.text, "engine": "library"}
        for number, page in enumerate(found, 1)
    ]
    none: dict[str, list[str]] = {"answers": [], "infoboxes": [], "suggestions": [], "unresponsive_engines": []}
    return {"query": query, "number_of_results": len(results), "results": results, **none}


def _words(text: str) -> frozenset[str]:
    """Words in lower case; of Chinese each two characters that follow one another."""
    out: set[str] = set()
    for word in _WORDS.findall(text.lower()):
        out |= {word} if word.isascii() else {word[i : i + 2] for i in range(max(len(word) - 1, 1))}
    return frozenset(out - _COMMON)
