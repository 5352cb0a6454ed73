"""A real speaker: PulseAudio's null sink, whose monitor tells what was heard and when."""

from __future__ import annotations

import ctypes.util
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from actions.errors import ModelError
from device.voice.choose import plan
from device.voice.settings import VoiceSettings

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PLUGIN = "alsa-lib/libasound_module_pcm_pulse.so"
SILENT_WITHIN = 0.2  # seconds
SOON = 3.0  # seconds to the first sound, on a machine that does other things as well; bench/voice.py measures it


def needs_neural() -> None:
    """Skips where a neural voice cannot speak."""
    try:
        plan(VoiceSettings(engine="neural"))
    except ModelError as error:
        pytest.skip(error.en)


@pytest.fixture(scope="module")
def sound_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a program that speaks into a null sink."""
    missing = [name for name in ("pulseaudio", "parec", "pactl", "espeak-ng") if shutil.which(name) is None]
    if not list(Path("/usr/lib").glob(f"*/{PLUGIN}")):
        missing.append("libasound2-plugins")
    if ctypes.util.find_library("portaudio") is None:
        missing.append("libportaudio2")
    missing += [name for name in ("sounddevice", "pyttsx3") if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    home = tmp_path_factory.mktemp("speaker")
    (home / ".asoundrc").write_text("pcm.!default { type pulse }\nctl.!default { type pulse }\n")
    server = f"unix:{home}/native"
    environment = {**os.environ, "HOME": str(home), "XDG_RUNTIME_DIR": str(home), "PULSE_SERVER": server}
    environment["PYTHONPATH"] = str(ROOT)
    modules = ["module-null-sink sink_name=out", f"module-native-protocol-unix socket={home}/native auth-anonymous=1"]
    command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--log-level=error"]
    for module in modules:
        command += ["-L", module]
    server_process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            if subprocess.run(["pactl", "info"], env=environment, capture_output=True, check=False).returncode == 0:
                break
            time.sleep(0.1)
        else:
            pytest.skip("pulseaudio does not start here")
        yield environment
    finally:
        server_process.kill()
        server_process.wait()


@pytest.mark.parametrize("engine", ["pyttsx3", "neural"])
def test_it_is_heard_and_stop_silences_it_at_once(engine: str, sound_server: dict[str, str]) -> None:
    if engine == "neural":
        needs_neural()
    settings = json.dumps({"engine": engine})
    probe = [sys.executable, str(Path(__file__).with_name("speaker_probe.py")), settings]
    run = subprocess.run(probe, env=sound_server, capture_output=True, text=True, timeout=120, check=True)
    result = json.loads(run.stdout)
    for stop in result["stops"]:
        assert stop["returned"] < 0.05
        assert stop["silent"] < SILENT_WITHIN
        assert stop["idle"]
        assert stop["idle_after"] < SILENT_WITHIN
    assert max(result["first"]) < SOON
    assert result["done"]
    assert 0.8 < result["heard"] < 4.0
    assert result["late"] < 0.2  # `wait` returns when it has been heard, not before


NO_SPEAKER = """
import sounddevice
from actions.errors import DeviceError
from device.voice.spoken import Pyttsx3Voice
print(any(device["max_output_channels"] for device in sounddevice.query_devices()))
voice = Pyttsx3Voice()
try:
    voice.say("hello", "en")
except DeviceError as error:
    print(error)
print(voice.wait(5))
voice.close()
"""


def test_without_any_sound_device_it_is_an_error_and_no_hang(sound_server: dict[str, str], tmp_path: Path) -> None:
    environment = {**sound_server, "HOME": str(tmp_path), "PULSE_SERVER": f"unix:{tmp_path}/nobody"}
    command = [sys.executable, "-c", NO_SPEAKER]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=True)
    has_speaker, *lines = run.stdout.splitlines()
    if has_speaker == "True":
        pytest.skip("this machine has a speaker of its own")
    assert lines == ["I cannot find a speaker. Please plug one in.", "True"]
