"""What holds for the cells of NAS-Bench-201's topology."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from nas_gym.errors import NASGymError
from nas_gym.search_spaces.cell.architecture import EDGES, OPERATIONS, Cell
from nas_gym.search_spaces.cell.space import CellSpace

OFFICIAL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|"


@pytest.fixture(scope="module")
def space() -> CellSpace:
    return CellSpace((1, 8, 8), 10)


def function(cell: Cell) -> float:
    """The value of a cell whose operations are some fixed functions of a number, zero at zero."""
    functions = {
        "none": lambda x: 0.0,
        "skip_connect": lambda x: x,
        "nor_conv_1x1": lambda x: math.tanh(1.3 * x),
        "nor_conv_3x3": lambda x: math.sin(0.7 * x),
        "avg_pool_3x3": lambda x: x / (1.5 + x * x),
    }
    values = [1.0]
    for node in range(1, 4):
        edges = zip(EDGES, cell.edges, strict=True)
        values.append(
            sum(
                functions[operation](values[source])
                for (source, target), operation in edges
                if target == node
            )
        )
    return values[-1]


def test_the_text_is_the_official_string(space: CellSpace) -> None:
    cell = space.parse(OFFICIAL)
    assert cell.edges == (
        "nor_conv_3x3",
        "nor_conv_3x3",
        "avg_pool_3x3",
        "skip_connect",
        "nor_conv_3x3",
        "skip_connect",
    )
    assert str(cell) == OFFICIAL


def test_all_15625_strings_are_different_states(space: CellSpace) -> None:
    cells = list(space)
    assert len(cells) == space.size == 5**6 == 15625
    assert len({str(cell) for cell in cells}) == 15625
    assert [space.index(cell) for cell in cells[::100]] == list(range(0, 15625, 100))


def test_there_are_6466_classes_up_to_isomorphism_and_a_class_computes_one_function(space: CellSpace) -> None:
    values: dict[str, set[float]] = {}
    for cell in space:
        values.setdefault(space.isomorphism_class(cell), set()).add(round(function(cell), 9))
    assert len(values) == 6466
    assert {len(found) for found in values.values()} == {1}


def test_an_isomorphism_class_is_the_output_as_a_sum(space: CellSpace) -> None:
    assert space.isomorphism_class(space.smallest()) == "#+#+#"
    through_node_1 = space.parse("|nor_conv_3x3~0|+|none~0|none~1|+|none~0|nor_conv_1x1~1|none~2|")
    assert space.isomorphism_class(through_node_1) == "#+#+((0)@nor_conv_3x3)@nor_conv_1x1"
    order = (
        "|skip_connect~0|+|avg_pool_3x3~0|none~1|+|nor_conv_1x1~0|none~1|none~2|",
        "|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|",
        "|skip_connect~0|+|none~0|none~1|+|none~0|nor_conv_1x1~1|none~2|",
    )
    assert {space.isomorphism_class(space.parse(text)) for text in order} == {"#+#+(0)@nor_conv_1x1"}


def test_a_cell_has_24_neighbours(space: CellSpace) -> None:
    for cell in (space.smallest(), space.parse(OFFICIAL), space.architecture(777)):
        neighbours = space.neighbours(cell)
        assert len(neighbours) == 24
        assert all(
            sum(a != b for a, b in zip(cell.edges, after.edges, strict=True)) == 1 for after in neighbours
        )


def test_an_edge_is_added_to_none_swapped_otherwise_and_removed_to_none(space: CellSpace) -> None:
    words = [str(edit) for edit in space.actions]
    cell = space.parse("|none~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|none~2|")

    def after(edit: str) -> str | None:
        edited = space.edited(cell, words.index(edit))
        return None if edited is None else str(edited)

    assert after("add skip_connect to edge 1-2") == (
        "|none~0|+|nor_conv_3x3~0|skip_connect~1|+|none~0|none~1|none~2|"
    )
    assert after("add skip_connect to edge 0-2") is None
    assert after("swap edge 0-2 to avg_pool_3x3") == "|none~0|+|avg_pool_3x3~0|none~1|+|none~0|none~1|none~2|"
    assert after("swap edge 0-2 to nor_conv_3x3") is None
    assert after("swap edge 1-2 to nor_conv_3x3") is None
    assert after("remove edge 0-2") == str(space.smallest())
    assert after("remove edge 1-2") is None


def test_the_actions_are_in_the_documented_order(space: CellSpace) -> None:
    edges = ("0-1", "0-2", "1-2", "0-3", "1-3", "2-3")
    present = OPERATIONS[1:]
    assert [str(edit) for edit in space.actions] == [
        "keep",
        *(f"add {operation} to edge {edge}" for edge in edges for operation in present),
        *(f"remove edge {edge}" for edge in edges),
        *(f"swap edge {edge} to {operation}" for edge in edges for operation in present),
    ]


def test_a_sketch_has_the_nodes_as_boxes_and_the_edges_that_are_there_as_links(space: CellSpace) -> None:
    sketch = space.sketch(space.parse("|none~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|skip_connect~2|"))
    assert sketch.boxes == ("input", "node 1", "node 2", "output")
    assert sketch.links == ((0, 2, "nor_conv_3x3"), (2, 3, "skip_connect"))


def test_the_observation_is_the_operations_in_their_order() -> None:
    space = CellSpace((1, 8), 2, operations=["avg_pool_3x3", "none", "skip_connect"])
    cell = space.parse("|avg_pool_3x3~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|")
    assert space.observe(cell)["edges"].tolist() == [0, 1, 1, 1, 1, 2]
    assert space.size == 3**6
    assert np.array_equal(space.observation_space["edges"].nvec, [3] * 6)


def test_parameters_and_flops_are_the_benchmarks() -> None:
    space = CellSpace((3, 32, 32), 10, channels=[16, 32, 64], cells=5)
    for cell in (space.smallest(), space.parse(OFFICIAL), *map(space.architecture, range(0, 15625, 1111))):
        ones, threes = (cell.edges.count(f"nor_conv_{kernel}x{kernel}") for kernel in (1, 3))
        network = space.network(cell)
        assert network.parameters == 73306 + 28000 * ones + 243040 * threes
        # The benchmark counts a multiply-add once and the 10 additions of the last bias.
        million_multiply_adds = 7.78305 + 3.93216 * ones + 35.38944 * threes
        assert network.flops == 2 * (round(million_multiply_adds * 1e6) - 10)


def test_the_members_are_offered_where_the_operations_are() -> None:
    resnet = "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|skip_connect~2|"
    assert {name: str(cell) for name, cell in CellSpace((1, 8), 2).members().items()} == {"resnet": resnet}
    assert CellSpace((1, 8), 2, operations=["none", "skip_connect"]).members() == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("|none~0|+|none~0|none~1|", "describes 2 nodes joined by '\\+', expected 3"),
        ("|none~0|+|none~0|+|none~0|none~1|none~2|", r"has '\|none~0\|' for node 2, expected 2 edges"),
        ("none~0|+|none~0|none~1|+|none~0|none~1|none~2|", r"has 'none~0\|' for node 1"),
        ("|none~0|+|none~0|none~0|+|none~0|none~1|none~2|", "has 'none~0' as edge 1-2, expected .* '~1'"),
        ("|none~0|+|none~0|none|+|none~0|none~1|none~2|", "has 'none' as edge 1-2"),
        (OFFICIAL.replace("avg", "max"), "edge 1-2 of cell .* 'max_pool_3x3': did you mean 'avg_pool_3x3'"),
    ],
)
def test_a_bad_text_is_refused_with_the_part_that_is_wrong(space: CellSpace, text: str, message: str) -> None:
    with pytest.raises(NASGymError, match=message):
        space.parse(text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"operations": ["skip_connect"]}, "must have 'none'"),
        ({"operations": ["none", "conv"]}, "unknown operation in the cell space 'conv'"),
        ({"channels": []}, "channels of the cell space must be a list"),
        ({"channels": 8}, "one number a stage, not 8"),
        ({"channels": [8, 0]}, "whole number of at least 1, not 0"),
        ({"cells": 0}, "cells of the cell space must be a whole number of at least 1, not 0"),
    ],
)
def test_a_bad_option_is_refused_in_one_sentence(options: dict[str, Any], message: str) -> None:
    with pytest.raises(NASGymError, match=message):
        CellSpace((1, 8), 2, **options)


@pytest.mark.parametrize("input_shape", [(30,), (), (1, 2, 3, 4)])
def test_a_table_is_refused_with_the_remedy(input_shape: tuple[int, ...]) -> None:
    with pytest.raises(NASGymError, match="use search_space='mlp'"):
        CellSpace(input_shape, 2)
