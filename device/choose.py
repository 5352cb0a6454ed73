"""Which button, which eye and which mind: from settings to implementations. Simulators are chosen by name.

Speech and voice have choosers of their own (`device.speech.choose`, `device.voice.choose`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from actions.errors import TakoError
from agent.types import Decider
from device.models.places import folder
from device.mute import Mute
from device.pi.camera import PicameraCamera, PicameraSettings
from device.pi.trigger import ButtonTrigger, PinSettings
from device.seams import Camera, Trigger
from device.sim.camera import FolderCamera, NoCamera
from device.sim.lines import Lines
from device.sim.trigger import KeyTrigger

TEXT_MODEL = "text"  # name of the built text model's folder


class ButtonSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The button."""

    kind: Literal["gpio", "key"] = "gpio"  # a real button, or the Enter key of the terminal
    gpio: PinSettings = PinSettings()


class CameraSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The eye."""

    kind: Literal["picamera2", "folder", "none"] = (
        "picamera2"  # the Pi's camera, pictures of a folder, or no eye at all
    )
    folder: Path | None = None  # of the pictures that kind "folder" shows one after the other
    pi: PicameraSettings = PicameraSettings()

    def __post_init__(self) -> None:
        if self.kind == "folder" and self.folder is None:
            raise ValueError('a camera of kind "folder" needs the folder')


class MindSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What decides."""

    kind: Literal["onnx", "scripted"] = "onnx"  # the built text model, or a script of answers
    threads: Annotated[int, msgspec.Meta(ge=1, le=16)] = 1  # of the model; at most as many as the board has cores
    refuse_below: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None  # confidence under which nothing is done;
    # left out: the model's own, calibrated one
    script: Path | None = None  # JSON lines with transcript and calls, for kind "scripted"

    def __post_init__(self) -> None:
        if self.kind == "scripted" and self.script is None:
            raise ValueError('a mind of kind "scripted" needs the script')


class BrokenCamera:
    """A camera that could not be opened: says why to each request that needs it, and lets the others be."""

    def __init__(self, error: TakoError) -> None:
        self.error = error

    def frame(self) -> None:
        raise self.error

    def close(self) -> None:
        """Nothing is open."""


def choose_trigger(settings: ButtonSettings, lines: Lines, mute: Mute) -> Trigger:
    """Raises `DeviceError` when there is no such button. `lines`: the terminal's, for the Enter key; `mute`: what its
    switch and its second button turn."""
    return KeyTrigger(lines) if settings.kind == "key" else ButtonTrigger(settings.gpio, mute=mute, patient=True)


def choose_camera(settings: CameraSettings) -> Camera:
    """Raises `DeviceError` or `InputError` when there is no such camera."""
    if settings.kind == "none":
        return NoCamera()
    if settings.kind == "folder" and settings.folder:
        return FolderCamera(settings.folder)
    return PicameraCamera(settings.pi)


def choose_decider(settings: MindSettings) -> Decider:
    """Raises `ModelError` when the model or the script is missing or damaged."""
    if settings.kind == "scripted" and settings.script:
        from agent.scripted import ScriptedDecider

        return ScriptedDecider.from_file(settings.script)
    from agent.onnx_decider import OnnxDecider

    return OnnxDecider(folder(TEXT_MODEL), settings.threads, settings.refuse_below)
