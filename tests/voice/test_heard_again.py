"""A recogniser hears again what the voice said: whisper base on the sentences of a `FileVoice`.

espeak-ng's English is understood well, its Mandarin far less than a person's; so Mandarin is judged by syllables on
sentences that whisper base does understand, and against the trap, espeak-ng's own reading of characters. The neural
voices are held to less error.
"""

from __future__ import annotations

import ctypes.util
import difflib
import importlib.util
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from actions.errors import ModelError
from device.models.places import folder
from device.voice.choose import plan
from device.voice.mandarin import pinyin
from device.voice.settings import VoiceSettings
from device.voice.spoken import FileVoice

pytestmark = pytest.mark.slow

ENGLISH = ["The message has been sent.", "I have written that down.", "I did not hear anything."]
MANDARIN = ["不好意思，这件事我不会做。", "请问你要发给谁？", "我找到了两个小明，你要发给哪一个？"]
LONGER = [
    "That is a glass bottle, so it goes into the glass container, not into the waste. Shall I remind you tomorrow?"
]
MIXED = ["我在Google上找到了三个结果。", "要给Anna发短信，说我晚点到吗？"]


@pytest.fixture(scope="module")
def hear() -> Callable[[Path, str], str]:
    """The transcript of a WAV."""
    if importlib.util.find_spec("faster_whisper") is None:
        pytest.skip("faster-whisper is not installed: pip install faster-whisper")
    place = folder("whisper-base")
    if not (place / "model.bin").is_file():
        pytest.skip(f"no whisper-base in {place}: tako models fetch whisper-base")
    from faster_whisper import WhisperModel

    model: Any = WhisperModel(str(place), device="cpu", compute_type="int8", cpu_threads=min(2, os.cpu_count() or 1))

    def heard(path: Path, lang: str) -> str:
        segments, _ = model.transcribe(str(path), language=lang, beam_size=1, temperature=0.0)
        return "".join(segment.text for segment in segments)

    return heard


def units(text: str, lang: str) -> list[str]:
    """What is compared: words, or syllables with tones (homophones sound the same)."""
    return re.findall(r"[a-zü]+[1-5]", pinyin(text)) if lang == "zh" else re.findall(r"[a-z']+", text.lower())


def wrong(said: str, heard: str, lang: str) -> float:
    """Share of the words or syllables said that were not heard in their order, 0 to 1."""
    one, other = units(said, lang), units(heard, lang)
    same = sum(block.size for block in difflib.SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks())
    return 1 - same / len(one)


def spoken(text: str, lang: str, path: Path, settings: VoiceSettings | None = None) -> Path:
    settings = settings or VoiceSettings(engine="pyttsx3")
    try:
        folders = plan(settings).folders
    except ModelError as error:
        pytest.skip(error.en)
    if len(folders) < 2 and (
        importlib.util.find_spec("pyttsx3") is None or ctypes.util.find_library("espeak-ng") is None
    ):
        pytest.skip("pyttsx3 or espeak-ng is not installed: sudo apt install espeak-ng")
    voice = FileVoice(path, settings, folders)
    try:
        voice.say(text, lang)
        assert voice.wait(60.0)
    finally:
        voice.close()
    return path


@pytest.mark.parametrize(
    ("engine", "lang", "texts", "bound"),
    [
        ("pyttsx3", "en", ENGLISH, 0.2),
        ("pyttsx3", "zh", MANDARIN, 0.35),
        ("neural", "en", [*ENGLISH, *LONGER], 0.1),
        ("neural", "zh", MANDARIN, 0.15),
        ("neural", "zh", MIXED, 0.35),
    ],
    ids=["espeak-english", "espeak-mandarin", "neural-english", "neural-mandarin", "neural-mixed"],
)
def test_what_was_said_is_heard(
    engine: Literal["pyttsx3", "neural"],
    lang: str,
    texts: list[str],
    bound: float,
    hear: Callable[[Path, str], str],
    tmp_path: Path,
) -> None:
    settings = VoiceSettings(engine=engine)
    heard = {text: hear(spoken(text, lang, tmp_path / "said.wav", settings), lang) for text in texts}
    errors = [wrong(said, back, lang) for said, back in heard.items()]
    assert sum(errors) / len(errors) <= bound, heard


def test_the_mandarin_trap_is_gibberish_and_tako_does_not_step_into_it(
    hear: Callable[[Path, str], str], tmp_path: Path
) -> None:
    said = MANDARIN[0]
    right = wrong(said, hear(spoken(said, "zh", tmp_path / "right.wav"), "zh"), "zh")
    # the English voice gets the characters as they are; the settings make it espeak-ng's `cmn`
    trap = FileVoice(tmp_path / "trap.wav", VoiceSettings(voice="cmn"))
    try:
        from device.voice.text import Segment

        trap._sink.stream(trap._engine.speak([(Segment("en", said),)], trap._stop), trap._stop, lambda: None)
    finally:
        trap.close()
    assert right < 0.4
    assert wrong(said, hear(tmp_path / "trap.wav", "zh"), "zh") > 0.7
