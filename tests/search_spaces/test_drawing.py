"""Drawings of architectures: what the network computes, in the order in which it computes it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nas_gym.networks import Node
from nas_gym.search_spaces import ChoiceSpace, Drawing, SearchSpace
from nas_gym.search_spaces.drawing import as_drawing

from .conftest import CATALOGUE, built

Space = SearchSpace[Any]


def sampled(space: Space, count: int = 8) -> list[Any]:
    rng = np.random.default_rng(0)
    return [space.smallest(), *(space.sample(rng) for _ in range(count))]


def spaces_named(*names: str) -> list[str]:
    return [key for key, (spec, _) in CATALOGUE.items() if spec["name"] in names]


def box_of(drawing: Drawing, label: str) -> int:
    (found,) = [number for number, box in enumerate(drawing.boxes) if box.label == label]
    return found


def into(drawing: Drawing, target: int, kind: str = "") -> list[int]:
    return [link.source for link in drawing.links if (link.target, link.kind) == (target, kind)]


def named(node: Node) -> str:
    return type(node.operation).__name__


def test_every_choice_is_shown_once(space: Space) -> None:
    for architecture in sampled(space):
        drawing, sketch = space.drawing(architecture), space.sketch(architecture)
        assert sorted(drawing.numbers) == list(range(len(sketch.boxes)))
        for source, target, label in sketch.links:
            if label:
                link = drawing.shown((source, target))
                assert link is not None
                assert label in (link.label, "skip")  # a shortcut of the sketch is a sum in the drawing


def test_links_lead_on_from_the_input_to_the_output(space: Space) -> None:
    for architecture in sampled(space):
        drawing = space.drawing(architecture)
        assert (drawing.boxes[0].label, drawing.boxes[-1].label) == ("input", "output")
        for link in drawing.links:
            assert (link.source < link.target) == (link.kind != "state")
        assert len(set(drawing.links)) == len(drawing.links)
        assert all(drawing.boxes[number].words for number in range(1, len(drawing.boxes) - 1))


def test_the_place_of_an_edit_is_in_the_drawing_after_it(space: Space) -> None:
    for architecture in sampled(space, 4):
        for action in np.flatnonzero(space.mask(architecture))[1:]:
            edit = space.actions[action]
            if edit.kind == "remove" or not edit.place:
                continue
            after = space.apply(architecture, int(action))
            shown = space.drawing(after).shown(space.sketch(after).place(edit.place))
            assert shown is not None, (str(after), str(edit))


def test_every_weight_is_in_a_box_a_shortcut_or_around_a_cell(space: Space) -> None:
    for architecture in sampled(space, 4):
        drawing = space.drawing(architecture)
        if space.name in ("cell", "asr_cell", "nasbench101"):
            assert [note.title for note in drawing.notes] == ["around the cell"]
            continue
        known = {box.layer for box in drawing.boxes}
        if isinstance(space, ChoiceSpace) and space.name.startswith("tests"):
            continue  # where its nodes are, a space of choices need not say
        for node in space.network(architecture).nodes:
            assert not node.parameters or node.layer in known or node.layer.startswith("skip")


@pytest.mark.parametrize("key", spaces_named("mlp", "nasbench101", "cell"))
def test_a_sketch_that_is_the_network_is_drawn_as_it_is(key: str) -> None:
    space = built(key)
    for architecture in sampled(space):
        plain = as_drawing(space.sketch(architecture), space.describe(architecture).parts)
        drawing = space.drawing(architecture)
        assert (drawing.boxes, drawing.links) == (plain.boxes, plain.links)


@pytest.mark.parametrize("key", spaces_named("conv", "recurrent", "tabular", "transformer"))
def test_sums_are_drawn_where_the_network_adds_what_a_layer_reads(key: str) -> None:
    space = built(key)
    for architecture in sampled(space, 30):
        drawing, nodes = space.drawing(architecture), space.network(architecture).nodes
        adding = set()
        for node in nodes:
            layers = {nodes[source].layer for source in node.inputs}
            if named(node) == "Add" and node.layer in layers and len(layers) > 1:
                adding.add(node.layer)
        assert {drawing.boxes[number].layer for number in drawing.joined} == adding


@pytest.mark.parametrize("key", spaces_named("graph"))
def test_a_graph_is_read_out_behind_its_last_layer_and_each_that_is_put_beside_it(key: str) -> None:
    space = built(key)
    for architecture in sampled(space, 30):
        drawing, network = space.drawing(architecture), space.network(architecture)
        (readout,) = [number for number, box in enumerate(drawing.boxes) if box.layer == "readout"]
        assert readout == drawing.layers[-1] + 1
        assert into(drawing, readout) == [drawing.layers[-1]]
        jumping = drawing.layers[:-1] if "concat" in architecture.wholes else ()
        assert into(drawing, readout, "jump") == list(jumping)
        assert sum("Readout" in named(node) for node in network.nodes) == 1 + len(jumping)
        for number, (_, operation) in zip(drawing.layers, architecture.layers, strict=True):
            assert drawing.boxes[number].mark == ("" if operation == "fc" else "neighbours")
        assert [box.layer for box in drawing.boxes[readout + 1 :]] == ["output", "output"]  # the head
        assert [note.title for note in drawing.notes] == ["edges", "normalisation"]


def test_an_arrangement_of_graph_layers_is_drawn_as_each_reads_another() -> None:
    space = built("nasbench_graph")
    drawing = space.drawing(space.parse("shape=0012, node 1=gcn, node 2=gat, node 3=skip, node 4=fc"))
    labels = [box.label for box in drawing.boxes]
    linear, first, mean = labels.index("linear"), labels.index("node 1-gcn"), labels.index("mean")
    assert [into(drawing, first + node) for node in range(4)] == [[linear], [linear], [first], [first + 1]]
    assert into(drawing, mean) == [first + 2, first + 3]
    assert [box.mark for box in drawing.boxes[first:mean]] == ["neighbours", "neighbours", "", ""]


def test_a_decoder_stands_behind_its_encoder_and_attends_to_the_layers_that_are_said() -> None:
    space: Any = built("seq2seq")
    for architecture in sampled(space, 30):
        drawing, network = space.drawing(architecture), space.network(architecture)
        encoder = [number for number, box in enumerate(drawing.boxes) if "encoder layer" in box.words]
        assert max(encoder) < drawing.layers[0]
        assert len(encoder) == int(space.chosen(architecture)["encoder depth"][-1])
        for number, (kind, attends) in zip(drawing.layers, architecture.layers, strict=True):
            asked = {"none": [], "last": encoder[-1:], "all": encoder}[attends]
            assert into(drawing, number, "attention") == asked
            layer, own = drawing.boxes[number].layer, kind == "transformer"
            found = [node for node in network.nodes if node.layer == layer and named(node) == "Attention"]
            assert len(found) == len(asked) + own
            assert drawing.boxes[number].mark == ("causal" if own else "steps")
            assert (number in drawing.joined) == (own or attends == "none")


def test_attention_is_told_apart_by_what_it_sees() -> None:
    for key, text, sign in (
        ("transformer on tokens", "attention-4-plain-layer > convolution-5-relu-layer", "self-attention"),
        (
            "transformer, an answer at each position",
            "attention-3-plain-rms > convolution-3-relu-rms",
            "causal",
        ),
    ):
        space = built(key)
        drawing = space.drawing(space.parse(text))
        assert [drawing.boxes[number].mark for number in drawing.layers] == [sign, ""]


def test_columns_go_side_by_side_into_the_first_layer_of_a_table() -> None:
    space = built("tabular, columns")
    text = "periodic, embedded, no_norm, dropout_0, residual: relu-32 > tanh-32 > relu-128"
    drawing = space.drawing(space.parse(text))
    first, second, third = drawing.layers
    parts = into(drawing, first)
    assert [drawing.boxes[number].label for number in parts] == ["periodic", "embedded", "one_hot"]
    assert all(into(drawing, number) == [0] for number in parts)
    assert into(drawing, second, "sum") == [first]
    assert into(drawing, third, "sum") == []
    assert [note.title for note in drawing.notes] == ["normalisation", "dropout", "shortcuts"]


def test_a_sequence_is_embedded_before_its_layers_and_read_out_behind_them() -> None:
    space = built("recurrent on tokens")
    text = "embedding_16, both_ways, last_state, dropout_0, residual: gru-16 > lstm-16"
    drawing = space.drawing(space.parse(text))
    labels = ["input", "embedding_16", "gru-16", "lstm-16", "last_state", "output"]
    assert [box.label for box in drawing.boxes] == labels
    assert {box.mark for box in drawing.boxes[2:4]} == {"steps"}
    assert drawing.joined == {2}  # of the last layer there is only the last state, which has another shape


def test_the_state_of_a_recurrent_cell_goes_back_to_its_beginning() -> None:
    space = built("recurrent cell, the next token")
    drawing = space.drawing(space.parse("tanh of 0, relu of 1, sigmoid of 1"))
    mean, mixed = box_of(drawing, "mean"), box_of(drawing, "node 0")
    assert into(drawing, mixed, "state") == [mean]
    assert into(drawing, mean) == [box_of(drawing, "relu-1"), box_of(drawing, "sigmoid-1")]


def test_blocks_of_a_forecaster_read_what_is_left_and_their_forecasts_are_added_up() -> None:
    space = built("forecaster")
    drawing = space.drawing(space.parse("average-5 > linear > trend-64 > gru-8"))
    assert into(drawing, 5, "forecast") == [1, 2, 3, 4]
    assert [into(drawing, number, "rest") for number in range(2, 5)] == [[1], [1], [3]]
    behind = space.drawing(space.parse("linear > gru-8"))
    assert [into(behind, number) for number in (1, 2)] == [[0], [0]]


def test_shortcuts_of_a_cell_for_speech_add_to_the_results_of_operations() -> None:
    space = built("asr_cell on frames")
    drawing = space.drawing(space.parse("conv5+0 > zero+0+1 > conv7d2"))
    assert [into(drawing, number) for number in range(1, 5)] == [[0], [], [2], [3]]
    assert [into(drawing, number, "sum") for number in range(1, 5)] == [[0], [0, 1], [], []]


def test_choices_of_ones_own_stand_beside_the_network() -> None:
    space = built("choices of one's own")
    drawing = space.drawing(space.parse("width=8, activation=silu, repeats=2"))
    assert [box.label for box in drawing.boxes] == ["input", "network", "output"]
    assert {note.title: note.words for note in drawing.notes} == {
        "width": "8",
        "activation": "silu",
        "repeats": "2",
    }
