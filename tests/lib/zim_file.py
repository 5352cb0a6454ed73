"""ZIM files for tests, written by libzim itself: articles in the markup of Kiwix's Wikipedia files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from libzim.writer import Creator, Hint, Item, StringProvider

HATNOTE = '<div class="hatnote" role="note">This article is about something. For other uses, see elsewhere.</div>'
INFOBOX = '<table class="infobox"><tr><td><p>A table that nobody wants to hear. It has 1234 rows.</p></td></tr></table>'
COORDINATES = '<p><span id="coordinates">Coordinates: 52°21′N 4°53′E</span></p>'
REFERENCE = '<sup class="reference"><a href="#cite">[1]</a></sup>'
SCRIPT = "<script>document.title = 'run'; alert(1)</script>"


@dataclass(frozen=True)
class Article:
    title: str
    paragraphs: Sequence[str]
    redirects: Sequence[str] = ()

    @property
    def path(self) -> str:
        return self.title.replace(" ", "_")

    @property
    def html(self) -> str:
        text = "".join(f"<p>{p}{REFERENCE}</p>" for p in self.paragraphs)
        head = f"<html><head><title>{self.title}</title><style>p {{color: red}}</style></head>"
        return f"{head}<body><h1>{self.title}</h1>{HATNOTE}{COORDINATES}{INFOBOX}{SCRIPT}{text}</body></html>"


class _Page(Item):  # type: ignore[misc]  # libzim has no types that mypy sees
    def __init__(self, path: str, title: str, content: str, mimetype: str = "text/html") -> None:
        super().__init__()
        self._page = (path, title, content, mimetype)

    def get_path(self) -> str:
        return self._page[0]

    def get_title(self) -> str:
        return self._page[1]

    def get_mimetype(self) -> str:
        return self._page[3]

    def get_contentprovider(self) -> StringProvider:
        return StringProvider(self._page[2])

    def get_hints(self) -> Mapping[Hint, int]:
        return {Hint.FRONT_ARTICLE: True}


def write_zim(
    path: Path, lang: str, articles: Sequence[Article], name: str = "", title: str = "Wikipedia", index: bool = True
) -> Path:
    """A file of articles in "en" or "zh", as `name` of Kiwix ("wikipedia_en_all"), with its full-text index."""
    language = {"en": "eng", "zh": "zho"}[lang]
    creator = Creator(path).config_indexing(index, language).config_verbose(False).config_nbworkers(1)
    creator.set_mainpath(articles[0].path)
    with creator:
        for article in articles:
            creator.add_item(_Page(article.path, article.title, article.html))
            for redirect in article.redirects:
                creator.add_redirection(redirect.replace(" ", "_"), redirect, article.path, {Hint.FRONT_ARTICLE: True})
        creator.add_item(_Page("logo.svg", "Logo of everything", "<svg><text>logo</text></svg>", "image/svg+xml"))
        metadata = {"Title": title, "Language": language, "Date": "2026-01-01", "Creator": "-", "Publisher": "-"}
        for key, value in {**metadata, "Description": "-", **({"Name": name} if name else {})}.items():
            creator.add_metadata(key, value)
    return path


ENGLISH = (
    Article(
        "The Night Watch",
        [
            "<b>The Night Watch</b> (<span class='IPA'>/naɪt/</span>; Dutch: <i>De Nachtwacht</i>) is a 1642 painting "
            "by <a href='Rembrandt'>Rembrandt van Rijn</a>. It is in the collection of the Amsterdam Museum.",
            "It was attacked with a knife in 1975. The painting is 3.6 metres (12 ft) tall.",
        ],
        ["Night Watch", "De Nachtwacht"],
    ),
    Article("Night", ["Night is the period of darkness. People painted pictures of the watch that is kept at night."]),
    Article("Watch", ["A watch is a portable timepiece. It is worn on the wrist."]),
    Article(
        "Rembrandt",
        [
            "Rembrandt Harmenszoon van Rijn (Dutch: <span class='IPA'>[ˈrɛm]</span>; 15 July 1606 – 4 October 1669) "
            "was a Dutch painter, printmaker and draughtsman. He is among the greatest visual artists in history.",
            "Mr. van Rijn, i.e. Rembrandt, was born in Leiden. In 1642 he painted a company of guards.",
        ],
    ),
    Article(
        "Great Wall of China",
        [
            "The Great Wall of China is a series of fortifications in China. They were built across the historical "
            "northern borders of ancient Chinese states.",
            "The walls built by the Ming dynasty are 8,850 km (5,499 mi) long.",
        ],
        ["Great Wall"],
    ),
    Article(
        "France",
        [
            "France is a country in Western Europe. It has 68 million inhabitants.",
            "The capital and largest city is Paris. Other cities are Lyon and Lille.",
        ],
    ),
    Article("Capital city", ["A capital is the city where a government sits. Many are large."], ["Capital"]),
    Article("Mercury", ["Mercury may refer to: a planet, a metal, or a god. See also quicksilver."]),
    Article("Mercury (planet)", ["Mercury is the first planet from the Sun. It has no moons."]),
    Article(
        "Alexander Graham Bell",
        [
            "Alexander Graham Bell (March 3, 1847 – August 2, 1922) was a Scottish-born inventor. He is credited with "
            "patenting the first practical telephone."
        ],
    ),
    Article("Photosynthesis", ["Photosynthesis is how plants turn light into chemical energy. It sets oxygen free."]),
    Article("AC/DC", ["AC/DC are an Australian rock band. They were formed in Sydney in 1973."]),
    Article(
        "Kettle",
        ["A kettle boils water. Limescale in a kettle is removed with vinegar or citric acid; descale it each month."],
    ),
)
CHINESE = (
    Article(
        "夜巡",
        [
            "《夜巡》（荷兰语：De Nachtwacht）是荷兰画家伦勃朗于1642年创作的油画。它现藏于阿姆斯特丹国家博物馆。",
            "1975年它被人用刀划破。",
        ],
    ),
    Article(
        "伦勃朗", ["伦勃朗·哈尔曼松·凡·莱因（Rembrandt，1606年7月15日－1669年10月4日）是荷兰画家。他画了《夜巡》。"]
    ),
    Article("長城", ["長城是中國古代的軍事防禦工程。它是世界文化遺產。", "明長城的總長度為8851.8公里。"]),
    Article("北京市", ["北京市，简称京，是中华人民共和国的首都。它也是中国的政治中心。"]),
    Article("首都", ["首都是一个国家政府所在的城市。许多首都很大。"]),
    Article("中国", ["中国是位于亚洲东部的国家。中国的首都是北京。"]),
    Article("珠穆朗玛峰", ["珠穆朗玛峰是世界第一高峰。它的海拔高度为8848.86米。"]),
    Article("光合作用", ["光合作用是植物把光能变成化学能的过程。它放出氧气。"]),
    Article("目的地", ["目的地是旅行的终点。人们坐车去目的地。"]),
)
