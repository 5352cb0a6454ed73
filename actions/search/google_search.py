"""The action of `google_search`: asks one place after the other until one answers, and says two sentences with their
source; the link goes to the owner's phone after a yes.

A search never waits in the outbox: an answer that comes hours later answers nobody. Knows the order of the places, and
what their failures mean together; knows neither how they are asked nor what a good sentence is.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path

from actions.base import Outcome, Push, Request
from actions.database import Database, Migration, Thing
from actions.errors import ActionError, NotNow, TakoError
from actions.messages.push import place
from actions.questions import ask_for_missing
from actions.search.answer_text import Answer, Passage, answer
from actions.search.search_offline import Encyclopedia
from actions.search.search_web import DuckDuckGo, Engine, Google, Searcher, SearchSettings, SearXNG
from actions.wording import aloud, cut, one_line, say

log = logging.getLogger(__name__)
LONGEST_QUERY = 200  # characters that are sent to an engine
KEPT = 100  # links that are remembered until somebody asks for them

_IN_CHINESE = {
    "Wikipedia": "维基百科",
    "Wiktionary": "维基词典",
    "Wikivoyage": "维基导游",
    "Wikibooks": "维基教科书",
    "Wikinews": "维基新闻",
    "Wikiquote": "维基语录",
    "Wikiversity": "维基学院",
}
_MIGRATIONS: tuple[Migration, ...] = (
    ("CREATE TABLE links (number INTEGER PRIMARY KEY, key TEXT UNIQUE, title TEXT, text TEXT, link TEXT)",),
)


class GoogleSearch:
    """Looks something up: on the web as the settings say, in an encyclopedia file where there is one."""

    name = "google_search"

    def __init__(
        self,
        settings: SearchSettings,
        folder: Path,
        push: Push | None = None,
        engines: Mapping[Engine, Searcher] | None = None,
    ) -> None:
        """folder: of tako's own, for found links and for ZIM files; push: None where no way to the owner is set up;
        engines: in place of the real ones."""
        self._settings = settings
        self._encyclopedia = Encyclopedia(settings.encyclopedias, folder)
        self._links = _Links(folder / "search.sqlite")
        self._push = push
        self._engines: Mapping[Engine, Searcher] = {
            "google": Google(settings),
            "searxng": SearXNG(settings),
            "duckduckgo": DuckDuckGo(settings),
            "offline": self._encyclopedia,
            **(engines or {}),
        }

    def read_back(self, request: Request) -> str:
        ask_for_missing(request)
        query = aloud(request.call.args["query"], request.lang)
        return say(request.lang, f"Shall I search for {query}?", f"要搜索{query}吗？")

    def perform(self, request: Request) -> Outcome:
        """Raises `Question` without a query, `ActionError` when nobody could be asked; never `NotNow`."""
        ask_for_missing(request)
        query = cut(one_line(request.call.args["query"]), LONGEST_QUERY)
        failures: list[ActionError] = []
        unreadable: list[Passage] = []
        asked: list[str] = []
        for name in self._order():
            try:
                passages = self._engines[name].find(query, request.lang)
            except ActionError as error:
                log.info("%s did not answer: %s", name, error)
                failures.append(error)
                continue
            asked.append(name)
            found = answer(query, passages, request.lang)
            if found is not None:
                return self._answered(request, query, found, name)
            unreadable += [passage for passage in passages if passage.link]
        if unreadable:
            return self._only_a_link(request, query, unreadable[0])
        return _nothing(request, query, failures, asked)

    def fulfil(self, request: Request) -> Outcome:
        """Sends the link of what `perform` found. Raises `ActionError` when it is not known, and what `Push` does."""
        kept = self._links.of(_key(request))
        if kept is None or self._push is None:
            raise ActionError("I no longer have that link. Ask me again.", "链接已经找不到了，请再问一次。")
        title, text, link = kept
        where = place(self._push.push(title, text, link, key=request.key), request.lang)
        return Outcome(
            "done",
            say(request.lang, f"I sent the link to {where}.", f"链接已发到{where}。"),
            f"{self.name}: {link} to {where}",
        )

    def _order(self) -> Sequence[Engine]:
        """Who is asked: as the settings say; a file that is there is always the last resort."""
        order = list(self._settings.backends)
        if not order:
            order += ["searxng"] if self._settings.searxng_url else []
            order += ["google"] if self._settings.google_key else []
        if "offline" not in order and self._encyclopedia.files:
            order.append("offline")
        return order or ["duckduckgo"]

    def _answered(self, request: Request, query: str, found: Answer, engine: str) -> Outcome:
        passage = found.passage
        source = _source(passage, request.lang)
        spoken = say(request.lang, f"{source} says: {found.text}", f"据{source}：{found.text}")
        detail = f"{self.name}: {query!r} by {engine}: {passage.title!r} {passage.link}".rstrip()
        return Outcome("done", spoken, detail, self._offer(request, passage, spoken))

    def _only_a_link(self, request: Request, query: str, passage: Passage) -> Outcome:
        named, source = aloud(query, request.lang), _source(passage, request.lang)
        spoken = say(
            request.lang,
            f"I found a page of {source} about {named}, but nothing in it that I can read aloud.",
            f"找到了{source}上关于{named}的网页，但没有能念出来的内容。",
        )
        detail = f"{self.name}: {query!r}: {passage.title!r} {passage.link}"
        return Outcome("done", spoken, detail, self._offer(request, passage, passage.title))

    def _offer(self, request: Request, passage: Passage, text: str) -> str:
        """The question whether to send the link; empty where it cannot be sent or kept until the answer."""
        if self._push is None or not passage.link:
            return ""
        try:
            self._links.keep(_key(request), passage.title or passage.source, text, passage.link)
        except TakoError as error:  # a full disk: the answer is what was asked for
            log.warning("the link is not kept: %s", error)
            return ""
        return say(request.lang, "Shall I send you the link?", "要把链接发给你吗？")


def _nothing(request: Request, query: str, failures: Sequence[ActionError], asked: Sequence[str]) -> Outcome:
    """What is said when there is no answer. Raises `ActionError` when the web could not be asked."""
    named = aloud(query, request.lang)
    detail = f"google_search: {query!r}: nothing in {', '.join(asked)}"
    if not failures:
        sentence = say(
            request.lang,
            f"I found nothing about {named}. Try other words.",
            f"没有找到关于{named}的内容，换个说法试试。",
        )
        return Outcome("done", sentence, detail)
    first = failures[0]
    en, zh = first.en, first.zh
    if asked:
        en, zh = f"{en} Elsewhere I found nothing about {named}.", f"{zh}别处也没有找到关于{named}的内容。"
    if isinstance(first, NotNow):
        en, zh = f"{en} Please ask me again later.", f"{zh}请稍后再问。"
    raise ActionError(en, zh) from first


def _source(passage: Passage, lang: str) -> str:
    return say(lang, passage.source, _IN_CHINESE.get(passage.source, passage.source))


def _key(request: Request) -> str:
    """Under which a link is kept: the key of the action, or the query's own where there is none."""
    return request.key or sha256(request.call.args["query"].encode()).hexdigest()


class _Links:
    """The links that were found, the last `KEPT` of them, kept until a yes. A search is rare: the file is opened for
    each and closed again."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self, key: str, *title_text_link: str) -> None:
        """Raises `DeviceError` when it cannot be kept."""
        with self._opened() as database:
            columns = "INSERT OR REPLACE INTO links (key, title, text, link) VALUES (?, ?, ?, ?)"
            database.write(columns, (key, *title_text_link))
            database.write("DELETE FROM links WHERE number <= (SELECT max(number) FROM links) - ?", (KEPT,))

    def of(self, key: str) -> tuple[str, str, str] | None:
        """Title, text and link; None when there is none (any more)."""
        with self._opened() as database:
            rows = database.read("SELECT title, text, link FROM links WHERE key = ?", (key,))
        return (rows[0]["title"], rows[0]["text"], rows[0]["link"]) if rows else None

    def _opened(self) -> closing[Database]:
        return closing(Database(self._path, _MIGRATIONS, Thing("list of found links", "链接记录")))
