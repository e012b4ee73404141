"""How the figures of a comparison look: their style, and the look of each agent."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nas_gym.common import FAINT, INK, SERIES

# Past the end of the series of colours line styles and markers go on telling agents apart.
DASHES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")

STYLE: Any = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "figure.dpi": 100,
    "savefig.dpi": 150,
    "pdf.fonttype": 42,  # TrueType, which publishers ask for
}


def canvas(width: float, height: float, title: str) -> tuple[Figure, Axes]:
    """Return a figure with one pair of axes, in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title)
    return figure, axes


def look(number: int) -> tuple[str, str, str]:
    """Return colour, line style and marker of the agent of a number, different for 28 agents."""
    return (
        SERIES[number % len(SERIES)],
        DASHES[number // len(SERIES) % len(DASHES)],
        MARKERS[number % len(MARKERS)],
    )
