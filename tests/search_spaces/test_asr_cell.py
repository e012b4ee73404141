"""What holds for the cell of NAS-Bench-ASR."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nas_gym.errors import NASGymError
from nas_gym.networks import NetworkModule, chosen, initial_weights
from nas_gym.search_spaces import make_search_space


@pytest.fixture(scope="module")
def space():
    return make_search_space({"name": "asr_cell", "channels": [8, 12]}, (6, 21), 10)


def output_of(network, x):
    """What a network with its first weights computes in training, where a batch norm changes something."""
    module = NetworkModule(network)
    module.load_state_dict(dict(initial_weights(network, 0)), strict=False)
    with torch.no_grad():
        return module.train()(x)


def test_there_are_6_operations_at_3_nodes_and_6_shortcuts(space):
    assert space.size == 6**3 * 2**6 == 13_824
    assert len(space.actions) == 1 + 15 + 6 + 3 + 6 + 15
    assert str(space.smallest()) == "zero > zero > zero"
    assert str(space.architecture(space.size - 1)) == "conv7d2+0 > conv7d2+0+1 > conv7d2+0+1+2"


def test_an_edit_changes_one_operation_or_one_shortcut(space):
    words = [str(action) for action in space.actions]
    start = space.parse("conv5+0 > zero > linear+1")
    for edit, after in (
        ("add conv7d2 to node 2", "conv5+0 > conv7d2 > linear+1"),
        ("remove the operation of node 3", "conv5+0 > zero > zero+1"),
        ("swap node 1 to linear", "linear+0 > zero > linear+1"),
        ("add skip 0-3", "conv5+0 > zero > linear+0+1"),
        ("remove skip 0-1", "conv5 > zero > linear+1"),
    ):
        assert str(space.edited(start, words.index(edit))) == after
    for edit in (
        "add linear to node 1",
        "remove the operation of node 2",
        "swap node 1 to conv5",
        "add skip 1-3",
    ):
        assert space.edited(start, words.index(edit)) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("conv5 > conv5", "2 nodes joined by '>', expected 3"),
        ("conv5 > conv9 > zero", "unknown operation of node 2 .* 'conv9'"),
        ("conv5+1 > zero > zero", "'conv5\\+1' for node 1, expected an operation and numbers of earlier"),
        ("conv5 > zero+1+0 > zero", "ascending"),
        ("conv5 > zero+1+1 > zero", "ascending"),
    ],
)
def test_a_wrong_text_names_its_node(space, text, words):
    with pytest.raises(NASGymError, match=words):
        space.parse(text)


def test_cells_that_compute_the_same_are_of_one_class(space):
    text = space.isomorphism_class
    assert text(space.parse("zero > conv5 > zero+0")) == text(space.parse("zero > zero > zero+0")) == "x"
    assert text(space.parse("conv5 > zero+1 > zero+2")) == text(space.parse("zero+0 > conv5 > zero+2"))
    assert text(space.parse("linear+0 > zero > zero+1")) == "linear(x)+x"
    assert text(space.parse("zero+0 > linear+0 > zero+2")) == "linear(x)+x"
    assert text(space.parse("zero+0 > zero+0+1 > zero+2")) == "2*x"
    assert len({text(architecture) for architecture in space}) == 8_845


def test_a_node_is_its_operation_on_the_one_before_and_the_shortcuts_to_it(space):
    network = space.network(space.parse("conv5+0 > conv7d2 > linear+0+2"))
    nodes = [node for node in network.nodes if node.layer.startswith("block 1 cell 1 edge")]
    made = [(node.operation.name, node.kernel, node.groups) for node in nodes if node.parameters]
    assert made == [("conv", 5, 4), ("dilated_conv", 7, 4), ("conv", 1, 1)]
    sums = [node for node in network.nodes if node.operation.name == "add"]
    assert [len(node.inputs) for node in sums] == [2, 3] * 2


def test_raw_samples_become_frames_inside_the_network():
    raw = make_search_space("asr_cell", (1, 6400), 10, {"rate": 8000})
    nodes = raw.network(raw.members()["residual"]).nodes
    assert [node.operation.name for node in nodes[1:3]] == ["log_mel", "batch_norm"]
    assert nodes[1].shape == (24, 41)
    assert raw.config()["rate"] == 8000
    frames = make_search_space("asr_cell", (24, 41), 10)
    assert "rate" not in frames.config()
    with pytest.raises(NASGymError, match="rate is of raw samples"):
        make_search_space({"name": "asr_cell", "rate": 8000}, (24, 41), 10)


def test_the_mixture_with_one_candidate_of_each_is_the_network_of_a_cell(space):
    mixture, rng = space.mixture(), np.random.default_rng(0)
    x = torch.randn(5, 6, 21, generator=torch.Generator().manual_seed(0))
    for architecture in (space.sample(rng) for _ in range(4)):
        one, other = chosen(mixture, space.encode(architecture)), chosen(space.network(architecture), {})
        assert torch.allclose(output_of(one, x), output_of(other, x), atol=1e-5)


def test_bad_options_are_named():
    for options, words in (
        ({"channels": [6]}, "multiples of its 4 groups"),
        ({"channels": []}, "one number a block"),
        ({"cells": 0}, "cells of the asr_cell space must be a whole number"),
    ):
        with pytest.raises(NASGymError, match=words):
            make_search_space({"name": "asr_cell", **options}, (6, 21), 10)
    with pytest.raises(NASGymError, match=r"needs signals \(channels, length\)"):
        make_search_space("asr_cell", (1, 8, 8), 10)
