"""Questions as people ask them, against ZIM files that libzim wrote."""

from __future__ import annotations

from pathlib import Path

import pytest
from zim_file import CHINESE, ENGLISH, Article, write_zim

from actions.errors import ActionError, NotNow
from actions.search.answer_text import answer
from actions.search.search_offline import Encyclopedia, running_text


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an English and a Chinese file."""
    made = tmp_path_factory.mktemp("zim")
    write_zim(made / "wikipedia_en.zim", "en", ENGLISH, "wikipedia_en_all")
    write_zim(made / "wikipedia_zh.zim", "zh", CHINESE, "wikipedia_zh_all")
    return made


@pytest.fixture(scope="module")
def encyclopedia(folder: Path) -> Encyclopedia:
    return Encyclopedia((), folder)


def said(encyclopedia: Encyclopedia, query: str, lang: str) -> tuple[str, str]:
    """The title of the article that was found, and the sentences that are read."""
    found = answer(query, encyclopedia.find(query, lang), lang)
    return (found.passage.title, found.text) if found else ("", "")


@pytest.mark.parametrize(
    ("query", "title", "words"),
    [
        ("who painted the Night Watch", "The Night Watch", "by Rembrandt van Rijn."),
        ("who painted the night watch?", "The Night Watch", "by Rembrandt van Rijn."),
        ("night watch", "The Night Watch", "is a 1642 painting"),
        ("how tall is the night watch", "The Night Watch", "is 3.6 metres tall."),
        ("when was the Night Watch attacked", "The Night Watch", "in 1975."),
        ("when was rembrandt born", "Rembrandt", "(15 July 1606 – 4 October 1669)"),
        ("who was Rembrandt", "Rembrandt", "was a Dutch painter"),
        ("how long is the great wall of china", "Great Wall of China", "are 8,850 km long."),
        ("how long is the great wall", "Great Wall of China", "are 8,850 km long."),
        ("what is the capital of france", "France", "largest city is Paris."),
        ("capital of france", "France", "largest city is Paris."),
        ("what's a capital city", "Capital city", "where a government sits."),
        ("how many moons does mercury have", "Mercury (planet)", "It has no moons."),
        ("who invented the telephone", "Alexander Graham Bell", "telephone."),
        ("how do plants turn light into energy", "Photosynthesis", "chemical energy."),
        ("how do i descale my kettle", "Kettle", "vinegar"),
        ("AC/DC", "AC/DC", "Australian rock band."),
        ("de nachtwacht", "The Night Watch", "is a 1642 painting"),
        ("Rembrandt's birthday", "Rembrandt", "15 July 1606"),
    ],
)
def test_english_questions(encyclopedia: Encyclopedia, query: str, title: str, words: str) -> None:
    found, text = said(encyclopedia, query, "en")
    assert found == title
    assert words in text


@pytest.mark.parametrize(
    ("query", "title", "words"),
    [
        ("夜巡是谁画的", "夜巡", "荷兰画家伦勃朗"),
        ("谁画了夜巡", "夜巡", "荷兰画家伦勃朗"),
        ("夜巡", "夜巡", "荷兰画家伦勃朗"),
        ("伦勃朗是哪年出生的", "伦勃朗", "（1606年7月15日－1669年10月4日）"),
        ("长城有多长", "长城", "8851.8公里"),
        ("万里长城有多长", "长城", "8851.8公里"),
        ("中国的首都是哪里", "中国", "中国的首都是北京。"),
        ("北京", "北京市", "首都"),
        ("什么是首都", "首都", "国家政府所在的城市。"),
        ("珠穆朗玛峰有多高", "珠穆朗玛峰", "8848.86米。"),
        ("世界第一高峰是哪座", "珠穆朗玛峰", "世界第一高峰"),
        ("植物怎么把光能变成化学能", "光合作用", "化学能"),
        ("目的地是什么意思", "目的地", "旅行的终点。"),
    ],
)
def test_chinese_questions(encyclopedia: Encyclopedia, query: str, title: str, words: str) -> None:
    found, text = said(encyclopedia, query, "zh")
    assert found == title
    assert words in text


@pytest.mark.parametrize(
    ("query", "lang"),
    [
        ("how do i fix a flat bicycle tyre", "en"),
        ("zebra", "en"),
        ("the", "en"),
        ("?!", "en"),
        ('zebra* AND (NOT "crossing', "en"),
        ("西班牙斗牛", "zh"),
        ("的", "zh"),
        ("x" * 5000, "en"),
        ("长" * 3000, "zh"),
    ],
)
def test_what_is_not_there_is_not_made_up(encyclopedia: Encyclopedia, query: str, lang: str) -> None:
    assert not encyclopedia.find(query, lang)


def test_source_link_and_language(encyclopedia: Encyclopedia) -> None:
    (english,) = encyclopedia.find("night watch", "en")
    assert (english.source, english.link) == ("Wikipedia", "https://en.wikipedia.org/wiki/The_Night_Watch")
    (chinese,) = encyclopedia.find("夜巡", "zh")
    assert chinese.link == "https://zh.wikipedia.org/wiki/%E5%A4%9C%E5%B7%A1"
    assert not encyclopedia.find("夜巡", "en")


def test_a_file_of_somebody_else_has_its_own_name_and_no_link(tmp_path: Path) -> None:
    file = write_zim(tmp_path / "x.zim", "en", ENGLISH, title="Kitchen <b>Handbook</b>", index=False)
    (found,) = Encyclopedia([file], tmp_path).find("kettle", "en")
    assert (found.source, found.link, found.title) == ("Kitchen Handbook", "", "Kettle")


def test_no_table_note_or_script_is_in_the_text(encyclopedia: Encyclopedia) -> None:
    (found,) = encyclopedia.find("the night watch", "en")
    for beside in ("table", "elsewhere", "Coordinates", "52", "[1]", "alert", "color", "naɪt"):
        assert beside not in found.text


def test_text_without_paragraphs_is_still_text() -> None:
    assert running_text("<body><div>One thing.</div><div>Another.</div><script>no()</script></body>") == (
        "One thing. Another."
    )
    assert running_text("") == ""


def test_the_language_that_was_spoken(tmp_path: Path) -> None:
    only_chinese = Encyclopedia([write_zim(tmp_path / "zh.zim", "zh", CHINESE)], tmp_path)
    with pytest.raises(ActionError, match="not in English"):
        only_chinese.find("night watch", "en")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ActionError, match="Put a ZIM file into") as caught:
        Encyclopedia((), tmp_path).find("night watch", "en")
    assert not isinstance(caught.value, NotNow)
    assert str(tmp_path) in caught.value.spoken("zh")


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "gone", "folder"])
def test_a_damaged_file_is_a_sentence_and_the_other_one_still_answers(
    folder: Path, tmp_path: Path, damage: str
) -> None:
    good, bad = folder / "wikipedia_en.zim", tmp_path / "bad.zim"
    content = {"empty": b"", "text": b"no ZIM at all" * 100, "cut": good.read_bytes()[:9000]}
    if damage == "folder":
        bad.mkdir()
    elif damage in content:
        bad.write_bytes(content[damage])
    with pytest.raises(ActionError, match=r"cannot read the encyclopedia bad\.zim"):
        Encyclopedia([bad], tmp_path).find("night watch", "en")
    (found,) = Encyclopedia([bad, good], tmp_path).find("night watch", "en")
    assert found.title == "The Night Watch"


def test_an_article_without_end_is_left_out(tmp_path: Path) -> None:
    long = Article("Long", ["word " * 1_000_000])
    file = write_zim(tmp_path / "long.zim", "en", [long, Article("Short", ["A long tale is short."])], index=False)
    assert [p.title for p in Encyclopedia([file], tmp_path).find("short", "en")] == ["Short"]
    assert not Encyclopedia([file], tmp_path).find("long", "en")
