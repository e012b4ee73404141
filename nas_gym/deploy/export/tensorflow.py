"""TensorFlow's SavedModel, and LiteRT (TensorFlow Lite) made of it."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nas_gym._files import write_bytes
from nas_gym.deploy.deployed import Numbers
from nas_gym.deploy.export.base import Answers, ExportFormat
from nas_gym.deploy.export.tensorflow_operations.registry import OPERATIONS
from nas_gym.deploy.saved_network import SavedNetwork
from nas_gym.errors import ConfigError
from nas_gym.networks import Node


class TensorFlow(ExportFormat):
    """A folder; ``tf.saved_model.load(path).answers(x)`` answers raw examples (batch, *input_shape)."""

    suffix = ""
    packages = ("tensorflow",)
    extra = "tensorflow"
    numbers = ("float32",)

    def write(self, saved: SavedNetwork, path: Path, numbers: Numbers) -> None:
        _tensorflow().saved_model.save(_module(saved), str(path))

    def answers(self, saved: SavedNetwork, path: Path) -> Answers:
        loaded = _tensorflow().saved_model.load(str(path))

        def answered(raw: np.ndarray) -> np.ndarray:
            found: np.ndarray = loaded.answers(raw.astype(np.float32)).numpy()
            return found

        return answered


class TFLite(ExportFormat):
    """One file for LiteRT; its input may be resized to batches of any size."""

    suffix = ".tflite"
    packages = ("tensorflow",)
    extra = "tensorflow"
    numbers = ("float32",)

    def write(self, saved: SavedNetwork, path: Path, numbers: Numbers) -> None:
        module = _module(saved)
        function = module.answers.get_concrete_function()
        converter = _tensorflow().lite.TFLiteConverter.from_concrete_functions([function], module)
        write_bytes(path, converter.convert())

    def answers(self, saved: SavedNetwork, path: Path) -> Answers:
        def answered(raw: np.ndarray) -> np.ndarray:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that it will move to a package of its own
                interpreter = _tensorflow().lite.Interpreter(str(path), num_threads=1)
            (given,) = interpreter.get_input_details()
            interpreter.resize_tensor_input(given["index"], raw.shape)
            interpreter.allocate_tensors()
            interpreter.set_tensor(given["index"], raw.astype(np.float32))
            interpreter.invoke()
            found: np.ndarray = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
            return found

        return answered


def _tensorflow() -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow

    return tensorflow


def _module(saved: SavedNetwork) -> Any:
    """Return a network with its preparation as a module of TensorFlow, its weights as constants."""
    tf = _tensorflow()
    nodes = saved.module.network.nodes
    lacking = {node.operation.name for node in nodes[1:]} - set(OPERATIONS)
    if lacking:
        raise ConfigError(
            f"operation {sorted(lacking)[0]} has no form in TensorFlow, so that a network with it cannot be "
            "exported there: export to onnx or torch"
        )
    state = {name: array.numpy() for name, array in saved.module.state_dict().items()}
    mean, scale = saved.mean.astype(np.float32), saved.scale.astype(np.float32)
    form = saved.target.answer_form

    def answers(x: Any) -> Any:
        outputs = outputs_of(tf, nodes, state, (x - mean) / scale)
        if form.function == "softmax" and form.positions > 1:
            each = tf.reshape(outputs, [-1, len(saved.target.names), form.positions])
            return tf.reshape(tf.nn.softmax(each, axis=1), [-1, saved.target.outputs])
        if form.function == "softmax":
            return tf.nn.softmax(outputs)
        if form.function == "sigmoid":
            return tf.nn.sigmoid(outputs)
        found = outputs * np.array(form.scale, np.float32) + np.array(form.mean, np.float32)
        if not form.base:
            return found
        cells = tf.reshape(x, [-1, math.prod(saved.search_space.input_shape)])
        return found + tf.gather(cells, list(form.base), axis=1)

    module = tf.Module()
    signature = tf.TensorSpec([None, *saved.search_space.input_shape], tf.float32, name="x")
    module.answers = tf.function(answers, input_signature=[signature], autograph=False)
    return module


def outputs_of(tf: Any, nodes: Sequence[Node], state: Mapping[str, np.ndarray], x: Any) -> Any:
    """Return the outputs of a network, (batch, outputs).

    Args:
        tf: TensorFlow.
        nodes: nodes of the network.
        state: arrays of its module by name.
        x: its inputs, (batch, *input_shape).
    """
    values = [_channels_last(tf, x)]
    for number, node in enumerate(nodes[1:], start=1):
        names = (*node.parameter_shapes, *node.operation.buffers(node))
        arrays = {name: state[f"{number}_{name}"] for name in names}
        values.append(OPERATIONS[node.operation.name](tf, node, [values[i] for i in node.inputs], arrays))
    return values[-1]


def _channels_last(tf: Any, x: Any) -> Any:
    """Return signals and images with their channels last, as TensorFlow computes them."""
    rank = len(x.shape)
    return x if rank == 2 else tf.transpose(x, [0, *range(2, rank), 1])
