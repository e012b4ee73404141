"""The network that a cell stands for: stacked in the skeleton of NAS-Bench-101."""

from __future__ import annotations

from nas_gym.networks import Layer, Network, NetworkBuilder, Shape
from nas_gym.search_spaces.nasbench101.architecture import GraphCell


def stacked_network(
    cell: GraphCell, input_shape: Shape, outputs: int, *, channels: int, stacks: int, cells: int
) -> Network:
    """Return a stem, stacks of cells with a pool between them that halves the sides, and a linear head."""
    builder = NetworkBuilder(input_shape)
    node = _conv_norm_relu(builder, builder.input, channels, 3, layer="stem")
    for stack in range(1, stacks + 1):
        if stack > 1:
            channels *= 2
            node = builder.pool(node, "max", 2, stride=2, layer=f"downsampling {stack - 1}")
        for number in range(1, cells + 1):
            node = _cell(builder, node, cell, channels, f"stack {stack} cell {number}")
    node = builder.global_avg_pool(node, layer="output")
    return builder.build(builder.linear(node, outputs, layer="output"))


def vertex_channels(cell: GraphCell, outputs: int) -> list[int]:
    """Return the channels of the inner vertices, 1 and on, of a cell with so many at its output.

    Those before the output share its channels equally, the first ones have one more each where that leaves
    a rest. Every other has the most of the vertices that it leads to.
    """
    last = [source for source in cell.sources[-1] if source > 0]
    share, rest = divmod(outputs, len(last)) if last else (0, 0)
    found = {vertex: share + (place < rest) for place, vertex in enumerate(last)}
    for vertex in range(cell.inner, 0, -1):
        if vertex not in found:
            found[vertex] = max(found[target] for source, target in cell.edges if source == vertex)
    return [found[vertex] for vertex in range(1, cell.output)]


def _cell(builder: NetworkBuilder, node: int, cell: GraphCell, channels: int, layer: str) -> int:
    """Build the cell: inner values are added and cut to the channels of where they go, the last ones joined.

    The input is projected by a convolution of width 1 wherever it goes, to the output, too.
    """
    values = [node]
    for vertex, width in enumerate(vertex_channels(cell, channels), start=1):
        label = (layer, f"vertex {vertex}")
        sources = cell.sources[vertex - 1]
        terms = [builder.truncate(values[source], width, layer=label) for source in sources if source > 0]
        if 0 in sources:
            terms.append(_conv_norm_relu(builder, node, width, 1, layer=(*label, "projection")))
        operation = cell.operations[vertex - 1]
        values.append(_operation(builder, builder.add(*terms, layer=label), width, operation, layer=label))
    label = (layer, "output")
    joined = [values[source] for source in cell.sources[-1] if source > 0]
    ends = [builder.concat(*joined, layer=label)] if joined else []
    if 0 in cell.sources[-1]:
        ends.append(_conv_norm_relu(builder, node, channels, 1, layer=(*label, "projection")))
    return builder.add(*ends, layer=label)


def _operation(builder: NetworkBuilder, node: int, channels: int, operation: str, layer: Layer) -> int:
    match operation:
        case "maxpool3x3":
            return builder.pool(node, "max", 3, stride=1, layer=layer)
        case "conv1x1-bn-relu":
            return _conv_norm_relu(builder, node, channels, 1, layer=layer)
        case _:
            return _conv_norm_relu(builder, node, channels, 3, layer=layer)


def _conv_norm_relu(builder: NetworkBuilder, node: int, channels: int, kernel: int, layer: Layer) -> int:
    node = builder.batch_norm(builder.conv(node, channels, kernel, layer=layer), layer=layer)
    return builder.activation(node, "relu", layer=layer)
