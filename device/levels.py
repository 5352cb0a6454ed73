"""How good a recording is to listen to: its level, clipping, noise, and what to do about them.

Knows sound as chunks of int16; neither devices nor recognisers. Levels are in dB of full scale (dBFS): 0 is the loudest
that there is, and a sine of full scale has -3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from actions.wording import say
from device.seams import SAMPLE_RATE
from device.speech.sound import FULL_SCALE
from device.speech.vad import WINDOW, speech_spans

FLOOR = -96.0  # dBFS of digital silence, for 16 bits
# Where advice begins. Set by hand around one recording that was made fainter, louder and noisier: whisper-base misheard
# it from -55 dBFS of speech down, and with noise 6 dB below speech; at -45 dBFS and with 11 dB it did not.
QUIET, LOUD = -48.0, -9.0  # dBFS of speech
NOISY, CLOSE = -45.0, 12.0  # dBFS of the noise; dB that speech must stand out of it
CLIPPED = 0.001  # share of samples at full scale
OFFSET = 0.02  # mean of the samples, of full scale
_DEAD = -85.0  # dBFS: below it nothing is connected, or it is muted
_TENTH = 10  # percentile of the windows that is taken for the noise


@dataclass(frozen=True)
class Levels:
    """What was measured of a recording."""

    seconds: float
    peak: float  # dBFS of the loudest sample
    noise: float  # dBFS between words: the tenth percentile of all windows without speech
    speech: float | None  # dBFS of the median window of speech; None: nobody spoke
    clipped: float  # share of samples at full scale
    offset: float  # mean of full scale

    @property
    def above_noise(self) -> float | None:
        """dB by which speech stands out."""
        return None if self.speech is None else self.speech - self.noise


def decibels(value: float) -> float:
    """Of a share of full scale, `FLOOR` at the least."""
    return max(20.0 * float(np.log10(max(value, 1e-9))), FLOOR)


def rms(chunk: np.ndarray) -> float:
    """dBFS of a chunk, int16 (n,)."""
    if len(chunk) == 0:
        return FLOOR
    scaled = chunk.astype(np.float32) / FULL_SCALE
    return decibels(float(np.sqrt(np.mean(scaled * scaled))))


def measure(sound: np.ndarray, probabilities: Sequence[float]) -> Levels:
    """sound: int16 (n,); probabilities: of speech, of each whole `WINDOW` of it (`device.speech.vad.Detector`)."""
    count = len(sound) // WINDOW
    windows = sound[: count * WINDOW].reshape(count, WINDOW)
    levels = np.array([rms(window) for window in windows])
    spoken = np.zeros(count, bool)
    for span in speech_spans(list(probabilities)[:count]):
        spoken[span.start // WINDOW : span.end // WINDOW] = True
    still = levels[~spoken] if (~spoken).any() else levels
    scaled = np.abs(sound.astype(np.int32))
    return Levels(
        seconds=len(sound) / SAMPLE_RATE,
        peak=decibels(float(scaled.max(initial=0)) / FULL_SCALE),
        noise=float(np.percentile(still, _TENTH)) if count else FLOOR,
        speech=float(np.median(levels[spoken])) if spoken.any() else None,
        clipped=float(np.mean(scaled >= FULL_SCALE - 2)) if len(sound) else 0.0,
        offset=float(np.mean(sound)) / FULL_SCALE if len(sound) else 0.0,
    )


def advice(levels: Levels, lang: str = "en") -> list[str]:
    """What is wrong and what to do, the worst first; empty when all is well."""
    if levels.peak <= _DEAD:
        return [
            say(
                lang,
                "There is no sound at all: the microphone is muted, or it is another one. Look with alsamixer (F4), "
                "and set microphone.device.",
                "完全没有声音：麦克风静音了，或者选错了设备。请用 alsamixer（F4）检查，并设置 microphone.device。",
            )
        ]
    said = []
    if levels.clipped > CLIPPED:
        said.append(
            say(
                lang,
                f"It clips ({levels.clipped:.1%} of the samples): turn the microphone down in alsamixer (F4).",
                f"声音过载（{levels.clipped:.1%} 的采样）：请在 alsamixer（F4）里调低麦克风。",
            )
        )
    if abs(levels.offset) > OFFSET:
        said.append(
            say(
                lang,
                f"Its zero is off by {levels.offset:+.1%}: a fault of the sound card, mostly harmless.",
                f"零点偏移 {levels.offset:+.1%}：声卡的小毛病，一般无碍。",
            )
        )
    if levels.speech is None:
        said.append(
            say(lang, "Nobody spoke, as far as I can tell.", "没有听到有人说话。"),
        )
        if levels.noise > NOISY:
            said.append(_noisy(levels, lang))
        return said
    if levels.speech < QUIET:
        said.append(
            say(
                lang,
                f"Speech is faint ({levels.speech:.0f} dBFS): speak closer, or turn the microphone up in alsamixer "
                "(F4).",
                f"说话声太小（{levels.speech:.0f} dBFS）：请靠近一些，或在 alsamixer（F4）里调高麦克风。",
            )
        )
    elif levels.speech > LOUD:
        said.append(
            say(
                lang,
                f"Speech is very loud ({levels.speech:.0f} dBFS): turn the microphone down a little.",
                f"说话声太大（{levels.speech:.0f} dBFS）：请把麦克风调低一些。",
            )
        )
    if (levels.above_noise or 0.0) < CLOSE:
        said.append(_noisy(levels, lang))
    return said


def _noisy(levels: Levels, lang: str) -> str:
    return say(
        lang,
        f"The noise is high ({levels.noise:.0f} dBFS): move the microphone away from fan, speaker and power supply.",
        f"噪声偏大（{levels.noise:.0f} dBFS）：请让麦克风远离风扇、扬声器和电源。",
    )
