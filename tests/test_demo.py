"""`make demo` from the outside: both turns as they should be, nothing left running."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import wave
from pathlib import Path

import pytest

from device.models.places import folder
from device.text_model import status_of_text_model

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.slow
def test_two_turns(tmp_path: Path) -> None:
    if not (folder("whisper-base") / "model.bin").is_file():
        pytest.skip("the model whisper-base is not there: tako models fetch whisper-base")
    if (status := status_of_text_model()).state != "built":
        pytest.skip(f"the text model is {status.state}: tako models build")
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-m", "demo", "--out", tmp_path],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Shall I email Anna Berg with the photo" in done.stderr
    for shown in (
        "send_email(",
        "send_text(",
        "To          Anna Berg <anna@example.com>",
        "photo.jpg, image/jpeg",
        "The phone received",
        "+861055500100",
        "took",
    ):
        assert shown in done.stdout
    for name in ("answer_en.wav", "answer_zh.wav"):
        with wave.open(str(tmp_path / name)) as answer:
            assert answer.getnframes() / answer.getframerate() > 1.0
    assert (tmp_path / "email.password").stat().st_mode & 0o077 == 0
    tako = Path(sysconfig.get_path("scripts")) / "tako"
    history = subprocess.run([tako, "--settings", tmp_path / "tako.toml", "history"], capture_output=True, text=True)
    assert "I found this at the market" in history.stdout, history.stderr
