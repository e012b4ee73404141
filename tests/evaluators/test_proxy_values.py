"""Values of proxies against computations of another kind on small networks."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from nas_gym.evaluators import PROXIES, graf_features
from nas_gym.evaluators.proxies import az_nas
from nas_gym.evaluators.proxies.az_nas import Blocks, az_nas_ranks
from nas_gym.evaluators.proxies.base import measured
from nas_gym.evaluators.proxies.patterns import NWOT
from nas_gym.evaluators.proxies.probe import Examples, Probe
from nas_gym.evaluators.proxies.zen import STEP
from nas_gym.networks import NetworkBuilder
from nas_gym.search_spaces import make_search_space

CPU = torch.device("cpu")
N, CLASSES, LENGTH = 12, 3, 9


def examples():
    rng = np.random.default_rng(0)
    batches = tuple(
        (
            torch.tensor(rng.normal(size=(N, 2, LENGTH)), dtype=torch.float32),
            torch.tensor(rng.integers(CLASSES, size=N)),
        )
        for _ in range(2)
    )
    return Examples(batches, batches[0][1].numpy(), "cross_entropy", CLASSES)


def network():
    """Two convolutions with batch norms, the second beside a shortcut, and a linear layer."""
    builder = NetworkBuilder((2, LENGTH))
    first = builder.batch_norm(builder.conv(builder.input, 4, 3, layer="1"), layer="1")
    first = builder.activation(first, "relu", layer="1")
    second = builder.batch_norm(builder.conv(first, 4, 3, layer="2"), layer="2")
    second = builder.add(builder.activation(second, "relu", layer="2"), first, layer="2")
    return builder.build(
        builder.linear(builder.global_avg_pool(second, layer="output"), CLASSES, layer="output")
    )


class Plain(nn.Module):
    """The same network written by hand, with what proxies look at."""

    def __init__(self, arrays, dtype=torch.float32):
        super().__init__()
        self.conv1, self.conv2 = (
            nn.Conv1d(2, 4, 3, padding=1, bias=False),
            nn.Conv1d(4, 4, 3, padding=1, bias=False),
        )
        self.norm1, self.norm2, self.linear = nn.BatchNorm1d(4), nn.BatchNorm1d(4), nn.Linear(4, CLASSES)
        weights = [
            array.detach().clone() for each in arrays for name, array in each.items() if array.dim() > 1
        ]
        self.layers = [self.conv1, self.conv2, self.linear]
        for layer, weight in zip(self.layers, weights, strict=True):
            layer.weight.data = weight
        self.linear.bias.data = arrays[-1]["bias"].detach().clone()
        self.to(dtype)

    def forward(self, x):
        self.results, self.bent, self.normed = [self.conv1(x)], [], []
        self.normed.append(self.results[0])
        self.bent.append(self.norm1(self.results[0]))
        first = F.relu(self.bent[0])
        self.results.append(self.conv2(first))
        self.normed.append(self.results[1])
        self.bent.append(self.norm2(self.results[1]))
        self.feature = F.relu(self.bent[1]) + first
        self.results.append(self.linear(self.feature.mean(2)))
        for result in self.results:
            if result.requires_grad:
                result.retain_grad()
        return self.results[-1]

    def gradients(self, x, y):
        self.zero_grad()
        F.cross_entropy(self(x), y).backward()
        return [layer.weight.grad.clone() for layer in self.layers]


@pytest.fixture
def probe():
    return Probe(network(), 5, examples(), CPU)


@pytest.fixture
def plain(probe):
    return Plain(probe.arrays)


def value(name, probe):
    found = measured(PROXIES[name], probe)
    assert found.reason == ""
    return found.value


def test_sums_over_weights_and_gradients(probe, plain):
    gradients = plain.gradients(*probe.examples.batches[0])
    pairs = [(layer.weight.detach(), g) for layer, g in zip(plain.layers, gradients, strict=True)]
    products = [w * g for w, g in itertools.chain(pairs)]
    assert value("plain", probe) == pytest.approx(sum(float(p.sum()) for p in products), rel=1e-4, abs=1e-6)
    assert value("snip", probe) == pytest.approx(sum(float(p.abs().sum()) for p in products), rel=1e-5)
    norms = [math.sqrt(sum(v * v for v in g.flatten().tolist())) for _, g in pairs]
    assert value("grad_norm", probe) == pytest.approx(sum(norms), rel=1e-5)
    weights = [math.sqrt(sum(v * v for v in w.flatten().tolist())) for w, _ in pairs]
    assert value("l2_norm", probe) == pytest.approx(sum(weights), rel=1e-5)


def test_grasp_is_the_finite_difference_of_the_gradient_along_itself(probe):
    x, y = probe.examples.batches[0]
    exact = Plain(probe.arrays, torch.float64)
    weights = [layer.weight.detach().clone() for layer in exact.layers]
    gradient = exact.gradients(x.double(), y)
    moved = []
    for step in (1e-5, -1e-5):
        for layer, w, g in zip(exact.layers, weights, gradient, strict=True):
            layer.weight.data = w + step * g
        moved.append(exact.gradients(x.double(), y))
    hg = [(ahead - behind) / 2e-5 for ahead, behind in zip(*moved, strict=True)]
    expected = -sum(float((w * each).sum()) for w, each in zip(weights, hg, strict=True))
    assert value("grasp", probe) == pytest.approx(expected, rel=1e-3, abs=1e-6)


def test_fisher_sums_over_channels(probe, plain):
    plain.gradients(*probe.examples.batches[0])
    total = 0.0
    for result in plain.results:
        a, g = result.detach().numpy(), result.grad.numpy()
        for channel in range(a.shape[1]):
            total += np.mean([(a[n, channel] * g[n, channel]).sum() ** 2 for n in range(N)]) / 2
    assert value("fisher", probe) == pytest.approx(total, rel=1e-4)


def input_gradients(probe, plain):
    x = probe.examples.batches[0][0].clone().requires_grad_(True)
    plain(x).sum().backward()
    return x.grad.flatten(1).double().numpy()


def test_jacov_by_the_eigenvalues_of_correlations(probe, plain):
    v = np.linalg.eigvals(np.corrcoef(input_gradients(probe, plain))).real
    expected = -sum(math.log(each + 1e-5) + 1 / (each + 1e-5) for each in v)
    assert value("jacov", probe) == pytest.approx(expected, rel=1e-2)


def test_epe_nas_sums_over_classes(probe, plain):
    gradients, classes = input_gradients(probe, plain), probe.examples.classes
    expected = 0.0
    for each in range(CLASSES):
        rows = [g for g, own in zip(gradients, classes, strict=True) if own == each]
        assert len(rows) > 1
        pairs = itertools.product(rows, rows)
        expected += abs(sum(math.log(abs(np.corrcoef(a, b)[0, 1]) + 1e-5) for a, b in pairs))
    assert value("epe_nas", probe) == pytest.approx(expected, rel=1e-3)


def test_patterns_of_active_units(probe, plain):
    plain(probe.examples.batches[0][0])
    active = torch.cat([each.flatten(1) for each in plain.bent], 1).detach().numpy() > 0
    k = [[sum(a == b for a, b in zip(one, other, strict=True)) for other in active] for one in active]
    assert value("nwot", probe) == pytest.approx(math.log(np.linalg.det(np.array(k) + np.eye(N))), rel=1e-6)
    assert value("swap", probe) == len({tuple(unit) for unit in active.T})


def test_nwot_has_a_value_with_fewer_units_than_examples():
    builder = NetworkBuilder((2,))
    hidden = builder.activation(builder.linear(builder.input, 3), "relu")
    narrow = builder.build(builder.linear(hidden, CLASSES))
    x = torch.randn(N, 2, generator=torch.Generator().manual_seed(0))
    found = NWOT().value(Probe(narrow, 0, Examples(((x, torch.zeros(N)),), None, "squared", 3), CPU))
    assert math.isfinite(found)
    assert found > 0


def chain(layers, width):
    builder = NetworkBuilder((width,))
    node = builder.input
    for _ in range(layers - 1):
        node = builder.activation(builder.linear(node, width), "relu")
    return builder.build(builder.linear(node, 2))


def test_synflow_is_the_sum_over_all_paths_of_the_products_of_weights():
    probe = Probe(chain(3, 4), 1, None, CPU)
    first, second, third = (w.detach().abs().double().numpy() for w in probe.weights)
    flow = sum(
        first[b, a] * second[c, b] * third[d, c]
        for a, b, c, d in itertools.product(range(4), range(4), range(4), range(2))
    )
    # Each of the three layers holds the whole flow once.
    assert value("synflow", probe) == pytest.approx(math.log(3 * flow), rel=1e-9)


def test_synflow_does_not_overflow_where_float32_would():
    probe = Probe(chain(60, 96), 0, None, CPU)
    flow, log = np.ones(96), 0.0
    for weight in probe.weights:
        flow = weight.detach().abs().double().numpy() @ flow
        log, flow = log + math.log(flow.sum()), flow / flow.sum()
    assert log > math.log(torch.finfo(torch.float32).max)
    assert value("synflow", probe) == pytest.approx(log + math.log(60), rel=1e-9)


def test_synflow_leaves_batch_norms_out(probe):
    arrays = probe.arrays
    first, second, linear = (w.detach().abs().double() for w in probe.weights)
    ones = torch.ones(1, 2, LENGTH, dtype=torch.float64)
    flow = [each.requires_grad_(True) for each in (first, second, linear)]
    hidden = F.conv1d(ones, first, padding=1)
    total = ((F.conv1d(hidden, second, padding=1) + hidden).mean(2) @ linear.T).sum()
    gradients = torch.autograd.grad(total, flow)
    expected = sum(float((w.detach() * g).sum()) for w, g in zip(flow, gradients, strict=True))
    assert value("synflow", probe) == pytest.approx(math.log(expected), rel=1e-9)
    assert (arrays[2]["weight"] == 1).all()  # the batch norm's


def test_zen_by_the_network_written_by_hand(probe):
    plain = Plain(probe.drawn_arrays(11, lambda _: 1.0))
    generator = probe.generator(12)
    x, e = (probe.gaussian((32, 2, LENGTH), generator) for _ in range(2))
    plain(x)
    before = plain.feature.detach().numpy()
    deviations = [np.sqrt(each.detach().numpy().var(axis=(0, 2)).mean()) for each in plain.normed]
    plain(x + STEP * e)
    difference = np.abs(plain.feature.detach().numpy() - before).sum(axis=(1, 2)).mean()
    expected = math.log(difference) + sum(map(math.log, deviations))
    assert value("zen", probe) == pytest.approx(expected, rel=1e-3)


def test_zico_weighs_gradients_by_how_little_they_differ_between_batches(probe, plain):
    one, other = ([g.double().numpy() for g in plain.gradients(*batch)] for batch in probe.examples.batches)
    expected = 0.0
    for first, second in zip(one, other, strict=True):
        ratios = [
            (abs(a) + abs(b)) / 2 / (abs(a - b) / 2)
            for a, b in zip(first.flatten(), second.flatten(), strict=True)
            if a != b
        ]
        expected += math.log(sum(ratios))
    assert value("zico", probe) == pytest.approx(expected, rel=1e-2)


def test_meco_by_the_correlations_of_channels(probe, plain):
    plain(probe.examples.batches[0][0])
    first, second, last = (result.detach().double().numpy() for result in plain.results)
    matrices = [np.corrcoef(first[0]), np.corrcoef(second[0]), np.corrcoef(last.T)]
    expected = sum(np.linalg.eigvals(matrix).real.min() for matrix in matrices)
    assert value("meco", probe) == pytest.approx(expected, rel=1e-4)


def test_az_expressivity_is_the_entropy_of_principal_variances(probe):
    blocks = Blocks(probe)
    assert [tuple(each.shape[1:]) for each in blocks.results] == [(2, LENGTH), (4, LENGTH), (4, LENGTH)]
    entropies = []
    for result in blocks.results:
        rows = np.array([result[n, :, t].tolist() for n in range(len(result)) for t in range(LENGTH)])
        variances = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False) ** 2
        shares = variances / variances.sum()
        entropies.append(-(shares * np.log(shares)).sum())
    assert value("az_expressivity", probe) == pytest.approx(entropies[1] + entropies[2], rel=1e-4)
    growths = (entropies[1] - entropies[0], entropies[2] - entropies[1])
    assert value("az_progressivity", probe) == pytest.approx(min(growths), rel=1e-3)


def test_az_trainability_is_highest_where_blocks_keep_the_size_of_gradients(monkeypatch):
    monkeypatch.setattr(az_nas, "EXAMPLES", 20_000)
    builder = NetworkBuilder((4,))
    hidden = builder.linear(builder.input, 3, layer="1")
    probe = Probe(builder.build(builder.linear(hidden, 2, layer="output")), 0, None, CPU)
    weight = probe.drawn_arrays(21, lambda shape: math.sqrt(2 / shape[1]))[1]["weight"].numpy()
    s = np.linalg.norm(weight, 2)
    assert value("az_trainability", probe) == pytest.approx(2 - s - 1 / s, abs=0.05)


def test_az_nas_is_the_sum_of_the_logs_of_ranks():
    values = {
        "az_expressivity": np.array([3.0, 1.0, 2.0, -np.inf]),
        "az_progressivity": np.array([1.0, 2.0, 2.0, -np.inf]),
        "az_trainability": np.array([-1.0, -2.0, -3.0, -np.inf]),
        "az_complexity": np.array([5.0, 5.0, 7.0, 1.0]),
    }
    ranks = np.array([[4, 2, 3], [2, 3.5, 3.5], [4, 3, 2], [2.5, 2.5, 4]])
    assert az_nas_ranks(values)[:3] == pytest.approx(np.log(ranks / 4).sum(axis=0))
    assert az_nas_ranks(values)[3] == -np.inf


def test_graf_counts_what_is_on_paths():
    space = make_search_space("cell", (3, 8, 8), 10)
    cell = space.parse(
        "|skip_connect~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|none~0|avg_pool_3x3~1|nor_conv_3x3~2|"
    )
    net = space.network(cell)
    found = graf_features(net)
    paths = enumerated_paths(net)
    assert found["paths"] == len(paths)
    layers = [
        sum(bool(net.nodes[n].parameter_shapes) and net.nodes[n].operation.name != "batch_norm" for n in p)
        for p in paths
    ]
    assert (found["shortest path"], found["longest path"]) == (min(layers), max(layers))
    assert found["nodes"] == len({number for path in paths for number in path})
    assert value("graf_longest_path", Probe(net, 0, None, CPU)) == max(layers)


def enumerated_paths(net):
    def back(number):
        if number == 0:
            return [()]
        node = net.nodes[number]
        if node.operation.gives_zeros:
            return []
        return [(*path, number) for place in node.inputs for path in back(place)]

    return back(len(net.nodes) - 1)


def test_dropout_is_off():
    builder = NetworkBuilder((4,))
    hidden = builder.dropout(builder.activation(builder.linear(builder.input, 3), "sigmoid"), 0.5)
    with_dropout = builder.build(builder.linear(hidden, 2))
    batch = ((torch.ones(5, 4), torch.tensor([0, 1, 0, 1, 1])),) * 2
    found = [Probe(with_dropout, 0, Examples(batch, None, "cross_entropy", 2), CPU) for _ in range(2)]
    assert value("snip", found[0]) == value("snip", found[1]) > 0
