"""Operations on graphs: states of nodes are (batch, nodes, channels) here, weights (batch, read, reading)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nas_gym.networks import ATTENTION_SLOPE, NO_NEIGHBOUR, NOWHERE, Node

Arrays = Mapping[str, np.ndarray]


def adjacency(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Return the weights with which nodes read each other."""
    x, kind, weights = inputs[0], node.option("kind"), node.option("weights")
    edges = x[..., node.option("features") :]
    every = tf.cast(edges > 0, tf.float32)
    links = tf.cast(tf.equal(edges, float(kind)), tf.float32) if kind else every
    if weights == "sum":
        return links
    if weights == "symmetric":
        links = links + np.eye(node.shape[0], dtype=np.float32) * x[..., :1]
        every = links
    count = tf.maximum(tf.reduce_sum(every, axis=1), 1.0)
    if weights == "mean":
        return links / tf.expand_dims(count, 1)
    root = tf.math.rsqrt(count)
    return links * tf.expand_dims(root, 1) * tf.expand_dims(root, 2)


def aggregate(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Return the weighted sums over the neighbours."""
    return tf.matmul(inputs[1], inputs[0], transpose_a=True)


def attention_readout(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Average the nodes by attention."""
    x, mask = inputs
    fits = tf.reduce_sum(x * arrays["weight"], axis=2, keepdims=True) + (1 - mask) * np.float32(NOWHERE)
    return tf.reduce_sum(x * (tf.nn.softmax(fits, axis=1) * mask), axis=1)


def edge_counts(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Return how many edges of each kind each node has."""
    edges = inputs[0][..., node.option("features") :]
    kinds = range(1, node.option("kinds") + 1)
    found = [tf.reduce_sum(tf.cast(tf.equal(edges, float(kind)), tf.float32), axis=1) for kind in kinds]
    return tf.stack(found, axis=2)


def graph_attention(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Average each node and its neighbours by attention."""
    (channels, nodes), heads = node.shape, node.option("heads")
    split = tf.reshape(inputs[0], [-1, nodes, heads, channels // heads])
    parts = tf.transpose(split, [0, 2, 1, 3])  # (batch, heads, nodes, channels of a head)
    reading, read = (tf.reduce_sum(parts * arrays[name][:, None], axis=3) for name in ("reading", "read"))
    fits = tf.nn.leaky_relu(tf.expand_dims(reading, 3) + tf.expand_dims(read, 2), alpha=ATTENTION_SLOPE)
    linked = tf.transpose(inputs[1], [0, 2, 1]) + np.eye(nodes, dtype=np.float32)
    hidden = tf.cast(tf.equal(linked, 0.0), tf.float32) * np.float32(NO_NEIGHBOUR)
    found = tf.matmul(tf.nn.softmax(fits + tf.expand_dims(hidden, 1)), parts)
    return tf.reshape(tf.transpose(found, [0, 2, 1, 3]), [-1, nodes, channels])


def node_features(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Return the first features of each node."""
    return inputs[0][..., : node.option("kept")]


def readout(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Return the sum, the mean or the largest over the nodes."""
    x, mask = inputs
    if node.option("reduction") == "max":
        there = tf.cast(tf.reduce_sum(mask, axis=1) > 0, tf.float32)
        return tf.reduce_max(x + (1 - mask) * np.float32(NOWHERE), axis=1) * there
    total = tf.reduce_sum(x * mask, axis=1)
    return (
        total if node.option("reduction") == "sum" else total / tf.maximum(tf.reduce_sum(mask, axis=1), 1.0)
    )
