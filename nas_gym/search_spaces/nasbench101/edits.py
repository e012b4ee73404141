"""The edits of cells: edges and vertices that come and go, and operations that are swapped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nas_gym.search_spaces.base import KEEP, Edit
from nas_gym.search_spaces.nasbench101.architecture import Edge, GraphCell, cell_of

LAST = -1
"""The output, in the place of an edit."""


def edge_places(inner: int) -> list[Edge]:
    """Return the places of edges, by target and source, of cells with so many inner vertices at most."""
    targets = [*range(1, inner + 1), LAST]
    return [(source, target) for target in targets for source in range(target if target > 0 else inner + 1)]


def edge_name(place: Edge) -> str:
    """Return the name of an edge: ``"0-2"``, ``"1-output"``."""
    return f"{place[0]}-{_end(place[1])}"


class CellEdits:
    """The actions of the space, and what each does; see `NASBench101Space` for their order.

    Args:
        operations: operations to choose from.
        inner: most inner vertices.
        edges: most edges.

    Attributes:
        actions: the edits, keep first.
    """

    def __init__(self, operations: Sequence[str], inner: int, edges: int) -> None:
        self._inner, self._edges = inner, edges
        places, numbers = edge_places(inner), range(1, inner + 1)
        added = [Edit("add", f"add edge {edge_name(place)}", "edge", place) for place in places]
        # The ends of the two edges of each vertex that is added.
        self._ends: dict[int, Edge] = {}
        grown: list[Edit] = []
        for number, ends in _new_vertices(inner):
            for operation in operations:
                self._ends[1 + len(added) + len(grown)] = ends
                words = f"add {operation} as vertex {number} from {ends[0]} to {_end(ends[1])}"
                grown.append(Edit("add", words, "operation", (number,), operation))
        removed = [Edit("remove", f"remove edge {edge_name(place)}", "edge", place) for place in places]
        self._removed_vertex = {1 + len(added) + len(grown) + len(removed) + n - 1: n for n in numbers}
        shrunk = [Edit("remove", f"remove vertex {number}", "vertex") for number in numbers]
        swapped = [
            Edit("swap", f"swap vertex {number} to {operation}", "operation", (number,), operation)
            for number in numbers
            for operation in operations
        ]
        self.actions = (KEEP, *added, *grown, *removed, *shrunk, *swapped)

    def edited(self, cell: GraphCell, action: int) -> GraphCell | None:
        """Return the cell after an edit, None where it is illegal."""
        edit = self.actions[action]
        if edit.kind == "keep":
            return cell
        if edit.aspect == "edge":
            return self._with_edge_toggled(cell, edit)
        if edit.kind == "remove":
            return _without(cell, self._removed_vertex[action])
        if edit.kind == "add":
            return self._with_vertex(cell, edit, self._ends[action])
        number, operations = edit.place[0], cell.operations
        if number > cell.inner or operations[number - 1] == edit.value:
            return None
        return GraphCell((*operations[: number - 1], edit.value, *operations[number:]), cell.sources)

    def _with_edge_toggled(self, cell: GraphCell, edit: Edit) -> GraphCell | None:
        source, target = edit.place
        if source > cell.inner or target > cell.inner:
            return None
        edge = (source, cell.output if target == LAST else target)
        edges = cell.edges
        if edit.kind == "add":
            full = len(edges) >= self._edges
            return None if full or edge in edges else cell_of(cell.operations, [*edges, edge])
        if edge not in edges:
            return None
        edges.remove(edge)
        return cell_of(cell.operations, edges)

    def _with_vertex(self, cell: GraphCell, edit: Edit, ends: Edge) -> GraphCell | None:
        number, (source, target) = edit.place[0], ends
        inner, edges = cell.inner + 1, cell.edges
        if inner > self._inner or max(number, target) > inner or len(edges) + 2 > self._edges:
            return None
        shifted = [(i + (i >= number), j + (j >= number)) for i, j in edges]
        new = [(source, number), (number, inner + 1 if target == LAST else target)]
        operations = (*cell.operations[: number - 1], edit.value, *cell.operations[number - 1 :])
        return cell_of(operations, shifted + new)


def _new_vertices(inner: int) -> Iterator[tuple[int, Edge]]:
    """Yield the number of each vertex that may be added, and the ends of its two edges."""
    for number in range(1, inner + 1):
        for source in range(number):
            for target in (*range(number + 1, inner + 1), LAST):
                yield number, (source, target)


def _without(cell: GraphCell, number: int) -> GraphCell | None:
    """Return a cell without a vertex and its edges."""
    if number > cell.inner:
        return None
    left = [(i - (i > number), j - (j > number)) for i, j in cell.edges if number not in (i, j)]
    return cell_of((*cell.operations[: number - 1], *cell.operations[number:]), left)


def _end(vertex: int) -> str:
    return "output" if vertex == LAST else str(vertex)
