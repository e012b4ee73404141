"""Fused kernels of log-mel frames: what the ordinary module computes, whatever is trained beside it."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from benchmarks.speed.ordinary_loop import make_optimizer
from nas_gym.networks import Network, NetworkBuilder, NetworkModule, initial_weights
from nas_gym.training import Member, Recipe
from tests.helpers.networks import make_data, trained

RECIPE = Recipe(epochs=1, batch_size=50, optimizer="sgd", learning_rate=0.05, schedule="constant")
FRAMES = {"bands": 5, "window": 16, "hop": 8, "rate": 400}


def network(behind: bool, width: int = 4) -> Network:
    """Log-mel frames of the input, or of what a trained convolution makes of it."""
    builder = NetworkBuilder((1, 60))
    node = builder.conv(builder.input, 1, 3) if behind else builder.input
    node = builder.conv(builder.log_mel(node, **FRAMES), width, 3)
    return builder.build(builder.linear(builder.global_avg_pool(node), 10))


def ordinary_losses(member: Member, data) -> list[float]:
    """The losses of gradient descent by autograd, in the order that the engine has."""
    module = NetworkModule(member.network)
    module.load_state_dict(dict(initial_weights(member.network, member.seed)))
    generator = torch.Generator().manual_seed(member.seed)
    optimizer = make_optimizer(module, RECIPE)
    losses = []
    for batch in torch.randperm(len(data.y_train), generator=generator).split(RECIPE.batch_size):
        loss = F.cross_entropy(module(data.x_train[batch]), data.y_train[batch])
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return losses


@pytest.mark.parametrize("behind", [False, True], ids=["of the input", "behind trained weights"])
def test_training_agrees_with_autograd_and_does_not_depend_on_other_members(behind: bool) -> None:
    data = make_data((1, 60))
    members = [Member(network(behind), 1), Member(network(behind, 7), 2), Member(network(not behind), 3)]
    (alone,) = trained(members[:1], data, RECIPE)
    together = trained(members, data, RECIPE)[0]
    assert alone.step_losses == together.step_losses
    assert alone.step_losses == pytest.approx(ordinary_losses(members[0], data), abs=1e-5)
