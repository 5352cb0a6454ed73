"""A real microphone: PulseAudio's null sink, whose monitor hears what is played into it, through PortAudio and ALSA."""

from __future__ import annotations

import ctypes.util
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile

from device.seams import SAMPLE_RATE
from device.speech.prompts import request_prompt
from device.speech.whisper_engine import WhisperTranscriber

pytestmark = pytest.mark.slow

DATA = Path(__file__).parent.parent / "data"
PLUGIN = "alsa-lib/libasound_module_pcm_pulse.so"
ASOUNDRC = "pcm.!default { type pulse }\nctl.!default { type pulse }\n"
# Records on the other side of a process: PortAudio reads its surroundings once, when it is loaded.
RECORDER = """
import sys, numpy as np, soundfile
from device.speech.microphone import MicrophoneSettings, SoundDeviceMicrophone
device = int(sys.argv[1]) if sys.argv[1].isdigit() else sys.argv[1]
with SoundDeviceMicrophone(MicrophoneSettings(device=device)).open() as chunks:
    got = [next(chunks)]
    print("listening", flush=True)
    while sum(map(len, got)) < float(sys.argv[2]) * 16_000:
        got.append(next(chunks))
soundfile.write(sys.argv[3], np.concatenate(got), 16_000)
"""
# The same, while the model's products and plain Python keep the processor and the interpreter busy.
BUSY = """
import logging, threading, numpy as np
logging.basicConfig(level=logging.WARNING)
def multiply():
    matrix = np.ones((700, 700), np.float32)
    while True:
        matrix @ matrix
def count():
    number = 0
    while True:
        number += 1
for work in (multiply, count):
    threading.Thread(target=work, daemon=True).start()
""" + RECORDER.replace("got.append(next(chunks))", "got.append(next(chunks)); sum(range(200_000))")
# Listens until the microphone is gone, then asks for it until it is back.
FAITHFUL = """
import time
from actions.errors import DeviceError
from device.speech.microphone import MicrophoneSettings, SoundDeviceMicrophone
microphone = SoundDeviceMicrophone(MicrophoneSettings(device="default", stall_seconds=4))
while True:
    try:
        with microphone.open() as chunks:
            next(chunks)
            print("hears", flush=True)
            while True:
                next(chunks)
    except DeviceError as error:
        print(error, flush=True)
        time.sleep(0.3)
"""


@pytest.fixture(scope="module")
def pulse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An own sound server with one null sink; the environment of the programs that use it."""
    environment = surroundings(tmp_path_factory.mktemp("pulse"))
    with serving(environment):
        yield environment


def surroundings(home: Path) -> dict[str, str]:
    """The environment of a sound server in `home` and its programs."""
    missing = [name for name in ("pulseaudio", "paplay") if shutil.which(name) is None]
    if not list(Path("/usr/lib").glob(f"*/{PLUGIN}")):
        missing.append("libasound2-plugins")
    if ctypes.util.find_library("portaudio") is None or importlib.util.find_spec("sounddevice") is None:
        missing.append("sounddevice with libportaudio2")
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    (home / ".asoundrc").write_text(ASOUNDRC)
    return {
        **os.environ,
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(home),
        "PULSE_SERVER": f"unix:{home}/native",
        "PULSE_SINK": "tako",
        "PULSE_SOURCE": "tako.monitor",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }


@contextmanager
def serving(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """The sound server while it runs."""
    socket = Path(environment["HOME"]) / "native"
    modules = [f"module-native-protocol-unix socket={socket} auth-anonymous=1", "module-null-sink sink_name=tako"]
    command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
    server = subprocess.Popen(
        [*command, *(part for module in modules for part in ("-L", module))],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 10
    while not socket.exists() and server.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    if not socket.exists():
        server.kill()
        pytest.skip("pulseaudio does not start here")
    try:
        yield server
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture
def hear(pulse: dict[str, str], tmp_path: Path) -> Callable[[Path], np.ndarray]:
    """What the microphone hears of a recording that is played while it listens."""

    def heard(played: Path, device: str = "default", program: str = RECORDER) -> np.ndarray:
        seconds = soundfile.info(played).duration + 1.0
        recorder = subprocess.Popen(
            [sys.executable, "-c", program, device, str(seconds), str(tmp_path / "heard.wav")],
            env=pulse,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert recorder.stdout is not None
            assert recorder.stdout.readline() == "listening\n", recorder.stderr.read() if recorder.stderr else ""
            subprocess.run(["paplay", str(played)], env=pulse, check=True, timeout=60)
            _, errors = recorder.communicate(timeout=60)
        finally:
            recorder.kill()
        assert recorder.returncode == 0, errors
        assert "lost" not in errors  # neither the ring nor PortAudio
        sound, rate = soundfile.read(tmp_path / "heard.wav", dtype="int16")
        assert rate == SAMPLE_RATE
        return np.asarray(sound, np.int16)

    return heard


def likeness(heard: np.ndarray, played: np.ndarray) -> float:
    """The normalised cross-correlation at the best shift, 0 to 1."""
    size = 2 ** int(np.ceil(np.log2(len(heard) + len(played))))
    a, b = (sound.astype(float) / np.linalg.norm(sound.astype(float)) for sound in (heard, played))
    return float(np.abs(np.fft.irfft(np.fft.rfft(a, size) * np.conj(np.fft.rfft(b, size)), size)).max())


@pytest.mark.parametrize("device", ["default", "pulse"])
def test_what_is_played_into_the_room_is_what_the_microphone_hears(
    hear: Callable[..., np.ndarray], device: str
) -> None:
    played, rate = soundfile.read(DATA / "en_request.wav", dtype="int16")
    assert rate == SAMPLE_RATE
    assert likeness(hear(DATA / "en_request.wav", device), played) > 0.95


def test_a_request_spoken_into_the_room_is_recognised(
    hear: Callable[..., np.ndarray], model: Callable[[str], Path]
) -> None:
    pytest.importorskip("faster_whisper", reason="faster-whisper is not installed")
    transcriber = WhisperTranscriber.load(model("whisper-base"), ("en", "zh"), {"en": request_prompt("en")})
    transcript = transcriber.transcribe([hear(DATA / "en_request.wav")])
    words = set(transcript.text.lower().rstrip(".").split())
    # A busy machine drops a moment of sound now and then, and with it a word; silence or another rate gives none.
    assert len(words & {"email", "anna", "that", "i", "found", "this", "at", "the", "market"}) >= 6


def test_a_microphone_of_another_name_is_not_found(pulse: dict[str, str], tmp_path: Path) -> None:
    recorder = subprocess.run(
        [sys.executable, "-c", RECORDER, "theremin", "1", str(tmp_path / "heard.wav")],
        env=pulse,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "DeviceError: I cannot find the microphone theremin." in recorder.stderr


def test_nothing_is_lost_while_the_program_computes(hear: Callable[..., np.ndarray]) -> None:
    played, _ = soundfile.read(DATA / "en_request.wav", dtype="int16")
    assert likeness(hear(DATA / "en_request.wav", program=BUSY), played) > 0.9


def test_a_microphone_that_goes_and_comes_back_is_heard_again(tmp_path: Path) -> None:
    """The sound server ends in the midst of an utterance, and with it every device; later it is there again."""
    environment = surroundings(tmp_path)
    command = [sys.executable, "-c", FAITHFUL]
    with (
        serving(environment) as server,
        subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as listener,
    ):
        try:
            told = listener.stdout
            assert told is not None
            assert told.readline() == "hears\n"
            server.terminate()
            server.wait(10)
            assert told.readline().startswith("The microphone gives no sound any more.")
            assert told.readline().startswith(("I cannot find the microphone", "I cannot open the microphone"))
            with serving(environment):
                back = next(line for line in told if "the microphone" not in line)
                assert back == "hears\n"
        finally:
            listener.kill()
