"""The transformer space: what it reads, its members, and that nothing depends on what is hidden."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nas_gym.errors import NASGymError
from nas_gym.networks import NetworkModule, initial_weights
from nas_gym.search_spaces import make_search_space

TEXT = [3.0, 8, 1, 5]


def space(shape, outputs=5, **options):
    return make_search_space({"name": "transformer", **options}, shape, outputs)


def module_of(architecture, made):
    network = made.network(architecture)
    module = NetworkModule(network).eval()
    module.load_state_dict(dict(initial_weights(network, 0)))
    return module


@pytest.mark.parametrize("seed", range(4))
def test_an_answer_does_not_depend_on_the_padding(seed) -> None:
    alone, padded = space((4,), vocabulary=9), space((11,), vocabulary=9)
    architecture = padded.sample(np.random.default_rng(seed))
    assert any(block.kind != "identity" for block in architecture.blocks)
    short, long = module_of(architecture, alone), module_of(architecture, padded)
    answer = short(torch.tensor([TEXT]))
    torch.testing.assert_close(long(torch.tensor([TEXT + [0.0] * 7])), answer, atol=1e-5, rtol=0)


@pytest.mark.parametrize("seed", range(4))
def test_an_answer_at_a_position_does_not_depend_on_later_tokens(seed) -> None:
    made = space((8,), 8 * 3, vocabulary=9, positions=8, causal=True)
    module = module_of(made.sample(np.random.default_rng(seed)), made)
    one, other = (module(torch.tensor([TEXT + end])).view(3, 8) for end in ([1.0] * 4, [7.0, 2, 6, 4]))
    torch.testing.assert_close(one[:, :4], other[:, :4], atol=1e-6, rtol=0)
    assert (one[:, 4:] != other[:, 4:]).any()


def test_a_tagger_sees_what_comes_later() -> None:
    made = space((4,), 4 * 3, vocabulary=9, positions=4, causal=False)
    module = module_of(made.parse("attention-2-plain-layer"), made)
    one, other = (module(torch.tensor([[*TEXT[:3], end]])).view(3, 4) for end in (1.0, 2.0))
    assert (one[:, 0] != other[:, 0]).any()


@pytest.mark.parametrize(
    ("shape", "options", "names"),
    [
        ((16,), {"vocabulary": 30}, ("bert", "primer")),
        ((5,), {"vocabulary": 30, "positions": 5, "causal": True}, ("gpt", "primer")),
        ((1, 28, 28), {}, ("vit", "primer")),
        ((1, 800), {}, ("wav2vec", "primer")),
        ((1, 800), {"max_layers": 2}, ()),
    ],
)
def test_small_ones_of_each_family_are_members(shape, options, names) -> None:
    made = space(shape, **options)
    assert tuple(made.members()) == names
    for member in made.members().values():
        assert made.network(member).output_shape == (5,)


@pytest.mark.parametrize(
    ("shape", "options", "positions"),
    [((1, 40), {}, 40), ((1, 800), {}, 50), ((3, 28, 28), {}, 49), ((1, 8, 8), {"stride": 4}, 4)],
)
def test_signals_and_images_become_at_most_50_positions_unless_a_stride_says_so(
    shape, options, positions
) -> None:
    made = space(shape, **options)
    nodes = made.network(made.parse("attention-4-plain-rms")).nodes
    assert next(n for n in nodes if n.operation.name == "attention").shape == (16, positions)


def test_a_block_of_another_kind_keeps_what_both_have() -> None:
    made = space((9,), vocabulary=30)
    start = made.parse("feedforward-64-gelu-rms")
    words = [str(action) for action in made.actions]
    there = made.apply(start, words.index("swap block of layer 1 to convolution"))
    assert str(there) == "convolution-5-gelu-rms"
    assert str(made.apply(there, words.index("swap block of layer 1 to attention"))) == (
        "attention-2-plain-rms"
    )


def test_an_architecture_is_told_in_words() -> None:
    made = space((9,), vocabulary=30)
    told = made.describe(made.parse("attention-4-conv3-rms > feedforward-32-relu2-layer > identity")).words
    assert told == (
        "a network of three layers: attention with 4 heads, convolutions of width 3 and RMS norm, then a "
        "feed-forward block of 32 units with relu2 and layer norm, then nothing"
    )


@pytest.mark.parametrize(
    ("shape", "options", "words"),
    [
        ((9,), {}, "needs tokens, signals"),
        ((9,), {"vocabulary": 30, "lengths": [4, 5]}, "reads one sequence, an example has 2"),
        ((9,), {"vocabulary": 30, "positions": 4}, "gives an answer at each position of a sequence, 4"),
        ((9,), {"vocabulary": 30, "heads": [3]}, "must divide its 16 channels, 3 does not"),
        ((9,), {"vocabulary": 30, "kernels": [4]}, "kernels of the transformer space must be odd, not 4"),
        ((1, 9), {"stride": 3}, "must be a power of 2 of at most 9, not 3"),
        ((9,), {"vocabulary": 30, "position_encoding": "none"}, "must be 'sines' or 'trained', not 'none'"),
        ((9,), {"vocabulary": 30, "dropout": 1.0}, r"dropout of the transformer space must be in \[0, 1\)"),
    ],
)
def test_what_does_not_fit_is_one_sentence(shape, options, words) -> None:
    with pytest.raises(NASGymError, match=words):
        space(shape, **options)
