"""Observations: the forms in which an agent sees a state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Protocol

import numpy as np
from gymnasium import spaces
from gymnasium.vector.utils import concatenate, create_empty_array

from nas_gym.errors import ConfigError, unknown
from nas_gym.search_spaces import Architecture, SearchSpace

LARGEST_INDEX = 2**62


class Observer(Protocol):
    """Fills an observation space.

    Attributes:
        space: the Gymnasium space.
    """

    space: spaces.Space[Any]

    def __call__(self, architecture: Architecture, steps_left: int) -> Any:
        """Return a fresh observation; `steps_left` is shown under an episodic reward only."""
        ...


class StateObserver(ABC):
    """Shows states by their numbers in the edit graph, one or many at once.

    Args:
        search_space: search space of the architectures.
        horizon: under an episodic reward the horizon, for ``steps_left``; None otherwise.

    Attributes:
        graph: the edit graph of the search space.
        horizon: the horizon; None where there is no ``steps_left``.
        space: the Gymnasium space.
    """

    space: spaces.Space[Any]

    def __init__(self, search_space: SearchSpace[Any], horizon: int | None) -> None:
        self.graph, self.horizon = search_space.edit_graph, horizon

    @abstractmethod
    def one(self, number: int, steps_left: int) -> Any:
        """Return a fresh observation of a state."""

    @abstractmethod
    def many(self, numbers: np.ndarray, steps_left: np.ndarray) -> Any:
        """Return a fresh observation of several states, batched as Gymnasium batches `space`."""

    def __call__(self, architecture: Architecture, steps_left: int) -> Any:
        return self.one(self.graph.number(architecture), steps_left)


class DictObserver(StateObserver):
    """The flat Dict of one-dimensional arrays of the search space."""

    with_mask = False

    def __init__(self, search_space: SearchSpace[Any], horizon: int | None) -> None:
        super().__init__(search_space, horizon)
        entries = dict(search_space.observation_space.spaces)
        if horizon is not None:
            entries["steps_left"] = spaces.MultiDiscrete([horizon + 1])
        if self.with_mask:
            entries["action_mask"] = spaces.MultiBinary(len(search_space.actions))
        self.space = spaces.Dict(entries)

    def one(self, number: int, steps_left: int) -> dict[str, np.ndarray]:
        observation = {name: array[number].copy() for name, array in self.graph.observations.items()}
        if self.horizon is not None:
            observation["steps_left"] = np.array([steps_left])
        if self.with_mask:
            observation["action_mask"] = self.graph.masks[number].copy()
        return observation

    def many(self, numbers: np.ndarray, steps_left: np.ndarray) -> dict[str, np.ndarray]:
        graph = self.graph
        observation = {name: array.take(numbers, axis=0) for name, array in graph.observations.items()}
        if self.horizon is not None:
            observation["steps_left"] = steps_left[:, None].copy()
        if self.with_mask:
            observation["action_mask"] = graph.masks.take(numbers, axis=0)
        return observation


class MaskedDictObserver(DictObserver):
    """The Dict with ``action_mask`` too."""

    with_mask = True


class IndexObserver(StateObserver):
    """The architecture's index; under an episodic reward index * (horizon + 1) + steps left."""

    def __init__(self, search_space: SearchSpace[Any], horizon: int | None) -> None:
        super().__init__(search_space, horizon)
        self.times = 1 if horizon is None else horizon + 1
        if search_space.size * self.times > LARGEST_INDEX:
            raise ConfigError(
                f"observation 'index' cannot number the {search_space.size:,} states of this search space: "
                "use observation='dict' or a smaller space"
            )
        self.space = spaces.Discrete(search_space.size * self.times)

    def one(self, number: int, steps_left: int) -> np.int64:
        left = 0 if self.horizon is None else steps_left
        return np.int64(self.graph.index(number) * self.times + left)

    def many(self, numbers: np.ndarray, steps_left: np.ndarray) -> np.ndarray:
        left = 0 if self.horizon is None else steps_left
        return self.graph.indices(numbers) * self.times + left


class FlatObserver(StateObserver):
    """The Dict one-hot in one float32 Box, as `gymnasium.spaces.flatten` makes it."""

    def __init__(self, search_space: SearchSpace[Any], horizon: int | None) -> None:
        super().__init__(search_space, horizon)
        whole: Any = DictObserver(search_space, horizon).space
        parts = [spaces.flatten_space(entry) for entry in whole.values()]
        if not all(isinstance(part, spaces.Box) for part in parts):
            raise ConfigError(
                "observation 'flat' needs entries that Gymnasium can flatten into one Box: use "
                "observation='dict'"
            )
        low, high = (np.concatenate([getattr(part, end) for part in parts]) for end in ("low", "high"))
        self.space = spaces.Box(low.astype(np.float32), high.astype(np.float32), dtype=np.float32)
        self._entries = dict(whole.spaces)

    def one(self, number: int, steps_left: int) -> np.ndarray:
        flat: np.ndarray = self.many(np.array([number]), np.array([steps_left]))[0]
        return flat

    def many(self, numbers: np.ndarray, steps_left: np.ndarray) -> np.ndarray:
        batch = {name: array.take(numbers, axis=0) for name, array in self.graph.observations.items()}
        batch["steps_left"] = steps_left[:, None]
        parts = [_one_hot(entry, batch[name]) for name, entry in self._entries.items()]
        return np.concatenate(parts, axis=1, dtype=np.float32)


class GraphObserver(StateObserver):
    """The architecture's sketch as `spaces.Graph`; under an episodic reward in a Dict with steps left."""

    def __init__(self, search_space: SearchSpace[Any], horizon: int | None) -> None:
        super().__init__(search_space, horizon)
        graph = spaces.Graph(
            node_space=spaces.Discrete(search_space.num_box_codes),
            edge_space=spaces.Discrete(search_space.num_link_codes),
        )
        self.space = graph
        if horizon is not None:
            self.space = spaces.Dict({"graph": graph, "steps_left": spaces.MultiDiscrete([horizon + 1])})

    def one(self, number: int, steps_left: int) -> Any:
        sketch = self.graph.space.sketch(self.graph.architecture(number))
        links = [(source, target) for source, target, _ in sketch.links]
        graph = spaces.GraphInstance(
            nodes=np.array(sketch.box_codes, dtype=np.int64),
            edges=np.array(sketch.link_codes, dtype=np.int64),
            edge_links=np.array(links, dtype=np.int32).reshape(-1, 2),
        )
        return graph if self.horizon is None else {"graph": graph, "steps_left": np.array([steps_left])}

    def many(self, numbers: np.ndarray, steps_left: np.ndarray) -> Any:
        each = [self.one(*state) for state in zip(numbers.tolist(), steps_left.tolist(), strict=True)]
        empty: Any = create_empty_array(self.space, len(each))
        return concatenate(self.space, each, empty)


def _one_hot(entry: spaces.Space[Any], values: np.ndarray) -> np.ndarray:
    """Return values of a space in the form of `spaces.flatten`, (rows, width).

    What has no quick form goes through Gymnasium value by value.
    """
    rows = len(values)
    if isinstance(entry, spaces.MultiDiscrete):
        sizes = entry.nvec.ravel()
        flat = np.zeros((rows, int(sizes.sum())), dtype=np.float32)
        places = np.cumsum(sizes) - sizes + (values - entry.start).reshape(rows, -1)
        flat[np.arange(rows)[:, None], places] = 1.0
        return flat
    if isinstance(entry, spaces.MultiBinary | spaces.Box):
        return values.reshape(rows, -1)
    return np.array([spaces.flatten(entry, value) for value in values])


OBSERVATIONS: dict[str, type[StateObserver]] = {
    "dict": DictObserver,
    "dict+mask": MaskedDictObserver,
    "index": IndexObserver,
    "flat": FlatObserver,
    "graph": GraphObserver,
}


def make_observer(kind: str, search_space: SearchSpace[Any], horizon: int | None) -> StateObserver:
    """Return the observer of a kind of `OBSERVATIONS`.

    Args:
        kind: name of the observation.
        search_space: search space of the architectures.
        horizon: under an episodic reward the horizon, for ``steps_left``; None otherwise.

    Raises:
        NASGymError: if the kind is unknown, or the space too large for an index.
    """
    if not isinstance(kind, str) or kind not in OBSERVATIONS:
        raise unknown("observation", kind, OBSERVATIONS)
    return OBSERVATIONS[kind](search_space, horizon)
