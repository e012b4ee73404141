"""The network that a cell stands for: blocks of a convolution and cells, as in NAS-Bench-ASR, and a mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nas_gym.networks import Layer, Mixture, Network, NetworkBuilder, Shape
from nas_gym.search_spaces.asr_cell.architecture import KERNELS, NODES, OPERATIONS, AsrCell

AddNode = Callable[[NetworkBuilder, list[int], int, str], int]
"""Append a node of a cell, given the values so far, its number and the name of the cell."""
BLOCK_KERNEL = 5
WINDOW, HOP = 0.04, 0.02  # seconds of a frame, and from one to the next


@dataclass(frozen=True)
class Macro:
    """What surrounds the cells.

    Attributes:
        input_shape: (bands, frames), or (1, samples) where there is a rate.
        outputs: number of values of the network.
        channels: channels of each block.
        cells: cells of each block.
        groups: groups of the convolutions in cells.
        bands: bands of the log-mel frames that raw samples become.
        rate: samples a second, of raw samples; None of examples that are frames.
    """

    input_shape: Shape
    outputs: int
    channels: tuple[int, ...]
    cells: int
    groups: int
    bands: int
    rate: int | None


def cell_network(cell: AsrCell, macro: Macro) -> Network:
    """Return the network of a cell."""

    def add_node(builder: NetworkBuilder, values: list[int], node: int, layer: str) -> int:
        terms = [values[source] for source in cell.sources(node)]
        operation = cell.operations[node - 1]
        if operation != "zero":
            terms.insert(0, _operation(builder, values[-1], operation, macro.groups, _edge(layer, node)))
        if not terms:
            return builder.zero(values[0], builder.shape(values[0]), layer=(layer, f"node {node}"))
        return builder.add(*terms, layer=(layer, f"node {node}"))

    return _network(macro, add_node)


def cell_mixture(macro: Macro) -> Network:
    """Return the network of all cells at once, see `AsrCellSpace.mixture`."""

    def add_node(builder: NetworkBuilder, values: list[int], node: int, layer: str) -> int:
        zero = builder.zero(values[0], builder.shape(values[0]), layer=_edge(layer, node))
        ends = [
            _operation(builder, values[-1], operation, macro.groups, _edge(layer, node))
            for operation in OPERATIONS[1:]
        ]
        terms = [builder.operation(Mixture(), zero, *ends, variable=f"node {node}")]
        for source in range(node):
            absent = builder.zero(values[0], builder.shape(values[0]), layer=(layer, f"skip {source}-{node}"))
            terms.append(
                builder.operation(Mixture(), absent, values[source], variable=f"skip {source}-{node}")
            )
        return builder.add(*terms, layer=(layer, f"node {node}"))

    return _network(macro, add_node)


def _network(macro: Macro, add_node: AddNode) -> Network:
    builder = NetworkBuilder(macro.input_shape)
    node = builder.input
    if macro.rate is not None:
        window, hop = max(2, 2 * round(WINDOW * macro.rate / 2)), max(1, round(HOP * macro.rate))
        node = builder.log_mel(node, macro.bands, window=window, hop=hop, rate=macro.rate, layer="frames")
        node = builder.batch_norm(node, layer="frames")
    for block, width in enumerate(macro.channels, start=1):
        layer = f"block {block}"
        node = builder.conv(node, width, BLOCK_KERNEL, stride=2, layer=layer)
        node = builder.batch_norm(builder.activation(node, "relu", layer=layer), layer=layer)
        for number in range(1, macro.cells + 1):
            name = f"block {block} cell {number}"
            values = [node]
            for place in range(1, NODES + 1):
                values.append(add_node(builder, values, place, name))
            node = builder.batch_norm(values[-1], layer=(name, "output"))
    node = builder.global_avg_pool(node, layer="output")
    return builder.build(builder.linear(node, macro.outputs, layer="output"))


def _edge(layer: str, node: int) -> Layer:
    return (layer, f"edge {node - 1}-{node}")


def _operation(builder: NetworkBuilder, node: int, operation: str, groups: int, layer: Layer) -> int:
    channels = builder.shape(node)[0]
    if operation == "linear":
        made = builder.conv(node, channels, 1, bias=True, layer=layer)
    else:
        kernel, dilation = KERNELS[operation]
        made = builder.dilated_conv(
            node, channels, kernel, dilation=dilation, groups=groups, bias=True, layer=layer
        )
    return builder.activation(made, "relu", layer=layer)
