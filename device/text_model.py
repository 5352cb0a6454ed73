"""The text model of this device: where its release and its base lie, how it is built, how it is.

Joins `agent.build`, which knows no folders, and `device.models`, which knows no building.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from actions.errors import DeviceError, ModelError
from agent.build import build, is_stale
from agent.bundle import Bundle
from device.models.lock import alone
from device.models.places import folder, home
from device.models.status import Status

NAME = "text"
RELEASE = Path(__file__).resolve().parent.parent / "models" / "text"  # what this version of tako brings along
BASE = ("gemma-3-270m", "gemma-3-270m-q4_k_m.gguf")  # model of the store, and its file
PURPOSE = "Understands requests; built here by tako models build."


def build_text_model(on_progress: Callable[[str, int, int], None] | None = None) -> Path:
    """Builds it from release and base; the folder it lies in. Raises `ModelError`, `DeviceError`."""
    name, file = BASE
    try:
        with alone(
            NAME,
            "The text model is being built by another tako; wait for it to end.",
            "另一个 tako 正在生成文本模型，请等它完成。",
        ):
            build(folder(name) / file, RELEASE, folder(NAME), on_progress)
    except OSError as error:
        where, what = home(), error.strerror or str(error)
        raise DeviceError(f"I cannot write into {where}: {what}.", f"无法写入 {where}：{what}。") from error
    return folder(NAME)


def status_of_text_model(deep: bool = False) -> Status:
    """Whether it is built, whole and of this release; `deep` reads every byte."""
    here = folder(NAME)
    if not here.exists():
        return Status(NAME, "missing", note="run tako models build")
    size = sum(file.stat().st_size for file in here.iterdir())
    try:
        bundle = Bundle(here)
        if deep:
            bundle.verify()
    except ModelError as error:
        return Status(NAME, "damaged", size, error.en)
    if not (RELEASE / "manifest.json").is_file() or is_stale(here, RELEASE):
        return Status(NAME, "stale", size, "not built from the release of this tako; run tako models build")
    return Status(NAME, "built", size, PURPOSE)
