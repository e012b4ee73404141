"""What the policy reads, and that names and numbering do not enter."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from nas_agents.pretrained.beliefs import NOISE, Beliefs
from nas_agents.pretrained.network import PolicyNetwork
from nas_agents.pretrained.pool import KERNELS, Pool
from nas_agents.pretrained.readings import READINGS, read_network
from nas_agents.pretrained.state import FEATURES, features
from nas_agents.pretrained.weights import PolicyWeights

from nas_gym.networks import NetworkBuilder
from nas_gym.search_spaces import ChoiceSpace, make_search_space

SHAPE = (1, 12)
MEANINGS = {"alpha": "conv", "beta": "nothing", "gamma": "pool", "delta": "zero"}


class Named(ChoiceSpace):
    """Three layers whose operations are called by `names`, in the order of `layers`."""

    name = "tests.agents.pretrained.test_policy:Named"

    def __init__(self, names=tuple(MEANINGS), layers=(1, 2, 3), meanings=MEANINGS):
        self.meanings, self.order, self.names = meanings, layers, names
        self.choices = {f"layer {layer}": names for layer in layers}
        super().__init__(SHAPE, 3)

    def config(self):
        return {"name": self.name, "names": list(self.names), "layers": list(self.order)}

    def network(self, architecture):
        builder = NetworkBuilder(self.input_shape)
        node = builder.conv(builder.input, 4, 3)
        for layer in (1, 2, 3):
            match self.meanings[architecture[f"layer {layer}"]]:
                case "conv":
                    node = builder.add(node, builder.conv(builder.activation(node, "relu"), 4, 3))
                case "pool":
                    node = builder.pool(node, "avg", 3, stride=1)
                case "zero":
                    node = builder.zero(node, builder.shape(node))
        return builder.build(builder.linear(builder.global_avg_pool(node), self.outputs))


def renamed():
    words = dict(zip(MEANINGS, ("w", "x", "y", "z"), strict=True))
    meanings = {words[name]: meaning for name, meaning in MEANINGS.items()}
    other = Named(tuple(words.values()), meanings=meanings)
    return (
        Named(),
        other,
        lambda a: other.parse(", ".join(f"{name}={words[value]}" for name, value in a.values)),
    )


def reordered_layers():
    other = Named(layers=(3, 1, 2))
    return (
        Named(),
        other,
        lambda a: other.parse(", ".join(f"{n}={a[n]}" for n in ("layer 3", "layer 1", "layer 2"))),
    )


def reordered_operations():
    other = Named(tuple(MEANINGS)[::-1])
    return Named(), other, lambda a: other.parse(str(a))


def reordered_cells():
    names = ["none", "skip_connect", "nor_conv_3x3"]
    space, other = (
        make_search_space({"name": "cell", "operations": order, "channels": [4]}, SHAPE, 3)
        for order in (names, names[::-1])
    )
    return space, other, lambda a: other.parse(str(a))


def reordered_activations():
    space, other = (
        make_search_space({"name": "mlp", "max_layers": 3, "widths": [4, 8], "activations": order}, SHAPE, 3)
        for order in (["relu", "tanh"], ["tanh", "relu"])
    )
    return space, other, lambda a: other.parse(str(a))


@pytest.mark.parametrize(
    "same", [renamed, reordered_layers, reordered_operations, reordered_cells, reordered_activations]
)
def test_names_and_numbering_change_nothing_but_the_order_of_candidates(same):
    space, other, turned = same()
    pool, second = Pool(space, list(space)), Pool(other, list(other))
    there = [second.numbers[turned(architecture)] for architecture in pool.architectures]
    assert sorted(there) == list(range(len(pool)))
    network = PolicyNetwork()
    weights = PolicyWeights.of_network(network, {})
    one, two = Beliefs(pool), Beliefs(second)
    rng = np.random.default_rng(3)
    for number in rng.choice(len(pool), 12, replace=False):
        score = float(rng.random())
        one.tell(int(number), score)
        two.tell(there[int(number)], score)
    seen, turned_seen = features(one, 0.7), features(two, 0.7)
    assert seen.std(axis=0).max() > 0.1
    np.testing.assert_allclose(turned_seen[there], seen, atol=2e-4)
    graphs, turned_graphs = (weights.embedded(each)[each.groups] for each in (pool, second))
    assert graphs.std(axis=0).max() > 0.001
    np.testing.assert_allclose(turned_graphs[there], graphs, atol=1e-5)
    scores, turned_scores = weights.judge(seen, pool), weights.judge(turned_seen, second)
    np.testing.assert_allclose(turned_scores[there], scores, atol=1e-3)


def test_a_reading_tells_networks_apart_by_what_they_do():
    space = Named()

    def read(text):
        values = read_network(space.network(space.parse(text)))
        return dict(zip(READINGS, values, strict=True))

    whole = read("layer 1=alpha, layer 2=alpha, layer 3=gamma")
    cut = read("layer 1=alpha, layer 2=delta, layer 3=gamma")
    empty = read("layer 1=beta, layer 2=beta, layer 3=beta")
    assert (whole["connected"], cut["connected"]) == (1, 0)
    assert cut["weighted operations"] == 0
    # The convolution of the stem and the linear layer, and two more on the longest way.
    assert (whole["longest path"], whole["shortest path"]) == (4, 2)
    assert whole["mean path"] == 3.0
    assert whole["paths"] == pytest.approx(np.log(4))
    assert (whole["local means"], whole["sums"], whole["plain shortcuts"]) == (1, 2, 2)
    # Four windows of three in a row: each adds two.
    assert whole["receptive field"] == pytest.approx(np.log2(9))
    assert empty["parameters"] == pytest.approx(np.log(1 + 12 + 4 * 3 + 3))


def test_activations_are_read_by_their_shape():
    def read(function):
        builder = NetworkBuilder((4,))
        node = builder.activation(builder.linear(builder.input, 3), function)
        values = read_network(builder.build(builder.linear(node, 2)))
        return dict(zip(READINGS, values, strict=True))

    assert read("identity")["linear"] == 1
    assert read("tanh")["saturating"] == 1 > read("relu")["saturating"] > read("identity")["saturating"]
    assert read("relu")["nonlinear"] > read("leaky_relu")["nonlinear"] > 0


@pytest.fixture
def pool():
    space = Named()
    return Pool(space, list(space))


def test_posteriors_are_those_of_a_gaussian_process(pool):
    beliefs, rng = Beliefs(pool), np.random.default_rng(0)
    told = rng.choice(len(pool), 9, replace=False)
    for number in told:
        beliefs.tell(int(number), float(rng.random()))
    ranks, _ = beliefs.targets()
    for kernel in range(len(KERNELS)):
        rows = np.array([pool.likeness(int(number))[kernel] for number in told])
        noisy = rows[:, told] + NOISE * np.eye(len(told))
        solved = np.linalg.solve(noisy, rows)
        own = pool.own_likeness()[kernel]
        np.testing.assert_allclose(beliefs.means(ranks)[kernel], ranks @ solved, atol=1e-5)
        np.testing.assert_allclose(
            beliefs.deviations()[kernel] ** 2, np.maximum(own - (rows * solved).sum(axis=0), 1e-4), atol=1e-5
        )
        determinant = np.linalg.slogdet(noisy)[1]
        expected = -(0.5 * ranks @ np.linalg.solve(noisy, ranks) + 0.5 * determinant) / len(told)
        assert beliefs.evidence(ranks)[kernel] == pytest.approx(expected, abs=1e-5)


def test_candidates_that_come_later_are_believed_of_as_if_they_had_been_there(pool):
    grown = Pool(pool.space, pool.architectures[:20], pool.architectures)
    some, every = Beliefs(grown), Beliefs(pool)
    for number, score in ((3, 0.2), (11, 0.9), (17, 0.5)):
        some.tell(number, score)
        every.tell(number, score)
    grown.add(pool.architectures)
    some.widen()
    for beliefs in (some, every):
        beliefs.tell(40, 0.7)
    ranks, values = some.targets()
    np.testing.assert_allclose(some.means(values), every.means(values), atol=1e-5)
    np.testing.assert_allclose(some.nearest, every.nearest)
    assert len(ranks) == 4


def test_what_is_read_is_finite_and_does_not_depend_on_the_scale_of_scores(pool):
    for scores in ([], [0.3], [0.3, 0.3, 0.3], [0.0, 0.9, 0.1, 0.8]):
        one, two = Beliefs(pool), Beliefs(pool)
        for number, score in enumerate(scores):
            one.tell(number, score)
            two.tell(number, 10 + 3 * score)
        seen = features(one, 1.0)
        assert seen.shape == (len(pool), len(FEATURES))
        assert np.isfinite(seen).all()
        np.testing.assert_allclose(features(two, 1.0), seen, atol=1e-5)


@pytest.mark.parametrize("graph", [True, False])
def test_the_policy_computes_without_torch_what_its_network_does(pool, graph):
    network = PolicyNetwork(graph=graph)
    seen = np.random.default_rng(0).standard_normal((len(pool), len(FEATURES))).astype(np.float32)
    with torch.inference_mode():
        embedded = network.graph(pool.graphs(range(pool.num_groups)))[pool.groups] if graph else None
        expected = network(torch.from_numpy(seen), embedded).numpy()
    weights = PolicyWeights.of_network(network, {})
    assert weights.reads_graphs == graph
    np.testing.assert_allclose(weights.judge(seen, pool), expected, atol=1e-5)
