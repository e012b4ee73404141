"""The operations that have fused kernels."""

from __future__ import annotations

from nas_gym.networks import (
    Activation,
    Add,
    AvgPool,
    BatchNorm,
    Conv,
    GlobalAvgPool,
    Linear,
    MaxPool,
    Network,
    Node,
    Operation,
    Zero,
)
from nas_gym.training.kernels import activation, add, batch_norm, conv, global_avg_pool, linear, pool, zero
from nas_gym.training.kernels.base import Kernels

# By class: a subclass computes something else.
KERNELS: dict[type[Operation], Kernels] = {
    Activation: activation.KERNELS,
    Add: add.KERNELS,
    AvgPool: pool.AVERAGE_KERNELS,
    BatchNorm: batch_norm.KERNELS,
    Conv: conv.KERNELS,
    GlobalAvgPool: global_avg_pool.KERNELS,
    Linear: linear.KERNELS,
    MaxPool: pool.MAXIMUM_KERNELS,
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
