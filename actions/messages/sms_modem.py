"""Texts through a GSM modem or a phone on a cable, by Gammu (https://docs.gammu.org/python/).

Gammu cuts long texts into joined messages and writes Chinese in UCS-2. Its Python module comes from Debian
(python3-gammu) and is imported where it is used. A SIM card is never given a PIN: three wrong ones would lock it.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Annotated, Any

import msgspec

from actions.deadline import Late, within
from actions.errors import ActionError, NotNow
from actions.messages.delivery import AnswerLost
from actions.messages.sms_text import alphabet

log = logging.getLogger(__name__)
# Gammu's names of errors, without ERR_. Whatever is in none of these groups is "the modem refused it".
_PLUGGED_OUT = {
    "ABORTED", "BUSY", "DEVICEBUSY", "DEVICELOCKED", "DEVICENOTEXIST", "DEVICENOTWORK", "DEVICEOPENERROR",
    "DEVICEREADERROR", "DEVICEWRITEERROR", "NOECHO", "NOTCONNECTED", "PHONEOFF", "TIMEOUT", "UNKNOWNRESPONSE",
}  # fmt: skip
_NO_NETWORK = {"GETTING_SMSC", "NETWORK_ERROR", "NOSERVICE"}
_IN_DOUBT = {"ABORTED", "DEVICENOTWORK", "DEVICEREADERROR", "DEVICEWRITEERROR", "NOTCONNECTED", "TIMEOUT"}


class ModemSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A GSM modem or phone with a SIM card, without a PIN."""

    device: str = "/dev/ttyUSB0"  # where it is plugged in; a name in /dev/serial/by-id stays the same
    connection: str = "at"  # as Gammu calls it: "at" for modems, "at115200" with a speed
    model: str = ""  # as Gammu calls it; empty: it finds out
    timeout: Annotated[float, msgspec.Meta(ge=5, le=600)] = 90.0  # seconds for one text, all its parts


class Modem:
    """Sends a text message by message; see `actions.messages.send_text.Gateway`."""

    idempotent = False
    carries_pictures = False
    sms = True

    def __init__(self, settings: ModemSettings) -> None:
        self._settings = settings

    def send(self, name: str, number: str, text: str, picture: Path | None, key: str) -> str:
        """Returns how many messages it took. Raises as `Gateway.send` does."""
        gammu = _gammu()
        started = _Started()
        try:
            count = within(self._settings.timeout, lambda: self._send(gammu, number, text, started))
        except gammu.GSMError as error:
            raise self._meaning(error, started) from None
        except Late:
            if started.stop():
                raise AnswerLost from None
            raise self._unreachable() from None
        return f"{count} messages, {alphabet(text)}"

    def _send(self, gammu: Any, number: str, text: str, started: _Started) -> int:
        settings = self._settings
        phone = gammu.StateMachine()
        phone.SetConfig(
            0, {"Device": settings.device, "Connection": settings.connection, "Model": settings.model, "SyncTime": 0}
        )
        phone.Init()
        try:
            if phone.GetSecurityStatus() is not None:
                raise ActionError(
                    "The SIM card asks for its PIN. Put it into a phone once and turn the PIN off.",
                    "SIM 卡要求输入 PIN，请先在手机里关闭 PIN。",
                )
            entry = {"ID": "ConcatenatedTextLong", "Buffer": text}
            info = {"Class": -1, "Unicode": alphabet(text) == "ucs2", "Entries": [entry]}
            messages = gammu.EncodeSMS(info)
            for message in messages:
                started.go_on()
                phone.SendSMS({**message, "Number": number, "SMSC": {"Location": 1}})
                started.sent += 1
        finally:
            try:
                phone.Terminate()
            except gammu.GSMError as error:  # what was sent is sent
                log.info("the modem did not say goodbye: %s", error)
        return len(messages)

    def _meaning(self, error: Exception, started: _Started) -> Exception:
        """What an error of Gammu means for the text."""
        name = type(error).__name__.removeprefix("ERR_")
        details = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
        log.info("gammu: %s %s", name, details)
        if started.sent or (started.begun and name in _IN_DOUBT):
            return AnswerLost()
        if name == "DEVICENOPERMISSION":
            return ActionError(
                f"I may not use the modem at {self._settings.device}. Add my user to the group dialout.",
                f"没有权限使用 {self._settings.device} 上的调制解调器，请把用户加入 dialout 组。",
            )
        if name in _PLUGGED_OUT:
            return self._unreachable()
        if name in _NO_NETWORK:
            return NotNow("The modem has no network now.", "调制解调器现在没有信号。")
        if name in ("UNKNOWNCONNECTIONTYPESTRING", "UNKNOWNMODELSTRING", "UNCONFIGURED"):
            return ActionError(
                "Gammu does not know such a modem. Check connection and model in the text.modem settings.",
                "Gammu 不认识这种调制解调器，请检查设置 text.modem 里的 connection 和 model。",
            )
        if name == "NOSIM":
            return ActionError("There is no SIM card in the modem.", "调制解调器里没有 SIM 卡。")
        why = " ".join(str(details.get("Text") or name).split())[:160].rstrip(".")
        return ActionError(f"The modem refused the text: {why}.", f"调制解调器拒绝了这条短信（{name}）。")

    def _unreachable(self) -> NotNow:
        return NotNow(
            f"I cannot reach the modem at {self._settings.device}. Is it plugged in?",
            f"连不上 {self._settings.device} 上的调制解调器，请检查是否插好。",
        )


class _Started:
    """How far a text has come, between who sends it and who waits."""

    def __init__(self) -> None:
        self.begun = False
        self.sent = 0  # messages that the modem has taken
        self._stopped = False
        self._lock = threading.Lock()

    def go_on(self) -> None:
        """Before each message. Raises `Late` when nobody waits any more."""
        with self._lock:
            if self._stopped:
                raise Late
            self.begun = True

    def stop(self) -> bool:
        """No message is begun any more. True when one was."""
        with self._lock:
            self._stopped = True
            return self.begun


def _gammu() -> Any:
    try:
        import gammu  # late: from Debian, and only where there is a modem
    except ImportError:
        raise ActionError(
            "To text through a modem I need Gammu. Install it with: sudo apt install python3-gammu.",
            "用调制解调器发短信需要 Gammu，请运行 sudo apt install python3-gammu。",
        ) from None
    return gammu
