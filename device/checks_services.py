"""The doctor's checks of what lies outside the board, and of files that a person brings: network, mail, texts, the
owner's phone, the rules of recycling, the encyclopedia.

Nothing is ever sent. Servers are asked only where `Probes.online` allows it.
"""

from __future__ import annotations

import locale
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from actions.errors import ActionError
from device.finding import OK, WARN, Finding
from device.models import home

if TYPE_CHECKING:
    from actions.messages.ntfy import NtfySettings
    from actions.messages.sms_http import TwilioSettings
    from actions.messages.sms_modem import ModemSettings
    from actions.messages.webhook import WebhookSettings
    from device.probes import Probes

ASK = "tako doctor --network asks it"
_ZIM_MAGIC = 72_173_914  # first four bytes of a ZIM file, little endian (openzim.org, "ZIM file format")
_CHECKSUM_AT, _CHECKSUM = 72, 16  # where the header says where the checksum is, which ends the file; its bytes
_LOGIN = (401, 403)  # statuses of a login that is not accepted


def network(probes: Probes) -> Finding:
    routes = probes.routes()
    if not routes:
        cure = "sudo nmcli device wifi connect NAME --ask; until then what is to be sent waits in the outbox"
        return Finding("network", WARN, "no way out of the house", cure)
    return Finding("network", OK, f"through {', '.join(routes)}")


def mail(probes: Probes) -> Finding:
    """Whether the mail server takes the login; nothing is sent."""
    account = probes.held().email
    if account is None:
        return Finding("mail", WARN, "no mail server is set: emails are refused", "set [email] in the settings")
    where = f"{account.host}:{account.tcp_port}"
    if not probes.online:
        return Finding("mail", OK, f"{where} is set; {ASK}")
    try:
        probes.log_in(account)
    except ActionError as error:
        return Finding("mail", WARN, error.en, "until that is mended emails wait or are refused")
    return Finding("mail", OK, f"{where} takes {'the login' if account.password else 'us without a login'}")


def texts(probes: Probes) -> Finding:
    """Whether the gateway of texts is there."""
    settings = probes.held().text
    if settings is None:
        return Finding("texts", WARN, "no gateway is set: texts are refused", "set [text] in the settings")
    if settings.via == "twilio" and settings.twilio:
        return _twilio(probes, settings.twilio)
    if settings.via == "ntfy" and settings.ntfy:
        return _ntfy("texts", probes, settings.ntfy)
    if settings.via == "webhook" and settings.webhook:
        return _webhook("texts", probes, settings.webhook)
    from actions.messages.sms_modem import ModemSettings

    return _modem(probes, settings.modem or ModemSettings())


def owner(probes: Probes) -> Finding:
    """Whether there is a way to the owner, for links and pictures."""
    held = probes.held()
    way = held.owner
    if way and way.ntfy:
        return _ntfy("owner", probes, way.ntfy)
    if way and way.webhook:
        return _webhook("owner", probes, way.webhook)
    if way and way.email:
        if held.email is None:
            return Finding("owner", WARN, f"{way.email}, but no mail server is set", "set [email] in the settings")
        return Finding("owner", OK, f"{way.email}, by email")
    return Finding("owner", WARN, "not set: links and pictures stay here", "set [owner] in the settings")


def recycling(probes: Probes) -> Finding:
    """Whose rules hold. Raises `SettingsError` for a place without rules."""
    from actions.recycling.recycling_rules import load_place
    from actions.recycling.smart_recycling import default_place

    named = probes.held().recycling.place
    if named:
        return Finding("recycling", OK, load_place(named).place.en)
    guess = load_place(default_place(locale.getlocale()[0] or "", probes.held().language)).place.en
    return Finding("recycling", WARN, f"no place is set; {guess} is a guess", "set recycling.place in the settings")


def encyclopedia(probes: Probes) -> Finding:
    """Whether the ZIM files are there and whole, by their headers."""
    files = probes.held().search.encyclopedias or tuple(sorted((home() / "search").glob("*.zim")))
    if not files:
        return Finding("encyclopedia", OK, "none: what is asked is looked up on the web")
    if not probes.has_module("libzim"):
        return Finding("encyclopedia", WARN, "libzim is not installed", "run setup_pi.sh again, or pip install libzim")
    wrong = [f"{path.name} {problem}" for path in files if (problem := _zim_problem(probes, path))]
    if wrong:
        return Finding("encyclopedia", WARN, "; ".join(wrong), "copy it again")
    return Finding("encyclopedia", OK, ", ".join(path.name for path in files))


def _zim_problem(probes: Probes, path: Path) -> str:
    try:
        head, size = probes.head(path)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if int.from_bytes(head[:4], "little") != _ZIM_MAGIC or len(head) < _CHECKSUM_AT + 8:
        return "is no ZIM file"
    wanted = int.from_bytes(head[_CHECKSUM_AT : _CHECKSUM_AT + 8], "little") + _CHECKSUM
    return "" if size == wanted else f"has {size} bytes instead of {wanted}"


def _twilio(probes: Probes, account: TwilioSettings) -> Finding:
    """Asks for the list of texts, one of them, which needs the very login that sends."""
    where = f"{urlsplit(account.url).hostname} for {account.account_sid}"
    if not probes.online:
        return Finding("texts", OK, f"{where} is set; {ASK}")
    url = f"{account.url.rstrip('/')}/2010-04-01/Accounts/{account.account_sid}/Messages.json?PageSize=1"
    try:
        status = probes.get(url, account.key_sid or account.account_sid, account.auth_token.reveal())
    except ActionError as error:
        return Finding("texts", WARN, error.en, "until then texts wait in the outbox")
    if status in _LOGIN:
        return Finding("texts", WARN, f"{where}: the login is not accepted", "check text.twilio in the settings")
    return Finding("texts", OK, f"{where} {'takes the login' if status == 200 else f'answers with {status}'}")


def _ntfy(name: str, probes: Probes, account: NtfySettings) -> Finding:
    """The topic is a password: it is neither shown nor asked for. ntfy tells its health at /v1/health."""
    where = f"ntfy at {urlsplit(account.server).hostname}"
    if not probes.online:
        return Finding(name, OK, f"{where} is set; {ASK}")
    try:
        status = probes.get(f"{account.server.rstrip('/')}/v1/health")
    except ActionError as error:
        return Finding(name, WARN, error.en, "check the network and ntfy.server")
    if status != 200:
        return Finding(name, WARN, f"{where} answers, but not as ntfy does", "check ntfy.server in the settings")
    return Finding(name, OK, f"{where} answers")


def _webhook(name: str, probes: Probes, hook: WebhookSettings) -> Finding:
    """Its address is a secret: only whether somebody is there is told."""
    if not probes.online:
        return Finding(name, OK, f"the webhook is set; {ASK}")
    parts = urlsplit(hook.url.reveal())
    try:
        probes.reach(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        return Finding(name, WARN, f"the webhook cannot be reached ({why})", "check the network and webhook.url")
    return Finding(name, OK, "the webhook can be reached")


def _modem(probes: Probes, modem: ModemSettings) -> Finding:
    """Without touching it: a modem that is asked while it sends would spoil the text."""
    if not probes.has_module("gammu"):
        return Finding("texts", WARN, "python3-gammu is not installed", "sudo apt install python3-gammu")
    if not probes.exists(modem.device):
        return Finding(
            "texts", WARN, f"no modem at {modem.device}", "plug it in; ls /dev/serial/by-id names those there"
        )
    if not probes.usable(modem.device):
        cure = "sudo usermod -aG dialout $USER, then log in again"
        return Finding("texts", WARN, f"{modem.device} may not be used", cure)
    return Finding("texts", OK, f"modem at {modem.device}")
