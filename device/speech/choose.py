"""Which recogniser tako uses: the settings, and what is there. Knows nothing of how models come to their folders."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from actions.errors import ModelError
from device.seams import Transcriber
from device.speech.prompts import request_prompt
from device.speech.vosk_engine import VoskTranscriber
from device.speech.whisper_engine import MODEL_FILES, WhisperSettings, WhisperTranscriber

log = logging.getLogger(__name__)

Engine = Literal["vosk", "whisper"]
Language = Literal["en", "zh"]

_PACKAGES: dict[Engine, str] = {"vosk": "vosk", "whisper": "faster_whisper"}
_VOSK_MODELS = {"en": "vosk-small-en-us-0.15", "zh": "vosk-small-cn-0.22"}
_ENGLISH_ONLY = "-en"  # how the name of a whisper model for English alone ends
_LANGUAGE_NAMES = {"en": "English", "zh": "Chinese"}


class SpeechSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Speech in: languages, engine and models."""

    # that are on; the first one's partial results are shown
    languages: Annotated[tuple[Language, ...], msgspec.Meta(min_length=1)] = ("en", "zh")
    engine: Literal["auto", "vosk", "whisper"] = "auto"  # auto: the first of vosk and whisper whose models are there
    # folder of the model of each language, in the folder of all models
    vosk_models: dict[str, str] = msgspec.field(default_factory=lambda: dict(_VOSK_MODELS))
    whisper_models: tuple[str, ...] = ("whisper-base", "whisper-tiny-en")  # folders, the first that fits is taken
    whisper: WhisperSettings = WhisperSettings()
    rescoring: bool = True  # whether the text model helps to choose between the readings that whisper has


@dataclass(frozen=True)
class Choice:
    """A recogniser that can be loaded."""

    engine: Engine
    folders: Mapping[str, Path]  # the model of each language it will understand
    reason: str  # one English sentence for the log and for doctor

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self.folders)


def plan(settings: SpeechSettings, models: Path) -> Choice:
    """What `choose` would load, without loading it. `models`: the folder of all models.

    An engine that understands every language that is on goes before one that understands some, and vosk goes before
    whisper. Raises `ModelError` when there is no model of an engine that the settings allow.
    """
    engines: Sequence[Engine] = ("vosk", "whisper") if settings.engine == "auto" else (settings.engine,)
    found: list[tuple[Engine, dict[str, Path]]] = []
    why_not: list[str] = []
    for engine in engines:
        folders = _vosk_folders(settings, models) if engine == "vosk" else _whisper_folders(settings, models)
        if not folders:
            why_not.append(f"{engine} has no model")
        elif find_spec(_PACKAGES[engine]) is None:
            why_not.append(f"{engine}'s package is not installed")
        else:
            found.append((engine, folders))
    if not found:
        wanted = {
            "vosk": [settings.vosk_models[lang] for lang in settings.languages if lang in settings.vosk_models],
            "whisper": list(settings.whisper_models),
        }
        names = ", ".join(name for engine in engines for name in wanted[engine])
        log.warning("no speech recogniser: %s; looked in %s for %s", ", ".join(why_not), models, names)
        raise ModelError(
            f"I have no speech recogniser: {', '.join(why_not)}. Run: tako models fetch",
            "没有可用的语音识别模型，请运行 tako models fetch。",
        )
    engine, folders = max(found, key=lambda pair: len(pair[1]))  # the first of equals
    return Choice(engine, folders, _reason(settings, engine, folders, found, why_not))


def choose(settings: SpeechSettings, models: Path, contacts: Sequence[str] = ()) -> tuple[Transcriber, str]:
    """The recogniser, loaded, and why it is this one. `contacts`: names whisper is to expect. Raises `ModelError`."""
    choice = plan(settings, models)
    if choice.engine == "vosk":
        return VoskTranscriber.load(choice.folders), choice.reason
    prompts = {lang: request_prompt(lang, contacts) for lang in choice.languages}
    folder = next(iter(choice.folders.values()))
    return WhisperTranscriber.load(folder, choice.languages, prompts, settings.whisper), choice.reason


def _vosk_folders(settings: SpeechSettings, models: Path) -> dict[str, Path]:
    folders = {lang: models / settings.vosk_models[lang] for lang in settings.languages if lang in settings.vosk_models}
    return {lang: folder for lang, folder in folders.items() if folder.is_dir()}


def _whisper_folders(settings: SpeechSettings, models: Path) -> dict[str, Path]:
    best: dict[str, Path] = {}
    for name in settings.whisper_models:
        folder = models / name
        if not all((folder / file).is_file() for file in MODEL_FILES):
            continue
        understood = [lang for lang in settings.languages if lang == "en" or not name.endswith(_ENGLISH_ONLY)]
        if len(understood) > len(best):
            best = dict.fromkeys(understood, folder)
    return best


def _reason(
    settings: SpeechSettings,
    engine: Engine,
    folders: Mapping[str, Path],
    found: Sequence[tuple[Engine, Mapping[str, Path]]],
    why_not: Sequence[str],
) -> str:
    names = " and ".join(dict.fromkeys(folder.name for folder in folders.values()))
    if settings.engine != "auto":
        why = "the settings ask for it"
    elif why_not:
        why = ", ".join(why_not)
    elif len(found) > 1 and engine == "whisper":
        why = "vosk lacks the model of a language"
    else:
        why = "it answers first"
    missing = [_LANGUAGE_NAMES[lang] for lang in settings.languages if lang not in folders]
    lack = f" {' and '.join(missing)} will not be understood: the model is not there." if missing else ""
    return f"Speech is recognised by {engine} ({names}), because {why}.{lack}"
