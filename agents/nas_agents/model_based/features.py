"""Architectures as numbers that a kernel can compare: their choices, and the walks through their graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
from scipy import sparse

from nas_gym.search_spaces import Architecture, SearchSpace, Sketch

MOST_LINKS = 3
MOST_LINKS_OF_A_PART = 2
DENSE_COLUMNS = 400
INPUT, OUTPUT = "input", "output"

Walk = tuple[int, bool, tuple[int, ...]]
Matrix = np.ndarray | sparse.csr_array
Costs = Callable[[Sequence[Architecture]], np.ndarray]


@dataclass(frozen=True)
class Group:
    """The columns that one term of a kernel compares.

    Attributes:
        columns: where they are.
        scales: for each column the scales whose product is its weight, int (factors, columns).
    """

    columns: slice
    scales: np.ndarray


class Features:
    """Columns of an architecture: one for each choice of each variable, then one for each walk.

    A choice's column is 1 where the variable has the choice. A variable that an architecture
    ignores (changing it gives the same architecture) has no choice, so all its columns are 0.

    A walk is a sequence of boxes and links along the architecture's `Sketch`, by their codes: of
    at most `MOST_LINKS` links if it is complete, from the input to the output, else of at most
    `MOST_LINKS_OF_A_PART`; a single box is one without links. Its column counts it, as a square
    root, so that a first occurrence weighs more than a fourth. Each number of links has a scale,
    complete walks have their own: these are the path encoding of White et al., "BANANAS", 2021,
    and the others are the n-grams of a chain of layers. Columns are appended as walks are met.

    Costs that are known without an evaluation may stand between choices and walks, a column and a scale
    each.

    Args:
        space: search space of the architectures.
        costs: gives the costs of architectures, float64 (architectures, costs), of mean 0 and variance 1
            over the space; None for no such columns.
        num_costs: how many there are.

    Attributes:
        num_scales: scales of all groups together.
    """

    def __init__(self, space: SearchSpace[Any], costs: Costs | None = None, num_costs: int = 0) -> None:
        self._space, self._costs, self.num_costs = space, costs, num_costs
        sizes = [len(variable.choices) for variable in space.variables.values()]
        self._first_column = np.concatenate([[0], np.cumsum(sizes)])
        self._all_active = prod(sizes) == space.size
        self._walks: dict[Walk, int] = {}
        self._rows: dict[Architecture, dict[int, float]] = {}
        self._variable_scales = self._scales_of_variables()
        self._first_walk_scale = int(self._variable_scales.max()) + 1
        self._first_cost_scale = self._first_walk_scale + 2 * (MOST_LINKS + 1)
        self.num_scales = self._first_cost_scale + num_costs

    @property
    def num_variables(self) -> int:
        """Number of variables of the space; their scales are the first ones."""
        return len(self._first_column) - 1

    @property
    def walk_scales(self) -> slice:
        """Where the scales of walks are."""
        return slice(self._first_walk_scale, self._first_cost_scale)

    @property
    def cost_scales(self) -> slice:
        """Where the scales of costs are."""
        return slice(self._first_cost_scale, self.num_scales)

    def groups(self) -> tuple[Group, ...]:
        """Return the columns of choices, of the walks met so far, and of costs if there are any."""
        choices = int(self._first_column[-1])
        first_walk = choices + self.num_costs
        scales = [2 * links + complete + self._first_walk_scale for links, complete, _ in self._walks]
        walks = np.array(scales, dtype=np.int64).reshape(1, -1)
        found = (
            Group(slice(0, choices), self._variable_scales),
            Group(slice(first_walk, first_walk + len(self._walks)), walks),
        )
        if not self.num_costs:
            return found
        costs = np.arange(self._first_cost_scale, self.num_scales).reshape(1, -1)
        return (*found, Group(slice(choices, first_walk), costs))

    def matrix(self, architectures: Sequence[Architecture]) -> Matrix:
        """Return features, float64 (architectures, columns so far); a sparse matrix where it is wide."""
        self._add_rows([each for each in architectures if each not in self._rows])
        rows = [self._rows[architecture] for architecture in architectures]
        width = int(self._first_column[-1]) + self.num_costs + len(self._walks)
        lengths = np.cumsum([0, *map(len, rows)])
        columns = np.fromiter((column for row in rows for column in row), np.int64, lengths[-1])
        values = np.fromiter((value for row in rows for value in row.values()), np.float64, lengths[-1])
        found = sparse.csr_array((values, columns, lengths), shape=(len(rows), width))
        return found.toarray() if width <= DENSE_COLUMNS else found

    def _add_rows(self, architectures: list[Architecture]) -> None:
        choices = int(self._first_column[-1])
        costs = [()] * len(architectures) if self._costs is None else self._costs(architectures).tolist()
        for architecture, own in zip(architectures, costs, strict=True):
            row = self._row(architecture)
            row.update({choices + number: cost for number, cost in enumerate(own)})
            self._rows[architecture] = row

    def _row(self, architecture: Architecture) -> dict[int, float]:
        """Return the columns of choices and walks."""
        values = self._space.encode(architecture)
        inactive = set() if self._all_active else ignored(self._space, architecture)
        row = {
            int(first) + value: 1.0
            for first, (name, value) in zip(self._first_column[:-1], values.items(), strict=True)
            if name not in inactive
        }
        first_walk = int(self._first_column[-1]) + self.num_costs
        for walk, count in walks(self._space.sketch(architecture)).items():
            column = self._walks.setdefault(walk, len(self._walks))
            row[first_walk + column] = count**0.5
        return row

    def _scales_of_variables(self) -> np.ndarray:
        """Return the scale of each choice's variable, and one that equal lists of choices share."""
        numbers: dict[tuple[tuple[str, ...], str], int] = {}
        pairs = []
        for number, variable in enumerate(self._space.variables.values()):
            for choice in variable.choices:
                shared = numbers.setdefault((variable.choices, choice), len(numbers))
                pairs.append((number, len(self._space.variables) + shared))
        return np.array(pairs, dtype=np.int64).T


@lru_cache(maxsize=2)
def all_features(space: SearchSpace[Any]) -> tuple[Features, Matrix]:
    """Return the features of every architecture of a space, rows by index; computed once in a process."""
    features = Features(space)
    return features, features.matrix(list(space))


def ignored(space: SearchSpace[Any], architecture: Architecture) -> set[str]:
    """Return the variables that make no difference to an architecture, whatever their choice."""
    values = space.encode(architecture)
    return {
        name
        for name, variable in space.variables.items()
        if len(variable.choices) > 1
        and all(
            space.decode(values | {name: other}) == architecture
            for other in range(len(variable.choices))
            if other != values[name]
        )
    }


def walks(sketch: Sketch) -> Counter[Walk]:
    """Count each walk: its links, whether it leads from the input to the output, its codes."""
    leaving: dict[int, list[tuple[int, int]]] = {}
    for (source, target, _), code in zip(sketch.links, sketch.link_codes, strict=True):
        leaving.setdefault(source, []).append((target, code))
    last = len(sketch.boxes) - 1
    found: Counter[Walk] = Counter()
    begun: list[tuple[int, int, tuple[int, ...]]] = [
        (box, box, (code,)) for box, code in enumerate(sketch.box_codes)
    ]
    for links in range(MOST_LINKS + 1):
        for start, end, codes in begun:
            complete = start == 0 and end == last
            if complete or links <= MOST_LINKS_OF_A_PART:
                found[links, complete, codes] += 1
        begun = [
            (start, target, (*codes, code, sketch.box_codes[target]))
            for start, end, codes in begun
            for target, code in leaving.get(end, ())
        ]
    return found
