"""The drawing of the first page: the network, with the choices that make it good marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nas_gym.explain.evidence.run import Evidence
from nas_gym.explain.section import Figure
from nas_gym.explain.sections.alternatives.costs import undone
from nas_gym.explain.sections.summary.badges import Mark, Place
from nas_gym.explain.sections.summary.drawing import network_figure
from nas_gym.explain.sections.summary.reasons import Reason
from nas_gym.search_spaces import Architecture, SearchSpace

MARKED = 3


def drawing_of(evidence: Evidence, reasons: Sequence[Reason]) -> Figure:
    """Return the found network as a drawing, with the choices that make it good marked."""
    marks = [_mark(evidence, reason) for reason in reasons[:MARKED]]
    space, chosen = evidence.search_space, evidence.chosen.architecture
    return network_figure(space, chosen, marks, evidence.problem.task.target.words)


def place_of(space: SearchSpace[Any], architecture: Architecture, choice: str) -> Place:
    """Where a choice is in the sketch: where an edit that changes it alone is; () for all of it."""
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
    return space.sketch(architecture).place(fitting[0]) if fitting else ()


def _mark(evidence: Evidence, reason: Reason) -> Mark:
    space = evidence.search_space
    place = place_of(space, evidence.chosen.architecture, reason.choice)
    value = space.value_words(space.variables[reason.choice], reason.value)
    title = f"{reason.choice}: {value}"
    return Mark(place, title, _note(reason))


def _note(reason: Reason) -> str:
    if reason.cost is None or reason.low is None or reason.high is None:
        return "without it, networks fail to train"
    cost = f"{100 * reason.cost:.1f} points{'' if reason.undone == 1 else ' on average'}"
    return f"changing it costs {cost} (95% interval {100 * reason.low:.1f} to {100 * reason.high:.1f})"
