"""Settings of the voice."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec


class VoiceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How tako speaks. Voices are names that `espeak-ng --voices` lists, with a variant after a plus sign if wanted.
    The neural voices are models: tako models fetch neural-en-joe neural-zh-baker."""

    # auto: neural where the model of a language is here, else pyttsx3; "print" writes the sentences instead of speaking
    engine: Literal["auto", "pyttsx3", "neural", "print"] = "auto"
    engine_zh: Literal["same", "auto", "pyttsx3", "neural"] = "same"  # for Mandarin, where it is to be another one
    device: str = ""  # output device: part of its name, or its number; empty: the system's own choice
    volume: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0  # of full scale
    rate: Annotated[int, msgspec.Meta(ge=80, le=400)] = 155  # English, words a minute
    rate_zh: Annotated[int, msgspec.Meta(ge=80, le=400)] = 170  # Mandarin, syllables a minute
    voice: str = "en-us"  # pyttsx3's for English
    voice_zh: str = "cmn-latn-pinyin+f3"  # pyttsx3's for Mandarin; reads pinyin (`cmn` reads characters as letters)
