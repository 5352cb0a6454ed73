"""One process at a time makes a model, whether it fetches or builds it."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from actions.errors import ModelError
from device.models import places


@contextmanager
def alone(name: str, en: str, zh: str) -> Iterator[None]:
    """Holds the lock of model `name`; it ends with the process, however that ends.

    Raises `ModelError` with these sentences when another holds it, `OSError` when TAKO_HOME cannot be written.
    """
    path = places.partial(f"{name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ModelError(en, zh) from None
        yield
