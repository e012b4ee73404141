"""What TensorFlow and LiteRT compute for each operation is what PyTorch does."""

from __future__ import annotations

import importlib.util
from itertools import product

import numpy as np
import pytest
import torch

from nas_gym.deploy.export.tensorflow import outputs_of
from nas_gym.deploy.export.tensorflow_operations.registry import OPERATIONS
from nas_gym.networks import NetworkBuilder, NetworkModule, Operation
from tests.helpers.networks import make_data, operation_networks, series_networks, table_networks
from tests.helpers.operations.graphs import graph_data, graph_networks
from tests.helpers.operations.sequences import CODES, code_data, crossing_network, sequence_networks

NEVER_COMPUTED = {"input", "time_map"}
"""What is given, and what others are made of."""


def recurrent_networks(length):
    """Networks around every layer that goes through a sequence, to each side, with a mask and without."""
    found = {}
    for kind, reverse, last, hidden in product(("gru", "lstm", "rnn", "cell"), *[(False, True)] * 3):
        if kind == "cell" and reverse:
            continue
        builder = NetworkBuilder((length,))
        mask = builder.padding_mask(builder.input) if hidden else None
        node = builder.embedding(builder.input, 5, codes=CODES)
        if kind == "cell":
            functions = ("relu", "sigmoid", "identity")
            node = builder.recurrent_cell(node, 4, (0, 0, 2), functions, mask=mask, last=last)
        else:
            node = builder.recurrent(node, kind, 4, mask=mask, last=last, reverse=reverse)
        node = builder.global_avg_pool(builder.spread(node, 3) if last else node)
        words = {"reverse": reverse, "last": last, "masked": hidden}
        name = " ".join([kind, *(word for word, on in words.items() if on)])
        found[name] = builder.build(builder.linear(node, 3))
    return found


def speech_networks():
    builder = NetworkBuilder((1, 320))
    frames = builder.log_mel(builder.input, bands=6, window=64, hop=20, rate=400)
    return {"log_mel": builder.build(builder.linear(builder.global_avg_pool(frames), 3))}


def image_sequences():
    builder = NetworkBuilder((2, 3, 5))
    row = builder.as_sequence(builder.input)
    return {
        "as_sequence": builder.build(builder.linear(builder.flatten(builder.causal_depthwise(row, 2)), 3))
    }


FAMILIES = {
    "signals": lambda: (operation_networks((2, 20)), make_data((2, 20)).x_train[:9]),
    "images": lambda: (operation_networks((1, 8, 8)), make_data((1, 8, 8)).x_train[:9]),
    "tables": lambda: (table_networks(6), make_data((6,)).x_train[:9]),
    "sequences": lambda: (
        {**sequence_networks(8), "crossing": crossing_network(8)},
        code_data(8).x_train[:20],
    ),
    "recurrent": lambda: (recurrent_networks(7), code_data(7).x_train[:20]),
    "graphs": lambda: (graph_networks(), graph_data().x_train[:20]),
    "series": lambda: (series_networks(2, 9), make_data((2, 9)).x_train[:9]),
    "speech": lambda: (speech_networks(), make_data((1, 320)).x_train[:9]),
    "image sequences": lambda: (image_sequences(), make_data((2, 3, 5)).x_train[:9]),
}


def random_module(network):
    module, generator = NetworkModule(network).eval(), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, array in module.state_dict().items():
            low = 0.5 if name.endswith("variance") else -0.7
            array.uniform_(low, low + 1.4, generator=generator)
    return module


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
