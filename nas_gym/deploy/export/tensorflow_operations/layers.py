"""Layers of features, signals and images, and what reads tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nas_gym.networks import TURN, Node, category_ranges, dilation, interval_slopes, reach

Arrays = Mapping[str, np.ndarray]
EPSILON = 1e-5  # of batch normalisation, PyTorch's default


def activation(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Apply the function of the node."""
    x = inputs[0]
    match node.function:
        case "identity":
            return x
        case "gelu":
            return tf.nn.gelu(x, approximate=False)
        case "leaky_relu":
            return tf.nn.leaky_relu(x, alpha=0.01)
        case "relu2":
            return tf.square(tf.nn.relu(x))
        case _:
            # The other names are those of `tf.nn`.
            return getattr(tf.nn, node.function)(x)


def add(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Add the inputs."""
    return tf.add_n(list(inputs)) if len(inputs) > 1 else inputs[0]


def average(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Average values, or probabilities, of which logarithms are given."""
    if node.option("of") == "values":
        return tf.add_n(list(inputs)) / np.float32(len(inputs))
    return tf.reduce_logsumexp(tf.stack([tf.nn.log_softmax(x) for x in inputs]), axis=0) - np.float32(
        np.log(len(inputs))
    )


def batch_norm(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Normalise by the running statistics."""
    factor = arrays["weight"].astype(np.float64) / np.sqrt(arrays["variance"].astype(np.float64) + EPSILON)
    shift = arrays["bias"] - arrays["mean"] * factor
    return inputs[0] * factor.astype(np.float32) + shift.astype(np.float32)


def category_embedding(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Return the weights of the category whose feature is above 0."""
    return tf.matmul(tf.cast(inputs[0] > 0, tf.float32), arrays["weight"])


def conv(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Convolve group by group: weights (out, in / groups, *kernel) are (*kernel, in / groups, out) here."""
    weight = np.moveaxis(arrays["weight"], (0, 1), (-1, -2))
    x = tf.pad(inputs[0], [[0, 0], *_margins(node), [0, 0]])
    parts = tf.split(x, node.groups, axis=-1)
    found = [
        tf.nn.convolution(part, each, strides=node.stride, padding="VALID", dilations=dilation(node))
        for part, each in zip(parts, np.split(weight, node.groups, axis=-1), strict=True)
    ]
    result = tf.concat(found, axis=-1) if node.groups > 1 else found[0]
    return result + arrays["bias"] if node.bias else result


def concat(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Join the channels of the inputs."""
    return tf.concat(list(inputs), axis=-1)


def dropout(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Return the input, as in evaluation."""
    return inputs[0]


def feature_tokens(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Return a token for each number and each category: (batch, tokens, size)."""
    x, weight = inputs[0], arrays["weight"]
    count, each = node.option("numbers"), node.option("each")
    parts = []
    if count:
        numbers = tf.reshape(x[:, : count * each], [-1, count, 1, each])
        vectors = weight[:, : count * each].reshape(-1, count, each).transpose(1, 2, 0).copy()
        parts.append(tf.squeeze(tf.matmul(numbers, vectors), 2))
    for start, stop in category_ranges(node):
        one_hot = tf.cast(x[:, start:stop] > 0, tf.float32)
        parts.append(tf.expand_dims(tf.matmul(one_hot, weight[:, start:stop].T.copy()), 1))
    if node.option("answer"):
        parts.append(tf.zeros([tf.shape(x)[0], 1, len(weight)]))
    return tf.concat(parts, axis=1) + arrays["bias"].T.copy()


def flatten(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Return all values of an example in the order that PyTorch has, channels first."""
    x = inputs[0]
    rank = len(x.shape)
    first = x if rank == 2 else tf.transpose(x, [0, rank - 1, *range(1, rank - 1)])
    return tf.reshape(first, [-1, *node.shape])


def gated(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Return the first half of the channels times a function of the second."""
    passed, gate = tf.split(inputs[0], 2, axis=-1)
    return passed * activation(tf, node, [gate], arrays)


def global_avg_pool(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Return the mean of every channel."""
    return tf.reduce_mean(inputs[0], axis=list(range(1, len(inputs[0].shape) - 1)))


def layer_norm(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Normalise each example over its features."""
    mean, variance = tf.nn.moments(inputs[0], axes=[1], keepdims=True)
    return (inputs[0] - mean) * tf.math.rsqrt(variance + EPSILON) * arrays["weight"] + arrays["bias"]


def linear(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Multiply by the weights, and add the bias."""
    result = tf.matmul(inputs[0], arrays["weight"].T.copy())
    return result + arrays["bias"] if node.bias else result


def max_pool(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Return the largest value of every window."""
    lowest = float(np.finfo(np.float32).min)
    x = tf.pad(inputs[0], [[0, 0], *_margins(node), [0, 0]], constant_values=lowest)
    return tf.nn.max_pool(x, node.kernel, node.stride, "VALID")


def avg_pool(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Return the mean of what lies inside: that of a window over the share of it that is not padding."""
    margins = _margins(node)
    x = tf.pad(inputs[0], [[0, 0], *margins, [0, 0]])
    inside = np.pad(np.ones(node.input_shape[1:], dtype=np.float32), margins)
    share = tf.nn.avg_pool(inside[None, ..., None], node.kernel, node.stride, "VALID")
    return tf.nn.avg_pool(x, node.kernel, node.stride, "VALID") / share


def periodic(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Return each number with its sines and cosines."""
    x = tf.expand_dims(inputs[0], 2)
    angles = np.float32(TURN) * x * arrays["weight"]
    return tf.reshape(tf.concat([x, tf.sin(angles), tf.cos(angles)], axis=2), [-1, *node.shape])


def piecewise_linear(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Return how far each number reaches into each interval."""
    scale, shift = (np.array(each, np.float32) for each in interval_slopes(node.option("bins")))
    reach = tf.expand_dims(inputs[0], 2) * scale + shift
    first, inner, last = reach[..., :1], reach[..., 1:-1], reach[..., -1:]
    parts = [tf.minimum(first, 1.0), tf.clip_by_value(inner, 0.0, 1.0), tf.maximum(last, 0.0)]
    return tf.reshape(tf.concat(parts, axis=2), [-1, *node.shape])


def select(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Return some features."""
    return tf.gather(inputs[0], list(node.option("places")), axis=1)


def squeeze_excitation(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Weight the channels by two linear layers over their means."""
    sides = list(range(1, len(inputs[0].shape) - 1))
    means = tf.reduce_mean(inputs[0], axis=sides, keepdims=True)
    hidden = tf.nn.relu(tf.matmul(means, arrays["squeeze"].T.copy()) + arrays["squeeze_bias"])
    return inputs[0] * tf.nn.sigmoid(tf.matmul(hidden, arrays["excite"].T.copy()) + arrays["excite_bias"])


def truncate(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Return the first channels."""
    return inputs[0][..., : node.option("kept")]


def zero(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Return zeros for every example."""
    shape = (*node.shape[1:], node.shape[0]) if len(node.shape) > 1 else node.shape
    return tf.zeros([tf.shape(inputs[0])[0], *shape])


def _margins(node: Node) -> list[tuple[int, int]]:
    """Return the padding of each side: as PyTorch has it, and at the end what the last window overhangs."""
    found = []
    for side, out in zip(node.input_shape[1:], node.shape[1:], strict=True):
        seen = (node.kernel - 1) * dilation(node) + 1
        needed = (out - 1) * node.stride + seen - side - reach(node)
        found.append((reach(node), max(0, needed)))
    return found
