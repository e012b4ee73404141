"""Architectures as numbers that a kernel can compare: their choices, and the walks through their graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from scipy import sparse

from nas_agents.model_based.pieces import Pieces
from nas_agents.pretrained.subtrees import DEPTH
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

    columns: slice | np.ndarray
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

    Shared by class, networks that compute the same (see `SearchSpace.isomorphism_class`) have equal columns
    of choices and walks: the means over the members among which the class is first met, so over the whole
    class where all of a space are given at once.

    Args:
        space: search space of the architectures.
        costs: gives the costs of architectures, float64 (architectures, costs), of mean 0 and variance 1
            over the space; None for no such columns.
        num_costs: how many there are.
        by_class: whether equivalent networks share their columns.
        short: whether there is a column for how short a training was, 0 of the full recipe and of every row
            here. It belongs to all groups, with a scale in each, so that short trainings are like full ones
            as far as those say.
        pieces: whether the pieces of the graph that computes are counted, too: each operation with what lies
            before it (see `nas_agents.pretrained.subtrees`), a group with a scale for each depth.

    Attributes:
        num_scales: scales of all groups together.
    """

    def __init__(
        self,
        space: SearchSpace[Any],
        costs: Costs | None = None,
        num_costs: int = 0,
        *,
        by_class: bool = False,
        short: bool = False,
        pieces: bool = False,
    ) -> None:
        self._space, self._costs, self.num_costs, self._by_class = space, costs, num_costs, by_class
        self._class_rows: dict[str, dict[int, float]] = {}
        sizes = [len(variable.choices) for variable in space.variables.values()]
        self._first_column = np.concatenate([[0], np.cumsum(sizes)])
        self._all_active = prod(sizes) == space.size
        # Walks, and pieces by their number, with their columns from the first of walks on.
        self._walks: dict[Walk | int, int] = {}
        self._rows: dict[Architecture, dict[int, float]] = {}
        self._variable_scales = self._scales_of_variables()
        self._first_walk_scale = int(self._variable_scales.max()) + 1
        self._first_cost_scale = self._first_walk_scale + 2 * (MOST_LINKS + 1)
        self._pieces = Pieces(space) if pieces else None
        self.piece_scales = slice(self.cost_scales.stop, self.cost_scales.stop + (DEPTH + 1) * pieces)
        self._short = short
        self.num_scales = self.piece_scales.stop + (2 + bool(num_costs) + pieces) * short

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
        return slice(self._first_cost_scale, self._first_cost_scale + self.num_costs)

    @property
    def short_scales(self) -> range:
        """The scale of the column for how short a training was in each group; none without it."""
        return range(self.piece_scales.stop, self.num_scales)

    @property
    def short_column(self) -> int:
        """Where the column for how short a training was is, if there is one."""
        return int(self._first_column[-1]) + self.num_costs

    @property
    def _first_walk(self) -> int:
        return self.short_column + self._short

    def groups(self) -> tuple[Group, ...]:
        """Return the columns of choices, of walks, of costs and of pieces, as many as were met so far."""
        choices = int(self._first_column[-1])
        found: tuple[Group, ...] = (Group(slice(0, choices), self._variable_scales), self._walks_met())
        if self.num_costs:
            costs = np.arange(self.cost_scales.start, self.cost_scales.stop).reshape(1, -1)
            found = (*found, Group(slice(choices, self.short_column), costs))
        if self._pieces is not None:
            found = (*found, self._pieces_met(self._pieces))
        return tuple(map(self._with_short, found, self.short_scales)) if self._short else found

    def _walks_met(self) -> Group:
        first = self._first_walk
        met = [(column, walk) for walk, column in self._walks.items() if isinstance(walk, tuple)]
        scales = [2 * links + complete + self._first_walk_scale for _, (links, complete, _) in met]
        columns: slice | np.ndarray = slice(first, first + len(met))
        if self._pieces is not None:
            columns = first + np.array([column for column, _ in met], dtype=np.int64)
        return Group(columns, np.array(scales, dtype=np.int64).reshape(1, -1))

    def _pieces_met(self, pieces: Pieces) -> Group:
        met = [(column, piece) for piece, column in self._walks.items() if isinstance(piece, int)]
        columns = self._first_walk + np.array([column for column, _ in met], dtype=np.int64)
        depths = [pieces.depth(piece) + self.piece_scales.start for _, piece in met]
        return Group(columns, np.array(depths, dtype=np.int64).reshape(1, -1))

    def _with_short(self, group: Group, scale: int) -> Group:
        """Return a group with the column for how short a training was."""
        columns = np.append(np.r_[group.columns], self.short_column)
        return Group(columns, np.pad(group.scales, ((0, 0), (0, 1)), constant_values=scale))

    def matrix(self, architectures: Sequence[Architecture]) -> Matrix:
        """Return features, float64 (architectures, columns so far); a sparse matrix where it is wide."""
        self._add_rows([each for each in architectures if each not in self._rows])
        rows = [self._rows[architecture] for architecture in architectures]
        width = self._first_walk + len(self._walks)
        lengths = np.cumsum([0, *map(len, rows)])
        columns = np.fromiter((column for row in rows for column in row), np.int64, lengths[-1])
        values = np.fromiter((value for row in rows for value in row.values()), np.float64, lengths[-1])
        found = sparse.csr_array((values, columns, lengths), shape=(len(rows), width))
        return found.toarray() if width <= DENSE_COLUMNS else found

    def label(self, architecture: Architecture) -> str:
        """Return a text that architectures share which have the same columns."""
        found: str = self._space.isomorphism_class(architecture) if self._by_class else str(architecture)
        return found

    def _add_rows(self, architectures: list[Architecture]) -> None:
        choices = int(self._first_column[-1])
        costs = [()] * len(architectures) if self._costs is None else self._costs(architectures).tolist()
        rows = self._shared_rows(architectures) if self._by_class else map(self._row_alone, architectures)
        for architecture, row, own in zip(architectures, rows, costs, strict=True):
            costly = {choices + number: cost for number, cost in enumerate(own)}
            self._rows[architecture] = row | costly if costly else row

    def _shared_rows(self, architectures: list[Architecture]) -> list[dict[int, float]]:
        """Return the rows of the classes of architectures; those of new classes are means over them."""
        labels = [self.label(each) for each in architectures]
        fresh: dict[str, list[Architecture]] = {}
        for label, architecture in zip(labels, architectures, strict=True):
            if label not in self._class_rows:
                fresh.setdefault(label, []).append(architecture)
        for label, members in fresh.items():
            # Members of a class have the same pieces.
            mean = _mean_of([self._row(each) for each in members])
            self._class_rows[label] = mean | self._row_of_pieces(members[0])
        return [self._class_rows[label] for label in labels]

    def _row_alone(self, architecture: Architecture) -> dict[int, float]:
        return self._row(architecture) | self._row_of_pieces(architecture)

    def _row_of_pieces(self, architecture: Architecture) -> dict[int, float]:
        """Return the columns of pieces."""
        counts = {} if self._pieces is None else self._pieces.count(architecture)
        columns = [self._walks.setdefault(piece, len(self._walks)) for piece in counts]
        first = self._first_walk
        return {first + column: count**0.5 for column, count in zip(columns, counts.values(), strict=True)}

    def _row(self, architecture: Architecture) -> dict[int, float]:
        """Return the columns of choices and walks."""
        values = self._space.encode(architecture)
        inactive = set() if self._all_active else ignored(self._space, architecture)
        row = {
            int(first) + value: 1.0
            for first, (name, value) in zip(self._first_column[:-1], values.items(), strict=True)
            if name not in inactive
        }
        first_walk = self._first_walk
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


def _mean_of(rows: list[dict[int, float]]) -> dict[int, float]:
    if len(rows) == 1:
        return rows[0]
    found: dict[int, float] = {}
    for row in rows:
        for column, value in row.items():
            found[column] = found.get(column, 0.0) + value / len(rows)
    return found


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
