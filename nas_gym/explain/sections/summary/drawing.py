"""The found network as a drawing, with the choices that make it good marked where they are."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from matplotlib.patches import FancyBboxPatch
from matplotlib.textpath import TextPath

from nas_gym.explain.report import style
from nas_gym.explain.report.phrases import counted
from nas_gym.explain.section import Figure
from nas_gym.explain.sections.summary.badges import Mark, badges, bracket, notes_of
from nas_gym.explain.sections.summary.key import Row, draw_key, draw_sign, height_of, rows_of
from nas_gym.explain.sections.summary.layout import (
    HEIGHT,
    NARROW_WIDTH,
    SIGN,
    Layout,
    layout_of,
)
from nas_gym.explain.sections.summary.links import draw_link, draw_sum
from nas_gym.networks import Node
from nas_gym.search_spaces import Architecture, Drawing, SearchSpace

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

WIDTH, NOTES = 7.0, 2.75
NOTE_LETTERS, NARROW_NOTE_LETTERS = 38, 40
NOTE_HEIGHT = 0.75
KEY, LEFT = 4.6, 0.2  # least width of a key, and its left edge where it needs the room
BESIDE, POINTS = 0.06, 72  # inches at each side of a label, points of an inch


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
    drawing, words = space.drawing(architecture), space.describe(architecture).words
    nodes = space.network(architecture).nodes
    total = sum(node.parameters for node in nodes)
    beside = sum(node.parameters for node in nodes if node.layer.startswith("skip"))
    page, phone = (_Page.of(drawing, marks, is_narrow=is_narrow) for is_narrow in (False, True))
    labels = _Labels(
        {0: f"input: {space.input_words}", len(drawing.boxes) - 1: f"output: {answers}"},
        _weights(drawing, nodes),
    )
    notes = "; ".join(f"{number}, {mark.title}, {mark.note}" for number, mark in enumerate(marks, 1))
    return Figure(
        "network",
        f"The found network, from what goes in to what comes out, with {counted(total, 'trained weight')}"
        + (f", {beside:,} of them in shortcuts." if beside else ".")
        + _below(drawing, len(page.key))
        + {0: "", 1: " The circle marks the choice that matters."}.get(
            len(marks), " The circles mark the choices whose change costs most, in this order."
        ),
        f"It is {words}.{f' Marked: {notes}.' if marks else ''}",
        lambda canvas: _draw(canvas, drawing, phone if style.is_narrow(canvas) else page, labels, marks),
        (WIDTH, page.column + height_of(page.key) + 0.15),
        phone.layout.tall + height_of(phone.key) + 0.2 + NOTE_HEIGHT * len(marks),
    )


@dataclass(frozen=True, slots=True)
class _Page:
    """How a drawing lies on a page or a phone, inches.

    Attributes:
        layout: places of the boxes.
        middle: middle of the boxes.
        column: height of the boxes, and of the notes beside them on a page.
        key: rows below the boxes.
        left: left edge of the key.
    """

    layout: Layout
    middle: float
    column: float
    key: Sequence[Row]
    left: float

    @classmethod
    def of(cls, drawing: Drawing, marks: Sequence[Mark], *, is_narrow: bool) -> _Page:
        layout = layout_of(drawing, is_narrow=is_narrow)
        width = NARROW_WIDTH if is_narrow else WIDTH
        middle = layout.reach + layout.box / 2 + (0.1 if is_narrow else 0.15)
        if not marks and not layout.words:
            middle = (width + layout.reach) / 2
        left = middle - layout.box / 2 - layout.reach
        left = LEFT if is_narrow else max(LEFT, min(left, width - KEY))
        column = layout.tall if is_narrow else max(layout.tall, 0.75 * len(marks))
        return cls(layout, middle, column, rows_of(drawing, width - left - LEFT), left)


@dataclass(frozen=True, slots=True)
class _Labels:
    """What the boxes of a drawing say.

    Attributes:
        ends: words of the input and the output, by number.
        weights: words on the weights of a box, by number; none for a box without.
    """

    ends: Mapping[int, str]
    weights: Mapping[int, str]

    def lines(self, drawing: Drawing, number: int, letters: int) -> tuple[list[str], list[str]]:
        """Return the lines of a box, each of so many letters: what it is, and its weights."""
        box = drawing.boxes[number]
        name = self.ends.get(number) or _without_article(box.words or box.label)
        return textwrap.wrap(name, letters), textwrap.wrap(self.weights.get(number, ""), letters)


def _draw(canvas: Canvas, drawing: Drawing, page: _Page, labels: _Labels, marks: Sequence[Mark]) -> None:
    axes = canvas.add_axes((0.0, 0.0, 1.0, 1.0))
    canvas.set_layout_engine("none")
    axes.set_axis_off()
    width, height = canvas.get_size_inches()
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    layout, middle = page.layout, page.middle
    marked: dict[int, list[int]] = {}
    for number, mark in enumerate(marks, 1):
        marked.setdefault(id(drawing.shown(mark.place)), []).append(number)
    for number, link in enumerate(drawing.links):
        words = textwrap.wrap(_without_article(link.words), layout.words or 1)
        text = "\n".join(words) if layout.words else ""
        draw_link(axes, drawing, layout, middle, number, text, marked.get(id(link), []))
    for number in drawing.joined:
        draw_sum(axes, layout, middle, number)
    for number, box in enumerate(drawing.boxes):
        names, weights = labels.lines(drawing, number, layout.letters(is_marked=bool(box.mark)))
        _box(axes, middle, layout, number, names, weights, box.mark, marked.get(id(box), []))
    draw_key(axes, page.key, page.left, page.column, marked)
    whole = marked.get(id(None), [])
    if whole:
        top, bottom = layout.tops[drawing.layers[0]], layout.tops[drawing.layers[-1]] + HEIGHT
        most = max((len(marked.get(id(box), [])) for box in drawing.boxes), default=0)
        bracket(axes, middle + layout.box / 2 + 0.22 + 0.12 * max(0, most - 1), top, bottom, whole)
    if style.is_narrow(canvas):
        notes_of(axes, LEFT, page.column + height_of(page.key) + 0.15, height, marks, NARROW_NOTE_LETTERS)
    else:
        left = max(middle + layout.box / 2 + 0.75, width - NOTES - 0.6)
        notes_of(axes, left, 0.0, page.column, marks, NOTE_LETTERS)


def _below(drawing: Drawing, rows: int) -> str:
    """Return a sentence on what a key of so many rows tells; "" without rows."""
    told = ["what holds for all of it"] if drawing.notes else []
    told += ["what its lines and signs mean"] if rows > len(drawing.notes) else []
    return f" Below it stands {' and '.join(told)}." if told else ""


def _weights(drawing: Drawing, nodes: Sequence[Node]) -> dict[int, str]:
    """Return words on the weights of boxes, by number; of several boxes of one layer the last has them."""
    counts = Counter[str]()
    for node in nodes:
        counts[node.layer] += node.parameters
    found = {}
    for number, box in enumerate(drawing.boxes):
        same = [other for other, each in enumerate(drawing.boxes) if each.layer == box.layer]
        if box.layer and counts[box.layer] and number == same[-1]:
            together = f" with the {len(same) - 1 if len(same) > 2 else 'box'} above" if same[1:] else ""
            found[number] = counted(counts[box.layer], "weight") + together
    return found


def _without_article(words: str) -> str:
    return re.sub(r"^an? ", "", words)


def _box(
    axes: Axes,
    x: float,
    layout: Layout,
    number: int,
    names: Sequence[str],
    weights: Sequence[str],
    sign: str,
    marks: Sequence[int],
) -> None:
    """Draw a box with lines of what it is, and of its weights in smaller letters."""
    top, width = layout.tops[number], layout.box
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
    if sign:
        draw_sign(axes, sign, x - width / 2 + SIGN / 2 + 0.03, top + HEIGHT / 2)
    room, lines = width - SIGN * bool(sign), [*names, *weights]
    spread = min(0.165, 0.45 / len(lines)) if len(lines) > 2 else 0.165
    size = {1: 9.0, 2: 9.0, 3: 7.5, 4: 7.0}.get(len(lines), 6.0)
    for place, line in enumerate(lines):
        is_small = place >= len(names)
        axes.text(
            x + (width - room) / 2,
            top + HEIGHT / 2 + spread * (place - (len(lines) - 1) / 2),
            line,
            ha="center",
            va="center",
            fontsize=_fitting(line, min(size, 7.5) if is_small else size, room - 2 * BESIDE),
            color=style.ink(),
            zorder=4,
        )
    badges(axes, x + width / 2, top + HEIGHT / 2, marks)


def _fitting(line: str, size: float, width: float) -> float:
    """Return the size of letters, at most `size`, at which a line is no wider than so many inches."""
    wide = size * _wide(line)
    return size * min(1.0, width / wide) if wide > 0 else size


@cache
def _wide(line: str) -> float:
    """Return the width of a line, inches, in letters of one point; measuring takes most of the time."""
    return float(TextPath((0, 0), line, size=10).get_extents().width) / 10 / POINTS
