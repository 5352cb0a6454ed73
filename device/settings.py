"""All settings of tako: one frozen tree, read once from one TOML file and handed down.

Knows which part has which section; each section is defined beside the code that it configures. A file that is not
there means the defaults; one that was named and is not there, or has a mistake in it, is an error.
"""

from __future__ import annotations

import logging
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, get_args, get_origin

import msgspec

from actions.errors import SettingsError
from actions.secret import Secret
from actions.settings import ActionsSettings
from device.choose import ButtonSettings, CameraSettings, MindSettings
from device.confirm import DialogueSettings
from device.journal import HistorySettings
from device.pi.indicator import LightSettings
from device.settings_reader import Reader
from device.speech.choose import SpeechSettings
from device.speech.endpoint import EndpointSettings
from device.speech.microphone import MicrophoneSettings
from device.voice.settings import VoiceSettings

log = logging.getLogger(__name__)
VARIABLE = "TAKO_CONFIG"


class Settings(ActionsSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file."""

    language: Literal["en", "zh"] = "en"  # spoken while nothing has been understood; answers are in the request's own
    dialogue: DialogueSettings = DialogueSettings()
    speech: SpeechSettings = SpeechSettings()
    microphone: MicrophoneSettings = MicrophoneSettings()
    endpoint: EndpointSettings = EndpointSettings()
    voice: VoiceSettings = VoiceSettings()
    mind: MindSettings = MindSettings()
    button: ButtonSettings = ButtonSettings()
    light: LightSettings = LightSettings()
    camera: CameraSettings = CameraSettings()
    history: HistorySettings = HistorySettings()


def settings_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the settings are: `TAKO_CONFIG`, or ~/.config/tako/tako.toml."""
    named = environ.get(VARIABLE, "").strip()
    return Path(named).expanduser() if named else Path.home() / ".config" / "tako" / "tako.toml"


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of `path`, or of `settings_path`. Raises `SettingsError` with a sentence for every mistake."""
    chosen = path or settings_path(environ)
    if path is None and not environ.get(VARIABLE, "").strip() and not chosen.exists():
        return Settings()
    settings = Reader(chosen, environ).read(Settings)
    _warn_of_readers(chosen)
    return settings


def _warn_of_readers(path: Path) -> None:
    """A password in a file that others may read is worth a word in the log."""
    if path.stat().st_mode & 0o007 and any(_written_secrets(Settings, tomllib.loads(path.read_text("utf-8-sig")))):
        log.warning("%s holds a password or key and anybody may read it: chmod o-rwx it", path)


def _written_secrets(kind: object, raw: object) -> Iterator[str]:
    """The secrets that stand in the file itself, not in another place that it names."""
    if kind is Secret and isinstance(raw, str):
        yield raw
    for part in get_args(kind):
        yield from _written_secrets(part, raw)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(raw, dict):
        for field in msgspec.structs.fields(kind):
            yield from _written_secrets(field.type, raw.get(field.name))
    elif get_origin(kind) is dict and isinstance(raw, dict):
        for value in raw.values():
            yield from _written_secrets(get_args(kind)[1], value)


def write_example(path: Path, text: str) -> None:
    """Writes a commented example for a person to fill in; an existing file is never touched. Raises `SettingsError`."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            try:
                file.write(text)
                file.flush()
            except OSError:  # a full disk: an empty file would keep the next try from writing
                path.unlink()
                raise
    except FileExistsError:
        raise SettingsError(f"There are settings in {path} already.", f"{path} 已有设置文件。") from None
    except OSError as error:
        raise SettingsError(
            f"I cannot write {path}: {error.strerror}.", f"无法写入 {path}：{error.strerror}。"
        ) from None
