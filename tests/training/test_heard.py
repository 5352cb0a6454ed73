"""What was misheard stays misheard in the arguments, and what cannot be found again is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.data.heard import HEARD, as_heard, read_heard
from training.data.requests import judged_keys, key, parse_line, read_examples

BANK = HEARD.parent / "bank"


@pytest.mark.parametrize(
    ("line", "heard", "calls"),
    [
        (
            "text ottilie that we start at three => send_text | ottilie | we start at three",
            "Text totally that we start at 3.",
            "send_text | totally | we start at 3",
        ),
        (
            "Email Njeri, tell her that her goats are in my maize => send_email | Njeri | | your goats are in my maize",
            "Email Jerry, tell her that her goats are in my maze.",
            "send_email | Jerry | | your goats are in my maze",
        ),
        (
            "get six eggs and oat milk => instacart_shopping | six eggs; oat milk",
            "Get 6 eggs and oak milk.",
            "instacart_shopping | 6 eggs; oak milk",
        ),
        (
            "问问阿明他周六来不来打球 => send_text | 阿明 | 你周六来不来打球",
            "问问阿民他周六来不来打求。",
            "send_text | 阿民 | 你周六来不来打求",
        ),
        ("我的校园卡丢了。 => lost_and_found | lost | 校园卡", "我的笑圆卡丢了。", "lost_and_found | lost | 笑圆卡"),
        (
            "what time is it in oslo => google_search | what time is it in oslo",
            "What time is it in Ozlo?",
            "google_search | What time is it in Ozlo?",
        ),
        (
            "can i get a flat white => doordash_delivery | flat white",
            "Can I get a flat wide?",
            "doordash_delivery | flat wide",
        ),
        ("turn off the lights => none | unsupported", "Turn of the lights.", "none | unsupported"),
        ("send a text to jordan => send_text | jordan |", "Send a text to George.", "send_text | George |"),
        (
            "tell yuki we meet in may => send_text | yuki | we meet in may",
            "Tell you key we meet in May.",
            "send_text | you key | we meet in May",
        ),
        # the question mark of a question whose animal stands last stays, but only where it was typed and heard
        (
            "How warm should the tank be for a corn snake? => pet_care | corn snake | How warm should the tank be?",
            "How warm should the tank be for a cornsnake?",
            "pet_care | cornsnake | How warm should the tank be?",
        ),
        (
            "How warm should the tank be for a corn snake? => pet_care | corn snake | How warm should the tank be?",
            "How warm should the tank be for a corn steak.",
            "pet_care | corn steak | How warm should the tank be",
        ),
        (
            "how warm should the tank be for a corn snake => pet_care | corn snake | how warm should the tank be",
            "How warm should the tank be for a corn snake?",
            "pet_care | corn snake | How warm should the tank be",
        ),
        (
            "怎么给它剪指甲，那只兔子？ => pet_care | 兔子 | 怎么给它剪指甲？",
            "怎么给他剪指甲，那只肚子？",
            "pet_care | 肚子 | 怎么给他剪指甲？",
        ),
        # whether what came between belongs to the name or to the message cannot be told
        ("tell yuki we meet in may => send_text | yuki | we meet in may", "Tell Yuki Anne we meet in May.", None),
        # nobody could answer that
        ("家门钥匙掉了 => lost_and_found | lost | 家门钥匙", "加没药试掉了。", None),
        # the pronoun that was rewritten was misheard itself
        ("tell bob he can go => send_text | bob | you can go", "Tell Bob she can go.", None),
    ],
)
def test_the_calls_of_a_transcript(line: str, heard: str, calls: str | None) -> None:
    got = as_heard(parse_line(line), heard)
    if calls is None:
        assert got is None
    else:
        assert got is not None
        assert got.calls == parse_line(f"x => {calls}").calls
        assert got.text == heard


def test_the_transcripts_of_the_project_belong_to_its_bank() -> None:
    for lang in ("en", "zh"):
        bank = [e for path in sorted(BANK.glob(f"{lang}_*.txt")) for e in read_examples(path)]
        heard = list(read_heard(bank, HEARD))
        assert len(heard) > 1000
        spoken = {line.partition("\t")[0] for line in (HEARD / f"{lang}.tsv").read_text(encoding="utf-8").splitlines()}
        assert not {key(text) for text in spoken} & judged_keys()


def test_a_file_that_is_not_there_is_nothing(tmp_path: Path) -> None:
    assert list(read_heard([parse_line("hi => none | unsupported")], tmp_path)) == []
