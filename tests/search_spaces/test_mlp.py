"""What holds for perceptrons."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from nas_gym.errors import NASGymError
from nas_gym.search_spaces.mlp import MLP, MLPSpace


@pytest.fixture
def classic() -> MLPSpace:
    return MLPSpace((40,), 10, max_layers=3, widths=[64], activations=["relu", "sigmoid"])


def words(space: MLPSpace, text: str) -> dict[str, str]:
    """The words of each legal edit but keep, with the text it leads to."""
    state = space.parse(text)
    return {
        str(edit): str(space.apply(state, action))
        for action, edit in enumerate(space.actions)
        if action and space.mask(state)[action]
    }


def test_the_default_space_has_4680_architectures() -> None:
    assert MLPSpace((40,), 10).size == 8 + 8**2 + 8**3 + 8**4 == 4680


def test_the_classic_space_has_14_architectures(classic: MLPSpace) -> None:
    texts = {
        " > ".join(f"{activation}-64" for activation in activations)
        for depth in (1, 2, 3)
        for activations in itertools.product(["relu", "sigmoid"], repeat=depth)
    }
    assert {str(architecture) for architecture in classic} == texts
    assert len(texts) == classic.size == 14


def test_the_edits_of_one_layer(classic: MLPSpace) -> None:
    assert words(classic, "relu-64") == {
        "add relu-64 before layer 1": "relu-64 > relu-64",
        "add sigmoid-64 before layer 1": "sigmoid-64 > relu-64",
        "add relu-64 after layer 1": "relu-64 > relu-64",
        "add sigmoid-64 after layer 1": "relu-64 > sigmoid-64",
        "swap activation of layer 1 to sigmoid": "sigmoid-64",
    }


def test_the_edits_of_the_most_layers(classic: MLPSpace) -> None:
    assert words(classic, "relu-64 > sigmoid-64 > relu-64") == {
        "remove layer 1": "sigmoid-64 > relu-64",
        "remove layer 2": "relu-64 > relu-64",
        "remove layer 3": "relu-64 > sigmoid-64",
        "swap activation of layer 1 to sigmoid": "sigmoid-64 > sigmoid-64 > relu-64",
        "swap activation of layer 2 to relu": "relu-64 > relu-64 > relu-64",
        "swap activation of layer 3 to sigmoid": "relu-64 > sigmoid-64 > sigmoid-64",
    }


def test_the_actions_are_in_the_documented_order() -> None:
    space = MLPSpace((4,), 2, max_layers=2, widths=[2, 3], activations=["relu", "tanh"])
    assert [str(edit) for edit in space.actions] == [
        "keep",
        *(
            f"add {value} {place}"
            for place in ("before layer 1", "after layer 1")
            for value in ("relu-2", "relu-3", "tanh-2", "tanh-3")
        ),
        *("remove layer 1", "remove layer 2"),
        *(f"swap width of layer {layer} to {width}" for layer in (1, 2) for width in (2, 3)),
        *(f"swap activation of layer {layer} to {name}" for layer in (1, 2) for name in ("relu", "tanh")),
    ]


def test_the_observation_numbers_the_layers_from_1_and_0_is_none() -> None:
    space = MLPSpace((4,), 2, widths=[2, 3], activations=["relu", "tanh"])
    assert space.observe(space.parse("tanh-3 > relu-2"))["layers"].tolist() == [4, 1, 0, 0]


def test_the_network_has_the_layers_of_the_architecture() -> None:
    network = MLPSpace((2, 5), 3).network(MLP(((16, "relu"), (64, "tanh"))))
    operations = ["input", "flatten", "linear", "activation", "linear", "activation", "linear"]
    assert [node.operation.name for node in network.nodes] == operations
    assert network.parameters == (10 + 1) * 16 + (16 + 1) * 64 + (64 + 1) * 3
    assert network.flops == 2 * (10 * 16 + 16 * 64 + 64 * 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("relu-65", "no valid layer 'relu-65'"),
        ("rel-64", "no valid layer 'rel-64'"),
        ("relu64", "no valid layer 'relu64'"),
        ("relu-64 > ", "no valid layer ''"),
        (" > ".join(["relu-64"] * 4), "has 4 layers, the mlp space at most 3"),
    ],
)
def test_a_bad_text_is_refused_in_one_sentence(classic: MLPSpace, text: str, message: str) -> None:
    with pytest.raises(NASGymError, match=message):
        classic.parse(text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_layers": 0}, "max_layers of the mlp space must be a whole number of at least 1, not 0"),
        ({"max_layers": 2.5}, "not 2.5"),
        ({"max_layers": True}, "not True"),
        ({"widths": []}, "widths of the mlp space must be a list of different values"),
        ({"widths": [8, 8]}, r"different values, not \[8, 8\]"),
        ({"widths": 8}, "different values, not 8"),
        ({"widths": ["8"]}, "must be a whole number of at least 1, not '8'"),
        ({"activations": "relu"}, "different values, not 'relu'"),
        ({"activations": ["rely"]}, "unknown activation in the mlp space 'rely': did you mean 'relu'"),
    ],
)
def test_a_bad_option_is_refused_in_one_sentence(options: dict[str, Any], message: str) -> None:
    with pytest.raises(NASGymError, match=message):
        MLPSpace((8,), 2, **options)
