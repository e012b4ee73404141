"""Numbers that stand for architectures: the official ones of NAS-Bench-201, and those of a space."""

from __future__ import annotations

import csv
import gzip

import gymnasium as gym
import numpy as np
import pytest

from nas_gym.errors import NASGymError
from nas_gym.search_spaces import make_search_space
from tests.helpers.data.shared_data import NASBENCH201, shared_file
from tests.helpers.environments import environment, scattered

# Of the published file; among them the optimum, the residual block and the all-skip cell.
KNOWN = {
    0: "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|",
    9: "|avg_pool_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|",
    123: "|avg_pool_3x3~0|+|avg_pool_3x3~0|nor_conv_1x1~1|+|none~0|avg_pool_3x3~1|nor_conv_3x3~2|",
    1835: "|skip_connect~0|+|skip_connect~0|skip_connect~1|+|skip_connect~0|skip_connect~1|skip_connect~2|",
    6111: "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|",
    11472: "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|skip_connect~2|",
}


def cells(**options):
    return make_search_space({"name": "cell"} | options, (3, 32, 32), 10)


@pytest.mark.parametrize(("number", "text"), KNOWN.items())
def test_cells_have_their_published_numbers(number, text):
    space = cells()
    assert space.official_index(space.parse(text)) == number
    assert str(space.numbered(number)) == str(space.resolve(number)) == text
    assert str(space.resolve(np.int64(number))) == text


def test_official_numbers_count_every_cell_once():
    space = cells()
    numbers = [space.official_index(cell) for cell in space]
    assert sorted(numbers) == list(range(15625))
    assert all(
        space.numbered(number) == cell for number, cell in zip(numbers[::97], list(space)[::97], strict=True)
    )
    assert sum(number == index for index, number in enumerate(numbers)) <= 1


def test_all_rows_of_the_published_file_have_their_numbers():
    space = cells()
    with gzip.open(shared_file(NASBENCH201), "rt") as file:
        for row in csv.DictReader(file):
            assert space.official_index(space.parse(row["architecture"])) == int(row["index"])


def test_the_numbers_do_not_depend_on_how_the_space_is_built():
    fewer = cells(operations=["nor_conv_3x3", "skip_connect", "none", "nor_conv_1x1"], channels=[4], cells=2)
    assert str(fewer.numbered(6111)) == KNOWN[6111]
    assert fewer.official_index(fewer.parse(KNOWN[6111])) == 6111
    with pytest.raises(NASGymError, match="avg_pool_3x3"):
        fewer.resolve(0)


@pytest.mark.parametrize("number", [-1, 15625, 10**9])
def test_a_number_that_is_no_cell_is_refused(number):
    with pytest.raises(NASGymError, match=r"no official index of NAS-Bench-201: pass one from 0 to 15,624"):
        cells().resolve(number)


def test_a_number_is_evaluated_reset_to_and_started_from():
    env = environment(scattered, "cell", initial=6111)
    assert env.reset(seed=0)[1]["architecture"] == KNOWN[6111]
    assert env.reset(options={"architecture": 9})[1]["architecture"] == KNOWN[9]
    assert env.unwrapped.evaluate(123).architecture == KNOWN[123]
    asked = env.unwrapped.evaluate([0, KNOWN[9], np.int32(1835)])
    assert [each.architecture for each in asked] == [KNOWN[0], KNOWN[9], KNOWN[1835]]
    asked = env.unwrapped.evaluate(np.array([0, 9]))
    assert [each.architecture for each in asked] == [KNOWN[0], KNOWN[9]]
    space, single = env.unwrapped.search_space, env.unwrapped
    envs = gym.make_vec(
        "NAS-v0", num_envs=2, search_space=space, task=single.task, evaluator=single.evaluator
    )
    assert list(envs.reset(options={"architecture": [9, 123]})[1]["architecture"]) == [KNOWN[9], KNOWN[123]]


@pytest.mark.parametrize("name", ["mlp", "conv"])
def test_elsewhere_a_number_is_the_place_in_the_space(name):
    space = make_search_space(name, (1, 40), 10)
    assert space.official_index(space.smallest()) is None
    for number in (0, 17, space.size - 1):
        assert space.index(space.resolve(number)) == number
    with pytest.raises(
        NASGymError, match=f"number -1 is no architecture of the {name} space: pass one from 0 to"
    ):
        space.resolve(-1)
    with pytest.raises(NASGymError, match="no architecture of the"):
        space.resolve(space.size)


@pytest.mark.parametrize("number", [0, 1111, 22212202])
def test_a_number_that_could_be_a_text_is_refused(number):
    space = make_search_space("macro", (3, 32, 32), 10)
    with pytest.raises(
        NASGymError, match=r"could mean a text of the macro space or a place in it: .*'22222222'"
    ):
        space.resolve(number)
    assert str(space.resolve("00001111")) == "00001111"


@pytest.mark.parametrize("value", [True, np.True_, 1.0, None])
def test_what_is_no_whole_number_is_no_number(value):
    with pytest.raises(NASGymError):
        cells().resolve(value)
