"""The edit graph of a whole space as one array, and what follows from it: optima and distances."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from nas_gym.search_spaces.base import SearchSpace


def successors(space: SearchSpace[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return where each edit leads from each architecture, by index, and which edits are legal.

    It takes a few seconds for tens of thousands of architectures.

    Returns:
        Indices, int32 (size, n), where an illegal edit leads to itself, as keep does; bool (size, n).
    """
    leads = np.empty((space.size, len(space.actions)), dtype=np.int32)
    legal = np.empty(leads.shape, dtype=bool)
    for index, architecture in enumerate(space):
        edited = [space.edited(architecture, action) for action in range(len(space.actions))]
        legal[index] = [after is not None for after in edited]
        leads[index] = [index if after is None else space.index(after) for after in edited]
    return leads, legal


def unimproved(values: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return which architectures have no strictly better one an edit away, bool (size,).

    Several of them may be on one plateau, and another part of it may have a way up.
    """
    improved: np.ndarray = (values[after] > values[:, None]).any(axis=1)
    return ~improved


def local_optima(values: np.ndarray, after: np.ndarray) -> list[np.ndarray]:
    """Return the local optima: where no edit leads to something strictly better, a plateau counted once.

    A plateau is all architectures of one value that edits connect. It is an optimum if no edit
    leads from any of them to a better one.

    Args:
        values: value of each architecture, (size,).
        after: the states that edits lead to, as `successors` gives them.

    Returns:
        The indices of each optimum, best first.
    """
    plateaus = _plateaus(values, after)
    open_plateaus = np.zeros(len(values), dtype=bool)
    open_plateaus[plateaus[~unimproved(values, after)]] = True
    closed = np.flatnonzero(~open_plateaus[plateaus])
    labels = plateaus[closed]
    found = [closed[labels == label] for label in np.unique(labels)]
    return sorted(found, key=lambda members: (-values[members[0]], members[0]))


def edits_to(targets: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return the fewest edits from each architecture to the nearest of some targets, float64 (size,).

    Infinite where edits do not lead there.
    """
    # Distances are measured against the edits, from the targets.
    backwards = _graph(after, np.ones(after.shape, dtype=bool)).T.tocsr()
    return np.asarray(dijkstra(backwards, indices=targets, unweighted=True, min_only=True))


def _plateaus(values: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return the number of the plateau of each architecture."""
    labels = connected_components(_graph(after, values[after] == values[:, None]), directed=False)[1]
    return np.asarray(labels)


def _graph(after: np.ndarray, kept: np.ndarray) -> csr_array:
    """Return the edges that are kept."""
    size = len(after)
    sources = np.repeat(np.arange(size), after.shape[1])[kept.ravel()]
    targets = after.ravel()[kept.ravel()]
    return csr_array((np.ones(len(sources), dtype=np.int8), (sources, targets)), shape=(size, size))
