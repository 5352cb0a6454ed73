"""Whether a request points at what the camera sees. Knows words, not pictures.

Careful rather than clever where a message is concerned: a picture that went out with one that did not mean it
cannot be taken back. So words that mostly mean something else ("that" before a clause, "this week", 这么) do not count,
photos that a message only talks about do not, and of several calls a message must point for itself.
"""

from __future__ import annotations

import re

from actions.catalogue import Call

SIGHT = frozenset({"describe_scene", "interior_design"})  # functions that look by their nature
MESSAGES = {"send_email": "body", "send_text": "message"}  # function to the argument that the receiver reads

_TIME = (
    r"(?:morning|afternoon|evening|weekend|week|month|year|time|days?|summer|winter|spring|autumn|fall|minute|moment|"
    r"monday|tuesday|wednesday|thursday|friday|saturday|sunday|season|semester|term|quarter|christmas)"
)
_THIS = rf"\b(?:this|these|those)\b(?! {_TIME}\b)"
# "that" points when a verb or preposition stands before it and no clause begins behind it.
_THAT = (
    r"(?<!\bby )(?<!\ban )(?<!\bvia )(?<!\ba )"
    r"\b(?:is|was|of|about|with|like|buy|order|get|want|need|find|found|lost|see|send|email|text|share|describe|"
    r"recycle|toss|throw|match|identify|search|google|do|does) that\b"
    r"(?! (?:i|you|he|she|it|we|they|there|the|my|your|his|her|its|our|their|a|if|when|way|day|time)\b)|'s that\b"
)
_SEEN = (
    r"\b(?:photos?|pictures?|image|snapshot|camera|look at it|looking at|look what|seeing|it here|over here|holding)\b"
)
_ENGLISH = re.compile(rf"{_THIS}|{_THAT}", re.IGNORECASE)
_CHINESE = re.compile(
    r"(?:(?<![我你他她们])这|[我你他她们]这(?=[个张只件双条些种款盒瓶本]))"
    r"(?!么|样|时|会儿|周|星期|月|年|季|学期|次|回|阵|里|儿|边|几天|两天|几个?月|几周|批|个(?:周|星期|礼拜|月|季|学期|时候)|件事|事)"
)
_PICTURE = re.compile(rf"{_SEEN}|照片|相片|图片|拍(?!卖)|图里|图上|镜头|画面|眼前|面前|手里", re.IGNORECASE)


def points_at_picture(text: str) -> bool:
    """Whether the words point at something seen: "this", "these", "in the photo", 这个, 照片..."""
    return _points(text) or bool(_PICTURE.search(text))


def wants_picture(call: Call, text: str, alone: bool = True) -> bool:
    """Whether the picture belongs to this call of the request `text`; `alone`: the request has no other call."""
    if call.name == "none":
        return False
    if call.name not in MESSAGES:
        return call.name in SIGHT or points_at_picture(text)
    said = call.args[MESSAGES[call.name]]
    if not alone:
        return _points(said)
    return _points(text) or (bool(_PICTURE.search(text)) and not _PICTURE.search(said))


def _points(text: str) -> bool:
    return bool(_ENGLISH.search(text) or _CHINESE.search(text))
