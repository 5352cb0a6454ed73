"""Draws what `training.evaluate` (or `training.calibrate`) wrote with `--json`:

    python -m training.plots --json scores.json --out docs/plots

confusion-matrix.png   wanted function against the first one that was called, as written, by language
reliability.png        how often an answer of a given confidence is right; what moving the threshold would cost
scores.png             whole calls by kind and language, with intervals, before and after quantisation

What a file has no data for is not drawn. Needs matplotlib (extra: train). Knows no model.
"""

from __future__ import annotations

import argparse
import json
from bisect import bisect_right
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from actions.catalogue import CATALOGUE
from training.data.requests import KINDS
from training.scores import EDGES, LANGUAGES, REFUSED, STYLES, wilson

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Samples = list[list[Any]]  # confidence, whether the functions were right, whether it would act
DOTS = 100  # per inch: 12 inches are 1200 pixels
# Okabe and Ito 2008: told apart by the colour-blind, too
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
MARKS = ("o", "s", "^", "D")
GREY = "#666666"
SHOWN = 0.7  # smallest acting share in the curve of thresholds: of fewer nothing can be read


def draw(result: dict[str, Any], folder: Path) -> list[Path]:
    """Writes every picture that `result` has the data for; what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    if any(result.get("confusion", {}).values()):
        made.append(_save(confusion_matrix(result["confusion"]), folder / "confusion-matrix.png"))
    if result.get("reliability"):
        made.append(_save(reliability(result["reliability"], result["threshold"]), folder / "reliability.png"))
    if any(STYLES[0] in name for name in result.get("tables", {})):
        made.append(_save(scores(result["tables"], result["version"]), folder / "scores.png"))
    return made


def confusion_matrix(counts: dict[str, dict[str, dict[str, int]]]) -> Figure:
    """counts: language to wanted function to got function to count."""
    from matplotlib.colors import LogNorm

    wanted = [function.name for function in CATALOGUE]
    columns = [*wanted, REFUSED]
    figure = _figure(12, 6.6)
    peak = max(n for rows in counts.values() for row in rows.values() for n in row.values())
    scale = LogNorm(1, max(peak, 2))
    every: list[Axes] = list(figure.subplots(1, len(counts), sharey=True, squeeze=False)[0])
    for axes, (lang, rows) in zip(every, counts.items(), strict=True):
        table = np.array([[rows.get(w, {}).get(g, 0) for g in columns] for w in wanted], float)
        image = axes.imshow(np.where(table > 0, table, np.nan), cmap="cividis_r", norm=scale, aspect="auto")
        for (y, x), n in np.ndenumerate(table):
            if n:
                dark = scale(n) > 0.5
                axes.text(x, y, f"{n:.0f}", ha="center", va="center", fontsize=8.5, color="white" if dark else "black")
        axes.set_xticks(range(len(columns)), columns, rotation=50, ha="right", rotation_mode="anchor", fontsize=9)
        axes.set_yticks(range(len(wanted)), wanted, fontsize=9)
        axes.set_xticks(np.arange(len(columns)) - 0.5, minor=True)
        axes.set_yticks(np.arange(len(wanted)) - 0.5, minor=True)
        axes.grid(which="minor", color="#dddddd", linewidth=0.6)
        axes.tick_params(which="both", length=0)
        axes.axvline(len(wanted) - 0.5, color=GREY, linewidth=1.2)
        astray = int(table.sum() - np.trace(table))
        axes.set_title(f"{LANGUAGES[lang]}: {table.sum():.0f} requests, {astray} off the diagonal", fontsize=11)
        axes.set_xlabel("got, first call")
    every[0].set_ylabel("wanted, first call")
    ticks = [n for n in (1, 2, 5, 10, 20, 50, 100, 200, 500) if n <= max(peak, 2)]
    bar = figure.colorbar(image, ax=every, shrink=0.7, pad=0.01, label="requests", ticks=ticks)
    bar.ax.set_yticklabels(list(map(str, ticks)))
    bar.minorticks_off()
    return figure


def reliability(groups: dict[str, Samples], threshold: float) -> Figure:
    """groups: name to samples that no calibration was fitted on."""
    figure = _figure(12, 6.4)
    grid = figure.add_gridspec(2, 2, height_ratios=(3, 1), width_ratios=(1.35, 1))
    diagram = figure.add_subplot(grid[0, 0])
    histogram = figure.add_subplot(grid[1, 0], sharex=diagram)
    curve = figure.add_subplot(grid[:, 1])
    bins = list(pairwise(EDGES))
    width = 0.8 / len(groups)
    for i, (name, samples) in enumerate(groups.items()):
        colour, mark = COLOURS[i % len(COLOURS)], MARKS[i % len(MARKS)]
        confidence, right = np.array([s[0] for s in samples]), np.array([s[1] for s in samples])
        inside = np.clip(np.searchsorted(EDGES, confidence, "right") - 1, 0, len(bins) - 1)
        for b in range(len(bins)):
            chosen = inside == b
            n = int(chosen.sum())
            x = b + (i - (len(groups) - 1) / 2) * width
            if n:
                _point(diagram, x, int(right[chosen].sum()), n, colour, mark)
                diagram.hlines(confidence[chosen].mean(), x - width / 2, x + width / 2, color="black", linewidth=1.6)
                histogram.bar(x, n, width * 0.95, color=colour)
            histogram.text(x, max(n, 1), str(n), ha="center", va="bottom", fontsize=8)
        diagram.plot([], [], mark, color=colour, label=f"{name}, n = {len(samples)}")
        _tradeoff(curve, samples, threshold, colour, mark, name)
    diagram.plot([], [], color="black", linewidth=1.6, label="their mean confidence")
    place = bisect_right(EDGES[1:-1], threshold)
    low, high = bins[place]
    for axes in (diagram, histogram):
        axes.axvline(place - 0.5 + (threshold - low) / (high - low), color=GREY, linestyle="--", linewidth=1.2)
    diagram.plot([], [], color=GREY, linestyle="--", label=f"threshold {threshold:.2f}: below, nothing is done")
    diagram.set_ylim(-0.03, 1.03)
    diagram.set_ylabel("share with the right functions")
    diagram.set_title("Is it right as often as it is sure?", fontsize=11)
    diagram.legend(fontsize=9, loc="lower right")
    diagram.tick_params(labelbottom=False)
    histogram.set_yscale("log")
    histogram.set_ylim(0.8, 6 * max(map(len, groups.values())))
    histogram.set_xlim(-0.6, len(bins) - 0.4)
    histogram.set_xticks(range(len(bins)), [f"{low:g}\nto {high:g}" for low, high in bins], fontsize=9)
    histogram.set_xlabel("confidence (bars: 95 % Wilson intervals)")
    histogram.set_ylabel("requests")
    curve.set_title("What another threshold would cost", fontsize=11)
    curve.set_xlabel("of the answers that would act, share that does")
    curve.set_ylabel("of those, share with a wrong function")
    curve.yaxis.set_major_formatter("{x:.1%}")
    curve.xaxis.set_major_formatter("{x:.0%}")
    curve.set_xlim(right=1.005)
    curve.set_ylim(bottom=0)
    curve.legend(fontsize=9, loc="upper left")
    for axes in (diagram, curve):
        axes.grid(color="#e5e5e5", linewidth=0.7)
    return figure


def scores(tables: dict[str, Any], version: str) -> Figure:
    """tables: what `training.evaluate` has by the name `set, language, style`."""
    shown = {tuple(name.split(", ")[:2]): t["answers"] for name, t in tables.items() if name.endswith(STYLES[0])}
    places = list(dict.fromkeys(place for place, _ in shown))
    groups = ["all", *(f"kind {kind}" for kind in KINDS)]
    groups = [group for group in groups if any(group in table for table in shown.values())]
    figure = _figure(12, 1 + 3.2 * len(places))
    every: list[Axes] = list(figure.subplots(len(places), 1, sharex=True, sharey=True, squeeze=False)[:, 0])
    width = 0.8 / len(LANGUAGES)
    for axes, place in zip(every, places, strict=True):
        for i, language in enumerate(LANGUAGES.values()):
            table, colour, total = shown.get((place, language), {}), COLOURS[i], 0
            for x, group in enumerate(groups):
                if group not in table:
                    continue
                whole = table[group]["whole calls"]
                at, share = x + (i - 0.5) * width, whole["right"] / whole["n"]
                axes.bar(at, share, width * 0.92, color=colour, alpha=0.75, zorder=2)
                arms = _arms(whole["right"], whole["n"])
                axes.errorbar(at, share, arms, color="black", linewidth=1.2, zorder=3)
                tint = "white" if share > 0.1 else "black"
                axes.text(at, 0.015, str(whole["n"]), ha="center", fontsize=8, color=tint, zorder=4)
                axes.text(at, 1.04, f"{100 * share:.1f}", ha="center", fontsize=8, color=colour)
                other = table[group].get("unquantised: whole calls")
                if other and other["n"]:
                    spot = at + width * 0.28, other["right"] / other["n"]
                    axes.plot(*spot, "D", markersize=5, zorder=5, mfc="white", mec="black")
                total = max(total, whole["n"])
            axes.bar(0, 0, color=colour, alpha=0.75, label=f"{language}, n = {total}")
        axes.plot([], [], "D", markersize=5, mfc="white", mec="black", label="unquantised")
        axes.set_title(f"{place} set: whole calls as written, bundle {version}, 95 % Wilson intervals", fontsize=11)
        axes.set_ylim(0, 1.11)
        axes.yaxis.set_major_formatter("{x:.0%}")
        axes.set_yticks(np.arange(0, 1.01, 0.1))
        axes.grid(axis="y", color="#dddddd", linewidth=0.7, zorder=0)
        axes.legend(fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    every[-1].set_xlim(-0.6, len(groups) - 0.4)
    every[-1].set_xticks(range(len(groups)), [group.removeprefix("kind ") for group in groups])
    return figure


def _figure(width: float, height: float) -> Figure:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise SystemExit("Drawing needs matplotlib: pip install 'tako[train]'") from error
    figure = Figure(figsize=(width, height), dpi=DOTS, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Figure, path: Path) -> Path:
    figure.savefig(path, metadata={"Software": None})  # the same data give the same bytes
    return path


def _point(axes: Axes, x: float, right: int, n: int, colour: str, mark: str) -> None:
    axes.errorbar(x, right / n, _arms(right, n), color=colour, marker=mark, capsize=3, linewidth=1.4)


def _arms(right: int, n: int) -> list[list[float]]:
    """How far a share's interval reaches down and up."""
    share, (low, high) = right / n, wilson(right, n)
    return [[max(0.0, share - low)], [max(0.0, high - share)]]  # rounding may leave -1e-17


def _tradeoff(axes: Axes, samples: Samples, threshold: float, colour: str, mark: str, name: str) -> None:
    """The share that acts and the share of wrong ones among them, for every threshold; a mark at the one in use."""
    acting = sorted((s[0], not s[1]) for s in samples if s[2])
    if not acting:
        return
    wrong = np.cumsum([w for _, w in reversed(acting)])
    kept = np.arange(1, len(acting) + 1)
    chosen = sum(c >= threshold for c, _ in acting)
    drawn = kept >= min(chosen, round(SHOWN * len(acting)))
    axes.step((kept / len(acting))[drawn], (wrong / kept)[drawn], color=colour, linewidth=1.5, where="post")
    astray = int(wrong[chosen - 1]) if chosen else 0
    label = f"{name}: {chosen} of {len(acting)} act, {astray} wrongly"
    axes.plot(chosen / len(acting), astray / max(chosen, 1), mark, color=colour, markersize=9, label=label)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, required=True, help="what training.evaluate or training.calibrate wrote")
    parser.add_argument("--out", type=Path, default=Path("docs/plots"))
    options = parser.parse_args()
    for path in draw(json.loads(options.json.read_text(encoding="utf-8")), options.out):
        print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
