"""The parts of an observation by name: what a policy can look at."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces

from nas_gym.search_spaces import SearchSpace
from nas_gym.traces import State

CLOCK, MASK = "steps_left", "action_mask"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an observation.

    Attributes:
        name: in words.
        key: of the entry of the observation.
        place: its numbers in the entry, as it is.
        columns: its numbers in the entry as a network is fed it, one-hot.
    """

    name: str
    key: str
    place: slice
    columns: slice


def parts_of(search_space: SearchSpace[Any], observation: spaces.Dict) -> tuple[Part, ...]:
    """The parts of a Dict observation; those of the legal edits are one."""
    found: list[Part] = []
    for key, entry in observation.spaces.items():
        sizes = [int(size) for size in entry.nvec] if isinstance(entry, spaces.MultiDiscrete) else []
        sizes = sizes or [1] * int(np.prod(entry.shape or (1,)))
        if key == MASK:
            found.append(Part("legal edits", key, slice(0, len(sizes)), slice(0, len(sizes))))
            continue
        ends = np.cumsum([0, *sizes]).tolist()
        for place, name in enumerate(_names(search_space, key, len(sizes))):
            columns = slice(ends[place], ends[place + 1])
            found.append(Part(name, key, slice(place, place + 1), columns))
    return tuple(found)


def values_of(
    search_space: SearchSpace[Any], states: Sequence[State], most: int
) -> tuple[list[str], np.ndarray]:
    """The parts of states as numbers that are equal where a part is, int (N, parts), with their names.

    Where there are more than `most` parts, those of the same layer are one, and so are switches.
    """
    observed = [search_space.observe(state.architecture) for state in states]
    parts = parts_of(search_space, search_space.observation_space)
    names = [part.name for part in parts]
    if len(parts) > most:
        names = [_grouped(search_space, part) for part in parts]
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


def _names(search_space: SearchSpace[Any], key: str, count: int) -> list[str]:
    """The names of the numbers of an entry, those of the space's variables where they are the same."""
    if key == CLOCK:
        return ["steps left"]
    noun = key.removesuffix("s")
    variables = list(search_space.variables)
    for pattern in (rf"\S+ \d[\d-]* ({noun}|{key})", rf"{noun} \d[\d-]*", ".*"):
        named = [name for name in variables if re.fullmatch(pattern, name)]
        if len(named) == count:
            return named
    return [f"{noun} {number}" for number in range(1, count + 1)]


def _grouped(search_space: SearchSpace[Any], part: Part) -> str:
    """The layer of a part, or all switches."""
    if isinstance(search_space.observation_space[part.key], spaces.MultiBinary):
        return part.key
    layer = re.match(r"\S+ \d[\d-]*", part.name)
    return layer.group() if layer else part.name
