"""Networks around the operations on sequences, graphs, tables and series, and data that they learn."""

from __future__ import annotations

from nas_gym.networks import Network
from nas_gym.training import TrainingData
from tests.helpers.networks import make_data, series_networks, table_networks
from tests.helpers.operations.graphs import graph_data, graph_networks
from tests.helpers.operations.recurrent import CHANNELS, recurrent_networks, token_data, token_networks
from tests.helpers.operations.sequences import code_data, crossing_network, sequence_networks

LENGTH = 7
"""Tokens of an example."""


def other_networks() -> dict[str, tuple[list[Network], TrainingData]]:
    """Return networks by the kind of their examples, and such examples; batches of 64 leave a rest."""
    return {
        "tables": (list(table_networks(6).values()), make_data((6,))),
        "series": (list(series_networks(2, 9).values()), make_data((2, 9))),
        "tokens": ([*sequence_networks(LENGTH).values(), crossing_network(LENGTH)], code_data(LENGTH)),
        "graphs": (list(graph_networks().values()), graph_data(130)),
        "recurrent": (list(recurrent_networks(3).values()), make_data((CHANNELS, 3))),
        "recurrent tokens": (list(token_networks().values()), token_data()),
    }
