"""A real HTTP server on loopback that notes what it is asked and answers, or fails, as a test says."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: Message  # names in any case
    body: bytes

    @property
    def form(self) -> list[tuple[str, str]]:
        assert self.headers["Content-Type"] == "application/x-www-form-urlencoded"
        return parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=True)

    @property
    def json(self) -> Any:
        assert self.headers["Content-Type"] == "application/json"
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What to say. `how`: "drop" (reset instead of an answer), "hang", "cut" (half of the body), "drip" (a byte now
    and then), or "" for a whole answer; "deaf" resets before the body of the request is read."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    how: str = ""


class WebServer:
    """Answers with `answer`, an `Answer` or what makes one of a request; keeps what it saw in `seen`."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answer: Answer | Callable[[Seen], Answer] = Answer()
        self.seen: list[Seen] = []
        self._done = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients break off on purpose
        self._server.daemon_threads = True
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._done.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def handle_any(self) -> None:
                if isinstance(server.answer, Answer) and server.answer.how == "deaf":
                    return server._reset(self.connection)
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                parts = urlsplit(self.path)
                seen = Seen(self.command, parts.path, dict(parse_qsl(parts.query)), self.headers, body)
                server.seen.append(seen)
                answer = server.answer if isinstance(server.answer, Answer) else server.answer(seen)
                server._give(self, answer)
                return None

            do_GET = do_POST = do_PUT = handle_any  # noqa: N815

        return Handler

    def _give(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        if answer.how == "drop":
            return self._reset(handler.connection)
        if answer.how == "hang":
            self._done.wait(20)
            return self._reset(handler.connection)
        handler.send_response(answer.status)
        for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        if answer.how == "cut":
            handler.wfile.write(answer.body[: len(answer.body) // 2])
            handler.wfile.flush()
            return self._reset(handler.connection)
        for number in range(len(answer.body) if answer.how == "drip" else 0):
            handler.wfile.write(answer.body[number : number + 1])
            if self._done.wait(0.05):
                return None
        if answer.how != "drip":
            handler.wfile.write(answer.body)
        return None

    @staticmethod
    def _reset(connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
