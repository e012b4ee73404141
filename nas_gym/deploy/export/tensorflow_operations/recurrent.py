"""Layers that go through a sequence step by step, which are written out here as so many steps.

Gates and weights are those of PyTorch, see `nas_gym.networks.operations.recurrent`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from nas_gym.networks import Node, loose_ends

Arrays = Mapping[str, np.ndarray]
Step = Callable[[Any, Any, Sequence[Any]], list[Any]]
"""Returns the new states, the first of them the result, from TensorFlow, what the input adds, and states."""


def gru(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Let gated recurrent units run."""
    size, inner, bias = node.option("size"), arrays["weight_hh"].T.copy(), arrays["bias_hh"]

    def step(tf: Any, given: Any, states: Sequence[Any]) -> list[Any]:
        heard = tf.matmul(states[0], inner) + bias
        reset, update = (
            tf.sigmoid(given[:, part] + heard[:, part]) for part in (slice(size), slice(size, 2 * size))
        )
        new = tf.tanh(given[:, 2 * size :] + reset * heard[:, 2 * size :])
        return [(1 - update) * new + update * states[0]]

    return _run(tf, node, inputs, arrays["weight_ih"], arrays["bias_ih"], step)


def lstm(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Let long short-term memory run."""
    inner, bias = arrays["weight_hh"].T.copy(), arrays["bias_hh"]

    def step(tf: Any, given: Any, states: Sequence[Any]) -> list[Any]:
        gates = given + tf.matmul(states[0], inner) + bias
        enter, forget, new, leave = tf.split(gates, 4, axis=1)
        memory = tf.sigmoid(forget) * states[1] + tf.sigmoid(enter) * tf.tanh(new)
        return [tf.sigmoid(leave) * tf.tanh(memory), memory]

    return _run(tf, node, inputs, arrays["weight_ih"], arrays["bias_ih"], step, states=2)


def plain(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Let a plain recurrent layer run."""
    inner, bias = arrays["weight_hh"].T.copy(), arrays["bias_hh"]

    def step(tf: Any, given: Any, states: Sequence[Any]) -> list[Any]:
        return [tf.tanh(given + tf.matmul(states[0], inner) + bias)]

    return _run(tf, node, inputs, arrays["weight_ih"], arrays["bias_ih"], step)


def recurrent_cell(tf: Any, node: Node, inputs: Sequence[Any], arrays: Arrays) -> Any:
    """Let the cell that was searched for run."""
    previous, functions = node.option("previous"), node.option("functions")
    inner, ends = arrays["weight_hh"].T.copy(), loose_ends(previous)
    weights = [weight.T.copy() for weight in arrays["weight_nodes"]]

    def step(tf: Any, given: Any, states: Sequence[Any]) -> list[Any]:
        values = [_mixed(tf, states[0], given + tf.matmul(states[0], inner), "tanh")]
        for weight, place, function in zip(weights, previous, functions, strict=True):
            values.append(_mixed(tf, values[place], tf.matmul(values[place], weight), function))
        return [tf.add_n([values[end] for end in ends]) / np.float32(len(ends))]

    return _run(tf, node, inputs, arrays["weight_ih"], arrays["bias"], step)


def _mixed(tf: Any, before: Any, gates: Any, function: str) -> Any:
    """Return what a node of a cell makes of what it reads."""
    gate, new = tf.split(gates, 2, axis=1)
    new = new if function == "identity" else getattr(tf.nn, function)(new)
    return before + tf.sigmoid(gate) * (new - before)


def _run(
    tf: Any,
    node: Node,
    inputs: Sequence[Any],
    weight: np.ndarray,
    bias: np.ndarray,
    step: Step,
    states: int = 1,
) -> Any:
    """Return the states after each step, (batch, length, size), or the last one, (batch, size).

    Where a mask says that there is no token, states stay as they are.
    """
    length = node.input_shape[1]
    given = tf.matmul(inputs[0], weight.T.copy()) + bias
    zero = tf.zeros([tf.shape(given)[0], node.option("size")])
    held, found = [zero] * states, {}
    for place in reversed(range(length)) if node.option("reverse") else range(length):
        new = step(tf, given[:, place], held)
        if len(inputs) > 1:
            there = inputs[1][:, place]
            new = [there * after + (1 - there) * before for after, before in zip(new, held, strict=True)]
        held, found[place] = new, new[0]
    return held[0] if node.option("last") else tf.stack([found[place] for place in range(length)], axis=1)
