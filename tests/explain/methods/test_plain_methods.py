"""The plain methods of each field that a report sets beside the found network."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from nas_gym.explain.evidence.plain_methods import plain_methods
from nas_gym.explain.evidence.simple_methods import simple_methods
from nas_gym.explain.evidence.token_counts import counted_models
from nas_gym.explain.evidence.token_runs import TokenRuns
from nas_gym.tasks import MoleculeForm, Task, make_task, morgan_counts
from tests.tasks.domains.test_chemistry import molecule_rows, written


def quietly(spec) -> Task:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make_task(spec)


def linear_of(task: Task) -> tuple[str, float]:
    """The name of the linear method, and its score on the test part."""
    method = plain_methods(task, 0)[0]
    fitted = method.fit(task.x_train, task.y_train)
    return method.name, task.target.measure(fitted.outputs(task.x_test), task.y_test)[0]


def test_fingerprints_of_a_graph_are_those_of_its_smiles() -> None:
    chem = pytest.importorskip("rdkit.Chem")
    from rdkit.Chem import rdFingerprintGenerator

    smiles = ["c1ccncc1C(=O)[O-]", "C[N+](C)(C)CC#N", "O=S(=O)(N)c1ccc(Cl)s1", "C1CC1F", "c1cc[nH]c1"]
    maker = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    expected = [maker.GetCountFingerprintAsNumPy(chem.MolFromSmiles(text)) for text in smiles]
    np.testing.assert_array_equal(morgan_counts(MoleculeForm("smiles", 14).encode(smiles)), expected)


def test_runs_of_tokens_are_counted_where_training_has_them_twice() -> None:
    x = np.array([[2, 3, 2, 3], [2, 3, 4, 0], [4, 4, 0, 0]])
    runs = TokenRuns(x, 5)
    # In two texts of the three: 2, 3, 4 and the run 2 3.
    assert runs(x).toarray().tolist() == [[2, 2, 0, 2], [1, 1, 1, 1], [0, 0, 2, 0]]
    assert runs(np.array([[3, 2, 3, 0]])).toarray().tolist() == [[1, 2, 0, 1]]


def test_counts_tell_what_follows_and_two_tokens_more_than_one() -> None:
    x = np.tile([2, 3, 2, 4], (50, 2))
    y = np.roll(x, -1, axis=1) - 2  # after 2 comes 3 or 4, by what was before
    models = counted_models(x, y, 5, 3)
    chances = {key: np.exp(one.outputs(x[:1]).reshape(3, 8)) for key, one in models.items()}
    for one in chances.values():
        np.testing.assert_allclose(one.sum(axis=0), 1, rtol=1e-5)
    assert chances["bigram"][1, 2] == pytest.approx(0.5, abs=0.01)
    assert chances["trigram"][2, 2] > 0.98
    assert chances["trigram"][1, 4] > 0.98
    unseen = np.exp(models["trigram"].outputs(np.array([[4, 3, 1, 1]])).reshape(3, 4))
    np.testing.assert_allclose(unseen[:, 2:].sum(axis=0), 1, rtol=1e-5)  # by the unigram


def test_a_text_task_has_runs_of_characters_and_a_language_model_counts(tmp_path) -> None:
    rng = np.random.default_rng(0)
    rows = []
    for number in range(240):  # the same letters, and only their order tells
        letters = list(rng.permutation(list("abcd")))
        text = "".join(letters) + ("xy" if number % 2 else "yx")
        rows.append((text, "yes" if number % 2 else "no"))
    path = written(tmp_path / "order.csv", "text,label", rows)
    task = quietly({"name": "text", "path": str(path), "target": "label"})
    name, score = linear_of(task)
    assert name == "logistic regression on how often each run of 1 to 3 characters is there"
    assert score == 1.0
    book = tmp_path / "book.txt"
    book.write_text("abcadc" * 200, "utf-8")
    language = quietly({"name": "text", "path": str(book), "length": 8})
    models = {one.key: one for one in simple_methods(language, 0)[0]}
    assert list(models) == ["constant", "bigram", "trigram"]
    assert models["constant"].test < models["bigram"].test < models["trigram"].test


def test_a_ridge_on_fingerprints_is_beside_networks_of_molecules(tmp_path) -> None:
    pytest.importorskip("rdkit")
    path = written(tmp_path / "made.csv", "smiles,value", molecule_rows())
    options = {"target": "value", "target_kind": "values", "split": "random"}
    task = quietly({"name": "molecules", "path": str(path), **options})
    name, score = linear_of(task)
    assert name == "ridge regression on counts of Morgan fingerprints"
    assert score > 0.5
