"""docs/cli.md: every command with its options, made from the commands themselves.

python -m device.cli.reference           writes docs/cli.md
python -m device.cli.reference --check   fails when it is stale
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from device.cli.main import tako

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "cli.md"
COMMAND = "python -m device.cli.reference"
HEAD = f"""# The command line

<!-- Made by `{COMMAND}` from the commands; change their texts there. -->

Every command ends with 0 when all went as it should, else with a sentence and the number of what went wrong:

| exit code | means |
|---|---|
| 0 | done, or not done as you wished: declined, cancelled |
| 1 | a fault of tako itself; the log has more |
| 2 | the settings, or the command itself, are wrong |
| 3 | the request cannot be read: picture, sound, text |
| 4 | microphone, camera, speaker, button or disk |
| 5 | a model is missing, damaged or does not fit |
| 6 | the action failed, or nobody knows whether it was done |
| 7 | it waits in the outbox until it may work |
| 8 | tako asked something: a detail is missing or means two things |

When several things went wrong, the first one counts.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_sections(tako, ("tako",))])


def _sections(command: click.Command, path: tuple[str, ...]) -> Iterator[str]:
    yield f"{'#' * min(len(path) + 1, 4)} `{' '.join(path)}`\n"
    yield f"{_text(command.help or '')}\n"
    if not isinstance(command, click.Group):
        yield f"```\n{' '.join([*path, *(_usage(param) for param in command.params)])}\n```\n"
    options = [param for param in command.params if isinstance(param, click.Option)]
    for option in options:
        default = f" Default: {option.default}." if option.show_default else ""
        yield f"- `{_usage(option, names=True)}`: {option.help}{default}"
    if options:
        yield ""
    if isinstance(command, click.Group):
        for name, sub in sorted(command.commands.items()):
            yield from _sections(sub, (*path, name))


def _usage(param: click.Parameter, names: bool = False) -> str:
    """`--out PATH`, `[--yes]`, `[NAMES]...`; with `names` all names of an option, as it is listed."""
    if isinstance(param, click.Option):
        name = ", ".join(param.opts) if names else param.opts[0]
        takes = "" if param.is_flag or param.count else f" {(param.metavar or param.type.name).upper()}"
        return f"{name}{takes}" if names or param.required else f"[{name}{takes}]"
    name = (param.name or "").upper()
    return f"{name if param.required else f'[{name}]'}{'...' if param.nargs == -1 else ''}"


def _text(help_: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in help_.split("\n\n"))


def main() -> int:
    if "--check" not in sys.argv[1:]:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page(), encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
        click.echo(f"docs/{PAGE.name} is stale: run {COMMAND}", err=True)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
