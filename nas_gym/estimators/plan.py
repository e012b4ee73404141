"""What follows from the data and the time: space, agent, folds, finalists, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nas_gym.errors import ConfigError
from nas_gym.tasks import Task, make_task

SMALL_DATA = 2000
"""Examples below which networks are judged by folds: a fifth of fewer is too few to tell networks apart."""
FOLDS = 5
FINALISTS = 8
MARGIN = 0.01
"""Score that a smaller network may lose where a small one is asked for."""
SEARCH_SHARE = 0.7
"""Share of the time that is for the search; the rest trains finalists and explains."""
AGENT = "model-based"
SPACES: Mapping[str, Mapping[str, Any]] = {
    "features": {"name": "mlp"},
    "signal": {"name": "conv"},
    "image": {"name": "conv"},
}
"""The search space for each kind of input."""


@dataclass(frozen=True)
class Plan:
    """How data is searched.

    Attributes:
        search_space: config of the space.
        agent: name of the agent, or a dict with its hyperparameters.
        folds: parts that all but the test examples are cut into; 1 for a single split.
        finalists: networks that are trained again before one is chosen.
        margin: score that a smaller network may lose.
        minutes: limit of the search by the clock.
        reasons: why, a sentence each.
    """

    search_space: Mapping[str, Any]
    agent: str | Mapping[str, Any]
    folds: int
    finalists: int
    margin: float
    minutes: float
    reasons: tuple[str, ...] = field(default=())


def with_folds(task: Task, again: Callable[[int], Mapping[str, Any] | Task]) -> tuple[Any, int, str]:
    """Return small data with folds, how many, and why there are none where it cannot have them.

    Args:
        task: the data, in a single split or with folds of its own.
        again: makes the task, or its spec, with a number of folds.

    Returns:
        The task or spec to search, its folds, and a reason; "" where there is nothing to explain.
    """
    if task.folds or len(task.known[1]) >= SMALL_DATA:
        return task, max(1, len(task.folds)), ""
    try:
        made = again(FOLDS)
        make_task(made)
    except ConfigError as error:
        return task, 1, f"no folds, since {error}"
    return made, FOLDS, ""


def plan_for(
    task: Task, minutes: float, *, folds: int = 1, small: bool = False, agent: str | None = None
) -> Plan:
    """Return how a task is searched in a time.

    Args:
        task: the data.
        minutes: time for all of it, by the clock.
        folds: parts that it is judged by, 1 for a single split; see `with_folds`.
        small: whether a smaller network may score a little less.
        agent: name of the agent; None for the one that found the best networks in our comparisons.
    """
    known = len(task.y_train) + len(task.y_validation)
    space = SPACES[task.inputs]
    reasons = [
        f"{task.inputs}: the search space {space['name']}",
        f"{known:,} examples beside the test part: "
        + (
            f"each network is judged by {folds} folds"
            if folds > 1
            else f"each network is judged by {len(task.y_validation):,} validation examples"
        ),
        f"the best {FINALISTS} networks are trained again before one is chosen"
        + (f", the smallest that loses at most {100 * MARGIN:g} points" if small else ""),
    ]
    margin = MARGIN if small else 0.0
    return Plan(space, agent or AGENT, folds, FINALISTS, margin, SEARCH_SHARE * minutes, tuple(reasons))
