"""Molecules and materials: graphs, formulas, parts by scaffold, and files in which rows are wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nas_gym.errors import ConfigError, DataError, DataWarning
from nas_gym.tasks import Task, in_rows, make_task
from nas_gym.tasks.chemistry.formulas import parse_formula, place_in_table
from nas_gym.tasks.chemistry.molecules import BONDS, FEATURES, MoleculeForm
from nas_gym.tasks.chemistry.scaffolds import scaffold_division, scaffolds_of
from nas_gym.testing import check_task

RINGS = ("c1ccccc1", "C1CCCCC1", "c1ccncc1", "C1CCNCC1", "c1ccsc1", "c1ccoc1", "C1CCOC1", "C1CCCC1", "C1CC1")
TAILS = ("", "C", "CC", "O", "N", "CO", "Cl", "F", "C(=O)O", "C#N")


def molecule_rows() -> list[tuple[str, float]]:
    """Molecules of several ring systems, and none, with the number of their letters as the value."""
    smiles = [f"{ring}{tail}" for ring in RINGS for tail in TAILS]
    smiles += ["C" * count + end for count in range(2, 9) for end in ("", "O", "N", "Cl")]
    return [(text, len(text) + 0.5) for text in smiles]


def written(path: Path, header: str, rows: list[tuple[object, ...]]) -> Path:
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


def quiet(spec: dict[str, object]) -> Task:
    with pytest.warns(DataWarning):
        return make_task(spec)


def test_a_molecule_is_a_graph_of_its_heavy_atoms() -> None:
    form = MoleculeForm("smiles", 5)
    acetate = form.encode(["CC(=O)[O-]"])[0]
    features, edges = acetate[: len(FEATURES)], acetate[len(FEATURES) :]
    named = dict(zip(FEATURES, features[:, :4], strict=True))
    assert named["C"].tolist() == [1, 1, 0, 0]
    assert named["O"].tolist() == [0, 0, 1, 1]
    assert named["hydrogens"].tolist() == [3, 0, 0, 0]
    assert named["negative charge"].tolist() == [0, 0, 0, 1]
    assert named["bonded atoms"].tolist() == [1, 3, 1, 1]
    assert not features[:, 4].any()
    single, double = BONDS.index("single") + 1, BONDS.index("double") + 1
    assert edges[1].tolist() == [single, 0, double, single, 0]
    assert (edges == edges.T).all()


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("C1CC", "an invalid SMILES"),
        ("C.C", "several fragments"),
        ("CCCCCC", "another size"),
        ("", "no SMILES"),
    ],
)
def test_a_new_molecule_that_is_none_is_refused_by_its_row(text: str, trouble: str) -> None:
    with pytest.raises(DataError, match=f"molecule 2, .*{trouble}"):
        MoleculeForm("smiles", 5).encode(["CC", text])


def test_rows_of_molecules_are_read_by_their_column() -> None:
    form = MoleculeForm("smiles", 5)
    found = in_rows([{"id": 7, "smiles": "CCO"}, {"id": 8, "smiles": "CN"}], form)
    np.testing.assert_array_equal(found.x, form.encode(["CCO", "CN"]))
    with pytest.raises(DataError, match="x has no column 'smiles', which held the SMILES in training"):
        in_rows({"molecule": ["CCO"]}, form)


def test_no_scaffold_is_in_two_parts_and_the_parts_have_their_sizes() -> None:
    smiles = [text for text, _ in molecule_rows()]
    scaffolds = scaffolds_of(smiles)
    assert len(np.unique(scaffolds)) == len(RINGS) + 1  # those without a ring share one
    division = scaffold_division(scaffolds, None, 20, 30, 0)
    assert division.parts is not None
    assert [(division.parts == part).sum() for part in (1, 2)] == [20, 30]
    for scaffold in np.unique(scaffolds):
        assert len(set(division.parts[scaffolds == scaffold]) - {-1}) == 1
    with pytest.raises(ConfigError, match="split='random'"):
        scaffold_division(np.zeros(50, dtype=np.int64), None, 10, 10, 0)


def test_a_table_of_smiles_is_read_and_what_is_wrong_is_counted(tmp_path: Path) -> None:
    rows: list[tuple[object, ...]] = [*molecule_rows()]
    rows += [("C1CC", 1), ("C.C", 2), ("", 3), ("C" * 40, 4), ("CCO", ""), ("F/C=C/F", 5), ("F/C=C\\F", 7)]
    path = written(tmp_path / "made.csv", "smiles,value", rows)
    task = quiet({"name": "molecules", "path": path, "target": "value", "target_kind": "values"})
    check_task(task)
    assert task.inputs == "graph"
    notes = " ".join(task.notes)
    assert "1 with an invalid SMILES" in notes
    assert "1 with several fragments" in notes
    assert "1 with no SMILES" in notes
    assert "1 with another size" in notes
    assert "misses 1 of" in notes
    assert "1 rows are the same molecules" in notes
    assert task.split.startswith("by scaffold")
    parts = (task.y_train, task.y_validation, task.y_test)
    assert sum(map(len, parts)) <= len(molecule_rows()) + 1
    assert task.facts == {"node_features": len(FEATURES), "edge_kinds": len(BONDS)}
    random = quiet(
        {"name": "molecules", "path": path, "target": "value", "split": "random", "train_size": 30}
    )
    assert len(random.y_train) == 30


def test_twins_that_contradict_each_other_are_left_out(tmp_path: Path) -> None:
    rows: list[tuple[object, ...]] = [(text, "yes" if "O" in text else "no") for text, _ in molecule_rows()]
    rows += [("F/C=C/F", "yes"), ("F/C=C\\F", "no")]
    path = written(tmp_path / "made.csv", "SMILES,soluble", rows)
    task = quiet({"name": "molecules", "path": path, "target": "soluble", "split": "random"})
    assert task.target.names == ("no", "yes")
    assert any("different classes: 2 rows" in note for note in task.notes)


def test_an_sdf_file_is_a_table_of_its_properties(tmp_path: Path) -> None:
    from rdkit import Chem

    path = tmp_path / "made.sdf"
    with Chem.SDWriter(str(path)) as writer:
        for text, value in molecule_rows():
            molecule = Chem.MolFromSmiles(text)
            molecule.SetProp("value", str(value))
            writer.write(molecule)
    task = quiet({"name": "molecules", "path": path, "target": "value", "target_kind": "values", "atoms": 12})
    assert task.input_shape == (len(FEATURES) + 12, 12)
    assert isinstance(task.files, MoleculeForm)
    x, names = task.files.read_all(path.name, path.read_bytes())
    assert len(x) == len(names) == len(molecule_rows())


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("NaCl", {"Na": 1, "Cl": 1}),
        ("Ca3(PO4)2", {"Ca": 3, "P": 2, "O": 8}),
        ("K4[Fe(CN)6].3H2O", {"K": 4, "Fe": 1, "C": 6, "N": 6, "H": 6, "O": 3}),
        ("CuSO4·5H2O", {"Cu": 1, "S": 1, "O": 9, "H": 10}),
        ("CaSO4·0.5H2O", {"Ca": 1, "S": 1, "O": 4.5, "H": 1}),
        ("Fe0.95O", {"Fe": 0.95, "O": 1}),
        ("YBa₂Cu₃O6.95", {"Y": 1, "Ba": 2, "Cu": 3, "O": 6.95}),
        ("SO4-2", {"S": 1, "O": 4}),
    ],
)
def test_formulas_are_counted(text: str, amounts: dict[str, float]) -> None:
    assert parse_formula(text) == pytest.approx(amounts)


@pytest.mark.parametrize("text", ["", "abc", "H2O)", "(OH", "5", "[Fe(CN]6)", "C0"])
def test_what_is_no_formula_is_refused(text: str) -> None:
    with pytest.raises(DataError, match=r"mend|write it like"):
        parse_formula(text)


def test_the_place_of_elements_in_the_periodic_table() -> None:
    places = {1: (1, 1), 2: (1, 18), 6: (2, 14), 11: (3, 1), 17: (3, 17), 26: (4, 8), 47: (5, 11)}
    places |= {56: (6, 2), 58: (6, 3), 72: (6, 4), 92: (7, 3)}
    assert {number: place_in_table(number) for number in places} == places


def test_a_table_of_formulas_is_read_and_what_is_wrong_is_counted(tmp_path: Path) -> None:
    metals, others = ("Li", "Na", "K", "Mg", "Ca", "Fe", "Cu", "Zn"), ("O", "S", "Cl", "F", "Br")
    rows: list[tuple[object, ...]] = [
        (f"{metal}{other}{count}", len(metal) + count)
        for metal in metals
        for other in others
        for count in (1, 2)
    ]
    rows += [("Xx2O", 1), ("Fe(O", 2), ("", 3), ("Na2Cl2", 8)]
    path = written(tmp_path / "made.csv", "formula,value", rows)
    task = quiet({"name": "materials", "path": path, "target": "value", "target_kind": "values"})
    check_task(task)
    notes = " ".join(task.notes)
    assert "1 with an element that is not known" in notes
    assert "1 with a formula that cannot be read" in notes
    assert "1 with no formula" in notes
    assert "1 rows are the same formulas" in notes
    shares = dict(zip(task.feature_names, np.transpose(task.files.encode(["Fe2O3"])), strict=True))  # type: ignore[union-attr]
    assert shares["share of Fe"] == pytest.approx(0.4)
    assert shares["largest of atomic number"] == 26


def test_the_densities_of_solids_are_plausible() -> None:
    task = quiet({"name": "inorganic_density"})
    check_task(task)
    assert 1_300 < len(task.y_train) + len(task.y_validation) + len(task.y_test) < 1_500
    assert task.target.config()["mean"][0] == pytest.approx(4.7, abs=0.5)
