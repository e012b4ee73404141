"""Operations on graphs: what stands where no node is changes nothing, nor does the order of the nodes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nas_gym.networks import READOUTS, Network, NetworkBuilder, NetworkModule, initial_weights
from tests.helpers.graphs import FEATURES, LAYERS, NODES, graph_network, permuted, random_graph


def answered(network: Network, x: np.ndarray) -> np.ndarray:
    module = NetworkModule(network).eval()
    with torch.no_grad():
        for name, array in initial_weights(network, 0):
            getattr(module, name).copy_(array)
        return np.asarray(module(torch.as_tensor(x)))


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("readout", READOUTS)
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
