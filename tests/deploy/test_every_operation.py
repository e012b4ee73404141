"""Every form of every operation is exported, those of one kind of examples in one file."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nas_gym.deploy import SavedNetwork, export_network, suffix_of
from nas_gym.networks import Concat, Network, Node
from nas_gym.search_spaces import make_search_space
from nas_gym.tasks import Values
from tests.helpers.operations.families import FAMILIES, random_module

FORMATS = [
    "python",
    pytest.param("torch", marks=pytest.mark.slow),
    pytest.param(
        "onnx",
        marks=(
            pytest.mark.slow,
            pytest.mark.skipif(
                importlib.util.find_spec("onnxruntime") is None, reason="onnx is not installed"
            ),
        ),
    ),
]


def side_by_side(networks: Iterable[Network]) -> Network:
    """Return one network that gives what several do, one behind the other."""
    nodes: list[Node] = []
    heads = []
    for network in networks:
        offset = len(nodes) - 1 if nodes else 0
        nodes += [
            replace(node, inputs=tuple(index + offset if index else 0 for index in node.inputs))
            for node in network.nodes[min(1, len(nodes)) :]
        ]
        heads.append(len(nodes) - 1)
    shapes = [nodes[head].shape for head in heads]
    outputs = (sum(shape[0] for shape in shapes),)
    return Network((*nodes, Node(Concat(), tuple(heads), shapes[0], outputs)))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("to", FORMATS)
def test_every_form_of_every_operation_is_exported(to: str, family: str, tmp_path: Path) -> None:
    networks, x = FAMILIES[family]()
    module = random_module(side_by_side(networks.values()))
    (outputs,), shape = module.network.output_shape, tuple(x.shape[1:])
    target = Values(tuple(map(str, range(outputs))), (0.0,) * outputs, (1.0,) * outputs)
    space = make_search_space("mlp", shape, outputs)
    preparation = np.zeros(shape), np.ones(shape)
    saved = SavedNetwork(family, space, module, target, (), *preparation, None)
    rows = x.double().numpy()
    done = export_network(saved, to, tmp_path / f"network{suffix_of(to)}", rows=rows)
    assert (done.rows, done.difference <= 1e-5) == (len(rows), True)
