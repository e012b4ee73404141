"""Cells of the NAS-Bench-201 topology: an operation on each edge of a small graph, stacked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from nas_gym.errors import ConfigError
from nas_gym.networks import Network, Shape
from nas_gym.search_spaces.base import KEEP, Edit
from nas_gym.search_spaces.cell.architecture import (
    EDGES,
    EXAMPLE,
    IN_WORDS,
    OPERATIONS,
    Cell,
    isomorphism_text,
    official_cell,
    official_index,
    official_order,
    parse_cell,
)
from nas_gym.search_spaces.cell.network import cell_mixture, cell_network
from nas_gym.search_spaces.description import Description, describe_graph
from nas_gym.search_spaces.drawing import Drawing, Note, around_cells
from nas_gym.search_spaces.options import grid_shape, names, whole
from nas_gym.search_spaces.product import ProductSpace
from nas_gym.search_spaces.sketch import Sketch
from nas_gym.search_spaces.variables import Variable


class CellSpace(ProductSpace[Cell]):
    """Cells of 4 nodes and 6 edges with an operation on each, over signals or images.

    The topology and the operations are those of NAS-Bench-201 (Dong and Yang 2020). Node 0 is the
    input of the cell; each later node is the sum of an edge from every node before it, and node 3
    is the output. An edge is ``none`` (zero), ``skip_connect``, ``nor_conv_1x1`` or
    ``nor_conv_3x3`` (relu, convolution without bias, batch normalisation) or ``avg_pool_3x3``
    (stride 1). A node without edges is zero, so a disconnected cell makes a constant predictor.
    All operation strings are different states, equivalent ones too.

    The skeleton: a stem (convolution of kernel 3, batch normalisation); a stage of `cells` cells
    for each of `channels`; between stages a residual block that halves the sides, rounding up
    (relu, convolution 3 of stride 2, batch normalisation, relu, convolution 3, batch
    normalisation, plus average pooling 2 of stride 2 with a 1x1 convolution); batch normalisation,
    relu, global average pooling and a linear layer. With channels (16, 32, 64) and 5 cells it is
    the benchmark's CIFAR-10 network: 73,306 + 28,000 n(1x1) + 243,040 n(3x3) parameters. Signals
    have the same with one side, odd sides (which the benchmark never meets) round up.

    Text: the benchmark's string, for each node from 1 the edges ``operation~source``:
    ``"|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|"``.

    Actions, in order: keep; add (for each edge, each operation but none: allowed where the edge is
    none); remove (for each edge: makes it none); swap (for each edge, each operation but none:
    allowed where the edge has another operation but none). Edges are in the order of the text.

    Observation: ``edges``, MultiDiscrete([operations] * 6), in the order of `operations`.

    Variables: one for each edge.

    Numbers: `official_index` gives the number of a cell in NAS-Bench-201 and NATS-Bench, and where a
    number stands for an architecture (``evaluate(6111)``, `resolve`, ``initial=``) it is that one, also
    with fewer operations or in another skeleton. `index` and `architecture` count differently: the
    operations as given, edge by edge.

    Members: ``resnet``, the cell of a residual block, where its operations are there.

    Args:
        input_shape: (channels, length) or (channels, height, width) of one example.
        outputs: number of values that a network gives for one example, such as one per class.
        operations: the operations to choose from, of the five, with ``none`` among them.
        channels: channels of each stage.
        cells: cells of each stage.

    Raises:
        NASGymError: for a bad option or the input shape of a table.
    """

    name = "cell"

    def __init__(
        self,
        input_shape: Shape,
        outputs: int,
        *,
        operations: Sequence[str] = OPERATIONS,
        channels: Sequence[int] = (8, 16),
        cells: int = 1,
    ) -> None:
        self.input_shape = grid_shape("cell", input_shape)
        self.outputs = outputs
        self.operations = _checked_operations(operations)
        self.channels = _checked_channels(channels)
        self.cells = whole("cells of the cell space", cells)
        self._numbers = {operation: number for number, operation in enumerate(self.operations)}
        self._present = tuple(operation for operation in self.operations if operation != "none")
        self.actions = self._list_actions()
        # Of each action after keep: the number of its edge, the operation it leaves there, whether it adds.
        self._changes = [
            (EDGES.index((edit.place[0], edit.place[1])), edit.value or "none", edit.kind == "add")
            for edit in self.actions[1:]
        ]
        self.set_variables((Variable.at("edge", edge, self.operations) for edge in EDGES), "edges")
        self.num_box_codes = 3
        self.num_link_codes = max(1, len(self._present))

    def config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "operations": list(self.operations),
            "channels": list(self.channels),
            "cells": self.cells,
        }

    def smallest(self) -> Cell:
        return Cell(("none",) * len(EDGES))

    def parse(self, text: str) -> Cell:
        return parse_cell(text, self.operations)

    def edited(self, architecture: Cell, action: int) -> Cell | None:
        if action == 0:
            return architecture
        edges = architecture.edges
        number, after, adds = self._changes[action - 1]
        if edges[number] == after or (edges[number] == "none") != adds:
            return None
        return Cell((*edges[:number], after, *edges[number + 1 :]))

    def codes(self, architecture: Cell) -> Sequence[int]:
        return list(map(self._numbers.__getitem__, architecture.edges))

    def of_codes(self, codes: Sequence[int]) -> Cell:
        return Cell(tuple(self.operations[code] for code in codes))

    def sketch(self, architecture: Cell) -> Sketch:
        """Return a graph of boxes for the nodes; an edge of none is not a link."""
        present = [
            (source, target, operation)
            for (source, target), operation in zip(EDGES, architecture.edges, strict=True)
            if operation != "none"
        ]
        codes = tuple(self._present.index(operation) for _, _, operation in present)
        return Sketch(("input", "node 1", "node 2", "output"), tuple(present), (0, 2, 2, 1), codes)

    def drawing(self, architecture: Cell) -> Drawing:
        words = around_cells("stage", len(self.channels), self.cells, "reduction")
        return replace(super().drawing(architecture), notes=(Note("around the cell", words),))

    def describe(self, architecture: Cell) -> Description:
        sketch = self.sketch(architecture)
        links = [(source, target, IN_WORDS[label]) for source, target, label in sketch.links]
        return describe_graph("cell", sketch.boxes, links)

    def value_words(self, variable: Variable, value: str) -> str:
        return IN_WORDS[value]

    def network(self, architecture: Cell) -> Network:
        return cell_network(
            architecture, self.input_shape, self.outputs, channels=self.channels, cells=self.cells
        )

    def mixture(self, partial: int = 1) -> Network:
        """Return the network of all cells at once, with a mixture of the operations on each edge.

        Args:
            partial: one channel of so many goes through the operations, the others pass by, and a mixture
                takes the place of the sum at each node, its variable called after it ("node 2"): PC-DARTS
                (Xu et al. 2020).

        Raises:
            NASGymError: if the channels cannot be divided so.
        """
        if any(channels % partial for channels in self.channels):
            raise ConfigError(
                f"the channels {list(self.channels)} of the cell space cannot be divided by {partial}: "
                "choose other channels, or another partial"
            )
        return cell_mixture(
            self.operations,
            self.input_shape,
            self.outputs,
            channels=self.channels,
            cells=self.cells,
            partial=partial,
        )

    def members(self) -> dict[str, Cell]:
        resnet = parse_cell(EXAMPLE, OPERATIONS)
        return {"resnet": resnet} if set(resnet.edges) <= set(self.operations) else {}

    def official_index(self, architecture: Cell) -> int:
        """Return the number of a cell in NAS-Bench-201 and NATS-Bench, in range(15,625)."""
        return official_index(architecture)

    def numbered(self, number: int) -> Cell:
        """Return the cell of an official number.

        Raises:
            NASGymError: if the number does not exist, or the cell has an operation that is not here.
        """
        if not 0 <= number < len(official_order()):
            raise ConfigError(
                f"number {number} is no official index of NAS-Bench-201: pass one from 0 to "
                f"{len(official_order()) - 1:,}, or the text of a cell"
            )
        return self.parse(str(official_cell(number)))

    def isomorphism_class(self, architecture: Cell) -> str:
        return isomorphism_text(architecture)

    def _list_actions(self) -> tuple[Edit, ...]:
        added = [
            Edit("add", f"add {operation} to edge {source}-{target}", "edge", (source, target), operation)
            for source, target in EDGES
            for operation in self._present
        ]
        removed = [
            Edit("remove", f"remove edge {source}-{target}", "edge", (source, target))
            for source, target in EDGES
        ]
        swapped = [
            Edit("swap", f"swap edge {source}-{target} to {operation}", "edge", (source, target), operation)
            for source, target in EDGES
            for operation in self._present
        ]
        return (KEEP, *added, *removed, *swapped)


def _checked_operations(operations: Sequence[str]) -> tuple[str, ...]:
    checked = names("operations of the cell space", "operation in the cell space", operations, OPERATIONS)
    if "none" not in checked:
        raise ConfigError(
            f"operations of the cell space must have 'none', what removing an edge leaves, "
            f"not {list(checked)!r} alone: add 'none'"
        )
    return checked


def _checked_channels(channels: Sequence[int]) -> tuple[int, ...]:
    if not isinstance(channels, list | tuple) or not channels:
        raise ConfigError(
            f"channels of the cell space must be a list with one number a stage, not {channels!r}"
        )
    return tuple(whole("each of the channels of the cell space", value) for value in channels)
