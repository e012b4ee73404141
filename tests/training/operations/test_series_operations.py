"""Operations for series: what they compute, and that the engine computes it with the same bits in company."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from nas_gym.networks import Network, NetworkBuilder, NetworkModule
from nas_gym.training import Keep, Member, OrdinaryTraining, Recipe
from tests.helpers.networks import make_data, series_networks, trained
from tests.training.test_invariance import same_bits

RECIPE = Recipe(epochs=2, batch_size=32, optimizer="sgd", learning_rate=0.02)
SHAPE = (2, 9)
NETWORKS = series_networks(*SHAPE)
DATA = make_data(SHAPE, train_size=54)  # batches of 32 and 22


@pytest.mark.parametrize("name", NETWORKS)
def test_fused_kernels_give_the_losses_of_the_module(name: str) -> None:
    member = Member(NETWORKS[name], 3)
    (fused,) = trained([member], DATA, RECIPE)
    ordinary = OrdinaryTraining(member, DATA, RECIPE, Keep(weights=True, step_losses=True))
    (apart,) = ordinary.run(lambda epoch, loss: None, lambda: False)
    assert fused.step_losses == pytest.approx(apart.step_losses, abs=1e-5)
    for key, array in apart.state.items():
        torch.testing.assert_close(fused.state[key], array, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("shape", [SHAPE, (1, 16)])
def test_bits_are_the_same_alone_and_in_company(shape: tuple[int, int]) -> None:
    data = make_data(shape, train_size=54)
    members = [Member(network, 1) for network in series_networks(*shape).values()]
    alone = [trained([member], data, RECIPE)[0] for member in members]
    crowd = [Member(one.network, seed) for seed in (0, 1, 2) for one in members]
    for memory in (10**5, 2**30):
        together = trained(crowd, data, RECIPE, memory=memory)
        for one, other in zip(alone, together[len(members) : 2 * len(members)], strict=True):
            assert same_bits(one, other)


def module_of(body, shape=SHAPE):
    builder = NetworkBuilder(shape)
    return weighted(builder.build(body(builder, builder.input)))


def weighted(network: Network) -> NetworkModule:
    """A module with weights that are not zero."""
    module = NetworkModule(network).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for array in module.parameters():
            array.normal_(generator=generator)
    return module


def test_a_moving_average_repeats_the_ends_and_its_remainder_is_what_it_leaves() -> None:
    x = torch.randn(4, *SHAPE)
    expected = F.avg_pool1d(F.pad(x, (2, 2), mode="replicate"), 5, 1)
    torch.testing.assert_close(module_of(lambda b, n: b.moving_average(n, 5))(x), expected)
    left = module_of(lambda b, n: b.moving_average(n, 5, remainder=True))(x)
    torch.testing.assert_close(left, x - expected)


def test_a_basis_gives_powers_and_waves_of_each_channel() -> None:
    weights = torch.tensor([[1.0, 2.0, 0.0, 4.0]])
    trend = module_of(lambda b, n: b.basis(n, "trend", 2, 4), (4,))(weights)
    torch.testing.assert_close(trend[0], torch.tensor([[1, 1.5, 2, 2.5], [0, 1, 2, 3]]))
    season = module_of(lambda b, n: b.basis(n, "season", 1, 12, period=6), (4,))(weights)[0, 0]
    turn = 2 * np.pi * np.arange(12) / 6
    expected = np.cos(turn) + 2 * np.sin(turn) + 4 * np.sin(2 * turn)
    assert season.numpy() == pytest.approx(expected, abs=1e-5)


def test_a_causal_convolution_sees_no_later_step_and_those_that_its_dilation_reaches() -> None:
    module = module_of(lambda b, n: b.causal_conv(n, 3, 3, dilation=2))
    x = torch.randn(1, *SHAPE)
    before = module(x)
    for step in range(SHAPE[1]):
        changed = x.clone()
        changed[:, :, step] += 1
        moved = (module(changed) - before).abs().amax((0, 1)) > 1e-6
        reached = [place for place in (step, step + 2, step + 4) if place < SHAPE[1]]
        assert moved.nonzero().flatten().tolist() == reached


@pytest.mark.parametrize("steps", [9, 10])
def test_a_stride_keeps_every_second_step_and_the_last(steps: int) -> None:
    shape = (2, steps)
    every = module_of(lambda b, n: b.causal_conv(n, 3, 3, dilation=2), shape)
    second = module_of(lambda b, n: b.causal_conv(n, 3, 3, dilation=2, stride=2), shape)
    x = torch.randn(2, *shape)
    torch.testing.assert_close(second(x), every(x)[:, :, (steps - 1) % 2 :: 2])


@pytest.mark.parametrize("name", [name for name in NETWORKS if name.endswith("hidden")])
def test_their_code_computes_what_they_do(name: str) -> None:
    module = weighted(NETWORKS[name])
    x = torch.randn(3, *SHAPE)
    values = [x]
    for number, node in enumerate(NETWORKS[name].nodes[1:], 1):
        source = node.operation.source(node)
        layer = eval(source.layer, {"nn": torch.nn}) if source.layer else None
        for array in node.parameter_shapes:
            with torch.no_grad():
                getattr(layer, array).copy_(module.state_dict()[f"{number}_{array}"])
        inputs = [f"values[{place}]" for place in node.inputs]
        call = source.call.format(*inputs, layer="layer")
        scope = {"values": values, "layer": layer, "nn": torch.nn, "torch": torch}
        values.append(eval(call, scope))
    torch.testing.assert_close(values[-1], module(x), atol=1e-4, rtol=1e-4)
