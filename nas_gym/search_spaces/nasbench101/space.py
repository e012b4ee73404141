"""The cells of NAS-Bench-101: any small graph with operations on its vertices, stacked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from nas_gym.errors import ConfigError
from nas_gym.networks import Network, Shape
from nas_gym.search_spaces.base import SearchSpace
from nas_gym.search_spaces.description import Description
from nas_gym.search_spaces.drawing import Drawing, Note, around_cells
from nas_gym.search_spaces.nasbench101.architecture import (
    EDGES,
    IN_WORDS,
    OPERATIONS,
    VERTICES,
    Edge,
    GraphCell,
    graph_hash,
    parse_cell,
    pruned,
    trimmed,
)
from nas_gym.search_spaces.nasbench101.distance import fewest_edits
from nas_gym.search_spaces.nasbench101.edits import LAST, CellEdits, edge_name, edge_places
from nas_gym.search_spaces.nasbench101.indexing import CellIndex
from nas_gym.search_spaces.nasbench101.network import stacked_network
from nas_gym.search_spaces.options import grid_shape, names, whole
from nas_gym.search_spaces.sketch import Sketch
from nas_gym.search_spaces.variables import DEPTH, Variable, by_name

if TYPE_CHECKING:
    from gymnasium import spaces

ABSENT, PRESENT = 0, 1
MEMBERS = {
    "resnet": "conv3x3-bn-relu(0) > conv3x3-bn-relu(1) > output(0,2)",
    "inception": "conv1x1-bn-relu(0) > conv3x3-bn-relu(0) > conv3x3-bn-relu(0) > conv3x3-bn-relu(3) > "
    "maxpool3x3(0) > output(1,2,4,5)",
}


class NASBench101Space(SearchSpace[GraphCell]):
    """Cells of at most 7 vertices and 9 edges with an operation on each inner vertex.

    The cells and the skeleton are those of NAS-Bench-101 (Ying et al. 2019). Vertex 0 is the input of the
    cell, the last one its output, edges lead to higher numbers. Every inner vertex lies on a way from the
    input to the output, as the benchmark prunes cells. Its operation is ``conv3x3-bn-relu``,
    ``conv1x1-bn-relu`` or ``maxpool3x3``. All such graphs are different states, isomorphic ones too: with
    the limits of the benchmark 1,293,208 cells in 423,624 classes (`isomorphism_class`, the published hash).

    The skeleton: a stem (convolution of width 3, batch normalisation, relu); stacks of `cells` cells, the
    first with `channels` channels, between stacks max pooling that halves the sides and twice the channels;
    global average pooling and a linear layer. In a cell the vertices before the output share its channels
    and are joined there; a value that goes on to a vertex with fewer channels loses its last ones; several
    values at a vertex are added; and the input is projected (convolution of width 1, batch normalisation,
    relu) wherever it goes, where it goes to the output added to the rest. With 128 channels, 3 stacks and
    3 cells it is the benchmark's CIFAR-10 network. Signals have the same with one side.

    Text: the vertices from 1 to the output, each with where its edges come from:
    ``"conv1x1-bn-relu(0) > maxpool3x3(0,1) > output(1,2)"``. The smallest cell is ``"output(0)"``.

    Actions, in order: keep; add edge (by target and source, the output last); add vertex (for each number,
    each vertex that an edge to it comes from, each that its own leads to, each operation: those from its
    number on move up); remove edge; remove vertex with its edges; swap the operation of a vertex. An edit is
    legal where what comes of it is a cell of the space, so that no vertex is left without a way.

    Observation: ``operations``, MultiDiscrete, 0 for no vertex; ``edges``, MultiBinary, in the order of the
    actions.

    Variables: ``depth``, the number of inner vertices; the operation of each; each edge. Those of vertices
    that are not there are inactive. Any values are a cell: it is pruned, and while it has too many edges,
    the last one goes that no vertex is lost with (see `trimmed`); where nothing joins input and output, it
    is the smallest cell.

    Members: ``resnet``, two convolutions with a shortcut, and ``inception``, the four branches that the
    benchmark's authors show, where the operations and the limits allow them.

    Args:
        input_shape: (channels, length) or (channels, height, width) of one example.
        outputs: number of values that a network gives for one example, such as one per class.
        operations: the operations to choose from, of the three.
        vertices: most vertices, 3 to 7, the input and the output counted.
        edges: most edges, at least one more than `vertices`, so that edits lead from every cell to every
            other.
        channels: channels of the first stack, at least `vertices` - 2.
        stacks: number of stacks.
        cells: cells of each stack.

    Raises:
        NASGymError: for a bad option or the input shape of a table.
    """

    name = "nasbench101"

    def __init__(
        self,
        input_shape: Shape,
        outputs: int,
        *,
        operations: Sequence[str] = OPERATIONS,
        vertices: int = VERTICES,
        edges: int = EDGES,
        channels: int = 8,
        stacks: int = 2,
        cells: int = 1,
    ) -> None:
        self.input_shape = grid_shape(self.name, input_shape)
        self.outputs = outputs
        self.operations = names(
            "operations of the nasbench101 space",
            "operation in the nasbench101 space",
            operations,
            OPERATIONS,
        )
        self.vertices, self.edges = _checked_limits(vertices, edges)
        self.channels = _checked_channels(channels, self.vertices - 2)
        self.stacks = whole("stacks of the nasbench101 space", stacks)
        self.cells = whole("cells of the nasbench101 space", cells)
        self._inner = self.vertices - 2
        self._numbers = {operation: number for number, operation in enumerate(self.operations)}
        self._edits = CellEdits(self.operations, self._inner, self.edges)
        self.actions = self._edits.actions
        self._index = CellIndex(self.operations, self.vertices, self.edges)
        self.size = self._index.size
        self._places = edge_places(self._inner)
        self.variables = by_name(self._list_variables())
        self.num_box_codes = 2 + len(self.operations)
        self.num_link_codes = 1

    @cached_property
    def observation_space(self) -> spaces.Dict:  # type: ignore[override]
        from gymnasium import spaces

        return spaces.Dict(
            {
                "operations": spaces.MultiDiscrete([1 + len(self.operations)] * self._inner),
                "edges": spaces.MultiBinary(len(self._places)),
            }
        )

    def config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "operations": list(self.operations),
            "vertices": self.vertices,
            "edges": self.edges,
            "channels": self.channels,
            "stacks": self.stacks,
            "cells": self.cells,
        }

    def smallest(self) -> GraphCell:
        return GraphCell((), ((0,),))

    def parse(self, text: str) -> GraphCell:
        return parse_cell(text, self.operations, self.vertices, self.edges)

    def edited(self, architecture: GraphCell, action: int) -> GraphCell | None:
        return self._edits.edited(architecture, action)

    def index(self, architecture: GraphCell) -> int:
        return self._index.number(architecture)

    def architecture(self, index: int) -> GraphCell:
        return self._index.cell(index)

    def encode(self, architecture: GraphCell) -> dict[str, int]:
        inner, edges = architecture.inner, self._edges_of(architecture)
        operations = [self._numbers[operation] for operation in architecture.operations]
        # A vertex that is not there stands as one between the input and the output, what it would most
        # simply come as: were it off every way, the depth alone would change nothing.
        present = [
            place in edges or (max(place) > inner and (place[0] == 0 or place[1] == LAST))
            for place in self._places
        ]
        values = [inner, *operations, *[0] * (self._inner - inner), *map(int, present)]
        return dict(zip(self.variables, values, strict=True))

    def decode(self, values: Mapping[str, int]) -> GraphCell:
        inner, *rest = (values[name] for name in self.variables)
        operations = [self.operations[number] for number in rest[:inner]]
        edges = [
            (source, inner + 1 if target == LAST else target)
            for (source, target), value in zip(self._places, rest[self._inner :], strict=True)
            if value == PRESENT and max(source, target) <= inner
        ]
        cell = pruned(operations, edges)
        return self.smallest() if cell is None else trimmed(cell, self.edges)

    def active_variables(self, architecture: GraphCell) -> frozenset[str]:
        if not architecture.inner:
            return frozenset({DEPTH})  # the one edge that there can be is always there
        return frozenset(
            name
            for name, variable in self.variables.items()
            if all(vertex <= architecture.inner or vertex == self._inner + 1 for vertex in variable.position)
        )

    def observe(self, architecture: GraphCell) -> dict[str, np.ndarray]:
        operations = np.zeros(self._inner, dtype=np.int64)
        operations[: architecture.inner] = [1 + self._numbers[each] for each in architecture.operations]
        edges = self._edges_of(architecture)
        return {
            "operations": operations,
            "edges": np.array([place in edges for place in self._places], dtype=np.int8),
        }

    def sketch(self, architecture: GraphCell) -> Sketch:
        """Return a graph of boxes for the vertices."""
        kinds = [self._numbers[operation] for operation in architecture.operations]
        links = tuple((source, target, "") for source, target in architecture.edges)
        return Sketch(
            ("input", *architecture.operations, "output"),
            links,
            (0, *(2 + kind for kind in kinds), 1),
            (0,) * len(links),
            box_kinds=(None, *kinds, None),
        )

    def drawing(self, architecture: GraphCell) -> Drawing:
        words = around_cells("stack", self.stacks, self.cells, "pool")
        return replace(super().drawing(architecture), notes=(Note("around the cell", words),))

    def describe(self, architecture: GraphCell) -> Description:
        parts: dict[tuple[int, ...], str] = {
            (number,): IN_WORDS[operation]
            for number, operation in enumerate(architecture.operations, start=1)
        }
        told = [
            f"vertex {number} is {parts[number,]} of {_sum(architecture.sources[number - 1])}"
            for number in range(1, architecture.output)
        ]
        count = f"{architecture.inner} {'vertex' if architecture.inner == 1 else 'vertices'}"
        last = f"its output is of {_sum(architecture.sources[-1], joined=True)}"
        words = f"a cell with {count}: {'; '.join([*told, last])}"
        return Description(words, parts)

    def value_words(self, variable: Variable, value: str) -> str:
        return IN_WORDS.get(value, value)

    def network(self, architecture: GraphCell) -> Network:
        return stacked_network(
            architecture,
            self.input_shape,
            self.outputs,
            channels=self.channels,
            stacks=self.stacks,
            cells=self.cells,
        )

    def least_edits(self, one: GraphCell, goal: GraphCell) -> int:
        return fewest_edits(one, goal)

    def members(self) -> dict[str, GraphCell]:
        cells = {name: parse_cell(text, OPERATIONS, VERTICES, EDGES) for name, text in MEMBERS.items()}
        return {name: cell for name, cell in cells.items() if self._has(cell)}

    def isomorphism_class(self, architecture: GraphCell) -> str:
        """Return the hash of the benchmark, which isomorphic cells share."""
        return graph_hash(architecture)

    def _has(self, cell: GraphCell) -> bool:
        return (
            set(cell.operations) <= set(self.operations)
            and cell.inner <= self._inner
            and len(cell.edges) <= self.edges
        )

    def _edges_of(self, cell: GraphCell) -> set[Edge]:
        return {(source, LAST if target == cell.output else target) for source, target in cell.edges}

    def _list_variables(self) -> list[Variable]:
        last = self._inner + 1
        edges = [
            Variable(
                f"edge {edge_name(place)}",
                ("absent", "present"),
                "edge",
                (place[0], last if place[1] == LAST else place[1]),
            )
            for place in self._places
        ]
        return [
            Variable.of_whole(DEPTH, range(self._inner + 1)),
            *(
                Variable.at("vertex", (number,), self.operations, "operation")
                for number in range(1, self._inner + 1)
            ),
            *edges,
        ]


def _sum(sources: Sequence[int], *, joined: bool = False) -> str:
    named = ["the input" if source == 0 else f"vertex {source}" for source in sources]
    return " and ".join(named) + (" together" if joined and len(named) > 1 else "")


def _checked_limits(vertices: int, edges: int) -> tuple[int, int]:
    count = whole("vertices of the nasbench101 space", vertices)
    most = whole("edges of the nasbench101 space", edges)
    if not 3 <= count <= VERTICES:
        raise ConfigError(f"vertices of the nasbench101 space must be from 3 to {VERTICES}, not {vertices!r}")
    if most <= count:
        raise ConfigError(
            f"edges of the nasbench101 space must be more than its {count} vertices, not {edges!r}: with "
            "fewer not every cell can be reached by edits"
        )
    return count, most


def _checked_channels(channels: int, inner: int) -> int:
    count = whole("channels of the nasbench101 space", channels)
    if count < inner:
        raise ConfigError(
            f"channels of the nasbench101 space must be at least {inner}, one for each vertex that may be "
            f"joined at the output, not {channels!r}"
        )
    return count
