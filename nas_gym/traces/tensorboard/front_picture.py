"""The front of a run of several objectives: the best score up to each value of a cost."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from nas_gym.envs import Objective, Objectives
from nas_gym.evaluators import Evaluation
from nas_gym.traces.tensorboard.line_chart import line_chart
from nas_gym.traces.tensorboard.picture import Picture

UNITS = {"latency": "ms", "flops": "FLOPs"}
NAME = "best {metric} up to a cost"


def front_pictures(
    evaluations: Sequence[Evaluation], objectives: Objectives, metric: str
) -> dict[str, Picture]:
    """Return a picture for each cost, by its name; none where no network counts.

    Networks count that were trained by the full recipe and did not fail.

    Args:
        evaluations: those of a run.
        objectives: the objectives of its environment.
        metric: what the score of an architecture is, for readers.
    """
    counted = [one for one in evaluations if one.fidelity is None and not one.failed]
    if not counted:
        return {}
    return {each.name: _picture(counted, each, metric) for each in objectives if each.is_cost}


def front_of(evaluations: Sequence[Evaluation], cost: Objective) -> list[tuple[float, float]]:
    """Return cost and score of the networks that are better than all that cost no more, cheapest first."""
    found: list[tuple[float, float]] = []
    for value, score in sorted((cost.value(one), -one.score) for one in evaluations):
        if not found or -score > found[-1][1]:
            found.append((value, -score))
    return found


def _picture(evaluations: Sequence[Evaluation], cost: Objective, metric: str) -> Picture:
    front = front_of(evaluations, cost)
    dearest = max(cost.value(one) for one in evaluations)
    corners = [(value, score) for (_, score), (value, _) in pairwise(front)]
    stairs = sorted([*front, *corners, (dearest, front[-1][1])])
    unit = UNITS.get(cost.name, cost.name)
    title = f"{len(front)} networks: {metric} by {unit}"
    return line_chart({NAME.format(metric=metric): stairs}, title, unit)
