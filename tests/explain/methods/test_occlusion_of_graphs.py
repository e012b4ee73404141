"""Atoms that are hidden one by one: what a planted network reads comes out, and molecules are drawn."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from nas_gym.explain.methods.attribution.occlusion import HIDING, occlusion
from nas_gym.explain.sections.network.hidden_atoms import figures_of, labels_of
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
    found = occlusion(oxygens(task), task, 0)
    for row, effects in zip(found.rows, found.effects, strict=True):
        labels = labels_of(task, task.x_validation[row])
        assert [label for label in labels if label] == labels[: int((~np.isnan(effects)).sum())]
        expected = ["O" in label.split() for label in labels if label]
        np.testing.assert_array_equal(effects[~np.isnan(effects)], np.array(expected, dtype=float))


def test_a_hidden_atom_takes_its_bonds_with_it(task) -> None:
    form = MoleculeForm("smiles", 5)
    x = form.encode(["CCO"])
    hidden = HIDING["graph"](form.inputs).hidden(x, np.array([1]))[0]
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
    found = occlusion(oxygens(task), task, 0)

    class Trained:
        pass

    use, trained = Trained(), Trained()
    use.trained, trained.task = trained, task
    (figure,) = figures_of(use, found, "the farther its answer moves")
    with mpl.rc_context():
        canvas = Figure(figsize=figure.size)
        figure.draw(canvas)
    texts = {text.get_text() for axes in canvas.axes for text in axes.texts}
    assert "O" in texts
    assert "C" not in texts
