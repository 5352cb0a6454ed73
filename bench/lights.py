"""Draws what the light shows and what is heard in each state: docs/plots/lights.png.

    python -m bench.lights

The patterns and tunes are those of `device.pi`; the picture keeps their fingerprint, so that a test sees it grow stale.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from device.pi.earcons import TUNES
from device.pi.indicator import PATTERNS
from device.seams import State

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "plots" / "lights.png"
KEY = "tako-lights"  # of the fingerprint, among the picture's texts
SECONDS = 6.0  # shown of each pattern
MEANS = {
    State.READY: "nobody talks: press",
    State.LISTENING: "speak",
    State.THINKING: "it has heard you",
    State.ASKING: "answer",
    State.ACTING: "it does it",
    State.SPEAKING: "it answers: press to stop",
    State.MUTED: "the microphone is off",
    State.OFFLINE: "no network: what is sent waits",
    State.ERROR: "something is wrong: it says what",
}


def fingerprint() -> str:
    """Of all that is drawn."""
    drawn = repr([(state.value, PATTERNS[state], TUNES.get(state), MEANS[state]) for state in State])
    return hashlib.sha256(drawn.encode()).hexdigest()


def flashes(state: State, seconds: float = SECONDS) -> list[tuple[float, float]]:
    """(start, length) of each time the light is on, in seconds."""
    rhythm = PATTERNS[state].rhythm
    if not rhythm:
        return [(0.0, seconds)]
    found, at, step = [], 0.0, 0
    while at < seconds:
        length = rhythm[step % len(rhythm)]
        if step % 2 == 0:
            found.append((at, min(length, seconds - at)))
        at, step = at + length, step + 1
    return found


def draw(path: Path = PICTURE) -> None:
    """Writes the picture; with colours, and beside them what a single light, or an eye without them, sees."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (light, sound) = plt.subplots(
        1, 2, figsize=(10, 4.6), sharey=True, width_ratios=(5, 1), layout="constrained", facecolor="white"
    )
    rows = list(reversed(State))
    for row, state in enumerate(rows):
        red, green, blue = PATTERNS[state].colour
        light.broken_barh(flashes(state), (row, 0.36), color=(red * 0.85, green * 0.75, blue * 0.95))
        light.broken_barh(flashes(state), (row - 0.36, 0.36), color="0.25")
        light.text(SECONDS * 1.01, row, MEANS[state], va="center", fontsize=9)
        at = 0.0
        for hertz, seconds in TUNES.get(state, ()):
            height = (hertz - 150) / 1000 * 0.8
            sound.plot([at, at + seconds], [row - 0.4 + height] * 2, color="0.25", linewidth=3, solid_capstyle="butt")
            at += seconds + 0.01
    light.set_yticks(range(len(rows)), [state.value for state in rows])
    light.set_xlim(0, SECONDS * 1.42)
    light.set_xticks(range(int(SECONDS) + 1))
    light.set_xlabel("seconds", loc="left")
    light.set_title("light: in colour, and below as a single light", loc="left", fontsize=10)
    sound.set_xlim(0, 0.4)
    sound.set_xticks((0, 0.2, 0.4))
    sound.set_xlabel("seconds", loc="left")
    sound.set_title("sound", loc="left", fontsize=10)
    for axes in (light, sound):
        axes.set_ylim(-0.7, len(rows) - 0.3)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(left=False)
    figure.savefig(path, dpi=110, metadata={"Software": None, KEY: fingerprint()})
    plt.close(figure)


if __name__ == "__main__":
    draw()
