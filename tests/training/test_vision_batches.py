"""Pictures in the text model's school: places for visual tokens in batches, and what stands there when it learns."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import numpy as np
import pytest
import tiny_sight

torch = pytest.importorskip("torch", reason="the school needs torch (extra: train)")

from actions.catalogue import make_call  # noqa: E402
from agent.concepts import SURENESS, WORD_SLOTS  # noqa: E402
from agent.prompt import BOS, CALL, END, FIRST_TEXT_ID, IMAGE, SEP, decode_calls, words  # noqa: E402
from agent.sight import VISUAL_TOKENS  # noqa: E402
from agent.weights import Shape  # noqa: E402
from training.batches import Item, collate, items, picture_items, with_view  # noqa: E402
from training.data.requests import parse_line  # noqa: E402
from training.functional import judge, look, loss_of, with_chance  # noqa: E402
from training.model import Gemma  # noqa: E402
from training.vision.projector import Pictures, Projector  # noqa: E402

TOKENIZER = tiny_sight.tokenizer()  # bytes
VOCABULARY = TOKENIZER.get_vocab_size()
SHAPE = Shape(layers=2, hidden=64, heads=2, kv_heads=1, head=32, ffn=48, global_every=2)
ROWS = [
    {"text": "buy this", "calls": [["amazon_shopping", "red mug"]], "kind": "photo", "source": "pictures", "view": 0},
    {"text": "what is it", "answer": "It is a mug.", "kind": "align", "source": "answers", "view": 1},
    {"text": "那是什么", "answer": "是杯子。", "kind": "align", "source": "answers", "view": 2},
]


class RandomBase:
    """A base model of `SHAPE`."""

    def tensor(self, name: str) -> np.ndarray:
        last, random = name.split(".")[-2], np.random.default_rng(sum(name.encode()))
        if last in SHAPE.products():
            return random.normal(0, 0.15, SHAPE.products()[last]).astype(np.float32)
        return random.uniform(0.5, 1.5, SHAPE.head if last.endswith(("q_norm", "k_norm")) else SHAPE.hidden).astype("f")

    def embedding_rows(self, rows: np.ndarray) -> np.ndarray:
        return np.random.default_rng(5).normal(0, 0.3, (len(rows), SHAPE.hidden)).astype(np.float32)


@pytest.fixture(scope="module")
def model() -> Gemma:
    made = Gemma(RandomBase(), np.arange(VOCABULARY), rank=4, shape=SHAPE)  # type: ignore[arg-type]
    made.quantise(False)
    made.refresh(torch.float32)
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As `training.vision.pictures` writes it."""
    random = np.random.default_rng(1)
    np.savez(
        tmp_path / "pictures.npz",
        ids=random.integers(FIRST_TEXT_ID, VOCABULARY, (3, WORD_SLOTS)).astype(np.int32),
        weights=random.uniform(0, 1, (3, WORD_SLOTS)).astype(np.float16),
        sureness=random.uniform(0, 1, (3, SURENESS)).astype(np.float16),
        features=random.normal(0, 1, (3, tiny_sight.FEATURE)).astype(np.float16),
    )
    lines = [json.dumps(row, ensure_ascii=False) for row in ROWS]
    (tmp_path / "pictures.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def rows_of(folder: Path, *kinds: str) -> list[Item]:
    return picture_items(TOKENIZER, folder / "pictures.jsonl", frozenset(kinds))


def test_rows_become_items(folder: Path) -> None:
    photo, english, chinese = rows_of(folder, "photo", "align")
    places = [BOS, *[IMAGE] * VISUAL_TOKENS]
    assert photo.request == [*places, *words(TOKENIZER, "buy this"), CALL]
    assert decode_calls(TOKENIZER, photo.answer) == (make_call("amazon_shopping", "red mug"),)
    assert english.request == [*places, *words(TOKENIZER, "what is it"), SEP]
    assert english.answer == [*words(TOKENIZER, "It is a mug."), END]
    assert chinese.answer == [*words(TOKENIZER, "是杯子。"), END]
    assert [item.view for item in (photo, english, chinese)] == [0, 1, 2]
    assert rows_of(folder, "align") == [english, chinese]
    assert rows_of(folder, "photo") == [photo]


def test_a_request_that_points_at_nothing(folder: Path) -> None:
    row = {"text": "buy this", "calls": [["amazon_shopping", ""]], "kind": "photo"}
    (folder / "pictures.jsonl").write_text(json.dumps(row), encoding="utf-8")
    (item,) = rows_of(folder, "photo")
    assert item.view == -1
    assert IMAGE not in item.request


def test_a_picture_beside_a_request_changes_its_places_alone() -> None:
    (item,) = items(TOKENIZER, [parse_line("find cats => google_search | cats")])
    shown = with_view(item, 7)
    assert (shown.view, item.view) == (7, -1)
    assert shown.answer == item.answer
    assert shown.request == [BOS, *[IMAGE] * VISUAL_TOKENS, *item.request[1:]]


def test_how_many_requests_a_picture_accompanies() -> None:
    made = items(TOKENIZER, [parse_line("find cats => google_search | cats")] * 400)
    random = Random(1)
    views = [with_chance(item, 0.25, 9, random).view for item in made]
    assert 60 < sum(view >= 0 for view in views) < 140
    assert set(views) == set(range(-1, 9))
    sentence = Item(made[0].request, [])
    spoken = Item(made[0].request, made[0].answer, language=0.5)
    for item in (sentence, spoken):  # what is predicted as language has no places among it
        assert with_chance(item, 1.0, 9, random) is item


def test_a_batch_knows_who_has_which_picture(folder: Path) -> None:
    plain = items(TOKENIZER, [parse_line("find cats => google_search | cats")])
    batch = collate([*rows_of(folder, "photo", "align"), *plain])
    assert batch.views.tolist() == [0, 1, 2, -1]
    assert len(batch.targets) == sum(len(item.answer) for item in (*rows_of(folder, "photo", "align"), *plain))
    assert not (batch.targets == IMAGE).any()


@torch.no_grad()
def test_visual_tokens_stand_where_words_would(model: Gemma) -> None:
    """With the embeddings of words for visual tokens, the hidden states are those of the words."""
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(FIRST_TEXT_ID, VOCABULARY, (3, 40), generator=generator)
    ids[:, 0] = BOS
    shown = ids.clone()
    shown[1, 1 : 1 + VISUAL_TOKENS] = IMAGE
    tokens = model.text_rows[ids[1:2, 1 : 1 + VISUAL_TOKENS] - FIRST_TEXT_ID]
    wanted, got = model.hidden(ids), model.hidden(shown, (torch.tensor([1]), tokens))
    torch.testing.assert_close(got, wanted)
    assert not torch.allclose(model.hidden(shown)[1], wanted[1])


@torch.no_grad()
def test_items_without_a_picture_are_as_before(model: Gemma, folder: Path) -> None:
    plain = items(TOKENIZER, [parse_line("find cats => google_search | cats")])
    projector, pictures = Projector(model.text_rows, tiny_sight.FEATURE), Pictures(folder / "pictures.npz")
    batch = collate([*plain, *rows_of(folder, "photo")])
    hidden = look(model, batch, projector, pictures)
    torch.testing.assert_close(hidden[0], model.hidden(batch.ids)[0])
    assert not torch.allclose(hidden[1, 1:], model.hidden(batch.ids)[1, 1:])
    alone = collate(plain)
    torch.testing.assert_close(look(model, alone, projector, pictures), model.hidden(alone.ids))
    torch.testing.assert_close(look(model, alone, None, None), model.hidden(alone.ids))


def test_what_joins_them_learns_from_answers(model: Gemma, folder: Path) -> None:
    torch.manual_seed(0)
    projector, pictures = Projector(model.text_rows, tiny_sight.FEATURE), Pictures(folder / "pictures.npz")
    batch = collate(rows_of(folder, "align"))
    optimiser = torch.optim.Adam(projector.parameters(), lr=1e-2)
    losses = []
    for _ in range(12):
        loss = loss_of(model, batch, projector, pictures)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.95 * losses[0]


def test_judging_counts_whole_answers(model: Gemma, folder: Path) -> None:
    projector, pictures = Projector(model.text_rows, tiny_sight.FEATURE), Pictures(folder / "pictures.npz")
    scores = judge(model, rows_of(folder, "photo", "align"), projector, pictures)
    assert set(scores) >= {"whole", "function"}
    assert 0 <= scores["whole"] <= 1
