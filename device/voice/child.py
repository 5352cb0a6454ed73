"""The child process that owns pyttsx3: a JSON request a line on standard input, an answer a line on standard output.

    {"text": "hello", "voice": "en-us", "rate": 155, "volume": 1.0, "path": "/dev/shm/.../1.wav"}  ->  {"ok": true}

Runs as a script and imports nothing of tako. A process of its own because pyttsx3 holds one engine a process, prints to
standard output, passes over an unknown voice in silence, and waits for ever when it cannot write a file: the parent
sees an answer, an error, or a process it can end. Leaves when its standard input ends.

espeak-ng works in a thread of its own. When pyttsx3's loop ends while that thread is busy, pyttsx3 cancels what it
does: a rate that is not set, a sentence that is not spoken. So nothing is asked of it before it is at rest.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import wave
from pathlib import Path
from typing import Any

_REST = 2.0  # seconds for a rate or a volume to become true
_AGAIN = 0.1  # seconds after which it is set again
_TRIES = 3  # at a sentence that comes out empty


class Speaker:
    """pyttsx3's engine, one request at a time."""

    def __init__(self) -> None:
        """Raises `ImportError` without pyttsx3, `OSError` or `RuntimeError` without espeak-ng."""
        import pyttsx3

        self._engine = pyttsx3.init("espeak")
        from pyttsx3.drivers import _espeak  # loads espeak-ng, which `init` has done by now

        self._espeak = _espeak
        self._finished = threading.Event()
        self._troubles: list[str] = []
        self._engine.connect("finished-utterance", lambda **_: self._finished.set())
        self._engine.connect("error", lambda exception, **_: self._troubles.append(str(exception)))
        self._engine.runAndWait()  # an empty loop: from here on pyttsx3 sets properties at once

    def speak(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Writes the WAV and answers."""
        self._troubles.clear()
        self._engine.setProperty("voice", wanted["voice"])
        for name in ("rate", "volume"):
            if not self._settled(name, wanted[name]):
                self._troubles.append(f"{name} cannot be {wanted[name]}")
        for _ in range(_TRIES):
            self._finished.clear()
            self._engine.save_to_file(wanted["text"], wanted["path"])
            self._engine.runAndWait()
            self._finished.wait()
            if self._troubles or _frames(wanted["path"]):
                break
        return {"error": self._troubles[0]} if self._troubles else {"ok": True}

    def _settled(self, name: str, value: float) -> bool:
        """Sets a property, and waits until it is true and espeak-ng at rest."""
        begun = last = time.monotonic()
        self._engine.setProperty(name, value)
        while self._espeak.IsPlaying() or abs(self._engine.getProperty(name) - value) > 0.01:
            now = time.monotonic()
            if now - begun > _REST:
                return False
            if now - last > _AGAIN:
                last = now
                self._engine.setProperty(name, value)
            time.sleep(0.002)
        return True


def _frames(path: str) -> int:
    if not Path(path).exists():
        return 0
    with wave.open(path, "rb") as file:
        return file.getnframes()


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # what pyttsx3 prints is no answer

    def answer(**content: Any) -> None:
        answers.write(json.dumps(content) + "\n")

    try:
        speaker = Speaker()
    except ImportError:
        return answer(missing="pyttsx3")
    except (OSError, RuntimeError) as error:  # no libespeak-ng, or one without its data
        return answer(missing="espeak-ng", error=str(error))
    answer(ok=True)
    for line in sys.stdin:
        answer(**speaker.speak(json.loads(line)))
    return None


if __name__ == "__main__":
    main()
