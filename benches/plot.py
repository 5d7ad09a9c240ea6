"""The picture of the codec report: how many times ours each row takes, on a scale where each step multiplies."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benches import report

NAME = "codec"
OURS, FASTER, SLOWER, INK, GRID = "#1a7f37", "#0969da", "#8c959f", "#1f2328", "#d0d7de"
SIZE = (13.0, 11.0)
DOTS_PER_INCH = 90
SETTINGS = {
    # Text stays text, in a font of the reader's, and the same figures give the same bytes.
    "svg.fonttype": "none",
    "svg.hashsalt": "fastthrift",
    "font.family": "sans-serif",
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "font.size": 9.0,
}


class Panel(NamedTuple):
    """One case in one direction."""

    title: str
    ratios: Sequence[tuple[str, float]]
    """Each row's name and how many times ours it takes."""


def draw(panels: Sequence[Panel], folder: Path = report.FOLDER) -> None:
    """Write the panels side by side, as SVG and as PNG; without matplotlib say so and do nothing.

    The background is white, so that it reads on a page of any colour.
    """
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError as error:
        print(f"bench: no plot: {error}", file=sys.stderr)
        return
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=SIZE, layout="constrained", facecolor="white")
        axes = figure.subplots(2, (len(panels) + 1) // 2, sharey=True, squeeze=False).flatten()
        for axis, panel in zip(axes, panels, strict=False):
            _panel(axis, panel)
        axes[0].invert_yaxis()
        figure.suptitle("Time of a call over that of fastthrift binary: longer is slower (log scale)", color=INK)
        figure.savefig(folder / f"{NAME}.svg", metadata={"Date": None})
        figure.savefig(folder / f"{NAME}.png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    print(f"(written to docs/benchmarks/{NAME}.svg and .png)", file=sys.stderr)


def _panel(axis: Any, panel: Panel) -> None:
    names = [name for name, _ in panel.ratios]
    ratios = [ratio for _, ratio in panel.ratios]
    # Bars grow from one, so that what is faster than ours points the other way.
    axis.barh(names, [ratio - 1 for ratio in ratios], left=1, color=[_colour(*row) for row in panel.ratios], height=0.7)
    axis.set_xscale("log")
    axis.set_xlim(min(0.4, min(ratios) / 1.6), max(ratios) * 2.5)
    axis.xaxis.set_major_formatter(lambda value, _place: f"{value:g}")
    axis.minorticks_off()
    axis.axvline(1, color=INK, linewidth=1)
    axis.grid(axis="x", color=GRID, linewidth=0.6)
    axis.set_axisbelow(True)
    axis.set_title(panel.title, loc="left", fontweight="bold")
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.tick_params(axis="y", length=0)
    for place, ratio in enumerate(ratios):
        axis.annotate(
            report.figure(ratio),
            (max(ratio, 1), place),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )


def _colour(name: str, ratio: float) -> str:
    return OURS if name.startswith(report.OURS) else FASTER if ratio < 1 else SLOWER
