"""The figures of the first page: the network with what makes it good, and how good it is beside others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.report import style
from nas_gym.explain.section import Figure
from nas_gym.explain.sections.summary.drawing import Mark, Place, network_figure
from nas_gym.explain.sections.summary.reasons import Reason, undone
from nas_gym.explain.sections.summary.text import FEWEST_DRAWN
from nas_gym.search_spaces import Architecture, SearchSpace

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

    from nas_gym.tasks import Metric

# Name, score, and the ends of its interval where it has one.
Row = tuple[str, float, float | None, float | None]
MARKED = 3
FOUND = "the found network"


def figures_of(
    evidence: Evidence, quality: Mapping[str, Any], reasons: Sequence[Reason]
) -> tuple[Figure, ...]:
    """Return the figures of the first page."""
    space, chosen = evidence.search_space, evidence.chosen.architecture
    marks = [_mark(evidence, reason) for reason in reasons[:MARKED]]
    drawing = network_figure(space, chosen, marks, evidence.problem.task.target.words)
    rows = _rows(evidence, quality)
    return (drawing, _quality_figure(rows, quality, evidence.metric)) if len(rows) > 1 else (drawing,)


def place_of(space: SearchSpace[Any], architecture: Architecture, choice: str) -> Place:
    """Return the place of a choice in the sketch, that of an edit that changes it alone; () for all of it."""
    variable = space.variables[choice]
    if variable.is_depth:
        return ()
    own = space.encode(architecture)
    edits = [
        space.actions[action]
        for other, action in space.neighbours(architecture).items()
        if undone(space, own, space.encode(other)) == choice
    ]
    # A layer that is added or removed is at another place than what it changes.
    fitting = [edit.place for edit in edits if edit.kind == "swap" or edit.aspect == variable.group]
    return fitting[0] if fitting else ()


def _mark(evidence: Evidence, reason: Reason) -> Mark:
    space = evidence.search_space
    place = place_of(space, evidence.chosen.architecture, reason.choice)
    value = space.value_words(space.variables[reason.choice], reason.value)
    title = f"{reason.choice}: {value}"
    return Mark(place, title, _note(reason))


def _note(reason: Reason) -> str:
    if reason.cost is None or reason.low is None or reason.high is None:
        return "without it, networks fail to train"
    return (
        f"undoing it costs {100 * reason.cost:.1f} points (95% interval {100 * reason.low:.1f} to "
        f"{100 * reason.high:.1f})"
    )


def _rows(evidence: Evidence, quality: Mapping[str, Any]) -> list[Row]:
    start, drawn = quality["start"], quality["random"]
    constant = quality["constant_answer"]
    rows: list[Row] = []
    if constant is not None:
        share = evidence.metric.share_of_examples
        name = "guessing (always the same answer)" if share else f"always answering {constant['answer']}"
        rows.append((name, constant["validation"], None, None))
    if drawn.get("median") is not None and drawn["count"] >= FEWEST_DRAWN:
        which = "all" if drawn["all"] else f"{drawn['count']:,} random"
        rows.append((f"median of {which} networks", drawn["median"], None, None))
    if start.get("score") is not None and start.get("architecture") != str(evidence.chosen.architecture):
        name = "where the search started" if evidence.steps else "the start network of the space"
        rows.append((name, start["score"], start.get("low"), start.get("high")))
    if drawn.get("best") is not None and drawn["all"]:
        rows.append(("best of all networks", drawn["best"], None, None))
    if quality["score"] is None:
        rows.append((f"{FOUND}, as seen", quality["seen"], None, None))
    else:
        rows.append((FOUND, quality["score"], quality["low"], quality["high"]))
    new = quality["new"]
    if new is not None and not quality["selects_on_test"]:
        rows.append((f"{FOUND}, test examples", new["score"], new["low"], new["high"]))
    elif quality["test_score"] is not None and not (
        quality["selects_on_test"] or evidence.metric.share_of_examples
    ):
        rows.append((f"{FOUND}, test examples", quality["test_score"], None, None))
    return rows


def _quality_figure(rows: Sequence[Row], quality: Mapping[str, Any], metric: Metric) -> Figure:
    told = ", ".join(f"{name} {score:.1%}" for name, score, *_ in rows)
    counts = metric.share_of_examples
    what = "How many examples the found network is right for"
    what = what if counts else f"{metric.label} of the found network"
    axis = "examples it is right for, %" if counts else f"{metric.label}, %"
    return Figure(
        "quality",
        f"{what}, beside others: {_examples(quality, has_test=not counts)}.",
        f"{'Right for' if counts else metric.label}: {told}.",
        lambda canvas: _draw(canvas, rows, axis),
        (7.0, 0.9 + 0.34 * len(rows)),
    )


def _examples(quality: Mapping[str, Any], *, has_test: bool) -> str:
    """Return on which examples the bars are, and what the lines of their intervals count."""
    if quality["selects_on_test"]:
        return "test examples, which the search chose by, with 95% intervals over training seeds"
    by = "validation examples, which the search chose by, with 95% intervals over training seeds"
    last = f"{by}; the last on test examples, which nothing was chosen by"
    if quality["new"] is not None:
        return f"{last}, with that for new examples"
    return last if has_test and quality["test_score"] is not None else by


def _draw(canvas: Canvas, rows: Sequence[Row], axis: str) -> None:
    axes = canvas.add_subplot()
    places = np.arange(len(rows))
    colours = [style.good() if name.startswith(FOUND) else style.neutral() for name, *_ in rows]
    axes.barh(places, [100 * score for _, score, *_ in rows], color=colours, height=0.66)
    for place, (_, score, low, high) in enumerate(rows):
        if low is not None and high is not None:
            axes.plot([100 * low, 100 * high], [place, place], color=style.ink(), linewidth=1.6)
        end = 100 * max(score, high or 0.0)
        axes.text(end + 1, place, f"{score:.1%}", va="center", fontsize=9, color=style.ink())
    axes.set_yticks(places, [name for name, *_ in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(0, 100)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(axis)
