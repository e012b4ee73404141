"""Recurrent kernels: the engine computes what modules do, with bits that do not depend on company."""

from __future__ import annotations

import pytest
import torch

from nas_gym.networks import NetworkBuilder
from nas_gym.training import Keep, Member, OrdinaryTraining, Recipe, TrainingData
from tests.helpers.networks import make_data, trained
from tests.training.test_invariance import same_bits

RECIPE = Recipe(epochs=2, batch_size=32, optimizer="sgd", learning_rate=0.02)
CHANNELS, LENGTH = 3, 6
DATA = make_data((CHANNELS, LENGTH), train_size=54)  # batches of 32 and 22


def networks(length=LENGTH, size=5):
    """Two layers of each kind and form on a signal, whose first channel says where tokens are."""
    found = {}
    for kind in ("gru", "lstm", "rnn"):
        for form in ("", "reverse", "last", "last reverse"):
            builder = NetworkBuilder((CHANNELS, length))
            first = builder.recurrent(builder.input, kind, size, reverse="reverse" in form)
            node = builder.recurrent(first, kind, size, reverse="reverse" in form, last="last" in form)
            if "last" not in form:
                node = builder.global_avg_pool(builder.add(first, node))
            found[f"{kind} {form}".strip()] = builder.build(builder.linear(node, 10))
    builder = NetworkBuilder((CHANNELS, length))
    vector = builder.linear(builder.global_avg_pool(builder.input), 4)
    node = builder.recurrent(builder.spread(vector, length), "gru", size)
    found["spread"] = builder.build(builder.linear(builder.global_avg_pool(node), 10))
    return found | cell_networks(length, size)


def cell_networks(length, size):
    """Cells whose nodes read each other in different ways, with and without several loose ends."""
    found = {}
    functions = ("tanh", "relu", "identity", "sigmoid")
    for name, previous in (("deep", (0, 1, 2, 3)), ("wide", (0, 0, 1, 0)), ("one node", (0,))):
        builder = NetworkBuilder((CHANNELS, length))
        node = builder.recurrent_cell(builder.input, size, (0,), ("tanh",))
        node = builder.recurrent_cell(node, size, previous, functions[: len(previous)], last=name == "wide")
        if name != "wide":
            node = builder.global_avg_pool(node)
        found[f"cell {name}"] = builder.build(builder.linear(node, 10))
    return found


def token_networks(size=5):
    """Layers of each kind on tokens, whose state stays where there are none."""
    found = {}
    for kind in ("gru", "lstm", "rnn"):
        for form in ("", "reverse", "last"):
            builder = NetworkBuilder((LENGTH,))
            mask = builder.padding_mask(builder.input)
            node = builder.embedding(builder.input, 4, codes=6)
            for last in (False, "last" in form):
                node = builder.recurrent(node, kind, size, mask=mask, last=last, reverse="reverse" in form)
            if "last" not in form:
                node = builder.masked_mean(node, mask)
            found[f"{kind} {form} of tokens"] = builder.build(builder.linear(node, 10))
    for last in (False, True):
        builder = NetworkBuilder((LENGTH,))
        mask = builder.padding_mask(builder.input)
        node = builder.embedding(builder.input, 4, codes=6)
        node = builder.recurrent_cell(
            node, size, (0, 0, 1), ("relu", "tanh", "sigmoid"), mask=mask, last=last
        )
        node = node if last else builder.masked_mean(node, mask)
        found[f"cell of tokens, last: {last}"] = builder.build(builder.linear(node, 10))
    return found


def token_data():
    """Codes, of which each example has at least one before its padding."""
    generator = torch.Generator().manual_seed(0)
    codes = torch.randint(1, 6, (90, LENGTH), generator=generator).float()
    counts = torch.randint(1, LENGTH + 1, (90, 1), generator=generator)
    x, y = codes * (torch.arange(LENGTH) < counts), torch.randint(0, 10, (90,), generator=generator)
    return TrainingData(x[:54], y[:54], x[54:], y[54:])


NETWORKS = networks() | token_networks()
TOKENS = token_data()


@pytest.mark.parametrize("name", NETWORKS)
def test_fused_kernels_give_the_losses_of_the_module(name):
    member, data = Member(NETWORKS[name], 3), TOKENS if "tokens" in name else DATA
    (fused,) = trained([member], data, RECIPE)
    training = OrdinaryTraining(member, data, RECIPE, Keep(weights=True, step_losses=True))
    (apart,) = training.run(lambda epoch, loss: None, lambda: False)
    assert fused.step_losses == pytest.approx(apart.step_losses, abs=1e-5)
    for key, array in apart.state.items():
        torch.testing.assert_close(fused.state[key], array, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("length", "size"), [(LENGTH, 5), (4, 16), (1, 3), (0, 5)])
def test_bits_are_the_same_alone_and_in_company(length, size):
    data = make_data((CHANNELS, length), train_size=54) if length else TOKENS
    members = [
        Member(network, 1) for network in (networks(length, size) if length else token_networks()).values()
    ]
    alone = [trained([member], data, RECIPE)[0] for member in members]
    crowd = [Member(one.network, seed) for seed in (0, 1, 2) for one in members]
    together = trained(crowd, data, RECIPE)
    for one, other in zip(alone, together[len(members) : 2 * len(members)], strict=True):
        assert same_bits(one, other)
