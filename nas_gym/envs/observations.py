"""Observations: how a state is shown to an agent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces

from nas_gym.errors import NASGymError, unknown
from nas_gym.search_spaces.base import Architecture, SearchSpace

OBSERVATIONS = ("dict", "dict+mask", "graph", "index")
LARGEST_INDEX = 2**62


@dataclass(frozen=True, slots=True)
class Observer:
    """An observation space and the function that fills it.

    Attributes:
        space: the Gymnasium space.
        observe: (architecture, steps left) -> a fresh observation; steps left is used under an
            episodic reward only.
    """

    space: spaces.Space[Any]
    observe: Callable[[Architecture, int], Any]


def make_observer(kind: str, search_space: SearchSpace[Any], horizon: int | None) -> Observer:
    """The observer of a kind.

    Args:
        kind: ``"dict"``: the flat Dict of one-dimensional arrays of the search space;
            ``"dict+mask"``: with ``action_mask`` too, MultiBinary(actions); ``"index"``:
            Discrete(size), the architecture's index; ``"graph"``: `spaces.Graph` of the
            architecture's sketch.
        search_space: whose architectures are shown.
        horizon: under an episodic reward the horizon, for ``steps_left``: MultiDiscrete([horizon +
            1]) in a Dict; in an index, index * (horizon + 1) + steps_left. None otherwise.
    """
    if kind == "index":
        return _index(search_space, horizon)
    if kind == "graph":
        return _graph(search_space, horizon)
    if kind in ("dict", "dict+mask"):
        return _dict(search_space, horizon, with_mask=kind == "dict+mask")
    raise unknown("observation", kind, OBSERVATIONS)


def _dict(search_space: SearchSpace[Any], horizon: int | None, *, with_mask: bool) -> Observer:
    entries = dict(search_space.observation_space.spaces)
    if horizon is not None:
        entries["steps_left"] = spaces.MultiDiscrete([horizon + 1])
    if with_mask:
        entries["action_mask"] = spaces.MultiBinary(len(search_space.actions))

    def observe(architecture: Architecture, steps_left: int) -> dict[str, np.ndarray]:
        observation = search_space.observe(architecture)
        if horizon is not None:
            observation["steps_left"] = np.array([steps_left])
        if with_mask:
            observation["action_mask"] = search_space.mask(architecture).astype(np.int8)
        return observation

    return Observer(spaces.Dict(entries), observe)


def _index(search_space: SearchSpace[Any], horizon: int | None) -> Observer:
    times = 1 if horizon is None else horizon + 1
    if search_space.size * times > LARGEST_INDEX:
        raise NASGymError(
            f"observation 'index' cannot number the {search_space.size:,} states of this search space: "
            "use observation='dict' or a smaller space"
        )

    def observe(architecture: Architecture, steps_left: int) -> np.int64:
        left = 0 if horizon is None else steps_left
        return np.int64(search_space.index(architecture) * times + left)

    return Observer(spaces.Discrete(search_space.size * times), observe)


def _graph(search_space: SearchSpace[Any], horizon: int | None) -> Observer:
    graph = spaces.Graph(
        node_space=spaces.Discrete(search_space.num_box_codes),
        edge_space=spaces.Discrete(search_space.num_link_codes),
    )

    def observe_graph(architecture: Architecture, steps_left: int) -> spaces.GraphInstance:
        sketch = search_space.sketch(architecture)
        links = [(source, target) for source, target, _ in sketch.links]
        return spaces.GraphInstance(
            nodes=np.array(sketch.box_codes, dtype=np.int64),
            edges=np.array(sketch.link_codes, dtype=np.int64),
            edge_links=np.array(links, dtype=np.int32).reshape(-1, 2),
        )

    if horizon is None:
        return Observer(graph, observe_graph)

    def observe(architecture: Architecture, steps_left: int) -> dict[str, Any]:
        graph_instance = observe_graph(architecture, steps_left)
        return {"graph": graph_instance, "steps_left": np.array([steps_left])}

    steps_space = spaces.MultiDiscrete([horizon + 1])
    return Observer(spaces.Dict({"graph": graph, "steps_left": steps_space}), observe)
