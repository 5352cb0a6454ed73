"""From settings and what is there to a voice, with a sentence that says which one and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from actions.errors import ModelError
from device.models.places import folder
from device.models.status import present
from device.seams import Voice
from device.voice.missing import MissingVoice
from device.voice.printed import PrintVoice
from device.voice.settings import VoiceSettings
from device.voice.spoken import FileVoice, NeuralVoice, Pyttsx3Voice

# models of the store; the graphs in models/voice fit no others
NEURAL = {"en": "neural-en-joe", "zh": "neural-zh-baker"}
_NAMES = {"en": "English", "zh": "Mandarin"}
_PIPER = "piper"  # the package that the English voice needs


@dataclass(frozen=True)
class Choice:
    """The voice taken, and why, fit for the log and for `tako doctor`."""

    voice: Voice
    reason: str


@dataclass(frozen=True)
class Plan:
    """Which languages have a neural voice, and why not the others."""

    folders: Mapping[str, Path]
    reason: str

    @property
    def synthesisers(self) -> str:
        if not self.folders:
            return "pyttsx3 on espeak-ng"
        neural = " and ".join(f"{folder.name} for {_NAMES[lang]}" for lang, folder in self.folders.items())
        others = [name for lang, name in _NAMES.items() if lang not in self.folders]
        return neural + "".join(f", pyttsx3 on espeak-ng for {name}" for name in others)


def plan(settings: VoiceSettings, here: Callable[[str], bool] = present) -> Plan:
    """Which neural voices the settings ask for and can be had; `here` tells whether a model is fetched. Raises
    `ModelError` when one that is asked for cannot."""
    folders: dict[str, Path] = {}
    reasons: list[str] = []
    engines = {"en": settings.engine, "zh": settings.engine if settings.engine_zh == "same" else settings.engine_zh}
    for lang, engine in engines.items():
        model = NEURAL[lang]
        lack = _lack(lang, model, here) if engine in ("auto", "neural") else None
        if engine == "neural" and lack:
            raise lack
        if engine in ("auto", "neural") and not lack:
            folders[lang] = folder(model)
        reasons.append(lack.en.partition(".")[0] if lack else f"the engine for {_NAMES[lang]} is {engine}")
    return Plan(folders, "; ".join(reasons))


def choose_voice(settings: VoiceSettings, out: Path | None = None) -> Choice:
    """`out`, a WAV to write, goes before `voice.engine`. Raises `DeviceError` when `out` cannot be written, and
    `ModelError` when it is to be written by a neural voice that is not there; a speaker says so when it is to speak."""
    if out is None and settings.engine == "print":
        return Choice(PrintVoice(), "sentences are printed (voice.engine is print)")
    try:
        found = plan(settings)
    except ModelError as error:
        if out is not None:
            raise
        return Choice(MissingVoice(error), f"none: {error.en}")
    if out is not None:
        return Choice(FileVoice(out, settings, found.folders), f"{found.synthesisers} into {out}, as asked for")
    speaker = f"the speaker {settings.device}" if settings.device else "the system's speaker"
    voice = NeuralVoice(settings, found.folders) if found.folders else Pyttsx3Voice(settings)
    return Choice(voice, f"{found.synthesisers} to {speaker} ({found.reason})")


def _lack(lang: str, model: str, here: Callable[[str], bool]) -> ModelError | None:
    """What keeps a neural voice from speaking."""
    if not here(model):
        return ModelError(
            f"The neural voice {model} is not here. Run: tako models fetch {model}",
            f"缺少神经语音模型 {model}，请运行 tako models fetch {model}。",
        )
    if lang == "en" and find_spec(_PIPER) is None:
        return ModelError(
            f"The neural voice {model} needs piper. Install it with: pip install 'tako[voices]'",
            f"神经语音 {model} 需要 piper，请运行 pip install 'tako[voices]'。",
        )
    return None
