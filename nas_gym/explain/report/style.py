"""How figures of explanations look: colours that the colour-blind tell apart, on light and dark pages.

A figure is drawn once, in the colours below. In `report.html` each of them becomes a CSS variable,
so that the same figure is readable on a light page, on a dark one and on paper; in pictures for
TensorBoard and Markdown they stay as they are. So draw in these colours or in a colour map, never in
"black" or "white".
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from cycler import cycler
from matplotlib.colors import to_rgb

from nas_gym._colours import FAINT, INK, MUTED, PAPER, SERIES

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

ON_DARK = ("#5aaee6", "#f2935a", "#42c9a3", "#e3a0cb", "#efc04f", "#9ad0f5", "#9aa7b4")
SEQUENTIAL, DIVERGING = "viridis", "PuOr"
NARROW = 3.4
"""Width up to which a figure is for a phone, inches."""

# The CSS variable that each colour becomes in a report, and its values on light and dark pages.
VARIABLES: dict[str, tuple[str, str, str]] = {
    INK: ("--ink", INK, "#e6eaee"),
    MUTED: ("--muted", MUTED, "#a3afbb"),
    FAINT: ("--faint", FAINT, "#37424d"),
    PAPER: ("--paper", PAPER, "#181e25"),
} | {
    light: (f"--series-{number}", light, dark)
    for number, (light, dark) in enumerate(zip(SERIES, ON_DARK, strict=True))
}


def colour(number: int) -> str:
    """Return the colour of a series by its number; they repeat after seven."""
    return SERIES[number % len(SERIES)]


def good() -> str:
    """Return the colour of what helps."""
    return SERIES[2]


def bad() -> str:
    """Return the colour of what harms."""
    return SERIES[1]


def neutral() -> str:
    """Return the colour of what does not matter or is not known."""
    return SERIES[6]


def ink() -> str:
    """Return the colour of text and of axes."""
    return INK


def muted() -> str:
    """Return the colour of less important text."""
    return MUTED


def faint() -> str:
    """Return the colour of grids and of guide lines."""
    return FAINT


def paper() -> str:
    """Return the colour of the page, for edges between touching areas."""
    return PAPER


def over(background: Any) -> str:
    """Return a colour for text on a background of a colour map, the same on every page.

    Args:
        background: a Matplotlib colour.
    """
    red, green, blue = to_rgb(background)
    return "#14181c" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.55 else "#fafbfc"


def is_narrow(canvas: Canvas) -> bool:
    """Return whether a figure is drawn for a phone."""
    return float(canvas.get_size_inches()[0]) <= NARROW


def columns(canvas: Canvas, count: int) -> int:
    """Return the columns of a legend that has so many where there is room."""
    return 1 if is_narrow(canvas) else count


@contextmanager
def set_style() -> Iterator[None]:
    """Draw under the style of a report."""
    with mpl.rc_context(_SETTINGS):
        yield


@contextmanager
def set_narrow_style() -> Iterator[None]:
    """Draw with smaller letters, for a phone; under `set_style`."""
    with mpl.rc_context(_NARROW_SETTINGS):
        yield


_SETTINGS: Any = {
    "figure.facecolor": "none",
    "figure.titlesize": 11,
    "figure.titleweight": "bold",
    "axes.facecolor": "none",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.prop_cycle": cycler(color=list(SERIES)),
    "grid.color": FAINT,
    "grid.linewidth": 0.7,
    "font.size": 10,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "patch.edgecolor": PAPER,
    "image.cmap": SEQUENTIAL,
    "svg.fonttype": "none",
}
_NARROW_SETTINGS: Any = {
    "font.size": 8,
    "axes.labelsize": 8.5,
    "axes.titlesize": 8.5,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "lines.markersize": 4,
}
