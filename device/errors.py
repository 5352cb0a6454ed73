"""What a user is told of a fault of the program itself. Errors that a user can mend are in `actions.errors`."""

from __future__ import annotations

from actions.errors import TakoError


def fault() -> TakoError:
    """Said in place of an exception that nobody foresaw; its traceback belongs in the log."""
    return TakoError("Something went wrong inside me.", "我内部出了点问题。")
