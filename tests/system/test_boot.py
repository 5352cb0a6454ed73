"""A Debian with systemd is booted with tako in it (`boot.sh`), where this is asked for and possible."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SYSTEM = Path(__file__).resolve().parent


def test_every_script_says_why_it_skips(tmp_path: Path) -> None:
    """Where the models are not built, or nothing is root's, it ends with 77 and a reason, and has done nothing."""
    done = subprocess.run(
        [SYSTEM / "boot.sh"],
        env={**os.environ, "TAKO_HOME": str(tmp_path / "none"), "TAKO_BOOT": str(tmp_path / "boot")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 77
    assert done.stdout.startswith("skipped: ")
    assert not (tmp_path / "boot").exists()


def test_the_transcript_is_of_a_board_that_is_well() -> None:
    text = (SYSTEM / "boot.transcript.txt").read_text("utf-8")
    assert text.rstrip().endswith("All is well.")
    assert "\nFAIL" not in text
    for stage in ("it reaches ready", "the control socket", "a press", "killed", "frozen", "a new release"):
        assert f"\n== {stage}" in text, stage


@pytest.mark.slow
def test_it_boots_and_lives(tmp_path: Path) -> None:
    """Minutes and hundreds of megabytes: only where TAKO_BOOT names a folder for it."""
    if not os.environ.get("TAKO_BOOT"):
        pytest.skip("TAKO_BOOT names no folder to boot a Debian in (tests/system/boot.sh)")
    done = subprocess.run([SYSTEM / "boot.sh", tmp_path / "transcript"], capture_output=True, text=True, check=False)
    if done.returncode == 77:
        pytest.skip(done.stdout.splitlines()[-1])
    assert done.returncode == 0, done.stdout
