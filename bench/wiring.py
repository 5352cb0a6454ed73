"""Draws docs/wiring.svg: the header of a Raspberry Pi and what tako's pins go to. The GPIO numbers are the defaults of
the settings, so that the picture cannot tell others.

    python -m bench.wiring [--check]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from device.pi.indicator import LightSettings
from device.pi.trigger import PinSettings

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "wiring.svg"

# pins of the 40-pin header, https://pinout.xyz
PIN_OF_GPIO = dict(
    zip(
        range(2, 28),
        (3, 5, 7, 29, 31, 26, 24, 21, 19, 23, 32, 33, 8, 10, 36, 11, 12, 35, 38, 40, 15, 16, 18, 22, 37, 13),
        strict=True,
    )
)
THREE_VOLTS, FIVE_VOLTS, GROUND = {1, 17}, {2, 4}, {6, 9, 14, 20, 25, 30, 34, 39}

WIDTH, HEIGHT = 1180, 880  # pixels, as all that follows
TOP, PITCH = 120.0, 36.0  # the middle of the first row; from row to row
LEFT, RIGHT = 430.0, 470.0  # the middles of the odd pins and of the even ones
LANE = 15.0  # from wire to wire, beside the header
RED, ORANGE, BLACK, GREEN, BLUE, PURPLE, BROWN = (
    "#c0392b",
    "#d35400",
    "#2c3e50",
    "#1e8449",
    "#2471a3",
    "#7d3c98",
    "#6e4b1f",
)


@dataclass(frozen=True)
class Wire:
    """From a terminal of a part to a pin of the header."""

    terminal: str
    pin: int
    colour: str

    def __str__(self) -> str:
        """What the part's terminal is called, and where it goes: "SCK  GPIO 18, pin 12"."""
        return f"{self.terminal}: {name_of(self.pin)}, pin {self.pin}"


@dataclass(frozen=True)
class Part:
    """A box beside the header with its terminals, one below the other."""

    title: str
    note: str
    x: float
    y: float
    wires: Sequence[Wire]
    optional: bool = False

    @property
    def height(self) -> float:
        return 58 + 24 * len(self.wires)

    def terminal_y(self, index: int) -> float:
        return self.y + 64 + 24 * index


def name_of(pin: int) -> str:
    """ "GPIO 17", "3.3 V", "5 V" or "ground"."""
    if pin in THREE_VOLTS:
        return "3.3 V"
    if pin in FIVE_VOLTS:
        return "5 V"
    return "ground" if pin in GROUND else f"GPIO {next(gpio for gpio, p in PIN_OF_GPIO.items() if p == pin)}"


def parts(button: PinSettings, light: LightSettings) -> list[Part]:
    """What is wired; buttons to the left, the rest to the right. The second button and the switch are suggestions."""
    pressed, red, green, blue = (PIN_OF_GPIO[gpio] for gpio in (button.pin, *light.pins))
    box = 760.0
    return [
        Part("Button", "a push button, normally open", 40, 170, [Wire("a", pressed, GREEN), Wire("b", 9, BLACK)]),
        Part(
            "Second button",
            "second_pin = 27",
            40,
            330,
            [Wire("a", PIN_OF_GPIO[27], BLUE), Wire("b", 25, BLACK)],
            True,
        ),
        Part(
            "Microphone switch",
            "mute_pin = 5; closed: off",
            40,
            600,
            [Wire("a", PIN_OF_GPIO[5], ORANGE), Wire("b", 39, BLACK)],
            True,
        ),
        Part(
            "Amplifier, MAX98357A",
            "speaker, 4 to 8 Ω, at its two screws",
            box,
            60,
            [
                Wire("VIN", 2, RED),
                Wire("GND", 6, BLACK),
                Wire("BCLK", 12, PURPLE),
                Wire("LRC", 35, BROWN),
                Wire("SD", 36, ORANGE),
                Wire("DIN", 40, GREEN),
            ],
        ),
        Part(
            "Light, RGB, common cathode",
            "330 Ω before each colour",
            box,
            320,
            [Wire("red", red, RED), Wire("green", green, GREEN), Wire("blue", blue, BLUE), Wire("cathode", 20, BLACK)],
        ),
        Part(
            "Microphone, INMP441 or ICS-43434",
            "L/R to its own GND",
            box,
            540,
            [
                Wire("VDD", 1, RED),
                Wire("SCK", 12, PURPLE),
                Wire("GND", 34, BLACK),
                Wire("WS", 35, BROWN),
                Wire("SD", 38, BLUE),
            ],
        ),
    ]


def draw(things: Sequence[Part]) -> str:
    """The SVG."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        'font-size="15" role="img" aria-label="Wiring of tako; docs/wiring.md has it as a table">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        '<text x="40" y="48" font-size="24" font-weight="bold">tako on a Raspberry Pi</text>',
        *_words(40, 76, ["Seen from above, the card at the top,", "the edge of the board at the right."]),
        *_words(40, 770, ["Dashed: if you like. A dot joins,", "wires only cross without."]),
        *_words(40, 820, ["Red: 3.3 or 5 V. Dark: ground.", "Yellow: GPIO. Pale: not used."]),
        f'<rect x="{LEFT - 26}" y="{TOP - 26}" width="{RIGHT - LEFT + 52}" height="{19 * PITCH + 52}" rx="8" '
        'fill="#e8f3ea" stroke="#1e8449"/>',
    ]
    lines += _wires(things)
    lines += _header({wire.pin for part in things for wire in part.wires})
    for part in things:
        lines += _box(part)
    lines += _camera()
    return "\n".join([*lines, "</svg>", ""])


def _words(x: float, y: float, rows: Sequence[str]) -> Iterator[str]:
    for number, row in enumerate(rows):
        yield f'<text x="{x}" y="{y + 20 * number}" fill="#555">{row}</text>'


def _place(pin: int) -> tuple[float, float]:
    return (LEFT if pin % 2 else RIGHT), TOP + PITCH * ((pin - 1) // 2)


def _wires(things: Sequence[Part]) -> Iterator[str]:
    """Each pin has a lane of its own on the side where its wires end. The white rim lets a wire pass over another."""
    for to_right in (False, True):
        nets: dict[int, list[tuple[Part, int, Wire]]] = {}
        for part in things:
            for index, wire in enumerate(part.wires):
                if (part.x > RIGHT) == to_right:
                    nets.setdefault(wire.pin, []).append((part, index, wire))
        order = sorted(nets, key=lambda pin: _rank(pin, nets[pin]), reverse=not to_right)
        for number, pin in enumerate(order):
            lane = RIGHT + 60 + LANE * number if to_right else LEFT - 60 - LANE * (len(order) - 1 - number)
            ends = [(part.x if to_right else part.x + 240, part.terminal_y(i)) for part, i, _ in nets[pin]]
            yield from _net(pin, lane, ends, nets[pin][0][2].colour, to_right)


def _rank(pin: int, ends: Sequence[tuple[Part, int, Wire]]) -> tuple[bool, float]:
    """Wires that climb turn late when they start high, wires that fall the other way round: fewer cross."""
    height = _place(pin)[1]
    climbs = sum(part.terminal_y(index) for part, index, _ in ends) / len(ends) < height
    return climbs, height if climbs else -height


def _net(pin: int, lane: float, ends: Sequence[tuple[float, float]], colour: str, to_right: bool) -> Iterator[str]:
    x, y = _place(pin)
    start = f"M{x} {y}"
    if to_right and pin % 2:  # from the far row between two rows of pins
        start += f" H{x - 20} V{y + PITCH / 2}"
        y += PITCH / 2
    path = start + f" H{lane}" + "".join(f" M{lane} {y} V{end_y} H{end_x}" for end_x, end_y in ends)
    yield f'<path d="{path}" fill="none" stroke="#ffffff" stroke-width="7"/>'
    yield f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2.6"/>'
    heights = sorted([y, *(end_y for _, end_y in ends)])
    if len(ends) > 1:
        yield from (f'<circle cx="{lane}" cy="{at}" r="4.5" fill="{colour}"/>' for at in heights[1:-1])


def _header(used: set[int]) -> Iterator[str]:
    for pin in range(1, 41):
        x, y = _place(pin)
        fill = RED if pin in THREE_VOLTS | FIVE_VOLTS else BLACK if pin in GROUND else "#b7950b"
        shade = "" if pin in used else ' opacity="0.3"'
        yield f'<circle cx="{x}" cy="{y}" r="12" fill="{fill}"{shade}/>'
        yield f'<text x="{x}" y="{y + 4.5}" font-size="12" fill="#fff" text-anchor="middle">{pin}</text>'


def _box(part: Part) -> Iterator[str]:
    right = part.x > RIGHT
    width = 380 if right else 240
    dash = ' stroke-dasharray="6 4"' if part.optional else ""
    yield (
        f'<rect x="{part.x}" y="{part.y}" width="{width}" height="{part.height + 14}" rx="8" fill="#f8f9f9" '
        f'stroke="#555"{dash}/>'
    )
    yield f'<text x="{part.x + 14}" y="{part.y + 24}" font-weight="bold">{escape(part.title)}</text>'
    yield f'<text x="{part.x + 14}" y="{part.y + 43}" fill="#555" font-size="13">{escape(part.note)}</text>'
    for index, wire in enumerate(part.wires):
        y = part.terminal_y(index)
        x, anchor = (part.x + 14, "start") if right else (part.x + width - 14, "end")
        yield f'<circle cx="{part.x if right else part.x + width}" cy="{y}" r="5" fill="{wire.colour}"/>'
        yield f'<text x="{x}" y="{y + 5}" text-anchor="{anchor}">{escape(str(wire))}</text>'


def _camera() -> Iterator[str]:
    yield '<rect x="760" y="766" width="380" height="86" rx="8" fill="#f8f9f9" stroke="#555" stroke-dasharray="6 4"/>'
    yield '<text x="774" y="790" font-weight="bold">Camera</text>'
    rows = ["by its ribbon: CAMERA, or CAM/DISP 0 on a Pi 5;", "22 contacts on a Zero 2 W or 5, 15 on a 3 or 4"]
    yield from _words(774, 812, rows)


def main() -> int:
    """Writes the picture, or with --check says whether it is stale (exit status 1)."""
    made = draw(parts(PinSettings(), LightSettings()))
    if "--check" in sys.argv[1:]:
        stale = not PICTURE.exists() or PICTURE.read_text("utf-8") != made
        sys.stderr.write("docs/wiring.svg is stale: python -m bench.wiring\n" if stale else "")
        return int(stale)
    PICTURE.write_text(made, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
