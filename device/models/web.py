"""One file over HTTP, resumed where it was cut. Knows neither models nor hashes: whoever calls checks what came."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests

from device.models.progress import Show

_BLOCK = 1 << 13  # bytes; what a cut takes away at most
_LATER = {408, 425, 429, 500, 502, 503, 504}  # statuses worth another try


class Unavailable(Exception):
    """A source cannot give what was asked of it; the text says why, as the end of "... because ..."."""


class Unreachable(Unavailable):
    """The site itself cannot be reached: what else it has need not be asked for now."""


@dataclass(frozen=True)
class Patience:
    """How long a fetch waits and how often it tries."""

    connect: float = 10.0  # seconds to reach a site
    read: float = 30.0  # seconds without a byte
    tries: int = 4  # in a row without a byte of progress
    backoff: float = 1.0  # seconds before the second try; doubles with each one
    stall: float = 600.0  # seconds pip may stand still before it is stopped
    sleep: Callable[[float], None] = time.sleep


class _Again(Exception):
    """A try failed in a way that another may not; `after` is what the site asks to wait, in seconds."""

    def __init__(self, why: str, after: float = 0.0) -> None:
        super().__init__(why)
        self.after = after


def download(url: str, target: Path, size: int, patience: Patience, show: Show) -> bool:
    """Fetches `url` to `target`, going on from what `target` already holds. True when it went on.

    Raises `Unavailable` when the site cannot be reached, has no such file, or sends more than `size` bytes;
    what arrived stays for the next time. `OSError` when the disk fails.
    """
    resumed, failed, tag = False, 0, target.with_name(target.name + ".etag")
    with requests.Session() as session:
        while (have := _size(target)) != size:
            if have > size:
                target.unlink()
                continue
            try:
                resumed = _get(session, url, target, tag, size, patience, show) or resumed
                arrived = _size(target)
                if arrived < size:
                    raise _Again("it ended early")
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
                why, after, unreachable = _plain(error, url), 0.0, _size(target) == have
            except _Again as error:
                why, after, unreachable = str(error), error.after, False
            except requests.RequestException as error:
                raise Unavailable(f"{host(url)} gave an answer that makes no sense ({error})") from error
            else:
                if arrived > size:
                    target.unlink()
                    raise Unavailable(f"{host(url)} sends another file than the one expected")
                continue
            failed = 1 if _size(target) > have else failed + 1
            if failed >= patience.tries:
                raise Unreachable(why) if unreachable else Unavailable(why)
            patience.sleep(max(patience.backoff * 2 ** (failed - 1), after))
    tag.unlink(missing_ok=True)
    return resumed


def _get(
    session: requests.Session, url: str, target: Path, tag: Path, size: int, patience: Patience, show: Show
) -> bool:
    """One request; appends to `target`. True when the site went on where we were."""
    have = _size(target)
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if tag.exists():
            headers["If-Range"] = tag.read_text()
    with session.get(url, headers=headers, stream=True, timeout=(patience.connect, patience.read)) as answer:
        if answer.status_code in _LATER:
            raise _Again(f"{host(url)} is busy ({answer.status_code})", _asked_wait(answer))
        if answer.status_code == 416:  # what is here does not fit what is there: begin anew
            target.unlink(missing_ok=True)
            raise _Again(f"{host(url)} cannot go on where the download stopped")
        if answer.status_code not in (200, 206):
            raise Unavailable(f"{host(url)} does not give it ({answer.status_code})")
        goes_on = answer.status_code == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        if answer.status_code == 206 and not goes_on:
            target.unlink(missing_ok=True)
            raise _Again(f"{host(url)} sent another part than was asked for")
        etag = answer.headers.get("ETag", "")
        if etag.startswith('"'):  # a weak one cannot vouch for bytes
            tag.write_text(etag)
        else:
            tag.unlink(missing_ok=True)
        done = have if goes_on else 0
        with target.open("ab" if goes_on else "wb", buffering=0) as file:
            for block in answer.iter_content(_BLOCK):
                file.write(block)
                done += len(block)
                show(done)
                if done > size:
                    break
    return goes_on


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def host(url: str) -> str:
    """For people."""
    return urlsplit(url).hostname or url


def site(url: str) -> str:
    """Host and port: what is reached or not as one."""
    return urlsplit(url).netloc


def _asked_wait(answer: requests.Response) -> float:
    value = answer.headers.get("Retry-After", "")
    return min(float(value), 60.0) if value.isdigit() else 0.0


def _plain(error: requests.RequestException, url: str) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return f"{host(url)} shows no valid certificate (is the clock right?)"
    if isinstance(error, requests.exceptions.ProxyError):
        return f"the proxy does not let through to {host(url)}"
    if isinstance(error, requests.Timeout):
        return f"{host(url)} does not answer"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return f"{host(url)} breaks off"
    return f"{host(url)} cannot be reached"
