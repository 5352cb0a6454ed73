"""Settings of the voice."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec


class VoiceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How tako speaks. Voices are names that `espeak-ng --voices` lists, with a variant after a plus sign if wanted."""

    engine: Literal["pyttsx3", "print"] = "pyttsx3"  # "print" writes the sentences instead of speaking them
    device: str = ""  # output device: part of its name, or its number; empty: the system's own choice
    volume: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0  # of full scale
    rate: Annotated[int, msgspec.Meta(ge=80, le=400)] = 155  # English, words a minute
    rate_zh: Annotated[int, msgspec.Meta(ge=80, le=400)] = 170  # Mandarin, syllables a minute
    voice: str = "en-us"  # for English
    voice_zh: str = "cmn-latn-pinyin+f3"  # for Mandarin; reads pinyin (`cmn` reads characters as English letters)
