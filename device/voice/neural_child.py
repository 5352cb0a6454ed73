"""The child process that owns the neural voices: requests on standard input, sound on standard output as it is made.

    python -m device.voice.neural_child '{"voices": {"en": "/.../neural-en-joe"}, "rate": 22050, "threads": 2}'
    in   {"say": 7, "lang": "en", "text": "hello", "speed": 1.0}     a line each; `text` is pinyin for "zh"
         {"cancel": 7}                                               all requests up to 7 are wanted no more
    out  frames: ticket (uint32), kind (uint8), length (uint32), then so many bytes: READY, SOUND (int16 at `rate`),
         END of a request, TROUBLE instead of READY (a JSON object with a sentence in English and Chinese)

A process of its own because piper is under the GPL, and so that neither a crash nor a hang is the body's. It works
ahead of what is heard for as long as the pipe takes its sound. Leaves when its standard input ends.
"""

from __future__ import annotations

import json
import os
import queue
import struct
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import soxr

from actions.errors import TakoError

HEADER = struct.Struct("<IBI")  # ticket, kind, length
READY, SOUND, END, TROUBLE = range(4)
_WARMING = {"en": "Yes.", "zh": "hao3."}  # said to nobody: the first words of a session take twice as long


class Sounding(Protocol):
    """A neural voice."""

    rate: int  # Hz

    def sounds(self, text: str, speed: float = 1.0) -> Iterator[np.ndarray]: ...


def open_voice(lang: str, folder: Path, threads: int) -> Sounding:
    """The voice of a language. Raises `TakoError`."""
    if lang == "zh":
        from device.voice.baker import Baker

        return Baker(folder, threads)
    from device.voice.joe import Joe

    return Joe(folder, threads)


class Mouth:
    """Speaks one request after the other, until the input ends."""

    def __init__(self, out: int, rate: int) -> None:
        self._out, self._rate = out, rate
        self._cancelled = -1  # requests up to this ticket are wanted no more

    def run(self, voices: dict[str, Sounding], requests: queue.SimpleQueue[dict[str, Any]]) -> None:
        while True:
            request = requests.get()
            ticket = request["say"]
            if ticket > self._cancelled:
                for sound in self._resampled(voices[request["lang"]], request["text"], request["speed"]):
                    if ticket <= self._cancelled:
                        break
                    self.frame(ticket, SOUND, np.round(sound * 32767).astype("<i2").tobytes())
            self.frame(ticket, END)

    def listen(self, requests: queue.SimpleQueue[dict[str, Any]]) -> None:
        """Takes in what comes; ends the process with its input."""
        for line in sys.stdin.buffer:
            message = json.loads(line)
            if "cancel" in message:
                self._cancelled = max(self._cancelled, message["cancel"])
            else:
                requests.put(message)
        os._exit(0)

    def frame(self, ticket: int, kind: int, content: bytes = b"") -> None:
        left = memoryview(HEADER.pack(ticket, kind, len(content)) + content)
        while left:
            left = left[os.write(self._out, left) :]

    def _resampled(self, voice: Sounding, text: str, speed: float) -> Iterator[np.ndarray]:
        if voice.rate == self._rate:
            yield from voice.sounds(text, speed)
            return
        stream = soxr.ResampleStream(voice.rate, self._rate, 1, dtype="float32")
        for sound in voice.sounds(text, speed):
            yield np.clip(stream.resample_chunk(sound), -1.0, 1.0)
        yield np.clip(stream.resample_chunk(np.zeros(0, np.float32), last=True), -1.0, 1.0)


def main() -> None:
    settings = json.loads(sys.argv[1])
    mouth = Mouth(os.dup(1), settings["rate"])
    os.dup2(2, 1)  # what a library prints is no sound
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=mouth.listen, args=(requests,), daemon=True).start()
    try:
        voices = {lang: open_voice(lang, Path(at), settings["threads"]) for lang, at in settings["voices"].items()}
        for lang, voice in voices.items():
            for _ in voice.sounds(_WARMING[lang]):
                pass
    except TakoError as error:
        return mouth.frame(0, TROUBLE, json.dumps({"en": error.en, "zh": error.zh}).encode())
    mouth.frame(0, READY)
    return mouth.run(voices, requests)


if __name__ == "__main__":
    main()
