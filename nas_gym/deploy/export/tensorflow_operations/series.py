"""Operations on series, (batch, steps, channels) here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nas_gym.networks import Node, TimeMap

Arrays = Mapping[str, np.ndarray]


def as_signal(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Return numbers in one row as channels over time."""
    return tf.transpose(tf.reshape(inputs[0], [-1, *node.shape]), [0, 2, 1])


def causal_conv(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Convolve over each step and those before it: a product for each step that is read."""
    dilation, steps, stride = node.option("dilation"), node.shape[1], node.stride
    before = (node.kernel - 1) * dilation - (node.input_shape[1] - 1) % stride
    x = inputs[0][:, max(0, -before) :]
    x = tf.pad(x, [[0, 0], [max(0, before), 0], [0, 0]])
    reach = (steps - 1) * stride + 1
    parts = [
        tf.matmul(
            x[:, place * dilation : place * dilation + reach : stride], arrays["weight"][..., place].T.copy()
        )
        for place in range(node.kernel)
    ]
    return tf.add_n(parts) + arrays["bias"]


def time_map(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Multiply each channel by a matrix that is not trained."""
    operation = node.operation
    assert isinstance(operation, TimeMap)
    matrix = operation.matrix(node).T.copy()
    x = inputs[0] if len(inputs[0].shape) == 2 else tf.transpose(inputs[0], [0, 2, 1])
    found = tf.matmul(tf.reshape(x, [-1, operation.channels(node), len(matrix)]), matrix)
    if len(node.shape) == 1:
        return tf.reshape(found, [-1, *node.shape])
    return tf.transpose(tf.reshape(found, [-1, *node.shape]), [0, 2, 1])
