"""`tako batch`: what would be done for each of many requests."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO

import click

from actions.errors import DeviceError, InputError
from device.cli.app import App, pass_app

PATH = click.Path(path_type=Path, allow_dash=True)


@click.command()
@click.option(
    "--in", "source", type=PATH, required=True, help='Requests: JSON lines {"id", "text" or "audio", "image"?}.'
)
@click.option("--out", "target", type=PATH, required=True, help="Where the answers go, one line each.")
@click.option("--root", type=click.Path(path_type=Path), help="Folder that paths start from. Left out: that of --in.")
@pass_app
def batch(app: App, source: Path, target: Path, root: Path | None) -> None:
    """Decide many requests without acting; a dash is standard input or output.

    Each answer is one line of JSON: id, transcript, lang, calls (name and all args), ms. A line that cannot be
    answered carries `error` and no calls; it never stops the others.
    """
    import msgspec

    from device.batch import answers
    from device.body import deciding

    failed = total = 0
    with _source(source) as lines, deciding(app.settings) as (decider, hear):
        try:
            with _target(target, source) as sink:
                for answer in answers(lines, root or _folder(source), decider, hear):
                    sink.write(msgspec.json.encode(answer) + b"\n")
                    sink.flush()
                    total, failed = total + 1, failed + (answer.error is not msgspec.UNSET)
        except BrokenPipeError:  # whoever read along has had enough
            raise
        except OSError as error:
            raise DeviceError(
                f"I cannot write to {target}: {error.strerror}. {total} answers are there.",
                f"无法写入 {target}：{error.strerror}。已写出 {total} 条。",
            ) from error
    click.echo(f"{total} answers, {failed} with an error", err=True)


def _source(path: Path) -> AbstractContextManager[BinaryIO]:
    if str(path) == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(f"I cannot read {path}: {error.strerror}.", f"读不了 {path}：{error.strerror}。") from error


def _target(path: Path, source: Path) -> AbstractContextManager[BinaryIO]:
    if str(path) == "-":
        return nullcontext(sys.stdout.buffer)
    if path.exists() and source.exists() and path.samefile(source):
        raise InputError("--in and --out are the same file.", "--in 和 --out 是同一个文件。")
    return path.open("wb")


def _folder(source: Path) -> Path:
    return Path.cwd() if str(source) == "-" else source.parent
