"""The space of networks of message passing: what it is told by the task, its members, and what is refused."""

from __future__ import annotations

import pytest

from nas_gym.errors import NASGymError
from nas_gym.search_spaces import make_search_space

FACTS = {"node_features": 4, "edge_kinds": 3}


def test_the_task_tells_how_graphs_are_packed() -> None:
    space = make_search_space("graph", (9, 5), 1, FACTS)
    assert space.config()["node_features"] == 4
    assert space.size == 60_288
    assert make_search_space(space.config(), (9, 5), 1) == space
    assert "edges" in space.variables
    alone = make_search_space("graph", (9, 5), 1, FACTS | {"edge_kinds": 1})
    assert "edges" not in alone.variables


def test_members_are_the_networks_of_their_papers() -> None:
    space = make_search_space("graph", (9, 5), 1, FACTS)
    texts = {name: str(architecture) for name, architecture in space.members().items()}
    assert texts["gcn"] == "plain_edges, mean, last, layer_norm: gcn-32 > gcn-32 > gcn-32"
    assert texts["gin"] == "plain_edges, sum, concat, layer_norm: gin-32 > gin-32 > gin-32"
    assert set(texts) == {"gcn", "sage", "gin", "gat", "kgnn"}


def test_members_of_the_benchmark_are_chains_and_a_network_that_reads_every_layer() -> None:
    space = make_search_space("nasbench_graph", (9, 5), 1, FACTS)
    members = space.members()
    assert set(members) == {"gat", "gcn", "gin", "cheb", "sage", "arma", "kgnn", "jk"}
    assert str(members["kgnn"]) == "shape=0123, node 1=graph, node 2=graph, node 3=graph, node 4=graph"

    def layers_read(name: str) -> list[str]:
        nodes = space.network(members[name]).nodes
        read = [nodes[node.inputs[0]] for node in nodes if node.operation.name == "readout"]
        return [node.layer for node in read]

    assert layers_read("gcn") == ["5"]  # the last of four, behind the layer in front
    assert layers_read("jk") == ["2", "3"]


def test_weights_for_each_kind_of_edge_are_more_weights() -> None:
    options = {"name": "graph", "edges": ["plain_edges", "edge_vectors", "edge_weights"]}
    space = make_search_space(options, (9, 5), 1, FACTS)
    plain, vectors, weights = (
        space.network(space.parse(f"{edges}, sum, last, no_norm: kgnn-16")).parameters
        for edges in ("plain_edges", "edge_vectors", "edge_weights")
    )
    assert vectors - plain == 16 * 3
    assert weights - plain == 16 * 4 * 2


@pytest.mark.parametrize(
    ("spec", "shape", "facts", "sentence"),
    [
        ("graph", (9, 5), None, "the graph space needs graphs"),
        ("graph", (12,), None, "the graph space needs graphs"),
        ("graph", (10, 5), FACTS, "have 9 rows, not 10"),
        ({"name": "graph", "operations": ["gcm"]}, (9, 5), FACTS, "did you mean 'gcn'"),
        ({"name": "graph", "readouts": []}, (9, 5), FACTS, "readouts of the graph space"),
        ("mlp", (9, 5), FACTS, "pass graph or nasbench_graph"),
        ({"name": "nasbench_graph", "channels": 3}, (9, 5), FACTS, "must be even"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(spec, shape, facts, sentence) -> None:
    with pytest.raises(NASGymError, match=sentence):
        make_search_space(spec, shape, 1, facts)
