"""Networks around every form of every operation, by the kind of their examples, with random weights."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import torch
from torch import Tensor

from nas_gym.networks import Network, NetworkBuilder, NetworkModule
from tests.helpers.networks import make_data, operation_networks, series_networks, table_networks
from tests.helpers.operations.graphs import graph_data, graph_networks
from tests.helpers.operations.sequences import CODES, code_data, crossing_network, sequence_networks


def recurrent_networks(length: int) -> dict[str, Network]:
    """Return networks around every layer that goes through a sequence, each way, masked and not."""
    found: dict[str, Network] = {}
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


def speech_networks() -> dict[str, Network]:
    """Return a network that hears samples."""
    builder = NetworkBuilder((1, 320))
    frames = builder.log_mel(builder.input, bands=6, window=64, hop=20, rate=400)
    return {"log_mel": builder.build(builder.linear(builder.global_avg_pool(frames), 3))}


def image_sequences() -> dict[str, Network]:
    """Return a network that reads an image as a sequence."""
    builder = NetworkBuilder((2, 3, 5))
    row = builder.as_sequence(builder.input)
    return {
        "as_sequence": builder.build(builder.linear(builder.flatten(builder.causal_depthwise(row, 2)), 3))
    }


FAMILIES: dict[str, Callable[[], tuple[dict[str, Network], Tensor]]] = {
    "signals": lambda: (operation_networks((2, 20)), make_data((2, 20)).x_train[:9]),
    "images": lambda: (operation_networks((1, 8, 8)), make_data((1, 8, 8)).x_train[:9]),
    "tables": lambda: (table_networks(6), make_data((6,)).x_train[:9]),
    "sequences": lambda: (
        {**sequence_networks(8), "crossing": crossing_network(8)},
        code_data(8).x_train[:20],
    ),
    "recurrent": lambda: (recurrent_networks(4), code_data(4).x_train[:20]),
    "graphs": lambda: (graph_networks(), graph_data().x_train[:20]),
    "series": lambda: (series_networks(2, 9), make_data((2, 9)).x_train[:9]),
    "speech": lambda: (speech_networks(), make_data((1, 320)).x_train[:9]),
    "image sequences": lambda: (image_sequences(), make_data((2, 3, 5)).x_train[:9]),
}


def random_module(network: Network) -> NetworkModule:
    """Return a network with weights and statistics that hide nothing."""
    module, generator = NetworkModule(network).eval(), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, array in module.state_dict().items():
            low = 0.5 if name.endswith("variance") else -0.7
            array.uniform_(low, low + 1.4, generator=generator)
    return module
