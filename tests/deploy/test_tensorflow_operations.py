"""What TensorFlow and LiteRT compute for each operation is what PyTorch does."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import torch

from nas_gym.deploy.export.tensorflow import outputs_of
from nas_gym.deploy.export.tensorflow_operations.registry import OPERATIONS
from nas_gym.networks import Operation
from tests.helpers.operations.families import FAMILIES, random_module

NEVER_COMPUTED = {"input", "time_map", "shared_linear"}
"""What is given, what others are made of, and what only a network of mixtures has."""


def operation_names():
    """Names of all operations of the package."""
    every, found = [Operation], set()
    while every:
        operation = every.pop()
        every += operation.__subclasses__()
        if operation.__module__.startswith("nas_gym.networks.operations.") and "name" in vars(operation):
            found.add(operation.name)
    return {name for name in found if name.isidentifier()}


def test_every_operation_of_the_package_has_a_form_in_tensorflow():
    assert operation_names() - NEVER_COMPUTED == set(OPERATIONS)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_form_of_every_operation_is_computed_alike(family):
    tf = pytest.importorskip("tensorflow")
    networks, x = FAMILIES[family]()
    for name, network in networks.items():
        module = random_module(network)
        state = {key: array.numpy() for key, array in module.state_dict().items()}
        with torch.no_grad():
            expected = module(x).numpy()
        found = outputs_of(tf, network.nodes, state, tf.constant(x.numpy())).numpy()
        assert found == pytest.approx(expected, abs=1e-5), name


def converted(tf, network, state, x):
    """The content of a LiteRT file of a network."""
    holder = tf.Module()
    holder.outputs = tf.function(
        lambda x: outputs_of(tf, network.nodes, state, x),
        input_signature=[tf.TensorSpec([None, *x.shape[1:]], tf.float32)],
        autograph=False,
    )
    functions = [holder.outputs.get_concrete_function()]
    return tf.lite.TFLiteConverter.from_concrete_functions(functions, holder).convert()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="tensorflow is not installed")
def test_litert_computes_what_tensorflow_does(family):
    import tensorflow as tf

    networks, x = FAMILIES[family]()
    for name, network in networks.items():
        module = random_module(network)
        state = {key: array.numpy() for key, array in module.state_dict().items()}
        interpreter = tf.lite.Interpreter(model_content=converted(tf, network, state, x), num_threads=1)
        given = interpreter.get_input_details()[0]["index"]
        interpreter.resize_tensor_input(given, tuple(x.shape))
        interpreter.allocate_tensors()
        interpreter.set_tensor(given, x.numpy())
        interpreter.invoke()
        found = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
        with torch.no_grad():
            assert np.abs(found - module(x).numpy()).max() <= 1e-5, name
