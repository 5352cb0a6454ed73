"""PortAudio, one for the whole program.

It lists the sound devices once, when it starts; one that was plugged in later is seen after a new start, and a new
start ends every stream that is open. So whoever opens a stream says so here. Knows neither microphone nor speaker.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

log = logging.getLogger(__name__)
_change = threading.Condition()
_streams = 0  # open now


@contextmanager
def stream() -> Iterator[None]:
    """While a stream is being opened, and is open."""
    global _streams
    with _change:
        _streams += 1
    try:
        yield
    finally:
        with _change:
            _streams -= 1
            _change.notify_all()


def rescan(sounddevice: ModuleType, patience: float = 1.0) -> bool:
    """Lists the devices anew, and whether that was possible: not while a stream is open, for which it waits up to
    `patience` seconds."""
    with _change:
        if not _change.wait_for(lambda: _streams == 0, patience):
            return False
        try:
            sounddevice._terminate()
        except sounddevice.PortAudioError as error:  # it had not been started
            log.info("PortAudio: %s", error)
        try:
            sounddevice._initialize()
        except sounddevice.PortAudioError as error:
            log.warning("PortAudio does not start: %s", error)
            return False
    return True
