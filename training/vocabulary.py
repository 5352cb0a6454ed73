"""Stage 0: prunes the base's vocabulary to what English and Chinese requests use.

    python -m training.vocabulary --base BASE.gguf --data ../shared/data --out models/text

Keeps the tokens that everyday English and Chinese words (wordfreq), the data folder, all common characters and all
bytes need, with the intermediate tokens through which byte-pair merging reaches them, so that the pruned tokenizer
splits words whose tokens it kept as the full one does. Writes `tokenizer.json` (for the `tokenizers` library, no
added tokens: text that looks like a functional token stays text) and `vocabulary.npz` (row of the base's embedding
table for each new id, int32, -1 for new rows).
"""

from __future__ import annotations

import argparse
import csv
import json
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from gguf import GGUFReader
from tokenizers import Tokenizer, decoders, models, normalizers

from agent.prompt import FIRST_TEXT_ID, RESERVED, SPACE

NORMAL, BYTE = 1, 6  # token types of GGUF
# most frequent words kept: after a space, after a space with a capital, at the start of a text, Chinese
ENGLISH_WORDS, CAPITALISED_WORDS, FIRST_WORDS, CHINESE_WORDS = 14_000, 6_000, 2_500, 14_000


class Pieces:
    """The base's vocabulary with byte-pair merging by score, as SentencePiece does it."""

    def __init__(self, reader: GGUFReader) -> None:
        self.tokens: list[str] = reader.fields["tokenizer.ggml.tokens"].contents()
        self.types: list[int] = reader.fields["tokenizer.ggml.token_type"].contents()
        scores: list[float] = reader.fields["tokenizer.ggml.scores"].contents()
        self.rank = {t: -s for t, s, k in zip(self.tokens, scores, self.types, strict=True) if k == NORMAL}
        self.ids = {t: i for i, (t, k) in enumerate(zip(self.tokens, self.types, strict=True)) if k == NORMAL}
        self.bytes = {t: i for i, (t, k) in enumerate(zip(self.tokens, self.types, strict=True)) if k == BYTE}
        self._cache: dict[str, tuple[tuple[str, ...], frozenset[str]]] = {}

    def split(self, text: str) -> tuple[tuple[str, ...], frozenset[str]]:
        """Final pieces of a text and every piece that existed on the way."""
        if text in self._cache:
            return self._cache[text]
        parts = list(text)
        seen = set(parts)
        while len(parts) > 1:
            best = min(
                (rank, i)
                for i in range(len(parts) - 1)
                for rank in [self.rank.get(parts[i] + parts[i + 1], float("inf"))]
            )
            if best[0] == float("inf"):
                break
            i = best[1]
            parts[i : i + 2] = [parts[i] + parts[i + 1]]
            seen.add(parts[i])
        result = tuple(parts), frozenset(p for p in seen if p in self.ids)
        self._cache[text] = result
        return result


def everyday_texts(data: Path) -> Iterable[str]:
    """Words and sentences whose tokens are kept."""
    from wordfreq import top_n_list

    yield from (f" {word}" for word in top_n_list("en", ENGLISH_WORDS))
    yield from (f" {word.capitalize()}" for word in top_n_list("en", CAPITALISED_WORDS))
    for word in top_n_list("en", FIRST_WORDS):
        yield from (word, word.capitalize())
    yield from top_n_list("zh", CHINESE_WORDS)
    with (data / "utterances.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)["text"]
    with (data / "parallel_en_zh.tsv").open(encoding="utf-8") as lines:
        for row in csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            yield from row[:2]
    with (data / "images.csv").open(encoding="utf-8") as lines:
        for record in csv.DictReader(lines):
            yield record["label"].replace("_", " ")


def common_characters() -> Iterable[str]:
    """ASCII, Latin-1, the characters of GB 2312 and the first level of Big5, full-width forms and everyday marks."""
    yield from map(chr, range(0x21, 0x180))
    for high in range(0xA1, 0xF8):
        for low in range(0xA1, 0xFF):
            yield from bytes((high, low)).decode("gb2312", errors="ignore")
    for high in range(0xA4, 0xC7):
        for low in (*range(0x40, 0x7F), *range(0xA1, 0xFF)):
            yield from bytes((high, low)).decode("big5", errors="ignore")
    yield from "‘’“”…—–£€¥°²³½¼¾×÷™®©" + SPACE


def kept_pieces(pieces: Pieces, data: Path) -> set[str]:
    kept = {c for c in common_characters() if c in pieces.ids}
    for text in everyday_texts(data):
        text = unicodedata.normalize("NFC", text).replace(" ", SPACE)
        # words never merge across the space that begins the next one, so each is split on its own
        for word in text.replace(SPACE, f"\n{SPACE}").split("\n"):
            kept.update(pieces.split(word[:60])[1])
    kept.update(SPACE * n for n in range(1, 4) if SPACE * n in pieces.ids)
    for piece in sorted(kept):
        kept.update(pieces.split(piece)[1])
    return kept


def pruned_tokenizer(pieces: Pieces, kept: set[str]) -> tuple[Tokenizer, np.ndarray]:
    """The tokenizer, and the base's embedding row of each of its ids (int32, shape (vocabulary,), -1: a new row)."""
    order = sorted(kept, key=lambda piece: pieces.ids[piece])
    texts = [*RESERVED, *pieces.bytes, *order]
    rows = np.full(len(texts), -1, np.int32)
    rows[:4] = range(4)
    rows[FIRST_TEXT_ID:] = [*pieces.bytes.values(), *(pieces.ids[piece] for piece in order)]
    merges = [
        (pieces.rank[piece], i, piece)
        for piece in order
        for i in range(1, len(piece))
        if piece[:i] in kept and piece[i:] in kept
    ]
    tokenizer = Tokenizer(
        models.BPE(
            vocab={text: i for i, text in enumerate(texts)},
            merges=[(piece[:i], piece[i:]) for _, i, piece in sorted(merges)],
            byte_fallback=True,
            unk_token=RESERVED[3],
            fuse_unk=True,
        )
    )
    tokenizer.normalizer = normalizers.Replace(" ", SPACE)
    tokenizer.decoder = decoders.Sequence([decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()])
    return tokenizer, rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("models/text"))
    options = parser.parse_args()
    pieces = Pieces(GGUFReader(options.base))
    kept = kept_pieces(pieces, options.data)
    tokenizer, rows = pruned_tokenizer(pieces, kept)
    options.out.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(options.out / "tokenizer.json"), pretty=False)
    np.savez_compressed(options.out / "vocabulary.npz", rows=rows)
    print(f"{len(rows)} tokens kept of {len(pieces.tokens)}")


if __name__ == "__main__":
    main()
