"""vosk: streaming recognition in threads of its own, one for each language that is on.

The engine for a Pi Zero 2 W: it recognises while the user speaks, so its answer is there when the utterance ends.
Kaldi's own endpointing is not used: where an utterance ends is the endpointer's business, and unbroken it keeps its
context. Numbers and case stay as the engine gives them. Knows neither button nor microphone.
"""

from __future__ import annotations

import json
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from actions.errors import ModelError
from device.seams import SAMPLE_RATE, Transcript, Word
from device.speech.text import join_words
from device.speech.vad import Detector, SileroDetector, speech_spans

log = logging.getLogger(__name__)

_UNKNOWN = "[unk]"  # vosk's word for "something else"; not every model has it
# Kaldi adapts to the speaker every 0.2 s of a longer piece; in such pieces a stream gives what the whole sound gives.
_PIECE_BYTES = 2 * SAMPLE_RATE // 5


class VoskTranscriber:
    """A `Transcriber` on one vosk model for each language ("en", "zh", ...); the more confident transcript wins.

    Partial results are those of the first language, given on its thread. Sound without speech has an empty transcript,
    though Kaldi makes words of noise. Raises `ModelError` when vosk is missing or a model cannot be loaded.
    """

    name = "vosk"

    def __init__(
        self,
        models: Mapping[str, Any],
        grammar: Mapping[str, Sequence[str]] | None = None,
        detector: Detector | None = None,
    ) -> None:
        """`models`: a `vosk.Model` for each language, as `load` makes them."""
        self.languages = tuple(models)
        self._models = dict(models)
        self._grammar = grammar
        self._detector = detector or SileroDetector()

    @classmethod
    def load(cls, folders: Mapping[str, Path]) -> VoskTranscriber:
        """A transcriber on the models in these folders, one for each language."""
        vosk = _vosk()
        vosk.SetLogLevel(-1)
        return cls({lang: _load(vosk, Path(folder)) for lang, folder in folders.items()})

    def with_grammar(self, phrases: Mapping[str, Sequence[str]]) -> VoskTranscriber:
        """A transcriber on the same models that hears only these phrases of each language, nothing in place of others.

        A phrase with a word that the model does not know can never be heard: the log says so. In a model without a word
        for "something else" every sound becomes the nearest phrase; look at the confidence, too.
        """
        models = {lang: model for lang, model in self._models.items() if phrases.get(lang)}
        if not models:
            raise ValueError(f"no phrases for {', '.join(self.languages)}")
        for lang, model in models.items():
            unknown = {w for phrase in phrases[lang] for w in phrase.split() if model.vosk_model_find_word(w) < 0}
            if unknown:
                log.warning("vosk: the %s model does not know %s", lang, ", ".join(sorted(unknown)))
        return VoskTranscriber(models, phrases, self._detector)

    def transcribe(self, chunks: Iterable[np.ndarray], on_partial: Callable[[str], None] | None = None) -> Transcript:
        ears = [
            _Ear(self._recogniser(lang), on_partial if lang == self.languages[0] else None) for lang in self.languages
        ]
        self._detector.reset()
        samples = 0
        probabilities: list[float] = []
        with ThreadPoolExecutor(len(ears), "vosk") as threads:
            running = [threads.submit(ear.recognise) for ear in ears]
            try:
                for chunk in chunks:
                    samples += len(chunk)
                    data = chunk.astype("<i2", copy=False).tobytes()
                    for ear in ears:
                        ear.feed(data)
                    probabilities += self._detector.feed(chunk)
            except BaseException:
                for ear in ears:
                    ear.abandon()
                raise
            end = time.perf_counter()
            for ear in ears:
                ear.finish()
            heard = {lang: words.result() for lang, words in zip(self.languages, running, strict=True)}
        if not speech_spans(probabilities):
            heard = dict.fromkeys(heard, ())
        best = most_confident([_transcript(lang, words) for lang, words in heard.items()])
        return replace(best, seconds=samples / SAMPLE_RATE, ms=1000 * (time.perf_counter() - end))

    def close(self) -> None:
        """Gives the models' memory back, once no transcriber with a grammar uses them any more."""
        self._models = {}

    def _recogniser(self, lang: str) -> Any:
        vosk = _vosk()
        if lang not in self._models:
            raise ModelError("The recogniser was closed.", "语音识别已经关闭。")
        model = self._models[lang]
        if self._grammar is None:
            recogniser = vosk.KaldiRecognizer(model, SAMPLE_RATE)
        else:
            phrases = [*self._grammar[lang], *([_UNKNOWN] if model.vosk_model_find_word(_UNKNOWN) >= 0 else [])]
            recogniser = vosk.KaldiRecognizer(model, SAMPLE_RATE, json.dumps(phrases, ensure_ascii=False))
        recogniser.SetWords(True)
        return recogniser


class _Ear:
    """One utterance in one language: `recognise` runs on a thread of its own while the utterance arrives."""

    def __init__(self, recogniser: Any, on_partial: Callable[[str], None] | None) -> None:
        self._recogniser = recogniser
        self._on_partial = on_partial
        self._pieces: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()  # None: the utterance has ended
        self._abandoned = threading.Event()

    def feed(self, data: bytes) -> None:
        self._pieces.put(data)

    def finish(self) -> None:
        """The utterance has ended."""
        self._pieces.put(None)

    def abandon(self) -> None:
        """Nobody wants the words any more."""
        self._abandoned.set()
        self._pieces.put(None)

    def recognise(self) -> tuple[Word, ...]:
        """The words, once the utterance has ended."""
        data, shown = b"", ""
        while (piece := self._pieces.get()) is not None and not self._abandoned.is_set():
            data += piece
            if len(data) < _PIECE_BYTES:
                continue
            while len(data) >= _PIECE_BYTES:
                self._accept(data[:_PIECE_BYTES])
                data = data[_PIECE_BYTES:]
            if self._on_partial is not None:
                partial = _joined(json.loads(self._recogniser.PartialResult())["partial"].split())
                if partial != shown:
                    shown = partial
                    self._on_partial(partial)
        if self._abandoned.is_set():
            return ()
        if data:
            self._accept(data)
        result = json.loads(self._recogniser.FinalResult())
        return tuple(
            Word(word["word"], word["start"], word["end"], min(word["conf"], 1.0))
            for word in result.get("result", [])
            if word["word"] not in (_UNKNOWN, "<unk>")
        )

    def _accept(self, data: bytes) -> None:
        try:
            self._recogniser.AcceptWaveform(data)
        except Exception as error:  # vosk raises nothing more precise
            raise ModelError("The speech recogniser failed.", "语音识别出错了。") from error


def most_confident(transcripts: Sequence[Transcript]) -> Transcript:
    """The transcript whose words cover the most time, each weighted by its confidence; the first of equals.

    The mean confidence alone would not do: a recogniser of the wrong language often hears one short word, and surely.
    """

    def confident_seconds(transcript: Transcript) -> float:
        return sum(word.confidence * (word.end - word.start) for word in transcript.words)

    return max(transcripts, key=confident_seconds)


def _transcript(lang: str, words: tuple[Word, ...]) -> Transcript:
    confidence = sum(word.confidence for word in words) / len(words) if words else 0.0
    return Transcript(_joined([word.text for word in words]), lang, confidence, words, VoskTranscriber.name)


def _joined(words: Sequence[str]) -> str:
    return join_words([word for word in words if word not in (_UNKNOWN, "<unk>")])


def _vosk() -> Any:
    try:
        import vosk
    except ImportError as error:
        raise ModelError(f"The package vosk is not installed ({error}).", f"没有安装 vosk（{error}）。") from error
    except OSError as error:  # the package is there, a library it loads is not
        raise ModelError(
            f"vosk cannot load its library ({error}). On a Raspberry Pi it needs the package libatomic1.",
            f"vosk 无法加载它的库（{error}）。树莓派上需要安装 libatomic1。",
        ) from error
    return vosk


def _load(vosk: Any, folder: Path) -> Any:
    if not folder.is_dir():
        raise ModelError(
            f"The speech model {folder.name} is missing. Run: tako models fetch",
            f"缺少语音模型 {folder.name}，请运行 tako models fetch。",
        )
    try:
        model = vosk.Model(str(folder))
        vosk.KaldiRecognizer(model, SAMPLE_RATE)  # a damaged graph shows only here
    except Exception as error:  # vosk raises nothing more precise
        raise ModelError(
            f"The speech model {folder.name} is damaged. Run: tako models verify",
            f"语音模型 {folder.name} 已损坏，请运行 tako models verify。",
        ) from error
    return model
