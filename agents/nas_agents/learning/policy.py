"""Policies over edits of agents that judge networks by number, for traces and explanations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from nas_agents.learning.states import States
from nas_gym.traces import State, TabularPolicy
from nas_gym.traces.policies.base import Kind

Scores = Callable[[list[int], np.ndarray], np.ndarray]
"""Scores of all actions, float64 (states, n), in states by number under masks, bool (states, n)."""


class NumberedPolicy:
    """The policy of an agent that reads networks by number; its files are tables of the visited states.

    Args:
        states: states of the search space.
        kind: ``"q_values"`` or ``"probabilities"``.
        judge: gives the scores.
        visited: numbers of the states whose scores `save` writes.
    """

    suffix = TabularPolicy.suffix

    def __init__(self, states: States, kind: Kind, judge: Scores, visited: Callable[[], list[int]]) -> None:
        self._states, self._judge, self._visited = states, judge, visited
        self.kind: str = kind
        self._kind: Kind = kind

    def scores(self, states: Sequence[State], masks: np.ndarray) -> np.ndarray:
        return self._judge([self._states.of(state.architecture) for state in states], masks)

    def save(self, path: Path) -> None:
        visited = [self._states.graph.architecture(number) for number in self._visited()]
        table = {}
        if visited:
            masks = np.array([self._states.space.mask(each) for each in visited])
            keys = [State(each) for each in visited]
            table = {key.key: row for key, row in zip(keys, self.scores(keys, masks), strict=True)}
        TabularPolicy(self._states.space, table, self._kind).save(path)
