"""Random graphs, and networks around every operation on them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from nas_gym.networks import READOUTS, Network, NetworkBuilder
from nas_gym.training import TrainingData

FEATURES, KINDS, NODES = 4, 3, 7
LAYERS = ("sum", "mean", "normalised", "symmetric", "gat", "kinds", "counts", "both")
Body = Callable[[NetworkBuilder, int, int], int]


def random_graph(
    rng: np.random.Generator, nodes: int, room: int, features: int = FEATURES, kinds: int = KINDS
) -> np.ndarray:
    """Return a packed graph of so many nodes in an array with room for more."""
    x = np.zeros((features + room, room), dtype=np.float32)
    x[0, :nodes] = 1
    x[1:features, :nodes] = rng.random((features - 1, nodes))
    edges = np.triu(rng.integers(0, kinds + 1, (nodes, nodes)) * (rng.random((nodes, nodes)) < 0.5), 1)
    x[features : features + nodes, :nodes] = edges + edges.T
    return x


def permuted(x: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Return a packed graph with its nodes in another order."""
    return np.concatenate([x[:FEATURES, order], x[FEATURES:][order][:, order]])


def graph_data(train_size: int = 54, validation_size: int = 20, classes: int = 3) -> TrainingData:
    """Return random graphs of classes that tell nothing."""
    rng = np.random.default_rng(0)
    size = train_size + validation_size
    x = np.stack([random_graph(rng, int(rng.integers(1, NODES + 1)), NODES) for _ in range(size)])
    y = torch.as_tensor(rng.integers(0, classes, size))
    parts = torch.as_tensor(x).split([train_size, validation_size])
    return TrainingData(parts[0], y[:train_size], parts[1], y[train_size:])


def layer(name: str) -> Body:
    """Return what appends message passing of one kind."""

    def body(builder: NetworkBuilder, packed: int, x: int) -> int:
        if name == "gat":
            links = builder.adjacency(packed, FEATURES, "sum")
            return builder.graph_attention(x, links, heads=2)
        if name == "kinds":
            kinds = [builder.adjacency(packed, FEATURES, "mean", kind=kind) for kind in range(1, KINDS + 1)]
            return builder.add(*(builder.conv(builder.aggregate(x, links), 6, 1) for links in kinds))
        if name == "both":
            links = builder.adjacency(packed, FEATURES, "sum")
            return builder.graph_attention(builder.aggregate(x, links), links)
        if name == "counts":
            counts = builder.edge_counts(packed, FEATURES, KINDS)
            return builder.add(x, builder.conv(counts, 6, 1))
        return builder.aggregate(x, builder.adjacency(packed, FEATURES, name))

    return body


def graph_network(name: str, readout: str, nodes: int = NODES) -> Network:
    """Return a network of two layers of message passing of one kind."""
    builder = NetworkBuilder((FEATURES + nodes, nodes))
    mask = builder.node_features(builder.input, 1)
    x = builder.conv(builder.node_features(builder.input, FEATURES), 6, 1, bias=True)
    for _ in range(2):
        x = builder.activation(layer(name)(builder, builder.input, x), "tanh")
        x = builder.conv(x, 6, 1, bias=True)  # with a bias, so that something stands where no node is
    return builder.build(builder.linear(builder.readout(x, mask, readout), 3))


def graph_networks() -> dict[str, Network]:
    """Return networks around every operation, and one whose first layer reads the features themselves."""
    found = {f"{name} {readout}": graph_network(name, readout) for name in LAYERS for readout in READOUTS[:2]}
    found |= {f"gat {readout}": graph_network("gat", readout) for readout in READOUTS}
    found |= {f"sum {readout}": graph_network("sum", readout) for readout in READOUTS}
    builder = NetworkBuilder((FEATURES + NODES, NODES))
    features = builder.node_features(builder.input, FEATURES)
    heard = builder.aggregate(features, builder.adjacency(builder.input, FEATURES, "mean"))
    x = builder.add(builder.conv(features, 5, 1, bias=True), builder.conv(heard, 5, 1))
    told = builder.readout(builder.activation(heard, "tanh"), builder.node_features(builder.input, 1), "sum")
    read = builder.readout(x, builder.node_features(builder.input, 1), "mean")
    joined = builder.add(builder.linear(read, 4), builder.linear(told, 4))
    found["features"] = builder.build(builder.linear(joined, 3))
    return found
