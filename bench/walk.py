"""`python -m bench.walk --data DIR`: every function, each in a `tako turn` of its own, and a page of how it went.

The requests are spoken when the walk runs, by the voices of `training.speech`; what tako remembers lies in a folder
that is thrown away, the models are those of TAKO_HOME. The data folder has the photos (`images.csv` as the training
reads it); none of them is copied. Ends with 1 when an outcome is not what the scene expects.
"""

from __future__ import annotations

import base64
import codecs
import csv
import json
import os
import platform
import re
import subprocess
import sys
import sysconfig
import tempfile
import threading
import tomllib
import wave
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from email.message import EmailMessage
from pathlib import Path

import click
import msgspec

from bench.counterparts import Library, OwnersPhone, Push, library, owners_phone
from bench.walk_page import Made, Record, Taken, masked, page
from bench.walk_scenes import MAIL, PEOPLE, PHONE, PUSH, SCENES, SEARCH, Photo, Reply, Scene
from demo.mail_server import HOST, USER, Inbox, mail_server
from demo.phone import Phone, phone
from device.models.places import folder, home
from training.speech import fetch
from training.vision.photos import read_photos

ROOT = Path(__file__).resolve().parent.parent
TAKO = Path(sysconfig.get_path("scripts")) / "tako"
PATIENCE = 600.0  # seconds for one turn: a slow board loads its models first
NO_MODEL = 5  # exit code of tako
SEED = 2  # of the English voice, as for tests/data
REMEMBERED = ("tako list show", "tako lost list --all", "tako reminders list", "tako outbox list")
SETTINGS = """[email]
host = "{host}"
port = {port}
user = "{user}"
password = {{ file = "email.password" }}
sender_name = "tako"
ca_file = "{ca_file}"

[text]
via = "webhook"

[text.webhook]
url = "{phone}"

[owner.ntfy]
server = "{server}"
topic = "{topic}"
token = "{token}"

[search]
backends = ["searxng"]
searxng_url = "{search}"

[recycling]
place = "california"

[contacts]
region = "US"
"""
_LETTERS = r"(?:\[y/N[^\]]*\] )?"  # behind a question; in front of the next one when they came late
_QUESTION = re.compile(rf"{_LETTERS}(.*[^\s\]])\s+{_LETTERS}")  # as the terminal asks, its line still open


@dataclass(frozen=True)
class World:
    """The counterparts, and what stands between them and tako."""

    inbox: Inbox
    mobile: Phone
    owner: OwnersPhone
    library: Library
    settings: Path
    environment: Mapping[str, str]
    hidden: Mapping[Path, str]  # folders of this machine, and what the page calls them

    def arrived(self) -> list[tuple[str, str]]:
        """Counterpart and message, of everything so far; each counterpart's in order."""
        return [
            *((MAIL, _letter(letter)) for letter in self.inbox.messages),
            *((PHONE, _text(text)) for text in self.mobile.texts),
            *((PUSH, _push(push)) for push in self.owner.pushes),
            *((SEARCH, f"{query} ({lang})") for lang, query in self.library.asked),
        ]


@dataclass(frozen=True)
class Conversation:
    """A command that has ended, with what it asked."""

    code: int
    printed: str  # standard output
    talk: tuple[tuple[str, str], ...]  # question and answer


@click.command(help=__doc__)
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path),
    required=True,
    help="photos",
)
@click.option("--page", "out", type=click.Path(path_type=Path), default=ROOT / "docs/walkthrough.md", help="the page")
@click.option("--voices", type=click.Path(path_type=Path), help="folder of the voices; left out: that of the models")
@click.option("--only", multiple=True, help="scenes of this function alone; the page goes to standard output")
def main(data: Path, out: Path, voices: Path | None, only: tuple[str, ...]) -> None:
    scenes = [scene for scene in SCENES if not only or set(only) & set(scene.calls)]
    speak = _speaker(voices or home() / "models")
    photos = {scene.photo: _photo(data, scene.photo) for scene in scenes if scene.photo}
    with tempfile.TemporaryDirectory(prefix="tako-walk-") as scratch, _world(Path(scratch), data) as world:
        turns = []
        for number, scene in enumerate(scenes, 1):
            wav = Path(scratch) / f"{number:02d}.wav"
            speak(scene.said, scene.lang, wav)
            turns.append(_take(scene, wav, photos.get(scene.photo) if scene.photo else None, world))
            _tell(number, len(scenes), turns[-1])
        remembered = {command: _remembered(command, world) for command in REMEMBERED}
        text = page(_made(), turns, remembered)
    if only:
        click.echo(text)
    else:
        out.write_text(text, encoding="utf-8")
        click.echo(f"The page is in {out}.", err=True)
    sys.exit(any(turn.problems for turn in turns))


def converse(
    command: Sequence[str | Path], replies: Sequence[Reply], environment: Mapping[str, str] | None = None
) -> Conversation:
    """Runs a command and answers what it asks on standard error, each question with the next reply if it is the one it
    is meant for; else, and when all are used up, with silence: the end of its input. All else is shown."""
    waiting, talk, open_line = list(replies), [], ""
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    with (
        tempfile.TemporaryFile() as printed,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=printed, stderr=subprocess.PIPE, env=environment
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stderr is not None
        guard = threading.Timer(PATIENCE, process.kill)
        guard.daemon = True
        guard.start()
        while chunk := os.read(process.stderr.fileno(), 4096):
            told, end, open_line = (open_line + decode(chunk)).rpartition("\n")
            click.secho(told, nl=bool(end), dim=True, err=True)  # a warning, or what is said before an offer
            asked = _QUESTION.fullmatch(open_line)
            if not asked:
                continue
            open_line, answer = "", ""
            if waiting and not process.stdin.closed and re.search(waiting[0].asked, asked[1], re.IGNORECASE):
                answer = waiting.pop(0).says
                with suppress(BrokenPipeError):  # it was ended meanwhile, and its exit code tells
                    process.stdin.write(f"{answer}\n".encode())
                    process.stdin.flush()
            elif not process.stdin.closed:
                process.stdin.close()
            talk.append((asked[1], answer))
        code = process.wait()
        guard.cancel()
        printed.seek(0)
        return Conversation(code, printed.read().decode("utf-8", "replace"), tuple(talk))


def _take(scene: Scene, wav: Path, photo: tuple[Path, str] | None, world: World) -> Taken:
    """One turn, and what came of it. Raises `ClickException` when tako has no model, or says nothing at all."""
    answer = wav.with_suffix(".answer.wav")
    before = world.arrived()
    image = "--image photo.jpg " if photo else ""
    shown = f"turn --wav request.wav {image}--out answer.wav --json"
    real = {"request.wav": str(wav), "photo.jpg": str(photo[0]) if photo else "", "answer.wav": str(answer)}
    arguments = ["--settings", str(world.settings), *(real.get(word, word) for word in shown.split())]
    done = converse([TAKO, *arguments], scene.replies, world.environment)
    if not done.printed.startswith("{"):
        raise click.ClickException(
            f"tako turn ended with {done.code} and no record: {done.printed or 'nothing printed'}"
        )
    record = msgspec.json.decode(masked(done.printed, world.hidden), type=Record)
    if done.code == NO_MODEL:
        raise click.ClickException(record.spoken)
    return Taken(
        scene,
        f"tako {shown}",
        record,
        done.code,
        done.talk,
        tuple(_new(before, world.arrived())),
        _seconds(answer),
        photo[1] if photo else "",
    )


def _new(before: Sequence[tuple[str, str]], after: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """What has come since; each counterpart's messages only ever grow."""
    had = {place: sum(1 for where, _ in before if where == place) for place, _ in after}
    out = []
    for place, message in after:
        had[place] -= 1
        out += [(place, message)] if had[place] < 0 else []
    return out


@contextmanager
def _world(scratch: Path, data: Path) -> Iterator[World]:
    """All counterparts running, settings that lead to them, and a fresh TAKO_HOME with the models of the given one."""
    fresh = scratch / "home"
    fresh.mkdir()
    (fresh / "models").symlink_to((home() / "models").resolve())
    with mail_server(scratch) as inbox, phone() as mobile, owners_phone() as owner, library() as search:
        settings = scratch / "tako.toml"
        people = "".join(
            f"\n[contacts.people.{_toml(person.name)}]\nemail = {_toml(person.email)}\nphone = {_toml(person.phone)}\n"
            f"aliases = {_toml(person.aliases)}\n"
            for person in PEOPLE
        )
        text = SETTINGS.format(
            host=HOST,
            port=inbox.port,
            user=USER,
            ca_file=inbox.ca_file.name,
            phone=mobile.url,
            server=owner.server,
            topic=owner.topic,
            token=owner.token,
            search=search.url,
        )
        _write_privately(settings, text + people)
        _write_privately(scratch / "email.password", inbox.password)
        environment = {**os.environ, "TAKO_HOME": str(fresh), "PYTHONIOENCODING": "utf-8", "NO_COLOR": "1"}
        hidden = {scratch: "WALK", home(): "TAKO_HOME", data: "DATA", ROOT: "tako", Path.home(): "~"}
        yield World(inbox, mobile, owner, search, settings, environment, hidden)


def _write_privately(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


def _speaker(voices: Path) -> Callable[[str, str, Path], None]:
    """What speaks a text of a language into a WAV. Raises `ClickException` when the voices are not there."""
    if not all(fetch.is_ready(voice, voices) for voice in (fetch.ENGLISH, fetch.MANDARIN)):
        raise click.ClickException(
            f"The voices that speak the requests are not in {voices}. They are fetched by python -m "
            "training.speech.synthesise --texts FILE --out DIR; --voices names another folder."
        )
    try:
        from training.speech.synthesise import Synthesiser, write_wav  # late: it needs the packages of the school
    except ImportError as error:
        raise click.ClickException(
            f"The requests cannot be spoken, {error.name} is missing: pip install -e '.[train]'."
        ) from None
    synthesiser = Synthesiser(voices, SEED)
    return lambda text, lang, path: write_wav(path, synthesiser.speak(text, lang))


def _photo(data: Path, wanted: Photo) -> tuple[Path, str]:
    """A photo of the data folder, and where it comes from in words. Raises `ClickException` when there is none."""
    if not (data / "images.csv").is_file():
        raise click.ClickException(f"There is no images.csv in {data}.")
    found = next(
        (p for p in read_photos(data) if (p.source, p.label, p.part) == (wanted.source, wanted.label, "test")), None
    )
    if found is None:
        raise click.ClickException(f"There is no held-out photo of {wanted.source}, {wanted.label}, in {data}.")
    with (data / "images.csv").open(encoding="utf-8", newline="") as rows:
        licence = next(row["licence"] for row in csv.DictReader(rows) if row["file"] == found.file)
    return data / found.file, f"{wanted.label.lower()}, of the data set {wanted.source} ({licence})"


def _remembered(command: str, world: World) -> str:
    words: list[str | Path] = [TAKO, "--settings", world.settings, *command.split()[1:]]
    printed = subprocess.run(words, env=world.environment, capture_output=True, text=True, check=True).stdout
    return masked(printed, world.hidden)


def _made() -> Made:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    model = json.loads((folder("text") / "manifest.json").read_text("utf-8"))["version"]
    free = len(os.sched_getaffinity(0))
    machine = f"{platform.machine()}, {free} of {os.cpu_count()} cores"
    return Made(project["version"], model, date.today().isoformat(), machine)


def _letter(letter: EmailMessage) -> str:
    body = letter.get_body(("plain",))
    attached = [
        f"{part.get_filename()}, {part.get_content_type()}, {len(part.get_payload(decode=True)) / 1000:.0f} kB"
        for part in letter.iter_attachments()
    ]
    parts = [
        f"to {letter['To']}",
        f"subject {letter['Subject']}",
        body.get_content().strip() if body else "",
        *attached,
    ]
    return " · ".join(filter(None, parts))


def _text(text: Mapping[str, str]) -> str:
    picture = f"photo, {len(base64.b64decode(text['picture'])) / 1000:.0f} kB" if "picture" in text else ""
    return " · ".join(filter(None, (text["name"], text["number"], text["message"], picture)))


def _push(push: Push) -> str:
    attached = f"picture, {push.attached / 1000:.0f} kB" if push.attached else ""
    return " · ".join(filter(None, (push.title, push.text, push.link, attached)))


def _seconds(path: Path) -> float:
    """Length of a WAV; 0 when it is not there."""
    if not path.exists():
        return 0.0
    with wave.open(str(path), "rb") as file:
        return file.getnframes() / file.getframerate()


def _tell(number: int, of: int, turn: Taken) -> None:
    click.echo(f"{number:2}/{of} {turn.scene.said}: {turn.record.spoken}", err=True)
    for question, answer in turn.talk:
        click.secho(f"      {question} {answer or '(silence)'}", dim=True, err=True)
    for problem in turn.problems:
        click.secho(f"      not as expected: {problem}", fg="red", err=True)


def _toml(value: str | Sequence[str]) -> str:
    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    main()
