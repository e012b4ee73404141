"""The fronts that runs found where there are several objectives, and how much of a reference each covers.

The reference is the exact front of a table, where that is known, and else the front of all that the runs of
the comparison found together. Gains are validation gains: a test score chooses nothing here.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from nas_agents.comparison.records import Run, RunFront
from nas_agents.runs.run import RunSpec, make_env
from nas_gym.envs import Frame, Objectives, igd_plus, nondominated, share_found
from nas_gym.errors import ConfigError
from nas_gym.evaluators import Evaluation
from nas_gym.traces import RunFolder

if TYPE_CHECKING:
    from nas_gym.envs import Problem

MOST_LISTED = 2**16
"""Networks of the largest table whose exact front is listed."""


@dataclass(frozen=True, eq=False)
class Yardstick:
    """What the runs of a comparison of several objectives are measured by.

    Attributes:
        objectives: the objectives, with the scales of the costs.
        reference: gains of the front that shares of hypervolume are of, float64 (points, objectives).
        exact: whether that is the exact front of a table, or that of all that was found.
        size: number of networks of the table that it is the front of; 0 where it is not exact.
    """

    objectives: Objectives
    reference: np.ndarray
    exact: bool
    size: int = 0


@dataclass(frozen=True, eq=False)
class _Seen:
    """The networks of one run that count: of the full recipe, and not failed.

    Attributes:
        places: the number among all evaluations of the run of each, int64 (networks,).
        architectures: texts.
        seen: gains as the search saw them, float64 (networks, objectives).
        worth: gains by which they are valued: on a table those of the mean over all recorded seeds at full
            fidelity, elsewhere what the search saw.
    """

    places: np.ndarray
    architectures: tuple[str, ...]
    seen: np.ndarray
    worth: np.ndarray


def with_fronts(runs: Sequence[Run], specs: Sequence[RunSpec]) -> tuple[tuple[Run, ...], Yardstick]:
    """Return runs with the fronts that they found, and what these are measured by.

    Args:
        runs: finished runs in one environment of several objectives.
        specs: what each of them is.

    Raises:
        NASGymError: if no run evaluated a network by the full recipe, and no front is known.
    """
    with closing(make_env(specs[0].env_id, specs[0].env)) as env:
        problem: Any = env.unwrapped
        found = [_seen(problem, Path(spec.folder)) for spec in specs]
        yardstick = _yardstick(problem, found)
        measured = tuple(
            replace(run, regrets=None, front=_front(each, len(run.scores), yardstick))
            for run, each in zip(runs, found, strict=True)
        )
        return with_tests(measured, problem), yardstick


def with_tests(runs: Sequence[Run], problem: Problem) -> tuple[Run, ...]:
    """Return runs whose fronts have test scores, where looking these up trains nothing.

    Only the fronts that are listed in a report have them: those of `middle`.
    """
    if problem.evaluator.optimum() is None:
        return tuple(runs)
    space, evaluator = problem.search_space, problem.evaluator

    def tested(run: Run) -> Run:
        assert run.front is not None
        scores = [
            fmean(
                one.test_score for one in evaluator.test(space.parse(text), evaluator.final_seeds(run.seed))
            )
            for text in run.front.architectures
        ]
        return replace(run, front=replace(run.front, tests=tuple(scores)))

    listed = {
        id(middle([run for run in runs if run.agent == agent])) for agent in {run.agent for run in runs}
    }
    return tuple(tested(run) if id(run) in listed else run for run in runs)


def middle(runs: Sequence[Run]) -> Run:
    """Return the run of an agent whose front is neither good nor bad for it: the lower median by share."""
    ordered = sorted(runs, key=lambda run: (run.score, run.seed))
    return ordered[(len(ordered) - 1) // 2]


def _seen(problem: Problem, folder: Path) -> _Seen:
    """Return the networks of a finished run that count."""
    assert problem.objectives is not None
    every = [Evaluation.from_dict(values) for values in RunFolder(folder).result()["evaluations"]]
    kept = [place for place, one in enumerate(every) if one.fidelity is None and not one.failed]
    counted = [every[place] for place in kept]
    gains = worth = problem.objectives.gains(counted)
    if problem.evaluator.optimum() is not None:
        parsed = [problem.search_space.parse(one.architecture) for one in counted]
        final = problem.evaluator.final_evaluations(parsed)
        worth = problem.objectives.gains(final)
        worth[[one.failed for one in final]] = -np.inf
    return _Seen(np.array(kept, dtype=np.int64), tuple(one.architecture for one in counted), gains, worth)


def _yardstick(problem: Problem, found: Sequence[_Seen]) -> Yardstick:
    objectives, evaluator, space = problem.objectives, problem.evaluator, problem.search_space
    assert objectives is not None
    if evaluator.optimum() is not None and evaluator.free and space.size <= MOST_LISTED:
        recorded = [one for one in evaluator.final_evaluations(list(space)) if not one.failed]
        gains = objectives.gains(recorded)
        return Yardstick(objectives, _front_of(gains), exact=True, size=space.size)
    together = np.concatenate([each.worth for each in found])
    together = together[np.isfinite(together).all(axis=1)]
    if not len(together):
        raise ConfigError(
            "no run evaluated a network by the full recipe that did not fail, so there is no front to "
            "compare: raise the budget"
        )
    return Yardstick(objectives, _front_of(together), exact=False)


def _front_of(gains: np.ndarray) -> np.ndarray:
    front: np.ndarray = np.unique(gains[nondominated(gains)], axis=0)
    return front


def _front(found: _Seen, evaluations: int, yardstick: Yardstick) -> RunFront:
    """Return the front of a run: what it would give, chosen by what it saw, and valued by what is known."""
    frame = Frame.of(yardstick.reference)
    whole = frame.hypervolume(yardstick.reference)
    volumes, kept, share = np.zeros(evaluations), np.empty(0, dtype=np.int64), 0.0
    for row, place in enumerate(found.places.tolist()):
        there, new = found.seen[kept], found.seen[row]
        if not ((there >= new).all(axis=1) & (there > new).any(axis=1)).any():
            # Equal networks are all on the front: the one that was seen later may be worth more.
            beaten = (new >= there).all(axis=1) & (new > there).any(axis=1)
            kept = np.append(kept[~beaten], row)
            share = frame.hypervolume(found.worth[kept]) / whole
        volumes[place:] = share
    worth = found.worth[kept]
    fine = np.isfinite(worth).all(axis=1)
    kept, worth = kept[fine], worth[fine]
    return RunFront(
        volumes=np.minimum(volumes, 1.0),
        gains=worth,
        architectures=tuple(found.architectures[row] for row in kept),
        distance=igd_plus(worth, yardstick.reference) if len(worth) else np.inf,
        found=share_found(worth, yardstick.reference) if len(worth) else 0.0,
    )
