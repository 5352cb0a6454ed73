"""Memory and processor time of processes that are really there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from device.processes import memory, processor, tree

HOLD = "held = bytearray({mb} * 1_000_000); held[::4096] = b'x' * len(held[::4096])"
PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "{HOLD.format(mb=60)}; print('child', flush=True); input()"],
                         stdin=subprocess.PIPE)
{HOLD.format(mb=30)}
sum(range(8_000_000))
print("parent", flush=True)
input()
child.communicate(b"\\n")
"""


@pytest.fixture
def parent() -> Iterator[int]:
    """A process of some 30 MB that has started one of some 60 MB."""
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert {process.stdout.readline().strip(), process.stdout.readline().strip()} == {"parent", "child"}
        yield process.pid
        process.communicate("\n")


def test_children_count_in(parent: int) -> None:
    alone, both = tree(parent), memory(parent)
    assert len(alone) == 2
    assert alone[0] == parent
    assert memory(alone[1]).resident > 60
    assert 90 < both.resident < 250
    assert both.proportional <= both.resident + 1
    assert both.peak >= both.resident * 0.9


def test_work_shows(parent: int) -> None:
    assert 0.02 < processor(parent) < 60


def test_what_has_ended_has_nothing() -> None:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    assert memory(done.pid).resident == 0
    assert processor(done.pid) == 0


def test_this_one_is_in_its_own_tree() -> None:
    assert tree(os.getpid())[0] == os.getpid()


FREED = """
import os
from device.processes import give_back, memory
kept = [bytearray(60_000) for _ in range(2_000)]
pins = kept[::50]  # they keep the heap from shrinking by itself
del kept
before = memory(os.getpid()).resident
give_back()
print(before, memory(os.getpid()).resident)
"""


def test_what_is_freed_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", FREED], capture_output=True, text=True, check=True)
    before, after = map(float, done.stdout.split())
    assert before > 100
    assert after < before - 60
