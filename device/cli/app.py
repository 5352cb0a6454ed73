"""What all commands share: the settings, read when first needed, and the sentence and exit code of an error."""

from __future__ import annotations

import errno
import logging
import os
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.exceptions import Exit

from actions.errors import DeviceError, TakoError
from device.errors import fault

if TYPE_CHECKING:
    from device.settings import Settings

log = logging.getLogger(__name__)


class App:
    """One run of the command line."""

    def __init__(self, settings_path: Path | None = None) -> None:
        self.settings_path = settings_path

    @cached_property
    def settings(self) -> Settings:
        """Raises `SettingsError`."""
        from device.settings import load

        return load(self.settings_path)


pass_app = click.make_pass_decorator(App, ensure=True)


def language() -> str:
    """The language of sentences on the terminal, by its locale: "zh" or "en"."""
    locale = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return "zh" if locale.startswith("zh") else "en"


class Sentences(click.Group):
    """A group of commands whose errors end in a sentence and the exit code of `actions.errors`."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except TakoError as error:
            click.echo(error.spoken(language()), err=True)
            ctx.exit(error.exit_code)
        except (click.ClickException, click.Abort, Exit, BrokenPipeError):  # click's own business
            raise
        except Exception as error:  # a fault of the program: its traceback goes to the log
            told = _full(error)
            if told is None:
                log.exception("%s failed", ctx.invoked_subcommand)
                told = fault()
            click.echo(told.spoken(language()), err=True)
            ctx.exit(told.exit_code)


def _full(error: Exception) -> TakoError | None:
    """What a full disk is, wherever it shows (standard output may be a file)."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DeviceError("The disk is full.", "磁盘已满。")
    return None


def set_up_log(verbose: int) -> None:
    """Warnings go to stderr; with `-v` what tako does as well, with `-vv` everything. journald adds the time itself."""
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    under_systemd = "JOURNAL_STREAM" in os.environ
    form = "%(name)s: %(message)s" if under_systemd else "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=level, format=form, stream=sys.stderr, force=True)
    logging.captureWarnings(True)
