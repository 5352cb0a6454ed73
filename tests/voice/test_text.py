"""What reaches the synthesiser: sentences, languages, numbers, units, addresses, pinyin."""

from __future__ import annotations

import pytest

from device.voice import english, mandarin
from device.voice.text import LONGEST, Segment, prepare, sentences

ENGLISH = {
    "2 kg of flour": "2 kilograms of flour",
    "1 kg and 1.5 l": "1 kilogram and 1.5 liters",
    "60 km/h, 5 m, 20 °C, -3°C": "60 kilometers per hour, 5 meters, 20 degrees Celsius, minus 3 degrees Celsius",
    "$5.99 or £1": "5 dollars 99 or 1 pound",
    "12,500 € and $1,200": "12,500 euros and 1,200 dollars",
    "write to anna_b@mail-server.co.uk": "write to anna underscore b at mail dash server.co.uk",
    "see https://example.com/menu.": "see example.com slash menu.",
    "on 2026-11-23": "on November 23, 2026",
    "call +44 20 7946 0958": "call plus 4 4, 2 0, 7 9 4 6, 0 9 5 8",
    "call 555-123-4567 now": "call 5 5 5, 1 2 3, 4 5 6 7 now",
    "1/2 cup, 2½ cups": "one half cup, 2 and one half cups",
    "3-4 items, #3": "3 to 4 items, number 3",
    "fn_3": "fn 3",
    "10% at 3:30 pm, 12,500 people, 2026": "10% at 3:30 pm, 12,500 people, 2026",
    "version 1.2.3 and 2026-99-99": "version 1.2.3 and 2026 to 99 to 99",
}
MANDARIN = {
    "买3个": "买三个",
    "2个和第2个": "两个和第二个",
    "12个": "十二个",
    "2kg苹果和500ml牛奶": "两公斤苹果和五百毫升牛奶",
    "1.5L": "一点五升",
    "￥5.99": "五点九九元",
    "$2": "两美元",
    "12,500元": "一万二千五百元",
    "15:45": "十五点四十五分",
    "9:00-10:05": "九点到十点零五分",
    "2026-11-23": "二零二六年十一月二十三日",
    "2026年": "二零二六年",
    "-3°C": "负三摄氏度",
    "每小时60km": "每小时六十公里",
    "60km/h": "每小时六十公里",
    "15%": "百分之十五",
    "1/2": "二分之一",
    "3-4个": "三到四个",
    "打13800138000": "打幺三八零零幺三八零零零",
    "007": "零零七",
}


@pytest.mark.parametrize(("written", "spoken"), ENGLISH.items())
def test_english_is_spelt_out_where_it_is_misread(written: str, spoken: str) -> None:
    assert english.normalise(written) == spoken


@pytest.mark.parametrize(("written", "spoken"), MANDARIN.items())
def test_mandarin_has_no_digits_left(written: str, spoken: str) -> None:
    assert mandarin.normalise(written) == spoken


@pytest.mark.parametrize(
    ("characters", "syllables"),
    [
        ("我晚点到。", "wo3 wan3 dian3 dao4."),
        ("银行行长，女儿！", "yin2 hang2 hang2 zhang3, nü3 er2!"),
        ("不是一个绿色的略", "bu2 shi4 yi2 ge4 lü4 se4 de5 lüe4"),
        ("嗯？", "en2?"),
    ],
)
def test_pinyin_has_tone_numbers(characters: str, syllables: str) -> None:
    assert mandarin.pinyin(characters) == syllables


def test_latin_words_in_chinese_go_to_the_english_voice() -> None:
    assert prepare("要给 Anna 发短信：我3点到？", "zh") == (
        Segment("zh", "要给"),
        Segment("en", "Anna"),
        Segment("zh", "发短信：我三点到？"),
    )
    assert prepare("买3个iPhone 15，好吗", "zh")[:2] == (Segment("zh", "买三个"), Segment("en", "iPhone 15"))
    assert prepare("在Google上搜iPhone 3个", "zh")[-1] == Segment("zh", "三个")
    assert prepare("给anna@example.com发邮件", "zh")[1] == Segment("en", "anna at example.com")


def test_chinese_words_in_english_go_to_the_mandarin_voice() -> None:
    assert prepare("Shall I text 小明: 我晚点到，好吗？ Yes.", "en") == (
        Segment("en", "Shall I text"),
        Segment("zh", "小明: 我晚点到，好吗？"),
        Segment("en", "Yes."),
    )


def test_a_sentence_in_the_other_language_is_spoken_in_its_own() -> None:
    assert prepare("hello world", "zh") == (Segment("en", "hello world"),)
    assert prepare("你好", "en") == (Segment("zh", "你好"),)


@pytest.mark.parametrize("text", ["", "  \n ", "...", "……", "😀", "* * *", "\x00\x07"])
def test_nothing_to_say_is_no_sentence(text: str) -> None:
    assert list(sentences(text)) == []


def test_sentences_end_where_a_sentence_ends() -> None:
    assert list(sentences("Dr. Smith is late. Shall I wait? e.g. here, at 3.5 km or example.com.")) == [
        "Dr. Smith is late.",
        "Shall I wait?",
        "e.g. here, at 3.5 km or example.com.",
    ]
    assert list(sentences("好的。我已经发了短信！还有吗？")) == ["好的。", "我已经发了短信！", "还有吗？"]


def test_markup_emoji_and_control_characters_are_not_spoken() -> None:
    assert [piece.split() for piece in sentences("*bold* `x` \x00😀 [y]")] == [["bold", "x", "y"]]


LONG = "That is a glass bottle, so it goes into the glass container, not into the household waste of this house."


@pytest.mark.parametrize(
    ("text", "opening", "first"),
    [
        (LONG, 0, LONG),
        (LONG, 200, LONG),
        (LONG, 90, "That is a glass bottle, so it goes into the glass container,"),
        (LONG, 40, "That is a glass bottle,"),
        ("ten thousand and twenty words " * 4, 60, "ten thousand and twenty words ten thousand and twenty words"),
        ("我找到了两个小明，你要发给哪一个？", 12, "我找到了两个小明，"),
        ("我找到了两个小明你要发给哪一个？", 12, "我找到了两个小明你要发给哪一个？"),
        ("Short. " + LONG, 40, "Short."),
    ],
)
def test_a_long_opening_is_cut_at_a_comma_so_that_it_is_heard_sooner(text: str, opening: int, first: str) -> None:
    pieces = list(sentences(text, opening))
    assert pieces[0] == first
    assert "".join("".join(pieces).split()) == "".join(text.split())


@pytest.mark.parametrize("text", ["word " * 2000, "我" * 5000, "x" * 1000, "一二三，" * 500])
def test_a_long_text_is_spoken_in_short_pieces_and_whole(text: str) -> None:
    pieces = list(sentences(text))
    assert max(map(len, pieces)) <= LONGEST
    assert "".join("".join(pieces).split()) == "".join(text.split())
