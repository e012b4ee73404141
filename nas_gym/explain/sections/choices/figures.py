"""Pictures of the importance of choices: bars with intervals, values of the first, a map of pairs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np

from nas_gym.explain.methods.anova.importance import Importance
from nas_gym.explain.report import style
from nas_gym.explain.report.phrases import deviation_in_points, listed, signed
from nas_gym.explain.section import Figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

    from nas_gym.explain.sections.choices.analysis import Findings

MOST_BARS, MOST_ON_MAP, PANELS = 20, 14, 4


def figures(found: Findings) -> Iterator[Figure]:
    """Yield the pictures of the section."""
    known = [one for one in found.estimated.choices if one.value is not None]
    yield _bars(found, known[:MOST_BARS])
    yield _values(known[:PANELS], found.label)
    if found.estimated.pairs and len(known) > 1:
        yield _map(found, known[:MOST_ON_MAP])


def _points(variance: float | None) -> float:
    """Return a variance as a standard deviation in points, 0 for none."""
    return deviation_in_points(variance) or 0.0


def _bars(found: Findings, known: list[Importance]) -> Figure:
    exact = {} if found.table is None else {one.name: _points(one.value) for one in found.table.choices}

    def draw(canvas: Canvas) -> None:
        axes = canvas.subplots()
        rows = np.arange(len(known))
        values = [_points(one.value) for one in known]
        colours = [style.colour(0) if one.significant() else style.neutral() for one in known]
        axes.barh(rows, values, color=colours, height=0.62)
        for row, one in enumerate(known):
            low, high = _points(one.low), _points(one.high)
            axes.plot([low, high], [row, row], color=style.ink(), linewidth=1.4, solid_capstyle="butt")
            if one.significant():
                axes.annotate(
                    "*", (high, row), (4, -4), textcoords="offset points", color=style.ink(), fontsize=13
                )
        if exact:
            axes.plot(
                [exact[one.name] for one in known],
                rows,
                "D",
                color=style.colour(1),
                markersize=6,
                linestyle="none",
                label="whole table",
            )
            axes.legend(loc="lower right")
        axes.axvline(0, color=style.muted(), linewidth=0.8)
        axes.set_yticks(rows, [one.name for one in known])
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(f"spread of mean {found.label} between the values of a choice (points)")

    significant = [one.name for one in known if one.significant()]
    caption = (
        f"How much each choice matters: the standard deviation of mean {found.label} between its values, "
        "depths weighted equally and corrected for noise. Lines are 95% intervals; a star marks what "
        "permutations show not to be chance; grey bars could be chance."
    )
    if exact:
        caption += " Diamonds are the exact values of the whole table."
    listing = [f"{one.name} {_points(one.value):.1f}" for one in known[:6]]
    return Figure(
        "importances",
        caption,
        f"Bars, in points: {listed(listing)}. Beyond chance: {listed(significant) or 'none'}.",
        draw,
        (7.0, 1.1 + 0.3 * len(known)),
        1.4 + 0.34 * len(known),
    )


def _values(known: list[Importance], label: str) -> Figure:
    def draw(canvas: Canvas) -> None:
        across = min(2, len(known)) if style.is_narrow(canvas) else len(known)
        panels = canvas.subplots(-(-len(known) // across), across, sharey=True, squeeze=False)
        for axes, one in zip(panels.flat, known, strict=False):
            _draw_values(axes, one)
        for axes in panels.flat[len(known) :]:
            axes.set_axis_off()
        for axes in panels[:, 0]:
            axes.set_ylabel(f"effect on {label} (points)")

    said = []
    for one in known:
        best = int(np.argmax(one.effects))
        said.append(f"{one.name}: {one.component.words[best][0]} {signed(one.effects[best])}")
    return Figure(
        "values",
        f"The mean {label} of each value of the most important choices, as a difference to the mean over the "
        "values of the choice. Lines are 95% intervals.",
        f"Best values and their effects in points: {'; '.join(said)}.",
        draw,
        (7.6, 3.2),
        2.6 * -(-len(known) // 2),
    )


def _draw_values(axes: Any, one: Importance) -> None:
    present = np.flatnonzero(one.component.share > 0)
    effects, errors = 100 * one.effects[present], 100 * one.errors[present]
    places = np.arange(len(present))
    axes.axhline(0, color=style.muted(), linewidth=0.8)
    axes.errorbar(
        places, effects, 1.96 * errors, fmt="o", color=style.colour(0), ecolor=style.ink(), elinewidth=1.2
    )
    words = [one.component.words[cell][0] for cell in present]
    turned = sum(map(len, words)) > 12
    axes.set_xticks(
        places,
        words,
        rotation=35 if turned else 0,
        ha="right" if turned else "center",
        rotation_mode="anchor",
    )
    axes.set_xlim(-0.6, len(present) - 0.4)
    axes.grid(axis="x", visible=False)
    axes.set_title(one.name, fontsize=9)


def _map(found: Findings, known: list[Importance]) -> Figure:
    names = [one.name for one in known]
    pairs = {frozenset(one.component.names): one for one in found.estimated.pairs}
    values = np.full((len(names), len(names)), np.nan)
    marks: list[tuple[int, int, str]] = []
    for row in range(len(names)):
        for column in range(row):
            one = pairs.get(frozenset((names[row], names[column])))
            if one is not None:
                values[row, column] = _points(float(one.component.share @ one.effects**2))
            if one is not None and one.significant():
                marks.append((row, column, "*"))
            elif one is not None and one.value is None:
                marks.append((row, column, "?"))

    def draw(canvas: Canvas) -> None:
        axes = canvas.subplots()
        shown = np.ma.masked_invalid(values[1:, :-1])
        top = max(0.1, float(shown.max())) if shown.count() else 0.1
        picture = axes.imshow(shown, cmap=style.SEQUENTIAL, vmin=0, vmax=top, aspect="auto")
        colours = mpl.colormaps[style.SEQUENTIAL]
        for row, column, mark in marks:
            value = values[row, column]
            colour = style.ink() if np.isnan(value) else style.over(colours(value / top))
            axes.text(column, row - 1, mark, ha="center", va="center", color=colour, fontsize=12)
        axes.set_xticks(range(len(names) - 1), names[:-1], rotation=35, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(names) - 1), names[1:])
        axes.grid(visible=False)
        for side in axes.spines.values():
            side.set_visible(False)
        canvas.colorbar(picture, ax=axes, label="what both do together (points)", shrink=0.9)

    starred = [f"{names[row]} with {names[column]}" for row, column, mark in marks if mark == "*"]
    return Figure(
        "pairs",
        "What two choices do together beyond what each does alone: the standard deviation of their pure "
        "interaction, drawn towards 0 where evaluations are few. A star marks what permutations show not to "
        "be chance, a question mark what the run's evaluations do not determine.",
        f"A map of pairs of choices. Beyond chance: {listed(starred) or 'none'}.",
        draw,
        (7.0, 1.8 + 0.3 * len(names)),
    )
