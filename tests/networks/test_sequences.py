"""Operations on sequences: the padding behind the tokens changes nothing."""

from __future__ import annotations

import pytest
import torch

from nas_gym.networks import NetworkBuilder, NetworkModule, initial_weights

CODES, LENGTH = 9, 7
TEXT = [3, 8, 1, 5]


def module_of(length, build):
    """Return the module of a network that `build` makes, of its builder, codes and mask."""
    builder = NetworkBuilder((length,))
    network = builder.build(build(builder, builder.input, builder.padding_mask(builder.input)))
    return NetworkModule(network).eval()


def pooled(positions, norm):
    def build(builder, codes, mask):
        x = builder.positions(builder.embedding(codes, 6, codes=CODES), positions)
        x = builder.conv(builder.masked(x, mask), 6, 3, bias=True)
        return builder.masked_mean(builder.channel_norm(x, norm), mask)

    return build


def answers_alone_and_padded(build):
    """Return what a network of first weights says of a text by itself, and behind which padding stands."""
    alone, padded = module_of(len(TEXT), build), module_of(LENGTH, build)
    weights = dict(initial_weights(padded.network, 0))
    for module in (alone, padded):
        for name, parameter in module.named_parameters():
            own = tuple(map(slice, parameter.shape))  # of trained positions only the first
            parameter.data.copy_(weights[name][own])
    text = torch.tensor([TEXT], dtype=torch.float32)
    filled = torch.tensor([TEXT + [0] * (LENGTH - len(TEXT))], dtype=torch.float32)
    return alone(text), padded(filled)


@pytest.mark.parametrize("norm", ["layer", "rms"])
@pytest.mark.parametrize("positions", ["sines", "trained"])
def test_the_mean_over_tokens_is_that_of_the_text_alone(positions, norm) -> None:
    alone, padded = answers_alone_and_padded(pooled(positions, norm))
    torch.testing.assert_close(padded, alone, atol=1e-5, rtol=0)


def test_the_padding_is_embedded_as_zeros_and_no_gradient_reaches_it() -> None:
    module = module_of(LENGTH, lambda builder, codes, mask: builder.embedding(codes, 4, codes=CODES))
    module.load_state_dict(dict(initial_weights(module.network, 0)))
    codes = torch.tensor([[2.0, 0, 0, 0, 0, 0, 0]])
    result = module(codes)
    assert (result[0, :, 1:] == 0).all()
    torch.testing.assert_close(result[0, :, 0], module.get_parameter("2_weight")[1])
    result.sum().backward()
    assert module.get_parameter("2_weight").grad.nonzero()[:, 0].unique().tolist() == [1]


def test_a_text_without_tokens_has_the_mean_zero() -> None:
    module = module_of(LENGTH, pooled("sines", "layer"))
    assert (module(torch.zeros(1, LENGTH)) == 0).all()
