"""The words of an email that nobody said: a subject from the body, an address from what was spoken.

Knows neither contacts nor servers.
"""

from __future__ import annotations

import re
import unicodedata

from actions.wording import cut, one_line

SUBJECT_EN = 50  # characters: what a phone shows of a subject
SUBJECT_ZH = 18
_HAN = re.compile(r"[\u3400-\u9fff]")
_CLAUSE = re.compile(r"(?<=[.!?;:,])\s+|(?<=[。！？；：，、…])")
_NEXT_EN = re.compile(r"\s+(?:and|but|because|so|then|which|while|when|if|before|after|since|until)\s+", re.IGNORECASE)
_NEXT_ZH = re.compile(r"(?=因为|所以|但是|不过|然后|而且|并且|如果|麻烦|请你|记得)")
_GREETING = re.compile(
    r"(?:hi|hey|hello|dear|good (?:morning|afternoon|evening))\b[\w' ]{0,20}|你好|您好|早上好|晚上好|大家好", re.I
)
_ENDS = " .,;:!。，；：！、…\"'"

_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"  # dot-atom of RFC 5322
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])"
)
_SPOKEN = (
    (re.compile(r"\s+at\s+", re.I), "@"),
    (re.compile(r"\s*(?:艾特|爱特|@)\s*"), "@"),
    (re.compile(r"\s+dot\s+|\s*点\s*", re.I), "."),
    (re.compile(r"\s*\b(?:underscore|under score)\b\s*|\s*下划线\s*", re.I), "_"),
    (re.compile(r"\s+(?:dash|hyphen|minus)\s+|\s*(?:横杠|减号)\s*", re.I), "-"),
    (re.compile(r"\s+plus\s+|\s*加号\s*", re.I), "+"),
)


def subject_from(body: str) -> str:
    """A short subject: the first clause that says something, in the body's own words."""
    text = one_line(body)
    chinese = bool(_HAN.search(text))
    longest = SUBJECT_ZH if chinese else SUBJECT_EN
    clauses = [clause.strip(_ENDS) for clause in _CLAUSE.split(text)]
    clauses = [clause for clause in clauses if clause and not _GREETING.fullmatch(clause)] or [text.strip(_ENDS)]
    telling = (clause for clause in clauses if (len(clause) >= 4 if chinese else " " in clause))  # not "ok" or a name
    subject = next(telling, clauses[0])
    question = not chinese and f"{subject}?" in text
    if len(subject) > longest:
        parts = (_NEXT_ZH if chinese else _NEXT_EN).split(subject)
        first = next((part for part in parts if part), subject).strip(_ENDS)
        whole = first if len(first) >= 4 else subject
        subject = cut(whole, longest)
        if len(subject) < len(whole):
            subject += "…"
        question = False
    if subject.partition(" ")[0].islower():  # "iPhone" stays as it is
        subject = subject[:1].upper() + subject[1:]
    return subject + ("?" if question and not subject.endswith("?") else "")


def address_said(text: str) -> str | None:
    """The address in "anna at example dot com", "anna艾特example点com" or "anna@example.com"; None when it is none."""
    said = one_line(unicodedata.normalize("NFKC", text)).strip(" .,;:。，<>\"'")
    if is_address(said):
        return said
    for pattern, sign in _SPOKEN:
        said = pattern.sub(sign, said)
    said = re.sub(r"\s*([@.])\s*", r"\1", said)
    return said if is_address(said) else None


def is_address(text: str) -> bool:
    """Whether the text is one plain ASCII address (RFC 5321: at most 64 and 254 characters) and nothing else."""
    return len(text) <= 254 and len(text.partition("@")[0]) <= 64 and _ADDRESS.fullmatch(text) is not None
