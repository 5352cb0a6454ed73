"""What the drafter is taught, and that what torch learns is what the device computes (skips without torch)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from actions.catalogue import make_call
from agent.bundle import DRAFT
from agent.draft import CLASSES, ROLES, TAGS, Drafter, assemble, forward
from agent.prompt import encode_calls, encode_request
from training.data.requests import parse_line
from training.draft_lessons import Teacher, lessons_of

ROOT = Path(__file__).parents[2]
RELEASE = ROOT / "models" / "text"
COPIED = [
    "text mom i'm late => send_text | mom | i'm late",
    "跟妈妈说我晚点到 => send_text | 妈妈 | 我晚点到",
    "tell bob that he should bring his bike => send_text | bob | you should bring your bike",
    "a 20 mm strap => amazon_shopping | 20 mm strap",
    "order eggs, milk and tea => instacart_shopping | eggs; milk; tea",
    "i lost my cap and text al i'm here => lost_and_found | lost | cap && send_text | al | i'm here",
    "email ann no wait bob, subject tea => send_email | bob | tea |",
    "order a uh a veggie wrap => doordash_delivery | veggie wrap",
    "say i'm here to al => send_text | al | i'm here",
    "my dog my dog won't eat => pet_care | dog | won't eat",
    "play some jazz => none | unsupported",
    "发个短信 => send_text | |",
]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    made: Tokenizer = Tokenizer.from_file(str(RELEASE / "tokenizer.json"))
    return made


@pytest.mark.parametrize("line", COPIED)
def test_tags_say_the_label(tokenizer: Tokenizer, line: str) -> None:
    example = parse_line(line)
    lesson = Teacher(tokenizer)(example.text, example.calls)
    assert lesson.ids == encode_request(tokenizer, example.text)[1:-1]
    assert len(lesson.tags) == len(lesson.other) == len(lesson.ids)
    said = [other or token for token, other in zip(lesson.ids, lesson.other, strict=True)]
    assert assemble(tokenizer, said, lesson.tags, lesson.first) == encode_calls(tokenizer, example.calls)
    assert lesson.whole


def test_what_cannot_be_said_is_known(tokenizer: Tokenizer) -> None:
    lesson = Teacher(tokenizer)("turn up", [make_call("google_search", "something that nobody said")])
    assert not lesson.whole
    assert CLASSES[lesson.first][0] == 2
    assert not any(lesson.tags)


def test_every_place_of_an_argument_has_a_tag() -> None:
    assert len(CLASSES) == 14
    assert TAGS == 1 + 2 * len(ROLES) == 1 + 2 * len(set(ROLES))


def test_it_learns_what_it_is_shown(tokenizer: Tokenizer, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="the school needs torch (extra: train)")
    from training.draft import arrays_of, learn, others_of

    path = tmp_path / "train.jsonl"
    lines = []
    for line in COPIED:
        example = parse_line(line)
        calls = [[call.name, *call.args.values()] for call in example.calls]
        lines += [json.dumps({"text": example.text, "calls": calls})] * 8
    lines.append(json.dumps({"text": "Rabbits have ears.", "calls": []}))
    path.write_text("\n".join(lines) + "\n")
    lessons = lessons_of(path, tokenizer)
    assert len(lessons) == 8 * len(COPIED)
    table = np.random.default_rng(1).normal(size=(tokenizer.get_vocab_size(), 32)).astype(np.float32)
    others = others_of(lessons)
    assert {tokenizer.decode([token]).strip() for token in others} == {"you", "your"}
    net = learn(lessons, table, others, epochs=60, width=32)
    np.savez_compressed(tmp_path / DRAFT, **arrays_of(net, others))  # type: ignore[arg-type]
    drafter = Drafter(tmp_path / DRAFT, tokenizer, lambda ids: table[ids][None])
    x = table[lessons[0].ids]
    with torch.no_grad():
        wanted = net(torch.from_numpy(x)[None])
    got = forward(drafter._w, x)
    for mine, torchs in zip(got, wanted, strict=True):
        np.testing.assert_allclose(mine, torchs[0].numpy(), atol=0.05 * float(torchs.abs().max()))  # eight bits
    right = sum(
        drafter(encode_request(tokenizer, example.text)) == encode_calls(tokenizer, example.calls)
        for example in map(parse_line, COPIED)
    )
    assert right >= len(COPIED) - 2
