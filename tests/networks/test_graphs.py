"""Operations on graphs: what stands where no node is changes nothing, nor does the order of the nodes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nas_gym.networks import READOUTS, Network, NetworkBuilder, NetworkModule, initial_weights
from tests.helpers.operations.graphs import (
    FEATURES,
    LAYERS,
    NODES,
    graph_network,
    graph_networks,
    permuted,
    random_graph,
)


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


def test_the_code_of_every_operation_computes_what_the_module_does() -> None:
    from torch import nn

    rng = np.random.default_rng(0)
    x = torch.as_tensor(np.stack([random_graph(rng, nodes, NODES) for nodes in (1, 4, NODES)]))
    for network in graph_networks().values():
        module = NetworkModule(network).eval()
        values: list[torch.Tensor] = [x]
        with torch.no_grad():
            for name, array in initial_weights(network, 0):
                getattr(module, name).copy_(array)
            for number, node in enumerate(network.nodes[1:], start=1):
                inputs = [values[index] for index in node.inputs]
                values.append(module.compute(number, node, inputs))
                source, known = node.operation.source(node), {"torch": torch, "nn": nn}
                if source.layer:
                    known["layer"] = eval(source.layer, known)
                    names = dict(source.names)
                    arrays = {
                        names.get(each, each): getattr(module, f"{number}_{each}")
                        for each in node.parameter_shapes
                    }
                    known["layer"].load_state_dict(arrays)
                places = [f"h{index}" for index in range(len(inputs))]
                known |= dict(zip(places, inputs, strict=True))
                found = eval(source.call.format(*places, layer="layer"), known)
                torch.testing.assert_close(found, values[-1])
