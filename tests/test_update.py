"""`tako update`: fake releases, in wheels that pip installs into true virtual environments, under a systemctl that
starts and stops them as systemd does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from actions.errors import ActionError, DeviceError, InputError
from device.cli.main import tako
from device.control import ask
from device.update import Place, Source, back, current, finish, source_of, update

ROOT = Path(__file__).resolve().parent.parent

# A release that does what an update asks of one: its doctor, its models, and a service that answers at the socket.
PROGRAM = """
import json, os, signal, socketserver, sys, threading, time
from pathlib import Path
from importlib.metadata import version
HOME = Path(os.environ["TAKO_HOME"])
BEHAVIOUR = @BEHAVIOUR@
words = sys.argv[1:]
model = HOME / "models" / "text"
if words[:1] == ["doctor"]:
    if "no doctor" in BEHAVIOUR:
        sys.exit("ImportError: no module named doctor")
    fits = model.exists() and model.read_text() == @MODEL@
    print(json.dumps([
        {"name": "camera", "level": "fail"},
        {"name": "text", "level": "ok" if fits else "fail"},
        {"name": "voice", "level": "fail" if "no voice" in BEHAVIOUR else "ok"},
    ]))
    sys.exit(1)
if words == ["models", "fetch"]:
    sys.exit(0)
if words == ["models", "build"]:
    model.with_suffix(".new").write_text(@MODEL@)
    model.with_suffix(".new").replace(model)
    sys.exit(0)
assert words == ["run"], words
if "dies" in BEHAVIOUR:
    sys.exit("it cannot start")
started = time.monotonic()
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        self.rfile.readline()
        said = "0.0.1" if "lies" in BEHAVIOUR else version("tako")
        up = time.monotonic() - started
        told = {"ok": True, "state": "ready", "version": said, "pid": os.getpid(), "uptime": up}
        self.wfile.write(json.dumps(told).encode() + b"\\n")
path = os.environ["SOCKET"]
Path(path).unlink(missing_ok=True)
server = socketserver.ThreadingUnixStreamServer(path, Handler)
if "dies later" in BEHAVIOUR:
    threading.Timer(0.4, lambda: os._exit(1)).start()
if "deaf" in BEHAVIOUR:
    server.server_close()
    signal.pause()
server.serve_forever()
"""

# systemctl: `restart` ends the old process, starts what the link leads to, and fails when it ends at once.
SYSTEMCTL = """
import os, signal, socket, subprocess, sys, time
from pathlib import Path
here = Path(__file__).parent
with (here / "calls").open("a") as calls:
    calls.write(" ".join(sys.argv[1:]) + "\\n")
if sys.argv[1] == "is-enabled":
    sys.exit((here / "disabled").exists())
assert sys.argv[1:] == ["restart", "tako.service"]
pid = here / "pid"
if pid.exists():
    try:
        os.kill(int(pid.read_text()), signal.SIGKILL)
    except ProcessLookupError:
        pass
(here / "control").unlink(missing_ok=True)
environ = {**os.environ, "TAKO_HOME": str(here / "home"), "SOCKET": str(here / "control")}
command = [here / "prefix/venv/bin/python", "-P", "-m", "device.cli.main", "run"]
with (here / "journal").open("a") as journal:
    process = subprocess.Popen(command, env=environ, cwd="/", stdout=journal, stderr=journal, start_new_session=True)
pid.write_text(str(process.pid))
for _ in range(100):
    if process.poll() is not None:
        sys.exit("Job for tako.service failed")
    if (here / "control").exists():
        sys.exit(0)
    time.sleep(0.05)
"""


def wheel(folder: Path, version: str, *behaviour: str, model: str = "one", name: str = "tako") -> Path:
    """A release of tako without needs."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    files = {
        "device/__init__.py": "",
        "device/cli/__init__.py": "",
        "device/cli/main.py": PROGRAM.replace("@BEHAVIOUR@", repr(behaviour)).replace("@MODEL@", repr(model)),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nProvides-Extra: pi\n"
        "Provides-Extra: encyclopedia\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for inner, text in files.items():
            archive.writestr(inner, text)
        archive.writestr(f"{info}/RECORD", "".join(f"{inner},,\n" for inner in files) + f"{info}/RECORD,,\n")
    return path


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Release 1.0 runs, and its text model is built."""
    if os.geteuid() == 0:  # what a release is asked is asked as the service's user, who may not look in here
        monkeypatch.setattr("device.update._as_user", lambda place: [])
    prefix, home, systemctl = tmp_path / "prefix", tmp_path / "home", tmp_path / "systemctl"
    (prefix / "releases").mkdir(parents=True)
    (home / "models").mkdir(parents=True)
    (home / "models" / "text").write_text("one")
    systemctl.write_text(f"#!{sys.executable}\n{SYSTEMCTL}")
    systemctl.chmod(0o755)
    made = Place(
        prefix, home, tmp_path / "tako.toml", tmp_path / "control", systemctl=str(systemctl), living=0.8, patience=2.0
    )
    release(made, 1, wheel(tmp_path / "first", "1.0"))
    (prefix / "venv").symlink_to("releases/1")
    subprocess.run([systemctl, "restart", "tako.service"], check=True)
    yield made
    with suppress(ProcessLookupError):  # the last release of a test may have died
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def release(place: Place, number: int, path: Path) -> None:
    venv = place.releases / str(number)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    site = next((venv / "lib").glob("python3*")) / "site-packages"
    with zipfile.ZipFile(path) as archive:
        archive.extractall(site)


def state(place: Place) -> tuple[str, str | None, str, bool]:
    """The version that answers, the release before, the text model, whether an update is unfinished."""
    previous = place.prefix / "previous"
    return (
        str(ask(place.socket, {"do": "state"})["version"]),
        previous.resolve().name if previous.is_symlink() else None,
        (place.home / "models" / "text").read_text(),
        (place.prefix / "unproven").exists(),
    )


pytestmark = pytest.mark.slow


def test_a_new_release_takes_over_and_the_way_back_is_open(place: Place, tmp_path: Path) -> None:
    said: list[str] = []
    assert update(source_of(wheel(tmp_path / "new", "1.1")), place, said.append) == "1.0"
    assert state(place) == ("1.1", "1", "one", False)
    assert said == ["Brings release 1.1 beside 1.0.", "Looks whether it has what it needs.", "Switches to it."]
    assert back(place) == "1.0"
    assert state(place) == ("1.0", "2", "one", False)
    assert update(source_of(wheel(tmp_path / "new", "1.2", model="two")), place) == "1.0"
    assert state(place) == ("1.2", "1", "two", False)
    assert not (place.home / "models.before").exists()
    assert sorted(folder.name for folder in place.releases.iterdir()) == ["1", "3"]  # 1.1 was neither of the last two


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        ("no doctor", "no module named doctor"),
        ("no voice", "not content: voice"),
        ("dies", "does not become ready"),
        ("dies later", "does not answer"),
        ("deaf", "does not answer"),
        ("lies", "release 0.0.1 runs instead"),
    ],
)
def test_one_that_does_not_work_is_left_again(place: Place, tmp_path: Path, behaviour: str, why: str) -> None:
    """Whatever it is, the old release runs with its own models afterwards."""
    with pytest.raises(ActionError, match=why) as error:
        update(source_of(wheel(tmp_path / "new", "2.0", behaviour, model="two")), place)
    assert error.value.zh
    version, _, model, unproven = state(place)
    assert (version, model, unproven) == ("1.0", "one", False)
    assert current(place).name == "1"


def test_the_same_version_is_installed_on_demand_only(place: Place, tmp_path: Path) -> None:
    same = source_of(wheel(tmp_path / "new", "1.0"))
    assert update(same, place) is None
    assert current(place).name == "1"
    assert update(same, place, force=True) == "1.0"
    assert current(place).name == "2"


def test_what_cannot_be_installed_leaves_nothing(place: Place, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    broken = tmp_path / "new" / "tako-3.0-py3-none-any.whl"
    broken.write_bytes(b"no wheel")
    with pytest.raises(DeviceError, match=r"I could not bring release 3\.0: python said: "):
        update(source_of(broken), place)
    named = wheel(tmp_path / "new", "3.1")
    named.rename(broken)
    with pytest.raises(DeviceError, match=r"I could not bring release 3\.0"):
        update(source_of(broken), place)
    assert [folder.name for folder in place.releases.iterdir()] == ["1"]
    assert state(place) == ("1.0", None, "one", False)


@pytest.mark.parametrize("stage", ["prepared", "switched"])
@pytest.mark.parametrize("behaviour", ["", "dies"])
def test_a_power_cut_in_the_midst_is_finished(place: Place, tmp_path: Path, stage: str, behaviour: str) -> None:
    release(place, 2, wheel(tmp_path / "new", "2.0", behaviour, model="two"))
    (place.prefix / "unproven").write_text(json.dumps({"from": "1", "to": "2"}))
    (place.home / "models").rename(place.home / "models.before")
    (place.home / "models").mkdir()
    (place.home / "models" / "text").write_text("two")
    if stage == "switched":
        (place.prefix / "previous").symlink_to("releases/1")
        (place.prefix / "venv").unlink()
        (place.prefix / "venv").symlink_to("releases/2")
    with pytest.raises(DeviceError, match="tako update --finish"):
        update(source_of(tmp_path / "new"), place)
    if stage == "switched" and not behaviour:
        assert finish(place) == "2.0"
        assert state(place) == ("2.0", "1", "two", False)
    else:
        if stage == "switched":
            with pytest.raises(ActionError, match=r"so 1\.0 runs again"):
                finish(place)
        else:
            assert finish(place) == "1.0"
        version, _, model, unproven = state(place)
        assert (version, model, unproven) == ("1.0", "one", False)
    assert finish(place) is None


def test_a_board_whose_both_releases_fail_says_so(place: Place, tmp_path: Path) -> None:
    main = next(current(place).glob("lib/python3*/site-packages/device/cli/main.py"))
    main.write_text(main.read_text().replace("BEHAVIOUR = ()", "BEHAVIOUR = ('dies',)"))
    with pytest.raises(ActionError, match=r"and 1\.0 does not either"):
        update(source_of(wheel(tmp_path / "new", "2.0", "dies")), place)


def test_a_service_that_is_switched_off_stays_so(place: Place, tmp_path: Path) -> None:
    (tmp_path / "disabled").touch()
    (tmp_path / "calls").unlink()
    assert update(source_of(wheel(tmp_path / "new", "1.1")), place) == "1.0"
    assert "restart" not in (tmp_path / "calls").read_text()
    assert current(place).name == "2"


def test_no_way_back_and_no_place(place: Place, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="no release to go back to"):
        back(place)
    other = replace(place, prefix=tmp_path / "other")
    with pytest.raises(DeviceError, match="An update is root's"):
        update(Source(tmp_path, "1.1"), other)
    (tmp_path / "other").mkdir()
    with pytest.raises(DeviceError, match=r"Run \./setup_pi\.sh once more"):
        update(Source(tmp_path, "1.1"), other)


def test_one_at_a_time(place: Place, tmp_path: Path) -> None:
    holding = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent("""
            import fcntl, sys
            file = open(sys.argv[1], "w")
            fcntl.flock(file, fcntl.LOCK_EX)
            print("held", flush=True)
            sys.stdin.read()
        """), place.prefix / "update.lock"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    assert holding.stdout is not None
    holding.stdout.readline()
    with pytest.raises(DeviceError, match="Another update is going on"):
        back(place)
    holding.communicate(b"")


def test_sources(tmp_path: Path) -> None:
    for version in ("0.9.0", "0.10.0rc1", "0.10.0", "0.2.0"):
        wheel(tmp_path / "many", version)
    wheel(tmp_path / "many", "9.0", name="takoyaki")
    assert source_of(tmp_path / "many").version == "0.10.0"
    assert source_of(tmp_path / "many" / "tako-0.9.0-py3-none-any.whl").version == "0.9.0"
    here = source_of(ROOT)
    assert (here.path, here.beside) == (ROOT, None)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "pyproject.toml").write_text('[project]\nname = "cake"\nversion = "1"\n')
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.whl").touch()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "pyproject.toml").write_text("[project")
    for path in ("other", "empty", "file.whl", "bad", "many/takoyaki-9.0-py3-none-any.whl"):
        with pytest.raises(InputError, match="is no release of tako"):
            source_of(tmp_path / path)


def test_the_command(tmp_path: Path) -> None:
    def run(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(tako, ["update", *words], env={"TAKO_HOME": str(tmp_path), "LC_ALL": "C.UTF-8"})
        return result.exit_code, result.output

    assert run()[0] == run("--back", "--finish")[0] == 2
    code, said = run("--back", "--prefix", str(tmp_path / "none"))
    assert code == InputError.exit_code
    assert "tako is not installed there" in said
    (tmp_path / "prefix").mkdir()
    assert run("--finish", "--prefix", str(tmp_path / "prefix")) == (0, "There is nothing to finish.\n")
    code, said = run(str(tmp_path), "--prefix", str(tmp_path / "prefix"))
    assert code == InputError.exit_code
    assert "is no release of tako" in said
    code, said = run(str(ROOT), "--prefix", str(tmp_path / "prefix"))
    assert code == DeviceError.exit_code
    assert "setup_pi.sh" in said
