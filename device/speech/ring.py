"""A ring of sound between two threads: PortAudio's, which must never wait, and the one that listens.

Its memory is taken once. One thread writes, one reads; what does not fit is lost, and counted. Knows no device.
"""

from __future__ import annotations

import threading

import numpy as np


class Ring:
    """int16 samples, the channels interleaved."""

    def __init__(self, size: int) -> None:
        """`size`: samples that it holds at most."""
        self._data = np.zeros(size, np.int16)
        self._written = 0  # samples since the start; only the writer changes it
        self._read = 0  # only the reader changes it
        self._news = threading.Event()
        self._ended = False
        self.lost = 0  # samples

    def write(self, data: np.ndarray | bytes | memoryview) -> None:
        """Keeps what fits. Takes no lock that a reader holds for longer than it takes to set a flag."""
        samples = np.frombuffer(data, np.int16)
        room = len(self._data) - (self._written - self._read)
        kept = samples[:room]
        self.lost += len(samples) - len(kept)
        start = self._written % len(self._data)
        head = min(len(kept), len(self._data) - start)
        self._data[start : start + head] = kept[:head]
        self._data[: len(kept) - head] = kept[head:]
        self._written += len(kept)  # last: the reader sees whole samples only
        self._news.set()

    def end(self) -> None:
        """There will be no more."""
        self._ended = True
        self._news.set()

    @property
    def ended(self) -> bool:
        return self._ended

    def read(self, count: int, timeout: float) -> np.ndarray:
        """The next `count` samples, as a copy; fewer, or none, when nothing comes for `timeout` seconds or the ring has
        ended."""
        while self._written - self._read < count and not self._ended:
            self._news.clear()
            if self._written - self._read < count and not self._ended and not self._news.wait(timeout):
                break
        size = min(count, self._written - self._read)
        start = self._read % len(self._data)
        head = min(size, len(self._data) - start)
        taken = np.concatenate((self._data[start : start + head], self._data[: size - head]))
        self._read += size
        return taken
