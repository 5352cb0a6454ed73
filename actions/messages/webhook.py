"""A message as JSON to an address of the owner's choice: a home automation, a script, another gateway."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from actions.photo import jpeg_to_send
from actions.secret import Secret
from actions.web import Web


class WebhookSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An address that takes messages as JSON by POST."""

    url: Secret  # the address; it is kept like a password, for many hold a key
    token: Secret | None = None  # sent as "Authorization: Bearer ..."
    idempotent: bool = False  # whether it does the same Idempotency-Key once only; then a lost answer is tried again
    timeout: Annotated[float, msgspec.Meta(ge=1, le=600)] = 20.0  # seconds for one message
    ca_file: Path | None = None  # certificate of a private authority to trust (PEM)


class Webhook:
    """Posts messages with an Idempotency-Key."""

    def __init__(self, settings: WebhookSettings) -> None:
        self._settings = settings
        self._web = Web(service="the webhook", section="webhook", timeout=settings.timeout, ca_file=settings.ca_file)

    def call(self, fields: Mapping[str, str], picture: Path | None = None, key: str = "") -> str:
        """Posts `fields` (with a picture: also `picture`, a JPEG in base64) and returns the answer's status.

        Raises as `Web` does, `AnswerLost` where the hook is not idempotent, `InputError` for a bad picture.
        """
        headers: dict[str, str | Secret] = {"Idempotency-Key": key} if key.isalnum() and key.isascii() else {}
        if self._settings.token:
            headers["Authorization"] = Secret(f"Bearer {self._settings.token.reveal()}")
        content = dict(fields)
        if picture is not None:
            content["picture"] = base64.b64encode(jpeg_to_send(picture)).decode()
        once = not self._settings.idempotent
        return str(self._web.post(self._settings.url.reveal(), json=content, headers=headers, once=once).status)
