"""What every `Indicator` does: it shows any state at once, from any thread, and never raises."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from device.pi.indicator import LedIndicator, LightSettings
from device.seams import Indicator, State
from device.sim.indicator import LOOKS, SilentIndicator, TerminalIndicator

NOTES = [
    "",
    "Shall I email Anna?",
    "要给小明发短信吗？",
    "[bold]no markup[/bold] [/]",
    "two\nlines\x1b[31m",
    "x" * 5000,
]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Gone(io.StringIO):
    """A stream that nobody reads any more."""

    def write(self, _: str) -> int:
        raise BrokenPipeError("nobody reads")


def _led(*pins: int) -> Indicator:
    mock = pytest.importorskip("gpiozero.pins.mock", reason="gpiozero is not installed: pip install 'tako[pi]'")
    settings = LightSettings(pins=pins, earcons=False)
    return LedIndicator(settings, mock.MockFactory(pin_class=mock.MockPWMPin))


INDICATORS: dict[str, Callable[[], Indicator]] = {
    "rgb light": lambda: _led(22, 23, 24),
    "single light": lambda: _led(22),
    "terminal": lambda: TerminalIndicator(Terminal()),
    "piped": lambda: TerminalIndicator(io.StringIO()),
    "closed pipe": lambda: TerminalIndicator(Gone()),
    "silent": SilentIndicator,
}


@pytest.fixture(params=INDICATORS)
def indicator(request: pytest.FixtureRequest) -> Iterator[Indicator]:
    indicator = INDICATORS[request.param]()
    yield indicator
    indicator.close()


def test_it_is_an_indicator(indicator: Indicator) -> None:
    assert isinstance(indicator, Indicator)


def test_every_state_with_any_note_is_shown_at_once(indicator: Indicator) -> None:
    for state in State:
        for note in NOTES:
            begun = time.monotonic()
            indicator.show(state, note)
            assert time.monotonic() - begun < 0.3


def test_many_threads_may_show(indicator: Indicator) -> None:
    troubles: list[BaseException] = []

    def show() -> None:
        try:
            for state in list(State) * 3:
                indicator.show(state)
        except BaseException as error:  # noqa: BLE001 (that there is none is what is tested)
            troubles.append(error)

    threads = [threading.Thread(target=show) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert not troubles


def test_close_may_be_repeated_and_show_after_it_is_nothing(indicator: Indicator) -> None:
    indicator.show(State.THINKING)
    indicator.close()
    indicator.close()
    indicator.show(State.ERROR, "after the end")


def test_the_silent_one_keeps_what_it_was_shown() -> None:
    indicator = SilentIndicator()
    indicator.show(State.LISTENING)
    indicator.show(State.ASKING, "Shall I?")
    assert indicator.shown == [(State.LISTENING, ""), (State.ASKING, "Shall I?")]
    assert indicator.states == [State.LISTENING, State.ASKING]


def test_piped_it_is_plain_lines_without_what_the_voice_writes() -> None:
    stream = io.StringIO()
    indicator = TerminalIndicator(stream)
    for state, note in (
        (State.LISTENING, ""),
        (State.LISTENING, ""),
        (State.THINKING, ""),
        (State.ASKING, "Shall I [really]?"),
        (State.SPEAKING, "Sent."),
    ):
        indicator.show(state, note)
    indicator.close()
    assert stream.getvalue().splitlines() == ["● listening", "… thinking", "? asking  Shall I [really]?", "♪ speaking"]


def test_told_to_it_writes_what_is_spoken() -> None:
    stream = io.StringIO()
    TerminalIndicator(stream, speech=True).show(State.SPEAKING, "Sent.")
    assert stream.getvalue() == "♪ speaking  Sent.\n"


def test_control_characters_never_reach_the_terminal() -> None:
    stream = io.StringIO()
    TerminalIndicator(stream).show(State.ASKING, "\x1b[2Jgone\x07")
    assert not set(stream.getvalue()) & {"\x1b", "\x07"}


def test_every_state_has_a_sign_of_its_own() -> None:
    assert set(LOOKS) == set(State)
    assert len({sign for sign, _ in LOOKS.values()}) == len(State)
