"""What a network uses, of any run: trained, from a table, kept in a file, or withheld in a sentence."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from nas_agents.runs.run import RunSpec, run

from nas_gym.explain import read_evidence
from nas_gym.explain.evidence.network import trained_network
from nas_gym.explain.section import Settings
from nas_gym.explain.sections.network import analysis
from nas_gym.explain.sections.network import section as network_section
from nas_gym.explain.sections.network.section import explain_network
from tests.helpers.data.tables import fake_table, shelve
from tests.helpers.explain.runs import recorded

SMALL = {"name": "mlp", "max_layers": 2, "widths": [16], "activations": ["relu", "identity"]}


def trained_run(folder: Path, task="breast_cancer", space=SMALL, budget=4, **options):
    """The folder of a run that trains for real."""
    evaluator = {"name": "train", "recipe": {"epochs": 3}}
    env = {"search_space": space, "task": task, "evaluator": evaluator, "store": "memory"}
    run(RunSpec("random", budget, str(folder), 0, "NAS-v0", env), **options)
    return folder


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    return read_evidence(trained_run(tmp_path_factory.mktemp("runs") / "run"))


def test_a_trained_network_is_explained_on_validation_examples(evidence):
    pytest.importorskip("captum")
    section = explain_network(evidence)
    numbers = section.numbers
    json.dumps(numbers, allow_nan=False)
    assert not section.withheld
    assert (
        sum(map(sum, numbers["confusion"])) == numbers["examples"] == len(evidence.problem.task.y_validation)
    )
    right = sum(row[number] for number, row in enumerate(numbers["confusion"]))
    assert numbers["score"] == pytest.approx(right / numbers["examples"])
    assert numbers["inputs"]["reliable"] == 1.0
    assert numbers["inputs"]["largest_error"] < 1e-4
    assert any("add up" in each for each in section.details)
    assert {figure.name for figure in section.figures} == {"features", "layers", "confusion", "reliability"}


def test_the_test_part_is_not_looked_at(evidence, monkeypatch):
    class Guarded(SimpleNamespace):
        @property
        def x_test(self):
            raise AssertionError("the test part was looked at")

        y_test = x_test

    found = trained_network(evidence)
    names = ("x_train", "y_train", "x_validation", "y_validation", "target", "feature_names", "inputs")
    names += ("outputs", "input_shape", "coded", "files")
    task = Guarded(**{name: getattr(found.task, name) for name in names})
    guarded = SimpleNamespace(
        architecture=found.architecture, module=found.module, task=task, source="trained"
    )
    monkeypatch.setattr(network_section, "trained_network", lambda evidence: guarded)
    assert not explain_network(evidence).withheld


def test_the_same_seed_explains_the_same(evidence):
    one, other = (explain_network(evidence, Settings(seed=3)).numbers for _ in range(2))
    assert one == other


def test_without_captum_the_rest_is_explained_and_a_sentence_says_what_is_missing(evidence, monkeypatch):
    monkeypatch.setattr(analysis, "has_captum", lambda: False)
    section = explain_network(evidence)
    assert any("Captum, which is not installed" in sentence for sentence in section.answer)
    assert section.numbers["layers"]
    assert section.numbers["inputs"]["permutation"]
    json.dumps(section.numbers, allow_nan=False)


def test_the_network_that_the_run_kept_is_the_one_explained(tmp_path):
    evidence = read_evidence(trained_run(tmp_path / "run", keep_network=True))
    found = trained_network(evidence)
    assert "best.pt" in found.source
    evidence.folder.best_file.write_bytes(b"no network")
    assert "cannot be looked into" in trained_network(read_evidence(tmp_path / "run"))


def test_a_signal_is_explained_along_its_points(tmp_path):
    pytest.importorskip("captum")
    space = {
        "name": "conv",
        "max_layers": 1,
        "operations": ["conv3"],
        "channels": [4, 8],
        "activations": ["tanh"],
    }
    task = {"name": "mnist1d", "train_size": 300, "validation_size": 200, "test_size": 100}
    section = explain_network(read_evidence(trained_run(tmp_path / "run", task, space, 1)))
    assert "Along the signal of 40 points" in " ".join(section.answer)
    assert section.figures[0].name == "signal"
    json.dumps(section.numbers, allow_nan=False)


def test_an_image_is_explained_pixel_by_pixel(tmp_path):
    pytest.importorskip("captum")
    space = {"name": "mlp", "max_layers": 1, "widths": [16, 32], "activations": ["tanh"]}
    section = explain_network(read_evidence(trained_run(tmp_path / "run", "digits", space, 1)))
    assert "of the 64 pixels" in " ".join(section.answer)
    assert section.figures[0].name == "images"


def test_a_function_has_no_network_to_look_into(tmp_path):
    section = explain_network(read_evidence(recorded(tmp_path / "run", budget=10)))
    assert section.withheld
    assert "no network was trained" in section.answer[0]


def test_an_imported_table_has_no_network_to_look_into(tmp_path, monkeypatch):
    monkeypatch.setenv("NAS_GYM_TABLES", str(tmp_path))
    shelve(fake_table())
    env = {"evaluator": {"name": "table", "benchmark": "fake"}, "task": "mnist1d"}
    run(RunSpec("random", 5, str(tmp_path / "run"), 0, "NAS-v0", env))
    section = explain_network(read_evidence(tmp_path / "run"))
    assert section.withheld
    assert "imported" in section.answer[0]


def test_a_network_of_a_table_of_our_own_is_trained_by_its_recipe(tmp_path):
    env = {"evaluator": {"name": "table", "benchmark": "mlp"}, "task": "digits"}
    run(RunSpec("random", 5, str(tmp_path / "run"), 0, "NAS-v0", env))
    evidence = read_evidence(tmp_path / "run")
    found = trained_network(evidence)
    assert len(found.task.y_validation) > 0
    table = evidence.evaluator.table
    recorded_score = table.mean_score()[table.search_space.index(found.architecture)]
    use = analysis.measure_use(found, 0)
    assert use.score == pytest.approx(recorded_score, abs=0.05)
