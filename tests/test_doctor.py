"""The doctor's checks, each on a machine that is made up."""

from __future__ import annotations

import io
import json
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console

from actions.errors import ActionError, DeviceError, ModelError, NotNow, SettingsError
from actions.messages.ntfy import NtfySettings
from actions.messages.push import OwnerSettings
from actions.messages.send_text import TextSettings
from actions.messages.sms_http import TwilioSettings
from actions.messages.sms_modem import ModemSettings
from actions.messages.smtp import EmailSettings
from actions.messages.webhook import WebhookSettings
from actions.recycling.smart_recycling import RecyclingSettings
from actions.search.search_web import SearchSettings
from actions.secret import Secret
from device import doctor
from device.board import Board, Throttling
from device.choose import CameraSettings
from device.doctor import FAIL, OK, WARN, Finding
from device.models import Status
from device.probes import Probes
from device.settings import Settings
from device.speech.microphone import MicrophoneSettings

GB = 1_000_000_000
EMAIL = EmailSettings(host="mail.example.org", user="me@example.org", password=Secret("secret-1"))
NTFY = NtfySettings(server="https://ntfy.example.org", topic=Secret("secret-2"))
TWILIO = TwilioSettings(account_sid="AC01", auth_token=Secret("secret-3"), sender="+15551234567")
HOOK = WebhookSettings(url=Secret("https://hook.example.org:8443/secret-4"))
HELD = Settings(
    email=EMAIL,
    text=TextSettings(via="twilio", twilio=TWILIO),
    owner=OwnerSettings(ntfy=NTFY),
    recycling=RecyclingSettings(place="germany"),
)
BOARD = Board("Raspberry Pi 4", 4, 0.1, 2 * GB, GB, 100.0, 45.0, Throttling(0))
CARD = {"name": "seeed-2mic", "max_input_channels": 2, "max_output_channels": 2}
PROGRAMS = {
    ("espeak-ng", "--version"): "eSpeak NG text-to-speech: 1.51  Data at: /usr/lib/espeak-ng-data\n",
    (
        "espeak-ng",
        "--voices=cmn",
    ): " 5  cmn-latn-pinyin  --/M  Chinese_(Mandarin,_latin_as_Pinyin)\n",
    ("timedatectl", "show", "-p", "NTPSynchronized", "--value"): "yes\n",
}


def _refuse(error: Exception) -> Callable[..., Any]:
    def refuse(*args: object, **more: object) -> Any:
        raise error

    return refuse


def replace_(held: Settings, **changes: Any) -> Settings:
    return msgspec.structs.replace(held, **changes)


def _with(**changes: Any) -> dict[str, Any]:
    """Probes of these settings."""
    return {"held": lambda: replace_(HELD, **changes)}


def _board(**changes: Any) -> dict[str, Any]:
    return {"board": lambda: replace(BOARD, **changes)}


def _zim(checksum_at: int, size: int) -> dict[str, Any]:
    """An encyclopedia whose header says where its checksum is."""
    head = (72173914).to_bytes(4, "little") + bytes(68) + checksum_at.to_bytes(8, "little")
    return {"head": lambda path: (head, size), **_with(search=SearchSettings(encyclopedias=(Path("/w.zim"),)))}


@pytest.fixture
def well() -> Probes:
    """A Pi on which everything is as it should be."""
    return Probes(
        text=lambda: Status("text", "built", 90_000_000),
        engine=lambda: "Speech is recognised by vosk.",
        settings=lambda: "/etc/tako/tako.toml",
        held=lambda: HELD,
        python=lambda: (3, 11, 2),
        free=lambda path: 8 * GB,
        obstacle=lambda path: "",
        models=lambda: [Status(n, "fetched", 1) for n in ("vosk-small-en-us-0.15", "vosk-small-cn-0.22")],
        has_module=lambda name: True,
        sound=lambda: [CARD],
        cards=lambda: ["seeed-2mic-voicecard - seeed-2mic"],
        cameras=lambda: 1,
        is_pi=lambda: True,
        groups=lambda: {"audio": True, "video": True, "gpio": True},
        chips=lambda: ["/dev/gpiochip0"],
        output=lambda *command: PROGRAMS.get(command, ""),
        board=lambda: BOARD,
        routes=lambda: ["wlan0"],
        reach=lambda host, port: None,
        log_in=lambda account: None,
        get=lambda url, user="", password="": 200,
        now=lambda: 1_800_000_000.0,
    )


def test_a_healthy_pi_is_well(well: Probes) -> None:
    findings = doctor.examine(well, network=True)
    assert [finding.name for finding in findings] == [*doctor.CHECKS]
    assert {finding.level for finding in findings} == {OK}
    assert not any(finding.cure for finding in findings)
    assert doctor.exit_code(findings) == 0


def test_servers_are_asked_only_when_they_may_be(well: Probes) -> None:
    asked: list[str] = []
    probes = replace(
        well,
        log_in=lambda account: asked.append(account.host),
        get=lambda url, user="", password="": asked.append(url) or 200,
        reach=lambda host, port: asked.append(f"{host}:{port}"),
    )
    doctor.examine(probes)
    doctor.examine(replace(probes, held=lambda: replace_(HELD, owner=OwnerSettings(webhook=HOOK))))
    assert asked == []
    doctor.examine(probes, network=True)
    doctor.examine(replace(probes, held=lambda: replace_(HELD, owner=OwnerSettings(webhook=HOOK))), network=True)
    twilio = "https://api.twilio.com/2010-04-01/Accounts/AC01/Messages.json?PageSize=1"
    health = "https://ntfy.example.org/v1/health"
    assert asked == ["mail.example.org", twilio, health, "mail.example.org", twilio, "hook.example.org:8443"]


def test_no_secret_is_shown(well: Probes) -> None:
    for changes in ({}, {"owner": OwnerSettings(webhook=HOOK)}, {"text": TextSettings(via="ntfy", ntfy=NTFY)}):
        held = replace_(HELD, **changes)
        broken = replace(well, held=lambda held=held: held, get=_refuse(NotNow("No.")), reach=_refuse(OSError(1, "no")))
        for probes in (replace(well, held=lambda held=held: held), broken):
            for network in (False, True):
                assert "secret" not in doctor.as_json(doctor.examine(probes, network))


def _statuses(**states: str) -> Callable[[], list[Status]]:
    return lambda: [Status(name.replace("_", "-"), state, 1, "its note") for name, state in states.items()]


CASES: Sequence[tuple[str, Mapping[str, Any], str, str, str]] = [
    ("python", {"python": lambda: (3, 10, 4)}, FAIL, r"3\.10\.4", r"3\.11 to 3\.13"),
    ("python", {"python": lambda: (3, 14, 0)}, FAIL, r"3\.14", "tako needs"),
    ("python", {"python": lambda: (3, 13, 1)}, OK, r"3\.13\.1", "^$"),
    ("disk", {"free": lambda path: 50_000_000}, FAIL, "50 MB free", "make room"),
    ("disk", {"free": lambda path: 500_000_000}, WARN, "500 MB free", "make room"),
    ("models", {"models": _statuses(whisper_base="fetched")}, OK, "whisper-base", "^$"),
    ("models", {"models": _statuses(whisper_base="missing")}, FAIL, "no model", "tako models fetch"),
    ("models", {"models": _statuses(whisper_tiny_en="fetched")}, WARN, "none to understand Chinese", "fetch"),
    ("models", {"models": _statuses(whisper_base="damaged")}, FAIL, "damaged: its note", "fetch whisper-base"),
    ("text model", {"text": lambda: Status("text", "missing")}, FAIL, "missing", "tako models build"),
    ("text model", {"text": lambda: Status("text", "damaged", 1, "no graph")}, FAIL, "damaged: no graph", "build"),
    ("text model", {"text": lambda: Status("text", "stale")}, WARN, "stale", "tako models build"),
    ("recogniser", {"has_module": lambda name: False}, FAIL, "neither", "setup_pi"),
    ("recogniser", {"has_module": lambda name: name == "vosk"}, OK, r"vosk\. Installed: vosk$", "^$"),
    ("recogniser", {"engine": _refuse(ModelError("No model."))}, FAIL, r"No model\.", "^$"),
    ("microphone", {"sound": list}, FAIL, "none", "plug in"),
    ("microphone", {"sound": list, "is_pi": lambda: False}, WARN, "none", "plug in"),
    ("microphone", {"sound": _refuse(DeviceError("No PortAudio."))}, FAIL, r"No PortAudio\.", "^$"),
    ("microphone", {"sound": lambda: [{**CARD, "max_input_channels": 0}]}, FAIL, "none", "plug in"),
    ("speaker", {"sound": lambda: [CARD, CARD, CARD]}, OK, "seeed-2mic and 2 more", "^$"),
    ("speaker", {"sound": lambda: [{**CARD, "max_output_channels": 0}]}, FAIL, "none", "speaker"),
    ("voice", {"output": lambda *command: ""}, FAIL, "not installed", "apt install espeak-ng"),
    ("voice", {"output": lambda *command: "" if "--voices=cmn" in command else "1.51"}, WARN, "Mandarin", "apt"),
    ("voice", {"output": _refuse(DeviceError("espeak-ng does not answer."))}, FAIL, "does not answer", "^$"),
    ("camera", {"cameras": lambda: 0}, WARN, "none found", "ribbon"),
    ("camera", {"cameras": _refuse(DeviceError("No picamera2."))}, WARN, r"No picamera2\.", "^$"),
    ("camera", {"is_pi": lambda: False, "cameras": _refuse(AssertionError())}, OK, "not a Pi", "^$"),
    ("button", {"chips": list}, FAIL, "gpiochip", "usermod"),
    ("button", {"has_module": lambda name: name != "lgpio"}, FAIL, "lgpio", "setup_pi"),
    ("button", {"is_pi": lambda: False, "chips": list}, OK, "Enter", "^$"),
    ("groups", {"groups": lambda: {"audio": True, "gpio": False}}, WARN, "not in gpio", "usermod -aG gpio"),
    ("groups", {"is_pi": lambda: False, "groups": lambda: {"audio": False}}, OK, "not a Pi", "^$"),
    ("settings", {"settings": _refuse(SettingsError("smtp.prot is no setting."))}, FAIL, "no setting", "^$"),
    ("clock", {"now": lambda: 86_400.0}, FAIL, "1970-01-02", "network"),
    ("clock", {"output": lambda *command: "no\n"}, WARN, "not set by the network", "set-ntp"),
    ("clock", {"output": lambda *command: ""}, OK, "2027-01-15", "^$"),
    ("disk", {"obstacle": lambda path: "read-only"}, FAIL, "read-only", "remount"),
    ("disk", {"obstacle": lambda path: "denied"}, FAIL, "may not write", "usermod -aG tako"),
    ("memory", _board(available=50_000_000), WARN, "50 MB of 2.0 GB", "one language"),
    ("power", _board(throttling=Throttling(0x1)), WARN, "voltage is too low", "supply"),
    ("power", _board(throttling=Throttling(0x50000)), WARN, "voltage has been too low; 45", "supply"),
    ("power", _board(temperature=83.0), WARN, "83 °C, slowed down", "heat sink"),
    ("power", _board(temperature=76.0), WARN, "76 °C, warm", "heat sink"),
    ("power", _board(throttling=Throttling(0x8)), WARN, "45 °C, warm", "heat sink"),
    ("power", _board(throttling=Throttling(0x4)), WARN, "45 °C, slowed down", "heat sink"),
    ("power", _board(throttling=Throttling(0x40000)), OK, "45 °C; since the start: .*slowed down", "^$"),
    ("power", {}, OK, "45 °C; since the start: never held back", "^$"),
    ("power", _board(temperature=None, throttling=None), OK, "does not tell", "^$"),
    ("microphone", {"sound": list, "cards": list}, FAIL, "none", "dtoverlay"),
    ("microphone", {"sound": list, "groups": lambda: {"audio": False}}, FAIL, "none", "usermod -aG audio"),
    ("microphone", _with(microphone=MicrophoneSettings(device="jabra")), FAIL, "no microphone jabra", "seeed-2mic"),
    ("microphone", _with(microphone=MicrophoneSettings(device="SEEED")), OK, "^seeed-2mic$", "^$"),
    ("microphone", _with(microphone=MicrophoneSettings(device=0)), OK, "^seeed-2mic$", "^$"),
    ("microphone", _with(microphone=MicrophoneSettings(device=1)), FAIL, "no microphone 1", "set microphone.device"),
    ("camera", _with(camera=CameraSettings(kind="none")), OK, "none is wanted", "^$"),
    ("network", {"routes": list}, WARN, "no way out", "nmcli"),
    ("mail", _with(email=None, owner=None), WARN, "no mail server", "email"),
    ("mail", {"log_in": _refuse(NotNow("I cannot reach it now."))}, WARN, "cannot reach", "wait"),
    ("mail", {"log_in": _refuse(ActionError("It does not accept the login."))}, WARN, "login", "refused"),
    ("texts", _with(text=None), WARN, "no gateway", "text"),
    ("texts", {"get": lambda *a, **k: 401}, WARN, "not accepted", "twilio"),
    ("texts", {"get": _refuse(NotNow("I cannot reach Twilio now."))}, WARN, "cannot reach", "outbox"),
    ("texts", {}, OK, "takes the login", "^$"),
    ("texts", {"get": lambda *a, **k: 404}, OK, "answers with 404", "^$"),
    (
        "texts",
        _with(text=TextSettings(via="modem")) | {"exists": lambda path: True},
        WARN,
        "may not be used",
        "dialout",
    ),
    ("texts", _with(text=TextSettings(via="modem")) | {"exists": lambda path: False}, WARN, "ttyUSB0", "by-id"),
    (
        "texts",
        _with(text=TextSettings(via="modem", modem=ModemSettings(device="/dev/x")))
        | {"exists": lambda path: True, "usable": lambda path: True},
        OK,
        "modem at /dev/x",
        "^$",
    ),
    (
        "texts",
        _with(text=TextSettings(via="modem")) | {"has_module": lambda name: name != "gammu"},
        WARN,
        "gammu",
        "apt install",
    ),
    ("texts", _with(text=TextSettings(via="ntfy", ntfy=NTFY)), OK, "ntfy.example.org answers", "^$"),
    ("owner", _with(owner=None), WARN, "not set", "owner"),
    ("owner", {"get": lambda *a, **k: 404}, WARN, "not as ntfy does", "ntfy.server"),
    ("owner", _with(owner=OwnerSettings(webhook=HOOK)), OK, "can be reached", "^$"),
    (
        "owner",
        _with(owner=OwnerSettings(webhook=HOOK)) | {"reach": _refuse(TimeoutError("timed out"))},
        WARN,
        r"\(TimeoutError\)",
        "webhook.url",
    ),
    ("owner", _with(owner=OwnerSettings(email="me@example.org")), OK, "by email", "^$"),
    ("owner", _with(owner=OwnerSettings(email="me@example.org"), email=None), WARN, "no mail server", "email"),
    ("recycling", _with(recycling=RecyclingSettings()), WARN, "guess", "recycling.place"),
    ("recycling", _with(recycling=RecyclingSettings(place="atlantis")), FAIL, "no recycling rules for atlantis", "^$"),
    ("encyclopedia", _zim(1000, 1016), OK, "w.zim", "^$"),
    ("encyclopedia", _zim(1000, 900), WARN, "900 bytes instead of 1016", "copy"),
    ("encyclopedia", _zim(1000, 1016) | {"has_module": lambda name: name != "libzim"}, WARN, "libzim", "pip"),
    ("encyclopedia", _zim(1, 17) | {"head": lambda path: (b"<html>", 6)}, WARN, "no ZIM file", "copy"),
    ("encyclopedia", _zim(1, 17) | {"head": _refuse(OSError(2, "gone"))}, WARN, r"cannot be read \(gone\)", "copy"),
]


@pytest.mark.parametrize(("name", "changes", "level", "what", "cure"), CASES)
def test_what_is_wrong_is_found_and_its_cure_named(
    well: Probes, name: str, changes: Mapping[str, Any], level: str, what: str, cure: str
) -> None:
    finding = next(f for f in doctor.examine(replace(well, **changes), network=True) if f.name == name)
    assert finding.level == level
    assert re.search(what, finding.what)
    assert re.search(cure, finding.cure)


def test_one_check_that_fails_does_not_stop_the_others(well: Probes) -> None:
    wrong = _refuse(SettingsError("wrong"))
    findings = doctor.examine(replace(well, settings=wrong, held=wrong))
    assert len(findings) == len(doctor.CHECKS)
    assert doctor.exit_code(findings) == 1
    assert [f.name for f in findings if f.what == "wrong"] == ["settings"]
    assert {f.what for f in findings if f.name in ("mail", "texts", "microphone")} == {"cannot be told: see settings"}


def test_a_fault_of_a_check_is_told_and_hides_no_other(well: Probes) -> None:
    findings = {f.name: f for f in doctor.examine(replace(well, routes=_refuse(ZeroDivisionError())))}
    assert (findings["network"].level, findings["mail"].level) == (FAIL, OK)


def test_a_warning_is_no_failure() -> None:
    assert doctor.exit_code([Finding("a", OK, ""), Finding("b", WARN, "")]) == 0


def test_as_json_and_as_a_table() -> None:
    findings = [Finding("disk", FAIL, "0 kB free", "make room"), Finding("settings", OK, "[smtp] set")]
    assert json.loads(doctor.as_json(findings))[0] == {
        "name": "disk",
        "level": "fail",
        "what": "0 kB free",
        "cure": "make room",
    }
    out = io.StringIO()
    Console(file=out, width=100).print(doctor.table_of(findings))
    assert "fail  disk" in out.getvalue()
    assert "[smtp] set" in out.getvalue()


def test_a_long_path_is_shown_to_its_end() -> None:
    path = f"/home/{'a' * 60}/settings.toml"
    out = io.StringIO()
    Console(file=out, width=60).print(doctor.table_of([Finding("settings", OK, path)]))
    seen = re.sub(r"^ok +settings|\s", "", out.getvalue().partition("\n")[2])
    assert seen == path


def test_the_real_probes_answer_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAKO_HOME", str(tmp_path / "not" / "yet"))
    real = Probes(
        text=lambda: Status("text", "missing"),
        engine=_refuse(ModelError("No recogniser.")),
        settings=lambda: "none",
        held=Settings,
    )
    found = {finding.name: finding for finding in doctor.examine(real)}
    assert found["python"].level == OK
    assert found["disk"].what.endswith(f"free for {tmp_path / 'not' / 'yet'}")
    assert found["models"].level == FAIL
    assert set(found) == set(doctor.CHECKS)
    assert not (tmp_path / "not").exists()


def test_a_program_that_hangs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", _refuse(subprocess.TimeoutExpired("sh", 10)))
    with pytest.raises(DeviceError, match="sh does not answer"):
        Probes.output("sh")
