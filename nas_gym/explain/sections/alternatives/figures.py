"""Figures of the alternatives: the change by each edit, and the score along the way to the found network."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nas_gym.explain.report import style
from nas_gym.explain.report.phrases import capital, counted, points
from nas_gym.explain.section import Figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

    from nas_gym.explain.sections.alternatives.analysis import Alternatives, Neighbour

MOST_ROWS = 24
ROW, MARGINS = 0.23, 1.2
ORDER = ("improves", "does not matter", "unclear", "worse", "breaks", "fails")


def neighbour_figure(found: Alternatives, label: str) -> Figure:
    """Return the change of the score by every edit with its interval, the best first."""
    drawn = [one for one in found.neighbours if not math.isnan(one.change)]
    rows = drawn if len(drawn) <= MOST_ROWS else [*drawn[: MOST_ROWS // 2], *drawn[-MOST_ROWS // 2 :]]
    cut = f"; of {len(drawn)} edits the {len(rows) // 2} best and the {len(rows) // 2} worst" * (
        len(rows) < len(drawn)
    )
    counts = Counter(one.verdict for one in drawn)
    margin = found.margin

    def draw(canvas: Canvas) -> None:
        axes = canvas.add_subplot()
        axes.axvspan(-100 * margin, 100 * margin, color=style.faint(), alpha=0.6, linewidth=0)
        axes.axvline(0, color=style.muted(), linewidth=1)
        for verdict in ORDER:
            chosen = [number for number, one in enumerate(rows) if one.verdict == verdict]
            if chosen:
                _dots(axes, rows, chosen, verdict)
        axes.set_yticks(range(len(rows)), [one.edit for one in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(f"change of {label}, percentage points")
        canvas.legend(loc="outside upper right", ncols=style.columns(canvas, 3))

    best, worst = drawn[0], drawn[-1]
    return Figure(
        "neighbours",
        f"What each edit would change: a dot is the mean with {seeds_of(found)}, its line the 95% interval "
        f"that holds for all edits at once; in the shaded band a change does not matter{cut}.",
        f"{counted(len(drawn), 'edit')}: {', '.join(f'{counts[v]} {v}' for v in ORDER if counts[v])}. Best: "
        f"{best.edit}, {points(best.change)}; worst: {worst.edit}, {points(worst.change)}.",
        draw,
        (7.0, ROW * len(rows) + MARGINS),
        0.3 * len(rows) + 1.6,
    )


def seeds_of(found: Alternatives) -> str:
    """Return the kind of seeds of the scores, in words."""
    return "fresh seeds" if found.scores.unseen else "recorded seeds"


def _dots(axes: object, rows: Sequence[Neighbour], chosen: Sequence[int], verdict: str) -> None:
    from matplotlib.axes import Axes

    assert isinstance(axes, Axes)
    colours = {"improves": style.good(), "does not matter": style.colour(0), "unclear": style.neutral()}
    colour = colours.get(verdict, style.bad() if verdict != "worse" else style.colour(4))
    changes = [100 * rows[number].change for number in chosen]
    widths = [100 * (rows[number].high - rows[number].change) for number in chosen]
    spread = None if any(map(math.isnan, widths)) else widths
    axes.errorbar(
        changes, list(chosen), xerr=spread, fmt="o", color=colour, markersize=4, linewidth=1.4, label=verdict
    )


def path_figure(found: Alternatives, known: Sequence[tuple[float | None, bool]], label: str) -> Figure:
    """Return the score after each edit of the way from the start to the found network."""
    assert found.path is not None
    labels = ["start", *found.path.edits]
    scores = [score for score, _ in known]

    def draw(canvas: Canvas) -> None:
        axes = canvas.add_subplot()
        rows = [number for number, score in enumerate(scores) if score is not None]
        axes.plot(
            [100 * (scores[row] or 0.0) for row in rows],
            rows,
            marker="o",
            color=style.colour(0),
            linewidth=1.5,
        )
        for row in rows:
            text = f"{100 * (scores[row] or 0.0):.1f}%"
            axes.annotate(
                text, (100 * (scores[row] or 0.0), row), (6, 5), textcoords="offset points", fontsize=8
            )
        axes.set_yticks(range(len(labels)), labels)
        axes.set_ylim(len(labels) - 0.5, -0.6)
        axes.margins(x=0.15)
        axes.set_xlabel(f"{label}, %")

    shown = [f"{edit}: {score:.1%}" for edit, score in zip(labels, scores, strict=True) if score is not None]
    return Figure(
        "path",
        f"{capital(label)} along the way from the start to the found network, edit by edit from the top; "
        f"edits without a dot lead to a network whose {label} is not known.",
        f"{'; '.join(shown)}." if shown else f"No {label} along the way is known.",
        draw,
        (6.5, 0.34 * len(labels) + 0.9),
        0.44 * len(labels) + 1.0,
    )
