"""Results and gradients of many networks read together, against autograd for each of them alone."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch

from nas_gym.evaluators import PROXIES
from nas_gym.evaluators.proxies.base import Reads, measured
from nas_gym.evaluators.proxies.probe import Examples, Probe
from nas_gym.evaluators.proxies.probe_chunks import ProbeChunk, chunks_of_probes
from nas_gym.networks import NetworkBuilder
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import make_task
from nas_gym.training import PATHS, paths_set
from tests.helpers.networks import SPACES, make_space, operation_networks, series_networks, table_networks

CPU = torch.device("cpu")
BATCH = 12
READS = get_args(Reads)
KINDS = {
    "signals": lambda: (operation_networks((2, 10)).values(), (2, 10)),
    "images": lambda: (operation_networks((2, 6, 6)).values(), (2, 6, 6)),
    "tables": lambda: (table_networks(8).values(), (8,)),
    "series": lambda: (series_networks(3, 16).values(), (3, 16)),
    **{
        f"{name} space": lambda name=name: (drawn(make_space(name)), make_space(name).input_shape)
        for name in SPACES
    },
}


def drawn(space):
    return [space.network(space.sample(np.random.default_rng(seed))) for seed in range(4)]


def batches(shape, outputs=10, size=BATCH, count=2):
    generator = torch.Generator().manual_seed(0)
    parts = tuple(
        (
            torch.randn(size, *shape, generator=generator),
            torch.randint(outputs, (size,), generator=generator),
        )
        for _ in range(count)
    )
    return Examples(parts, parts[0][1].numpy(), "cross_entropy", outputs)


def probes(networks, examples, seed=3):
    return [probe for each in networks if (probe := Probe(each, seed, examples, CPU)).live]


def compare(probe, alone):
    """Compare what was read with others of the chunk with what the probe computes by itself."""
    assert probe.codes.shape == alone.codes.shape
    assert (probe.codes != alone.codes).mean() < 0.01 if alone.codes.size else True
    for name in ("layer_results", "gradients", "layer_gradients", "second_gradients", "detached_weights"):
        expected = [each.detach() for each in getattr(alone, name)]
        # Some are what is left where larger numbers cancel, as before a batch norm.
        scale = max(float(each.abs().max()) for each in expected)
        for found, each in zip(getattr(probe, name), expected, strict=True):
            assert found.shape == each.shape
            assert torch.allclose(found, each, rtol=1e-4, atol=1e-5 * scale + 1e-7), name
    scale = max(float(np.abs(alone.input_gradients).max()), 1e-3)
    assert probe.input_gradients == pytest.approx(alone.input_gradients, rel=1e-4, abs=1e-4 * scale)


@pytest.mark.parametrize("kind", KINDS)
def test_reading_together_gives_what_autograd_gives_alone(kind):
    networks, shape = KINDS[kind]()
    examples = batches(shape)
    chunk = probes(networks, examples)
    ProbeChunk(chunk, READS).read()
    for probe, alone in zip(chunk, probes([each.network for each in chunk], examples), strict=True):
        assert {"codes", "layer_results", "gradients", "input_gradients"} <= set(vars(probe))
        assert "values" not in vars(probe)
        compare(probe, alone)


@pytest.mark.parametrize("kind", ["signals", "tables", "cell on images space"])
def test_the_ways_of_a_gpu_give_the_same(kind):
    networks, shape = KINDS[kind]()
    examples = batches(shape, size=16)  # rows that lie without gaps, so that libraries take whole groups
    chunk = probes(networks, examples)
    with paths_set("cpu", PATHS["cuda"]):
        ProbeChunk(chunk, READS).read()
    for probe, alone in zip(chunk, probes([each.network for each in chunk], examples), strict=True):
        compare(probe, alone)


OF_TASKS = {
    "tokens": ("transformer", "language_id"),
    "recurrent layers": ("recurrent", "language_id"),
    "answers of tokens": ("seq2seq", "dates"),
    "graphs": ("graph", "melting_point"),
    "columns": ("ft_transformer", "diabetes"),
    "a forecast": ("forecaster", "seasonal"),
}


@pytest.mark.parametrize("kind", OF_TASKS)
@pytest.mark.filterwarnings("ignore::nas_gym.errors.DataWarning")
def test_networks_of_every_domain_are_read_together(kind):
    name, task = OF_TASKS[kind][0], make_task(OF_TASKS[kind][1])
    space = make_search_space(name, task.input_shape, task.outputs, task.facts)
    examples = Examples.drawn(task, 0, BATCH, CPU)
    chunk = probes(drawn(space)[:2], examples)
    ProbeChunk(chunk, READS).read()
    for probe in chunk:
        compare(probe, Probe(probe.network, 3, examples, CPU))


@pytest.mark.filterwarnings("ignore::nas_gym.errors.DataWarning")
def test_gradients_by_inputs_that_kernels_do_not_give_are_left_to_the_probe():
    task = make_task("melting_point")
    space = make_search_space("graph", task.input_shape, task.outputs, task.facts)
    (probe,) = probes(drawn(space)[:1], Examples.drawn(task, 0, BATCH, CPU))
    ProbeChunk([probe], ("input_gradients", "gradients")).read()
    assert "gradients" in vars(probe)
    assert "input_gradients" not in vars(probe)


def test_the_bits_of_a_network_do_not_depend_on_its_company():
    space = make_space("mlp")
    networks = [space.network(space.sample(np.random.default_rng(seed))) for seed in range(9)]
    examples = batches(space.input_shape)
    many, few = probes(networks, examples), probes(networks[4:6], examples)
    for chunk in (many, few):
        ProbeChunk(chunk, READS).read()
    for inside, alone in zip(many[4:6], few, strict=True):
        assert np.array_equal(inside.codes, alone.codes)
        assert np.array_equal(inside.input_gradients, alone.input_gradients)
        for name in ("layer_results", "gradients", "layer_gradients", "second_gradients"):
            assert all(map(torch.equal, getattr(inside, name), getattr(alone, name)))


def test_an_activation_of_the_input_itself_is_read():
    builder = NetworkBuilder((4,))
    bent = builder.activation(builder.input, "relu")
    network = builder.build(builder.linear(builder.activation(builder.linear(bent, 5), "relu"), 10))
    examples = batches((4,))
    (probe,) = probes([network], examples)
    ProbeChunk([probe], READS).read()
    compare(probe, Probe(network, 3, examples, CPU))
    assert np.array_equal(probe.codes[:, :4], (examples.batches[0][0] > 0).numpy())


def test_small_networks_are_read_together_and_large_ones_alone():
    small = make_space("mlp")
    builder = NetworkBuilder((64,))
    large = builder.build(
        builder.linear(builder.activation(builder.linear(builder.input, 20_000), "relu"), 10)
    )
    examples = batches((64,))
    pool = probes([*drawn(small), large], examples)
    chunks = list(chunks_of_probes(pool, ("gradients",)))
    together = [probe for chunk in chunks if chunk.reads for probe in chunk.probes]
    apart = [probe for chunk in chunks if not chunk.reads for probe in chunk.probes]
    assert set(together) == set(pool[:-1])
    assert apart == [pool[-1]]
    assert [chunk.reads for chunk in chunks_of_probes(pool, ())] == [()]


def test_a_network_without_weights_has_the_reason_that_it_has_alone():
    builder = NetworkBuilder((4,))
    (probe,) = probes([builder.build(builder.activation(builder.input, "relu"))], batches((4,), outputs=4))
    (chunk,) = chunks_of_probes([probe], ("gradients",))
    chunk.read()
    for name in ("plain", "snip", "grad_norm", "fisher", "zico", "grasp", "synflow"):
        found = measured(PROXIES[name], probe)
        assert (found.value, found.reason) == (-np.inf, "nothing in it can be differentiated"), name
