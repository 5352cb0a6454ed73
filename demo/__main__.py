"""`python -m demo`: two turns through the real command line, and what came of them. Ends with 1 when one went wrong."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import sysconfig
import threading
import time
import wave
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import click

from demo.mail_server import HOST, USER, Inbox, mail_server
from demo.phone import Phone, phone

ROOT = Path(__file__).resolve().parent.parent
TAKO = Path(sysconfig.get_path("scripts")) / "tako"
PASSWORD = "email.password"  # file beside the settings; worth nothing when the demo is over
PHONE = "phone.url"  # likewise a file: many such addresses hold a key
PATIENCE = 600.0  # seconds for one turn: a Pi Zero 2 W loads its models first
SETTINGS = """# Written by the demo; try: tako --settings {path} history
[email]
host = "{host}"  # the demo's own mail server, on this machine: nothing leaves it
port = {port}
user = "{user}"
password = {{ file = "{password}" }}
sender_name = "tako"
ca_file = "{ca_file}"

[text]
via = "webhook"

[text.webhook]
url = {{ file = "{phone}" }}  # the demo's own phone, likewise on this machine

[contacts.people."Anna Berg"]
email = "anna@example.com"
aliases = ["anna"]

[contacts.people."小明"]
email = "xiaoming@example.com"
phone = "+86 10 5550 0100"

[history]
folder = "history"
"""


@dataclass(frozen=True)
class Turn:
    """One turn of the demo and what must come of it."""

    title: str
    wav: str
    image: str | None
    answer: str  # name of the WAV with the spoken answer
    function: str
    status: str


TURNS = (
    Turn(
        "An English request, spoken, with a photo",
        "tests/data/en_request.wav",
        "tests/data/photo.jpg",
        "answer_en.wav",
        "send_email",
        "done",
    ),
    Turn("A Chinese request, spoken", "tests/data/zh_request.wav", None, "answer_zh.wav", "send_text", "done"),
)


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("demo-out"), help="Folder for what is made.")
def main(out: Path) -> None:
    """Show two whole turns on this machine."""
    os.chdir(ROOT)
    out.mkdir(parents=True, exist_ok=True)
    with mail_server(out) as inbox, phone() as mobile:
        settings = _write_settings(out, inbox, mobile)
        problems = [problem for turn in TURNS for problem in _show(turn, settings, out, inbox)]
        letters = list(inbox.messages)
    _title("The mail server received")
    for letter in letters:
        _show_letter(letter)
    if not any(_has_photo(letter) and letter["To"].addresses[0].addr_spec == "anna@example.com" for letter in letters):
        problems.append("the email with the photo did not reach anna@example.com")
    _title("The phone received")
    for text in mobile.texts:
        click.echo(f"{text['number']:11} {text['message']}")
    if not any(text["name"] == "小明" for text in mobile.texts):
        problems.append("the text did not reach 小明")
    _title("The spoken answers")
    for turn in TURNS:
        click.echo(f"{out / turn.answer}  {_seconds(out / turn.answer):.1f} s")
    for problem in problems:
        click.secho(f"Not as it should be: {problem}", fg="red", err=True)
    sys.exit(bool(problems))


def _write_settings(out: Path, inbox: Inbox, mobile: Phone) -> Path:
    path = out / "tako.toml"
    text = SETTINGS.format(
        path=path,
        host=HOST,
        port=inbox.port,
        user=USER,
        password=PASSWORD,
        ca_file=inbox.ca_file.name,
        phone=PHONE,
    )
    path.write_text(text, encoding="utf-8")
    for name, secret in ((PASSWORD, inbox.password), (PHONE, mobile.url)):
        (out / name).touch(mode=0o600)
        (out / name).write_text(secret, encoding="utf-8")
    return path


def _show(turn: Turn, settings: Path, out: Path, inbox: Inbox) -> list[str]:
    """Goes through the turn; what is not as it should be."""
    answer = out / turn.answer
    answer.unlink(missing_ok=True)
    image = ["--image", turn.image] if turn.image else []
    arguments = ["--settings", str(settings), "turn", "--wav", turn.wav, *image, "--out", str(answer)]
    _title(turn.title)
    click.secho(f"$ tako {shlex.join(arguments)}", dim=True)
    begun = time.monotonic()
    code = _run(arguments)
    click.secho(f"whole    {time.monotonic() - begun:.1f} s, with the start of the program and of its models", dim=True)
    if code:
        return [f"tako turn ended with {code}"]
    record = json.loads(_output(["--settings", str(settings), "history", "--json", "--limit", "1"]))["turn"]
    called = [call["name"] for call in record["decision"]["calls"]]
    statuses = [outcome["status"] for outcome in record["outcomes"]]
    problems = []
    if (called, statuses) != ([turn.function], [turn.status]):
        problems.append(f"{turn.wav} should end in {turn.function}, {turn.status}; it did in {called}, {statuses}")
    if _seconds(answer) < 0.5:
        problems.append(f"{answer} holds no spoken answer")
    return problems


def _run(arguments: list[str]) -> int:
    """Runs tako as a person would who answers its question with yes; its exit code."""
    with subprocess.Popen([TAKO, *arguments], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        guard = threading.Timer(PATIENCE, process.kill)
        guard.start()
        asked = ""
        while letter := process.stderr.read(1):
            click.echo(letter, nl=False, err=True)
            asked = "" if letter == "\n" else asked + letter
            if asked.endswith("] "):  # "[y/N] ": the question before something that cannot be undone
                click.echo("yes", err=True)
                process.stdin.write("yes\n")
                process.stdin.flush()
                asked = ""
        guard.cancel()
    return process.returncode


def _output(arguments: list[str]) -> str:
    return subprocess.run([TAKO, *arguments], check=True, capture_output=True, text=True).stdout


def _show_letter(letter: EmailMessage) -> None:
    for name in ("From", "To", "Subject", "Message-ID"):
        click.echo(f"{name:11} {letter[name]}")
    body = letter.get_body(("plain",))
    click.echo(f"{'':11} {body.get_content().strip() if body else ''}")
    for part in letter.iter_attachments():
        size = len(part.get_payload(decode=True))
        click.echo(f"{'attached':11} {part.get_filename()}, {part.get_content_type()}, {size / 1000:.0f} kB")


def _has_photo(letter: EmailMessage) -> bool:
    return any(part.get_content_type() == "image/jpeg" for part in letter.iter_attachments())


def _seconds(path: Path) -> float:
    """Length of a WAV; 0 when it is not there."""
    if not path.exists():
        return 0.0
    with wave.open(str(path), "rb") as file:
        return file.getnframes() / file.getframerate()


def _title(text: str) -> None:
    click.echo()
    click.secho(text, bold=True)


if __name__ == "__main__":
    main()
