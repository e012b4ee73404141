"""Recurrent operations: their numbers, what padding does to them, and their code."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from nas_gym.networks import NetworkBuilder, NetworkModule, Operation, initial_weights

CHANNELS, SIZE, LENGTH = 3, 5, 6
KINDS = ("gru", "lstm", "rnn", "cell")
FORMS = list(itertools.product((False, True), (False, True), (False, True)))


class LastChannel(Operation):
    """The last channel of a signal, as codes."""

    def output_shape(self, *inputs, **options):
        return (inputs[0][1],)

    def forward(self, node, inputs, arrays, training):
        return inputs[0][:, -1]


def layer_network(kind, *, masked=False, last=False, reverse=False):
    """A signal whose last channel is the mask, through one layer."""
    builder = NetworkBuilder((CHANNELS, LENGTH))
    mask = builder.padding_mask(builder.operation(LastChannel(), 0)) if masked else None
    if kind == "cell":
        functions = ("relu", "sigmoid", "identity")
        return builder.build(builder.recurrent_cell(0, SIZE, (0, 0, 2), functions, mask=mask, last=last))
    return builder.build(builder.recurrent(0, kind, SIZE, mask=mask, last=last, reverse=reverse))


def module_of(network):
    module = NetworkModule(network).eval()
    module.load_state_dict(dict(initial_weights(network, 3)), strict=False)
    return module


def batch():
    x = torch.randn(4, CHANNELS, LENGTH, generator=torch.Generator().manual_seed(1))
    x[:, -1] = 0
    for row, count in zip(x, (6, 3, 1, 4), strict=True):
        row[-1, :count] = 1
    return x


@pytest.mark.parametrize(("kind", "torch_layer"), [("gru", nn.GRU), ("lstm", nn.LSTM), ("rnn", nn.RNN)])
def test_a_layer_computes_what_that_of_torch_does(kind, torch_layer):
    module = module_of(layer_network(kind))
    layer = torch_layer(CHANNELS, SIZE, batch_first=True)
    state = {f"{name.partition('_')[2]}_l0": array for name, array in module.state_dict().items()}
    layer.load_state_dict(state)
    expected = layer(batch().transpose(1, 2))[0].transpose(1, 2)
    torch.testing.assert_close(module(batch()), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("last", "reverse"), [(False, False), (True, False), (False, True), (True, True)])
def test_padding_changes_nothing_and_the_state_stays_where_it_is(kind, last, reverse):
    if kind == "cell" and reverse:
        pytest.skip("a cell goes forwards")
    masked = module_of(layer_network(kind, masked=True, last=last, reverse=reverse))
    plain = module_of(layer_network(kind, last=last, reverse=reverse))
    plain.load_state_dict({f"1_{name.partition('_')[2]}": a for name, a in masked.state_dict().items()})
    x = batch()
    found = masked(x)
    other = x.clone()
    other[:, :-1] += 7 * (1 - x[:, -1:])  # whatever stands where no tokens are
    assert torch.equal(masked(other), found)
    for row, single in zip(found, x, strict=True):
        count = int(single[-1].sum())
        alone = plain(single[None, :, :count])[0]
        torch.testing.assert_close(row if last else row[:, :count], alone, atol=1e-5, rtol=0)
        if not last:
            stays = torch.zeros(SIZE) if reverse else alone[:, -1]
            torch.testing.assert_close(row[:, count:], stays[:, None].expand(-1, LENGTH - count))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("masked", "last", "reverse"), FORMS)
def test_the_code_of_a_layer_computes_what_it_does(kind, masked, last, reverse):
    if kind == "cell" and reverse:
        pytest.skip("a cell goes forwards")
    network = layer_network(kind, masked=masked, last=last, reverse=reverse)
    module, node = module_of(network), network.nodes[-1]
    number, source = len(network.nodes) - 1, node.operation.source(node)
    layer = eval(source.layer, {"nn": nn, "torch": torch})
    names = dict(source.names)
    layer.load_state_dict(
        {names.get(n, n): module.state_dict()[f"{number}_{n}"] for n in node.parameter_shapes}
    )
    x = batch()
    inputs = ["x", "mask"][: len(node.inputs)]
    call = source.call.format(*inputs, layer="layer")
    given = {"x": x, "mask": x[:, -1:], "layer": layer, "torch": torch, "nn": nn}
    torch.testing.assert_close(eval(call, given), module(x), atol=1e-5, rtol=0)


def test_an_answer_at_a_position_does_not_see_what_follows():
    for kind in KINDS:
        module, x = module_of(layer_network(kind)), batch()
        other = x.clone()
        other[:, :, 4:] += 1
        assert torch.equal(module(x)[:, :, :4], module(other)[:, :, :4])


def test_nothing_is_wrong_with_a_sequence_without_tokens():
    for kind in KINDS:
        found = module_of(layer_network(kind, masked=True))(torch.zeros(1, CHANNELS, LENGTH))
        assert torch.equal(found, torch.zeros(1, SIZE, LENGTH))


def test_a_vector_is_spread_over_positions():
    builder = NetworkBuilder((2,))
    module = NetworkModule(builder.build(builder.spread(builder.input, 3)))
    assert torch.equal(module(torch.tensor([[1.0, 2.0]])), torch.tensor([[[1.0] * 3, [2.0] * 3]]))
