"""The network that a cell stands for: stacked in the skeleton of NAS-Bench-201."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nas_gym.networks import FirstChannels, Layer, Mixture, Network, NetworkBuilder, Rejoined, Shape
from nas_gym.search_spaces.cell.architecture import EDGES, NODES, Cell

AddCell = Callable[[NetworkBuilder, int, str], int]
"""Append a cell behind a node, under a name, and return the number of its output."""


def cell_network(
    cell: Cell, input_shape: Shape, outputs: int, *, channels: Sequence[int], cells: int
) -> Network:
    """Return a stem, stages of `cells` cells with a reduction block between them, and a linear head."""
    return _skeleton(
        lambda builder, node, layer: _cell(builder, node, cell, layer), input_shape, outputs, channels, cells
    )


def cell_mixture(
    operations: Sequence[str],
    input_shape: Shape,
    outputs: int,
    *,
    channels: Sequence[int],
    cells: int,
    partial: int = 1,
) -> Network:
    """Return the network of all cells at once, see `CellSpace.mixture`."""
    return _skeleton(
        lambda builder, node, layer: _mixed_cell(builder, node, operations, partial, layer),
        input_shape,
        outputs,
        channels,
        cells,
    )


def _skeleton(
    add_cell: AddCell, input_shape: Shape, outputs: int, channels: Sequence[int], cells: int
) -> Network:
    builder = NetworkBuilder(input_shape)
    node = builder.batch_norm(builder.conv(builder.input, channels[0], 3, layer="stem"), layer="stem")
    for stage, width in enumerate(channels, start=1):
        if stage > 1:
            node = _reduction(builder, node, width, f"reduction {stage - 1}")
        for number in range(1, cells + 1):
            node = add_cell(builder, node, f"stage {stage} cell {number}")
    node = builder.activation(builder.batch_norm(node, layer="output"), "relu", layer="output")
    node = builder.global_avg_pool(node, layer="output")
    return builder.build(builder.linear(node, outputs, layer="output"))


def _cell(builder: NetworkBuilder, node: int, cell: Cell, layer: str) -> int:
    """Build every edge, even one that leads nowhere, as in the benchmark's parameter counts."""
    nodes = [node]
    for target in range(1, NODES):
        terms = [
            _operation(builder, nodes[source], operation, (layer, f"edge {source}-{target}"))
            for source, operation in cell.inputs(target)
            if operation != "none"
        ]
        label = (layer, f"node {target}")
        if terms:
            nodes.append(builder.add(*terms, layer=label))
        else:
            nodes.append(builder.zero(node, builder.shape(node), layer=label))
    return nodes[-1]


def _mixed_cell(
    builder: NetworkBuilder, node: int, operations: Sequence[str], partial: int, layer: str
) -> int:
    nodes = [node]
    for target in range(1, NODES):
        terms = [
            _mixed_edge(builder, nodes[source], operations, partial, layer, f"edge {source}-{target}")
            for source, end in EDGES
            if end == target
        ]
        if partial == 1 or len(terms) == 1:
            nodes.append(builder.add(*terms, layer=(layer, f"node {target}")))
        else:
            nodes.append(builder.operation(Mixture(), *terms, variable=f"node {target}"))
    return nodes[-1]


def _mixed_edge(
    builder: NetworkBuilder, node: int, operations: Sequence[str], partial: int, layer: str, edge: str
) -> int:
    part = node if partial == 1 else builder.operation(FirstChannels(), node, parts=partial)
    ends = [_candidate(builder, part, operation, (layer, edge)) for operation in operations]
    mixed = builder.operation(Mixture(), *ends, variable=edge)
    return mixed if partial == 1 else builder.operation(Rejoined(), mixed, node)


def _candidate(builder: NetworkBuilder, node: int, operation: str, layer: Layer) -> int:
    if operation == "none":
        return builder.zero(node, builder.shape(node), layer=layer)
    return _operation(builder, node, operation, layer)


def _operation(builder: NetworkBuilder, node: int, operation: str, layer: Layer) -> int:
    channels = builder.shape(node)[0]
    match operation:
        case "skip_connect":
            return node
        case "avg_pool_3x3":
            return builder.pool(node, "avg", 3, stride=1, layer=layer)
        case _:
            return _relu_conv_norm(builder, node, channels, int(operation[-1]), layer=layer)


def _reduction(builder: NetworkBuilder, node: int, channels: int, layer: str) -> int:
    main = _relu_conv_norm(builder, node, channels, 3, stride=2, layer=layer)
    main = _relu_conv_norm(builder, main, channels, 3, layer=layer)
    shortcut = builder.pool(node, "avg", 2, stride=2, layer=layer)
    return builder.add(main, builder.conv(shortcut, channels, 1, layer=layer), layer=layer)


def _relu_conv_norm(
    builder: NetworkBuilder, node: int, channels: int, kernel: int, *, stride: int = 1, layer: Layer
) -> int:
    node = builder.activation(node, "relu", layer=layer)
    return builder.batch_norm(builder.conv(node, channels, kernel, stride=stride, layer=layer), layer=layer)
