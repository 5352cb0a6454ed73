"""A site on loopback that can be made to fail, wheels made on the spot, and a home of its own for every test."""

from __future__ import annotations

import hashlib
import threading
import time
import zipfile
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from device.models import Patience
from device.models.table import File, Model, Piece, Source, Web, Wheel, Wheels, Zip

BYTES = bytes(range(256)) * 2_000  # 512 kB


@dataclass
class Site:
    """A small web server with Range support; `faults` are used up, one per request."""

    files: dict[str, bytes] = field(default_factory=dict)  # path to content
    faults: deque[tuple[str, float]] = field(default_factory=deque)  # ("cut", bytes) | ("status", code) | ("slow", s)
    asked: list[tuple[str, str]] = field(default_factory=list)  # path, Range header
    ranges: bool = True
    url: str = ""

    def etag(self, path: str) -> str:
        return f'"{hashlib.md5(self.files[path]).hexdigest()}"'


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            return

        def do_GET(self) -> None:
            path, asked = self.path, self.headers.get("Range", "")
            site.asked.append((path, asked))
            kind, value = site.faults.popleft() if site.faults else ("", 0.0)
            if kind == "status" or path not in site.files:
                self.send_response(int(value) if kind == "status" else 404)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            body, start = site.files[path], 0
            whole = self.headers.get("If-Range", site.etag(path)) != site.etag(path)
            if asked and site.ranges and not whole:
                start = int(asked.removeprefix("bytes=").removesuffix("-"))
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            else:
                self.send_response(200)
            self.send_header("ETag", site.etag(path))
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            end = start + int(value) if kind == "cut" else len(body)
            for at in range(start, min(end, len(body)), 16_384):
                self.wfile.write(body[at : min(at + 16_384, end)])
                if kind == "slow":
                    time.sleep(value)

    return Handler


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(made))
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def tako_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TAKO_HOME", str(tmp_path / "home"))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "home"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all the package index there is."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


@pytest.fixture
def quick_index(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same with a stand-in for pip, which takes a second and a half to start: copies the wheel asked for."""
    fake = tmp_path / "quick-pip"
    fake.write_text(
        """#!/bin/sh
while [ $# -gt 1 ]; do [ "$1" = --dest ] && dest=$2; shift; done
name=$(echo "${1%%==*}" | tr - _)-${1##*==}-py3-none-any.whl
cp "$PIP_FIND_LINKS/$name" "$dest/" || { echo "No matching ${1%%==*}"; exit 1; }
"""
    )
    fake.chmod(0o755)
    monkeypatch.setattr("device.models.wheels._pip", lambda: [str(fake)])
    return index


@pytest.fixture
def hasty() -> Patience:
    """Four tries without a pause."""
    return Patience(connect=2.0, read=2.0, backoff=0.0, stall=20.0)


def _wheel_file(folder: Path, wheel: Wheel, members: dict[str, bytes]) -> Path:
    """A real wheel; it depends on a project that does not exist, so that only a fetch of the wheel alone can work."""
    info = f"{wheel.project.replace('-', '_')}-{wheel.version}.dist-info"
    path = folder / wheel.filename
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
        metadata = f"Metadata-Version: 2.1\nName: {wheel.project}\nVersion: {wheel.version}\n"
        packed.writestr(f"{info}/METADATA", f"{metadata}Requires-Dist: no-such-project-of-anybody\n")
        packed.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        packed.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def fill() -> Callable[[Path, dict[Wheel, dict[str, bytes]]], None]:
    """`fill(folder, {wheel: {member: content}})` writes wheels."""

    def write(folder: Path, wheels: dict[Wheel, dict[str, bytes]]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for wheel, members in wheels.items():
            _wheel_file(folder, wheel, members)

    return write


def pinned(path: str, content: bytes) -> File:
    return File(path, len(content), hashlib.sha256(content).hexdigest())


@pytest.fixture
def make() -> Callable[..., Model]:
    """`make(*sources, files={path: content})`: a model called "small"."""

    def model(*sources: Source, files: dict[str, bytes] | None = None, **more: object) -> Model:
        pins = tuple(pinned(path, content) for path, content in (files or {}).items())
        return Model(name="small", purpose="a test", licence="None.", sources=sources, files=pins, **more)  # type: ignore[arg-type]

    return model


@pytest.fixture
def halves() -> tuple[Wheels, dict[Wheel, dict[str, bytes]]]:
    """`BYTES` as model.bin in two wheels, and what the wheels hold."""
    one, two = Wheel("small-part1", "1.0.0", 1_000), Wheel("small-part2", "1.0.0", 1_000)
    source = Wheels((("model.bin", (Piece(one, "small_part1/data/a"), Piece(two, "small_part2/data/b"))),))
    return source, {one: {"small_part1/data/a": BYTES[:300_000]}, two: {"small_part2/data/b": BYTES[300_000:]}}


@pytest.fixture
def web(site: Site, make: Callable[..., Model]) -> Model:
    """A model of one file on the site."""
    site.files["/model.bin"] = BYTES
    return make(Web(f"{site.url}/", ("model.bin",)), files={"model.bin": BYTES})


@pytest.fixture
def archive(site: Site, make: Callable[..., Model], tmp_path: Path) -> Callable[..., Model]:
    """`archive({path: content})`: a model that comes as a zip with the folder "root"."""

    def model(members: dict[str, bytes], must_have: tuple[str, ...] = ()) -> Model:
        path = tmp_path / "small-model.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, content in members.items():
                packed.writestr(name, content)
        body = path.read_bytes()
        site.files["/small-model.zip"] = body
        source = Zip(f"{site.url}/small-model.zip", "root", len(body), hashlib.sha256(body).hexdigest())
        return make(source, must_have=must_have, unpacked=1_000)

    return model
