"""The voice of the simulator: writes what would be spoken, and keeps it. Chosen explicitly."""

from __future__ import annotations

import sys
from typing import TextIO

from actions.errors import DeviceError


class PrintVoice:
    """One line a sentence, `prefix` before it. `said` holds (text, language) of everything."""

    def __init__(self, stream: TextIO | None = None, prefix: str = "tako: ") -> None:
        self._stream = stream
        self._prefix = prefix
        self._closed = False
        self.said: list[tuple[str, str]] = []

    def say(self, text: str, lang: str) -> None:
        if self._closed:
            raise DeviceError("The voice is closed.", "语音已经关闭。")
        self.said.append((text, lang))
        try:
            stream = self._stream or sys.stdout
            stream.write(f"{self._prefix}{text}\n")
            stream.flush()
        except OSError as error:  # a pipe that nobody reads any more, a full disk
            raise DeviceError(f"I cannot write my answer: {error.strerror}.", "我写不出回答。") from error

    def wait(self, timeout: float | None = None) -> bool:
        return True

    def stop(self) -> None:
        """Nothing is ever on its way: a line is written before `say` returns."""

    def close(self) -> None:
        self._closed = True
