"""Figures of two runs beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.methods.policies.disagreement import Disagreement, PolicyComparison
from nas_gym.explain.report import style
from nas_gym.explain.report.phrases import counted
from nas_gym.explain.section import Figure
from nas_gym.search_spaces import SearchSpace

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

MOST_ROWS = 10
MOST_CHOICES = 20
LONGEST = 44


def best_figure(runs: Sequence[Evidence], names: Sequence[str]) -> Figure:
    """Return the best score so far of each run."""
    ends = ", ".join(f"{name} {run.chosen.score:.1%}" for name, run in zip(names, runs, strict=True))
    label = runs[0].metric.label
    return Figure(
        "best",
        f"The best {label} that each run had seen after so many evaluations; higher and earlier is better.",
        f"At the end: {ends}.",
        lambda canvas: _draw_best(canvas, runs, names, label),
        (7.0, 3.4),
    )


def _draw_best(canvas: Canvas, runs: Sequence[Evidence], names: Sequence[str], label: str) -> None:
    axes = canvas.add_subplot()
    for number, (run, name) in enumerate(zip(runs, names, strict=True)):
        places = [one.order + 1 for one in run.succeeded]
        best = np.maximum.accumulate([one.score for one in run.succeeded])
        axes.step(places, best, where="post", color=style.colour(number), label=name)
    axes.set_xlabel("evaluation")
    axes.set_ylabel(f"best {label} so far")
    axes.legend(loc="lower right")


def choices_figure(
    bars: Sequence[Sequence[tuple[float, float, float]]],
    choices: Sequence[str],
    names: Sequence[str],
    exact: Mapping[str, float | None],
    label: str,
) -> Figure:
    """Return how much each choice matters by each run.

    Args:
        bars: spread in points and the ends of its interval, for each run and choice.
        choices: names of the choices, from top to bottom.
        names: names of the runs.
        exact: spread by the whole table, where there is one.
        label: name of the score for readers.
    """
    shown = choices[:MOST_CHOICES]
    told = "; ".join(
        f"{choice} {bars[0][row][0]:.1f} and {bars[1][row][0]:.1f}" for row, choice in enumerate(shown[:6])
    )
    whole = " Diamonds are the exact values of the whole table." if exact else ""
    return Figure(
        "importances",
        f"The spread of mean {label} between the values of each choice, estimated from the evaluations of "
        f"each run, with 95% intervals.{whole}",
        f"In points, by {names[0]} and by {names[1]}: {told}.",
        lambda canvas: _draw_choices(canvas, bars, shown, names, exact, label),
        (7.0, 1.3 + 0.42 * len(shown)),
    )


def _draw_choices(
    canvas: Canvas,
    bars: Sequence[Sequence[tuple[float, float, float]]],
    shown: Sequence[str],
    names: Sequence[str],
    exact: Mapping[str, float | None],
    label: str,
) -> None:
    axes = canvas.add_subplot()
    rows = np.arange(len(shown))
    for number, (name, each) in enumerate(zip(names, bars, strict=True)):
        middle, low, high = np.array(each[: len(shown)]).T
        at = rows + (number - 0.5) * 0.34
        axes.barh(at, middle, height=0.32, color=style.colour(number), label=name)
        axes.hlines(at, low, high, color=style.ink(), linewidth=1.3)
    if exact:
        values = np.array([exact.get(one) for one in shown], dtype=np.float64)
        axes.plot(values, rows, "D", color=style.ink(), markersize=5, label="whole table")
    axes.set_yticks(rows, list(shown))
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(f"spread of mean {label} between the values of a choice (points)")
    axes.legend(loc="lower right")


def disagreements_figure(found: PolicyComparison, names: Sequence[str], space: SearchSpace[Any]) -> Figure:
    """Return the difference in worth of the two edits, in the states where the policies disagree."""
    shown = found.judged[:MOST_ROWS]
    wins = [sum(one.better == side for one in shown) for side in (0, 1)]
    return Figure(
        "disagreements",
        "States in which the two policies make different edits, the most visited first. Bars to the right "
        f"favour {names[0]}, to the left {names[1]}; their length is by how much its edit is worth more.",
        f"Of {counted(len(shown), 'state')} shown, {names[0]}'s edit is better in {wins[0]}, {names[1]}'s "
        f"in {wins[1]}.",
        lambda canvas: _draw_disagreements(canvas, shown, names, space),
        (7.4, 1.4 + 0.55 * len(shown)),
        1.0 + 0.72 * len(shown),
    )


def _draw_disagreements(
    canvas: Canvas, shown: Sequence[Disagreement], names: Sequence[str], space: SearchSpace[Any]
) -> None:
    axes = canvas.add_subplot()
    gains = [one.worth[0] - one.worth[1] for one in shown if one.worth is not None]
    colours = [style.colour(0 if gain >= 0 else 1) for gain in gains]
    axes.barh(range(len(shown)), gains, height=0.3 if style.is_narrow(canvas) else 0.8, color=colours)
    labels = [
        "\n".join(
            [
                f"at {_short(one.state.key)}",
                *(
                    f"{name}: {_short(str(space.actions[edit]))}"
                    for name, edit in zip(names, one.edits, strict=True)
                ),
            ]
        )
        for one in shown
    ]
    most = max(1e-9, *(abs(gain) for gain in gains)) if gains else 1.0
    axes.set_xlim(-1.15 * most, 1.15 * most)
    if style.is_narrow(canvas):
        _above_bars(axes, labels)
    else:
        axes.set_yticks(range(len(shown)), labels, fontsize=7.5)
        axes.invert_yaxis()
    axes.axvline(0, color=style.muted(), linewidth=1)
    axes.set_xlabel(f"{names[1]} is better   |   {names[0]} is better")


def _above_bars(axes: Axes, names: Sequence[str]) -> None:
    """Write the name of each bar above it, since beside it a phone has no room."""
    axes.set_ylim(len(names) - 0.7, -0.85)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(4))
    for row, name in enumerate(names):
        axes.text(
            0.0,
            row - 0.22,
            name,
            transform=axes.get_yaxis_transform(),
            va="bottom",
            fontsize=7.5,
            color=style.ink(),
            linespacing=1.1,
            bbox={"facecolor": style.paper(), "edgecolor": "none", "pad": 0.4},
        )


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
