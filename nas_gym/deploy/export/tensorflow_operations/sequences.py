"""Operations on sequences, (batch, length, channels) here, and codes of a sequence, (batch, length)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nas_gym.networks import CHANNEL_NORM_EPSILON, FLOOR, HIDDEN, Node, log_mel_matrices, sinusoids

Arrays = Mapping[str, np.ndarray]


def as_sequence(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Put the positions of an image into one row."""
    return tf.reshape(inputs[0], [-1, node.shape[1], node.shape[0]])


def attention(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Average values by how well each query fits the keys."""
    heads = node.option("heads")
    q, k, v = (_by_head(tf, each, heads) for each in inputs[:3])
    fits = tf.matmul(q, k, transpose_b=True) / np.float32(math.sqrt(node.input_shape[0] // heads))
    if len(inputs) > 3:
        hidden = tf.reshape(inputs[3], [-1, 1, 1, node.option("keys")]) <= 0
        fits = tf.where(hidden, np.float32(HIDDEN), fits)
    if node.option("causal"):
        later = np.triu(np.ones((node.shape[1], node.option("keys")), dtype=bool), 1)
        fits = tf.where(later, np.float32(HIDDEN), fits)
    found = tf.transpose(tf.matmul(tf.nn.softmax(fits), v), [0, 2, 1, 3])
    return tf.reshape(found, [-1, node.shape[1], node.shape[0]])


def causal_depthwise(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Convolve each channel over a position and those before it."""
    length, weight = node.shape[1], arrays["weight"]
    x = tf.pad(inputs[0], [[0, 0], [node.kernel - 1, 0], [0, 0]])
    return tf.add_n([x[:, place : place + length] * weight[:, 0, place] for place in range(node.kernel)])


def channel_layer_norm(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Normalise over the channels at each position."""
    mean, variance = tf.nn.moments(inputs[0], axes=[-1], keepdims=True)
    scaled = (inputs[0] - mean) * tf.math.rsqrt(variance + CHANNEL_NORM_EPSILON)
    return scaled * arrays["weight"] + arrays["bias"]


def embedding(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Return the numbers of each code, zeros of the padding."""
    rows = np.pad(arrays["weight"], ((1, 0), (0, 0)))
    codes = tf.clip_by_value(tf.cast(inputs[0], tf.int32), 0, len(rows) - 1)
    return tf.gather(tf.constant(rows), codes)


def learned_positions(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Add trained numbers."""
    return inputs[0] + arrays["weight"].T.copy()


def log_mel(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Return the logarithm of the energy in each band, frame by frame."""
    window, hop = node.option("window"), node.option("hop")
    waves, bank = log_mel_matrices(node.shape[0], window, node.option("rate"))
    x = tf.pad(inputs[0], [[0, 0], [window // 2, window // 2], [0, 0]])
    parts = tf.square(tf.nn.conv1d(x, waves.T[:, None].copy(), stride=hop, padding="VALID"))
    energy = parts[..., : len(waves) // 2] + parts[..., len(waves) // 2 :]
    return tf.math.log(tf.matmul(energy, bank.T.copy()) + np.float32(FLOOR))


def masked(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Put zeros where there are no tokens."""
    return inputs[0] * inputs[1]


def masked_mean(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Average over the tokens."""
    return tf.reduce_sum(inputs[0] * inputs[1], axis=1) / tf.maximum(tf.reduce_sum(inputs[1], axis=1), 1.0)


def padding_mask(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Return 1 where the code is not the padding."""
    return tf.expand_dims(tf.cast(inputs[0] > 0, tf.float32), 2)


def rms_norm(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Divide by the root of the mean square over the channels."""
    square = tf.reduce_mean(tf.square(inputs[0]), axis=-1, keepdims=True)
    return inputs[0] * tf.math.rsqrt(square + CHANNEL_NORM_EPSILON) * arrays["weight"]


def sinusoidal_positions(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Add sines and cosines."""
    return inputs[0] + np.array(sinusoids(*node.shape), np.float32).T.copy()


def spread(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Put the same vector at each position."""
    return tf.tile(tf.expand_dims(inputs[0], 1), [1, node.option("length"), 1])


def _by_head(tf: Any, x: Any, heads: int) -> Any:
    """Return (batch, heads, length, channels of a head) of (batch, length, channels)."""
    _, length, channels = x.shape
    return tf.transpose(tf.reshape(x, [-1, length, heads, channels // heads]), [0, 2, 1, 3])
