"""One bounded HTTP client for all adapters.

A call ends within its time, takes no more than its bytes, follows redirects to the web only and never from https to
http, and fails with a sentence that names the service and no secret. Of a request that must not be made twice it tells
"it never left" from "it left, and no answer came". Knows no service.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urljoin, urlsplit

from actions.deadline import Late, within
from actions.errors import ActionError, NotNow
from actions.messages.delivery import CERTIFICATE_NOT_YET_VALID, AnswerLost
from actions.secret import Secret

if TYPE_CHECKING:
    import requests

log = logging.getLogger(__name__)
USER_AGENT = "tako (a pocket agent)"
TIMEOUT = 20.0  # seconds
MAX_BYTES = 1 << 20
REDIRECTS = 5
_BLOCK = 1 << 13
_LATER = {408, 425, 429, 500, 502, 503, 504}  # statuses that may be another one later
_DOUBTFUL = {500, 502, 504}  # of these, those behind which the request may have been carried out

Fields = Mapping[str, str] | Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Reply:
    """The answer of a service."""

    status: int
    headers: Mapping[str, str]  # names in any case
    content: bytes = field(repr=False)
    url: str = field(repr=False)  # where it came from in the end; may hold what was asked
    service: str = ""  # its name for people

    def text(self) -> str:
        """The content as text, in the charset that the service names, else UTF-8; what does not fit is replaced."""
        _, _, charset = self.headers.get("Content-Type", "").lower().partition("charset=")
        try:
            return self.content.decode(charset.split(";")[0].strip("\"' ") or "utf-8", "replace")
        except (LookupError, ValueError):
            return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The content as JSON. Raises `NotNow` when it is none (the sign-in page of a café's network, say)."""
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            raise NotNow(
                f"{self.service} gave an answer that I cannot read.", f"{self.service} 的回应无法识别。"
            ) from None


class Refused(ActionError):
    """The service said no; what it answered is in `reply`."""

    def __init__(self, en: str, zh: str, reply: Reply) -> None:
        super().__init__(en, zh)
        self.reply = reply


class Web:
    """Calls one service. Every call raises

    - `NotNow` when the service cannot be reached, is busy (429) or broken (5xx),
    - `Refused` for any other answer that is not a success (with 401 and 403: to check the key),
    - `ActionError` when its certificate is not to be trusted, its answer too large, or the address none.
    """

    def __init__(
        self,
        *,
        service: str = "",
        section: str = "",
        timeout: float = TIMEOUT,
        max_bytes: int = MAX_BYTES,
        user_agent: str = USER_AGENT,
        ca_file: Path | None = None,
    ) -> None:
        """service: its name in sentences, by default the host; section: of the settings that its key stands in;
        timeout: seconds for the whole of a call; ca_file: a private authority to trust (PEM)."""
        self._service = service
        self._section = section
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._user_agent = user_agent
        self._ca_file = ca_file

    def get(
        self,
        url: str,
        params: Fields | None = None,
        headers: Mapping[str, str | Secret] | None = None,
        auth: tuple[str, Secret] | None = None,
    ) -> Reply:
        """`auth`: user and password of HTTP's Basic login."""
        return self._call(_Call("GET", _with(url, params), headers or {}, auth))

    def post(
        self,
        url: str,
        *,
        data: Fields | bytes | None = None,
        json: Any = None,
        params: Fields | None = None,
        headers: Mapping[str, str | Secret] | None = None,
        auth: tuple[str, Secret] | None = None,
        once: bool = False,
        method: str = "POST",
    ) -> Reply:
        """Sends a form (`data` as fields), bytes, or `json`.

        once: the request must not be made twice: raises `AnswerLost` when it was handed over and nobody can know
        whether it was carried out. Without it that is a `NotNow` like others.
        """
        content, kind = _encoded(data, json)
        if once and not content:
            raise ValueError("without a body it cannot be told whether a request has left")
        kinds = {"Content-Type": kind} if kind else {}
        return self._call(_Call(method, _with(url, params), {**kinds, **(headers or {})}, auth, content, once))

    def _call(self, call: _Call) -> Reply:
        service = self._service or _host(call.url)
        body = _Body(call.content)
        try:
            reply = within(self._timeout, lambda: self._follow(call, body, service))
        except Late:
            log.info("%s took longer than %g s", service, self._timeout)
            if body.abandon() and call.once:
                raise AnswerLost from None
            raise _unreachable(service) from None
        except ActionError:
            if call.once and body.handed_over:
                raise AnswerLost from None
            raise
        return self._judged(reply, call)

    def _judged(self, reply: Reply, call: _Call) -> Reply:
        """The reply if it is a success."""
        service, status = reply.service, reply.status
        if 200 <= status < 300:
            return reply
        log.info("%s answers %d", service, status)
        if status in _DOUBTFUL and call.once:
            raise AnswerLost
        if status in _LATER or status > 504:
            raise NotNow(
                f"{service} has no time for me now ({status})."
                if status == 429
                else f"{service} does not work now ({status}).",
                f"{service} 现在太忙（{status}）。" if status == 429 else f"{service} 暂时不可用（{status}）。",
            )
        if status in (401, 403):
            where = f"the {self._section} settings" if self._section else "the settings"
            raise Refused(
                f"{service} does not let me in ({status}). Check the key in {where}.",
                f"{service} 拒绝访问（{status}），请检查设置{f' {self._section} ' if self._section else ''}里的密钥。",
                reply,
            )
        raise Refused(f"{service} refused the request ({status}).", f"{service} 拒绝了请求（{status}）。", reply)

    def _follow(self, call: _Call, body: _Body, service: str) -> Reply:
        """The answer, redirects of a GET followed; in the worker's thread."""
        import requests  # late: it takes longer to load than all of tako's own adapters

        ends = time.monotonic() + self._timeout
        url, headers = call.url, self._headers(call)
        try:
            for _ in range(REDIRECTS + 1):
                if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
                    raise _no_address(service)
                reply = self._exchange(requests, call, url, headers, body, ends, service)
                if call.method != "GET" or reply.status not in (301, 302, 303, 307, 308):
                    return reply
                url, before = urljoin(url, reply.headers.get("Location", "")), url
                if urlsplit(before).scheme == "https" and urlsplit(url).scheme != "https":
                    raise _no_address(service)
                if urlsplit(before)[:2] != urlsplit(url)[:2]:  # the key is for the first one only
                    headers = {"User-Agent": self._user_agent}
            raise _no_address(service)
        except requests.RequestException as error:
            log.info("no answer of %s: %s", service, type(error).__name__)  # its words may hold the address
            raise _meaning(error, service) from None
        except OSError as error:  # the certificate file; requests says no more of it
            raise ActionError(
                f"I cannot read the certificate file {self._ca_file}.", f"读不了证书文件 {self._ca_file}。"
            ) from error
        except ValueError:  # what requests does not take for an address or header
            raise _no_address(service) from None

    def _exchange(
        self, requests: Any, call: _Call, url: str, headers: dict[str, str], body: _Body, ends: float, service: str
    ) -> Reply:
        with requests.Session() as session:
            answer: requests.Response
            with session.request(
                call.method,
                url,
                headers=headers,
                data=body if call.content else None,
                auth=lambda request: request,  # else requests looks for a password in ~/.netrc
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
                verify=str(self._ca_file) if self._ca_file else True,
            ) as answer:
                content = bytearray()
                for block in answer.iter_content(_BLOCK):
                    content += block
                    if len(content) > self._max_bytes:
                        raise ActionError(
                            f"{service} sends more than I can take.", f"{service} 发来的内容太大，无法处理。"
                        )
                    if time.monotonic() > ends:  # nobody waits for it any more
                        raise _unreachable(service)
                return Reply(answer.status_code, answer.headers, bytes(content), url, service)

    def _headers(self, call: _Call) -> dict[str, str]:
        headers = {"User-Agent": self._user_agent}
        if call.auth:
            login = f"{call.auth[0]}:{call.auth[1].reveal()}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(login).decode()}"
        for name, value in call.headers.items():
            headers[name] = value.reveal() if isinstance(value, Secret) else value
        return headers


@dataclass(frozen=True)
class _Call:
    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str | Secret] = field(repr=False)
    auth: tuple[str, Secret] | None
    content: bytes = field(default=b"", repr=False)
    once: bool = False


class _Body:
    """The content of a request, which knows how much of it was taken."""

    def __init__(self, content: bytes) -> None:
        self._stream = io.BytesIO(content)
        self._size = len(content)
        self._lock = threading.Lock()
        self._abandoned = False
        self.handed_over = False  # the end was asked for, so all before it is on its way

    def __len__(self) -> int:
        return self._size

    def read(self, size: int = -1) -> bytes:
        with self._lock:
            if self._abandoned:
                raise OSError("nobody waits for this request any more")
            block = self._stream.read(size)
            self.handed_over = not block
            return block

    def abandon(self) -> bool:
        """Nothing more is given out. True when the last of it was given out already: it may arrive."""
        with self._lock:
            self._abandoned = True
            return self._size > 0 and self._stream.tell() == self._size


def _with(url: str, params: Fields | None) -> str:
    if not params:
        return url
    return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(_pairs(params))}"


def _pairs(fields: Fields) -> list[tuple[str, str]]:
    return list(fields.items() if isinstance(fields, Mapping) else fields)


def _encoded(data: Fields | bytes | None, value: Any) -> tuple[bytes, str]:
    """The bytes of a body and their type."""
    if value is not None:
        return json.dumps(value, ensure_ascii=False).encode(), "application/json"
    if data is None or isinstance(data, bytes):
        return data or b"", ""
    return urlencode(_pairs(data)).encode(), "application/x-www-form-urlencoded"


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "the service"
    except ValueError:
        return "the service"


def _meaning(error: requests.RequestException, service: str) -> ActionError:
    """What a failure without an answer means."""
    import requests

    certificate = _certificate_error(error)
    if certificate is not None and certificate.verify_code == CERTIFICATE_NOT_YET_VALID:
        return NotNow(
            f"The certificate of {service} is not valid yet: my clock may be wrong.",
            f"{service} 的证书尚未生效，可能是系统时间不对。",
        )
    if certificate is not None:
        return ActionError(
            f"{service} shows a certificate that I cannot trust ({certificate.verify_message}), so I sent nothing. "
            "Check the address, and the clock.",
            f"{service} 的证书不可信，没有发送。请检查地址和系统时间。",
        )
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidHeader | ValueError):
        return _no_address(service)
    return _unreachable(service)


def _certificate_error(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    """What is wrong with a certificate, looked for in the causes of an error."""
    seen: list[BaseException] = [error] if error else []
    for cause in seen:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause
        inner = (*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__)
        seen += [e for e in inner if isinstance(e, BaseException) and e not in seen]
    return None


def _unreachable(service: str) -> NotNow:
    return NotNow(f"I cannot reach {service} now.", f"现在连不上 {service}。")


def _no_address(service: str) -> ActionError:
    return ActionError(
        f"{service} leads to an address that I don't follow. Check it in the settings.",
        f"{service} 的地址不能使用，请检查设置。",
    )
