"""Killed at random, again and again: nothing is lost and nothing is done twice. (`bench.outbox` has more rounds.)"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.slow
def test_nothing_is_lost_and_nothing_doubled() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "bench.outbox", "--rounds", "25", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.stderr == ""
    with_keys, without = (json.loads(line) for line in ended.stdout.splitlines())
    for figures in (with_keys, without):
        assert (figures["lost"], figures["doubled"]) == (0, 0)
        assert figures["killed"] > 12  # else nothing was tried
        assert figures["in_the_midst"] > 0
        assert figures["kept"] >= figures["accepted"] > 25
    assert with_keys["delivered"] == with_keys["kept"]
    assert with_keys["unknown"] == 0
    assert without["kept"] - without["unknown"] <= without["delivered"] <= without["kept"]
    assert ended.returncode == 0
