"""The numbering of cells: by vertices, then by the graph, then by the operations."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import cache
from itertools import accumulate

import numpy as np

from nas_gym.search_spaces.mixed_radix import MixedRadix
from nas_gym.search_spaces.nasbench101.architecture import GraphCell


class CellIndex:
    """The numbers of all cells, those with fewer vertices first.

    A graph is known by its code: bit ``target (target - 1) / 2 + source`` is its edge from a source to a
    target. Graphs of as many vertices are in the order of their codes, operations have the last vertex
    fastest.

    Args:
        operations: operations to choose from.
        vertices: most vertices, at least 2.
        edges: most edges.

    Attributes:
        size: number of cells.
    """

    def __init__(self, operations: Sequence[str], vertices: int, edges: int) -> None:
        self._operations = tuple(operations)
        self._numbers = {operation: number for number, operation in enumerate(operations)}
        self._graphs = [whole_graphs(count, edges) for count in range(2, vertices + 1)]
        self._labels = [MixedRadix([len(operations)] * inner) for inner in range(vertices - 1)]
        sizes = [len(graphs) * labels.size for graphs, labels in zip(self._graphs, self._labels, strict=True)]
        self._first = list(accumulate(sizes, initial=0))
        self.size = self._first[-1]

    def number(self, cell: GraphCell) -> int:
        """Return the number of a cell, in ``range(size)``."""
        labels = self._labels[cell.inner]
        rank = int(np.searchsorted(self._graphs[cell.inner], _code(cell)))
        digits = [self._numbers[operation] for operation in cell.operations]
        return self._first[cell.inner] + rank * labels.size + labels.number(digits)

    def cell(self, number: int) -> GraphCell:
        """Return the cell of a number; the inverse of `number`.

        Raises:
            IndexError: if it is not in ``range(size)``.
        """
        if not 0 <= number < self.size:
            raise IndexError(f"index {number} is not in range({self.size})")
        inner = bisect_right(self._first, number) - 1
        rank, labels = divmod(number - self._first[inner], self._labels[inner].size)
        code, sources = int(self._graphs[inner][rank]), []
        for target in range(1, inner + 2):
            sources.append(tuple(source for source in range(target) if code >> source & 1))
            code >>= target
        digits = self._labels[inner].digits(labels)
        return GraphCell(tuple(self._operations[digit] for digit in digits), tuple(sources))


@cache
def whole_graphs(vertices: int, edges: int) -> np.ndarray:
    """Return the codes of the graphs without a vertex off the ways from input to output, int64, ascending."""
    codes = counts = leading = np.zeros(1, dtype=np.int64)
    for target in range(1, vertices):
        chosen = np.arange(1, 2**target)
        added = np.array([int(each).bit_count() for each in chosen])
        fits = counts[:, None] + added <= edges - (vertices - 1 - target)  # the others need one each
        codes = (codes[:, None] | chosen << target * (target - 1) // 2)[fits]
        leading = (leading[:, None] | chosen)[fits]
        counts = (counts[:, None] + added)[fits]
    found = np.sort(codes[leading == 2 ** (vertices - 1) - 1])
    found.setflags(write=False)
    return found


def _code(cell: GraphCell) -> int:
    return sum(1 << target * (target - 1) // 2 + source for source, target in cell.edges)
