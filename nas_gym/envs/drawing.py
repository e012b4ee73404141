"""Drawings of architectures: boxes in a row, links between them, the last edit marked."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from nas_gym.search_spaces.base import Architecture, Edit, SearchSpace, Sketch

INK, MARK, PLAIN = "#1f2933", "#d9480f", "#eef1f4"
# Okabe & Ito's palette, lightened, so that drawings read the same to the colour-blind.
FILLS = ("#b3d9f2", "#fbe3b0", "#b8e3d4", "#f6cfe2", "#d6d3f0", "#f9cdb8", "#e4ecb6", "#cfe8ef")
BOX_WIDTH, BOX_HEIGHT, GAP = 1.5, 0.7, 0.6


def draw(search_space: SearchSpace[Any], architecture: Architecture, edit: Edit | None = None) -> Figure:
    """A drawing of an architecture, from the input at the left to the output at the right.

    Args:
        search_space: the space of the architecture.
        architecture: what to draw.
        edit: the edit that led to it; its place is marked in orange.

    Returns:
        A Matplotlib figure on the Agg canvas, in no global state.
    """
    sketch = search_space.sketch(architecture)
    fills = _fills(search_space)
    place = edit.place if edit is not None else ()
    spans = [target - source for source, target, _ in sketch.links] or [1]
    above, below = _height(sketch, even=True), _height(sketch, even=False)
    step = _step(sketch)
    width = step * (len(sketch.boxes) - 1) + BOX_WIDTH + 0.4
    size = max(4.0, width * 0.8), 0.8 * (above + below) + 1.1
    figure = Figure(figsize=size, dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.set_aspect("equal")
    axes.set_xlim(-BOX_WIDTH / 2 - 0.2, step * (len(sketch.boxes) - 1) + BOX_WIDTH / 2 + 0.2)
    axes.set_ylim(-below, above)
    for (source, target, label), span in zip(sketch.links, spans, strict=False):
        _link(axes, source * step, target * step, span, label, marked=place == (source, target))
    for number, label in enumerate(sketch.boxes):
        fill = fills.get(label.split("-")[0], PLAIN)
        _box(axes, number * step, label, fill, marked=place == (number,))
    title = "" if edit is None or edit.kind == "keep" else f"last edit: {edit}"
    axes.set_title(title, fontsize=10, color=MARK, loc="left")
    return figure


def figure_to_array(figure: Figure) -> np.ndarray:
    """The pixels of a figure: uint8 (height, width, 3)."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())
    return pixels[..., :3].copy()


def _fills(search_space: SearchSpace[Any]) -> dict[str, str]:
    """A colour for each kind of layer of the space, the first word of its label."""
    layers = [edit.value for edit in search_space.actions if edit.aspect == "layer" and edit.value]
    kinds = dict.fromkeys(value.split("-")[0] for value in layers)
    return {kind: FILLS[number % len(FILLS)] for number, kind in enumerate(kinds)}


def _step(sketch: Sketch) -> float:
    """Distance between boxes; wider where links between neighbours carry labels."""
    labelled = any(label and target - source == 1 for source, target, label in sketch.links)
    return BOX_WIDTH + (1.9 if labelled else GAP)


def _height(sketch: Sketch, *, even: bool) -> float:
    spans = [t - s for s, t, _ in sketch.links if t - s > 1 and ((t - s) % 2 == 0) == even]
    return BOX_HEIGHT / 2 + 0.25 + (0.35 + 0.42 * max(spans) if spans else 0.0)


def _box(axes: Axes, x: float, label: str, fill: str, *, marked: bool) -> None:
    axes.add_patch(
        FancyBboxPatch(
            (x - BOX_WIDTH / 2, -BOX_HEIGHT / 2),
            BOX_WIDTH,
            BOX_HEIGHT,
            boxstyle="round,pad=0,rounding_size=0.12",
            facecolor=fill,
            edgecolor=MARK if marked else INK,
            linewidth=2.8 if marked else 1.0,
            zorder=3,
        )
    )
    axes.text(x, 0, label.replace("-", "\n", 1), ha="center", va="center", fontsize=9, color=INK, zorder=4)


def _link(axes: Axes, start: float, end: float, span: int, label: str, *, marked: bool) -> None:
    """An arrow: straight between neighbours, else an arc, even spans above and odd spans below."""
    color, width = (MARK, 2.8) if marked else (INK, 1.2)
    ends: tuple[tuple[float, float], tuple[float, float]]
    if span == 1:
        ends, bend, at = ((start + BOX_WIDTH / 2, 0), (end - BOX_WIDTH / 2, 0)), 0.0, 0.16
    else:
        side = 1 if span % 2 == 0 else -1
        edge = side * BOX_HEIGHT / 2
        ends = (start + 0.25, edge), (end - 0.25, edge)
        rise = 0.35 + 0.42 * span
        bend, at = -side * 2 * (rise - 0.15) / (end - start - 0.5), edge + side * (rise - 0.15)
    arrow = FancyArrowPatch(
        *ends,
        connectionstyle=f"arc3,rad={bend}",
        arrowstyle="-|>",
        mutation_scale=11,
        shrinkA=0,
        shrinkB=0,
        color=color,
        linewidth=width,
        zorder=2,
    )
    axes.add_patch(arrow)
    if label:
        paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.85}
        style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 8, "color": color, "zorder": 5}
        axes.text((start + end) / 2, at, label, bbox=paper, **style)
