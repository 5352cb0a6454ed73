"""An encyclopedia in a file: articles of a ZIM file (openZIM, as Kiwix offers Wikipedia) found without network.

Titles first: a question nearly always holds the title of the article that answers it. Then the file's own full-text
index, which wants all words of a query: so it is asked again with one word less. Chinese is indexed there by characters
and pairs of them; questions are cut at the words that only ask, in simplified and traditional characters. Knows libzim
and HTML; knows nothing of the web.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from selectolax.lexbor import LexborHTMLParser

from actions.errors import ActionError
from actions.search.answer_text import MOST_TEXT, STOP_WORDS, Passage, chunks, coverage, fold, plain, sought, text_of
from actions.wording import say

if TYPE_CHECKING:
    from libzim.reader import Archive, Entry
    from libzim.search import Searcher
    from libzim.suggestion import SuggestionSearcher

log = logging.getLogger(__name__)
ENOUGH = 0.5  # share of a query's words that an article must have to be an answer
MOST_ARTICLES = 8  # that are opened for one query
MOST_LOOKUPS = 24  # parts of a query that are looked for among the titles
MOST_BYTES = 4 << 20  # of an article

# What is no running text of an article, in the markup of MediaWiki and of Kiwix.
_BESIDE = (
    "table, figure, sup.reference, .reference, .hatnote, .infobox, .navbox, .metadata, .noprint, .thumb, .IPA, "
    ".mw-editsection, .shortdescription, #coordinates, .geo-inline, .ext-phonos, .mwe-math-element, [role=note], "
    "audio, video, .mw-references-wrap, ol.references, style, script"
)
_LANGUAGES = {"en": ("eng", "en"), "zh": ("zho", "zh", "chi", "cmn")}  # `Language` of a file: ISO 639-3 or -1
_NAME = re.compile(r"(wikipedia|wiktionary|wikivoyage|wikibooks|wikinews|wikiquote|wikiversity)_([a-z-]{2,12})(?:_|$)")
_LISTS = re.compile(r"may (?:also )?refer to|消歧[义義]|可以?指[:：]|可能指")  # a page that only lists meanings
_WORD = re.compile(r"[\u3400-\u9fff]+|[^\W_\u3400-\u9fff]+(?:['.&-][^\W_\u3400-\u9fff]+)*")
_HAN = re.compile(r"[\u3400-\u9fff]")
_BEHIND = re.compile(r"[ _]*[(（][^()（）]*[)）]$")  # "(painting)" behind a title


class Encyclopedia:
    """The articles of one or more ZIM files; of several, those in the language that was spoken."""

    def __init__(self, files: Sequence[Path], folder: Path) -> None:
        """files: where they are; when empty, all `*.zim` in `folder`."""
        self._files = tuple(files)
        self._folder = folder
        self._zims: dict[Path, _Zim] = {}
        self._lock = threading.Lock()  # libzim's searchers are for one thread at a time

    @property
    def files(self) -> list[Path]:
        return list(self._files) or sorted(self._folder.glob("*.zim"))

    def find(self, query: str, lang: str) -> list[Passage]:
        """The article that answers a query best, if there is one. Raises `ActionError` when no file can be used."""
        if not self.files:
            raise ActionError(
                f"I have no encyclopedia. Put a ZIM file into {self._folder}.",
                f"还没有离线百科，请把 ZIM 文件放进 {self._folder}。",
            )
        failure: ActionError | None = None
        found: list[tuple[float, Passage]] = []
        speaking = False
        with self._lock:
            for path in self.files:
                try:
                    zim = self._opened(path)
                    if zim.speaks(lang):
                        speaking = True
                        found += zim.find(query, lang)
                except (RuntimeError, OSError, KeyError, ValueError) as error:  # libzim's for a damaged file
                    log.warning("%s cannot be used: %s", path, error)
                    self._zims.pop(path, None)
                    failure = ActionError(
                        f"I cannot read the encyclopedia {path.name}. Copy it again.",
                        f"读不了离线百科 {path.name}，请重新复制。",
                    )
        if not found and failure is not None:
            raise failure
        if not speaking:
            raise ActionError("My encyclopedia is not in English.", "我的离线百科不是中文的。")
        return [passage for _, passage in sorted(found, key=lambda scored: -scored[0])[:1]]

    def _opened(self, path: Path) -> _Zim:
        if path not in self._zims:
            try:
                from libzim.reader import Archive  # late: only who has a file needs it
            except ImportError:
                raise ActionError(
                    "To read the encyclopedia I need libzim. Install it with pip install libzim.",
                    "读取离线百科需要 libzim，请运行 pip install libzim。",
                ) from None
            self._zims[path] = _Zim(Archive(path))
        return self._zims[path]


class _Zim:
    """One file. Every method may raise what libzim does for a damaged one: `RuntimeError`, `KeyError`."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._languages = self._metadata("Language").casefold().replace(",", " ").split()
        name = _NAME.match(self._metadata("Name").casefold())
        self._site = f"https://{name[2]}.{name[1]}.org/wiki/" if name else ""
        title = plain(self._metadata("Title"))[:60]
        self._source = name[1].capitalize() if name else title or plain(archive.filename.stem)

    def speaks(self, lang: str) -> bool:
        """Whether it is in this language, as far as it says."""
        return not self._languages or bool({*_LANGUAGES[say(lang, "en", "zh")], "mul"} & set(self._languages))

    def find(self, query: str, lang: str) -> list[tuple[float, Passage]]:
        """Articles with their scores."""
        terms = sought(query).terms
        found: list[tuple[float, Passage]] = []
        for path, titled in self._candidates(query).items():
            passage = self._article(path, lang)
            if passage is None:
                continue
            whole = coverage(terms, f"{passage.title} {passage.text}")
            if whole >= ENOUGH or titled == 1:
                lists = bool(_LISTS.search(passage.text[:300]))
                found.append((whole + 1.5 * titled + coverage(terms, passage.title) - 2 * lists, passage))
        return found

    def _candidates(self, query: str) -> dict[str, float]:
        """Articles worth opening: path to how much of the query their title is, 0 to 1.

        First those whose title is a part of the query, then those that have its words.
        """
        found: dict[str, float] = {}
        words = _WORD.findall(fold(query))
        whole = max(1, sum(_size(word) for word in words))
        for part, size in islice(_parts(words), MOST_LOOKUPS):
            for path in self._titled(part):
                found[path] = max(found.get(path, 0.0), min(1.0, size / whole))
            if len(found) >= MOST_ARTICLES // 2:
                break
        for path in self._with_words(words):
            if len(found) >= MOST_ARTICLES:
                break
            found.setdefault(path, 0.0)
        return found

    def _titled(self, part: str) -> Iterator[str]:
        """Paths of the articles whose title is `part`, but for "the", case and what stands in brackets."""
        for variant in _variants(part):
            for title in dict.fromkeys((variant, variant.capitalize(), variant.title())):
                if self._archive.has_entry_by_title(title):
                    yield _target(self._archive.get_entry_by_title(title))
            for path in self._suggestions.suggest(variant).getResults(0, MOST_ARTICLES):
                entry = self._archive.get_entry_by_path(path)
                if _bare(entry.title) == _bare(variant) or _one_more(entry.title, variant):
                    yield _target(entry)

    def _with_words(self, words: Sequence[str]) -> Iterator[str]:
        """Paths from the full-text index, those with all words first."""
        if not self._archive.has_fulltext_index:
            return
        terms = [chunk for word in words for chunk in (chunks(word) if _HAN.match(word) else [word]) if _size(chunk)]
        shorter = [terms[:place] + terms[place + 1 :] for place in range(len(terms))]
        for some in [terms, *shorter][:MOST_LOOKUPS]:
            for variant in _variants(" ".join(some)) if some else ():
                for path in self._search(variant):
                    yield _target(self._archive.get_entry_by_path(path))

    def _search(self, words: str) -> list[str]:
        from libzim.search import Query

        return list(self._searcher.search(Query().set_query(words)).getResults(0, MOST_ARTICLES // 2))

    def _article(self, path: str, lang: str) -> Passage | None:
        """The running text of an article; None when it is no text, or far too long."""
        item = self._archive.get_entry_by_path(path).get_item()
        if not item.mimetype.startswith("text/html") or not 0 < item.size <= MOST_BYTES:
            return None
        text, title = running_text(bytes(item.content).decode("utf-8", "replace")), plain(item.title)
        if lang == "zh":
            text, title = (_converter("t2s").convert(words) for words in (text, title))
        own = item.path if self._archive.has_new_namespace_scheme else item.path.partition("/")[2]
        return Passage(self._source, title, text, self._site + quote(own, safe="/:(),'!") if self._site else "")

    def _metadata(self, name: str) -> str:
        if name not in self._archive.metadata_keys:
            return ""
        return self._archive.get_metadata(name).decode("utf-8", "replace").strip()

    @cached_property
    def _searcher(self) -> Searcher:
        from libzim.search import Searcher

        return Searcher(self._archive)

    @cached_property
    def _suggestions(self) -> SuggestionSearcher:
        from libzim.suggestion import SuggestionSearcher

        return SuggestionSearcher(self._archive)


def running_text(html: str) -> str:
    """The paragraphs of an article as plain text; without tables, notes, coordinates, pronunciations and scripts."""
    tree = LexborHTMLParser(html)
    for node in tree.css(_BESIDE):
        node.decompose()
    out: list[str] = []
    length = 0
    for paragraph in tree.css("p"):
        text = plain(paragraph.text(separator=""))
        if text:
            out.append(text)
            length += len(text)
        if length > MOST_TEXT:
            break
    return " ".join(out)[:MOST_TEXT] or plain(text_of(tree))


def _target(entry: Entry) -> str:
    """The path of an entry, of a redirect that of where it leads."""
    return str(entry.get_item().path)


def _parts(words: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Parts of a query that may be titles, the longest first, each with its size.

    Of English, runs of words that neither begin nor end with one that says little; of two as long the later one, for
    in "capital of France" it is France that has the article. Of Chinese, runs of 2 to 8 characters.
    """
    for length in range(min(len(words), 7), 0, -1):
        for start in reversed(range(len(words) - length + 1)):
            run = words[start : start + length]
            if _size(run[0]) and _size(run[-1]) and not (length == 1 and _HAN.match(run[0])):
                yield " ".join(run), sum(_size(word) for word in run)
    runs = [run for word in words if _HAN.match(word) for run in (*chunks(word), word)]
    for length in range(8, 1, -1):
        for run in runs:
            for start in range(len(run) - length + 1):
                yield run[start : start + length], length


def _size(word: str) -> int:
    """How much a word says: as many Chinese characters as ask for nothing, 2 for a word of letters, 0 for "the"."""
    return sum(map(len, chunks(word))) if _HAN.match(word) else 2 * (word not in STOP_WORDS)


def _bare(title: str) -> str:
    """A title as it is compared: its telling words in small letters, without what stands in brackets behind it."""
    words = _WORD.findall(fold(_BEHIND.sub("", title)))
    return " ".join(word.removesuffix("'s") for word in words if _size(word)) or " ".join(words)


def _one_more(title: str, part: str) -> bool:
    """Whether a Chinese title is `part` with one character more (北京市 for 北京)."""
    return bool(_HAN.match(part)) and title.startswith(part) and len(title) == len(part) + 1


def _variants(text: str) -> list[str]:
    """A text, and in traditional characters where these are others: Chinese encyclopedias are written in both."""
    if not _HAN.search(text):
        return [text]
    return list(dict.fromkeys((text, _converter("s2t").convert(text))))


@lru_cache(2)
def _converter(direction: str) -> Any:
    from opencc import OpenCC  # late: it loads tables

    return OpenCC(direction)
