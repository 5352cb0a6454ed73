"""What joins tower and text model: torch in training and numpy on the device make the same of a view."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiny_sight

torch = pytest.importorskip("torch", reason="the school needs torch (extra: train)")

from agent.colors import COLOR_FEATURES  # noqa: E402
from agent.concepts import SURENESS, WORD_SLOTS  # noqa: E402
from agent.prompt import FIRST_TEXT_ID  # noqa: E402
from agent.sight import DENSE, VISUAL_TOKENS, Sight  # noqa: E402
from training.vision.projector import Pictures, Projector  # noqa: E402

HIDDEN = 16
VOCABULARY = tiny_sight.tokenizer().get_vocab_size()


@pytest.fixture
def table() -> torch.Tensor:
    return torch.randn(VOCABULARY - FIRST_TEXT_ID, HIDDEN, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def projector(table: torch.Tensor) -> Projector:
    """With random weights, as halves can hold them."""
    made = Projector(table, tiny_sight.FEATURE)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for p in made.parameters():
            p.copy_((torch.randn(p.shape, generator=generator) * 0.2).half().float())
    return made


def test_numpy_and_torch_make_the_same_tokens(tmp_path: Path, projector: Projector, table: torch.Tensor) -> None:
    tiny_sight.give_eyes(tmp_path, HIDDEN)
    arrays = tiny_sight.arrays(HIDDEN) | projector.arrays()
    np.savez(tmp_path / "sight.npz", **arrays)  # type: ignore[arg-type]
    rows = np.concatenate((np.full((FIRST_TEXT_ID, HIDDEN), np.nan, np.float32), table.numpy()))  # no mark is ever seen
    sight = Sight(tmp_path, tiny_sight.tokenizer(), lambda ids: rows[ids][None] * np.float32(np.sqrt(HIDDEN)))
    random = np.random.default_rng(3)
    for _ in range(8):
        feature = random.normal(0, 1, tiny_sight.FEATURE).astype(np.float32)
        colors = random.uniform(0, 0.2, COLOR_FEATURES).astype(np.float32)
        seen = sight.seen(feature, colors)
        p = sight.projection
        wording = sight.concepts.wording(
            sight.concepts.probabilities(p.concepts(feature)), p.attributes(feature, colors)
        )
        with torch.no_grad():
            wanted = projector(
                torch.from_numpy(wording.ids)[None],
                torch.from_numpy(wording.weights)[None],
                torch.from_numpy(wording.sureness)[None],
                torch.from_numpy(feature)[None],
            )[0] * np.sqrt(HIDDEN)  # the model scales all it reads
        assert seen.tokens.shape == tuple(wanted.shape) == (VISUAL_TOKENS, HIDDEN)
        np.testing.assert_allclose(seen.tokens, wanted.numpy(), atol=1e-4)


def test_a_new_one_starts_from_the_words_alone(table: torch.Tensor) -> None:
    made = Projector(table, tiny_sight.FEATURE)
    ids = torch.full((2, WORD_SLOTS), FIRST_TEXT_ID + 5)
    weights = torch.zeros(2, WORD_SLOTS)
    weights[1, 3] = 1.0
    tokens = made(ids, weights, torch.zeros(2, SURENESS), torch.randn(2, tiny_sight.FEATURE))
    torch.testing.assert_close(tokens[0, 0], table.mean(0))
    torch.testing.assert_close(tokens[1, 4], table[5])
    assert not tokens[0, 1 : 1 + WORD_SLOTS].any()
    assert tokens[:, 1 + WORD_SLOTS :].abs().mean() < 0.1 * table.abs().mean()


def test_the_words_do_not_learn_and_the_rest_does(projector: Projector, table: torch.Tensor) -> None:
    table.requires_grad_(False)
    assert {n for n, _ in projector.named_parameters()} == {
        *("slots", "sure", "inner.weight", "inner.bias", "outer.weight", "outer.bias")
    }
    ids = torch.randint(FIRST_TEXT_ID, VOCABULARY, (3, WORD_SLOTS))
    sureness = torch.rand(3, SURENESS)
    projector(ids, torch.rand(ids.shape), sureness, torch.randn(3, tiny_sight.FEATURE)).square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in projector.parameters())
    assert table.grad is None


def test_padding_reads_no_row(projector: Projector) -> None:
    ids = torch.randint(FIRST_TEXT_ID, VOCABULARY, (1, WORD_SLOTS))
    weights, rest = torch.rand(ids.shape), (torch.rand(1, SURENESS), torch.randn(1, tiny_sight.FEATURE))
    weights[..., 3:] = 0
    padded = ids.clone()
    padded[..., 3:] = 0
    torch.testing.assert_close(projector(padded, weights, *rest), projector(ids, weights, *rest))


def test_the_views_of_a_training_set(tmp_path: Path) -> None:
    path = tmp_path / "pictures.npz"
    random = np.random.default_rng(1)
    given = {
        "ids": random.integers(0, 300, (5, WORD_SLOTS)).astype(np.int32),
        "weights": random.uniform(0, 1, (5, WORD_SLOTS)).astype(np.float16),
        "sureness": random.uniform(0, 1, (5, SURENESS)).astype(np.float16),
        "features": random.normal(0, 1, (5, tiny_sight.FEATURE)).astype(np.float16),
    }
    np.savez(path, **given)  # type: ignore[arg-type]
    pictures = Pictures(path)
    assert len(pictures) == 5
    ids, weights, sureness, features = pictures[torch.tensor([4, 0, 4])]
    assert ids.dtype == torch.int64
    assert {x.dtype for x in (weights, sureness, features)} == {torch.float32}
    np.testing.assert_array_equal(ids[0].numpy(), given["ids"][4])
    np.testing.assert_array_equal(weights[1].numpy(), given["weights"][0])
    np.testing.assert_array_equal(sureness[1].numpy(), given["sureness"][0])
    np.testing.assert_array_equal(features[2].numpy(), given["features"][4])
    np.savez(path, **(given | {"ids": given["ids"][:, :-1]}))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="other word slots"):
        Pictures(path)


def test_halves_keep_what_was_learned(projector: Projector) -> None:
    arrays = projector.arrays()
    assert all(array.dtype == np.float16 for array in arrays.values())
    assert arrays["slots"].shape == (VISUAL_TOKENS, HIDDEN)
    assert arrays["outer"].shape == (arrays["inner"].shape[1], DENSE * HIDDEN)
    np.testing.assert_array_equal(arrays["inner"].T, projector.inner.weight.detach().numpy())
