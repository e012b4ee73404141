"""A policy over edits that follows from values of architectures, by planning on the edit graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from nas_gym.search_spaces import Architecture, SearchSpace
from nas_gym.traces.policies.base import State

LISTED = 20_000
"""Architectures of a space up to which plans lead through all of them."""
BELOW = 5.0
"""How far an architecture that is not worth going to is below the least that is."""


class ValuePolicy:
    """Edits by the architecture that they lead to in the end.

    The value of an edit is the highest that the walk can still reach by it within its steps: the value of a
    network that it leads to, less a cost for each network on the way. The costs are in the units of values;
    with values that are logarithms of chances they are factors of those chances.

    In a space of at most `LISTED` architectures a plan may lead through any of them; in a larger one only
    through those that are marked `known`, whose neighbours it looks up.

    Args:
        search_space: search space of the edits.
        steps: steps of an episode, for states without a clock.
        last_only: whether only the last network of an episode counts, as under an episodic reward.
        step_cost: cost of a step to a known network.
        detour_cost: cost of a step to a network on the way that is not known, which is evaluated, too.
    """

    suffix = ".npz"
    kind = "q_values"

    def __init__(
        self,
        search_space: SearchSpace[Any],
        *,
        steps: int,
        last_only: bool = False,
        step_cost: float = 0.02,
        detour_cost: float = 0.7,
    ) -> None:
        self.search_space = search_space
        self.steps, self.last_only = steps, last_only
        self.step_cost, self.detour_cost = step_cost, detour_cost
        self._whole = search_space.size <= LISTED
        self._numbers: dict[Architecture, int] = {}
        self._values = np.zeros(0)
        self._known = np.zeros(0, dtype=bool)
        self._expanded: list[int] = []
        self._row_of: dict[int, int] = {}
        self._moves: list[np.ndarray] = []
        self._levels: list[np.ndarray] = []

    def put(self, architectures: Sequence[Architecture], values: np.ndarray, known: Sequence[int]) -> None:
        """Set the values of all architectures that are considered, in place of those before.

        Args:
            architectures: the architectures; of a space of at most `LISTED` all of them, by index.
            values: value of each as a place to go to, float64.
            known: numbers of those that are known, which are no places to go to.
        """
        places = np.arange(len(architectures))
        if not self._whole:
            places = np.array([self._numbers.setdefault(each, len(self._numbers)) for each in architectures])
        size = max(len(places), len(self._numbers))
        floor = float(values.min(initial=0.0)) - BELOW
        self._values, self._known = np.full(size, floor), np.zeros(size, dtype=bool)
        self._values[places] = values
        self._known[places[list(known)]] = True
        self._values[self._known] = floor
        if not self._whole:
            for number in known:
                self._expand(architectures[number], int(places[number]))
        self._levels = []

    def scores(self, states: Sequence[State], masks: np.ndarray) -> np.ndarray:
        found = np.zeros(masks.shape)
        for row, (state, mask) in enumerate(zip(states, masks, strict=True)):
            steps = self.steps if state.steps_left is None else state.steps_left
            found[row] = self.edit_values(state.architecture, steps, np.flatnonzero(mask))
        return found

    def after(self, architecture: Architecture, action: int) -> int:
        """Return the number of the architecture that a legal edit leads to, the same for the same one."""
        return int(self._after(architecture, np.array([action]))[0])

    def edit_values(self, architecture: Architecture, steps: int, legal: np.ndarray) -> np.ndarray:
        """Return the value of every edit, float64 (n,); entries of edits that are not legal mean nothing.

        Args:
            architecture: the current state.
            steps: steps left, at least 1.
            legal: numbers of the legal edits.
        """
        after = self._after(architecture, legal)  # may be new, so that it comes before what is worth what
        found = np.full(len(self.search_space.actions), self._values.min(initial=0.0))
        found[legal] = self._arrived(max(1, steps))[after]
        return found

    def save(self, path: Path) -> None:
        """Write values and settings as arrays."""
        texts = [] if self._whole else [str(each) for each in self._numbers]
        settings = [self.steps, self.last_only, self.step_cost, self.detour_cost]
        np.savez_compressed(
            path,
            kind="values",
            architectures=np.array(texts, dtype=np.str_),
            values=self._values.astype(np.float32),
            known=np.flatnonzero(self._known),
            settings=np.array(settings, dtype=np.float64),
        )

    @classmethod
    def load(cls, arrays: Mapping[str, np.ndarray], search_space: SearchSpace[Any]) -> ValuePolicy:
        """Return the policy of saved arrays."""
        steps, last_only, step_cost, detour_cost = arrays["settings"].tolist()
        policy = cls(
            search_space,
            steps=int(steps),
            last_only=bool(last_only),
            step_cost=step_cost,
            detour_cost=detour_cost,
        )
        texts = arrays["architectures"].tolist()
        architectures = [search_space.parse(text) for text in texts] if texts else list(search_space)
        values = arrays["values"].astype(np.float64)
        if len(values) != len(architectures):
            raise ValueError("values of another number of architectures")
        policy.put(architectures, values, arrays["known"].tolist())
        # What was saved has the floor in it already.
        policy._values = values
        return policy

    def _after(self, architecture: Architecture, legal: np.ndarray) -> np.ndarray:
        """Return the number of the architecture after each legal edit."""
        if self._whole:
            moves: np.ndarray = _all_moves(self.search_space)[self.search_space.index(architecture)]
            return np.asarray(moves[legal])
        number = self._known_or_new(architecture)
        row = self._moves[self._expand(architecture, number)]
        return np.asarray(row[legal])

    def _known_or_new(self, architecture: Architecture) -> int:
        """Return the number of an architecture, which gets the least value if it is new."""
        number = self._numbers.setdefault(architecture, len(self._numbers))
        if number == len(self._values):
            floor = float(self._values.min(initial=0.0))
            self._values = np.append(self._values, floor)
            self._known = np.append(self._known, False)
            self._levels = []
        return number

    def _expand(self, architecture: Architecture, number: int) -> int:
        """Return the row of moves of an architecture, which are looked up once."""
        if number not in self._row_of:
            moves = np.full(len(self.search_space.actions), -1)
            for after, action in self.search_space.neighbours(architecture).items():
                moves[action] = self._known_or_new(after)
            for action in np.flatnonzero(self.search_space.mask(architecture)).tolist():
                if moves[action] < 0:  # another edit with the same outcome, or keep
                    moves[action] = self._known_or_new(self.search_space.apply(architecture, action))
            self._row_of[number] = len(self._moves)
            self._moves.append(moves)
            self._expanded.append(number)
            self._levels = []
        return self._row_of[number]

    def _arrived(self, steps: int) -> np.ndarray:
        """Return the value of arriving at each architecture by a step, with `steps` left before it."""
        if not self._levels:
            self._levels.append(self._values)
        while len(self._levels) < steps:
            latest = self._levels[-1]
            further = self._onward(latest)
            reached = (
                further
                if self.last_only
                else np.maximum(
                    self._values, further - np.where(self._known, self.step_cost, self.detour_cost)
                )
            )
            if np.array_equal(reached, latest) and not self.last_only:
                return latest
            self._levels.append(reached)
        return self._levels[steps - 1]

    def _onward(self, arrived: np.ndarray) -> np.ndarray:
        """Return the highest value that one more step gives from each architecture."""
        if self._whole:
            return _highest(arrived, _all_moves(self.search_space))
        found = np.full(len(arrived), arrived.min())
        if self._moves:
            found[self._expanded] = _highest(arrived, np.array(self._moves))
        return found


def _highest(values: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """Return the highest value among the moves of each row; -1 is no move."""
    return np.asarray(np.append(values, -np.inf)[moves].max(axis=1))


@lru_cache(maxsize=4)
def _all_moves(space: SearchSpace[Any]) -> np.ndarray:
    """Return where each edit of each architecture leads, int32 (architectures, n); -1 for illegal ones."""
    graph, actions = space.edit_graph, len(space.actions)
    for architecture in space:
        graph.number(architecture)
    numbers = np.arange(space.size)
    after, legal = graph.follow_all(np.repeat(numbers, actions), np.tile(np.arange(actions), space.size))
    return np.where(legal, after, -1).astype(np.int32).reshape(space.size, actions)
