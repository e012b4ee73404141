"""Operations on graphs: what stands where no node is changes nothing, nor does the order of the nodes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from nas_gym.networks import Network, NetworkBuilder, NetworkModule, initial_weights

FEATURES, KINDS, NODES = 4, 3, 7
Body = Callable[[NetworkBuilder, int, int], int]


def random_graph(rng: np.random.Generator, nodes: int, room: int) -> np.ndarray:
    """Return a packed graph of so many nodes in an array with room for more."""
    x = np.zeros((FEATURES + room, room), dtype=np.float32)
    x[0, :nodes] = 1
    x[1:FEATURES, :nodes] = rng.random((FEATURES - 1, nodes))
    edges = np.triu(rng.integers(0, KINDS + 1, (nodes, nodes)) * (rng.random((nodes, nodes)) < 0.5), 1)
    x[FEATURES : FEATURES + nodes, :nodes] = edges + edges.T
    return x


def permuted(x: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Return a packed graph with its nodes in another order."""
    return np.concatenate([x[:FEATURES, order], x[FEATURES:][order][:, order]])


def layer(name: str) -> Body:
    """Return what appends a layer of one kind behind a linear one."""

    def body(builder: NetworkBuilder, packed: int, x: int) -> int:
        if name == "gat":
            links = builder.adjacency(packed, FEATURES, "sum")
            return builder.graph_attention(x, links, heads=2)
        if name == "kinds":
            kinds = [builder.adjacency(packed, FEATURES, "mean", kind=kind) for kind in range(1, KINDS + 1)]
            return builder.add(*(builder.conv(builder.aggregate(x, links), 6, 1) for links in kinds))
        if name == "counts":
            counts = builder.edge_counts(packed, FEATURES, KINDS)
            return builder.add(x, builder.conv(counts, 6, 1))
        return builder.aggregate(x, builder.adjacency(packed, FEATURES, name))

    return body


def graph_network(name: str, readout: str, nodes: int) -> Network:
    builder = NetworkBuilder((FEATURES + nodes, nodes))
    mask = builder.node_features(builder.input, 1)
    x = builder.conv(builder.node_features(builder.input, FEATURES), 6, 1, bias=True)
    for _ in range(2):
        x = builder.activation(layer(name)(builder, builder.input, x), "tanh")
        x = builder.conv(x, 6, 1, bias=True)  # with a bias, so that something stands where no node is
    return builder.build(builder.linear(builder.readout(x, mask, readout), 3))


def answered(network: Network, x: np.ndarray) -> np.ndarray:
    module = NetworkModule(network).eval()
    with torch.no_grad():
        for name, array in initial_weights(network, 0):
            getattr(module, name).copy_(array)
        return np.asarray(module(torch.as_tensor(x)))


@pytest.mark.parametrize("name", ["sum", "mean", "symmetric", "gat", "kinds", "counts"])
@pytest.mark.parametrize("readout", ["sum", "mean", "max", "attention"])
def test_room_for_more_nodes_and_their_order_change_nothing(name: str, readout: str) -> None:
    rng = np.random.default_rng(0)
    for nodes in (1, 2, 5, NODES):
        seed = int(rng.integers(100))
        alone, padded = (random_graph(np.random.default_rng(seed), nodes, room) for room in (nodes, NODES))
        expected = answered(graph_network(name, readout, nodes), alone[None])
        batch = np.stack([padded, np.zeros_like(padded), permuted(padded, rng.permutation(NODES))])
        found = answered(graph_network(name, readout, NODES), batch)
        assert np.isfinite(found).all()
        np.testing.assert_allclose(found[[0, 2]], np.repeat(expected, 2, axis=0), atol=1e-5)


def test_the_weights_of_neighbours_are_those_of_the_papers() -> None:
    x = np.zeros((FEATURES + 3, 3), dtype=np.float32)
    x[0] = 1
    x[FEATURES:] = [[0, 1, 2], [1, 0, 0], [2, 0, 0]]  # node 0 is bonded to 1 and 2

    def weights(name: str, kind: int = 0) -> np.ndarray:
        builder = NetworkBuilder(x.shape)
        network = builder.build(builder.adjacency(builder.input, FEATURES, name, kind=kind))
        return np.asarray(NetworkModule(network)(torch.as_tensor(x[None])))[0]

    np.testing.assert_array_equal(weights("sum"), [[0, 1, 1], [1, 0, 0], [1, 0, 0]])
    np.testing.assert_array_equal(weights("sum", 2), [[0, 0, 1], [0, 0, 0], [1, 0, 0]])
    np.testing.assert_array_equal(weights("mean"), [[0, 0.5, 0.5], [1, 0, 0], [1, 0, 0]])
    np.testing.assert_array_equal(weights("mean", 1), [[0, 0.5, 0], [1, 0, 0], [0, 0, 0]])
    side = 1 / np.sqrt(6)
    expected = [[1 / 3, side, side], [side, 1 / 2, 0], [side, 0, 1 / 2]]
    np.testing.assert_allclose(weights("symmetric"), expected, atol=1e-6)
