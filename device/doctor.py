"""Looks at everything a turn needs and says what is missing and how to mend it.

Each check is a small function of `Probes` (device/probes.py), the ways it looks at the machine. Changes nothing. Knows
neither how a model is built nor how an engine is chosen: it is told by the probes it is given.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from rich.markup import escape
from rich.table import Table

from actions.errors import DeviceError, TakoError
from device.models import home, lacking
from device.models.progress import megabytes
from device.probes import Probes

OK, WARN, FAIL = "ok", "warn", "fail"
_PYTHON = ((3, 11), (3, 13))  # first and last that tako is tested on
_LITTLE, _TOO_LITTLE = 1_000_000_000, 100_000_000  # bytes of free disk: worth a word; too little for a history
_EPOCH = 1_767_225_600.0  # 2026-01-01 UTC: a clock before this has never been set
_MARK = {OK: "[green]ok[/]", WARN: "[yellow]warn[/]", FAIL: "[red]fail[/]"}


@dataclass(frozen=True)
class Finding:
    """What one check saw."""

    name: str
    level: str  # OK, WARN (works, with less) or FAIL (a turn cannot work)
    what: str
    cure: str = ""  # what to do, empty when nothing is to be done


def python(probes: Probes) -> Finding:
    version = probes.python()
    text = ".".join(str(part) for part in version)
    first, last = (".".join(str(part) for part in pair) for pair in _PYTHON)
    if _PYTHON[0] <= version[:2] <= _PYTHON[1]:
        return Finding("python", OK, text)
    return Finding("python", FAIL, text, f"tako needs Python {first} to {last}")


def disk(probes: Probes) -> Finding:
    where = home()
    while not where.exists():
        where = where.parent
    free = probes.free(where)
    level = FAIL if free < _TOO_LITTLE else WARN if free < _LITTLE else OK
    return Finding("disk", level, f"{megabytes(free)} free for {home()}", "" if level == OK else "make room")


def models(probes: Probes) -> Finding:
    statuses = probes.models()
    bad = [status for status in statuses if status.state in ("damaged", "stale")]
    if bad:
        names = " ".join(status.name for status in bad)
        what = "; ".join(f"{status.name} is {status.state}: {status.note}" for status in bad)
        return Finding("models", FAIL, what, f"tako models fetch {names}")
    here = [status.name for status in statuses if status.usable]
    heard = [what for what in lacking(statuses) if what.startswith("hear")]
    if len(heard) == 2:
        return Finding("models", FAIL, "no model to understand speech", "tako models fetch")
    if heard:
        language = {"hear en": "English", "hear zh": "Chinese"}[heard[0]]
        return Finding("models", WARN, f"{', '.join(here)}; none to understand {language}", "tako models fetch")
    return Finding("models", OK, ", ".join(here))


def text_model(probes: Probes) -> Finding:
    status = probes.text()
    if status.state == "built":
        return Finding("text model", OK, f"built, {megabytes(status.size)}")
    level = WARN if status.state == "stale" else FAIL
    return Finding(
        "text model", level, f"{status.state}{f': {status.note}' if status.note else ''}", "tako models build"
    )


def engine(probes: Probes) -> Finding:
    modules = {"vosk": "vosk", "whisper": "faster_whisper"}
    installed = [name for name, module in modules.items() if probes.has_module(module)]
    if not installed:
        return Finding("recogniser", FAIL, "neither vosk nor faster-whisper is installed", "run setup_pi.sh again")
    return Finding("recogniser", OK, f"{probes.engine()} Installed: {', '.join(installed)}")


def microphone(probes: Probes) -> Finding:
    return _sound_device(probes, "microphone", "max_input_channels", "plug in a microphone; a WAV works without")


def speaker(probes: Probes) -> Finding:
    return _sound_device(probes, "speaker", "max_output_channels", "plug in a speaker; answers can go to a WAV")


def _sound_device(probes: Probes, name: str, key: str, cure: str) -> Finding:
    level = FAIL if probes.is_pi() else WARN
    try:
        found = [str(device["name"]) for device in probes.sound() if device[key] > 0]
    except DeviceError as error:
        return Finding(name, level, error.en)
    if not found:
        return Finding(name, level, "none", cure)
    return Finding(name, OK, f"{found[0]} and {len(found) - 1} more" if len(found) > 1 else found[0])


def voice(probes: Probes) -> Finding:
    cure = "sudo apt install espeak-ng"
    version = probes.output("espeak-ng", "--version").strip().partition("  ")[0]
    if not version:
        return Finding("voice", FAIL, "espeak-ng is not installed", cure)
    if "cmn-latn-pinyin" not in probes.output("espeak-ng", "--voices=cmn"):
        return Finding("voice", WARN, f"{version}, without its Mandarin voice", cure)
    return Finding("voice", OK, version)


def camera(probes: Probes) -> Finding:
    if not probes.is_pi():
        return Finding("camera", OK, "not a Pi: pictures are given as files")
    try:
        count = probes.cameras()
    except DeviceError as error:
        return Finding("camera", WARN, error.en)
    if count == 0:
        return Finding("camera", WARN, "none found", "check the ribbon cable; tako works without pictures")
    return Finding("camera", OK, f"{count} found")


def gpio(probes: Probes) -> Finding:
    if not probes.is_pi():
        return Finding("button", OK, "not a Pi: the Enter key is the button")
    if not probes.has_module("gpiozero") or not probes.has_module("lgpio"):
        return Finding("button", FAIL, "gpiozero or lgpio is not installed", "run setup_pi.sh again")
    chips = probes.chips()
    if not chips:
        return Finding("button", FAIL, "no /dev/gpiochip may be used", "sudo usermod -aG gpio $USER, then log in again")
    return Finding("button", OK, ", ".join(chips))


def groups(probes: Probes) -> Finding:
    if not probes.is_pi():
        return Finding("groups", OK, "not a Pi: none needed")
    out = [name for name, inside in probes.groups().items() if not inside]
    if out:
        cure = f"sudo usermod -aG {','.join(out)} $USER, then log in again"
        return Finding("groups", WARN, f"not in {', '.join(out)}", cure)
    return Finding("groups", OK, ", ".join(probes.groups()))


def settings(probes: Probes) -> Finding:
    return Finding("settings", OK, probes.settings())


def clock(probes: Probes) -> Finding:
    now = probes.now()
    day = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(now))
    if now < _EPOCH:
        cure = "connect to the network once, or set it: secure connections fail with a wrong clock"
        return Finding("clock", FAIL, f"{day} cannot be", cure)
    if probes.output("timedatectl", "show", "-p", "NTPSynchronized", "--value").strip() == "no":
        return Finding("clock", WARN, f"{day}, not set by the network", "sudo timedatectl set-ntp true")
    return Finding("clock", OK, day)


def mail(probes: Probes) -> Finding:
    """Whether the mail server answers; nothing is sent and no password is used."""
    server = probes.smtp()
    if server is None:
        return Finding("mail", WARN, "no mail server is set: emails are refused", "set [email] in the settings")
    where = f"{server.host}:{server.port}"
    try:
        probes.reach(server.host, server.port)
    except OSError as error:
        cure = "check the network, host and port; until then emails wait in the outbox"
        return Finding("mail", WARN, f"{where} cannot be reached ({error.strerror or error})", cure)
    return Finding("mail", OK, f"{where} answers")


Check = Callable[[Probes], Finding]
CHECKS: Mapping[str, Check] = {
    "python": python,
    "disk": disk,
    "settings": settings,
    "models": models,
    "text model": text_model,
    "recogniser": engine,
    "microphone": microphone,
    "speaker": speaker,
    "voice": voice,
    "camera": camera,
    "button": gpio,
    "groups": groups,
    "clock": clock,
}


def examine(probes: Probes, network: bool = False) -> list[Finding]:
    """Every check in order; `network` adds the mail server's. A `TakoError` in one is a failure with its sentence."""
    findings = []
    for name, check in {**CHECKS, **({"mail": mail} if network else {})}.items():
        try:
            findings.append(check(probes))
        except TakoError as error:
            findings.append(Finding(name, FAIL, error.en))
    return findings


def exit_code(findings: Sequence[Finding]) -> int:
    """0 when a turn can work, else 1."""
    return int(any(finding.level == FAIL for finding in findings))


def as_json(findings: Sequence[Finding]) -> str:
    """A list of objects with name, level, what, cure."""
    return json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=1)


def table_of(findings: Sequence[Finding]) -> Table:
    """For a terminal."""
    table = Table(box=None, pad_edge=False)
    for heading in ("", "check", "seen", "what to do"):
        table.add_column(heading, overflow="fold")  # a path is shown to its end
    for finding in findings:
        table.add_row(_MARK[finding.level], finding.name, escape(finding.what), escape(finding.cure))
    return table
