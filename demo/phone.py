"""A phone for the demo: an address on this machine's loopback that takes texts as JSON, as a webhook does.

Keeps what is sent to it in memory; passes nothing on to anybody.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from demo.mail_server import HOST


@dataclass
class Phone:
    """What has arrived, and where."""

    url: str = ""
    texts: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def phone() -> Iterator[Phone]:
    """A running server. Nobody outside this machine can reach it."""
    made = Phone()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.texts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """The demo shows what arrives; the server itself is quiet."""

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        made.url = f"http://{HOST}:{server.server_port}/texts"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
