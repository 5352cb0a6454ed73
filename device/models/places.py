"""Where models live: `TAKO_HOME/models/<name>`, and the folders beside it. Knows no model.

TAKO_HOME/models/<name>    a checked model; appears whole or not at all
TAKO_HOME/partial/<name>   what has arrived of one that is being fetched
TAKO_HOME/drop             files a person has put there, looked at before any network
"""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """`TAKO_HOME`, or ~/.local/share/tako."""
    named = os.environ.get("TAKO_HOME", "").strip()
    return Path(named).expanduser() if named else Path.home() / ".local" / "share" / "tako"


def folder(name: str) -> Path:
    """The folder of a model, whether it is there or not."""
    return home() / "models" / name


def partial(name: str) -> Path:
    return home() / "partial" / name


def drop() -> Path:
    return home() / "drop"


def own_contacts() -> Path:
    """Where the contacts are that were added here (`tako contacts add`)."""
    return home() / "contacts.vcf"
