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
    "dpkg-query": 'for p; do :; done\ngrep -qx "$p" "$TAKO_ROOT/packages" && echo "ii "\n',
    "useradd": _NOTE + 'touch "$TAKO_ROOT/user"\n',
    "usermod": _NOTE,
    "userdel": _NOTE + 'rm "$TAKO_ROOT/user"\n',
    "getent": 'test "$2" != render\n',
    "systemctl": _NOTE,
    "setpriv": 'while [ "$1" != env ]; do shift; done\nexec "$@"\n',
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
    "venv-python": _NOTE,
    "venv-tako": 'echo "tako $* TAKO_HOME=${TAKO_HOME:-}" >>"$CALLS"\ntest "$1" != "${BROKEN:-none}"\n',
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
    return root


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
    shutil.copy(UNIT, repo / "systemd")
    shutil.copy(TEMPLATE, repo / "systemd")

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
    done = subprocess.run(["shellcheck", str(SCRIPT)], capture_output=True, text=True, check=False)
    assert done.stdout + done.stderr == ""
    assert os.access(SCRIPT, os.X_OK)


def test_help_and_wrong_usage(setup: Setup, calls: Callable[[], list[str]]) -> None:
    done = setup("--help")
    assert done.returncode == 0
    for option in ("--board", "--no-models", "--no-service", "--dry-run", "--uninstall", "--purge"):
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
    assert any(re.search(r"python3 -m venv --system-site-packages .*/opt/tako/venv$", call) for call in made)
    assert any(re.search(r"python -m pip install .*/repo\[pi\]$", call) for call in made)
    assert "usermod --append --groups audio,video,gpio tako" in made  # this system has no group render
    assert "usermod --append --groups tako ann" in made
    home = machine / "var/lib/tako"
    commands = [call for call in made if call.startswith("tako ")]
    assert commands == [f"tako {what} TAKO_HOME={home}" for what in ("models fetch", "models build", "doctor")]
    assert home.stat().st_mode & 0o7777 == 0o2770
    assert (machine / "etc/systemd/system/tako.service").read_bytes() == UNIT.read_bytes()
    assert (machine / "etc/tako/tako.toml").read_bytes() == TEMPLATE.read_bytes()
    assert (machine / "etc/tako/tako.toml").stat().st_mode & 0o777 == 0o640
    assert [call for call in made if call.startswith("systemctl")] == [
        "systemctl daemon-reload",
        "systemctl enable --quiet tako.service",
        "systemctl restart tako.service",
    ]
    wrapper = (machine / "usr/local/bin/tako").read_text()
    assert 'exec /opt/tako/venv/bin/tako "$@"' in wrapper
    assert ': "${TAKO_HOME:=/var/lib/tako}" "${TAKO_CONFIG:=/etc/tako/tako.toml}"' in wrapper
    assert os.access(machine / "usr/local/bin/tako", os.X_OK)


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
        "\n".join(["python3-venv", "espeak-ng", "libportaudio2", "libatomic1", "alsa-utils"])
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
    assert "tako needs Python 3.11 to 3.13; this is Python 3.9.2." in setup(OLD_PYTHON="1").stderr
    (machine / "packages").write_text("")
    refused = setup(APT="broken")
    assert refused.returncode != 0
    assert "By hand: sudo apt-get install -y --no-install-recommends python3-venv espeak-ng" in refused.stderr
    (tmp_path / "stand-ins" / "sudo").unlink()
    bare = tmp_path / "bare"  # a machine without sudo: only the programs that the script itself needs
    bare.mkdir()
    for name in ("dirname", "tr", "grep", "cat", "basename", "mkdir", "cp"):
        (bare / name).symlink_to(shutil.which(name) or name)
    done = setup(path=str(bare))
    assert done.returncode == 1
    assert re.search(r"there is no sudo\. As root: apt-get install -y .*espeak-ng", done.stderr)


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
    assert "systemctl disable --quiet --now tako.service" in calls()
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
