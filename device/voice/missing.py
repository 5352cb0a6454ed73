"""The voice of a device whose voice is missing: it says so, each time it is to speak."""

from __future__ import annotations

from actions.errors import TakoError


class MissingVoice:
    """Raises the error that keeps it from speaking."""

    def __init__(self, error: TakoError) -> None:
        self._error = error

    def say(self, text: str, lang: str) -> None:
        raise type(self._error)(self._error.en, self._error.zh)

    def wait(self, timeout: float | None = None) -> bool:
        return True

    def stop(self) -> None:
        """Nothing is ever on its way."""

    def close(self) -> None:
        """Nothing is held."""
