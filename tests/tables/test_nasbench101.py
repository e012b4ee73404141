"""A table of classes of architectures: imported, kept, looked up, searched on and explained."""

from __future__ import annotations

import csv
import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from nas_agents import make_agent
from nas_agents.runs.run import RunSpec, run
from typer.testing import CliRunner

import nas_gym  # noqa: F401 - registers the ids
from nas_gym.cli.app import app
from nas_gym.envs.objectives.objective import Objective
from nas_gym.errors import NASGymError
from nas_gym.evaluators import TableEvaluator
from nas_gym.explain import explain
from nas_gym.search_spaces import SearchSpace, make_search_space
from nas_gym.tables import Table, describe, import_latencies, import_table, load_table
from nas_gym.tables.importers.nasbench101 import read_nasbench101
from nas_gym.testing import check_evaluator
from tests.helpers.data.tables import shelve

SHAPE = (3, 32, 32)
PUBLISHED = {"name": "nasbench101", "channels": 128, "stacks": 3, "cells": 3}
BUDGETS = (4, 12, 36, 108)


@pytest.fixture(scope="module")
def space() -> SearchSpace[Any]:
    return make_search_space(PUBLISHED, SHAPE, 10)


@pytest.fixture(scope="module")
def modules(space: SearchSpace[Any]) -> dict[str, Any]:
    """A cell of each of some classes, by hash: all of up to four vertices and the members."""
    cells = [space.architecture(number) for number in range(97)] + list(space.members().values())
    return {space.isomorphism_class(cell): cell for cell in cells}


def matrix_of(cell: Any) -> list[list[int]]:
    matrix = np.zeros((cell.inner + 2,) * 2, dtype=int)
    for edge in cell.edges:
        matrix[edge] = 1
    return matrix.tolist()


@pytest.fixture(scope="module")
def rows(space: SearchSpace[Any], modules: dict[str, Any]) -> list[dict[str, Any]]:
    """Made-up results in the names of the published ones, one row for each training."""
    rng = np.random.default_rng(0)
    return [
        {
            "module_hash": key,
            "module_adjacency": matrix_of(cell),
            "module_operations": ["input", *cell.operations, "output"],
            "trainable_parameters": parameters,
            "epochs": epochs,
            "validation_accuracy": round(0.6 + 0.3 * rng.random(), 5),
            "test_accuracy": round(0.6 + 0.3 * rng.random(), 5),
            "training_time": round(epochs * (1 + rng.random()), 2),
        }
        for key, cell in modules.items()
        for parameters in [space.network(cell).parameters]
        for epochs in BUDGETS
        for _ in range(3)
    ]


def write_json(path: Path, rows: list[dict[str, Any]]) -> Path:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def write_list(path: Path, rows: list[dict[str, Any]], indent: int | None = None) -> Path:
    path.write_text(json.dumps(rows, indent=indent))
    return path


def write_csv(path: Path, rows: list[dict[str, Any]]) -> Path:
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        for row in rows:
            writer.writerow(
                {name: json.dumps(value) if isinstance(value, list) else value for name, value in row.items()}
            )
    return path


def without(rows: list[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name not in names} for row in rows]


def test_rows_become_a_table_of_classes_whatever_they_are_written_in(shelf, tmp_path, rows, modules) -> None:
    table, path = import_table("nasbench101", write_json(tmp_path / "a.jsonl.gz", rows))
    assert path == shelf / "nasbench101-cifar10.npz"
    loaded = load_table("nasbench101", "cifar10")
    assert loaded.fingerprint == table.fingerprint
    assert loaded.classes == tuple(modules)
    assert (loaded.size, loaded.fidelities) == (len(modules), BUDGETS)
    assert loaded.seeds == dict.fromkeys(BUDGETS, (0, 1, 2))
    for row, (key, cell) in enumerate(modules.items()):
        assert loaded.row(cell) == row
        for epochs in BUDGETS:
            mine = [each for each in rows if (each["module_hash"], each["epochs"]) == (key, epochs)]
            recorded = [each["validation_accuracy"] for each in mine]
            assert loaded.scores(epochs)[row].tolist() == recorded
        assert loaded.test[row].tolist() == [each["test_accuracy"] for each in mine]
        assert loaded.seconds[row] == pytest.approx(np.mean([each["training_time"] for each in mine]))
        assert loaded.parameters[row] == mine[0]["trainable_parameters"]
    for other in (
        write_csv(tmp_path / "a.csv", rows),
        write_csv(tmp_path / "hashes.csv", without(rows, "module_adjacency", "module_operations")),
        write_json(tmp_path / "cells.jsonl", without(rows, "module_hash")),
    ):
        again, _ = import_table("nasbench101", other)
        assert again.fingerprint == table.fingerprint


def test_the_runs_of_a_budget_may_share_a_row(shelf, tmp_path, rows) -> None:
    measured = ("validation_accuracy", "test_accuracy", "training_time")
    together = [
        rows[start] | {name: [row[name] for row in rows[start : start + 3]] for name in measured}
        for start in range(0, len(rows), 3)
    ]
    joined = [
        row | {name: ";".join(str(number) for number in row[name]) for name in measured} for row in together
    ]
    table, _ = import_table("nasbench101", write_json(tmp_path / "a.jsonl", rows))
    for file in (write_json(tmp_path / "b.jsonl", together), write_csv(tmp_path / "b.csv", joined)):
        assert import_table("nasbench101", file)[0].fingerprint == table.fingerprint


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"module_hash": "0" * 32}, r"line 2 of .* has the module_hash '0{32}', that of its cell is"),
        ({"module_adjacency": [[0, 1], [1, 0]]}, "expected an upper triangle of 0 and 1"),
        ({"module_adjacency": "[[0, 1"}, "line 2 of .* has no cell of the space"),
        ({"module_adjacency": [[0, 0], [0, 0]], "module_operations": []}, "input and output are not joined"),
        (
            {"module_adjacency": [[0, 1, 0], [0, 0, 1], [0, 0, 0]], "module_operations": ["conv5x5"]},
            "unknown operation in cell",
        ),
        ({"validation_accuracy": 93.1}, "expected shares from 0 to 1, as published"),
        ({"validation_accuracy": [0.5, 0.6]}, "as many numbers for each of"),
        ({"test_accuracy": "high"}, "has 'high' as test_accuracy, expected a number"),
        ({"epochs": 4.5}, "has 4.5 as epochs, expected a whole number"),
        ({"trainable_parameters": 7}, "has 7 parameters for"),
    ],
)
def test_a_flaw_is_named_by_its_line_and_nothing_is_kept(shelf, tmp_path, rows, change, message) -> None:
    damaged = [rows[0], rows[1] | change, *rows[2:]]
    with pytest.raises(NASGymError, match=message):
        import_table("nasbench101", write_json(tmp_path / "a.jsonl", damaged))
    assert not shelf.exists()


@pytest.mark.parametrize("indent", [None, 1])
def test_a_list_is_read_as_lines_are_and_a_flaw_is_named_by_its_row(tmp_path, rows, indent) -> None:
    few = rows[:24]
    tables = [
        read_nasbench101(file, "cifar10")
        for file in (write_json(tmp_path / "a.jsonl", few), write_list(tmp_path / "a.json", few, indent))
    ]
    assert tables[0].size == 2
    assert tables[0].scores().tolist() == tables[1].scores().tolist()
    damaged = write_list(tmp_path / "b.json", [few[0], few[1] | {"epochs": 4.5}], indent)
    with pytest.raises(NASGymError, match=r"row 2 of .* has 4\.5 as epochs"):
        read_nasbench101(damaged, "cifar10")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda rows: without(rows, "module_hash", "module_operations"), "line 1 .* must have one of them"),
        (lambda rows: without(rows, "epochs"), "line 1 of .* has no epochs"),
        (lambda rows: rows[:-3], "has no results of [0-9a-f]{32} at 108 epochs"),
        (
            lambda rows: [row | {"trainable_parameters": row["trainable_parameters"] + 1} for row in rows],
            "the published network has [0-9,]+: the file is of another space",
        ),
        (
            lambda rows: [
                row | {"module_hash": row["module_hash"][::-1]}
                for row in without(rows, "module_adjacency", "module_operations")
            ],
            "has no hash of the 1,200 cells that were tried",
        ),
    ],
)
def test_a_file_of_something_else_is_refused(shelf, tmp_path, rows, spoil, message) -> None:
    with pytest.raises(NASGymError, match=message):
        import_table("nasbench101", write_json(tmp_path / "a.jsonl", spoil(rows)))


@pytest.mark.parametrize("content", ["", '{"epochs": 4', "[1]\n", "[", "[]", "\x00\n"])
def test_what_is_no_file_of_results_is_one_sentence(shelf, tmp_path, content) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(content)
    for file in (path, tmp_path / "missing.csv"):
        result = CliRunner().invoke(app, ["benchmark", "import", "nasbench101", str(file)])
        assert result.exit_code == 2
        (line,) = result.stderr.strip().splitlines()
        assert str(file) in line


def score(cell: Any) -> float:
    """More vertices are better, convolutions of width 3 better than others."""
    return 0.5 + 0.06 * cell.inner + 0.05 * cell.operations.count("conv3x3-bn-relu") - 0.005 * len(cell.edges)


def planted(keep: float, vertices: int = 5) -> Table:
    """A table of the classes of up to so many vertices, or of a share of them."""
    space = make_search_space({"name": "nasbench101", "vertices": vertices}, SHAPE, 10)
    rng = np.random.default_rng(0)
    cells = {space.isomorphism_class(cell): cell for cell in space}
    kept = {key: cell for key, cell in cells.items() if rng.random() < keep}
    means = np.array([score(cell) for cell in kept.values()])[None, :, None]
    validation = means * np.array([0.8, 1.0])[:, None, None] + rng.normal(0, 0.005, (2, len(kept), 3))
    return Table(
        benchmark="planted101",
        task="cifar10",
        search_space=space,
        fidelities=(4, 108),
        seeds={4: (0, 1, 2), 108: (0, 1, 2)},
        resumable=False,
        validation=validation,
        test=validation[1] - 0.01,
        failed=np.zeros((len(kept), 3), dtype=bool),
        seconds=np.full(len(kept), 100.0),
        parameters=np.array([1000 * (1 + cell.inner) for cell in kept.values()]),
        flops=np.full(len(kept), -1),
        classes=tuple(kept),
    )


@pytest.fixture(scope="module")
def whole() -> Table:
    return planted(1.0, vertices=4)


@pytest.fixture(scope="module")
def partial() -> Table:
    return planted(0.5)


def test_isomorphic_cells_share_a_row_and_all_cells_have_one(whole) -> None:
    space = whole.search_space
    rows: dict[int, set[str]] = {}
    for cell in space:
        rows.setdefault(whole.row(cell), set()).add(space.isomorphism_class(cell))
    assert sorted(rows) == list(range(whole.size))
    assert all(len(classes) == 1 for classes in rows.values())
    assert whole.size < space.size


def test_an_evaluation_of_a_class_is_that_of_its_row(whole) -> None:
    space, evaluator = whole.search_space, TableEvaluator(whole)
    one = space.parse("conv1x1-bn-relu(0) > maxpool3x3(0) > output(1,2)")
    other = space.parse("maxpool3x3(0) > conv1x1-bn-relu(0) > output(1,2)")
    found = evaluator.evaluate_architectures([one, other])
    row = whole.row(one)
    assert found[0].score == found[1].score == whole.mean_score()[row]
    assert [each.architecture for each in found] == [str(one), str(other)]
    assert found[0].parameters == whole.parameters[row]
    assert found[0].flops == space.network(one).flops
    assert evaluator.scores([one, other]).tolist() == [found[0].score] * 2


def test_what_the_table_lacks_is_a_failed_evaluation_without_cost(partial) -> None:
    space, evaluator = partial.search_space, TableEvaluator(partial)
    lacking = next(cell for cell in space if partial.row(cell) < 0)
    (found,) = evaluator.evaluate_architectures([lacking])
    assert (found.status, found.score, found.seconds) == ("failed", 0.0, 0.0)
    assert found.error == "the table has no result of it"
    assert found.parameters == space.network(lacking).parameters
    assert evaluator.scores([lacking, space.smallest()])[0] == 0.0
    drawing = TableEvaluator(partial, seeds="random")
    seed = drawing.draw(lacking, np.random.default_rng(0))
    (drawn,) = drawing.evaluate_architectures([lacking], drawn=[seed])
    assert (drawn.status, drawn.seeds) == ("failed", (seed,))
    assert [one.status for one in evaluator.test(lacking, [0, 1])] == ["failed", "failed"]


def test_the_evaluator_holds_its_contract(partial) -> None:
    check_evaluator(TableEvaluator(partial))


def test_costs_that_were_not_recorded_are_those_of_the_network(partial) -> None:
    space, evaluator = partial.search_space, TableEvaluator(partial)
    cells = [next(cell for cell in space if (partial.row(cell) < 0) == lacks) for lacks in (True, False)]
    networks = [space.network(cell) for cell in cells]
    recorded = int(partial.parameters[partial.row(cells[1])])
    assert partial.costs("parameters", cells).tolist() == [networks[0].parameters, recorded]
    assert partial.costs("flops", cells).tolist() == [network.flops for network in networks]
    flops = Objective("flops").bound(space, evaluator)
    assert flops.scale is not None
    assert flops.scale > 1e4
    assert flops.lowest(evaluator) == -np.inf


def test_a_table_says_what_it_has_no_rows_for(partial, shelf, tmp_path) -> None:
    shelve(partial)
    with pytest.raises(NASGymError, match="a landscape by edits is described of tables with a row for each"):
        describe(partial)
    file = tmp_path / "a.csv"
    file.write_text("architecture,phone_ms\noutput(0),1\n")
    with pytest.raises(NASGymError, match="has classes of architectures as rows"):
        import_latencies(file, partial.name)
    with pytest.raises(NASGymError, match="must name each class of architectures once"):
        replace(partial, classes=(*partial.classes[:-1], partial.classes[0]))


def spec_of(table: Table) -> dict[str, Any]:
    shelve(table)
    return {"task": "cifar10", "evaluator": {"name": "table", "benchmark": "planted101"}, "horizon": 10}


@pytest.mark.parametrize("agent", ["random", "evolution", "q-learning"])
def test_agents_search_on_a_table_that_lacks_cells(agent, partial, shelf) -> None:
    env = gym.make("NAS-v0", **spec_of(partial))
    result = make_agent(agent).search(env, budget=60, seed=0)
    assert len(result.evaluations) == 60
    assert any(one.failed for one in result.evaluations)
    best = max(one.score for one in result.evaluations)
    chosen = TableEvaluator(partial).evaluate_architectures(
        [env.unwrapped.search_space.parse(result.architecture)]
    )
    assert chosen[0].score == best


def test_a_search_on_classes_is_explained(whole, shelf, tmp_path) -> None:
    run(RunSpec("evolution", 40, str(tmp_path / "run"), 0, "NAS-v0", spec_of(whole)))
    explanation = explain(tmp_path / "run", write=False)
    for key in ("summary", "choices", "alternatives"):
        assert explanation[key].answer
        assert not explanation[key].withheld


@pytest.mark.slow
@pytest.mark.parametrize("agent", ["random", "evolution", "q-learning"])
def test_the_report_of_a_search_on_a_table_that_lacks_cells_is_written(
    agent, partial, shelf, tmp_path
) -> None:
    run(RunSpec(agent, 80, str(tmp_path / "run"), 0, "NAS-v0", spec_of(partial)))
    explain(tmp_path / "run")
    values = json.loads((tmp_path / "run" / "explanation.json").read_text())
    answered = {key for key, section in values["sections"].items() if not section["withheld"]}
    assert answered >= {"summary", "choices", "alternatives"}
    assert (tmp_path / "run" / "report.html").exists()
