"""Policies over edits of agents that judge networks by number, for traces and explanations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from nas_agents.learning.states import States
from nas_gym.traces import Kind, State, TabularPolicy

WHOLE = 7_000
Scores = Callable[[list[int], np.ndarray], np.ndarray]
"""Scores of all actions, float64 (states, n), in states by number under masks, bool (states, n)."""


class NumberedPolicy:
    """The policy of an agent that reads networks by number; its files are tables.

    They hold every state of a space of at most `WHOLE` networks, since such a policy has learned of networks
    that no step has shown, and the evaluated ones of a larger space.

    Args:
        states: states of the search space.
        kind: ``"q_values"`` or ``"probabilities"``.
        judge: gives the scores.
        visited: numbers of the evaluated networks.
    """

    suffix = TabularPolicy.suffix

    def __init__(self, states: States, kind: Kind, judge: Scores, visited: Callable[[], list[int]]) -> None:
        self._states, self._judge, self._visited = states, judge, visited
        self.kind: str = kind
        self._kind: Kind = kind

    def scores(self, states: Sequence[State], masks: np.ndarray) -> np.ndarray:
        return self._judge([self._states.of(state.architecture) for state in states], masks)

    def save(self, path: Path) -> None:
        space, graph = self._states.space, self._states.graph
        numbers = [graph.number(each) for each in space] if space.size <= WHOLE else self._visited()
        table: dict[str, np.ndarray] = {}
        if numbers:
            scores = self._judge(numbers, graph.masks[numbers].astype(bool))
            table = {State(graph.architecture(n)).key: row for n, row in zip(numbers, scores, strict=True)}
        TabularPolicy(space, table, self._kind).save(path)
