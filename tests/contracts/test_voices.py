"""What every `Voice` does. The speaker's runs where there is a speaker."""

from __future__ import annotations

import ctypes.util
import importlib.util
import io
import threading
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from actions.errors import DeviceError, ModelError
from device.seams import Voice
from device.voice.choose import choose_voice, plan
from device.voice.printed import PrintVoice
from device.voice.settings import VoiceSettings
from device.voice.spoken import FileVoice, Pyttsx3Voice

LONG = "This sentence goes on and on, and nobody will ever want to hear the end of it. " * 40
QUIET = VoiceSettings(volume=0.0)


def _speaker(_: Path) -> Voice:
    _needs_espeak()
    voice = Pyttsx3Voice(QUIET)
    try:
        voice.say("a", "en")
    except DeviceError as error:
        voice.close()
        pytest.skip(f"nothing can be heard here: {error}")
    voice.stop()
    return voice


def _file(folder: Path) -> Voice:
    _needs_espeak()
    return FileVoice(folder / "out.wav", QUIET)


def _neural(folder: Path) -> Voice:
    try:
        folders = plan(VoiceSettings(engine="neural")).folders
    except ModelError as error:
        pytest.skip(error.en)
    return FileVoice(folder / "out.wav", QUIET, folders)


def _needs_espeak() -> None:
    if importlib.util.find_spec("pyttsx3") is None or ctypes.util.find_library("espeak-ng") is None:
        pytest.skip("pyttsx3 or espeak-ng is not installed: sudo apt install espeak-ng")


VOICES: dict[str, Callable[[Path], Voice]] = {
    "pyttsx3": _speaker,
    "file": _file,
    "neural": _neural,
    "print": lambda _: PrintVoice(io.StringIO()),
}


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.slow) if name == "neural" else name for name in VOICES])
def voice(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Voice]:
    voice = VOICES[request.param](tmp_path)
    yield voice
    voice.close()


def test_it_is_a_voice(voice: Voice) -> None:
    assert isinstance(voice, Voice)


def test_it_says_both_languages_and_then_all_is_said(voice: Voice) -> None:
    voice.say("Sent.", "en")
    voice.say("好的。", "zh")
    voice.say("给 Anna 吗？", "zh")
    assert voice.wait(40.0)
    assert voice.wait(0.0)


@pytest.mark.parametrize("text", ["", " \n", "...", "😀", "\x00", "a\x00b", "]]><voice/>", "fn_3 <call>", "%s {0} \\"])
def test_strange_text_is_no_error(voice: Voice, text: str) -> None:
    voice.say(text, "en")
    voice.say(text, "zh")
    assert voice.wait(20.0)


def test_say_does_not_wait_for_the_sound(voice: Voice) -> None:
    voice.say("One.", "en")  # the first one may wait for the engine
    begun = time.monotonic()
    voice.say(LONG, "en")
    assert time.monotonic() - begun < 0.5
    voice.stop()


def test_stop_is_at_once_and_it_speaks_again(voice: Voice) -> None:
    voice.stop()  # nothing is being said
    voice.say(LONG, "en")
    voice.say(LONG, "en")
    begun = time.monotonic()
    voice.stop()
    assert time.monotonic() - begun < 0.2
    assert voice.wait(1.0)
    voice.say("Yes.", "en")
    assert voice.wait(20.0)


def test_it_may_be_used_from_many_threads(voice: Voice) -> None:
    troubles: list[Exception] = []

    def use() -> None:
        try:
            for _ in range(5):
                voice.say("Yes.", "en")
                voice.stop()
                voice.wait(0.01)
        except DeviceError as error:
            troubles.append(error)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not troubles
    voice.stop()
    assert voice.wait(20.0)


def test_after_close_it_speaks_no_more(voice: Voice) -> None:
    voice.say(LONG, "en")
    begun = time.monotonic()
    voice.close()
    voice.close()
    assert time.monotonic() - begun < 3
    with pytest.raises(DeviceError):
        voice.say("Yes.", "en")
    assert voice.wait(1.0)


def test_the_file_holds_what_was_said_and_grows(tmp_path: Path) -> None:
    _needs_espeak()
    path = tmp_path / "out.wav"
    voice = FileVoice(path)
    lengths = []
    for text, lang in (("I have sent the email.", "en"), ("我已经发了短信。", "zh")):
        voice.say(text, lang)
        assert voice.wait(20.0)
        with path.open("rb") as opened, wave.open(opened) as file:
            lengths.append(file.getnframes() / file.getframerate())
    voice.close()
    assert 0.8 < lengths[0] < 4
    assert 0.8 < lengths[1] - lengths[0] < 4


def test_the_print_voice_writes_and_keeps_what_it_said() -> None:
    stream = io.StringIO()
    voice = PrintVoice(stream)
    voice.say("Sent.", "en")
    voice.say("好的。", "zh")
    assert stream.getvalue() == "tako: Sent.\ntako: 好的。\n"
    assert voice.said == [("Sent.", "en"), ("好的。", "zh")]


def test_the_settings_choose_and_say_why(tmp_path: Path) -> None:
    _needs_espeak()
    for settings, out, kind, reason in (
        (VoiceSettings(engine="pyttsx3"), None, Pyttsx3Voice, "to the system's speaker"),
        (VoiceSettings(engine="pyttsx3", device="usb"), None, Pyttsx3Voice, "to the speaker usb"),
        (VoiceSettings(engine="print"), None, PrintVoice, "voice.engine is print"),
        (VoiceSettings(engine="print"), tmp_path / "out.wav", FileVoice, "out.wav"),
    ):
        choice = choose_voice(settings, out)
        choice.voice.close()
        assert isinstance(choice.voice, kind)
        assert reason in choice.reason


def test_a_speaker_that_is_not_there_is_an_error_and_no_hang() -> None:
    _needs_espeak()
    if importlib.util.find_spec("sounddevice") is None or ctypes.util.find_library("portaudio") is None:
        pytest.skip("sounddevice or PortAudio is not installed: sudo apt install libportaudio2")
    voice = Pyttsx3Voice(VoiceSettings(device="no such speaker"))
    try:
        begun = time.monotonic()
        with pytest.raises(DeviceError, match="no such speaker"):
            voice.say("hello", "en")
        assert voice.wait()
        assert time.monotonic() - begun < 10
    finally:
        voice.close()
