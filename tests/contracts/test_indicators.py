"""What every `Indicator` does: it shows any state at once, from any thread, and never raises."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import device.pi.indicator
from actions.errors import DeviceError
from bench.lights import KEY, PICTURE, fingerprint
from device.lamp import Lamp, Network
from device.mute import Mute
from device.pi.earcons import RATE, Earcons
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


def _until(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 5.0
    while not true() and time.monotonic() < deadline:
        time.sleep(0.005)
    return true()


class Raising(SilentIndicator):
    """An indicator that breaks its promise."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = True

    def show(self, state: State, note: str = "") -> None:
        if self.broken:
            raise OSError("the light is gone")
        super().show(state, note)

    def close(self) -> None:
        raise OSError("the light is gone")


class TestLamp:
    """What the light shows while nobody talks."""

    def test_ready_is_what_holds_the_worst_first(self) -> None:
        holds = {State.OFFLINE: False, State.MUTED: False, State.ERROR: False}
        inner = SilentIndicator()
        lamp = Lamp(inner, {state: lambda s=state: holds[s] for state in holds}, every=60.0)
        for state in (None, State.OFFLINE, State.MUTED, State.ERROR):
            holds |= {state: True} if state else {}
            lamp.show(State.READY)
        assert inner.states == [State.READY, State.OFFLINE, State.MUTED, State.ERROR]
        lamp.close()

    def test_a_turn_shows_its_own_states(self) -> None:
        inner = SilentIndicator()
        lamp = Lamp(inner, {State.MUTED: lambda: True}, every=60.0)
        turn = [State.LISTENING, State.THINKING, State.ASKING, State.ACTING, State.SPEAKING, State.ERROR]
        for state in turn:
            lamp.show(state, "note")
            lamp.refresh()
        assert inner.shown == [(state, "note") for state in turn]
        lamp.show(State.READY)
        assert inner.states[-1] is State.MUTED
        lamp.close()

    def test_what_changes_while_it_is_ready_shows(self) -> None:
        inner, away = SilentIndicator(), threading.Event()
        lamp = Lamp(inner, {State.OFFLINE: away.is_set}, every=0.02)
        lamp.show(State.READY)
        assert inner.states[-1] is State.READY
        away.set()
        assert _until(lambda: inner.states[-1] is State.OFFLINE)
        away.clear()
        assert _until(lambda: inner.states[-1] is State.READY)
        lamp.close()

    def test_the_mute_shows_at_once(self) -> None:
        inner, mute = SilentIndicator(), Mute()
        lamp = Lamp(inner, {State.MUTED: lambda: mute.on}, every=60.0)
        mute.watch(lamp.refresh)
        lamp.show(State.READY)
        mute.toggle()
        assert inner.states[-1] is State.MUTED
        mute.toggle()
        assert inner.states[-1] is State.READY
        lamp.close()

    def test_a_light_that_fails_ends_nothing_and_is_told_once(self, caplog: pytest.LogCaptureFixture) -> None:
        inner = Raising()
        lamp = Lamp(inner, {}, every=60.0)
        for state in State:
            lamp.show(state)
        assert caplog.text.count("the light fails") == 1
        inner.broken = False
        lamp.show(State.THINKING)
        assert inner.states == [State.THINKING]
        lamp.close()

    def test_it_ends_with_its_thread(self) -> None:
        lamp = Lamp(SilentIndicator(), {}, every=60.0)
        lamp.show(State.READY)
        lamp.close()
        assert _until(lambda: not any(thread.name == "lamp" for thread in threading.enumerate()))


class TestNetwork:
    HEAD = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
    WAY = "wlan0\t00000000\t0102A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
    LOCAL = "wlan0\t0002A8C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\t0\t0\t0\n"
    SIX_LO = f"{'0' * 32} 00 {'0' * 32} 00 {'0' * 32} ffffffff 00000001 00000000 00200200       lo\n"
    SIX = f"{'0' * 32} 00 {'0' * 32} 00 fe80{'0' * 27}1 00000400 00000001 00000000 00450003    wlan0\n"

    @pytest.mark.parametrize(
        ("four", "six", "offline"),
        [
            (HEAD + WAY + LOCAL, "", False),
            (HEAD + LOCAL, SIX_LO, True),
            (HEAD, SIX_LO, True),
            (HEAD, SIX_LO + SIX, False),
            (None, None, False),  # the kernel tells nothing
        ],
    )
    def test_a_default_route_is_a_way(self, tmp_path: Path, four: str | None, six: str | None, offline: bool) -> None:
        files = tmp_path / "route", tmp_path / "ipv6_route"
        for file, text in zip(files, (four, six), strict=True):
            if text is not None:
                file.write_text(text)
        network = Network(files, patience=0.0)
        time.sleep(0.01)
        assert network.offline() is offline

    def test_a_network_that_flaps_is_not_told(self, tmp_path: Path) -> None:
        files = tmp_path / "route", tmp_path / "ipv6_route"
        files[0].write_text(self.HEAD + self.WAY)
        network = Network(files, patience=0.2)
        assert not network.offline()
        files[0].write_text(self.HEAD)
        assert not network.offline()
        assert _until(network.offline)
        files[0].write_text(self.HEAD + self.WAY)
        assert not network.offline()


class TestPinsThatFail:
    """A light that is busy, or fails later, works again when its pins do."""

    @pytest.fixture
    def factory(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
        mock = pytest.importorskip("gpiozero.pins.mock", reason="gpiozero is not installed: pip install 'tako[pi]'")
        monkeypatch.setattr(device.pi.indicator, "RETRY", 0.05)
        factory = mock.MockFactory(pin_class=mock.MockPWMPin)
        yield factory
        factory.close()

    def test_a_busy_light_is_told_and_shines_when_it_is_free(self, factory: Any) -> None:
        other = LedIndicator(LightSettings(pins=(22,), earcons=False), factory)
        light = LedIndicator(LightSettings(pins=(22,), earcons=False, brightness=1.0), factory, patient=True)
        assert light.problem is not None
        assert "22 号引脚" in light.problem.spoken("zh")
        light.show(State.LISTENING)
        other.close()
        assert _until(lambda: light.problem is None and factory.pin(22).state == 1.0)
        light.close()

    def test_a_light_that_fails_shines_again(self, factory: Any, caplog: pytest.LogCaptureFixture) -> None:
        light = LedIndicator(LightSettings(pins=(22,), earcons=False, brightness=1.0), factory)
        light.show(State.LISTENING)
        assert _until(lambda: factory.pin(22).state == 1.0)
        light._led.close()  # as when another program takes the pins over
        light.show(State.ERROR)
        assert _until(lambda: "the light fails" in caplog.text)
        light.show(State.LISTENING)
        assert _until(lambda: light.problem is None and factory.pin(22).state == 1.0)
        light.close()

    def test_no_light_is_no_trouble(self, factory: Any) -> None:
        light = LedIndicator(LightSettings(kind="none", pins=(), earcons=False), factory)
        for state in State:
            light.show(state)
        assert light.problem is None
        light.close()


class Speaker:
    """A sink that keeps what it was given, or fails."""

    rate = RATE

    def __init__(self) -> None:
        self.played: list[int] = []
        self.broken = False

    def check(self) -> None:
        """Always there."""

    def play(self, sound: np.ndarray, stop: threading.Event, alive: Callable[[], None]) -> None:
        self.played.append(len(sound))
        if self.broken:
            raise DeviceError("no speaker")

    def close(self) -> None:
        """Nothing is held."""


class TestSounds:
    def test_what_lasts_sounds_when_it_begins_only(self) -> None:
        speaker = Speaker()
        light = LedIndicator(LightSettings(kind="none"), earcons=Earcons(0.2, sink=speaker))
        for state in (State.READY, State.MUTED, State.SPEAKING, State.MUTED, State.SPEAKING, State.READY, State.MUTED):
            light.show(state)
            time.sleep(0.05)
        assert _until(lambda: len(speaker.played) == 2)
        time.sleep(0.05)
        assert len(speaker.played) == 2
        light.close()

    def test_a_speaker_that_comes_back_sounds_again(self, caplog: pytest.LogCaptureFixture) -> None:
        speaker = Speaker()
        earcons = Earcons(0.2, sink=speaker)
        speaker.broken = True
        for count in (1, 2):
            earcons.play(State.ERROR)
            assert _until(lambda c=count: len(speaker.played) == c)
        speaker.broken = False
        earcons.play(State.LISTENING)
        assert _until(lambda: len(speaker.played) == 3)
        assert caplog.text.count("no earcons") == 1
        earcons.close()


def test_the_picture_of_the_lights_is_not_stale() -> None:
    with Image.open(PICTURE) as picture:
        assert picture.info.get(KEY) == fingerprint(), "python -m bench.lights draws it"
