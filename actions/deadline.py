"""Work that ends in time, for the caller at least: a lookup of a name or a call into a driver can hang for ever."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


class Late(Exception):
    """The work was not done in time. It may still be at it, in a thread that nobody waits for."""


def within(seconds: float, work: Callable[[], _T]) -> _T:
    """What `work` returns or raises; raises `Late` after `seconds`."""
    box: queue.SimpleQueue[tuple[_T | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            box.put((work(), None))
        except BaseException as error:  # noqa: BLE001 - handed to the caller whatever it is
            box.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        result, error = box.get(timeout=seconds)
    except queue.Empty:
        raise Late from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]  # of None only where T is
