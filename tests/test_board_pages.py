"""The pages on hardware say what is so: sentences that tako says, options, pins, and a drawing that is not stale."""

from __future__ import annotations

import functools
import os
import re
import subprocess
from pathlib import Path

import pytest

from bench.wiring import PICTURE, PIN_OF_GPIO, draw, name_of, parts
from device.pi.indicator import LightSettings
from device.pi.trigger import PinSettings
from device.settings import Settings, load

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
TRANSCRIPTS = sorted((ROOT / "tests" / "system").glob("arm64*.transcript.txt"))


def _sources() -> str:
    """All code, with sentences that are written over several lines in one piece."""
    files = [p for folder in ("actions", "agent", "device") for p in (ROOT / folder).rglob("*.py")]
    files += [ROOT / "setup_pi.sh", *(ROOT / "tools").glob("*.sh")]
    return re.sub(r'"\s*\n\s*f?"', "", "\n".join(p.read_text("utf-8") for p in files))


def test_every_sentence_of_the_troubleshooting_page_is_one_that_tako_says() -> None:
    """A quoted symptom, its "..." standing for anything."""
    page = (DOCS / "troubleshooting.md").read_text("utf-8")
    symptoms = [line.split("|")[1] for line in page.splitlines() if line.startswith("| ")]
    quoted = [quote for symptom in symptoms for quote in re.findall(r'"([^"]{12,})"', symptom)]
    assert len(quoted) > 15
    source = _sources()
    strangers = [quote for quote in quoted if not all(part in source for part in re.split(r"\s*\.\.\.\s*", quote))]
    assert strangers == []


@pytest.mark.parametrize("page", ["hardware", "wiring", "setup", "troubleshooting"])
def test_settings_that_are_named_exist(page: str) -> None:
    """`table.name` or `table.name = value`, in code."""
    tables = "button|light|camera|microphone|voice|endpoint|speech"
    for name in re.findall(rf"`((?:{tables})\.[a-z_.]+)(?: = [^`]+)?`", (DOCS / f"{page}.md").read_text("utf-8")):
        functools.reduce(getattr, name.split("."), Settings())


def test_settings_to_copy_are_valid(tmp_path: Path) -> None:
    (tmp_path / "email.password").write_text("secret\n")
    (tmp_path / "contacts.vcf").write_text("")
    for page in ("wiring", "setup"):
        for number, block in enumerate(
            re.findall(r"^```toml\n(.*?)^```", (DOCS / f"{page}.md").read_text("utf-8"), re.M | re.S)
        ):
            path = tmp_path / f"{page}{number}.toml"
            path.write_text(block)
            assert load(path, {}) != Settings()


def test_the_drawing_is_of_the_settings_as_they_are() -> None:
    assert PICTURE.read_text("utf-8") == draw(parts(PinSettings(), LightSettings())), "python -m bench.wiring"


def test_the_drawing_follows_the_settings() -> None:
    other = draw(parts(PinSettings(pin=4), LightSettings(pins=(9, 10, 11))))
    assert "a: GPIO 4, pin 7" in other
    assert "GPIO 17" not in other
    for said in ("red: GPIO 9, pin 21", "green: GPIO 10, pin 19", "blue: GPIO 11, pin 23"):
        assert said in other


def test_no_pin_is_used_twice_and_the_header_is_whole() -> None:
    wires = [wire for part in parts(PinSettings(), LightSettings()) for wire in part.wires]
    gpio = [wire.pin for wire in wires if name_of(wire.pin).startswith("GPIO")]
    shared = {PIN_OF_GPIO[18], PIN_OF_GPIO[19]}  # I2S' clocks go to microphone and amplifier
    assert sorted(pin for pin in gpio if pin not in shared) == sorted({*gpio} - shared)
    assert len({*PIN_OF_GPIO.values()}) == 26
    assert all(name_of(pin) for pin in range(1, 41) if pin not in (27, 28))  # those two are for a HAT's memory


def test_pins_of_the_page_are_those_of_the_header() -> None:
    text = (DOCS / "wiring.md").read_text("utf-8")
    told = re.findall(r"GPIO (\d+) \(pin (\d+)\)", text)
    assert len(told) > 8
    assert all(PIN_OF_GPIO[int(gpio)] == int(pin) for gpio, pin in told)
    for name, pin in re.findall(r"(ground|3\.3 V|5 V) \(pin (\d+)\)", text):
        assert name_of(int(pin)) == name


@pytest.mark.parametrize("options", [["sid"], []])
def test_the_arm64_run_skips_with_a_reason(options: list[str], tmp_path: Path) -> None:
    """A release that there is none of, and a machine without debootstrap (or without root)."""
    bare = tmp_path / "bin"
    bare.mkdir()
    for name in ("bash", "dirname", "id", "uname"):
        (bare / name).symlink_to(f"/usr/bin/{name}")
    env = {**os.environ, "PATH": str(bare)}
    script = ROOT / "tests/system/arm64.sh"
    done = subprocess.run(["/bin/bash", str(script), *options], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 77
    assert re.fullmatch(r"skipped: .+\n", done.stdout)


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.name)
def test_the_transcript_is_whole_and_tells_nothing_of_the_machine(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.endswith("All is as it should be.\n")
    hosts = set(re.findall(r"https?://([^/\s:]+)", text))
    assert not {host for host in hosts if not host.endswith((".org", ".com", ".co", "INDEX"))}
    assert "aarch64" in text
    assert not re.search(r"(?<![\w.])\d{1,3}(\.\d{1,3}){3}(?![\w.])", text), "an address"
