"""What the pages say is so: links, commands, make's targets, names, paths and figures."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import pytest

from actions.catalogue import CATALOGUE
from device.cli.main import tako

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in ROOT.rglob("*.md")
    if not {part for part in path.relative_to(ROOT).parts if part.startswith(".")} and "demo-out" not in path.parts
)
HEADINGS = ["Context", "Decision", "Consequences"]
RELEASE = ROOT / "models" / "text"


def read(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def commands(text: str) -> Iterator[str]:
    """Lines of code that call tako, and calls of tako in running text."""
    for block in re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from re.findall(r"^(?:\$ |\.venv/bin/)?(tako .+)$", block, re.MULTILINE)
    yield from re.findall(r"`(tako [^`\n]+)`", text)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", read(page))
    assert not [x for x in links if ":" not in x and not (ROOT / page).parent.joinpath(x).exists()]


@pytest.mark.parametrize("page", [page for page in PAGES if page != "docs/cli.md"])
def test_commands_exist(page: str) -> None:
    """docs/cli.md is made from the commands."""
    for line in commands(read(page)):
        command: click.Command = tako
        words = re.split(r"\s{2,}| \| ", line)[0].split()[1:]
        options = {name for param in command.params for name in param.opts}
        for word in words:
            if isinstance(command, click.Group) and not word.startswith("-") and word in command.commands:
                command = command.commands[word]
                options |= {name for param in command.params for name in param.opts}
        assert command is not tako or not [w for w in words if w[0].isalpha()], f"{line}: there is no such command"
        used = {word.partition("=")[0] for word in words if word.startswith("--")} - {"--help", "--version"}
        assert used <= options, line


@pytest.mark.parametrize("page", PAGES)
def test_targets_of_make_exist(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", read(page), re.MULTILINE)) <= targets


@pytest.mark.parametrize("page", PAGES)
def test_modules_and_paths_exist(page: str) -> None:
    text = read(page)
    modules = re.findall(r"python3? -m ((?:actions|agent|device|training|bench|demo)[\w.]*)", text)
    assert not [m for m in modules if not list(ROOT.glob(f"{m.replace('.', '/')}*"))]
    named = re.findall(
        r"`((?:actions|agent|bench|demo|device|docs|models|systemd|tests|tools|training)/[\w./-]*)`", text
    )
    assert not [path for path in named if not (ROOT / path).exists() and Path(path).name != "weights.bin"]


def test_readme_says_what_each_function_does_today() -> None:
    """Each function stands in the table once, with a link to its page, and every page of a function is linked."""
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", read("README.md"), re.MULTILINE)
    names = [function.name for function in CATALOGUE]
    assert sorted(name for name, _ in rows) == sorted(names)
    assert {name for name, today in rows if f"](docs/actions/{name}.md)" in today} == set(names) - {"none"}
    assert {path.stem for path in (ROOT / "docs" / "actions").glob("*.md")} - set(names) == {"push"}


def test_architecture_names_what_there_is() -> None:
    """Every implementation in the table of seams is a class, and every seam of device/seams.py is in the table."""
    text = read("ARCHITECTURE.md")
    table = text[text.index("| seam |") : text.index("`device/body.py` is the one place")]
    classes = {
        name for p in ROOT.glob("[ad]*/**/*.py") for name in re.findall(r"^class (\w+)", p.read_text("utf-8"), re.M)
    }
    assert not set(re.findall(r"`([A-Z]\w+)`", table)) - classes
    seams = set(re.findall(r"^class (\w+)\(Protocol\)", read("device/seams.py"), re.MULTILINE))
    assert seams <= set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE))


def test_decisions_have_their_form() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"^\d+\. \[(.*)\]\((.*)\)$", read("docs/decisions/README.md"), re.MULTILINE)
    assert [name for _, name in listed] == sorted(p.name for p in folder.glob("0*.md"))
    for number, (title, name) in enumerate(listed, 1):
        text = (folder / name).read_text("utf-8")
        assert text.startswith(f"# {number}. {title}\n\nStatus: ")
        assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS


def test_changelog_tells_of_this_version() -> None:
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    told = re.findall(r"^## (\S+)", read("CHANGELOG.md"), re.MULTILINE)
    assert next(name for name in told if name != "Unreleased") == version


def test_figures_are_those_of_the_release() -> None:
    tokens = f"{len(np.load(RELEASE / 'vocabulary.npz')['rows']):,}"
    last = json.loads((RELEASE / "layout.json").read_text("utf-8"))[-1]
    built = f"{(last['offset'] + last['length']) / 1e6:.0f} MB"
    for page in ("ARCHITECTURE.md", "models/README.md", "docs/decisions/0001-pruned-vocabulary.md"):
        assert tokens in read(page)
    for page in ("README.md", "ARCHITECTURE.md", "models/README.md", "docs/decisions/0002-low-rank-change.md"):
        assert built in read(page)
