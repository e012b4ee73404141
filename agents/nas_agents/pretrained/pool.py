"""Candidates of a search, with all that the policy compares them by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from copy import copy
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import sparse

from nas_agents.pretrained.graphs import NO_GRAPH, Graph, GraphBatch, joined_graphs, read_graph
from nas_agents.pretrained.readings import READINGS, read_network
from nas_agents.pretrained.subtrees import Pieces, subtrees
from nas_gym.networks import Network
from nas_gym.search_spaces import Architecture, SearchSpace, make_search_space

REFERENCE = 1000
"""Architectures of a space too large to list that scales are taken from."""
KERNELS = ("near choices", "choices", "pieces", "readings", "line of readings", "all")
"""The kernels by which architectures are alike, in order."""
SCALES = (
    "_centre",
    "_varies",
    "_spread",
    "_choice_mean",
    "_linear_scale",
    "_piece_scale",
    "_reading_scale",
    "_reading_peak",
    "_node_centre",
    "_node_spread",
)
REACH = 1.2
"""Differing choices over which likeness by the first kernel falls to 1/e."""


class Pool:
    """Architectures of a space that may be proposed, by number, and how alike they are.

    Nothing of it depends on names or on the order of operations, edges or layers: choices and pieces count
    only as equal or different, and readings are what networks do.

    Args:
        space: search space.
        architectures: the first candidates.
        reference: architectures that scales are taken from; None for the first candidates.

    Attributes:
        architectures: the candidates.
        numbers: their numbers.
        readings: float64 (candidates, `READINGS`), of mean 0 and variance 1 over the reference.
        groups: the number of each candidate's class: candidates of one have the same pieces.
        embedded: what policies made of the classes' graphs, by the policy's hash.
    """

    def __init__(
        self,
        space: SearchSpace[Any],
        architectures: Sequence[Architecture],
        reference: Sequence[Architecture] | None = None,
    ) -> None:
        self.space = space
        self.architectures: list[Architecture] = []
        self.numbers: dict[Architecture, int] = {}
        self._shown = with_one_cell(space)
        self._read: dict[Architecture, np.ndarray] = {}
        self._classes: dict[frozenset[tuple[int, int]], int] = {}
        self._class_of: dict[Architecture, int] = {}
        self._pieces: list[Counter[int]] = []
        self._graphs: list[Graph] = []
        self.embedded: dict[str, np.ndarray] = {}
        self._known: Pieces = {}
        sizes = [len(variable.choices) for variable in space.variables.values()]
        self._first_column = dict(zip(space.variables, np.cumsum([0, *sizes[:-1]]).tolist(), strict=True))
        self._columns = sum(sizes)
        self.groups = np.zeros(0, dtype=np.int64)
        self.readings = np.zeros((0, len(READINGS)))
        self.choices, self.pieces = np.zeros((0, self._columns)), sparse.csr_array((0, 0))
        if reference is None:
            self._set_scale_of_readings(architectures)
            self._append(architectures)
            self._set_scales()
        else:
            self._take_scales(Pool(space, reference))
            self._append(architectures)

    def _set_scale_of_readings(self, architectures: Sequence[Architecture]) -> None:
        raw = self._raw(architectures)
        self._centre, spread = raw.mean(axis=0), raw.std(axis=0)
        self._varies = spread > 1e-9
        self._spread = np.where(self._varies, spread, 1.0)

    def _set_scales(self) -> None:
        """Set the scales of likeness by the candidates."""
        self._choice_mean = self.choices.mean(axis=0)
        self._linear_scale = float(((self.choices - self._choice_mean) ** 2).sum(axis=1).mean()) or 1.0
        spread_of_pieces = float(self._piece_norms.mean() - np.square(self.pieces.mean(axis=0)).sum())
        self._piece_scale = 2 * spread_of_pieces if spread_of_pieces > 1e-9 else 1.0
        self._reading_scale = _mean_square(self.readings)
        self._reading_peak = 1.0 + float((self.readings**2).sum(axis=1).mean())
        nodes = np.concatenate([NO_GRAPH.nodes, *(graph.nodes for graph in self._graphs)])
        self._node_centre, self._node_spread = np.zeros(nodes.shape[1]), np.ones(nodes.shape[1])
        if len(nodes):
            self._node_centre, spread = nodes.mean(axis=0, dtype=np.float64), nodes.std(axis=0)
            self._node_spread = np.where(spread > 1e-6, spread, np.inf)

    def _take_scales(self, other: Pool) -> None:
        for name in SCALES:
            setattr(self, name, getattr(other, name))

    def __len__(self) -> int:
        return len(self.architectures)

    @property
    def num_variables(self) -> int:
        """Number of variables of the space."""
        return len(self.space.variables)

    def add(self, architectures: Sequence[Architecture]) -> None:
        """Append candidates that are new."""
        fresh = list(dict.fromkeys(each for each in architectures if each not in self.numbers))
        if fresh:
            self._append(fresh)

    def subset(self, kept: np.ndarray) -> Pool:
        """Return a pool of some of the candidates, with the same scales."""
        found = copy(self)
        found.architectures = [self.architectures[number] for number in kept]
        found.numbers = {each: number for number, each in enumerate(found.architectures)}
        found.groups, found.readings = self.groups[kept], self.readings[kept]
        found.choices, found.pieces = self.choices[kept], self.pieces[kept]
        found._piece_norms, found._chosen = self._piece_norms[kept], self._chosen[kept]
        return found

    def graphs(self, groups: Sequence[int]) -> GraphBatch:
        """Return the graphs of some classes as one, of mean 0 and variance 1 over the reference."""
        found = joined_graphs([self._graphs[group] for group in groups])
        return found._replace(nodes=self._scaled(found.nodes))

    def graph(self, group: int) -> Graph:
        """Return the graph of a class, scaled as those of `graphs`."""
        found = self._graphs[group]
        return found._replace(nodes=self._scaled(found.nodes))

    def _scaled(self, nodes: np.ndarray) -> np.ndarray:
        scaled = np.clip((nodes - self._node_centre) / self._node_spread, -4, 4)
        return np.asarray(scaled, dtype=np.float32)

    @property
    def num_groups(self) -> int:
        """Number of classes of all networks that were read."""
        return len(self._graphs)

    def differences(self, number: int, first: int = 0) -> np.ndarray:
        """Return in how many choices each candidate from `first` on differs from one."""
        common = self.choices[first:] @ self.choices[number]
        return np.asarray((self._chosen[first:] + self._chosen[number]) / 2 - common)

    def likeness(self, number: int, first: int = 0) -> np.ndarray:
        """Return how alike candidates from `first` on are to one, float64 (`KERNELS`, candidates)."""
        choices, read = self.choices, self.readings
        near = np.exp(-self.differences(number, first) / REACH)
        centred = choices[number] - self._choice_mean
        alike = ((choices[first:] - self._choice_mean) @ centred) / self._linear_scale
        by_pieces = np.exp(-self._piece_squares(number, first) / self._piece_scale)
        by_readings = np.exp(-self._reading_squares(number, first) / self._reading_scale)
        line = (1.0 + read[first:] @ read[number]) / self._reading_peak
        found = np.array([near, alike, by_pieces, by_readings, line])
        return np.concatenate([found, found.mean(axis=0, keepdims=True)])

    def own_likeness(self, first: int = 0) -> np.ndarray:
        """Return how alike candidates are to themselves, float64 (`KERNELS`, candidates)."""
        ones = np.ones(len(self) - first)
        alike = ((self.choices[first:] - self._choice_mean) ** 2).sum(axis=1) / self._linear_scale
        line = (1.0 + (self.readings[first:] ** 2).sum(axis=1)) / self._reading_peak
        found = np.array([ones, alike, ones, ones, line])
        return np.concatenate([found, found.mean(axis=0, keepdims=True)])

    def _piece_squares(self, number: int, first: int) -> np.ndarray:
        """Return squared distances by pieces."""
        common = self.pieces[first:] @ self.pieces[[number]].toarray()[0]
        norms = self._piece_norms
        return np.asarray(np.maximum(norms[first:] + norms[number] - 2 * common, 0.0))

    def _reading_squares(self, number: int, first: int) -> np.ndarray:
        """Return squared distances by readings."""
        return np.asarray(np.square(self.readings[first:] - self.readings[number]).sum(axis=1))

    def _append(self, architectures: Sequence[Architecture]) -> None:
        for architecture in architectures:
            self.numbers[architecture] = len(self.architectures)
            self.architectures.append(architecture)
        raw = self._raw(architectures)
        groups = [self._class_of[each] for each in architectures]
        self.groups = np.concatenate([self.groups, np.array(groups, dtype=np.int64)])
        read = np.clip((raw - self._centre) / self._spread, -5, 5) * self._varies
        self.readings = np.concatenate([self.readings, read])
        self.choices = np.concatenate([self.choices, self._chosen_by(architectures)])
        rows = [self._pieces[group] for group in groups]
        ends = np.cumsum([0, *map(len, rows)])
        columns = np.fromiter((column for row in rows for column in row), np.int64, ends[-1])
        counts = np.fromiter((count for row in rows for count in row.values()), np.float64, ends[-1])
        width = len(self._known)
        fresh = sparse.csr_array((np.sqrt(counts), columns, ends), shape=(len(rows), width))
        before = self.pieces
        wider = sparse.csr_array((before.data, before.indices, before.indptr), (before.shape[0], width))
        self.pieces = sparse.csr_array(sparse.vstack([wider, fresh]))
        self._chosen = self.choices.sum(axis=1)
        self._piece_norms: np.ndarray = np.asarray(self.pieces.power(2).sum(axis=1))

    def _raw(self, architectures: Sequence[Architecture]) -> np.ndarray:
        """Return readings as they are, float64 (architectures, `READINGS`), and remember the pieces."""
        return np.array([self._reading(each) for each in architectures]).reshape(-1, len(READINGS))

    def _reading(self, architecture: Architecture) -> np.ndarray:
        if architecture not in self._read:
            read, pieces = np.zeros(len(READINGS)), Counter[int]()
            network = self._network(architecture)
            if network is not None:
                read, pieces = read_network(network), subtrees(network, self._known)
            self._read[architecture] = read
            # Few networks have the same pieces, so that the counts themselves say which are equal.
            group = self._classes.setdefault(frozenset(pieces.items()), len(self._classes))
            self._class_of[architecture] = group
            if group == len(self._pieces):
                self._pieces.append(pieces)
                self._graphs.append(NO_GRAPH if network is None else read_graph(network))
        return self._read[architecture]

    def _network(self, architecture: Architecture) -> Network | None:
        """Return a network to read; None in a space that builds none, which a function may score."""
        try:
            return self._shown.network(self._shown.parse(str(architecture)))
        except NotImplementedError:
            return None

    def _chosen_by(self, architectures: Sequence[Architecture]) -> np.ndarray:
        """Return choices in one-hot form, 0 where a variable does not matter."""
        found = np.zeros((len(architectures), self._columns))
        for row, architecture in zip(found, architectures, strict=True):
            active = self.space.active_variables(architecture)
            for name, value in self.space.encode(architecture).items():
                if name in active:
                    row[self._first_column[name] + value] = 1.0
        return found


def with_one_cell(space: SearchSpace[Any]) -> SearchSpace[Any]:
    """Return a space with one cell a stage, where a space repeats them: more would be the same again."""
    config = space.config()
    if not isinstance(config.get("cells"), int) or config["cells"] == 1:
        return space
    return make_search_space(config | {"cells": 1}, space.input_shape, space.outputs)


@lru_cache(maxsize=2)
def whole_pool(space: SearchSpace[Any]) -> Pool:
    """Return the pool of all architectures of a space, by index; it is made once in a process."""
    return Pool(space, list(space))


def _mean_square(rows: np.ndarray) -> float:
    """Return the mean squared distance between two rows, or 1 where it is 0."""
    mean = rows.mean(axis=0, dtype=np.float64)
    found = 2 * float((np.square(rows - mean)).sum(axis=1, dtype=np.float64).mean())
    return found if found > 1e-12 else 1.0
