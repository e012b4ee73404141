"""The parts of an observation by name: what a policy can look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces

from nas_gym.search_spaces import SearchSpace
from nas_gym.traces import State

CLOCK, MASK = "steps_left", "action_mask"


@dataclass(frozen=True, slots=True)
class ObservationPart:
    """A part of an observation.

    Attributes:
        name: name in words.
        key: key of the entry of the observation.
        group: name of the larger part that it belongs to (``"layer 2"``), else its own.
        place: place of its numbers in the entry.
        columns: place of its numbers in the entry as a network is fed it, one-hot.
    """

    name: str
    key: str
    group: str
    place: slice
    columns: slice


def parts_of(search_space: SearchSpace[Any], observation: spaces.Dict) -> tuple[ObservationPart, ...]:
    """Return the parts of a Dict observation; the legal edits are one part."""
    found: list[ObservationPart] = []
    for key, entry in observation.spaces.items():
        sizes = [int(size) for size in entry.nvec] if isinstance(entry, spaces.MultiDiscrete) else []
        sizes = sizes or [1] * int(np.prod(entry.shape or (1,)))
        if key == MASK:
            whole = slice(0, len(sizes))
            found.append(ObservationPart("legal edits", key, key, whole, whole))
            continue
        ends = np.cumsum([0, *sizes]).tolist()
        switches = isinstance(entry, spaces.MultiBinary)
        for place, (name, group) in enumerate(_names(search_space, key, len(sizes))):
            columns = slice(ends[place], ends[place + 1])
            own = slice(place, place + 1)
            found.append(ObservationPart(name, key, key if switches else group, own, columns))
    return tuple(found)


def values_of(
    search_space: SearchSpace[Any], states: Sequence[State], most: int
) -> tuple[list[str], np.ndarray]:
    """Return the names of the parts of states, and numbers that are equal where a part is, int (N, parts).

    Where there are more than `most` parts, those of the same layer are one, and so are switches.
    """
    observed = [search_space.observe(state.architecture) for state in states]
    parts = parts_of(search_space, search_space.observation_space)
    names = [part.name for part in parts]
    if len(parts) > most:
        names = [part.group for part in parts]
    raw = np.array([np.concatenate([one[part.key][part.place] for part in parts]) for one in observed])
    groups = list(dict.fromkeys(names))
    columns = []
    for group in groups:
        members = raw[:, [name == group for name in names]]
        columns.append(np.unique(members, axis=0, return_inverse=True)[1].ravel())
    if any(state.steps_left is not None for state in states):
        groups.append("steps left")
        columns.append(np.array([state.steps_left or 0 for state in states]))
    return groups, np.stack(columns, axis=1)


def _names(search_space: SearchSpace[Any], key: str, count: int) -> list[tuple[str, str]]:
    """Return the name and the group of each number of an entry.

    They are those of as many variables of the space, if the entry has the name of their aspect or of their
    group in the plural, or holds all of them.
    """
    if key == CLOCK:
        return [("steps left", "steps left")]
    noun = key.removesuffix("s")
    variables = list(search_space.variables.values())
    placed = [variable for variable in variables if variable.position]
    for chosen in (
        [variable for variable in placed if variable.aspect in (noun, key)],
        [variable for variable in placed if variable.group == noun and not variable.aspect],
        variables,
    ):
        if len(chosen) == count:
            return [(variable.name, variable.place or variable.name) for variable in chosen]
    return [(f"{noun} {number}",) * 2 for number in range(1, count + 1)]
