"""How many messages a text takes on its way: the two alphabets of SMS (3GPP TS 23.038) and their parts (TS 23.040)."""

from __future__ import annotations

_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENDED = frozenset("^{}\\[~]|€\f")  # these take two places
ONE, PART = {"gsm": 160, "ucs2": 70}, {"gsm": 153, "ucs2": 67}  # places in a text of one message, and in each of many


def alphabet(text: str) -> str:
    """ "gsm" (seven bits) when every character is in it, else "ucs2"."""
    return "gsm" if all(c in _GSM or c in _GSM_EXTENDED for c in text) else "ucs2"


def parts(text: str) -> int:
    """Messages that the text is sent in. No character is split between two."""
    kind = alphabet(text)
    if kind == "gsm":
        sizes = [2 if c in _GSM_EXTENDED else 1 for c in text]
    else:
        sizes = [2 if ord(c) > 0xFFFF else 1 for c in text]
    if sum(sizes) <= ONE[kind]:
        return 1
    count, filled = 1, 0
    for size in sizes:
        if filled + size > PART[kind]:
            count, filled = count + 1, 0
        filled += size
    return count
