"""Operations on sequences: the padding behind the tokens changes nothing."""

from __future__ import annotations

import pytest
import torch

from nas_gym.errors import NASGymError
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


def attended(heads, causal):
    def build(builder, codes, mask):
        x = builder.positions(builder.embedding(codes, 6, codes=CODES), "sines")
        q, k, v = (builder.conv(x, 6, 1, bias=True) for _ in range(3))
        return builder.masked(builder.attention(q, k, v, mask, heads=heads, causal=causal), mask)

    return build


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("heads", [1, 3])
def test_attention_to_tokens_is_that_in_the_text_alone(heads, causal) -> None:
    alone, padded = answers_alone_and_padded(attended(heads, causal))
    torch.testing.assert_close(padded[:, :, : len(TEXT)], alone, atol=1e-5, rtol=0)


def test_attention_is_that_of_torch() -> None:
    module = module_of(LENGTH, attended(3, causal=True))
    module.load_state_dict(dict(initial_weights(module.network, 0)))
    codes = torch.tensor([[2.0, 5, 3, 8, 1, 4, 2]])
    values = [codes]
    for number, node in enumerate(module.network.nodes[1:], start=1):
        values.append(module.compute(number, node, [values[each] for each in node.inputs]))
    q, k, v = (each.unflatten(1, (3, 2)).transpose(2, 3) for each in values[4:7])
    expected = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    torch.testing.assert_close(values[-1], expected.transpose(2, 3).flatten(1, 2), atol=1e-6, rtol=0)


@pytest.mark.parametrize("kind", ["attention", "convolution"])
def test_what_is_causal_knows_nothing_of_later_tokens(kind) -> None:
    def convolved(builder, codes, mask):
        return builder.causal_depthwise(builder.embedding(codes, 6, codes=CODES), 3)

    module = module_of(LENGTH, attended(2, causal=True) if kind == "attention" else convolved)
    module.load_state_dict(dict(initial_weights(module.network, 0)))
    one, other = (module(torch.tensor([[2.0, 5, 3, *end]])) for end in ([1, 1, 1, 1], [8, 7, 6, 5]))
    torch.testing.assert_close(one[:, :, :3], other[:, :, :3], atol=1e-6, rtol=0)
    assert (one[:, :, 3:] != other[:, :, 3:]).any()


def test_a_query_attends_to_another_sequence_with_its_own_padding() -> None:
    def crossed(length):
        builder = NetworkBuilder((length + 3,))
        source, target = builder.select(0, range(length)), builder.select(0, range(length, length + 3))
        x, y = (builder.embedding(each, 6, codes=CODES) for each in (source, target))
        return NetworkModule(
            builder.build(builder.attention(y, x, x, builder.padding_mask(source), heads=2))
        ).eval()

    alone, padded = crossed(2), crossed(5)
    for module in (alone, padded):
        module.load_state_dict(dict(initial_weights(module.network, 0)))
    answer = alone(torch.tensor([[4.0, 6, 1, 2, 3]]))
    assert answer.shape == (1, 6, 3)
    filled = padded(torch.tensor([[4.0, 6, 0, 0, 0, 1, 2, 3]]))
    torch.testing.assert_close(filled, answer, atol=1e-5, rtol=0)


def test_heads_that_do_not_divide_the_channels_are_refused() -> None:
    with pytest.raises(NASGymError, match="4 heads do not divide 6 channels"):
        module_of(LENGTH, attended(4, causal=False))


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
