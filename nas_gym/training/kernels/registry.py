"""The operations that have fused kernels."""

from __future__ import annotations

from nas_gym.networks import (
    Activation,
    Add,
    AvgPool,
    BatchNorm,
    CategoryEmbedding,
    Conv,
    DilatedConv,
    Dropout,
    GlobalAvgPool,
    LayerNorm,
    Linear,
    LogMel,
    MaxPool,
    Network,
    Node,
    Operation,
    Periodic,
    PiecewiseLinear,
    Select,
    Zero,
)
from nas_gym.training.kernels.base import Kernels
from nas_gym.training.kernels.operations import (
    activation,
    add,
    batch_norm,
    category_embedding,
    conv,
    dropout,
    global_avg_pool,
    layer_norm,
    linear,
    log_mel,
    periodic,
    piecewise_linear,
    pool,
    select,
    zero,
)

# By class: a subclass computes something else.
KERNELS: dict[type[Operation], Kernels] = {
    Activation: activation.KERNELS,
    Add: add.KERNELS,
    AvgPool: pool.AVERAGE_KERNELS,
    BatchNorm: batch_norm.KERNELS,
    CategoryEmbedding: category_embedding.KERNELS,
    Conv: conv.KERNELS,
    DilatedConv: conv.KERNELS,
    Dropout: dropout.KERNELS,
    GlobalAvgPool: global_avg_pool.KERNELS,
    LayerNorm: layer_norm.KERNELS,
    Linear: linear.KERNELS,
    LogMel: log_mel.KERNELS,
    MaxPool: pool.MAXIMUM_KERNELS,
    Periodic: periodic.KERNELS,
    PiecewiseLinear: piecewise_linear.KERNELS,
    Select: select.KERNELS,
    Zero: zero.KERNELS,
}


def kernels_of(node: Node) -> Kernels:
    """Return the kernels of a node's operation."""
    return KERNELS[type(node.operation)]


def is_fusible(network: Network) -> bool:
    """Return whether every operation that a network computes has kernels."""
    return all(
        type(node.operation) in KERNELS or node.operation.is_identity(node) for node in network.nodes[1:]
    )
