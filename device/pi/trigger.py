"""The button on a GPIO pin. Knows gpiozero, and nothing of what a press starts."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import msgspec

from actions.errors import DeviceError
from device.presses import PressQueue
from device.seams import Press

if TYPE_CHECKING:
    from gpiozero import Factory


class PinSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The pin of the button."""

    pin: int = 17  # BCM number of the GPIO that the button connects to ground
    pull_up: bool = True  # false: the button connects the pin to 3.3 V
    bounce: float = 0.03  # seconds in which a second edge is the same press


class ButtonTrigger(PressQueue):
    """A press per push; its `released` is set when the finger leaves the button."""

    def __init__(self, settings: PinSettings | None = None, pin_factory: Factory | None = None) -> None:
        """`pin_factory`: gpiozero's, by default what it finds. Raises `DeviceError` when the pin cannot be used."""
        super().__init__()
        settings = settings or PinSettings()
        try:
            from gpiozero import Button
            from gpiozero.exc import GPIOZeroError
        except ImportError as error:
            raise DeviceError(
                "The button needs gpiozero. Install it with: pip install 'tako[pi]'.",
                "按钮需要 gpiozero，请运行 pip install 'tako[pi]' 安装。",
            ) from error
        try:
            self._button = Button(
                settings.pin, pull_up=settings.pull_up, bounce_time=settings.bounce or None, pin_factory=pin_factory
            )
        except (GPIOZeroError, OSError, RuntimeError) as error:
            raise DeviceError(
                f"I cannot use the button on pin {settings.pin}: {str(error) or type(error).__name__}.",
                f"无法使用 {settings.pin} 号引脚上的按钮。",
            ) from error
        self._held: Press | None = None
        self._button.when_pressed = self._down
        self._button.when_released = self._up

    def _down(self) -> None:
        self._held = Press(time.monotonic(), threading.Event())
        self.put(self._held)

    def _up(self) -> None:
        if self._held is not None:
            self._held.released.set()
            self._held = None

    def close(self) -> None:
        self._button.close()
        self._up()
        super().close()
