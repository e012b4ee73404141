"""What stands below a drawn network: the choices for all of it, and what its lines and signs mean."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.patches import FancyArrowPatch

from nas_gym.explain.report import style
from nas_gym.explain.sections.summary.badges import badges
from nas_gym.explain.sections.summary.links import looks_of, plus
from nas_gym.search_spaces import LINK_WORDS, MARK_WORDS, Drawing, Note

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINE, BETWEEN, BEFORE, ICON = 0.16, 0.12, 0.2, 0.42
"""Height of a line, room between two rows, room above all, width of the signs; inches."""
LETTER = 0.062


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the key.

    Attributes:
        lines: its words.
        of: the note that it tells, or the kind of the links or the sign that it explains.
    """

    lines: tuple[str, ...]
    of: Note | str


def rows_of(drawing: Drawing, width: float) -> list[Row]:
    """Return the rows of a key of so many inches: the notes, the lines, the signs."""
    letters = int((width - ICON) / LETTER)
    told: list[tuple[str, Note | str]] = [(f"{note.title}: {note.words}", note) for note in drawing.notes]
    kinds = {link.kind for link in drawing.links}
    told += [(words, kind) for kind, words in LINK_WORDS.items() if kind in kinds]
    signs = {box.mark for box in drawing.boxes}
    told += [(words, sign) for sign, words in MARK_WORDS.items() if sign in signs]
    return [Row(tuple(textwrap.wrap(words, letters)), of) for words, of in told]


def height_of(rows: Sequence[Row]) -> float:
    """Return the height of a key, inches; 0 without rows."""
    return BEFORE + sum(LINE * len(row.lines) + BETWEEN for row in rows) if rows else 0.0


def draw_key(axes: Axes, rows: Sequence[Row], x: float, top: float, marked: Mapping[int, list[int]]) -> None:
    """Draw a key.

    Args:
        axes: where to, in inches from the top.
        rows: its rows.
        x: its left edge.
        top: its upper edge.
        marked: numbers of the marks of each note, by the id of the note.
    """
    y = top + BEFORE
    for row in rows:
        middle = y + LINE / 2
        if isinstance(row.of, Note):
            numbers = marked.get(id(row.of), [])
            if numbers:
                badges(axes, x + ICON / 2 - 0.02, middle, numbers)
            else:
                axes.plot([x + ICON - 0.16], [middle], "s", markersize=3.5, color=style.muted())
        elif row.of in MARK_WORDS:
            draw_sign(axes, row.of, x + ICON / 2 - 0.02, middle)
        else:
            _sample(axes, row.of, x, middle)
        for number, line in enumerate(row.lines):
            at = (x + ICON, middle + LINE * number)
            axes.text(*at, line, ha="left", va="center", fontsize=7.5, color=style.ink())
        y += LINE * len(row.lines) + BETWEEN


def _sample(axes: Axes, kind: str, x: float, y: float) -> None:
    """Draw a short line of a kind of link."""
    end = x + ICON - (0.26 if kind == "sum" else 0.09)
    axes.add_patch(
        FancyArrowPatch(
            (x, y), (end, y), arrowstyle="-|>", mutation_scale=8, shrinkA=0, shrinkB=0, **looks_of(kind)
        )
    )
    if kind == "sum":
        plus(axes, end + 0.075, y)


def draw_sign(axes: Axes, sign: str, x: float, y: float) -> None:
    """Draw a sign, one of `MARK_WORDS`, around a place."""
    SIGNS[sign](axes, x, y)


def _attention(axes: Axes, x: float, y: float, seen: int = 3) -> None:
    """Draw positions in a row, of which one looks at `seen`."""
    places = [x - 0.1, x, x + 0.1]
    for place in places[:seen]:
        _line(axes, (x, y + 0.08), (place, y - 0.07))
    for place in places:
        _dot(axes, place, y - 0.07, filled=place in places[:seen])
    _dot(axes, x, y + 0.08)


def _causal(axes: Axes, x: float, y: float) -> None:
    """Draw positions in a row, of which one looks at those up to itself."""
    _attention(axes, x, y, seen=2)


def _neighbours(axes: Axes, x: float, y: float) -> None:
    """Draw a node with three neighbours that lead to it."""
    for angle in (90, 210, 330):
        place = (x + 0.1 * math.cos(math.radians(angle)), y - 0.1 * math.sin(math.radians(angle)))
        _line(axes, place, (x, y))
        _dot(axes, *place)
    _dot(axes, x, y, filled=False)


def _steps(axes: Axes, x: float, y: float) -> None:
    """Draw an arrow that comes back to where it began."""
    angles = [math.radians(50 + 270 * part / 24) for part in range(25)]
    xs, ys = zip(*[(x + 0.09 * math.cos(a), y - 0.09 * math.sin(a)) for a in angles], strict=True)
    axes.plot(xs, ys, color=style.ink(), linewidth=1.1, zorder=4)
    axes.plot([xs[-1]], [ys[-1]], marker=(3, 0, -40), markersize=5, color=style.ink(), zorder=5)


def _line(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.plot(*zip(start, end, strict=True), color=style.ink(), linewidth=0.9, zorder=4)


def _dot(axes: Axes, x: float, y: float, *, filled: bool = True) -> None:
    fill = style.ink() if filled else style.paper()
    axes.plot([x], [y], "o", markersize=3.4, color=fill, markeredgecolor=style.ink(), zorder=5)


SIGNS: Mapping[str, Callable[[Axes, float, float], None]] = {
    "self-attention": _attention,
    "causal": _causal,
    "neighbours": _neighbours,
    "steps": _steps,
}
