"""Long names in figures: what stands at an axis fits there, and the whole name is its tooltip."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING

from matplotlib.ticker import FixedLocator

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure as Canvas
    from matplotlib.text import Text

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
LETTERS, MOST_LETTERS = 28, 46
MOST_TICKS = 30
MOST_LINES = 3
NARROW_LETTERS = 19
INCHES_PER_LETTER = 0.075
SMALL = 7
WHOLE = "whole-"
"""Start of the SVG id that carries the whole name, in hexadecimal digits, until it becomes a title."""


def shortened(name: str, letters: int = LETTERS) -> str:
    """Return a name that fits a label: its middle is left out where it has more than `letters`.

    Names that belong together often begin alike and differ at the end, so both ends are kept.
    """
    if len(name) <= letters:
        return name
    tail = (letters - 1) // 2
    return f"{name[: letters - 1 - tail].rstrip()}{ELLIPSIS}{name[len(name) - tail :].lstrip()}"


def labels(names: Sequence[str], letters: int = LETTERS) -> list[str]:
    """Return labels of at most `letters` that tell the names apart where the names differ.

    Names that would look alike without their middle are shown by the part in which they differ; those
    that even so look alike end with their place among the names.
    """
    found = [shortened(name, letters) for name in names]
    again = _alike(names, found)
    found = [
        _differing(name, again[label], letters) if label in again else label
        for name, label in zip(names, found, strict=True)
    ]
    again, places = _alike(names, found), {name: names.index(name) + 1 for name in names}
    return [
        _numbered(name, places[name], letters) if label in again else label
        for name, label in zip(names, found, strict=True)
    ]


def name_ticks(axis: Axis, names: Sequence[str], letters: int = LETTERS) -> None:
    """Put names at the places 0, 1, 2, ... of an axis, at every few where they are too many to read."""
    every = -(-len(names) // MOST_TICKS)
    axis.set_ticks(range(0, len(names), every), labels(names, letters)[::every])
    for text, name in zip(axis.get_ticklabels(), names[::every], strict=True):
        note_whole(text, name)


def note_whole(text: Text, name: str) -> None:
    """Let the SVG have the whole name as a title, where the text is not it already."""
    if text.get_text() != name:
        text.set_gid(WHOLE + name.encode().hex())


def fit_ticks(canvas: Canvas, letters: int = MOST_LETTERS) -> None:
    """Shorten what is too long at any axis whose texts were set by hand."""
    for axes in canvas.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if not isinstance(axis.get_major_locator(), FixedLocator):
                continue
            texts = axis.get_ticklabels()
            names = [text.get_text() for text in texts]
            if max((len(line) for name in names for line in name.split("\n")), default=0) > letters:
                axis.set_ticks(axis.get_majorticklocs(), labels(names, letters))
                for text, name in zip(axis.get_ticklabels(), names, strict=True):
                    note_whole(text, name)


def fit_narrow(canvas: Canvas) -> None:
    """Wrap what stands at the axes of a figure for a phone: names, and titles of axes, in some lines."""
    width, height = canvas.get_size_inches()
    for axes in canvas.axes:
        place = axes.get_subplotspec()
        rows, columns = place.get_gridspec().get_geometry() if place is not None else (1, 1)
        _wrap_names(axes.yaxis, NARROW_LETTERS)
        names = [line for text in axes.get_yticklabels() for line in text.get_text().split("\n")]
        room = INCHES_PER_LETTER * max(map(len, names), default=0)
        across = max(10, int(((width - room) / columns - 0.1) / INCHES_PER_LETTER))
        along = max(10, int(0.8 * height / rows / INCHES_PER_LETTER))
        axes.set_xlabel(textwrap.fill(axes.get_xlabel(), across, break_long_words=False))
        axes.set_ylabel(textwrap.fill(axes.get_ylabel(), along, break_long_words=False))


def _wrap_names(axis: Axis, letters: int) -> None:
    """Wrap names that were set by hand into up to three lines, and shorten what is too long for these."""
    if not isinstance(axis.get_major_locator(), FixedLocator):
        return
    texts = axis.get_ticklabels()
    names = [text.get_text() for text in texts]
    is_hidden = bool(texts) and not texts[0].get_visible()
    if is_hidden or max(map(len, names), default=0) <= letters or any("\n" in name for name in names):
        return
    noted = [text.get_gid() for text in texts]
    short = labels(names, MOST_LINES * letters - 8)
    lines = ["\n".join(textwrap.wrap(name, letters, break_on_hyphens=False)[:MOST_LINES]) for name in short]
    axis.set_ticks(axis.get_majorticklocs(), lines)
    for text, name, whole, gid in zip(axis.get_ticklabels(), short, names, noted, strict=True):
        if gid is not None:
            text.set_gid(gid)
        elif name != whole:
            note_whole(text, whole)
        text.set_linespacing(1.0)
        if "\n" in text.get_text():
            text.set_fontsize(SMALL)


def _alike(names: Sequence[str], found: Sequence[str]) -> dict[str, list[str]]:
    """Return the names of each label that different names have."""
    whole: dict[str, set[str]] = {}
    for name, label in zip(names, found, strict=True):
        whole.setdefault(label, set()).add(name)
    return {label: sorted(alike) for label, alike in whole.items() if len(alike) > 1}


def _differing(name: str, alike: Sequence[str], letters: int) -> str:
    """Return the part in which a name differs from those that look alike, with what is around it."""
    begin = _shared(alike)
    end = len(name) - _shared([each[begin:][::-1] for each in alike])
    room = letters - 2
    start = max(0, min(begin, end - room, begin - (room - min(room, end - begin)) // 2))
    part = name[start : start + room]
    before = ELLIPSIS if start else ""
    after = ELLIPSIS if start + room < len(name) else ""
    return f"{before}{part}{after}"


def _shared(texts: Sequence[str]) -> int:
    """Return how many letters all texts begin with alike."""
    columns = zip(*texts, strict=False)
    return sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))


def _numbered(name: str, number: int, letters: int) -> str:
    """Return the beginning of a name and a number."""
    end = f" ({number})"
    return f"{name[: letters - len(end) - 1].rstrip()}{ELLIPSIS}{end}"
