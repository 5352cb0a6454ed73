"""whisper: recognition of the whole utterance through faster-whisper (CTranslate2, int8), for a Pi 4 or 5 and for PCs.

It listens to the end and then answers. Three things differ from faster-whisper's own `transcribe`:

- The encoder is given what was said and a few seconds, not always 30: on one x86 core base encodes 15 s in 0.2 s and
  30 s in 0.6 s, and recognises no worse (60 spoken requests: 14.5 against 15.9 % of words wrong, 40 Mandarin
  recordings: 31 against 35 % of characters); with 10 s it is 22 % of words, and 5 s stutter. Silence pads the sound
  before the spectrogram, as in training.
- The language is one of those that are on, judged on the same encoding; a close race is decided by the transcripts.
- Silence and noise have an empty transcript. Whisper invents sentences for them, its own prompt first of all.

Confidence is that of the utterance (geometric mean over the tokens). There are no single words: CTranslate2 gives their
probabilities through its alignment only, and that gives a plain "to" 0.00 where the decoder was sure. Knows neither
button nor microphone, and no services: the prompts come from outside.
"""

from __future__ import annotations

import math
import re
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np

from actions.errors import ModelError
from device.seams import SAMPLE_RATE, Reading, Transcript
from device.speech.sound import FULL_SCALE
from device.speech.text import join_words, simplified
from device.speech.vad import Detector, SileroDetector, Span, speech_spans

MODEL_FILES = (
    "model.bin",
    "config.json",
    "tokenizer.json",
)  # and a vocabulary; without the tokenizer it would go online

_FRAMES = 100  # of the spectrogram in a second
_ROOM = 3.0  # s of silence the encoder gets after the speech
_MARGIN = 0.3  # s kept before and after the speech
_PIECE = 26.0  # s of speech recognised at a time: with margins and room below the 30 s that whisper takes
_TOKENS_PER_SECOND = 12  # nobody speaks faster; ends a stutter

# When a transcript is believed. Set by hand on 120 spoken clips and eleven of noise, tones, babble and reversed speech,
# which whisper was given without the detector before it; not checked on others.
_UNLIKELY = -1.0  # mean log probability of a token; speech gave -1.14 at the least (misheard), noise -0.88 to -1.98
_NO_SPEECH = 0.5  # whisper's own probability of no speech; speech gave 0.30 at the most, noise 0.06 to 0.95
_DOUBTFUL = -0.5  # below this likelihood the probability of no speech counts, and so does an echo of the prompt
_STUTTER = 2.4  # times that zlib makes a transcript smaller (whisper's own bound); a stutter gave 4.3, other speech 1.2
_CLEAR = 0.8  # probability of a language from which the others are not tried


class WhisperSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How whisper recognises."""

    threads: Annotated[int, msgspec.Meta(ge=1, le=16)] = 1  # processor cores it may use
    beam: Annotated[int, msgspec.Meta(ge=1, le=20)] = 8  # readings followed at a time; 1 is fastest
    # s of sound the encoder gets at the least; 10 is worse already, 5 stutters
    window_seconds: Annotated[float, msgspec.Meta(ge=5, le=30)] = 15.0


@dataclass(frozen=True)
class _Heard:
    """What the decoder made of a piece of sound in one language."""

    lang: str
    text: str
    logprob: float  # mean over the tokens
    no_speech: float
    tokens: int
    readings: tuple[Reading, ...] = ()

    @property
    def stutters(self) -> bool:
        return _stutters(self.text)


class WhisperTranscriber:
    """A `Transcriber` on one whisper model in CTranslate2's format.

    `prompts`: for each language a text that whisper takes for what was said before, so that its names are likely.
    Raises `ModelError` when faster-whisper is missing, or the model is missing, damaged or does not know a language.
    """

    name = "whisper"

    def __init__(
        self,
        model: Any,
        languages: Sequence[str],
        prompts: Mapping[str, str] | None = None,
        settings: WhisperSettings | None = None,
        detector: Detector | None = None,
    ) -> None:
        """`model`: a `faster_whisper.WhisperModel`, as `load` makes it."""
        self.languages = tuple(languages)
        self._model = model
        self._prompts = dict(prompts or {})
        self._settings = settings or WhisperSettings()
        self._detector = detector or SileroDetector()

    @classmethod
    def load(
        cls,
        folder: Path,
        languages: Sequence[str],
        prompts: Mapping[str, str] | None = None,
        settings: WhisperSettings | None = None,
    ) -> WhisperTranscriber:
        """A transcriber on the model in this folder."""
        settings = settings or WhisperSettings()
        model = _load(Path(folder), settings.threads)
        strangers = set(languages) - set(model.supported_languages)
        if strangers:
            raise ModelError(
                f"The speech model {Path(folder).name} does not know the language {', '.join(sorted(strangers))}.",
                f"语音模型 {Path(folder).name} 不懂这种语言：{'、'.join(sorted(strangers))}。",
            )
        return cls(model, languages, prompts, settings)

    def with_grammar(self, phrases: Mapping[str, Sequence[str]]) -> WhisperTranscriber:
        """A transcriber on the same model that expects these phrases. It may hear others: whisper knows no grammar."""
        languages = tuple(lang for lang in self.languages if phrases.get(lang))
        if not languages:
            raise ValueError(f"no phrases for {', '.join(self.languages)}")
        prompts = {lang: ("。" if lang == "zh" else ". ").join(phrases[lang]) for lang in languages}
        return WhisperTranscriber(self._model, languages, prompts, self._settings, self._detector)

    def transcribe(self, chunks: Iterable[np.ndarray], on_partial: Callable[[str], None] | None = None) -> Transcript:
        """As the seam says; there are no partial results."""
        self._detector.reset()
        parts: list[np.ndarray] = []
        probabilities: list[float] = []
        for chunk in chunks:
            parts.append(chunk)
            probabilities += self._detector.feed(chunk)
        end = time.perf_counter()
        sound = np.concatenate(parts).astype(np.float32) / FULL_SCALE if parts else np.empty(0, np.float32)
        heard: list[_Heard] = []
        for piece in pieces(speech_spans(probabilities), len(sound)):
            languages = (heard[0].lang,) if heard else self.languages
            heard.append(self._recognise(sound[piece.start : piece.end], languages))
        believed = [h for h in heard if _is_believed(h, self._prompts.get(h.lang, ""))]
        tokens = sum(h.tokens for h in believed)
        return Transcript(
            text=join_words([h.text for h in believed]),
            lang=believed[0].lang if believed else self.languages[0],
            confidence=math.exp(sum(h.logprob * h.tokens for h in believed) / tokens) if tokens else 0.0,
            engine=self.name,
            seconds=len(sound) / SAMPLE_RATE,
            ms=1000 * (time.perf_counter() - end),
            readings=believed[0].readings if len(believed) == 1 else (),
        )

    def close(self) -> None:
        """Gives the model's memory back, once no transcriber with a grammar uses it any more."""
        self._model = None

    def _recognise(self, sound: np.ndarray, languages: Sequence[str]) -> _Heard:
        if self._model is None:
            raise ModelError("The recogniser was closed.", "语音识别已经关闭。")
        seconds = len(sound) / SAMPLE_RATE
        try:
            encoded = self._encode(sound, seconds)
            likely = self._likely(encoded, languages)
            heard = [(self._decode(encoded, lang, seconds), share) for lang, share in likely.items()]
        except RuntimeError as error:  # CTranslate2's, for whatever went wrong inside
            raise ModelError("The speech recogniser failed.", "语音识别出错了。") from error
        return max(heard, key=lambda pair: pair[0].logprob + math.log(pair[1]))[0]

    def _encode(self, sound: np.ndarray, seconds: float) -> Any:
        window = min(max(self._settings.window_seconds, seconds + _ROOM), 30.0)
        frames = 2 * math.ceil(window * _FRAMES / 2)
        padded = np.pad(sound, (0, max(frames * SAMPLE_RATE // _FRAMES - len(sound), 0)))
        return self._model.encode(self._model.feature_extractor(padded, padding=0)[:, :frames])

    def _likely(self, encoded: Any, languages: Sequence[str]) -> dict[str, float]:
        """The languages worth trying, with their probabilities among `languages`."""
        if len(languages) == 1:
            return {languages[0]: 1.0}
        found = {token[2:-2]: share for token, share in self._model.model.detect_language(encoded)[0]}
        total = sum(found[lang] for lang in languages)
        shares = {lang: found[lang] / total for lang in languages}
        best = max(shares, key=lambda lang: shares[lang])
        return {best: shares[best]} if shares[best] >= _CLEAR else shares

    def _decode(self, encoded: Any, lang: str, seconds: float) -> _Heard:
        heard = self._generate(encoded, lang, seconds, self._prompts.get(lang, ""))
        return self._generate(encoded, lang, seconds, "", no_repeat_ngram_size=3) if heard.stutters else heard

    def _generate(self, encoded: Any, lang: str, seconds: float, prompt: str, **options: int) -> _Heard:
        from faster_whisper.tokenizer import Tokenizer
        from faster_whisper.transcribe import get_suppressed_tokens

        model = self._model
        tokenizer = Tokenizer(model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language=lang)
        before = tokenizer.encode(" " + prompt) if prompt else []
        start = model.get_prompt(tokenizer, before, without_timestamps=True)
        room = int(seconds * _TOKENS_PER_SECOND) + 20
        result = model.model.generate(
            encoded,
            [start],
            beam_size=self._settings.beam,
            num_hypotheses=self._settings.beam,
            max_length=min(len(start) + room, model.max_length),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=list(get_suppressed_tokens(tokenizer, [-1])),
            **options,
        )[0]
        readings = []
        for tokens, score in zip(result.sequences_ids, result.scores, strict=True):
            text = tokenizer.decode(tokens).strip()
            # the score is the mean over the tokens; the end of the text is a token, too
            readings.append(Reading(simplified(text) if lang == "zh" else text, score * len(tokens)))
        best, count = readings[0], len(result.sequences_ids[0]) + 1
        others = [r for r in readings[1:] if not _stutters(r.text) and not _echoes(r.text, prompt)]
        return _Heard(lang, best.text, best.logprob / count, result.no_speech_prob, count, (best, *others))


def pieces(spans: Sequence[Span], samples: int) -> list[Span]:
    """What to recognise of `samples` samples: the speech and a margin, cut in its pauses where too long for whisper."""
    found: list[Span] = []
    margin, longest = round(_MARGIN * SAMPLE_RATE), round(_PIECE * SAMPLE_RATE)
    for span in spans:
        if found and span.end - found[-1].start <= longest:
            found[-1] = Span(found[-1].start, span.end)
        else:
            found += [Span(at, min(at + longest, span.end)) for at in range(span.start, span.end, longest)]
    return [Span(max(span.start - margin, 0), min(span.end + margin, samples)) for span in found]


def _is_believed(heard: _Heard, prompt: str) -> bool:
    if heard.stutters or heard.logprob < _UNLIKELY:
        return False
    return heard.logprob >= _DOUBTFUL or not (heard.no_speech > _NO_SPEECH or _echoes(heard.text, prompt))


def _stutters(text: str) -> bool:
    data = text.encode()
    return len(data) > _STUTTER * len(zlib.compress(data))


def _echoes(text: str, prompt: str) -> bool:
    """Whether every sentence of the text is one of the prompt's."""
    return _sentences(text) <= _sentences(prompt)


def _sentences(text: str) -> set[str]:
    return {sentence.strip().lower() for sentence in re.split(r"[.!?,。！？，、]", text) if sentence.strip()}


def _load(folder: Path, threads: int) -> Any:
    try:
        from faster_whisper import WhisperModel
    except ImportError as error:
        raise ModelError(
            f"The package faster-whisper is not installed ({error}).", f"没有安装 faster-whisper（{error}）。"
        ) from error
    missing = [name for name in MODEL_FILES if not (folder / name).is_file()]
    if missing:
        raise ModelError(
            f"The speech model {folder.name} is not complete: {', '.join(missing)} is missing. Run: tako models fetch",
            f"语音模型 {folder.name} 不完整，缺少 {'、'.join(missing)}。请运行 tako models fetch。",
        )
    try:
        return WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True)
    except (
        Exception
    ) as error:  # of three libraries, RuntimeError to plain Exception, all for a file that is not what it should be
        raise ModelError(
            f"The speech model {folder.name} is damaged. Run: tako models verify",
            f"语音模型 {folder.name} 已损坏，请运行 tako models verify。",
        ) from error
