"""The cells of NAS-Bench-101: a small acyclic graph with an operation on each inner vertex."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nas_gym.errors import ConfigError, unknown

OPERATIONS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
"""The operations in the published order, by which the hash labels vertices."""
IN_WORDS = {
    "conv3x3-bn-relu": "a convolution of width 3",
    "conv1x1-bn-relu": "a convolution of width 1",
    "maxpool3x3": "a maximum over windows of 3",
}
VERTICES, EDGES = 7, 9
"""The most that a published cell has, its input and its output counted."""
OUTPUT = "output"
INPUT_LABEL, OUTPUT_LABEL = -1, -2
EXAMPLE = "conv1x1-bn-relu(0) > maxpool3x3(0,1) > output(1,2)"
VERTEX = re.compile(r"([a-z0-9-]+) *\( *([0-9](?: *, *[0-9])*) *\)")

Edge = tuple[int, int]


@dataclass(frozen=True, slots=True)
class GraphCell:
    """A cell whose inner vertices all lie on a way from its input to its output.

    Vertex 0 is the input, the last one the output, and edges lead to higher numbers.

    Attributes:
        operations: the operation of each inner vertex, 1, 2 and so on.
        sources: for each vertex from 1 to the output where its edges come from, ascending.
    """

    operations: tuple[str, ...]
    sources: tuple[tuple[int, ...], ...]

    def __str__(self) -> str:
        return " > ".join(
            f"{label}({','.join(map(str, sources))})"
            for label, sources in zip((*self.operations, OUTPUT), self.sources, strict=True)
        )

    @property
    def inner(self) -> int:
        """Number of inner vertices."""
        return len(self.operations)

    @property
    def output(self) -> int:
        """Number of the output."""
        return len(self.operations) + 1

    @property
    def edges(self) -> list[Edge]:
        """All edges, by target and source."""
        return [
            (source, target) for target, sources in enumerate(self.sources, start=1) for source in sources
        ]


def cell_of(operations: Sequence[str], edges: Iterable[Edge]) -> GraphCell | None:
    """Return the cell of some edges; None where a vertex is on no way from the input to the output."""
    sources: list[list[int]] = [[] for _ in range(len(operations) + 1)]
    leading = {0}
    for source, target in sorted(edges):
        sources[target - 1].append(source)
        leading.add(source)
    # In a graph without cycles a vertex with an edge in and an edge out is on such a way.
    if not all(sources) or len(leading) <= len(operations):
        return None
    return GraphCell(tuple(operations), tuple(map(tuple, sources)))


def pruned(operations: Sequence[str], edges: Iterable[Edge]) -> GraphCell | None:
    """Return the cell that is left of a graph without the vertices that the output does not depend on.

    These are the vertices on no way from the input to the output (Ying et al. 2019); what is left is
    numbered anew, in its order. None where there is no such way.

    Args:
        operations: the operation of each inner vertex.
        edges: edges to higher numbers, the output is the last vertex.
    """
    output = len(operations) + 1
    edges = sorted(edges)
    reached, needed = {0}, {output}
    for source, target in edges:
        if source in reached:
            reached.add(target)
    for source, target in sorted(edges, key=lambda edge: -edge[1]):
        if target in needed:
            needed.add(source)
    kept = sorted(reached & needed)
    if 0 not in kept or output not in kept:
        return None
    number = {vertex: place for place, vertex in enumerate(kept)}
    return cell_of(
        [operations[vertex - 1] for vertex in kept[1:-1]],
        [
            (number[source], number[target])
            for source, target in edges
            if source in number and target in number
        ],
    )


def trimmed(cell: GraphCell, most: int) -> GraphCell:
    """Return a cell with edges taken away, and vertices that then lead nowhere, until it has at most `most`.

    Each time the last edge goes, by target and source, that no vertex is lost with; the last one of all
    where every edge is some vertex's only one.
    """
    while len(edges := cell.edges) > most:
        fewer = (
            cell_of(cell.operations, edges[:last] + edges[last + 1 :]) for last in range(len(edges))[::-1]
        )
        whole = next((one for one in fewer if one is not None), None)
        left = pruned(cell.operations, edges[:-1]) if whole is None else whole
        if left is None:
            break
        cell = left
    return cell


def cell_of_matrix(matrix: Sequence[Sequence[int]], operations: Sequence[str]) -> GraphCell | None:
    """Return the pruned cell of a published adjacency matrix; None where input and output are not joined.

    Args:
        matrix: 1 where an edge leads from the row's vertex to the column's, else 0; upper triangular.
        operations: the operation of each inner vertex.
    """
    places = range(len(matrix))
    return pruned(operations, [(row, column) for row in places for column in places if matrix[row][column]])


def graph_hash(cell: GraphCell) -> str:
    """Return the hash of NAS-Bench-101 (Ying et al. 2019, appendix), which isomorphic cells share.

    A vertex starts with the MD5 sum of its edges out and in and its label (-1 for the input, -2 for the
    output, else the number of the operation in `OPERATIONS`). As many times as there are vertices, that
    becomes the sum over the sorted ones before it, the sorted ones behind it, and its own. The hash is the
    sum over all of them, sorted.
    """
    vertices = range(cell.inner + 2)
    before = ((), *cell.sources)
    after: list[list[int]] = [[] for _ in vertices]
    for source, target in cell.edges:
        after[source].append(target)
    labels = (INPUT_LABEL, *map(OPERATIONS.index, cell.operations), OUTPUT_LABEL)
    sums = [_md5(str((len(after[one]), len(before[one]), labels[one]))) for one in vertices]
    for _ in vertices:
        joined = [
            ["".join(sorted(sums[other] for other in others)) for others in (before[one], after[one])]
            for one in vertices
        ]
        sums = [_md5("|".join((*joined[one], sums[one]))) for one in vertices]
    return _md5(str(sorted(sums)))


def parse_cell(text: str, operations: Sequence[str], vertices: int, edges: int) -> GraphCell:
    """Return the cell of a text.

    Raises:
        NASGymError: naming what is wrong.
    """
    labels, sources = [], list[tuple[int, ...]]()
    for number, part in enumerate(text.split(">"), start=1):
        found = VERTEX.fullmatch(part.strip())
        if found is None:
            raise ConfigError(
                f"cell {text!r} has {part.strip()!r} for vertex {number}: write it like '{EXAMPLE}'"
            )
        labels.append(found[1])
        sources.append(tuple(map(int, found[2].split(","))))
    if labels.pop() != OUTPUT:
        raise ConfigError(f"cell {text!r} must end with its {OUTPUT}: write it like '{EXAMPLE}'")
    for label in labels:
        if label not in operations:
            raise unknown(f"operation in cell {text!r}", label, operations)
    cell = GraphCell(tuple(labels), tuple(sources))
    _check(cell, text, vertices, edges)
    return cell


def _check(cell: GraphCell, text: str, vertices: int, edges: int) -> None:
    for number, sources in enumerate(cell.sources, start=1):
        if list(sources) != sorted(set(sources)) or sources[-1] >= number:
            raise ConfigError(
                f"cell {text!r} has {sources} before vertex {number}, expected different vertices below it, "
                "ascending"
            )
    leading = {source for sources in cell.sources for source in sources}
    for vertex in range(1, cell.output):
        if vertex not in leading:
            raise ConfigError(
                f"cell {text!r} has vertex {vertex}, which does not lead to the output: leave it out"
            )
    if cell.inner + 2 > vertices or len(cell.edges) > edges:
        raise ConfigError(
            f"cell {text!r} has {cell.inner + 2} vertices and {len(cell.edges)} edges, expected at most "
            f"{vertices} and {edges}"
        )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
