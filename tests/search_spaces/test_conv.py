"""What holds for chains of convolutions, pools and skip connections."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from nas_gym.errors import NASGymError
from nas_gym.search_spaces.conv.space import ConvSpace


@pytest.fixture(scope="module")
def space() -> ConvSpace:
    return ConvSpace((1, 8, 8), 10)


def after(space: ConvSpace, text: str, words: str) -> str | None:
    """The text after the edit of some words, None where it is illegal."""
    action = [str(edit) for edit in space.actions].index(words)
    edited = space.edited(space.parse(text), action)
    return None if edited is None else str(edited)


@pytest.mark.parametrize("input_shape", [(1, 1), (2, 2), (1, 3), (1, 9), (3, 9, 2)])
@pytest.mark.parametrize("max_layers", [1, 2, 4])
def test_the_size_is_that_of_an_enumeration(input_shape: tuple[int, ...], max_layers: int) -> None:
    operations = ["max_pool", "conv3", "avg_pool", "sep3"]
    space = ConvSpace(
        input_shape, 2, max_layers=max_layers, operations=operations, channels=[4], activations=["relu"]
    )
    sides, count = min(input_shape[1:]), 0
    for depth in range(1, max_layers + 1):
        pairs = sum(j - i >= 2 for i in range(depth + 1) for j in range(depth + 1))
        for chain in itertools.product(operations, repeat=depth):
            side = sides
            for operation in chain:
                fits = side > 1 or "pool" not in operation
                side = -(-side // 2) if "pool" in operation and fits else side if fits else 0
            count += 2**pairs if side else 0
    assert space.size == count


def test_the_default_space_has_14_choices_a_layer_and_15_skips(space: ConvSpace) -> None:
    signals = ConvSpace((1, 40), 10)
    assert len(signals.choices) == 3 * 2 * 2 + 2
    assert signals.size == sum(14**depth * 2 ** (depth * (depth - 1) // 2) for depth in range(1, 7))
    assert len(space.actions) == 1 + 6 * 14 + 6 + 6 * (5 + 2 + 2) + 15 + 15
    assert space.size < signals.size


def test_the_skips_of_a_text_may_come_in_any_order_and_are_written_in_one(space: ConvSpace) -> None:
    chain = "conv3-16-relu > max_pool > sep3-32-relu"
    states = {
        space.parse(f"{chain} + skip 0-2 + skip 1-3 + skip 0-3"),
        space.parse(f" {chain}+skip 1-3 +  skip 0-3+ skip 0 - 2"),
    }
    assert [str(state) for state in states] == [f"{chain} + skip 0-2 + skip 0-3 + skip 1-3"]


def test_an_added_layer_leaves_each_skip_between_its_two_layers(space: ConvSpace) -> None:
    text = "conv3-16-relu > conv3-32-relu > sep3-16-tanh + skip 0-2 + skip 1-3"
    assert after(space, text, "add conv5-16-tanh before layer 1") == (
        "conv5-16-tanh > conv3-16-relu > conv3-32-relu > sep3-16-tanh + skip 0-3 + skip 2-4"
    )
    assert after(space, text, "add conv5-16-tanh after layer 2") == (
        "conv3-16-relu > conv3-32-relu > conv5-16-tanh > sep3-16-tanh + skip 0-2 + skip 1-4"
    )
    assert after(space, text, "add max_pool after layer 3") == (
        "conv3-16-relu > conv3-32-relu > sep3-16-tanh > max_pool + skip 0-2 + skip 1-3"
    )
    assert after(space, text, "add max_pool after layer 4") is None


def test_a_removed_layer_takes_the_skips_that_touch_it_or_have_nothing_left_to_skip(space: ConvSpace) -> None:
    chain = "conv3-16-relu > conv5-16-relu > max_pool > sep3-16-relu"
    text = f"{chain} + skip 0-2 + skip 1-3 + skip 0-4 + skip 1-4"
    assert after(space, text, "remove layer 2") == (
        "conv3-16-relu > max_pool > sep3-16-relu + skip 0-3 + skip 1-3"
    )
    assert after(space, text, "remove layer 4") == (
        "conv3-16-relu > conv5-16-relu > max_pool + skip 0-2 + skip 1-3"
    )
    assert after(space, "max_pool", "remove layer 1") is None


def test_swapping_changes_one_aspect_and_a_pool_becomes_the_first_convolution_of_its_kind(
    space: ConvSpace,
) -> None:
    text = "conv3-32-tanh > max_pool + skip 0-2"
    assert after(space, text, "swap operation of layer 1 to sep3") == "sep3-32-tanh > max_pool + skip 0-2"
    assert after(space, text, "swap channels of layer 1 to 16") == "conv3-16-tanh > max_pool + skip 0-2"
    assert after(space, text, "swap activation of layer 1 to relu") == "conv3-32-relu > max_pool + skip 0-2"
    assert after(space, text, "swap operation of layer 2 to conv5") == (
        "conv3-32-tanh > conv5-16-relu + skip 0-2"
    )
    assert after(space, text, "swap operation of layer 1 to conv3") is None
    assert after(space, text, "swap channels of layer 2 to 16") is None
    assert after(space, text, "swap activation of layer 2 to relu") is None
    assert after(space, text, "swap operation of layer 3 to conv3") is None


def test_skips_are_added_where_there_is_none_and_removed_where_there_is_one(space: ConvSpace) -> None:
    text = "conv3-16-relu > conv3-16-relu > conv3-16-relu"
    assert after(space, text, "add skip 1-3") == f"{text} + skip 1-3"
    assert after(space, text, "add skip 2-4") is None
    assert after(space, f"{text} + skip 1-3", "add skip 1-3") is None
    assert after(space, f"{text} + skip 1-3", "remove skip 1-3") == text
    assert after(space, text, "remove skip 1-3") is None


@pytest.mark.parametrize(
    ("input_shape", "pools"), [((1, 40), 6), ((1, 8, 8), 3), ((1, 9), 4), ((1, 1), 0), ((1, 64, 3), 2)]
)
def test_pools_are_impossible_where_the_smallest_side_is_1(input_shape: tuple[int, ...], pools: int) -> None:
    space = ConvSpace(input_shape, 10, max_layers=8)
    chain = " > ".join(["conv3-16-relu", *["max_pool"] * pools])
    assert min(space.network(space.parse(chain)).nodes[-3].shape[1:]) == 1
    assert after(space, chain, "add avg_pool before layer 1") is None
    assert after(space, chain, "swap operation of layer 1 to max_pool") is None
    with pytest.raises(NASGymError, match=f"has {pools + 1} pools.*has room for {pools}"):
        space.parse(f"{chain} > avg_pool")
    if pools:
        assert after(space, chain, "swap operation of layer 2 to avg_pool") is not None


def test_a_variable_pool_that_is_one_too_many_becomes_the_first_convolution() -> None:
    space = ConvSpace((1, 2), 3, max_layers=3, operations=["max_pool", "sep5", "conv3"])
    values = space.encode(space.parse("max_pool > sep5-32-relu > conv3-16-tanh + skip 1-3"))
    assert str(space.decode(values)) == "max_pool > sep5-32-relu > conv3-16-tanh + skip 1-3"
    values |= {"layer 2 operation": 0, "layer 3 operation": 0}
    assert str(space.decode(values)) == "max_pool > sep5-32-relu > sep5-16-tanh + skip 1-3"
    values["depth"] = 1
    assert str(space.decode(values)) == "max_pool > sep5-32-relu"


def test_the_observation_numbers_the_options_from_1_and_0_is_none(space: ConvSpace) -> None:
    observation = space.observe(space.parse("sep3-32-tanh > avg_pool > conv3-16-relu + skip 1-3"))
    assert observation["operations"].tolist() == [3, 5, 1, 0, 0, 0]
    assert observation["channels"].tolist() == [2, 0, 1, 0, 0, 0]
    assert observation["activations"].tolist() == [2, 0, 1, 0, 0, 0]
    assert observation["skips"].nonzero()[0].tolist() == [space.skips.index((1, 3))]


@pytest.mark.parametrize("input_shape", [(1, 40), (1, 8, 8)])
def test_the_default_space_has_a_vgg_a_resnet_and_an_alexnet(input_shape: tuple[int, ...]) -> None:
    members = ConvSpace(input_shape, 10).members()
    assert {name: str(member) for name, member in members.items()} == {
        "vgg": "conv3-16-relu > conv3-16-relu > max_pool > conv3-32-relu > conv3-32-relu > max_pool",
        "resnet": "conv3-16-relu > conv3-16-relu > conv3-16-relu > max_pool > conv3-32-relu > conv3-32-relu"
        " + skip 1-3 + skip 4-6",
        "alexnet": "conv5-16-relu > max_pool > conv3-32-relu > max_pool > conv3-32-relu > conv3-32-relu",
    }


def test_members_are_offered_only_where_the_options_and_the_input_have_room() -> None:
    assert set(ConvSpace((1, 2), 10).members()) == {"resnet"}
    assert set(ConvSpace((1, 8), 10, operations=["conv3", "avg_pool"]).members()) == {"vgg", "resnet"}
    assert ConvSpace((1, 8), 10, max_layers=5).members() == {}
    assert ConvSpace((1, 8), 10, operations=["sep3", "max_pool"]).members() == {}
    assert ConvSpace((1, 8), 10, operations=["conv3", "conv5"]).members() == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("conv4-16-relu", "no valid layer 'conv4-16-relu'"),
        ("conv3-16", "no valid layer 'conv3-16'"),
        ("max_pool-16-relu", "no valid layer 'max_pool-16-relu'"),
        (" > ".join(["conv3-16-relu"] * 7), "has 7 layers, the conv space at most 6"),
        ("max_pool > max_pool + skip 0-1", r"no place for 'skip 0-1'.*i \+ 2 <= j <= 2"),
        ("max_pool > max_pool + skip 1-3", "no place for 'skip 1-3'"),
        ("max_pool > max_pool + 0-2", "no valid skip '0-2'"),
        ("max_pool > max_pool + skip 0-2 + skip 0-2", "'skip 0-2' twice"),
    ],
)
def test_a_bad_text_is_refused_in_one_sentence(space: ConvSpace, text: str, message: str) -> None:
    with pytest.raises(NASGymError, match=message):
        space.parse(text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_layers": 0}, "max_layers of the conv space must be a whole number of at least 1, not 0"),
        ({"operations": ["conv4"]}, "unknown operation in the conv space .* 'conv4'"),
        ({"operations": ["convolution"]}, "known: avg_pool, conv1, conv3"),
        ({"operations": ["max_pool"]}, r"must have a convolution, not \['max_pool'\] only"),
        ({"operations": ["conv3", "conv3"]}, "list of different values"),
        ({"channels": [0]}, "must be a whole number of at least 1, not 0"),
        ({"activations": ["rely"]}, "unknown activation in the conv space 'rely': did you mean 'relu'"),
    ],
)
def test_a_bad_option_is_refused_in_one_sentence(options: dict[str, Any], message: str) -> None:
    with pytest.raises(NASGymError, match=message):
        ConvSpace((1, 8), 2, **options)


@pytest.mark.parametrize("input_shape", [(30,), (), (1, 2, 3, 4)])
def test_a_table_is_refused_with_the_remedy(input_shape: tuple[int, ...]) -> None:
    with pytest.raises(NASGymError, match="use search_space='mlp'"):
        ConvSpace(input_shape, 2)
