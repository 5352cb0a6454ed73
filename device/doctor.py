"""Looks at everything a turn needs and says what is missing and how to mend it.

Each check is a small function of `Probes` (device/probes.py), the ways it looks at the machine; those of what lies
outside the board are in `device/checks_services.py`. Changes nothing. Knows neither how a model is built nor how an
engine is chosen: it is told by the probes it is given.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from actions.errors import DeviceError, TakoError
from device import checks_services as services
from device.board import HOT, TOO_HOT
from device.errors import fault
from device.finding import FAIL, OK, WARN, Finding
from device.models import home, lacking
from device.models.progress import megabytes
from device.probes import Probes

log = logging.getLogger(__name__)
_PYTHON = ((3, 11), (3, 13))  # first and last that tako is tested on
_LITTLE, _TOO_LITTLE = 1_000_000_000, 100_000_000  # bytes of free disk: worth a word; too little for a history
_SCARCE = 80_000_000  # bytes of memory with which a turn begins to swap
_EPOCH = 1_767_225_600.0  # 2026-01-01 UTC: a clock before this has never been set
_MARK = {OK: "[green]ok[/]", WARN: "[yellow]warn[/]", FAIL: "[red]fail[/]"}


def python(probes: Probes) -> Finding:
    version = probes.python()
    text = ".".join(str(part) for part in version)
    first, last = (".".join(str(part) for part in pair) for pair in _PYTHON)
    if _PYTHON[0] <= version[:2] <= _PYTHON[1]:
        return Finding("python", OK, text)
    return Finding("python", FAIL, text, f"tako needs Python {first} to {last}")


def disk(probes: Probes) -> Finding:
    where = _existing(home())
    obstacle = probes.obstacle(where)
    if obstacle == "read-only":
        cure = "sudo mount -o remount,rw /; if that does not last, the SD card is worn out: put in another"
        return Finding("disk", FAIL, f"{where} is read-only: nothing can be kept", cure)
    if obstacle:
        return Finding("disk", FAIL, f"you may not write to {where}", "sudo usermod -aG tako $USER, then log in again")
    free = probes.free(where)
    level = FAIL if free < _TOO_LITTLE else WARN if free < _LITTLE else OK
    return Finding("disk", level, f"{megabytes(free)} free for {home()}", "" if level == OK else "make room")


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder


def memory(probes: Probes) -> Finding:
    board = probes.board()
    what = f"{megabytes(board.available)} of {megabytes(board.memory)} can be had"
    if board.available < _SCARCE:
        return Finding("memory", WARN, what, "stop other programs, or set speech.languages to one language")
    return Finding("memory", OK, what)


def power(probes: Probes) -> Finding:
    """Voltage and temperature, as the firmware tells them."""
    board = probes.board()
    heat = "" if board.temperature is None else f"{board.temperature:.0f} °C"
    throttled = board.throttling
    if throttled is None and not heat:
        return Finding("power", OK, "this machine does not tell")
    if throttled and throttled.weak_power:
        when = "is" if throttled.value & 1 else "has been"
        cure = "a supply of 5.1 V with 2.5 A (Pi 4: 3 A, Pi 5: 5 A), and a short, thick cable"
        return Finding("power", WARN, f"the voltage {when} too low; {heat}".rstrip("; "), cure)
    if (board.temperature or 0.0) >= HOT or (throttled and throttled.now):
        slow = (board.temperature or 0.0) >= TOO_HOT or (throttled is not None and throttled.slowed)
        what = f"{heat or 'hot'}, {'slowed down' if slow else 'warm'}"
        return Finding("power", WARN, what, "open the case, or give it a heat sink or fan")
    before = "" if throttled is None else ", ".join(throttled.since_start) or "never held back"
    return Finding("power", OK, "; since the start: ".join(filter(None, (heat, before))))


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
    return _sound_device(probes, "microphone", "max_input_channels", probes.held().microphone.device)


def speaker(probes: Probes) -> Finding:
    return _sound_device(probes, "speaker", "max_output_channels", probes.held().voice.device)


def _sound_device(probes: Probes, name: str, key: str, wanted: str | int) -> Finding:
    """`wanted`: number or part of a name, of the settings; empty for the system's own choice."""
    level = FAIL if probes.is_pi() else WARN
    try:
        devices = [(number, device) for number, device in enumerate(probes.sound()) if device[key] > 0]
    except DeviceError as error:
        return Finding(name, level, error.en)
    if not devices:
        return Finding(name, level, "none", _no_sound(probes, name))
    found = [str(device["name"]) for _, device in devices]
    fits = [str(d["name"]) for number, d in devices if _is_device(str(wanted), number, str(d["name"]))]
    if not fits:
        section = "microphone" if name == "microphone" else "voice"
        cure = f"plug it in, or set {section}.device to a part of: {', '.join(found)}"
        return Finding(name, level, f"no {name} {wanted}", cure)
    more = len(fits) - 1 if wanted == "" else 0
    return Finding(name, OK, f"{fits[0]} and {more} more" if more else fits[0])


def _is_device(wanted: str, number: int, name: str) -> bool:
    return not wanted or wanted == str(number) or (not wanted.isdigit() and wanted.lower() in name.lower())


def _no_sound(probes: Probes, name: str) -> str:
    """What to do where PortAudio has none: it is not there, it is not switched on, or this user may not use it."""
    if not probes.is_pi():
        return f"plug in a {name}"
    cards = probes.cards()
    if not cards:
        return (
            f"plug in a USB {name}; for an I2S one add its overlay to /boot/firmware/config.txt "
            "(dtoverlay=googlevoicehat-soundcard, say) and restart"
        )
    if probes.groups().get("audio") is False:
        return "sudo usermod -aG audio $USER, then log in again"
    return f"plug in a {name}; the system has only {', '.join(cards)}"


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
    if probes.held().camera.kind != "picamera2":
        return Finding("camera", OK, "none is wanted (camera.kind)")
    try:
        count = probes.cameras()
    except DeviceError as error:
        return Finding("camera", WARN, error.en)
    if count == 0:
        cure = (
            "switch off, press the ribbon in straight, contacts as the board's page shows, close the clip; "
            "rpicam-hello --list-cameras must name it; tako works without pictures"
        )
        return Finding("camera", WARN, "none found", cure)
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


Check = Callable[[Probes], Finding]
CHECKS: Mapping[str, Check] = {
    "python": python,
    "disk": disk,
    "memory": memory,
    "power": power,
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
    "network": services.network,
    "mail": services.mail,
    "texts": services.texts,
    "owner": services.owner,
    "recycling": services.recycling,
    "encyclopedia": services.encyclopedia,
}


def examine(probes: Probes, network: bool = False) -> list[Finding]:
    """Every check in order; `network`: servers are asked, too. A `TakoError` in one is a failure with its sentence;
    the same one in another check refers to the first."""
    probes = replace(probes, online=network)
    findings: list[Finding] = []
    told: dict[str, str] = {}
    for name, check in CHECKS.items():
        try:
            findings.append(check(probes))
        except TakoError as error:
            first = told.setdefault(error.en, name)
            findings.append(Finding(name, FAIL, error.en if first == name else f"cannot be told: see {first}"))
        except Exception:  # a fault of the program: the other checks are worth seeing all the same
            log.exception("the check of %s failed", name)
            findings.append(Finding(name, FAIL, fault().en, "tako logs, or tako -v doctor, has more"))
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
