"""The control socket: how other programs on the board ask the running gadget, press its button, or hand it a request.

A Unix stream socket; one JSON object a line goes in, one a line comes back. Whoever may open the file may ask (mode
0660: the service's user and its group). Knows neither the button nor the models.

    {"do": "state"}                         what the gadget is doing (`Standing`); at once, in the middle of a turn too
    {"do": "press", "hold": 0, "wait": false}    a press held for `hold` seconds; 0 is a tap
    {"do": "say", "text": "...", "wait": false}  a request in writing, carried out when its turn comes

    {"ok": true, ...}                       the fields of `Standing`; after a "wait" the "turn" as the history keeps it
                                            (null: the press only stopped the voice), and its "exit_code"
    {"ok": false, "en": "...", "zh": "..."} a sentence that says why not
"""

from __future__ import annotations

import errno
import json
import logging
import os
import socket
import socketserver
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

import msgspec

from actions.errors import DeviceError, InputError, TakoError
from device.errors import fault
from device.remote import RemoteTrigger, Standing, WatchedIndicator
from device.seams import Press, TurnRecord

log = logging.getLogger(__name__)
VARIABLE = "TAKO_CONTROL"
MODE = 0o660
LONGEST = 65_536  # bytes of a line
HOLD = 60.0  # seconds for which a press may be held at most
_IDLE = 30.0  # seconds in which a client must have sent its line
_SHORT = 10.0  # seconds in which an answer comes that waits for no turn


def socket_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the socket is: `TAKO_CONTROL`; in the service's RuntimeDirectory (systemd's `RUNTIME_DIRECTORY`); or in
    `TAKO_HOME`."""
    named, runtime = environ.get(VARIABLE, "").strip(), environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    if named:
        return Path(named).expanduser()
    if runtime:
        return Path(runtime) / "control"
    from device.models.places import home  # a third of a second, for requests comes with it

    return home() / "control"


def version_of_tako() -> str:
    """The version that is installed; "of this folder" when it is run from its folder."""
    try:
        return version("tako")
    except PackageNotFoundError:
        return "of this folder"


def ask(path: Path, message: Mapping[str, object], timeout: float | None = _SHORT) -> dict[str, Any]:
    """Sends one message and gives the answer. `timeout`: seconds, None for as long as it takes.

    Raises `DeviceError` when no tako answers there, `InputError` with its sentence when it refuses.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(timeout)
            line.connect(str(path))
            line.sendall(json.dumps(message).encode() + b"\n")
            with line.makefile("rb") as stream:
                answer = stream.readline()
        told = json.loads(answer)
    except PermissionError:
        raise DeviceError(
            f"You may not use {path}: it is for the group tako. Log in anew after you have joined it.",
            f"您无权使用 {path}：它属于 tako 组。加入该组后请重新登录。",
        ) from None
    except TimeoutError:
        raise DeviceError("The running tako does not answer.", "正在运行的 tako 没有应答。") from None
    except (OSError, ValueError):
        raise DeviceError(
            f"No tako is running here: nobody answers at {path}. Start it with: sudo systemctl start tako.",
            f"tako 没有在运行：{path} 无人应答。请用 sudo systemctl start tako 启动。",
        ) from None
    if not isinstance(told, dict) or told.get("ok") is not True:
        said = told if isinstance(told, dict) else {}
        raise InputError(str(said.get("en", "It was refused.")), str(said.get("zh", "请求被拒绝。")))
    return told


class _State(msgspec.Struct, tag="state", tag_field="do", forbid_unknown_fields=True):
    """A message: how are you?"""


class _Press(msgspec.Struct, tag="press", tag_field="do", forbid_unknown_fields=True):
    """A message: a press."""

    hold: Annotated[float, msgspec.Meta(ge=0.0, le=HOLD)] = 0.0
    wait: bool = False


class _Say(msgspec.Struct, tag="say", tag_field="do", forbid_unknown_fields=True):
    """A message: a request in writing."""

    text: Annotated[str, msgspec.Meta(pattern=r"\S")]
    wait: bool = False


class Control:
    """What answers at the socket."""

    def __init__(self, trigger: RemoteTrigger, indicator: WatchedIndicator, version: str) -> None:
        self._trigger = trigger
        self._indicator = indicator
        self._version = version
        self._started = time.monotonic()
        self.turns = 0

    def done(self, press: Press, turn: TurnRecord, exit_code: int) -> None:
        """To be called after every turn."""
        self.turns += 1
        self._trigger.done(press, turn, exit_code)

    def standing(self) -> Standing:
        state, note, seconds = self._indicator.shown
        uptime = time.monotonic() - self._started
        return Standing(state.value, seconds, note, self.turns, uptime, self._version, os.getpid())

    def answer(self, line: bytes) -> bytes:
        """The answer to a line, without its end. Waits as long as the message wants."""
        try:
            answer = self._obey(msgspec.json.decode(line, type=_State | _Press | _Say))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            answer = {"ok": False, "en": f"I do not understand this message: {error}.", "zh": "无法理解这条消息。"}
        except TakoError as error:
            answer = {"ok": False, "en": error.en, "zh": error.zh}
        except Exception:  # a fault of the program must not leave the asker without an answer
            log.exception("the control socket failed")
            answer = {"ok": False, "en": fault().en, "zh": fault().zh}
        return msgspec.json.encode(answer)

    def _obey(self, message: _State | _Press | _Say) -> dict[str, Any]:
        if isinstance(message, _State):
            return {"ok": True, **asdict(self.standing())}
        if isinstance(message, _Press):
            ticket = self._trigger.press(message.hold)
        else:
            ticket = self._trigger.say(message.text.strip())
        if not message.wait:
            return {"ok": True}
        ticket.over.wait()
        if ticket.error:
            raise ticket.error
        return {"ok": True, "turn": ticket.turn, "exit_code": ticket.exit_code}


@contextmanager
def served(control: Control, path: Path) -> Iterator[None]:
    """Answers at `path` meanwhile, from threads of its own. Raises `DeviceError` when the socket cannot be made."""
    server = _listen(control, path)
    thread = threading.Thread(target=server.serve_forever, name="control", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        with suppress(OSError):
            path.unlink()


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False
    control: Control

    def handle_error(self, request: object, client_address: object) -> None:
        log.debug("a client of the control socket went away", exc_info=True)


class _Handler(socketserver.StreamRequestHandler):
    timeout = _IDLE
    server: _Server

    def handle(self) -> None:
        while line := self.rfile.readline(LONGEST):
            self.wfile.write(self.server.control.answer(line) + b"\n")
            if not line.endswith(b"\n"):  # too long, or cut off
                return


def _listen(control: Control, path: Path) -> _Server:
    """A bound server that only the user and the group may connect to: its rights are set before it listens."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear(path)
        server = _Server(str(path), _Handler, bind_and_activate=False)
        server.control = control
        try:
            server.server_bind()
            path.chmod(MODE)
            server.server_activate()
        except OSError:
            server.server_close()
            raise
    except OSError as error:
        raise DeviceError(f"I cannot listen at {path}: {error.strerror or error}.", f"无法在 {path} 监听。") from error
    return server


def _clear(path: Path) -> None:
    """Takes away the socket of a tako that is gone. Raises `DeviceError` when one still answers, `OSError`."""
    if not path.is_socket():
        return  # what is no socket stays, and keeps the new one from being made
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.settimeout(1.0)
        gone = other.connect_ex(str(path)) in (errno.ECONNREFUSED, errno.ENOENT)
    if not gone:
        raise DeviceError(
            f"Another tako is running already; it listens at {path}.", f"已有另一个 tako 在 {path} 运行。"
        )
    path.unlink(missing_ok=True)
