"""The button on a GPIO pin, with a second one and a switch for the microphone if they are there. Knows gpiozero, and
nothing of what a press starts."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from actions.errors import DeviceError, Misfit
from device.mute import Mute
from device.presses import PressQueue
from device.seams import Press

if TYPE_CHECKING:
    from gpiozero import Factory

log = logging.getLogger(__name__)
Pin = Annotated[int, msgspec.Meta(ge=0, le=27)]  # BCM number
RETRY = 5.0  # seconds after which pins that another program had are tried again


class PinSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The pins of the button, and what is a double and a long press."""

    pin: int = 17  # BCM number of the GPIO that the button connects to ground
    pull_up: bool = True  # false: the button connects the pin to 3.3 V; holds for all pins here
    bounce: Annotated[float, msgspec.Meta(ge=0, le=0.3)] = 0.03  # seconds in which a second edge is the same press
    # seconds from one press to the next within which both are a double press (undo, cancel); 0: there is none
    double_seconds: Annotated[float, msgspec.Meta(ge=0, le=1.5)] = 0.45
    # seconds for which the button must be held, without a word, to switch the microphone off or on; 0: it never does
    long_seconds: Annotated[float, msgspec.Meta(ge=0, le=20)] = 3.0
    second_pin: Pin | None = None  # of a second button; left out: there is none
    second_does: Literal["cancel", "mute"] = "cancel"  # what it does: as a double press, or as a long one
    mute_pin: Pin | None = None  # of a switch that turns the microphone off while it is closed; left out: there is none

    def __post_init__(self) -> None:
        pins = [pin for pin in (self.pin, self.second_pin, self.mute_pin) if pin is not None]
        if len(set(pins)) < len(pins):
            raise Misfit("two of its pins are the same", "有两个引脚相同")


class ButtonTrigger(PressQueue):
    """A press per push; its `released` is set when the finger leaves the button. A second button cancels or mutes; a
    switch mutes."""

    def __init__(
        self,
        settings: PinSettings | None = None,
        pin_factory: Factory | None = None,
        mute: Mute | None = None,
        patient: bool = False,
    ) -> None:
        """`pin_factory`: gpiozero's, by default what it finds; `mute`: what the second button and the switch turn.

        Raises `DeviceError` when the pins cannot be used; a `patient` one keeps the error in `problem` and tries again
        every few seconds, until another program has given them back.
        """
        self._settings = settings or PinSettings()
        super().__init__(self._settings.double_seconds)
        self._factory = pin_factory
        self._mute = mute or Mute()
        self._held: Press | None = None
        self._edge = 0.0  # time.monotonic() of the last press or release
        self._parts: list[Any] = []  # gpiozero's
        self._pins = threading.Lock()
        self._ended = threading.Event()
        self.problem: DeviceError | None = None
        try:
            self._open()
        except _Busy as error:
            if not patient:
                raise
            log.warning("%s I try again every %.0f seconds.", error, RETRY)
            self.problem = error
            threading.Thread(target=self._retry, name="button", daemon=True).start()

    def close(self) -> None:
        self._ended.set()
        with self._pins:
            self._close_pins()
        self._up()
        super().close()

    def _open(self) -> None:
        try:
            from gpiozero import Button
            from gpiozero.exc import GPIOZeroError
        except ImportError as error:
            raise DeviceError(
                "The button needs gpiozero. Install it with: pip install 'tako[pi]'.",
                "按钮需要 gpiozero，请运行 pip install 'tako[pi]' 安装。",
            ) from error
        settings = self._settings
        wanted = (
            (settings.pin, self._down, self._up),
            (settings.second_pin, self._second, None),
            (settings.mute_pin, lambda: self._mute.switch(True), lambda: self._mute.switch(False)),
        )
        with self._pins:
            for pin, down, up in wanted:
                if pin is None or self._ended.is_set():
                    continue
                long = settings.long_seconds if pin == settings.pin else 0.0
                try:
                    part = Button(
                        pin,
                        pull_up=settings.pull_up,
                        bounce_time=settings.bounce or None,
                        hold_time=long or 0.1,  # gpiozero waits for it when it closes a pin that is held
                        pin_factory=self._factory,
                    )
                except (GPIOZeroError, OSError, RuntimeError) as error:
                    self._close_pins()
                    raise _Busy(pin, error) from error
                self._parts.append(part)
                part.when_pressed = down
                if up is not None:
                    part.when_released = up
                if long:
                    part.when_held = self._long
                if pin == settings.mute_pin:
                    self._mute.switch(part.is_pressed)

    def _retry(self) -> None:
        while not self._ended.wait(RETRY):
            with contextlib.suppress(_Busy):
                self._open()
                self.problem = None
                log.info("the button on pin %d works now", self._settings.pin)
                return

    def _close_pins(self) -> None:
        for part in self._parts:
            part.close()
        self._parts.clear()

    def _down(self) -> None:
        now, before = time.monotonic(), self._edge
        self._edge = now
        if now - before < self._settings.bounce:  # a contact that bounces must not undo anything
            return
        self._held = Press(now)
        self.put(self._held)

    def _up(self) -> None:
        self._edge = time.monotonic()
        if self._held is not None:
            self._held.released.set()
            self._held = None

    def _long(self) -> None:
        if self._held is not None:
            self._held.long.set()

    def _second(self) -> None:
        if self._settings.second_does == "cancel":
            press = Press(time.monotonic())
            press.released.set()
            self.put(press, double=True)
            return
        try:
            self._mute.toggle()
        except DeviceError as error:  # the light shows how it stands
            log.warning("%s", error)


class _Busy(DeviceError):
    """A pin cannot be used."""

    def __init__(self, pin: int, error: Exception) -> None:
        super().__init__(
            f"I cannot use the button on pin {pin}: {str(error) or type(error).__name__}.",
            f"无法使用 {pin} 号引脚上的按钮。",
        )
