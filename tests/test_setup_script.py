"""The setup script and what it installs, on a made-up machine: a root of its own, stand-ins for what changes a system.

The stand-ins write down how they were called. Nothing of the machine that runs the tests is touched.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "setup_pi.sh"
LIBRARY = [ROOT / "tools" / "board.sh", ROOT / "tools" / "program.sh"]
SCRIPTS = [str(path) for path in (SCRIPT, *LIBRARY, ROOT / "tools/setup.sh", ROOT / "tests/system/arm64.sh")]
UNIT = ROOT / "systemd" / "tako.service"
TEMPLATE = ROOT / "systemd" / "tako.toml"

_NOTE = 'echo "$(basename "$0") $*" >>"$CALLS"\n'
STAND_INS = {
    "id": """case "$*" in
    -u | -g) echo 1000 ;;
    -un) echo ann ;;
    -nG) echo "ann audio" ;;
    tako) test -e "$TAKO_ROOT/user" ;;
esac
""",
    "uname": 'echo "${MACHINE:-aarch64}"\n',
    "sudo": _NOTE + 'exec "$@"\n',
    "apt-get": _NOTE + 'test "${APT:-ok}" = ok || exit 100\nfor p; do echo "$p" >>"$TAKO_ROOT/packages"; done\n',
    "apt-cache": 'test "$2" != "${UNKNOWN:-none}"\n',
    "dpkg": 'test "$1" != --print-architecture || { echo "${ARCH:-arm64}"; exit; }\n' + _NOTE,
    "df": 'printf "Filesystem 1024-blocks Used Available\\n/dev/root 1 1 ${FREE:-9000000} 1%% /\\n"\n',
    "arecord": 'echo "arecord $*" >>"$CALLS"\ntest "${MICROPHONE:-ok}" = ok\n',
    "dpkg-query": 'for p; do :; done\ngrep -qx "$p" "$TAKO_ROOT/packages" && echo "ii "\n',
    "useradd": _NOTE + 'touch "$TAKO_ROOT/user"\n',
    "usermod": _NOTE,
    "userdel": _NOTE + 'rm "$TAKO_ROOT/user"\n',
    "getent": 'test "$2" != render\n',
    "systemctl": _NOTE,
    "setpriv": 'while [ "$1" != env ] && [ "$1" != timeout ]; do shift; done\nexec "$@"\n',
    "install": """args=""
while [ $# -gt 0 ]; do
    case $1 in
        -o | -g) shift ;;
        *) args="$args $1" ;;
    esac
    shift
done
exec /usr/bin/install $args
""",
    "python3": """case $1 in
    -c) exit "${OLD_PYTHON:-0}" ;;
    --version) echo "Python 3.9.2" && exit ;;
esac
for d; do :; done
mkdir -p "$d/bin"
cp "$STAND_INS/venv-python" "$d/bin/python"
cp "$STAND_INS/venv-tako" "$d/bin/tako"
"""
    + _NOTE,
    "venv-python": """case "$1 $2" in
    -c*libzim*) exit "${LIBZIM:-1}" ;;
    -c*) exit "${BUILT:-1}" ;;
    "-m pip") test "$3" != --version || exit "${NO_PIP:-0}" ;;
esac
"""
    + _NOTE
    + 'test "${PIP:-ok}" = ok\n',
    "venv-tako": 'echo "tako $* TAKO_HOME=${TAKO_HOME:-}" >>"$CALLS"\n'
    'test "$1" != simulate || read -r line\necho "takes: ${line:-}"\ntest "$1" != "${BROKEN:-none}"\n',
}

USB = " 2 [Device         ]: USB-Audio - USB PnP Sound Device\n                      C-Media at usb-1.2, full speed\n"
HDMI = " 0 [vc4hdmi0       ]: vc4-hdmi - vc4-hdmi-0\n                      vc4-hdmi-0\n"
JACK = " 3 [Headphones     ]: bcm2835_headpho - bcm2835 Headphones\n                      bcm2835 Headphones\n"
I2S = " 1 [sndrpigooglevoi]: RPi-simple - snd_rpi_googlevoicehat_soundcar\n"
PCM = {
    USB: "02-00: USB Audio : USB Audio : playback 1 : capture 1\n",
    HDMI: "00-00: MAI PCM i2s-hifi-0 : MAI PCM i2s-hifi-0 : playback 1\n",
    JACK: "03-00: bcm2835 Headphones : bcm2835 Headphones : playback 8\n",
    I2S: "01-00: Google voiceHAT SoundCard HiFi voicehat-hifi-0 : Google : playback 1 : capture 1\n",
}
Setup = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The made-up root: a Pi with systemd and without any of the packages."""
    root = tmp_path / "root"
    for folder in ("proc/device-tree", "run/systemd/system", "var/tmp", "home/ann"):
        (root / folder).mkdir(parents=True)
    (root / "proc/device-tree/model").write_bytes(b"Raspberry Pi Zero 2 W Rev 1.0\0")
    (root / "packages").write_text("")
    (root / "etc").mkdir()
    (root / "etc/os-release").write_text("ID=debian\nVERSION_CODENAME=trixie\n")
    (root / "boot/firmware").mkdir(parents=True)
    (root / "boot/firmware/config.txt").write_text("dtparam=audio=on\n[cm4]\notg_mode=1\n")
    _plug(root, HDMI, USB)
    return root


def _plug(root: Path, *cards: str) -> None:
    """These sound cards and no others are there, as the kernel lists them."""
    (root / "proc/asound").mkdir(exist_ok=True)
    (root / "proc/asound/cards").write_text("".join(cards))
    (root / "proc/asound/pcm").write_text("".join(PCM[card] for card in cards))


@pytest.fixture
def setup(machine: Path, tmp_path: Path) -> Setup:
    """`setup("--dry-run", NAME="value")` runs the script there."""
    stand_ins = tmp_path / "stand-ins"
    stand_ins.mkdir()
    for name, body in STAND_INS.items():
        (stand_ins / name).write_text(f"#!/bin/sh\n{body}")
        (stand_ins / name).chmod(0o755)
    (machine / "usr/bin").mkdir(parents=True)
    (machine / "usr/bin/python3").symlink_to(stand_ins / "python3")
    (tmp_path / "calls").write_text("")
    repo = tmp_path / "repo"
    (repo / "systemd").mkdir(parents=True)
    shutil.copy(SCRIPT, repo)
    (repo / "tools").mkdir()
    for part in LIBRARY:
        shutil.copy(part, repo / "tools")
    (repo / "pyproject.toml").write_text("version 1")
    for package in ("actions", "agent", "device", "models", "training"):
        (repo / package).mkdir()
    for part in (ROOT / "systemd").iterdir():
        shutil.copy(part, repo / "systemd")

    def run(*options: str, path: str = "/usr/bin:/bin", **environ: str) -> subprocess.CompletedProcess[str]:
        env = {
            "PATH": f"{stand_ins}:{path}",
            "HOME": str(machine / "home/ann"),
            "TAKO_ROOT": str(machine),
            "CALLS": str(tmp_path / "calls"),
            "STAND_INS": str(stand_ins),
            **environ,
        }
        command = ["/bin/bash", str(repo / "setup_pi.sh"), *options]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)

    return run


@pytest.fixture
def calls(tmp_path: Path) -> Callable[[], list[str]]:
    """What was called since the last look."""

    def since() -> list[str]:
        lines = (tmp_path / "calls").read_text().splitlines()
        (tmp_path / "calls").write_text("")
        return lines

    return since


def _files(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_the_script_is_clean() -> None:
    if not shutil.which("shellcheck"):
        pytest.skip("shellcheck is not installed: sudo apt install shellcheck")
    done = subprocess.run(["shellcheck", *SCRIPTS], capture_output=True, text=True, check=False)
    assert done.stdout + done.stderr == ""
    assert os.access(SCRIPT, os.X_OK)


def test_help_and_wrong_usage(setup: Setup, calls: Callable[[], list[str]]) -> None:
    done = setup("--help")
    assert done.returncode == 0
    for option in (
        "--board",
        "--simulate",
        "--i2s",
        "--modem",
        "--encyclopedia",
        "--no-models",
        "--no-service",
        "--dry-run",
        "--uninstall",
        "--purge",
    ):
        assert option in done.stdout
    for wrong in (["--fast"], ["--board", "zx81"], ["--purge"]):
        assert setup(*wrong).returncode == 2
    assert calls() == []


def test_a_pi_is_set_up(setup: Setup, machine: Path, calls: Callable[[], list[str]]) -> None:
    done = setup()
    assert done.returncode == 0, done.stderr
    made = calls()
    packages = set((machine / "packages").read_text().split())
    assert {
        "python3-venv",
        "espeak-ng",
        "libportaudio2",
        "libatomic1",
        "python3-picamera2",
        "python3-lgpio",
    } <= packages
    assert any(
        re.search(r"python3 -m venv --clear --system-site-packages .*/opt/tako/releases/1$", call) for call in made
    )
    assert any(re.search(r"python -m pip install .*/repo\[pi\]$", call) for call in made)
    assert "usermod --append --groups audio,video,gpio tako" in made  # this system has no group render
    assert "usermod --append --groups tako ann" in made
    home = machine / "var/lib/tako"
    commands = [call for call in made if call.startswith("tako ")]
    assert commands == [f"tako {what} TAKO_HOME={home}" for what in ("models fetch", "models build", "doctor")]
    assert home.stat().st_mode & 0o7777 == 0o2770
    installed = {path.name: path.read_bytes() for path in (machine / "etc/systemd/system").iterdir()}
    assert installed == {path.name: path.read_bytes() for path in UNIT.parent.iterdir() if path.suffix != ".toml"}
    assert "tako-update.timer" in installed
    assert (machine / "etc/tako/tako.toml").read_bytes() == TEMPLATE.read_bytes()
    assert (machine / "etc/tako/tako.toml").stat().st_mode & 0o777 == 0o640
    assert [call for call in made if call.startswith("systemctl")] == [
        "systemctl daemon-reload",
        "systemctl enable --quiet tako.service tako-update-finish.service",
        "systemctl restart tako.service",
    ]
    wrapper = (machine / "usr/local/bin/tako").read_text()
    assert 'exec /opt/tako/venv/bin/tako "$@"' in wrapper
    for default in ("TAKO_HOME:=/var/lib/tako", "TAKO_CONFIG:=/etc/tako/tako.toml", "TAKO_CONTROL:=/run/tako/control"):
        assert f'"${{{default}}}"' in wrapper
    assert os.access(machine / "usr/local/bin/tako", os.X_OK)


def test_the_cards_that_are_there_become_alsas_default(
    setup: Setup, machine: Path, calls: Callable[[], list[str]]
) -> None:
    """HDMI, which comes first, is not taken where there is another; rates and sharing are ALSA's business."""
    done = setup()
    assert done.returncode == 0, done.stderr
    assert "Microphone: USB PnP Sound Device. Speaker: USB PnP Sound Device." in done.stdout
    conf = (machine / "etc/asound.conf").read_text()
    assert 'playback.pcm { type plug slave.pcm "dmix:CARD=Device,DEV=0" }' in conf
    assert 'capture.pcm { type plug slave.pcm "dsnoop:CARD=Device,DEV=0" }' in conf
    assert any("-D plughw:CARD=Device,DEV=0 -f S16_LE -r 16000" in call for call in calls())
    _plug(machine, HDMI, I2S)  # our file follows the cards
    assert setup().returncode == 0
    assert "CARD=sndrpigooglevoi" in (machine / "etc/asound.conf").read_text()
    _plug(machine, HDMI, JACK)
    assert setup().returncode == 1
    assert "dmix:CARD=Headphones" in (machine / "etc/asound.conf").read_text()
    _plug(machine, HDMI)
    alone = setup()
    assert alone.returncode == 1
    assert "there is no microphone: plug in a USB one, or wire an I2S one" in alone.stderr
    assert "there is no speaker" not in alone.stderr
    assert "dmix:CARD=vc4hdmi0" in (machine / "etc/asound.conf").read_text()
    _plug(machine)
    assert "there is no speaker: plug in a USB one" in setup().stderr


def test_alsa_reads_the_file(setup: Setup, machine: Path) -> None:
    if not shutil.which("aplay"):
        pytest.skip("alsa-utils is not installed: sudo apt install alsa-utils")
    assert setup().returncode == 0
    env = {"PATH": os.environ["PATH"], "ALSA_CONFIG_PATH": f"/usr/share/alsa/alsa.conf:{machine}/etc/asound.conf"}
    command = ["aplay", "-D", "default", "/dev/null"]
    heard = subprocess.run(command, env=env, capture_output=True, text=True, check=False).stderr
    assert "Device" in heard, heard  # it looks for the card of the file, which is not here
    assert "parser" not in heard
    assert "Syntax" not in heard


def test_a_sound_file_of_the_persons_stays_and_a_desktop_keeps_its_own(setup: Setup, machine: Path) -> None:
    (machine / "etc/asound.conf").write_text("defaults.pcm.card 1\n")
    done = setup()
    assert "ALSA's default cards stay as they are" in done.stdout
    assert (machine / "etc/asound.conf").read_text() == "defaults.pcm.card 1\n"
    assert setup("--uninstall").returncode == 0
    assert (machine / "etc/asound.conf").exists()
    (machine / "etc/asound.conf").unlink()
    (machine / "etc/alsa/conf.d").mkdir(parents=True)
    (machine / "etc/alsa/conf.d/99-pipewire-default.conf").write_text("")
    assert setup().returncode == 0
    assert not (machine / "etc/asound.conf").exists()
    assert "dsnoop:CARD=Device" in (machine / "var/lib/tako/.asoundrc").read_text()
    assert setup("--uninstall").returncode == 0
    assert not (machine / "var/lib/tako/.asoundrc").exists()


def test_a_microphone_that_does_not_record_is_said(setup: Setup) -> None:
    done = setup(MICROPHONE="broken")
    assert done.returncode == 1
    assert "the microphone Device does not record" in done.stderr


def test_i2s_is_switched_on_once_and_off_again(setup: Setup, machine: Path) -> None:
    config = machine / "boot/firmware/config.txt"
    before = config.read_text()
    first = setup("--i2s")
    assert first.returncode == 1
    assert "I2S sound starts with the board: sudo reboot" in first.stderr
    assert config.read_text().startswith(before)
    lines = config.read_text().splitlines()
    assert lines[lines.index("[all]") :][2] == "dtoverlay=googlevoicehat-soundcard"  # not within [cm4]
    switched = config.read_text()
    second = setup("--i2s")
    assert second.returncode == 0, second.stderr
    assert config.read_text() == switched
    assert setup("--uninstall").returncode == 0
    assert "googlevoicehat" not in config.read_text()
    assert config.read_text().startswith(before)
    config.unlink()
    assert "--i2s is for Raspberry Pi OS bookworm or newer" in setup("--i2s").stderr
    assert "--i2s and --modem are for a Raspberry Pi." in setup("--i2s", "--board", "pc").stderr


def test_a_modem_and_an_encyclopedia_are_on_offer(setup: Setup, machine: Path, calls: Callable[[], list[str]]) -> None:
    assert setup().returncode == 0
    assert "gammu" not in (machine / "packages").read_text()
    assert not any("dialout" in call or "encyclopedia" in call for call in calls())
    assert setup("--modem", "--encyclopedia").returncode == 0
    made = calls()
    assert "python3-gammu" in (machine / "packages").read_text().split()
    assert "usermod --append --groups audio,video,gpio,dialout tako" in made
    assert any(call.endswith("/repo[pi,encyclopedia]") for call in made)
    assert setup(LIBZIM="0").returncode == 0  # what was wanted once is brought again
    assert any(call.endswith("/repo[pi,encyclopedia]") for call in made)


def test_a_modem_in_the_settings_is_enough(setup: Setup, machine: Path) -> None:
    (machine / "etc/tako").mkdir()
    (machine / "etc/tako/tako.toml").write_text('[text]\nvia = "modem"\n')
    assert setup().returncode == 0
    assert "python3-gammu" in (machine / "packages").read_text().split()


def test_it_goes_on_where_it_stopped(setup: Setup, machine: Path, calls: Callable[[], list[str]]) -> None:
    broken = setup(PIP="broken")
    assert broken.returncode == 1
    assert "pip did not install tako. Is there a network? Then run this again." in broken.stderr
    assert not (machine / "opt/tako/venv").exists()
    calls()
    assert setup().returncode == 0
    made = calls()
    assert not any(call.startswith(("apt-get", "useradd", "python3")) for call in made)  # that much was done
    assert any("pip install" in call for call in made)
    assert (machine / "opt/tako/venv").readlink() == Path("releases/1")
    done = setup(FREE="2000000")  # no room for a first setup, but for this
    assert "The program is here, and up to date." in done.stdout
    assert not any("pip install" in call for call in calls())


def test_a_new_program_lies_beside_the_old_one_until_it_is_whole(
    setup: Setup, machine: Path, calls: Callable[[], list[str]]
) -> None:
    """As `tako update` has it: releases, and a link to the one that runs."""
    prefix, news = machine / "opt/tako", machine.parent / "repo/device/new.py"
    assert setup().returncode == 0
    news.write_text("a new release")
    assert setup(PIP="broken").returncode == 1
    assert (prefix / "venv").readlink() == Path("releases/1")
    (prefix / "unproven").write_text("{}")
    assert setup().returncode == 0
    assert (prefix / "venv").readlink() == Path("releases/2")
    assert (prefix / "previous").readlink() == Path("releases/1")
    assert not (prefix / "unproven").exists()
    calls()
    assert setup(NO_PIP="1").returncode == 0  # the Python that made it is gone: a newer system
    assert any("-m venv --clear" in call and call.endswith("/releases/3") for call in calls())
    assert sorted(p.name for p in (prefix / "releases").iterdir()) == ["2", "3"]


def test_the_program_of_a_release_before_there_were_releases_makes_way(setup: Setup, machine: Path) -> None:
    (machine / "opt/tako/venv/bin").mkdir(parents=True)
    assert setup().returncode == 0
    assert (machine / "opt/tako/venv").readlink() == Path("releases/1")


def test_a_pc_can_be_the_gadget(setup: Setup, machine: Path, calls: Callable[[], list[str]]) -> None:
    done = setup("--simulate", MACHINE="x86_64")
    assert done.returncode == 0, done.stderr
    settings = tomllib.loads((machine / "home/ann/.config/tako/tako.toml").read_text())
    assert settings == {"button": {"kind": "key"}, "camera": {"kind": "none"}}
    assert "takes: hello tako" in done.stdout
    assert calls()[-1].startswith("tako simulate")
    again = setup("--simulate", MACHINE="x86_64")
    assert "tako run needs button.kind" in again.stdout
    assert tomllib.loads((machine / "home/ann/.config/tako/tako.toml").read_text()) == settings
    assert "the simulated gadget does not work" in setup("--simulate", BROKEN="simulate").stderr
    assert setup("--simulate", "--board", "pi").returncode == 2
    assert setup("--simulate", "--uninstall").returncode == 2


def test_a_second_time_changes_nothing_and_keeps_the_settings(
    setup: Setup, machine: Path, calls: Callable[[], list[str]]
) -> None:
    assert setup().returncode == 0
    (machine / "etc/tako/tako.toml").write_text("[email]\n")
    before = _files(machine)
    calls()
    done = setup()
    assert done.returncode == 0, done.stderr
    assert _files(machine) == before
    made = calls()
    assert not any(call.startswith(("apt-get", "useradd", "python3")) for call in made)
    assert "Debian's packages are here." in done.stdout
    assert "The settings stay as they are" in done.stdout


def test_a_pc_needs_no_sudo_and_nothing_of_the_pi(setup: Setup, machine: Path, calls: Callable[[], list[str]]) -> None:
    (machine / "proc/device-tree/model").unlink()
    (machine / "packages").write_text(
        "\n".join(
            ["python3-venv", "espeak-ng", "libportaudio2", "libatomic1", "alsa-utils", "tzdata", "ca-certificates"]
        )
    )
    done = setup(MACHINE="x86_64")
    assert done.returncode == 0, done.stderr
    made = calls()
    assert not any(call.startswith(("sudo", "apt-get", "useradd", "usermod", "systemctl")) for call in made)
    assert any(re.search(r"pip install .*--editable .*/repo$", call) for call in made)
    home = machine / "home/ann"
    assert (home / ".local/bin/tako").resolve() == (machine.parent / "repo/.venv/bin/tako").resolve()
    settings = home / ".config/tako/tako.toml"
    assert settings.read_bytes() == TEMPLATE.read_bytes()
    assert settings.stat().st_mode & 0o777 == 0o600
    assert [call for call in made if call.startswith("tako ")] == [
        "tako models fetch TAKO_HOME=",
        "tako models build TAKO_HOME=",
        "tako doctor TAKO_HOME=",
    ]


@pytest.mark.parametrize("board", ["pi", "pc"])
def test_a_dry_run_says_what_and_does_nothing(
    setup: Setup, machine: Path, calls: Callable[[], list[str]], board: str
) -> None:
    before = _files(machine)
    done = setup("--dry-run", "--board", board)
    assert done.returncode == 0, done.stderr
    assert _files(machine) == before
    assert calls() == []
    assert "apt-get install -y -q --no-install-recommends" in done.stdout
    assert ("tako.service" in done.stdout) == (board == "pi")
    assert ("python3-lgpio" in done.stdout) == (board == "pi")
    assert f"{machine}" in done.stdout
    assert done.stdout.endswith("nothing was.\n")
    assert "Done." not in done.stdout


def test_purge_on_a_pc_leaves_what_is_not_tako_s(setup: Setup, tmp_path: Path) -> None:
    done = setup("--dry-run", "--board", "pc", "--uninstall", "--purge", TAKO_HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    removed = [word for line in done.stdout.splitlines() if line.startswith("+ rm -rf") for word in line.split()[3:]]
    assert f"{tmp_path}/models" in removed
    assert str(tmp_path) not in removed
    assert "rm -rf" not in next(line for line in done.stdout.splitlines() if "rmdir" in line)


def test_on_a_pi_the_systems_python_is_taken(setup: Setup, machine: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"  # another Python, first on the PATH, that the service's user may not run
    own.mkdir()
    (tmp_path / "stand-ins" / "python3").rename(own / "system-python")
    (tmp_path / "stand-ins" / "python3").write_text("#!/bin/sh\nexit 9\n")
    (tmp_path / "stand-ins" / "python3").chmod(0o755)
    (machine / "usr/bin/python3").unlink()
    (machine / "usr/bin/python3").symlink_to(own / "system-python")
    done = setup()
    assert done.returncode == 0, done.stderr
    assert (machine / "opt/tako/venv/bin/python").exists()


def test_models_and_service_can_be_left_out(setup: Setup, machine: Path, calls: Callable[[], list[str]]) -> None:
    assert setup("--no-models", "--no-service").returncode == 0
    made = calls()
    assert not any(call.startswith("tako models") for call in made)
    assert not any(call.startswith("systemctl") for call in made)
    assert not (machine / "etc/systemd/system/tako.service").exists()


def test_what_is_missing_at_the_end_is_said(setup: Setup, calls: Callable[[], list[str]]) -> None:
    done = setup(BROKEN="models")
    assert done.returncode == 1
    assert "some models are missing: tako models fetch" in done.stderr
    assert "the text model is not built: tako models build" in done.stderr
    assert "tako doctor has found" not in done.stderr
    assert "systemctl restart tako.service" in calls()  # the service is there all the same
    assert "tako doctor has found something" in setup(BROKEN="doctor").stderr


def test_without_picamera2_there_is_no_camera_and_the_rest_works(setup: Setup, machine: Path) -> None:
    done = setup(UNKNOWN="python3-picamera2")
    assert done.returncode == 0, done.stderr
    assert "python3-picamera2 is not to be had on this system: no camera." in done.stdout
    assert "picamera2" not in (machine / "packages").read_text()


def test_what_cannot_work_is_one_sentence(setup: Setup, machine: Path, tmp_path: Path) -> None:
    assert "64-bit" in setup(MACHINE="armv7l").stderr
    assert "the kernel is 64-bit, but the system is armhf" in setup(ARCH="armhf").stderr
    assert "there are 1953 MB free for" in setup(FREE="2000000").stderr
    assert "/opt/tako, and tako needs 2000" in setup(FREE="2000000").stderr
    release = machine / "etc/os-release"
    release.write_text("VERSION_CODENAME=bullseye\n")
    assert "this is Raspberry Pi OS bullseye; tako needs bookworm or trixie." in setup().stderr
    release.write_text("VERSION_CODENAME=bookworm\n")
    assert "tako needs Python 3.11 to 3.13; this is Python 3.9.2." in setup(OLD_PYTHON="1").stderr
    (machine / "packages").write_text("")
    refused = setup(APT="broken")
    assert refused.returncode != 0
    assert "By hand: sudo apt-get install -y --no-install-recommends python3-venv espeak-ng" in refused.stderr
    (tmp_path / "stand-ins" / "sudo").unlink()
    bare = tmp_path / "bare"  # a machine without sudo: only the programs that the script itself needs
    bare.mkdir()
    for name in ("dirname", "tr", "grep", "cat", "basename", "mkdir", "cp", "sed", "awk"):
        (bare / name).symlink_to(shutil.which(name) or name)
    done = setup(path=str(bare))
    assert done.returncode == 1
    assert re.search(r"there is no sudo\. As root: apt-get install -y .*espeak-ng", done.stderr)


def test_a_text_model_of_this_release_is_not_built_again(setup: Setup, calls: Callable[[], list[str]]) -> None:
    assert "The text model is built." in setup(BUILT="0").stdout
    assert not any(call.startswith("tako models build") for call in calls())


def test_another_system_is_tried(setup: Setup, machine: Path) -> None:
    (machine / "etc/os-release").write_text("VERSION_CODENAME=forky\n")
    done = setup()
    assert done.returncode == 0, done.stderr
    assert "this is forky. Trying." in done.stdout


def test_uninstalling_keeps_what_is_the_persons_and_purging_does_not(
    setup: Setup, machine: Path, calls: Callable[[], list[str]]
) -> None:
    assert setup().returncode == 0
    (machine / "var/lib/tako/history").write_text("mine")
    calls()
    done = setup("--uninstall")
    assert done.returncode == 0, done.stderr
    left = {name for name in _files(machine) if "tako" in name}
    assert left == {"etc/tako/tako.toml", "var/lib/tako/history"}
    assert not (machine / "etc/asound.conf").exists()
    made = calls()
    assert {f"systemctl disable --quiet --now {unit.name}" for unit in UNIT.parent.glob("*.[st]*er*")} <= set(made)
    assert setup("--uninstall").returncode == 0  # once more: nothing to do
    assert setup("--uninstall", "--purge").returncode == 0
    assert not {name for name in _files(machine) if "tako" in name}
    assert "userdel tako" in calls()


def test_the_template_is_all_comments_and_valid_when_they_are_taken_away(tmp_path: Path) -> None:
    text = TEMPLATE.read_text()
    assert tomllib.loads(text) == {}
    examples = [
        line.removeprefix("#") for line in text.splitlines() if line.startswith("#") and line[1:2] not in ("", " ")
    ]
    from device.settings import load

    path = tmp_path / "tako.toml"
    path.write_text("\n".join(examples))
    (tmp_path / "email.password").write_text("geheim\n")
    settings = load(path, {})
    assert settings.email is not None
    assert settings.email.password is not None
    assert settings.email.password.reveal() == "geheim"
    assert settings.contacts.people["Anna Berg"].aliases == ("anna", "mom", "安娜")


def test_the_unit_is_valid_and_closed(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed: sudo apt install systemd")
    unit = tmp_path / "tako.service"
    unit.write_text(UNIT.read_text().replace("/opt/tako/venv/bin/tako", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "tako.service" not in done.stderr, done.stderr
    looked = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=30", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert looked.returncode == 0, looked.stdout[-400:]


def test_the_unit_lives_as_a_user_of_its_own_and_comes_back() -> None:
    lines = set(UNIT.read_text().splitlines())
    assert {
        "User=tako",
        "Restart=always",
        "StateDirectory=tako",
        "NoNewPrivileges=yes",
        "StartLimitIntervalSec=0",
    } <= lines
    assert "StandardOutput=journal" in lines
    assert any(line.startswith("Environment=TAKO_HOME=%S/tako TAKO_CONFIG=/etc/tako/tako.toml") for line in lines)
    directives = {line.partition("=")[0] for line in lines}
    # each of these would take away the sound card, the camera, the button, onnxruntime, or the history's look at /proc
    assert not directives & {"PrivateDevices", "DeviceAllow", "ProtectClock", "MemoryDenyWriteExecute", "ProtectProc"}
