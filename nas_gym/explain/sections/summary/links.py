"""The links of a drawn network: arrows down, and lines around boxes at their left."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.patches import Circle, FancyArrowPatch
from matplotlib.path import Path

from nas_gym.explain.report import style
from nas_gym.explain.sections.summary.badges import badges
from nas_gym.explain.sections.summary.layout import BRANCH, HEIGHT, JOIN, Layout, span_of
from nas_gym.search_spaces import Drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RADIUS = 0.075
"""Of the sign of a sum, inches."""
ROUND = 0.07
DASHES: Any = (0, (3, 1.6))
DASHED, COLOURED = ("attention", "state"), ("jump", "forecast", "attention")


def looks_of(link_kind: str, marks: Sequence[int] = ()) -> dict[str, Any]:
    """Return how a line of a kind of link is drawn, a marked one in another colour."""
    colour = style.good() if marks else style.colour(0) if link_kind in COLOURED else style.muted()
    return {
        "color": colour,
        "linewidth": 2.4 if marks else 1.2,
        "linestyle": DASHES if link_kind in DASHED else "solid",
        "zorder": 2,
    }


def draw_link(
    axes: Axes,
    drawing: Drawing,
    layout: Layout,
    middle: float,
    number: int,
    text: str,
    marks: Sequence[int],
) -> None:
    """Draw an arrow down to the next box, or around boxes at their left.

    Args:
        axes: where to, in inches from the top.
        drawing: the network.
        layout: where its boxes are.
        middle: middle of the boxes.
        number: number of the link.
        text: words on it, "" for none.
        marks: numbers of the choices that it is marked with.
    """
    link = drawing.links[number]
    looks = {
        **looks_of(link.kind, marks),
        "arrowstyle": "-|>",
        "mutation_scale": 10,
        "shrinkA": 0,
        "shrinkB": 0,
    }
    if link.passes:
        _around_boxes(axes, drawing, layout, middle, number, text, marks, looks)
        return
    start, end = layout.tops[link.source] + HEIGHT, layout.tops[link.target]
    axes.add_patch(FancyArrowPatch((middle, start), (middle, end), **looks))
    at = (middle + 0.12 + (0.2 if marks else 0.0), (start + end) / 2)
    axes.text(*at, text, ha="left", va="center", fontsize=7.5, color=style.ink(), linespacing=1.05)
    badges(axes, at[0] - 0.3, at[1], marks)


def draw_sum(axes: Axes, layout: Layout, middle: float, number: int) -> None:
    """Draw the sign of a sum below a box, and the line to where links leave it."""
    bottom = layout.tops[number] + HEIGHT
    axes.plot([middle, middle], [bottom, bottom + BRANCH], color=style.muted(), linewidth=1.2, zorder=2)
    plus(axes, middle, bottom + JOIN)


def plus(axes: Axes, x: float, y: float) -> None:
    """Draw the sign of a sum."""
    looks: dict[str, Any] = {"color": style.ink(), "linewidth": 1.0, "zorder": 5}
    axes.add_patch(Circle((x, y), RADIUS, facecolor=style.paper(), edgecolor=style.ink(), zorder=4))
    arm = 0.6 * RADIUS
    axes.plot([x - arm, x + arm], [y, y], **looks)
    axes.plot([x, x], [y - arm, y + arm], **looks)


def _around_boxes(
    axes: Axes,
    drawing: Drawing,
    layout: Layout,
    middle: float,
    number: int,
    text: str,
    marks: Sequence[int],
    looks: dict[str, Any],
) -> None:
    link, left = drawing.links[number], middle - layout.box / 2
    apex, (start, end) = left - layout.apexes[number], span_of(drawing, layout.tops, link)
    leaves = middle if link.source in drawing.joined else left
    reaches = middle - RADIUS if link.kind == "sum" else left
    axes.add_patch(FancyArrowPatch(path=_path((leaves, start), apex, (reaches, end)), **looks))
    at = (apex, (start + end) / 2)
    if text:
        page = {"facecolor": style.paper(), "edgecolor": "none", "pad": 1.5}
        words: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 7.5, "linespacing": 1.05}
        axes.text(*at, text, color=style.ink(), bbox=page, zorder=3, **words)
        at = (apex, at[1] - 0.3)
    badges(axes, *at, marks)


def _path(start: tuple[float, float], apex: float, end: tuple[float, float]) -> Path:
    """Return a path to the left, down or up, and back to the right, with round corners."""
    (x, top), (to, bottom) = start, end
    down = math.copysign(min(ROUND, abs(bottom - top) / 2), bottom - top)
    points = [
        (x, top),
        (apex + ROUND, top),
        (apex, top),
        (apex, top + down),
        (apex, bottom - down),
        (apex, bottom),
        (apex + ROUND, bottom),
        (to, bottom),
    ]
    line, curve = Path.LINETO, Path.CURVE3
    return Path(points, [Path.MOVETO, line, curve, curve, line, curve, curve, line])
