"""The Makefile and its set-up script: what they do where they may not install, and that they are sound."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ("tools/setup.sh", ".ci/run", *(str(p.relative_to(ROOT)) for p in ROOT.glob("training/runs/*.sh")))


def setup(tree: Path, path: Path) -> subprocess.CompletedProcess[str]:
    """Runs the script in a copy of the tree, with nothing but `path` on the PATH."""
    (tree / "tools").mkdir(parents=True)
    shutil.copy(ROOT / "tools/setup.sh", tree / "tools")
    shutil.copy(ROOT / "pyproject.toml", tree)
    return subprocess.run(
        [tree / "tools/setup.sh", "dev"],
        env={**os.environ, "PATH": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """A PATH of a Debian without any of the packages, for somebody who is not root."""
    path = tmp_path / "bin"
    path.mkdir()
    for name in ("env", "bash", "dirname", "python3"):
        where = shutil.which(name)
        assert where is not None
        (path / name).symlink_to(where)
    stub(path, "id", "echo 1000")
    stub(path, "dpkg-query", "exit 1")
    return path


def stub(path: Path, name: str, body: str) -> None:
    (path / name).write_text(f"#!/bin/sh\n{body}\n")
    (path / name).chmod(0o755)


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_are_sound(script: str) -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    done = subprocess.run(["shellcheck", ROOT / script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_without_sudo_the_one_command_is_named(tmp_path: Path, commands: Path) -> None:
    done = setup(tmp_path / "tree", commands)
    assert done.returncode == 1
    line = "apt-get install -y --no-install-recommends espeak-ng libportaudio2 libatomic1"
    assert f"As root: {line}" in done.stderr
    assert not (tmp_path / "tree/.venv").exists()


def test_where_apt_fails_the_one_command_is_named(tmp_path: Path, commands: Path) -> None:
    stub(commands, "sudo", 'exec "$@"')
    stub(commands, "apt-get", "exit 100")
    done = setup(tmp_path / "tree", commands)
    assert done.returncode == 1
    assert "By hand: sudo apt-get install -y --no-install-recommends espeak-ng" in done.stderr


def test_without_apt_the_packages_are_named(tmp_path: Path, commands: Path) -> None:
    (commands / "dpkg-query").unlink()
    done = setup(tmp_path / "tree", commands)
    assert done.returncode == 1
    assert "there is no apt here" in done.stderr
    assert "espeak-ng" in done.stderr


def test_an_old_python_is_told(tmp_path: Path, commands: Path) -> None:
    stub(commands, "dpkg-query", "echo ii")
    (commands / "python3").unlink()
    stub(commands, "python3", 'case "$1" in --version) echo Python 3.9.2;; -c) [ "${2#import sys}" = "$2" ];; esac')
    done = setup(tmp_path / "tree", commands)
    assert done.returncode == 1
    assert "tako needs Python 3.11 to 3.13; this is Python 3.9.2" in done.stderr


@pytest.mark.parametrize("target", ["demo", "test", "check", "setup", "models", "bench", "clean"])
def test_every_target_of_the_help_is_there(target: str) -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert f"make {target} " in listed
    subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, check=True)
