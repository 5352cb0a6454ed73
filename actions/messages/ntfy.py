"""Push messages through ntfy (ntfy.sh or a server of one's own): https://docs.ntfy.sh/publish/.

The topic is as good as a password, so it is kept like one. Knows neither the owner nor contacts.
"""

from __future__ import annotations

import re
from email.header import Header
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import msgspec

from actions.errors import Misfit
from actions.photo import jpeg_to_send
from actions.secret import Secret
from actions.web import Web
from actions.wording import cut, one_line

LONGEST = 1300  # characters of a message beside a picture: in any script fewer than the 4096 bytes that ntfy takes
_TOPIC = re.compile(r"[-_A-Za-z0-9]{1,64}")  # ntfy's own rule, for sequence ids as well


class NtfySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An account with ntfy."""

    server: Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s?#]+$")] = "https://ntfy.sh"  # its address
    topic: Secret | None = None  # where the messages go; who knows it can read them: choose one nobody can guess
    token: Secret | None = None  # access token, where the topic is protected
    timeout: Annotated[float, msgspec.Meta(ge=1, le=600)] = 20.0  # seconds for one message
    ca_file: Path | None = None  # certificate of a private authority to trust (PEM)

    def __post_init__(self) -> None:
        if self.topic is not None:
            check_topic(self.topic)


def check_topic(topic: Secret) -> None:
    """Raises `Misfit` for a name that no topic can have."""
    if not _TOPIC.fullmatch(topic.reveal()):
        raise Misfit("a topic is 1 to 64 letters, digits, - or _", "topic 由 1 到 64 个字母、数字、- 或 _ 组成")


class Ntfy:
    """Publishes messages. One sent twice with one key replaces itself (ntfy 2.16 or newer)."""

    def __init__(self, settings: NtfySettings) -> None:
        self._settings = settings
        self._web = Web(service="ntfy", section="ntfy", timeout=settings.timeout, ca_file=settings.ca_file)

    def publish(
        self, topic: Secret, title: str, text: str, link: str = "", picture: Path | None = None, key: str = ""
    ) -> str:
        """Returns the id that ntfy gave the message; one of more than 4096 bytes arrives as a file.

        Raises as `Web` does, and `InputError` for a bad picture.
        """
        headers: dict[str, str | Secret] = {"Title": _header(title)}
        if link:
            headers["Click"] = quote(link, safe="!#$%&'()*+,/:;=?@[]~")
        if _TOPIC.fullmatch(key):
            headers["X-Sequence-ID"] = key
        if self._settings.token:
            headers["Authorization"] = Secret(f"Bearer {self._settings.token.reveal()}")
        content = text.strip().encode()
        if picture is not None:
            content = jpeg_to_send(picture)
            headers["Filename"] = "photo.jpg"
            headers["Message"] = _header(cut(text.strip(), LONGEST).replace("\n", "\\n"))
        url = f"{self._settings.server.rstrip('/')}/{topic.reveal()}"
        answer = self._web.post(url, data=content, headers=headers, method="PUT").json()
        return one_line(str(answer.get("id", "")))[:64] if isinstance(answer, dict) else ""


def _header(text: str) -> str:
    """A text fit for a header of ntfy: as it stands in ASCII, else encoded by RFC 2047 (ntfy 2.4 or newer)."""
    line = one_line(text)
    return line if line.isascii() else Header(line, "utf-8", maxlinelen=1_000_000).encode()
