"""Search engines of the web: Google's Programmable Search, a SearXNG server, DuckDuckGo.

Each is asked once and gives passages, the best first. They differ in what they are called with and in what they answer;
what is said of it all is not known here. Sources: Google, Custom Search JSON API, `cse.list`; SearXNG, Search API.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, TypeVar
from urllib.parse import quote, urlsplit

import msgspec

from actions.errors import ActionError, Misfit, NotNow
from actions.search.answer_text import Passage, plain
from actions.secret import Secret
from actions.web import Refused, Web

log = logging.getLogger(__name__)
GOOGLE_URL = "https://www.googleapis.com/customsearch/v1"
RESULTS = 8  # that are asked for and looked at
LONGEST_LINK = 1000  # characters; a longer one is no address that a person would open
Engine = Literal["searxng", "google", "duckduckgo", "offline"]
T = TypeVar("T")
_CODES = {"en": ("en", "en", "us-en"), "zh": ("zh-CN", "zh-CN", "cn-zh")}  # for Google, SearXNG, DuckDuckGo
_SAFE = {"off": ("off", "0", "off"), "moderate": ("active", "1", "moderate"), "strict": ("active", "2", "on")}


class SearchSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where answers are looked up. Left out: in an encyclopedia file where there is one, else at DuckDuckGo."""

    backends: tuple[Engine, ...] = ()  # who is asked first, second, ...; empty: all that are set up, else DuckDuckGo
    searxng_url: Annotated[str, msgspec.Meta(pattern=r"^(https?://\S+)?$")] = (
        ""  # address of a SearXNG server that answers in JSON, "https://search.example.org"
    )
    google_key: Secret | None = None  # API key of Google's Custom Search JSON API; as `email.password`
    google_cx: str = ""  # ID of the Programmable Search Engine that goes with it
    encyclopedias: tuple[Path, ...] = ()  # ZIM files for answers without network; empty: all in the folder `search`
    safe: Literal["off", "moderate", "strict"] = (
        "moderate"  # how strictly the web's engines leave out what is not for children
    )
    timeout: Annotated[float, msgspec.Meta(ge=1, le=60)] = 8.0  # seconds to wait for each engine
    ca_file: Path | None = None  # certificate of a private authority that SearXNG's address is signed by (PEM)

    def __post_init__(self) -> None:
        if bool(self.google_key) != bool(self.google_cx):
            missing = "google_cx" if self.google_key else "google_key"
            raise Misfit(f"{missing} is missing: Google wants both", f"缺少 {missing}：Google 需要两者")
        for engine, is_set, needed in (
            ("google", bool(self.google_key), "google_key and google_cx"),
            ("searxng", bool(self.searxng_url), "searxng_url"),
        ):
            if engine in self.backends and not is_set:
                chinese = needed.replace("and", "和")
                raise Misfit(f"backends has {engine}, which needs {needed}", f"backends 里的 {engine} 需要 {chinese}")


class Searcher(Protocol):
    """One place to look something up."""

    def find(self, query: str, lang: str) -> list[Passage]:
        """What it has, the best first; empty when it has nothing.

        Raises `NotNow` when it cannot be asked now, `ActionError` when it refuses or is not set up rightly.
        """


class _GoogleItem(msgspec.Struct):
    title: str = ""
    link: str = ""
    snippet: str = ""


class _GoogleAnswer(msgspec.Struct):
    items: list[_GoogleItem] = []


class Google:
    """Google's Custom Search JSON API. Closed to new customers; those it has keep it until the end of 2026."""

    def __init__(self, settings: SearchSettings, url: str = GOOGLE_URL) -> None:
        self._settings = settings
        self._url = url
        self._web = Web(service="Google", section="search", timeout=settings.timeout)

    def find(self, query: str, lang: str) -> list[Passage]:
        if self._settings.google_key is None:
            raise ActionError("Google search is not set up.", "还没有设置 Google 搜索。")
        code = _code(lang)[0]
        params = {
            "key": self._settings.google_key.reveal(),
            "cx": self._settings.google_cx,
            "q": query,
            "num": str(RESULTS),
            "hl": code,
            "lr": f"lang_{code}",
            "safe": _SAFE[self._settings.safe][0],
        }
        try:
            answer = _shaped(self._web.get(self._url, params).json(), _GoogleAnswer, "Google")
        except Refused as error:
            if error.reply.status != 400:
                raise
            raise ActionError(  # so it answers to a key that is none, and to a wrong cx
                "Google does not take the search. Check google_key and google_cx in the search settings.",
                "Google 不接受这次搜索，请检查搜索设置里的 google_key 和 google_cx。",
            ) from None
        return _passages((item.title, item.snippet, item.link) for item in answer.items)


class _SearxAnswer(msgspec.Struct):
    answer: str = ""
    url: str | None = None


class _SearxLink(msgspec.Struct):
    url: str | None = None


class _SearxInfobox(msgspec.Struct):
    infobox: str = ""
    content: str | None = None
    urls: list[_SearxLink] = []


class _SearxResult(msgspec.Struct):
    title: str = ""
    url: str | None = None
    content: str | None = None


class _SearxReply(msgspec.Struct):
    answers: list[str | _SearxAnswer] = []  # plain texts before SearXNG 2024.12
    infoboxes: list[_SearxInfobox] = []
    results: list[_SearxResult] = []


class SearXNG:
    """A SearXNG server, one's own or one that allows JSON."""

    def __init__(self, settings: SearchSettings) -> None:
        self._settings = settings
        self._web = Web(section="search", timeout=settings.timeout, ca_file=settings.ca_file)

    def find(self, query: str, lang: str) -> list[Passage]:
        url = self._settings.searxng_url
        params = {
            "q": query,
            "format": "json",
            "language": _code(lang)[1],
            "safesearch": _SAFE[self._settings.safe][1],
            "categories": "general",
        }
        try:
            reply = self._web.get(f"{url.rstrip('/').removesuffix('/search')}/search", params)
        except Refused as error:
            if error.reply.status != 403:
                raise
            raise ActionError(  # it has no keys: 403 means that its `search.formats` lacks json
                f"The search server {error.reply.service} gives no JSON. Allow the format json in its settings.",
                f"搜索服务器 {error.reply.service} 不提供 JSON，请在它的设置里启用 json 格式。",
            ) from None
        found = _shaped(reply.json(), _SearxReply, reply.service)
        direct = [a if isinstance(a, _SearxAnswer) else _SearxAnswer(a) for a in found.answers]
        passages = [
            Passage(_source(a.url) or "SearXNG", "", plain(a.answer), _link(a.url), direct=True)
            for a in direct[:RESULTS]
            if a.answer
        ]
        boxes = (
            (box.infobox, box.content, next((link.url for link in box.urls if _link(link.url)), ""))
            for box in found.infoboxes
        )
        results = ((result.title, result.content, result.url) for result in found.results)
        return passages + _passages(boxes) + _passages(results)


class DuckDuckGo:
    """DuckDuckGo's page for browsers without scripts, through ddgs: it has no interface for programs, wants no key, and
    turns programs away now and then."""

    def __init__(self, settings: SearchSettings) -> None:
        self._settings = settings

    def find(self, query: str, lang: str) -> list[Passage]:
        from ddgs import DDGS  # late: it loads lxml and an HTTP client of its own
        from ddgs.exceptions import DDGSException

        try:
            found = DDGS(timeout=round(self._settings.timeout)).text(
                query,
                region=_code(lang)[2],
                safesearch=_SAFE[self._settings.safe][2],
                max_results=RESULTS,
                backend="duckduckgo",
            )
        except DDGSException as error:
            log.info("no answer of DuckDuckGo: %s", error)
            if "No results" in str(error):  # it says so too when it takes us for a robot
                raise NotNow("DuckDuckGo gave me no results.", "DuckDuckGo 没有给出结果。") from None
            raise NotNow("I cannot reach DuckDuckGo now.", "现在连不上 DuckDuckGo。") from None
        return _passages((str(r.get("title", "")), str(r.get("body", "")), str(r.get("href", ""))) for r in found)


def _passages(found: Iterable[tuple[str, str | None, str | None]]) -> list[Passage]:
    """(title, text, address) as passages; those without a proper address are left out."""
    out: list[Passage] = []
    for title, text, url in found:
        link = _link(url)
        if link:
            out.append(Passage(_source(link), plain(title)[:200], plain(text or ""), link))
        if len(out) == RESULTS:
            break
    return out


def _shaped(value: Any, kind: type[T], service: str) -> T:
    """JSON as the struct that it should be. Raises `NotNow` when it is something else."""
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, RecursionError):
        raise NotNow(f"{service} gave an answer that I cannot read.", f"{service} 的回应无法识别。") from None


def _link(url: str | None) -> str:
    """The address if it leads into the web, with all that is not ASCII in it encoded; else empty."""
    url = quote((url or "").strip(), safe="%/:?#[]@!$&'()*+,;=~")
    return url if len(url) <= LONGEST_LINK and _source(url) else ""


def _source(url: str | None) -> str:
    """The name of a page's site as it is spoken ("britannica.com"); empty for an address of another kind."""
    try:
        parts = urlsplit(url or "")
        host = parts.hostname or ""
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or parts.username is not None or "." not in host:
        return ""
    if not host.replace(".", "").replace("-", "").isalnum():
        return ""
    if host.endswith(".wikipedia.org"):
        return "Wikipedia"
    return ".".join(host.removeprefix("www.").split(".")[-4:])


def _code(lang: str) -> tuple[str, str, str]:
    return _CODES["zh" if lang == "zh" else "en"]
