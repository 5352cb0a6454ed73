"""From settings to a voice, with a sentence that says which one and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from device.seams import Voice
from device.voice.printed import PrintVoice
from device.voice.settings import VoiceSettings
from device.voice.spoken import FileVoice, Pyttsx3Voice


@dataclass(frozen=True)
class Choice:
    """The voice taken, and why, fit for the log and for `tako doctor`."""

    voice: Voice
    reason: str


def choose_voice(settings: VoiceSettings, out: Path | None = None) -> Choice:
    """`out`, a WAV to write, goes before `voice.engine`. Raises `DeviceError` when `out` cannot be written."""
    if out is not None:
        return Choice(FileVoice(out, settings), f"pyttsx3 on espeak-ng into {out}, as asked for")
    if settings.engine == "print":
        return Choice(PrintVoice(), "sentences are printed (voice.engine is print)")
    speaker = f"the speaker {settings.device}" if settings.device else "the system's speaker"
    return Choice(Pyttsx3Voice(settings), f"pyttsx3 on espeak-ng to {speaker} (voice.engine is pyttsx3)")
