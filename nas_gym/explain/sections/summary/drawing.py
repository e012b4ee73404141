"""The found network as a drawing, with the choices that make it good marked where they are."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path
from matplotlib.textpath import TextPath

from nas_gym.explain.report import style
from nas_gym.explain.report.phrases import counted
from nas_gym.explain.section import Figure
from nas_gym.explain.sections.summary.layout import Layout, layout_of
from nas_gym.search_spaces import Architecture, SearchSpace, Sketch

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

HEIGHT, GAP, LABELLED_GAP = 0.5, 0.3, 0.55
WIDTH, NOTES = 7.0, 2.75
NOTE_LETTERS, NARROW_NOTE_LETTERS = 38, 40
NOTE_HEIGHT = 0.75
BESIDE, POINTS = 0.06, 72  # inches at each side of a label, points of an inch
Place = tuple[int, ...]


def network_figure(
    space: SearchSpace[Any], architecture: Architecture, marks: Sequence[Mark], answers: str
) -> Figure:
    """Return a drawing of the network from its input at the top to its output, with the marked choices.

    Args:
        space: search space of the network.
        architecture: the network.
        marks: choices in order of importance.
        answers: what the network answers with, in words: ``"10 classes"``.
    """
    sketch, words = space.sketch(architecture), space.describe(architecture).words
    network = space.network(architecture)
    total = sum(node.parameters for node in network.nodes)
    inside = set(sketch.box_layers)
    beside = sum(node.parameters for node in network.nodes if node.layer not in inside)
    notes = "; ".join(f"{number}, {mark.title}, {mark.note}" for number, mark in enumerate(marks, 1))
    labelled = any(label and j - i == 1 for i, j, label in sketch.links)
    step = HEIGHT + (LABELLED_GAP if labelled else GAP)
    tall = step * (len(sketch.boxes) - 1) + HEIGHT
    wide, narrow = layout_of(sketch, is_narrow=False), layout_of(sketch, is_narrow=True)
    skips = " Lines at the left are shortcuts." if wide.apexes and not wide.words else ""
    return Figure(
        "network",
        f"The found network, from what goes in to what comes out, with {counted(total, 'trained weight')}"
        + (f", {beside:,} of them in shortcuts." if beside else ".")
        + skips
        + {0: "", 1: " The circle marks the choice that matters."}.get(
            len(marks), " The circles mark the choices whose change costs most, in this order."
        ),
        f"It is {words}.{f' Marked: {notes}.' if marks else ''}",
        lambda canvas: _draw(
            canvas, space, architecture, narrow if style.is_narrow(canvas) else wide, marks, step, answers
        ),
        (WIDTH, max(tall, 0.75 * len(marks)) + 0.3),
        tall + 0.35 + NOTE_HEIGHT * len(marks),
    )


def _draw(
    canvas: Canvas,
    space: SearchSpace[Any],
    architecture: Architecture,
    layout: Layout,
    marks: Sequence[Mark],
    step: float,
    answers: str,
) -> None:
    axes = canvas.add_axes((0.0, 0.0, 1.0, 1.0))
    canvas.set_layout_engine("none")
    axes.set_axis_off()
    width, height = canvas.get_size_inches()
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    is_narrow, sketch, box = style.is_narrow(canvas), space.sketch(architecture), layout.box
    middle = layout.reach + box / 2 + (0.1 if is_narrow else 0.15)
    if not marks and not layout.words:
        middle = (width + layout.reach) / 2
    tops = [0.15 + step * number for number in range(len(sketch.boxes))]
    marked: dict[Place, list[int]] = {}
    for number, mark in enumerate(marks, 1):
        marked.setdefault(mark.place, []).append(number)
    parts = space.describe(architecture).parts
    for source, target, _ in sketch.links:
        apex = middle - box / 2 - layout.apexes.get((source, target), 0.0)
        numbers = marked.get((source, target), [])
        words = textwrap.wrap(_without_article(parts.get((source, target), "")), layout.words or 1)
        text = "\n".join(words) if layout.words else ""
        _link(axes, middle - box / 2, apex, middle, tops, (source, target), text, numbers)
    labels = _labels(space, architecture, sketch, answers, layout.letters)
    for number, (top, lines) in enumerate(zip(tops, labels, strict=True)):
        _box(axes, middle, top, box, lines, marked.get((number,), []))
    if () in marked:
        bracket(axes, middle + box / 2 + 0.24, tops[1], tops[-2] + HEIGHT, marked[()])
    if is_narrow:
        notes_of(axes, 0.2, tops[-1] + HEIGHT + 0.2, height, marks, NARROW_NOTE_LETTERS)
    else:
        notes_of(axes, max(middle + box / 2 + 0.75, width - NOTES - 0.6), 0.0, height, marks, NOTE_LETTERS)


def _labels(
    space: SearchSpace[Any], architecture: Architecture, sketch: Sketch, answers: str, letters: int
) -> list[list[str]]:
    """Return the lines of each box, of so many letters: what it is, and how many weights its nodes have."""
    weights = Counter[str]()
    for node in space.network(architecture).nodes:
        weights[node.layer] += node.parameters
    last = len(sketch.boxes) - 1
    ends = {0: f"input: {space.input_words}", last: f"output: {answers}"}
    labels, parts = [], space.describe(architecture).parts
    for number, layer in enumerate(sketch.box_layers):
        name = ends.get(number) or _without_article(parts[number,])
        count = weights[layer] if layer else 0
        small = [counted(count, "weight")] if count else []
        labels.append([*textwrap.wrap(name, letters), *small])
    return labels


def _without_article(words: str) -> str:
    return re.sub(r"^an? ", "", words)


def _box(axes: Axes, x: float, top: float, width: float, lines: Sequence[str], marks: Sequence[int]) -> None:
    axes.add_patch(
        FancyBboxPatch(
            (x - width / 2, top),
            width,
            HEIGHT,
            boxstyle="round,pad=0,rounding_size=0.09",
            facecolor=style.faint(),
            edgecolor=style.good() if marks else style.muted(),
            linewidth=2.4 if marks else 0.9,
            zorder=3,
        )
    )
    spread = min(0.165, 0.45 / len(lines)) if len(lines) > 2 else 0.165
    size = {1: 9.0, 2: 9.0, 3: 7.5}.get(len(lines), 7.0)
    for number, line in enumerate(lines):
        is_small = number > 0 and line.endswith(("weight", "weights"))
        axes.text(
            x,
            top + HEIGHT / 2 + spread * (number - (len(lines) - 1) / 2),
            line,
            ha="center",
            va="center",
            fontsize=_fitting(line, min(size, 7.5) if is_small else size, width - 2 * BESIDE),
            color=style.ink(),
            zorder=4,
        )
    badges(axes, x + width / 2, top + HEIGHT / 2, marks)


def _fitting(line: str, size: float, width: float) -> float:
    """Return the size of letters, at most `size`, at which a line is no wider than so many inches."""
    wide = TextPath((0, 0), line, size=size).get_extents().width / POINTS
    return size * min(1.0, width / wide) if wide > 0 else size


def _link(
    axes: Axes,
    left: float,
    apex: float,
    middle: float,
    tops: Sequence[float],
    ends: tuple[int, int],
    text: str,
    marks: Sequence[int],
) -> None:
    """Draw an arrow down to the next box, or around the boxes between at their left."""
    source, target = ends
    colour, width = (style.good(), 2.4) if marks else (style.muted(), 1.2)
    looks: dict[str, Any] = {
        "arrowstyle": "-|>",
        "mutation_scale": 10,
        "shrinkA": 0,
        "shrinkB": 0,
        "color": colour,
        "linewidth": width,
        "zorder": 2,
    }
    if target - source == 1:
        start, end = tops[source] + HEIGHT, tops[target]
        axes.add_patch(FancyArrowPatch((middle, start), (middle, end), **looks))
        at = (middle + 0.12 + (0.2 if marks else 0.0), (start + end) / 2)
        axes.text(*at, text, ha="left", va="center", fontsize=7.5, color=style.ink(), linespacing=1.05)
    else:
        start, end = tops[source] + HEIGHT * 0.7, tops[target] + HEIGHT * 0.3
        axes.add_patch(FancyArrowPatch(path=_around(left, apex, start, end), **looks))
        at = (apex, (start + end) / 2)
        page = {"facecolor": style.paper(), "edgecolor": "none", "pad": 1.5}
        if text:
            axes.text(
                *at,
                text,
                ha="center",
                va="center",
                fontsize=7.5,
                color=style.ink(),
                bbox=page,
                zorder=3,
                linespacing=1.05,
            )
            at = (apex, at[1] - 0.3)
    badges(axes, at[0] - (0.3 if target - source == 1 else 0.0), at[1], marks)


def _around(left: float, apex: float, start: float, end: float) -> Path:
    """Return a path to the left, down and back to the right, with round corners."""
    round_ = 0.1
    points = [
        (left, start),
        (apex + round_, start),
        (apex, start),
        (apex, start + round_),
        (apex, end - round_),
        (apex, end),
        (apex + round_, end),
        (left, end),
    ]
    line, curve = Path.LINETO, Path.CURVE3
    return Path(points, [Path.MOVETO, line, curve, curve, line, curve, curve, line])


@dataclass(frozen=True, slots=True)
class Mark:
    """A choice that is marked in the drawing.

    Attributes:
        place: a box or the two ends of a link, in the numbering of the sketch; () for all boxes.
        title: the choice in a few words.
        note: the evidence for it in a few words.
    """

    place: Place
    title: str
    note: str


def bracket(axes: Axes, x: float, top: float, bottom: float, marks: Sequence[int]) -> None:
    """Draw a line along all layers, for their number."""
    axes.plot(
        [x - 0.08, x, x, x - 0.08], [top, top, bottom, bottom], color=style.good(), linewidth=1.8, zorder=2
    )
    badges(axes, x, (top + bottom) / 2, marks)


def badges(axes: Axes, x: float, y: float, numbers: Sequence[int]) -> None:
    """Draw badges beside each other, around a place."""
    for number, badge in enumerate(numbers):
        _badge(axes, x + 0.24 * (number - (len(numbers) - 1) / 2), y, badge)


def _badge(axes: Axes, x: float, y: float, number: int) -> None:
    axes.plot([x], [y], "o", markersize=15, color=style.good(), markeredgecolor=style.paper(), zorder=5)
    axes.text(
        x,
        y,
        str(number),
        ha="center",
        va="center_baseline",
        fontsize=9,
        weight="bold",
        color=style.paper(),
        zorder=6,
    )


def notes_of(axes: Axes, x: float, above: float, height: float, marks: Sequence[Mark], letters: int) -> None:
    """Draw the marked choices with the evidence for them, from `above` down, in lines of `letters`."""
    every = min(1.05, (height - above - 0.1) / max(1, len(marks)))
    top = above + (height - above - every * len(marks)) / 2
    for number, mark in enumerate(marks, 1):
        y = top + every * (number - 0.5)
        _badge(axes, x, y - 0.14, number)
        title, *more = textwrap.wrap(mark.title, letters)
        axes.text(
            x + 0.24, y - 0.14, title, va="center", fontsize=9, weight="bold", color=style.ink(), zorder=4
        )
        for line, text in enumerate([*more, *textwrap.wrap(mark.note, letters)]):
            axes.text(x + 0.24, y + 0.06 + 0.17 * line, text, va="center", fontsize=8.5, color=style.muted())
