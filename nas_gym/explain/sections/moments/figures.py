"""Pictures of the decisive moments: the course of a run with them marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nas_gym.explain.evidence.run import SeenEvaluation
from nas_gym.explain.report import style
from nas_gym.explain.report.phrases import counted
from nas_gym.explain.section import Figure
from nas_gym.traces import Step

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas


def timeline(steps: Sequence[Step], weights: np.ndarray, numbers: Sequence[int], label: str) -> Figure:
    """Return the score along the steps and how decisive each was, the chosen moments numbered."""
    places = ", ".join(str(number + 1) for number in sorted(numbers))
    return Figure(
        "timeline",
        f"The run step by step: above, the {label} after each step; below, how decisive the step was. The "
        "most decisive steps are marked with their numbers.",
        f"{counted(len(steps), 'step')}; the decisive ones are number {places}.",
        lambda canvas: _draw_timeline(canvas, steps, weights, numbers, label),
        (7.4, 3.8),
    )


def _draw_timeline(
    canvas: Canvas, steps: Sequence[Step], weights: np.ndarray, numbers: Sequence[int], label: str
) -> None:
    above, below = canvas.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    measured = [(number, step.score) for number, step in enumerate(steps, start=1) if step.score is not None]
    above.plot([x for x, _ in measured], [y for _, y in measured], ".", color=style.colour(5), markersize=3)
    above.set_ylabel(label)
    below.vlines(range(1, len(steps) + 1), 0, weights, color=style.neutral(), linewidth=0.6)
    below.set_ylabel("weight")
    below.set_ylim(0, 1.3)
    below.set_yticks([0, 0.5, 1])
    below.set_xlabel("step")
    scores = dict(measured)
    for number in numbers:
        if number + 1 in scores:
            above.plot([number + 1], [scores[number + 1]], "o", color=style.colour(1))
        below.vlines([number + 1], 0, [weights[number]], color=style.colour(1), linewidth=1.8)
    _label(below, sorted(numbers), weights, len(steps), is_narrow=style.is_narrow(canvas))


def _label(axes: Axes, numbers: Sequence[int], weights: np.ndarray, steps: int, *, is_narrow: bool) -> None:
    """Draw the numbers of the moments, in two heights where they are close to each other."""
    last, high = -np.inf, False
    for number in numbers:
        high = not high if number - last < (0.12 if is_narrow else 0.06) * steps else False
        last = number
        height = weights[number] + (0.16 if high else 0.03)
        axes.text(
            number + 1,
            min(height, 1.2),
            str(number + 1),
            ha="center",
            va="bottom",
            fontsize=8,
            color=style.ink(),
        )


def incumbents(seen: Sequence[SeenEvaluation], marked: Sequence[int], label: str) -> Figure:
    """Return the best score so far, with the largest gains marked."""
    best = max(one.score for one in seen if not one.failed)
    return Figure(
        "timeline",
        f"Every evaluation in the order of the run and the best {label} so far; the largest gains are marked "
        "with the number of their evaluation.",
        f"{counted(len(seen), 'evaluation')}; the best {label} at the end is {best:.1%}.",
        lambda canvas: _draw_incumbents(canvas, seen, marked, label),
        (7.4, 3.2),
    )


def _draw_incumbents(
    canvas: Canvas, seen: Sequence[SeenEvaluation], marked: Sequence[int], label: str
) -> None:
    axes = canvas.add_subplot()
    succeeded = [one for one in seen if not one.failed]
    places = [one.order + 1 for one in succeeded]
    scores = [one.score for one in succeeded]
    axes.plot(places, scores, ".", color=style.colour(5), label="evaluation")
    axes.step(places, np.maximum.accumulate(scores), where="post", color=style.colour(0), label="best so far")
    for one in succeeded:
        if one.order in marked:
            axes.plot([one.order + 1], [one.score], "o", color=style.colour(1))
            axes.annotate(
                str(one.order + 1),
                (one.order + 1, one.score),
                (0, 6),
                textcoords="offset points",
                ha="center",
                fontsize=8,
            )
    axes.set_xlabel("evaluation")
    axes.set_ylabel(label)
    axes.legend(loc="lower right")
