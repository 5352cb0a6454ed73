"""The recording that stands in for a microphone: every format it must read, and every file it cannot."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from actions.errors import InputError
from device.seams import CHUNK, SAMPLE_RATE
from device.speech.microphone import WavMicrophone

TONE = 440.0  # Hz


def tone(seconds: float, rate: int, channels: int = 1) -> np.ndarray:
    wave = 0.5 * np.sin(2 * np.pi * TONE * np.arange(round(seconds * rate)) / rate)
    return wave if channels == 1 else np.repeat(wave[:, None], channels, axis=1)


def heard(path: Path, **options: float) -> np.ndarray:
    with WavMicrophone(path, **options).open() as chunks:  # type: ignore[arg-type]
        return np.concatenate(list(chunks))


def frequency(sound: np.ndarray) -> float:
    """The strongest frequency in Hz."""
    return float(np.abs(np.fft.rfft(sound * np.hanning(len(sound)))).argmax() * SAMPLE_RATE / len(sound))


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW"])
@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (16_000, 1), (22_050, 1), (44_100, 2), (48_000, 4)])
def test_every_rate_format_and_number_of_channels_becomes_mono_at_16_khz(
    tmp_path: Path, subtype: str, rate: int, channels: int
) -> None:
    soundfile.write(tmp_path / "a.wav", tone(1.0, rate, channels), rate, subtype)
    sound = heard(tmp_path / "a.wav")
    assert sound.dtype == np.int16
    assert len(sound) == pytest.approx(SAMPLE_RATE, abs=2)
    assert frequency(sound) == pytest.approx(TONE, abs=2)
    assert np.abs(sound[2_000:-2_000]).max() == pytest.approx(16_384, rel=0.05)


def test_takos_own_format_comes_through_bit_by_bit(tmp_path: Path) -> None:
    samples = np.random.default_rng(1).integers(-32_768, 32_768, 4_321).astype(np.int16)
    soundfile.write(tmp_path / "a.wav", samples, SAMPLE_RATE, "PCM_16")
    with WavMicrophone(tmp_path / "a.wav").open() as chunks:
        got = list(chunks)
    assert [len(chunk) for chunk in got] == [CHUNK, CHUNK, 4_321 - 2 * CHUNK]
    assert np.array_equal(np.concatenate(got), samples)


def test_what_is_louder_than_full_scale_is_clipped_and_does_not_wrap(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.full(1_000, 3.0), SAMPLE_RATE, "FLOAT")
    assert (heard(tmp_path / "a.wav") == 32_767).all()


def test_nothing_is_read_once_the_context_is_left(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(2.0, SAMPLE_RATE), SAMPLE_RATE)
    with WavMicrophone(tmp_path / "a.wav").open() as chunks:
        next(chunks)
    assert sum(len(chunk) for chunk in chunks) < CHUNK


def test_in_real_time_the_chunks_come_as_they_were_spoken(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(0.45, SAMPLE_RATE), SAMPLE_RATE)
    start = time.monotonic()
    with WavMicrophone(tmp_path / "a.wav", realtime=True).open() as chunks:
        assert sum(len(chunk) for chunk in chunks) == round(0.45 * SAMPLE_RATE)
    assert time.monotonic() - start >= 0.45


def _garbage(path: Path) -> None:
    path.write_bytes(np.random.default_rng(2).bytes(5_000))


def _header_only(path: Path) -> None:
    soundfile.write(path, np.empty(0), SAMPLE_RATE)


def _half_a_header(path: Path) -> None:
    soundfile.write(path, np.zeros(1_000), SAMPLE_RATE)
    path.write_bytes(path.read_bytes()[:20])


def _long(path: Path) -> None:
    soundfile.write(path, np.zeros(61 * 8_000, np.int16), 8_000)


def _not_numbers(path: Path) -> None:
    soundfile.write(path, np.full(4_000, np.nan), SAMPLE_RATE, "FLOAT")


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: None, "There is no recording bad.wav."),
        (Path.mkdir, "There is no recording bad.wav."),
        (Path.touch, "I cannot read the recording bad.wav."),
        (_garbage, "I cannot read the recording bad.wav."),
        (_half_a_header, "I cannot read the recording bad.wav."),
        (_header_only, "The recording bad.wav is empty."),
        (_long, "The recording bad.wav is too long: 61 seconds. I can listen to 60."),
        (_not_numbers, "I cannot read the recording bad.wav."),
    ],
)
def test_a_file_that_cannot_be_heard_is_an_error_with_a_sentence(tmp_path: Path, make, sentence: str) -> None:  # type: ignore[no-untyped-def]
    make(tmp_path / "bad.wav")
    with pytest.raises(InputError) as caught:
        heard(tmp_path / "bad.wav")
    assert caught.value.spoken("en") == sentence
    assert "bad.wav" in caught.value.spoken("zh")
    assert caught.value.spoken("zh") != sentence


def test_a_recording_cut_off_in_the_middle_is_heard_up_to_there(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(1.0, SAMPLE_RATE), SAMPLE_RATE)
    path.write_bytes(path.read_bytes()[:16_044])
    assert len(heard(path)) == 8_000
