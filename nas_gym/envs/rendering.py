"""Drawings of architectures: boxes in a row, links between them, the last edit marked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.text import Text

from nas_gym.search_spaces import Architecture, Drawing, Edit, Link, SearchSpace

INK, MARK, PLAIN = "#1f2933", "#d9480f", "#eef1f4"
# Okabe & Ito's palette, lightened, so that drawings read the same to the colour-blind.
FILLS = ("#b3d9f2", "#fbe3b0", "#b8e3d4", "#f6cfe2", "#d6d3f0", "#f9cdb8", "#e4ecb6", "#cfe8ef")
BOX_WIDTH, BOX_HEIGHT, GAP, MARGIN = 1.5, 0.7, 0.6, 0.2
DPI = 100
# Inches of a unit, of the title's height and a letter of it; a figure is at most so wide and so high.
INCHES, TITLE_HEIGHT, LETTER, LARGEST = 0.8, 1.1, 0.08, 24.0
LETTERS_OF_A_BOX = 16
SAMPLES, LONGEST_WALK = 32, 100


@dataclass(frozen=True, slots=True)
class Room:
    """What a drawing takes, or what all drawings of a search space have, in units of a box's coordinates.

    Attributes:
        width: from the left of the first box to the right of the last.
        above, below: from the boxes' middle to the highest and the lowest link.
        title: the letters of the longest title.
    """

    width: float
    above: float
    below: float
    title: int = 0

    @property
    def pixels(self) -> tuple[int, int]:
        """Width and height of a frame; even numbers, which video codecs want."""
        width = max(4.0, self.width * INCHES, self.title * LETTER + MARGIN)
        height = INCHES * (self.above + self.below) + TITLE_HEIGHT
        return 2 * round(DPI / 2 * min(width, LARGEST)), 2 * round(DPI / 2 * min(height, LARGEST))

    def joined(self, other: Room) -> Room:
        """Return the room for both."""
        return Room(*(max(pair) for pair in zip(astuple(self), astuple(other), strict=True)))


def room_of(search_space: SearchSpace[Any]) -> Room:
    """Return the room that drawings of a search space share, so that its frames have one size.

    It is that of the largest architecture that edits which add lead to, of the members and of a few
    samples; a drawing that needs more is made smaller to fit.
    """
    rng = np.random.default_rng(0)
    samples = [search_space.sample(rng) for _ in range(SAMPLES)]
    title = max(len(_title(edit)) for edit in search_space.actions)
    room = Room(0.0, 0.0, 0.0, title)
    for architecture in (*_growing(search_space), *search_space.members().values(), *samples):
        room = room.joined(_room(search_space.drawing(architecture)))
    return room


def draw(
    search_space: SearchSpace[Any],
    architecture: Architecture,
    edit: Edit | None = None,
    room: Room | None = None,
) -> Figure:
    """Return a drawing of an architecture, from the input at the left to the output at the right.

    Choices for the whole network are boxes without links behind the output.

    Args:
        search_space: the space of the architecture.
        architecture: what to draw.
        edit: the edit that led to it; its place is marked in orange.
        room: room for all drawings (see `room_of`), for figures of one size; None for what this one needs.

    Returns:
        A Matplotlib figure on the Agg canvas, in no global state.
    """
    drawing, sketch = search_space.drawing(architecture), search_space.sketch(architecture)
    marked = drawing.shown(() if edit is None else sketch.place(edit.place))
    needed, step = _room(drawing), _step(drawing)
    figure = Figure(figsize=_inches(needed, room), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.set_aspect("equal", anchor="C" if room is None else "W")
    shown = needed if room is None else needed.joined(room)
    left = -BOX_WIDTH / 2 - MARGIN
    axes.set_xlim(left, left + shown.width)
    axes.set_ylim(-shown.below, shown.above)
    for link in drawing.links:
        _link(axes, drawing, link, step, marked=marked is link)
    for box in drawing.joined:
        ends = (box * step + BOX_WIDTH / 2, (box + 0.5) * step)
        axes.plot(ends, (0, 0), color=INK, linewidth=1.2, zorder=2)
    items = (*drawing.boxes, *(note for note in drawing.notes if note.label))
    for number, (item, label, kind) in enumerate(zip(items, *drawing.row, strict=True)):
        fill = PLAIN if kind is None else FILLS[kind % len(FILLS)]
        _box(axes, number * step, label, fill, marked=marked is item)
    title = axes.set_title("" if edit is None else _title(edit), fontsize=10, color=MARK, loc="left")
    if room is not None:
        _fit(figure, axes, title, shown)
    return figure


def figure_to_array(figure: Figure) -> np.ndarray:
    """Return the pixels of a figure: uint8 (height, width, 3)."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())
    return pixels[..., :3].copy()


def _title(edit: Edit) -> str:
    return "" if edit.kind == "keep" else f"last edit: {edit}"


def _room(drawing: Drawing) -> Room:
    """Return the room that a drawing needs."""
    width = _step(drawing) * (len(drawing.row[0]) - 1) + BOX_WIDTH + 2 * MARGIN
    return Room(width, _height(drawing, above=True), _height(drawing, above=False))


def _inches(needed: Room, room: Room | None) -> tuple[float, float]:
    """Return the size of a figure."""
    if room is None:
        return max(4.0, needed.width * INCHES), INCHES * (needed.above + needed.below) + TITLE_HEIGHT
    # A little more than whole pixels, of which Matplotlib keeps the whole ones.
    width, height = room.pixels
    return (width + 0.1) / DPI, (height + 0.1) / DPI


def _growing(search_space: SearchSpace[Any]) -> Iterator[Any]:
    """Yield architectures from the smallest on, each by the first edit that adds to the one before."""
    adds = [number for number, edit in enumerate(search_space.actions) if edit.kind == "add"]
    here, seen = search_space.smallest(), set[str]()
    while here is not None and str(here) not in seen and len(seen) < LONGEST_WALK:
        seen.add(str(here))
        yield here
        found = (search_space.edited(here, number) for number in adds)
        here = next((after for after in found if after is not None), None)


def _fit(figure: Figure, axes: Axes, title: Text, shown: Room) -> None:
    """Make texts as much smaller as the drawing is, and the title as the figure's width asks."""
    width, height = figure.get_size_inches()
    scale = min(
        1.0, width / (INCHES * shown.width), (height - TITLE_HEIGHT) / (INCHES * (shown.above + shown.below))
    )
    for text in axes.texts:
        text.set_fontsize(text.get_fontsize() * scale)
    needed = title.get_window_extent(figure.canvas.get_renderer()).width / DPI  # type: ignore[attr-defined]
    if needed > width - MARGIN:
        title.set_fontsize(title.get_fontsize() * (width - MARGIN) / needed)


def _step(drawing: Drawing) -> float:
    """Return the distance between boxes; wider where links between neighbours carry labels."""
    labelled = any(link.label and not link.passes for link in drawing.links)
    return BOX_WIDTH + (1.9 if labelled else GAP)


def _height(drawing: Drawing, *, above: bool) -> float:
    spans = [abs(link.span) for link in drawing.links if link.passes and _is_above(link) == above]
    return BOX_HEIGHT / 2 + 0.25 + (0.35 + 0.42 * max(spans) if spans else 0.0)


def _is_above(link: Link) -> bool:
    """Return whether the arc of a link is above the boxes: an even span forwards, an odd one backwards."""
    return (link.span % 2 == 0) == (link.span > 0)


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
    lines = label.replace("-", "\n", 1)
    size = min(9.0, 9.0 * LETTERS_OF_A_BOX / max(map(len, lines.split("\n"))))
    axes.text(x, 0, lines, ha="center", va="center", fontsize=size, color=INK, zorder=4)


def _link(axes: Axes, drawing: Drawing, link: Link, step: float, *, marked: bool) -> None:
    """Draw an arrow: straight between neighbours, else an arc above or below the boxes.

    A sum ends behind its target, where links to others begin, too.
    """
    color, width = (MARK, 2.8) if marked else (INK, 1.2)
    start, end = link.source * step, link.target * step
    ends: tuple[tuple[float, float], tuple[float, float]]
    if not link.passes:
        ends, bend, at = ((start + BOX_WIDTH / 2, 0), (end - BOX_WIDTH / 2, 0)), 0.0, 0.16
    else:
        side, behind = 1 if _is_above(link) else -1, step / 2
        edge, aside = side * BOX_HEIGHT / 2, math.copysign(0.25, link.span)
        first = (start + behind, 0.0) if link.source in drawing.joined else (start + aside, edge)
        last = (end + behind, 0.0) if link.kind == "sum" else (end - aside, edge)
        ends = first, last
        rise = 0.35 + 0.42 * abs(link.span)
        bend, at = -side * 2 * (rise - 0.15) / (last[0] - first[0]), edge + side * (rise - 0.15)
    arrow = FancyArrowPatch(
        *ends,
        connectionstyle=f"arc3,rad={bend}",
        arrowstyle="-|>",
        mutation_scale=11,
        shrinkA=0,
        shrinkB=0,
        color=color,
        linewidth=width,
        linestyle="dashed" if link.kind == "attention" else "solid",
        zorder=2,
    )
    axes.add_patch(arrow)
    if link.label:
        paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.85}
        style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 8, "color": color, "zorder": 5}
        axes.text((start + end) / 2, at, link.label, bbox=paper, **style)
