"""The figures of a comparison: anytime curves, scores with intervals, probabilities of improvement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from nas_agents.comparison.curves import Curve
from nas_agents.comparison.fronts.plots import attained_fronts, planes
from nas_agents.comparison.plot_style import STYLE, canvas, look
from nas_agents.comparison.statistics import Interval
from nas_gym.common import INK

if TYPE_CHECKING:
    from nas_agents.comparison.across import Across
    from nas_agents.comparison.ranking import Analysis

DIVERGING = "PuOr"
# Share of the longest curve below which one is drawn as a point.
SHORT = 0.02

FIGURES = ("incumbent_by_evaluations", "incumbent_by_seconds", "scores", "improvement")
REGRET_FIGURES = ("regret_by_evaluations", "regret_by_seconds")
FRONT_FIGURES = ("hypervolume_by_evaluations", "hypervolume_by_seconds", "scores", "improvement")
AXES = {"evaluations": "evaluations charged", "seconds": "recorded training seconds"}


def plot_comparison(comparison: Analysis, folder: Path, where: str) -> tuple[Path, ...]:
    """Write the figures of one task into a folder, see `figure_names`.

    Args:
        comparison: comparison that is drawn.
        folder: an existing folder.
        where: environment, space and task, for the titles.
    """
    paths = tuple(folder / f"{name}.png" for name in figure_names(comparison))
    for path in paths:
        plot_figure(path.stem, comparison, where, path)
    return paths


def figure_names(comparison: Analysis) -> tuple[str, ...]:
    """Return the names of the figures: four, and two of regret where the optimum is known.

    Of several objectives hypervolume takes the place of the incumbent, and there is a figure of fronts for
    each pair of the score and a cost.
    """
    if comparison.fronts is not None:
        return (*FRONT_FIGURES, *(plane.name for plane in planes(comparison.fronts)))
    return (*FIGURES, *REGRET_FIGURES) if comparison.has_regret else FIGURES


def plot_figure(
    name: str, comparison: Analysis, where: str, path: Path, agents: Sequence[str] | None = None
) -> None:
    """Write one figure into a file, in the format of its suffix.

    Args:
        name: one of `figure_names`.
        comparison: comparison that is drawn.
        where: environment, space and task, for the title.
        path: the file.
        agents: labels of the agents that are drawn; all by default.
    """
    # An agent's look is by its place among all agents, so that it is the same whoever else is drawn.
    order = sorted(comparison.scores)
    shown = comparison if agents is None else comparison.among(set(agents))
    with rc_context(STYLE):
        _figure(name, shown, order, where).savefig(path)


def _figure(name: str, comparison: Analysis, order: Sequence[str], where: str) -> Figure:
    if comparison.fronts is not None:
        for plane in planes(comparison.fronts):
            if name == plane.name:
                return attained_fronts(comparison, comparison.fronts, plane, where)
    if name == "scores":
        return scores(comparison, order, where)
    if name == "improvement":
        names = [row.agent for row in comparison.agents]
        return improvements(
            names, {(pair.first, pair.second): pair.improvement for pair in comparison.pairs}, where
        )
    against = name.rpartition("_")[2]
    draw = regrets if name in REGRET_FIGURES else curves
    return draw(comparison, order, against, where)


def plot_across(across: Across, folder: Path, where: str) -> tuple[Path, ...]:
    """Write the probabilities of improvement over all tasks into a folder."""
    names = [row.agent for row in across.agents]
    with rc_context(STYLE):
        intervals = {(pair.first, pair.second): pair.improvement for pair in across.pairs}
        path = folder / "improvement.png"
        improvements(names, intervals, where).savefig(path)
        return (path,)


def curves(comparison: Analysis, order: Sequence[str], against: str, where: str) -> Figure:
    """Draw the incumbent's score as seen, or the hypervolume, with 95% bands, a line per agent, best first.

    Args:
        comparison: comparison that is drawn.
        order: all agents, in the order of their looks.
        against: ``"evaluations"`` or ``"seconds"``.
        where: environment, space and task, for the title.
    """
    by_agent = {"evaluations": comparison.evaluation_curves, "seconds": comparison.second_curves}[against]
    if comparison.fronts is not None:
        figure, axes = _bands(by_agent, order, f"Hypervolume, {where}", against)
        axes.set_ylabel(f"mean share of the hypervolume\nof {comparison.fronts.reference_in_words}")
    else:
        figure, axes = _bands(by_agent, order, f"Best {comparison.metric} so far, {where}", against)
        axes.set_ylabel(f"{comparison.seen} as seen (optimistic)")
    axes.set_ylim(bottom=_floor(by_agent.values()))
    return figure


def regrets(comparison: Analysis, order: Sequence[str], against: str, where: str) -> Figure:
    """Draw the mean regret of the incumbent as `curves` does its score; it falls by orders of magnitude."""
    by_agent = {"evaluations": comparison.evaluation_regrets, "seconds": comparison.second_regrets}[against]
    figure, axes = _bands(by_agent, order, f"Regret of the best so far, {where}", against)
    axes.set_ylabel("mean regret to the optimum")
    positive = np.concatenate([curve.value[curve.value > 0] for curve in by_agent.values()])
    if len(positive):
        # Where all runs are at the optimum the line is below the figure.
        axes.set_yscale("log", nonpositive="clip")
        axes.set_ylim(bottom=positive.min() / 2)
    return figure


def scores(comparison: Analysis, order: Sequence[str], where: str) -> Figure:
    """Draw the score of every run (points) and their estimate with its interval, a row per agent."""
    rows = comparison.agents[::-1]
    what = "Chosen network" if comparison.fronts is None else "Front found"
    figure, axes = canvas(7.6, 1.5 + 0.5 * len(rows), f"{what}: {where}")
    for place, row in enumerate(rows):
        colour, _, marker = look(order.index(row.agent))
        points = np.asarray(comparison.scores[row.agent])
        axes.plot(points, place + _spread(points) - 0.05, "o", color=colour, alpha=0.35, markersize=4, mew=0)
        line = [row.score.lower, row.score.upper]
        axes.plot(line, [place, place], color=colour, linewidth=2.5, solid_capstyle="butt")
        axes.plot(row.score.value, place, marker, color=colour, markersize=9, mec="white")
    axes.set_yticks(range(len(rows)), [f"{row.agent} ({row.access})" for row in rows])
    figure.supxlabel(
        f"{comparison.score_in_words} (dots: runs; bar: {comparison.estimand.name}, 95% interval)",
        fontsize=11,
    )
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.grid(visible=False, axis="y")
    return figure


def improvements(names: Sequence[str], intervals: Mapping[tuple[str, str], Interval], where: str) -> Figure:
    """Draw the probability that a run of the row's agent beats one of the column's, with its interval."""
    size = 3.0 + 0.95 * len(names)
    figure, axes = canvas(size + 1.2, size, f"Probability of improvement\n{where}")
    matrix = np.full((len(names), len(names)), np.nan)
    for (a, b), each in intervals.items():
        i, j = names.index(a), names.index(b)
        matrix[i, j], matrix[j, i] = each.value, 1 - each.value
        _cell(axes, j, i, each)
        _cell(axes, i, j, Interval(1 - each.value, 1 - each.upper, 1 - each.lower))
    image = axes.imshow(matrix, cmap=DIVERGING, vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=35, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="... beats this agent", ylabel="a run of this agent ...")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, shrink=0.7, label="probability (ties count half)")
    return figure


def _bands(
    by_agent: Mapping[str, Curve], order: Sequence[str], title: str, against: str
) -> tuple[Figure, Axes]:
    """Draw curves with their bands and a legend."""
    figure, axes = canvas(7.6, 4.4, title)
    axes.set_xlabel(AXES[against])
    longest = max(curve.x[-1] for curve in by_agent.values())
    for agent, curve in by_agent.items():
        colour, dash, marker = look(order.index(agent))
        if curve.x[-1] - curve.x[0] < SHORT * longest:
            _end(axes, curve, colour, marker, agent)
            continue
        axes.fill_between(
            curve.x, curve.lower, curve.upper, color=colour, alpha=0.13, linewidth=0, step="post"
        )
        axes.step(curve.x, curve.value, dash, where="post", color=colour, linewidth=1.8, label=agent)
    axes.margins(x=0.01)
    if all(np.issubdtype(curve.x.dtype, np.integer) for curve in by_agent.values()):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    # Lines come before points, whatever was drawn first.
    handles = {label: handle for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    shown = [handles[agent] for agent in by_agent]
    figure.legend(shown, list(by_agent), loc="outside right upper", title="agent, best first")
    return figure, axes


def _end(axes: Axes, curve: Curve, colour: str, marker: str, agent: str) -> None:
    """Draw the end of a curve that has no length to be seen, as of a search with one score at its end."""
    x, value, lower, upper = (each[-1] for each in (curve.x, curve.value, curve.lower, curve.upper))
    axes.errorbar(
        x, value, [[value - lower], [upper - value]], fmt=marker, color=colour, capsize=3, label=agent
    )


def _floor(all_curves: Iterable[Curve]) -> float:
    """Return where the axis of scores starts, so that the first poor networks do not flatten the rest."""
    values = [curve.value for curve in all_curves]
    top = max(value[-1] for value in values)
    bottom = min(value[min(len(value) - 1, len(value) // 10)] for value in values)
    return float(bottom - 0.25 * max(top - bottom, 0.01))


def _spread(points: np.ndarray) -> np.ndarray:
    """Return small heights below the row that keep equal scores apart, float (runs,)."""
    return -0.12 - 0.2 * (np.arange(len(points)) % 3) / 2


def _cell(axes: Axes, column: int, row: int, each: Interval) -> None:
    luminance = np.dot(colormaps[DIVERGING](each.value)[:3], (0.2126, 0.7152, 0.0722))
    text: Any = {"ha": "center", "va": "center", "color": "white" if luminance < 0.5 else INK}
    axes.text(column, row - 0.12, f"{each.value:.2f}", fontsize=12, **text)
    axes.text(column, row + 0.2, f"[{each.lower:.2f}, {each.upper:.2f}]", fontsize=9, **text)
