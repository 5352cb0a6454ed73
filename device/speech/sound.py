"""Sound of any rate and number of channels to tako's chunks: int16, mono, 16 kHz, `CHUNK` samples each but the last.

Knows neither files nor devices.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import soxr

from device.seams import CHUNK, SAMPLE_RATE

FULL_SCALE = 32_768  # int16 steps of a float sample of 1.0


def mono(block: np.ndarray) -> np.ndarray:
    """float32 (n,) from int16 or float32 (n,) or (n, channels): the mean of the channels, full scale at 1.0."""
    scaled = block.astype(np.float32) / FULL_SCALE if block.dtype == np.int16 else block.astype(np.float32, copy=False)
    return scaled if scaled.ndim == 1 else scaled.mean(axis=1)


def to_chunks(blocks: Iterable[np.ndarray], rate: int) -> Iterator[np.ndarray]:
    """Chunks from float32 blocks of mono sound at `rate` Hz, as they arrive; louder than full scale is clipped."""
    rest = np.empty(0, np.int16)
    for block in _at_sample_rate(blocks, rate):
        samples = np.clip(np.rint(block * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
        rest = np.concatenate((rest, samples))
        while len(rest) >= CHUNK:
            yield rest[:CHUNK]
            rest = rest[CHUNK:]
    if len(rest):
        yield rest


def _at_sample_rate(blocks: Iterable[np.ndarray], rate: int) -> Iterator[np.ndarray]:
    if rate == SAMPLE_RATE:
        yield from blocks
        return
    stream = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32")
    for block in blocks:
        yield stream.resample_chunk(block)
    yield stream.resample_chunk(np.empty(0, np.float32), last=True)
