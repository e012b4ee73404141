"""Atoms and bonds hidden one by one: what a planted network reads comes out, and molecules are drawn."""

from __future__ import annotations

from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch import nn

from nas_gym.explain.methods.attribution.hiding import EDGE, NODE, ways_of
from nas_gym.explain.methods.attribution.occlusion import occlusion
from nas_gym.explain.sections.network.analysis import NetworkUse
from nas_gym.explain.sections.network.hidden_atoms import figures_of
from nas_gym.explain.sections.network.hidden_parts import tables_of, words_of
from nas_gym.explain.sections.network.part_names import labels_of
from nas_gym.networks import NetworkBuilder, NetworkModule
from nas_gym.tasks import MoleculeForm, atom_labels, layout, make_task
from tests.tasks.domains.test_chemistry import molecule_rows, written


@pytest.fixture
def task(tmp_path):
    path = written(tmp_path / "made.csv", "smiles,value", molecule_rows())
    spec = {"name": "molecules", "path": path, "target": "value", "target_kind": "values", "split": "random"}
    return make_task(spec)


def oxygens(task):
    """A network whose answer is the number of oxygen atoms."""
    builder = NetworkBuilder(task.input_shape)
    count = len(task.coded.features)
    features = builder.node_features(builder.input, count)
    read = builder.readout(features, builder.node_features(builder.input, 1), "sum")
    module = NetworkModule(builder.build(builder.linear(read, 1, bias=False))).double().eval()
    weight = next(module.parameters())
    weight.data.zero_()
    weight.data[0, task.coded.features.index("O")] = 1
    return module


def test_only_the_atoms_that_a_network_reads_have_an_effect(task) -> None:
    found = occlusion(oxygens(task), task, ways_of(task)[NODE], 0)
    for labels, effects in zip(labels_of(task, NODE, found.rows), found.effects, strict=True):
        assert [label for label in labels if label] == labels[: int((~np.isnan(effects)).sum())]
        expected = ["O" in label.split() for label in labels if label]
        np.testing.assert_array_equal(effects[~np.isnan(effects)], np.array(expected, dtype=float))


class TripleBonds(nn.Module):
    """Answers how many triple bonds a molecule has."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self._features = features

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x[:, self._features :] == 3).double().sum((1, 2))[:, None] / 2


def test_only_the_kind_of_bond_that_decides_has_an_effect(task) -> None:
    module = TripleBonds(len(task.coded.features))
    found = occlusion(module, task, ways_of(task)[EDGE], 0)
    for labels, effects in zip(labels_of(task, EDGE, found.rows), found.effects, strict=True):
        assert [bool(label) for label in labels] == (~np.isnan(effects)).tolist()
        kept = [(label, effect) for label, effect in zip(labels, effects.tolist(), strict=True) if label]
        assert all(effect == (label == "triple") for label, effect in kept)
    use = NetworkUse(SimpleNamespace(task=task), 0.5, None, None, None, None, [], hidden={EDGE: found})
    (table,) = tables_of(use)
    assert table.name == "bonds"
    (name, _, effect), *others = table.rows
    assert (name, effect) == ("triple", 1)
    assert {row[2] for row in others} == {0}
    assert words_of(use)[0].startswith("Of the bonds it uses triple")


def test_a_hidden_atom_takes_its_bonds_with_it_and_a_hidden_bond_leaves_its_atoms(task) -> None:
    form = MoleculeForm("smiles", 5)
    x = form.encode(["CCO"])
    coded = SimpleNamespace(coded=form.inputs)
    bond = ways_of(coded)[EDGE].hidden(x, np.array([0]))[0]  # that of the first two atoms
    assert (bond[: len(form.inputs.features)] == x[0, : len(form.inputs.features)]).all()
    assert bond[len(form.inputs.features) :].sum() == 2  # the other bond, from both of its sides
    hidden = ways_of(coded)[NODE].hidden(x, np.array([1]))[0]
    assert hidden[0].tolist() == [1, 0, 1, 0, 0]
    assert not hidden[len(form.inputs.features) :].any()  # both bonds were those of the middle atom


def test_a_molecule_is_laid_out_from_its_graph_alone() -> None:
    graph = MoleculeForm("smiles", 12).encode(["c1ccncc1C(=O)[O-]"])[0]
    assert atom_labels(graph)[:4] == ["aromatic C", "aromatic C", "aromatic C", "aromatic N"]
    found = layout(graph)
    assert found is not None
    assert found.symbols.count("N") == 1
    assert sorted({kind for _, _, kind in found.bonds}) == ["aromatic", "double", "single"]
    steps = [np.linalg.norm(found.positions[a] - found.positions[b]) for a, b, _ in found.bonds]
    assert min(steps) > 0.5 * max(steps)


def test_molecules_are_drawn_with_their_heteroatoms_named(task) -> None:
    hidden = {kind: occlusion(oxygens(task), task, way, 0) for kind, way in ways_of(task).items()}
    (figure,) = figures_of(task, hidden, "the farther its answer moves")
    with mpl.rc_context():
        canvas = Figure(figsize=figure.size)
        figure.draw(canvas)
    texts = {text.get_text() for axes in canvas.axes for text in axes.texts}
    assert "O" in texts
    assert "C" not in texts
