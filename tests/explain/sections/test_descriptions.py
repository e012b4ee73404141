"""Networks of every space are described in words."""

import pytest

from nas_gym.search_spaces import make_search_space
from tests.helpers.own_space import OwnSpace


@pytest.mark.parametrize(
    ("space", "text", "words"),
    [
        (
            "mlp",
            "relu-64 > identity-16",
            "a network of two layers: 64 units with relu, then 16 units with no activation",
        ),
        (
            "conv",
            "conv3-16-relu > max_pool > sep3-32-tanh + skip 0-2",
            "with a shortcut from the input to layer 2",
        ),
        (
            "conv",
            "conv5-16-tanh",
            "a network of one layer: a convolution of width 5 with 16 channels and tanh",
        ),
        ("cell", "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|", "without any connection"),
        (
            "cell",
            "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|",
            "a direct connection from its input to its output",
        ),
    ],
)
def test_a_network_is_described_in_words(space, text, words):
    built = make_search_space(space, (1, 40), 10)
    assert words in built.describe(built.parse(text)).words


def test_a_network_of_a_space_of_ones_own_is_described_in_words():
    space = OwnSpace((4,), 2)
    assert space.describe(space.smallest()).words == "a network with width 4, activation relu and repeats 1"
