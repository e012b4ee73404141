"""Numbered badges at what is marked in a drawing, and the notes that they stand for."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nas_gym.explain.report import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Place = tuple[int, ...]


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
