"""Memory, start and idle of the whole service: `python -m bench.service [--runs 3] [--out bench/results/NAME.md]`.

The service is `tako run`, with one language, pictures and a mail server of this machine. Its start and its idle time
are measured from outside. For the turns a recording stands in for the microphone and a file for the speaker; all else
is the service's own, so memory is that of recogniser, model, picture, voice and action in one process and its children.
"""

from __future__ import annotations

import os
import pty
import re
import select
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click

from bench.page import machine, publish
from bench.stages import DATA, ROOT, WAVS
from device.models.places import folder
from device.processes import Memory, memory, processor

RECOGNISERS = ("vosk-small-en-us-0.15", "whisper-tiny-en", "whisper-base")
LIBRARIES = ("onnxruntime", "ctranslate2", "faster-whisper", "vosk", "numpy", "Pillow")
READY = "○ ready"  # as the terminal's light shows it
WISHES = {"peak": (400.0, "MB"), "start": (4.0, "s"), "idle": (2.0, "% of a core")}
UNIT = ROOT / "systemd" / "tako.service"
_SETTLE = 3.0  # seconds after the start that do not count as idle
_PATIENCE = 120.0  # seconds for a start or for all turns
SETTINGS = """
[speech]
languages = ["en"]
engine = "{engine}"
whisper_models = ["{model}"]
[button]
kind = "key"
[camera]
kind = "folder"
folder = "{photo}"
[microphone]
device = "a recording stands in for it"
[contacts.people.Anna]
email = "anna@example.com"
[email]
host = "{host}"
port = {port}
user = "{user}"
password = "{password}"
ca_file = "{ca}"
[history]
folder = "{history}"
"""


def allocator() -> dict[str, str]:
    """What the unit sets of the C library's memory allocator, which holds for the measured service, too; the
    environment of the bench goes before it, so that another setting can be tried."""
    unit = dict(re.findall(r"\b(MALLOC_\w+)=(\S+)", UNIT.read_text("utf-8")))
    return unit | {name: value for name, value in os.environ.items() if name.startswith("MALLOC_")}


@contextmanager
def started(command: list[str], home: Path, sign: str) -> Iterator[tuple[subprocess.Popen[bytes], float, float]]:
    """A service and its keyboard, from the command to its end: the process, seconds until it printed `sign`, and the
    seconds of a core that it took for that. Raises `click.ClickException` when it does not come so far."""
    keyboard, terminal = pty.openpty()
    variables = {"TAKO_HOME": str(home), "LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
    environment = {**os.environ, **allocator(), **variables}
    begun = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT, env=environment
    )
    os.close(terminal)
    try:
        seconds = _until(process, sign, begun)
        yield process, seconds, processor(process.pid)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(keyboard)
        if process.stdout:
            process.stdout.close()


def _until(process: subprocess.Popen[bytes], sign: str, begun: float) -> float:
    assert process.stdout is not None
    printed = ""
    while time.perf_counter() - begun < _PATIENCE:
        if not select.select([process.stdout], [], [], 0.1)[0]:
            continue
        new = os.read(process.stdout.fileno(), 65536).decode(errors="replace")
        printed += new
        if sign in printed:
            threading.Thread(target=_drain, args=(process,), daemon=True).start()
            return time.perf_counter() - begun
        if not new:
            break
    raise click.ClickException(f"the service did not come to {sign!r}:\n{printed}")


def _drain(process: subprocess.Popen[bytes]) -> None:
    """So that the service never waits for a full pipe."""
    try:
        while process.stdout is not None and os.read(process.stdout.fileno(), 65536):
            pass
    except (OSError, ValueError):
        pass  # it has ended


def starts_and_idles(settings: Path, home: Path, runs: int, idle: float) -> dict[str, float]:
    """Median seconds to ready, of the wall and of a core; and what the last one used of a core while nobody pressed."""
    command = [sys.executable, "-m", "device.cli.main", "--settings", str(settings), "run"]
    walls, cores, used, at_ready = [], [], 0.0, 0.0
    for run in range(runs):
        with started(command, home, READY) as (process, seconds, core):
            walls.append(seconds)
            cores.append(core)
            if run == runs - 1:
                time.sleep(_SETTLE)
                at_ready = memory(process.pid).resident
                before, begun = processor(process.pid), time.perf_counter()
                time.sleep(idle)
                used = (processor(process.pid) - before) / (time.perf_counter() - begun)
    return {
        "start": statistics.median(walls),
        "start_core": statistics.median(cores),
        "ready": at_ready,
        "idle": used * 100,
    }


def turns(settings: Path, home: Path, runs: int) -> Memory:
    """Memory after so many whole turns with a picture, in a process that is the service but for sound."""
    command = [sys.executable, "-m", "bench.service", "--child", str(settings), "--runs", str(runs)]
    with started(command, home, "turns: ") as (process, _, _):
        return memory(process.pid)


def live(settings_path: Path, runs: int) -> None:
    """The child: takes the turns, says so, and waits to be measured."""
    from dataclasses import replace

    import sounddevice  # noqa: F401  what the microphone would have loaded counts in

    from device.body import living, recording
    from device.confirm import AgreeingConfirmer, TerminalConfirmer
    from device.seams import Press
    from device.settings import load
    from device.sim.lines import Lines
    from device.turn import take_turn
    from device.voice.settings import VoiceSettings
    from device.voice.spoken import FileVoice

    settings, stopping = load(settings_path), threading.Event()
    with tempfile.TemporaryDirectory() as out, living(settings, Lines(sys.stdin), stopping) as body:
        assert body.ear is not None
        body.voice.close()
        body = replace(
            body,
            ear=recording(WAVS["en"], body.ear.transcriber),
            voice=FileVoice(Path(out) / "answer.wav", VoiceSettings()),
            confirmer=AgreeingConfirmer(TerminalConfirmer()),
        )
        for _ in range(runs):
            turn = take_turn(body, Press(time.monotonic()))
            assert turn.exit_code == 0, turn.spoken
        print(f"turns: {runs}", flush=True)
        time.sleep(_PATIENCE)


def measure(model: str, runs: int, idle: float) -> dict[str, float]:
    """All figures of the service with this recogniser."""
    from demo.mail_server import HOST, USER, mail_server

    with tempfile.TemporaryDirectory() as place, mail_server(Path(place)) as inbox:
        home = Path(place) / "home"
        home.mkdir()
        (home / "models").symlink_to(folder("text").parent)
        path = Path(place) / "tako.toml"
        engine = model.partition("-")[0]
        values = {"host": HOST, "port": inbox.port, "user": USER, "password": inbox.password, "ca": inbox.ca_file}
        places = {"photo": DATA / "photo.jpg", "history": home / "history"}
        path.write_text(SETTINGS.format(engine=engine, model=model, **values, **places))
        path.chmod(0o600)
        result = starts_and_idles(path, home, runs, idle)
        after = turns(path, home, runs)
    return {**result, "resident": after.resident, "proportional": after.proportional, "peak": after.peak}


def row(model: str, figures: Mapping[str, float]) -> str:
    """One line of the table."""
    cells = [
        f"{figures['start']:.1f}",
        f"{figures['start_core']:.1f}",
        f"{figures['ready']:.0f}",
        f"{figures['resident']:.0f}",
        f"{figures['proportional']:.0f}",
        f"{figures['peak']:.0f}",
        f"{figures['idle']:.1f}",
    ]
    return f"| {model} | {' | '.join(cells)} |"


def falls_short(model: str, figures: Mapping[str, float]) -> list[str]:
    """What is beyond the wishes, in words."""
    return [
        f"- {model}: {name} {figures[name]:.1f} {unit}, wished for {limit:g}"
        for name, (limit, unit) in WISHES.items()
        if figures[name] > limit
    ]


@click.command()
@click.option("--runs", default=3, show_default=True, type=click.IntRange(min=1), help="Starts, and turns.")
@click.option("--idle", default=20.0, show_default=True, help="Seconds without a press.")
@click.option("--only", multiple=True, type=click.Choice(RECOGNISERS), help="These recognisers only.")
@click.option("--out", type=click.Path(path_type=Path), help="Page to write. Left out: it is printed.")
@click.option("--note", default="", help="A word on the circumstances, for the page.")
@click.option("--child", type=click.Path(path_type=Path), hidden=True)
def main(runs: int, idle: float, only: tuple[str, ...], out: Path | None, note: str, child: Path | None) -> None:
    """Measure the service on this machine."""
    if child:
        live(child, runs)
        return
    if not folder("text").is_dir():
        raise click.ClickException("the text model is not built: tako models build")
    load = os.getloadavg()[0]
    results = {}
    for model in only or RECOGNISERS:
        if folder(model).is_dir():
            click.echo(f"service with {model}", err=True)
            results[model] = measure(model, runs, idle)
    left_out = [model for model in RECOGNISERS if model not in results and not only]
    short = [line for model, figures in results.items() for line in falls_short(model, figures)]
    lines = [
        "# The whole service",
        "",
        f"Made by `python -m bench.service` on {time.strftime('%Y-%m-%d')}: English, {runs} starts, {runs} turns.",
        "",
        *machine(LIBRARIES),
        f"- Load of the machine: {load:.1f} before, {os.getloadavg()[0]:.1f} after; models in the page cache",
        f"- Allocator: {', '.join(map('='.join, allocator().items())) or 'untouched'}",
        *([f"- {note}"] if note else []),
        "",
        "`start` is from the command to ready, in seconds of the wall and of a core (a busy machine shows in the",
        "first). Memory in MB, of the service and its children: at `ready`; after turns with a picture (resident, and",
        "with shared pages counted once); and the sum of their `peak`s. Files that are mapped count in. `idle` is in",
        "percent of a core.",
        "",
        "| recogniser | start | start, core | ready | after turns | shared once | peak | idle |",
        "|---|---|---|---|---|---|---|---|",
        *(row(model, figures) for model, figures in results.items()),
        "",
        "Wished for: peak <= 400 MB, start <= 4 s, idle < 2 %. " + ("Falls short:" if short else "All are met."),
        *(["", *short] if short else []),
    ]
    if left_out:
        lines += ["", f"Not measured, because the model is not here: {', '.join(left_out)}."]
    publish("\n".join(lines) + "\n", out)


if __name__ == "__main__":
    main()
