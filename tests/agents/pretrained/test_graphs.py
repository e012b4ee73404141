"""What message passing reads of networks, and that nothing depends on names, numbering or order."""

from __future__ import annotations

import numpy as np
from nas_agents.pretrained.graphs import NO_GRAPH, NODE_FEATURES, GraphBatch, joined_graphs, read_graph
from nas_agents.pretrained.network import PolicyNetwork
from nas_agents.pretrained.weights import PolicyWeights

from nas_gym.networks import NetworkBuilder


def network(*, activation="relu", pool="avg", order=("conv", "pool")):
    """A stem, two branches in either order, their sum, and a linear layer."""
    builder = NetworkBuilder((3, 16))
    stem = builder.batch_norm(builder.conv(builder.input, 4, 3))
    branches = {
        "conv": lambda: builder.conv(builder.activation(stem, activation), 4, 1),
        "pool": lambda: builder.pool(stem, pool, 3, stride=1),
    }
    total = builder.add(*(branches[name]() for name in order))
    return builder.build(builder.linear(builder.global_avg_pool(total), 2))


def rows(graph):
    return [dict(zip(NODE_FEATURES, row, strict=True)) for row in graph.nodes]


def test_a_node_says_what_its_operation_does():
    _, stem, conv, pool, total, last = rows(read_graph(network()))
    assert [row["free of weights"] for row in (stem, conv, pool, total, last)] == [0, 0, 1, 1, 0]
    assert (stem["mixes positions"], conv["mixes positions"], pool["mixes positions"]) == (1, 0, 1)
    assert (conv["mixes channels"], pool["mixes channels"]) == (1, 0)
    assert stem["receptive field"] == pool["receptive field"] > conv["receptive field"] == 0
    assert conv["nonlinearity before"] > 0 == pool["nonlinearity before"]
    assert (conv["normalised before"], stem["normalised before"]) == (1, 0)
    assert (total["joined values"], last["output"]) == (1, 1)
    np.testing.assert_allclose(stem["parameters"], np.log1p(3 * 4 * 3), rtol=1e-6)
    largest = rows(read_graph(network(pool="max")))[3]
    assert (pool["linear"], largest["linear"]) == (1, 0)


def test_messages_come_from_what_a_node_reads_and_from_what_reads_it():
    graph = read_graph(network())
    edges = set(zip(graph.sources.tolist(), graph.targets.tolist(), strict=True))
    assert edges == {(0, 1), (1, 2), (1, 3), (2, 4), (3, 4), (4, 5)}


def shuffled(batch, seed):
    rng = np.random.default_rng(seed)
    nodes, edges = rng.permutation(len(batch.nodes)), rng.permutation(len(batch.sources))
    place = np.argsort(nodes)
    return GraphBatch(
        batch.nodes[nodes],
        place[batch.sources][edges],
        place[batch.targets][edges],
        batch.owners[nodes],
        batch.graphs,
    )


def test_the_order_of_nodes_and_of_edges_changes_nothing():
    weights = PolicyWeights.of_network(PolicyNetwork(), {})
    batch = joined_graphs([read_graph(network()), read_graph(network(activation="tanh"))])
    expected = weights.embed(batch)
    assert np.abs(expected[0] - expected[1]).max() > 1e-4
    for seed in range(3):
        np.testing.assert_allclose(weights.embed(shuffled(batch, seed)), expected, atol=1e-6)
    turned = joined_graphs([read_graph(network(order=("pool", "conv")))])
    np.testing.assert_allclose(weights.embed(turned)[0], expected[0], atol=1e-6)


def test_an_edge_counts():
    weights = PolicyWeights.of_network(PolicyNetwork(), {})
    graph = read_graph(network())
    cut = graph._replace(sources=graph.sources[1:], targets=graph.targets[1:])
    whole, less = (weights.embed(joined_graphs([each])) for each in (graph, cut))
    assert np.abs(whole - less).max() > 1e-5


def test_graphs_are_read_alone_as_among_others_and_without_nodes():
    weights = PolicyWeights.of_network(PolicyNetwork(), {})
    graphs = [read_graph(network()), NO_GRAPH, read_graph(network(pool="max"))]
    together = weights.embed(joined_graphs(graphs))
    assert together.shape[0] == 3
    for number, graph in enumerate(graphs):
        np.testing.assert_allclose(weights.embed(joined_graphs([graph]))[0], together[number], atol=1e-6)
