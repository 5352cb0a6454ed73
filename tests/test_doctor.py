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

import pytest
from rich.console import Console

from actions.errors import DeviceError, ModelError, SettingsError
from device import doctor
from device.doctor import FAIL, OK, WARN, Finding
from device.models import Status
from device.probes import Probes, Smtp

GB = 1_000_000_000
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


@pytest.fixture
def well() -> Probes:
    """A Pi on which everything is as it should be."""
    return Probes(
        text=lambda: Status("text", "built", 90_000_000),
        engine=lambda: "Speech is recognised by vosk.",
        settings=lambda: "/etc/tako/tako.toml",
        smtp=lambda: Smtp("mail.example.org", 587),
        python=lambda: (3, 11, 2),
        free=lambda path: 8 * GB,
        models=lambda: [Status(n, "fetched", 1) for n in ("vosk-small-en-us-0.15", "vosk-small-cn-0.22")],
        has_module=lambda name: True,
        sound=lambda: [CARD],
        cameras=lambda: 1,
        is_pi=lambda: True,
        groups=lambda: {"audio": True, "video": True, "gpio": True},
        chips=lambda: ["/dev/gpiochip0"],
        output=lambda *command: PROGRAMS.get(command, ""),
        reach=lambda host, port: None,
        now=lambda: 1_800_000_000.0,
    )


def test_a_healthy_pi_is_well(well: Probes) -> None:
    findings = doctor.examine(well, network=True)
    assert [finding.name for finding in findings] == [*doctor.CHECKS, "mail"]
    assert {finding.level for finding in findings} == {OK}
    assert not any(finding.cure for finding in findings)
    assert doctor.exit_code(findings) == 0


def test_the_mail_server_is_asked_only_when_the_network_may_be(well: Probes) -> None:
    asked: list[str] = []
    probes = replace(well, reach=lambda host, port: asked.append(f"{host}:{port}"))
    doctor.examine(probes)
    assert asked == []
    doctor.examine(probes, network=True)
    assert asked == ["mail.example.org:587"]


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
    ("mail", {"smtp": lambda: None}, WARN, "no mail server", "email"),
    ("mail", {"reach": _refuse(OSError(113, "No route to host"))}, WARN, r"587 cannot be reached \(No route", "outbox"),
    ("mail", {"reach": _refuse(TimeoutError("timed out"))}, WARN, r"\(timed out\)", "outbox"),
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
    findings = doctor.examine(replace(well, settings=_refuse(SettingsError("wrong"))))
    assert len(findings) == len(doctor.CHECKS)
    assert doctor.exit_code(findings) == 1


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
        smtp=lambda: None,
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
