"""The last choice among the few best networks of a search, by trainings that the search did not see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nas_gym.evaluators import Evaluation, Request

if TYPE_CHECKING:
    from nas_agents.result import Result
    from nas_gym.envs import Problem

TRAININGS = 5
"""Further trainings of each finalist, of a task with folds one or more a fold."""


@dataclass(frozen=True)
class Finalist:
    """One of the best networks of a search, trained again.

    Attributes:
        architecture: its text.
        parameters: number of trainable parameters.
        scores: validation score of each training.
        seeds: their training seeds, none of them of the search.
    """

    architecture: str
    parameters: int
    scores: tuple[float, ...]
    seeds: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-able dict."""
        return {
            "architecture": self.architecture,
            "parameters": self.parameters,
            "score": float(np.mean(self.scores)),
            "scores": list(self.scores),
            "seeds": list(self.seeds),
        }


def finalists(
    env: Problem, found: Result, count: int, margin: float = 0.0, seconds: float | None = None
) -> list[Finalist]:
    """Return the best networks of a search, trained again with seeds of their own, the one to choose first.

    The best score of many is also the luckiest, so the best are trained again, all with the same further
    seeds. The one to choose has the highest mean of those trainings; where others are no more than one
    standard error of the difference below it, or no more than `margin`, the smallest of them.

    Args:
        env: environment that was searched; its evaluator trains.
        found: outcome of the search.
        count: how many are trained again, of equal scores the smaller ones.
        margin: score that a smaller one may lose.
        seconds: time for these trainings, by what the search's took; None for as long as they take.

    Returns:
        At most `count`; empty if every evaluation failed, or there is time for one alone.
    """
    evaluator = env.evaluator
    full = [one for one in found.evaluations if not one.failed and one.fidelity is None]
    best = sorted(full, key=lambda one: (-one.score, one.parameters))[:count]
    folds = len(env.task.folds)
    further = max(TRAININGS, len(evaluator.seeds), folds)
    if seconds is not None:
        best = best[: _affordable(best, further, seconds)]
    if not best or (seconds is not None and len(best) == 1):
        return []
    final = evaluator.final_seeds(found.seed)
    unused = [seed for seed in evaluator.final_seeds(found.seed, len(final) + further) if seed not in final]
    seeds = unused[:further]
    requests = [Request(env.search_space.parse(one.architecture), seed) for one in best for seed in seeds]
    answers = evaluator.evaluate(requests)
    rows = [answers[n * len(seeds) : (n + 1) * len(seeds)] for n in range(len(best))]
    made = [
        (one, row) for one, row in zip(best, rows, strict=True) if not any(answer.failed for answer in row)
    ] or list(zip(best, rows, strict=True))
    scores = np.array([[answer.score for answer in row] for _, row in made])
    chosen = best_choice(scores, [one.parameters for one, _ in made], margin)
    order = sorted(range(len(made)), key=lambda n: (n != chosen, -scores[n].mean()))
    return [_finalist(*made[n]) for n in order]


def _affordable(best: Sequence[Evaluation], trainings: int, seconds: float) -> int:
    """Return how many networks can be trained so many times in a time, by the cost of their evaluations."""
    spent = np.cumsum([trainings * one.seconds / max(1, len(one.seeds)) for one in best])
    return int((spent <= seconds).sum())


def best_choice(scores: np.ndarray, parameters: Sequence[int], margin: float = 0.0) -> int:
    """Return the number of the smallest network within one standard error of the best, or within a margin.

    Args:
        scores: (networks, trainings), each column by one seed, so that differences are paired.
        parameters: size of each network.
        margin: score that a smaller one may lose.
    """
    best = int(scores.mean(axis=1).argmax())
    below = scores[best] - scores
    error = below.std(axis=1, ddof=1) / np.sqrt(scores.shape[1])
    close = np.flatnonzero(below.mean(axis=1) <= np.maximum(error, margin))
    return min(close.tolist(), key=lambda n: (parameters[n], below[n].mean(), n))


def _finalist(one: Evaluation, row: Sequence[Evaluation]) -> Finalist:
    seeds = tuple(seed for each in row for seed in each.seeds)
    return Finalist(one.architecture, one.parameters, tuple(each.score for each in row), seeds)
