"""The light and the earcons of the gadget: an RGB light, or a single one, on GPIO pins.

Each state has a rhythm of its own, so that it is told apart without seeing colours and on a single light; nothing
flashes more than three times in a second. Knows gpiozero, and nothing of what the states mean.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from actions.errors import DeviceError
from device.pi.earcons import Earcons
from device.seams import State

if TYPE_CHECKING:
    from gpiozero import Factory

log = logging.getLogger(__name__)
RETRY = 5.0  # seconds after which pins that failed are tried again
STANDING = {State.READY, State.MUTED, State.OFFLINE}  # last for long; each sounds when it begins, not at every return


class LightSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The light and the short sounds that go with it."""

    kind: Literal["gpio", "none"] = "gpio"  # a light on GPIO pins, or none: then only the sounds tell
    pins: tuple[int, ...] = (22, 23, 24)  # BCM numbers of red, green, blue; or of a single light
    common_anode: bool = False  # true: the light's common leg is on 3.3 V, a low pin lights it
    brightness: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5  # of full
    earcons: bool = True  # short sounds when tako listens, has heard, asks, or fails
    earcon_volume: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.2  # of full scale
    sound_device: str = ""  # output device for the earcons: part of its name, or its number; empty: the system's own


@dataclass(frozen=True)
class Pattern:
    """What a state looks like: a colour, and seconds on, off, on, off, ... over and over; no seconds: steadily on."""

    colour: tuple[float, float, float]  # red, green, blue, 0 to 1
    rhythm: tuple[float, ...] = ()


PATTERNS = {
    State.READY: Pattern((0.0, 1.0, 0.0), (0.05, 3.95)),  # a glimmer: alive
    State.LISTENING: Pattern((0.0, 0.3, 1.0)),  # steady
    State.THINKING: Pattern((0.0, 0.3, 1.0), (0.2, 0.2)),  # quick and even
    State.ASKING: Pattern((1.0, 0.7, 0.0), (0.15, 0.15, 0.15, 0.75)),  # two flashes
    State.ACTING: Pattern((0.0, 1.0, 1.0), (0.5, 0.5)),  # slow and even
    State.SPEAKING: Pattern((0.0, 1.0, 0.0), (1.3, 0.2)),  # on with short gaps
    State.MUTED: Pattern((1.0, 0.0, 0.0), (0.3, 1.7)),  # one flash
    State.OFFLINE: Pattern((1.0, 0.4, 0.0), (0.8, 0.2, 0.2, 0.8)),  # long, short
    State.ERROR: Pattern((1.0, 0.0, 0.0), (0.15, 0.15, 0.15, 0.15, 0.15, 0.85)),  # three flashes
}


class LedIndicator:
    """Plays the pattern of the last state shown, in a thread of its own. `show` returns at once and never raises. Pins
    that fail are tried again every few seconds; turns go on without a light meanwhile."""

    def __init__(
        self,
        settings: LightSettings | None = None,
        pin_factory: Factory | None = None,
        earcons: Earcons | None = None,
        patient: bool = False,
    ) -> None:
        """`pin_factory`: gpiozero's, by default what it finds.

        Raises `DeviceError` when the pins cannot be used; a `patient` one keeps the error in `problem`.
        """
        self._settings = settings or LightSettings()
        self._factory = pin_factory
        self._led: Any = None
        self._again = 0.0  # time.monotonic() at which pins that failed are tried again
        self.problem: DeviceError | None = None  # why there is no light at the moment
        try:
            self._open()
        except DeviceError as error:
            if not patient:
                raise
            self._fail(error)
        self._earcons = earcons
        if earcons is None and self._settings.earcons:
            self._earcons = Earcons(self._settings.earcon_volume, self._settings.sound_device)
        self._change = threading.Condition()
        self._state: State | None = None
        self._standing: State | None = State.READY  # the last of these that was shown
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="light", daemon=True)
        self._thread.start()

    def show(self, state: State, note: str = "") -> None:
        with self._change:
            if self._closed or state is self._state:
                return
            heard = state is not self._standing
            self._standing = state if state in STANDING else self._standing
            self._state = state
            self._change.notify_all()
        if self._earcons is not None and heard:
            self._earcons.play(state)

    def close(self) -> None:
        with self._change:
            if self._closed:
                return
            self._closed = True
            self._change.notify_all()
        self._thread.join(1.0)
        self._close_led()
        if self._earcons is not None:
            self._earcons.close()

    def _work(self) -> None:
        state, step = None, 0
        with self._change:
            while not self._closed:
                if self._state is not state:
                    state, step = self._state, 0
                if state is None:
                    self._change.wait()
                    continue
                rhythm = PATTERNS[state].rhythm
                shines = self._shine(PATTERNS[state].colour, step % 2 == 0)
                pause = (rhythm[step % len(rhythm)] if rhythm else None) if shines else RETRY
                self._change.wait(pause)
                step += 1 if rhythm else 0

    def _shine(self, colour: tuple[float, float, float], on: bool) -> bool:
        """Whether there is a light that shines, or none is wanted."""
        if self._settings.kind == "none":
            return True
        if self._led is None and time.monotonic() < self._again:
            return False
        level = self._settings.brightness if on else 0.0
        try:
            if self._led is None:
                self._open()
            self._led.value = tuple(part * level for part in colour) if len(self._settings.pins) == 3 else level
        except Exception as error:  # noqa: BLE001 (whatever the pins do, the turn goes on without a light)
            self._fail(error)
            return False
        if self.problem is not None:
            log.info("the light works again")
            self.problem = None
        return True

    def _open(self) -> None:
        if self._settings.kind != "none":
            self._led = _light(self._settings, self._factory)

    def _fail(self, error: Exception) -> None:
        self._again = time.monotonic() + RETRY
        if self.problem is None:  # told once, not every few seconds
            log.warning("the light fails: %s", error)
        if not isinstance(error, DeviceError):
            error = DeviceError(f"The light does not work: {error}.", "指示灯出了问题。")
        self.problem = error
        self._close_led()

    def _close_led(self) -> None:
        led, self._led = self._led, None
        try:
            if led is not None:
                led.close()
        except Exception as error:  # noqa: BLE001 (pins that were taken away cannot be given back)
            log.info("the light's pins: %s", error)


def _light(settings: LightSettings, pin_factory: Factory | None) -> Any:
    """gpiozero's light. Raises `DeviceError`."""
    if len(settings.pins) not in (1, 3):
        raise DeviceError(
            "The light needs one pin, or three for red, green and blue.", "指示灯需要一个引脚，或红绿蓝三个引脚。"
        )
    try:
        from gpiozero import PWMLED, RGBLED
        from gpiozero.exc import GPIOZeroError
    except ImportError as error:
        raise DeviceError(
            "The light needs gpiozero. Install it with: pip install 'tako[pi]'.",
            "指示灯需要 gpiozero，请运行 pip install 'tako[pi]' 安装。",
        ) from error
    kind, high = (RGBLED if len(settings.pins) == 3 else PWMLED), not settings.common_anode
    try:
        return kind(*settings.pins, active_high=high, pin_factory=pin_factory)
    except (GPIOZeroError, OSError, RuntimeError) as error:
        pins = ", ".join(str(pin) for pin in settings.pins)
        raise DeviceError(
            f"I cannot use the light on pins {pins}: {error}.", f"无法使用 {pins} 号引脚上的指示灯。"
        ) from error
