"""Searches that count the evaluations until an agent asks for a table's best architecture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from nas_agents import SearchOver, make_agent

import nas_gym  # noqa: F401 - registers the ids
from nas_gym.evaluators import TableEvaluator
from nas_gym.tables import Table


class UntilOptimum(TableEvaluator):
    """A table that ends a search once it has been asked for its best architecture."""

    def __init__(self, table: Table, seeds: str | Sequence[int] = "mean") -> None:
        super().__init__(table, seeds=seeds)
        self._optimum = self.search_space.architecture(int(np.argmax(self.score_by_index())))
        self._found = False

    def begin(self) -> None:
        """Forget earlier searches."""
        self._found = False

    def evaluate_architectures(self, architectures: Any, *arguments: Any) -> Any:
        """As every table; what comes after the best architecture is refused."""
        if self._found:
            raise SearchOver("optimum found")
        self._found = self._optimum in architectures
        return super().evaluate_architectures(architectures, *arguments)


def until_optimum(table: Table, seeds: str | Sequence[int] = "mean") -> gym.Env[Any, Any]:
    """An environment in which searches end at the optimum of the full-fidelity score, over seeds."""
    evaluator = UntilOptimum(table, seeds)
    return gym.make("NAS-v0", search_space=table.search_space, task=evaluator.task, evaluator=evaluator)


def evaluations_to_optimum(env: gym.Env[Any, Any], agent: Any, most: int, seed: int) -> int | None:
    """Evaluations until the best architecture is asked for, None if `most` are not enough."""
    unwrapped: Any = env.unwrapped
    unwrapped.evaluator.begin()
    found = make_agent(agent).search(env, most, seed).evaluations
    best = max(unwrapped.evaluator.score_by_index())
    return next((number for number, each in enumerate(found, start=1) if each.score == best), None)
