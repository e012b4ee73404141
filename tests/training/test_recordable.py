"""Every operation, space and target can be recorded as a CUDA graph, shown without a card.

Torch's meta device has shapes and no numbers. A list of calls that runs there waits for no number of the
device, takes memory of sizes that are known, and holds nothing that was left on the CPU.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from nas_gym.networks import LogMel, NetworkBuilder, Zero
from nas_gym.search_spaces import make_search_space
from nas_gym.training import (
    LOSSES,
    PATHS,
    ChunkTraining,
    Keep,
    Member,
    Recipe,
    TrainingData,
    loss_of,
    paths_set,
)
from nas_gym.training.kernels.registry import KERNELS, is_fusible
from nas_gym.training.program.fresh import Fresh, Part
from nas_gym.training.program.tape import Kernel
from nas_gym.training.steps import evaluation_step
from tests.helpers.networks import operation_networks
from tests.helpers.operations.every_operation import other_networks
from tests.search_spaces.conftest import CATALOGUE

META = torch.device("meta")
BATCH, EXAMPLES = 16, 24  # a full batch and a last one whose rows are not dense
OUTPUTS = 12


def answers(loss: str) -> Tensor:
    """Return answers as a loss reads them."""
    if loss.startswith("token"):
        return torch.arange(6 * EXAMPLES).view(-1, 3) % (OUTPUTS // 3)
    if "entropy" in loss and not loss.startswith("binary"):
        return torch.arange(2 * EXAMPLES) % OUTPUTS
    return torch.zeros(2 * EXAMPLES, OUTPUTS)


def spaces() -> dict[str, tuple[dict[str, Any], tuple[int, ...]]]:
    """Return the first entry of the catalogue for every registered space and kind of example."""
    found: dict[tuple[str, int, bool], str] = {}
    for key, (spec, shape) in CATALOGUE.items():
        if ":" not in spec["name"]:
            found.setdefault((spec["name"], len(shape), "positions" in spec), key)
    return {key: CATALOGUE[key] for key in found.values()}


def chunk(
    members: Sequence[Member], loss: str, y: Tensor, precision: str = "float32", examples: int = EXAMPLES
) -> ChunkTraining:
    """Return training of members on a device without numbers, by the ways of a GPU."""
    shape = members[0].network.nodes[0].shape
    x = torch.zeros(2 * examples, *shape, device=META)
    parts = (x[:examples], y[:examples].to(META), x[examples:], y[examples : 2 * examples].to(META))
    recipe = Recipe(epochs=2, batch_size=BATCH, precision=precision)
    with paths_set("meta", PATHS["cuda"]):
        return ChunkTraining(members, TrainingData(*parts, loss=loss), recipe, Keep())


def lists(training: ChunkTraining) -> Iterator[list[Kernel]]:
    """Yield the lists of calls that a card records."""
    for part in training._batches.parts:
        yield training._training_calls(part)
    yield training._round_calls()
    for evaluated in training._evaluated.values():
        yield evaluation_step(training._evaluate, evaluated, training._total, training._positions)


def tensors(value: Any) -> Iterator[Tensor]:
    """Yield all tensors that a call holds."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Fresh | Part):
        return
    elif isinstance(value, dict):
        yield from tensors(list(value.values()))
    elif isinstance(value, list | tuple):
        yield from itertools.chain.from_iterable(map(tensors, value))
    elif callable(value):
        for name in ("func", "args", "keywords", "__self__"):
            yield from tensors(getattr(value, name, None))


def check(training: ChunkTraining) -> None:
    """Run all lists but the optimiser's own call, which torch has no form of without numbers."""
    for calls in lists(training):
        for call in calls:
            assert {tensor.device.type for tensor in tensors(call)} <= {"meta"}, call
            if call not in training._optimizer.calls:
                call()


def _mark(name: str) -> tuple[pytest.MarkDecorator, ...]:
    """Leave what spaces and signals have, too, to `make slow`."""
    return (pytest.mark.slow,) if "images" in name or name == "recurrent tokens" else ()


PRECISIONS = ["float32", pytest.param("bfloat16", marks=pytest.mark.slow)]
AROUND = {
    "signals": list(operation_networks((1, 40)).values()),
    "images": list(operation_networks((2, 8, 8)).values()),
    **{name: networks for name, (networks, _) in other_networks().items()},
}
"""Networks of one shape of examples each, around all operations that have kernels."""


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", [pytest.param(name, marks=_mark(name)) for name in AROUND])
def test_every_operation_can_be_recorded(name: str, precision: str) -> None:
    members = [Member(network, seed) for network in AROUND[name] for seed in (0, 1)]
    outputs = members[0].network.output_shape[0]
    check(chunk(members, "cross_entropy", torch.arange(2 * EXAMPLES) % outputs, precision))


def test_no_operation_with_kernels_is_left_out() -> None:
    nodes = [node for networks in AROUND.values() for network in networks for node in network.nodes]
    assert {type(node.operation) for node in nodes} >= set(KERNELS) - {LogMel, Zero}  # in a space each


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", [pytest.param(name, marks=_mark(name)) for name in spaces()])
def test_every_space_can_be_recorded(name: str, precision: str) -> None:
    spec, shape = spaces()[name]
    outputs = 3 * spec["positions"] if "positions" in spec else OUTPUTS
    space = make_search_space({**spec, "causal": True} if "causal" in spec else spec, shape, outputs)
    rng = np.random.default_rng(0)
    members = [Member(space.network(space.sample(rng)), 0) for _ in range(3)]
    assert all(is_fusible(member.network) for member in members)
    check(chunk(members, "squared", torch.zeros(2 * BATCH, outputs), precision, BATCH))


def test_every_target_can_be_recorded() -> None:
    builder = NetworkBuilder((5,))
    network = builder.build(builder.linear(builder.input, OUTPUTS))
    for loss in (*LOSSES, "token_cross_entropy/token_accuracy/3"):
        if not getattr(loss_of(loss), "balanced", False):  # which counts classes once, before a step
            check(chunk([Member(network, 0), Member(network, 1)], loss, answers(loss)))


def test_a_call_that_waits_for_the_device_and_one_that_reads_the_cpu_are_found() -> None:
    builder = NetworkBuilder((5,))
    training = chunk(
        [Member(builder.build(builder.linear(builder.input, OUTPUTS)), 0)],
        "cross_entropy",
        answers("cross_entropy"),
    )
    total = training._total
    for call in (total.item, total.nonzero, lambda: total.add_(int(total.sum()))):
        training._round_calls = lambda call=call: [call]  # type: ignore[method-assign]
        with pytest.raises((RuntimeError, NotImplementedError)):
            check(training)
    training._round_calls = lambda: [partial(total.add_, torch.zeros(1))]  # type: ignore[method-assign]
    with pytest.raises(AssertionError):
        check(training)
