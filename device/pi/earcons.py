"""Earcons: short sounds for what the light shows.

Made at start, played off the caller's thread; without a speaker there is silence, until there is one.
"""

from __future__ import annotations

import logging
import threading

import numpy as np

from device.seams import State
from device.voice.sinks import Sink, Speaker

log = logging.getLogger(__name__)
RATE = 22_050  # Hz
_EDGE = 0.01  # seconds in which a note fades in, and out
TUNES: dict[State, tuple[tuple[float, float], ...]] = {  # (Hz, seconds) of each note; other states are silent
    State.LISTENING: ((660.0, 0.06), (880.0, 0.08)),
    State.THINKING: ((880.0, 0.05),),
    State.ASKING: ((784.0, 0.08), (988.0, 0.08), (784.0, 0.08)),
    State.MUTED: ((660.0, 0.08), (440.0, 0.12)),
    State.OFFLINE: ((440.0, 0.1), (440.0, 0.1)),
    State.ERROR: ((330.0, 0.12), (220.0, 0.2)),
}


def earcon(notes: tuple[tuple[float, float], ...], volume: float) -> np.ndarray:
    """Notes one after the other: int16, shape (n,), `RATE`; `volume` of full scale."""
    parts = []
    for hertz, seconds in notes:
        time = np.arange(int(seconds * RATE)) / RATE
        fade = np.minimum(1.0, np.minimum(time, time[::-1]) / _EDGE)
        parts.append(np.sin(2 * np.pi * hertz * time) * fade)
    return np.round(np.concatenate(parts) * volume * 32767).astype(np.int16)


class Earcons:
    """Plays one sound at a time; a newer one cuts the older short."""

    def __init__(self, volume: float, device: str = "", sink: Sink | None = None) -> None:
        self._sink = sink or Speaker(device, RATE)
        self._sounds = {state: earcon(notes, volume) for state, notes in TUNES.items()}
        self._change = threading.Condition()
        self._next: np.ndarray | None = None
        self._stop = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="earcons", daemon=True)
        self._thread.start()

    def play(self, state: State) -> None:
        """Starts the state's sound, if it has one. Never raises."""
        sound = self._sounds.get(state)
        if sound is None:
            return
        with self._change:
            self._next = sound
            self._stop.set()
            self._change.notify_all()

    def close(self) -> None:
        with self._change:
            self._closed = True
            self._stop.set()
            self._change.notify_all()
        self._thread.join(1.0)

    def _work(self) -> None:
        failing = False
        while True:
            with self._change:
                self._change.wait_for(lambda: self._next is not None or self._closed)
                if self._closed:
                    return
                sound, self._next = self._next, None
                self._stop = stop = threading.Event()
            assert sound is not None
            try:
                self._sink.play(sound, stop, lambda: None)
                failing = False
            except Exception as error:  # noqa: BLE001 (a sound less is no reason to end a turn)
                if not failing:  # told once, not at every sound
                    log.warning("no earcons: %s", error)
                failing = True
