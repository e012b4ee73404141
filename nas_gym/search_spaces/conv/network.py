"""The network that a chain of convolutions, pools and skip connections stands for."""

from __future__ import annotations

from nas_gym.networks import Network, NetworkBuilder, Shape
from nas_gym.search_spaces.conv.architecture import Conv, Layer


def conv_network(architecture: Conv, input_shape: Shape, outputs: int) -> Network:
    """Build layers with their skips, then global average pooling and a linear layer."""
    builder = NetworkBuilder(input_shape)
    made = [builder.input]
    for number, layer in enumerate(architecture.layers, start=1):
        label = f"{number} {layer}"
        terms = [_layer(builder, made[-1], layer, label)]
        for source, target in architecture.ordered_skips:
            if target == number:
                pools = sum(between.pools for between in architecture.layers[source:target])
                skip = f"skip {source}-{target}"
                terms.append(_projected(builder, made[source], builder.shape(terms[0]), pools, skip))
        made.append(builder.add(*terms, layer=label))
    pooled = builder.global_avg_pool(made[-1], layer="output")
    return builder.build(builder.linear(pooled, outputs, layer="output"))


def _layer(builder: NetworkBuilder, node: int, layer: Layer, label: str) -> int:
    if layer.pools:
        return builder.pool(node, layer.operation.removesuffix("_pool"), 3, stride=2, layer=label)
    kernel = layer.kernel
    if layer.is_separable:
        inputs = builder.shape(node)[0]
        node = builder.conv(node, inputs, kernel, groups=inputs, layer=label)
        kernel = 1
    node = builder.conv(node, layer.channels, kernel, layer=label)
    return builder.activation(builder.batch_norm(node, layer=label), layer.activation, layer=label)


def _projected(builder: NetworkBuilder, node: int, shape: Shape, pools: int, label: str) -> int:
    """Return `node` in a shape; each of the pools between halved every side, rounding up."""
    if builder.shape(node) == shape:
        return node
    projection = builder.conv(node, shape[0], 1, stride=2**pools, layer=label)
    return builder.batch_norm(projection, layer=label)
