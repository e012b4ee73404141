"""Networks by number: where their edits lead, and what a model compares them by."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from gymnasium import spaces

from nas_gym.errors import ConfigError
from nas_gym.search_spaces import Architecture, SearchSpace

MOST_PAIRS = 1000
"""Columns of pairs of choices; a space that has more of them is compared by single choices and counts."""
SHARE_OF_PAIRS = 0.7
NONE = -1


class States:
    """The states of a search space by their number in its edit graph, with features of each.

    The features of a network are a constant, a column for each choice at each place, one for how often a
    choice occurs at places of one kind, and one for each two choices at two places. All of them are told
    from the environment's observation. A network has the same number of columns that are not 0, so that
    features are kept as `columns`, and column j has the value ``scales[j]`` wherever it occurs.

    Args:
        space: search space of the networks.

    Attributes:
        space, graph: the search space and its edit graph.
        width: number of columns.
        scales: float64 (width,); squares of the columns of a network sum to about 4.

    Raises:
        NASGymError: if the observation of the space is not made of whole numbers.
    """

    def __init__(self, space: SearchSpace[Any]) -> None:
        self.space, self.graph = space, space.edit_graph
        self._names = list(space.observation_space.spaces)
        sizes = [_sizes(name, space.observation_space[name]) for name in self._names]
        flat = np.array([size for group in sizes for size in group], dtype=np.int64)
        kinds = np.repeat(np.arange(len(sizes)), [len(group) for group in sizes])
        self._first = 1 + np.concatenate([[0], np.cumsum(flat)[:-1]])
        width = 1 + int(flat.sum())
        scales = [np.ones(1), np.full(width - 1, len(flat) ** -0.5)]
        self._shared: list[tuple[np.ndarray, int]] = []
        for kind, size in sorted({(int(kind), int(size)) for kind, size in zip(kinds, flat, strict=True)}):
            places = np.flatnonzero((kinds == kind) & (flat == size))
            if len(places) > 1:
                self._shared.append((places, width))
                scales.append(np.full(size, len(places) ** -1.0))
                width += size
        pairs = list(combinations(range(len(flat)), 2))
        self._pairs: list[tuple[int, int, int, int]] = []
        if sum(int(flat[one] * flat[other]) for one, other in pairs) <= MOST_PAIRS:
            for one, other in pairs:
                self._pairs.append((one, other, int(flat[other]), width))
                scales.append(np.full(int(flat[one] * flat[other]), SHARE_OF_PAIRS * len(pairs) ** -0.5))
                width += int(flat[one] * flat[other])
        self.width, self.scales = width, np.concatenate(scales)
        shared = sum(len(places) for places, _ in self._shared)
        self._table = np.zeros((0, 1 + len(flat) + shared + len(self._pairs)), dtype=np.int32)
        self._filled = np.zeros(0, dtype=bool)
        self._after: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._padded: dict[int, np.ndarray] = {}

    @property
    def actions(self) -> int:
        """Number of actions."""
        return len(self.graph.words)

    def number(self, text: str) -> int:
        """Return the number of the network with this text."""
        return self.graph.number(self.space.parse(text))

    def of(self, architecture: Architecture) -> int:
        """Return the number of a network."""
        return self.graph.number(architecture)

    def after(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the legal actions in a state, int64 (legal,), and the numbers of the states they lead to."""
        found = self._after.get(number)
        if found is None:
            legal = np.flatnonzero(self.graph.masks[number])
            numbers, _ = self.graph.follow_all(np.full(len(legal), number), legal)
            found = self._after[number] = legal, numbers.astype(np.int64)
        return found

    def padded_after(self, numbers: list[int]) -> np.ndarray:
        """Return where each action leads, int64 (states, actions), `NONE` where it is illegal."""
        for number in numbers:
            if number not in self._padded:
                legal, after = self.after(number)
                self._padded[number] = np.full(self.actions, NONE, dtype=np.int64)
                self._padded[number][legal] = after
        return np.array([self._padded[number] for number in numbers]).reshape(-1, self.actions)

    def columns(self, numbers: np.ndarray) -> np.ndarray:
        """Return the columns of networks that are not 0, int32 (networks, columns of each)."""
        rows = self.graph.rows
        self._table, self._filled = with_room(self._table, rows), with_room(self._filled, rows)
        missing = np.unique(numbers[~self._filled[numbers]])
        if len(missing):
            self._table[missing], self._filled[missing] = self._computed(missing), True
        return np.asarray(self._table[numbers])

    def _computed(self, numbers: np.ndarray) -> np.ndarray:
        observed = [self.graph.observations[name][numbers] for name in self._names]
        values = np.concatenate([each.reshape(len(numbers), -1) for each in observed], axis=1).astype(
            np.int64
        )
        parts = [np.zeros((len(numbers), 1), dtype=np.int64), self._first + values]
        parts += [first + values[:, places] for places, first in self._shared]
        parts += [
            (first + values[:, one] * size + values[:, other])[:, None]
            for one, other, size, first in self._pairs
        ]
        return np.concatenate(parts, axis=1)


def with_room(array: np.ndarray, rows: int) -> np.ndarray:
    """Return an array with at least so many rows, further ones of zeros; where it grows it doubles."""
    if rows <= len(array):
        return array
    more = max(rows, 2 * len(array)) - len(array)
    return np.concatenate([array, np.zeros((more, *array.shape[1:]), dtype=array.dtype)])


def _sizes(name: str, entry: spaces.Space[Any]) -> list[int]:
    """Return the number of choices at each place of an entry of an observation."""
    if isinstance(entry, spaces.MultiDiscrete):
        return [int(size) for size in entry.nvec.ravel()]
    if isinstance(entry, spaces.MultiBinary):
        return [2] * int(np.prod(entry.shape))
    if isinstance(entry, spaces.Discrete):
        return [int(entry.n)]
    raise ConfigError(
        f"the observation {name!r} of the search space is a {type(entry).__name__}, which gives no choices "
        "to compare networks by: take the agent's plain form, which its page names"
    )
