"""What the mixture of a search loses without each candidate, and whether its weights agree, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from nas_gym.explain.report import style
from nas_gym.explain.report.phrases import counted
from nas_gym.explain.section import Cell, Figure, Table
from nas_gym.explain.sections.shared_weights.readings import Reading, leading
from nas_gym.search_spaces import SearchSpace

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

AGREES = 0.5
"""Mean correlation of weights with losses from which they are said to agree."""


def answer(last: Reading, names: Mapping[str, Sequence[str]], label: str) -> Iterator[str]:
    """Say which place mattered most, and whether the weights favour what the mixture needs.

    Args:
        last: the last reading, with what is lost without each candidate.
        names: the candidates of each place.
        label: the score in words.
    """
    lost, chosen = last["without"], leading(last)
    place = max(lost, key=lambda name: max(lost[name]))
    candidate = _most_needed(lost[place])
    if lost[place][candidate] <= 0:
        yield f"The mixture loses no validation {label} without any one candidate, so none of them mattered."
        return
    yield (
        f"The place that mattered most is {place}: without {names[place][candidate]} there the mixture loses "
        f"{100 * lost[place][candidate]:.1f} points of validation {label}."
    )
    same = sum(_most_needed(row) == chosen[name] for name, row in lost.items())
    known = [value for value in last["agreement"].values() if value is not None]
    said = f"In {same} of {counted(len(lost), 'place')} the choice is the candidate that is missed most"
    if known:
        mean = float(np.mean(known))
        verdict = "agree with" if mean >= AGREES else "say little of" if mean > -AGREES else "contradict"
        said += (
            f"; the weights {verdict} what is missed (mean rank correlation {mean:+.2f}, where 1 is full "
            "agreement)"
        )
    yield said + "."


def columns(last: Reading, name: str, names: Sequence[str]) -> tuple[Cell, ...]:
    """Return the cells of a place: what the choice is worth, what is missed most, and the correlation."""
    row, correlation = last["without"][name], last["agreement"][name]
    most, chosen = _most_needed(row), leading(last)[name]
    return (
        round(100 * row[chosen], 1),
        names[most],
        round(100 * row[most], 1),
        None if correlation is None else round(correlation, 2),
    )


HEADS = ("points lost without it", "missed most", "points lost without that", "rank correlation")


def table(last: Reading, names: Mapping[str, Sequence[str]], label: str) -> Table:
    """Return what is lost without each candidate, a row for each."""
    rows = [
        (place, names[place][number], round(last["weights"][place][number], 3), round(100 * value, 1))
        for place, row in last["without"].items()
        for number, value in enumerate(row)
    ]
    return Table(
        "without",
        f"Points of validation {label} that the mixture loses without each candidate; below 0 it gains.",
        ("place", "candidate", "weight", "points lost without it"),
        tuple(rows),
    )


def figure(last: Reading, names: Mapping[str, Sequence[str]], label: str) -> Figure:
    """Return weights against losses, a dot for each candidate."""
    lost = last["without"]

    def draw(canvas: Canvas) -> None:
        axes = canvas.subplots()
        for number, (place, row) in enumerate(lost.items()):
            points = [100 * value for value in row]
            axes.scatter(last["weights"][place], points, s=22, color=style.colour(number), label=place)
        axes.axhline(0, color=style.muted(), linewidth=0.8)
        axes.set_xlabel("weight at the end")
        axes.set_ylabel("points lost without it")
        canvas.legend(loc="outside lower left", ncols=style.columns(canvas, 4))

    most = max(max(row) for row in lost.values())
    return Figure(
        "without",
        f"The weight of each candidate, and what the mixture's validation {label} falls by without it. Where "
        "weights say what matters, dots rise to the right.",
        f"{counted(sum(map(len, lost.values())), 'candidate')}; at most {100 * most:.1f} points are lost.",
        draw,
        (7.4, 3.6),
        4.2,
    )


def candidate_names(reading: Reading, space: SearchSpace) -> dict[str, list[str]]:  # type: ignore[type-arg]
    """Return the candidates of each place, in words."""
    return {name: [str(each) for each in space.variables[name].choices] for name in reading["weights"]}


def _most_needed(row: Sequence[float]) -> int:
    return max(range(len(row)), key=row.__getitem__)
