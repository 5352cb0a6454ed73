"""The models that are really here, byte by byte; skips, and says which, where one is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from device.models import MODELS, verify

_HOME = os.environ.get("TAKO_HOME", "")  # as it was before the tests' own home takes its place


@pytest.mark.slow
@pytest.mark.parametrize("name", [model.name for model in MODELS])
def test_a_fetched_model_is_whole(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAKO_HOME", _HOME or str(Path.home() / ".local/share/tako"))
    status = verify(name)
    if status.state == "missing":
        pytest.skip(f"{name} is not fetched: tako models fetch {name}")
    assert status.state == "fetched", status.note
