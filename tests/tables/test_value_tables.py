"""Tables of a task of values: built, read back, verified, described by what their scores are."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from nas_gym.cli.app import app
from nas_gym.errors import NASGymError
from nas_gym.evaluators import Request, TableEvaluator, TrainEvaluator
from nas_gym.tables import (
    Table,
    Tabulation,
    build_table,
    check_table,
    describe,
    draw_landscape,
    load_table,
    read_table,
    sentences,
    table_path,
    table_task,
    write_table,
)
from nas_gym.tables.landscape import figure as landscape_figure
from nas_gym.tasks import Classes, Values, constant_answer, make_task
from tests.helpers.data.tables import fake_table, shelve

SPACE = {"name": "mlp", "max_layers": 2, "widths": [4], "activations": ["relu", "tanh"]}
RECIPE = {"epochs": 2, "learning_rate": 0.05, "batch_size": 32}
SEEDS = [3, 5]


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The spec of a task with two values."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    y = np.stack([1000 + 50 * x[:, 0], x[:, 1] * x[:, 2]], axis=1) + 0.1 * rng.normal(size=(200, 2))
    path = tmp_path_factory.mktemp("data") / "houses.npz"
    np.savez(path, x=x, y=y)
    return {"name": "npz", "path": str(path), "target_kind": "values", "target_names": ["price", "rent"]}


def tabulation(task: Any, **changes: Any) -> Tabulation:
    return Tabulation.of(**{"search_space": SPACE, "task": task, "recipe": RECIPE, "seeds": SEEDS} | changes)


@pytest.fixture(scope="module")
def built(houses: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> tuple[Table, Path]:
    """The table of all architectures on houses, and its file."""
    path = tmp_path_factory.mktemp("tables") / "mlp-houses.npz"
    return build_table(tabulation(houses), "mlp", "houses", path), path


def test_the_table_holds_the_scores_of_the_evaluator(built: tuple[Table, Path]) -> None:
    table, _ = built
    assert table.examples is None
    task = make_task(table.about["task"])
    evaluator = TrainEvaluator(table.search_space, task, "cpu", recipe=RECIPE, seeds=SEEDS)
    asked = [Request(architecture, seed) for architecture in table.search_space for seed in SEEDS]
    curves = np.array([one.curve for one in evaluator.evaluate(asked)]).reshape(table.size, 2, 2)
    np.testing.assert_array_equal(table.validation, np.moveaxis(curves, 2, 0))
    finals = [evaluator.test(architecture, SEEDS) for architecture in table.search_space]
    tests = np.array([[one.test_score for one in each] for each in finals])
    np.testing.assert_allclose(table.test, tests, atol=1e-5)
    assert table.mean_score().max() > 0.2
    # Not counts of anything.
    assert not np.allclose(table.scores() * len(task.y_validation) % 1, 0, atol=1e-6)


def test_what_is_read_back_is_what_was_built(built: tuple[Table, Path]) -> None:
    table, path = built
    read = read_table(path)
    for name in ("validation", "test", "failed", "seconds", "parameters", "flops"):
        np.testing.assert_array_equal(getattr(read, name), getattr(table, name))
        assert getattr(read, name).dtype == getattr(table, name).dtype
    assert read.target == table.target == make_task(table.about["task"]).target
    assert (read.metric, read.measure, read.examples) == ("R²", "validation R²", None)
    assert read.fingerprint == table.fingerprint


def test_its_networks_are_trained_again_and_agree(built: tuple[Table, Path]) -> None:
    table = read_table(built[1])
    check = check_table(table, architectures=3)
    assert check.ok
    assert (check.exact, check.why, check.trainings) == (True, "every score must be the same", 6)
    off = replace(table, validation=np.clip(table.validation + 1e-9, 0, 1))
    wrong = check_table(off, architectures=3).wrong
    assert len(wrong) == 6
    assert wrong[0].endswith("gave other scores than the table has")


def test_on_other_numerics_rounding_is_allowed_for(built: tuple[Table, Path]) -> None:
    table = replace(built[0], about={**built[0].about, "numerics": "cpu, torch 1.0, none"})
    near = replace(table, validation=np.clip(table.validation + 1e-6, 0, 1))
    far = replace(table, validation=1 - table.validation)
    assert check_table(near, architectures=3).ok
    assert len(check_table(far, architectures=3).wrong) == 6


def test_an_interrupted_build_goes_on_with_the_same_bits(
    built: tuple[Table, Path], houses: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, path = Tabulation.record, tmp_path / "again.npz"

    def interrupted(self: Tabulation, pairs: Any, progress: Any = None) -> Any:
        for count, recorded in enumerate(record(self, pairs, progress)):
            if count == 5:
                raise KeyboardInterrupt
            yield recorded

    with monkeypatch.context() as patched:
        patched.setattr(Tabulation, "record", interrupted)
        with pytest.raises(KeyboardInterrupt):
            build_table(tabulation(houses), "mlp", "again", path)
    kept = (tmp_path / "again.npz.partial").read_text().splitlines()[1:]
    assert len(kept) == 5
    assert all(isinstance(json.loads(line)[3], float) for line in kept)
    table = build_table(tabulation(houses), "mlp", "again", path)
    np.testing.assert_array_equal(table.validation, built[0].validation)
    np.testing.assert_array_equal(table.test, built[0].test)


def test_failures_are_recorded_with_score_0(houses: dict[str, Any], tmp_path: Path) -> None:
    # A hidden layer and the output are 3 * 4 + 4 + 4 * 2 + 2 parameters, a second layer 20 more.
    what = tabulation(houses, recipe=RECIPE | {"max_parameters": 30})
    build_table(what, "mlp", "few", tmp_path / "few.npz")
    table = read_table(tmp_path / "few.npz")
    deep = np.array([len(architecture.layers) == 2 for architecture in what.search_space])
    assert (table.failed.all(axis=1) == deep).all()
    assert (table.mean_score()[deep] == 0).all()
    assert (table.mean_score()[~deep] > 0).any()


def test_a_search_on_the_table_has_a_task_of_values(built: tuple[Table, Path]) -> None:
    table, _ = built
    evaluator = TableEvaluator(table)
    assert isinstance(evaluator.task.target, Values)
    assert evaluator.task.target.metric.label == "R²"
    assert evaluator.task.outputs == table.search_space.outputs == 2
    assert evaluator.examples() is None
    assert evaluator.constant_answer() == constant_answer(make_task(table.about["task"]))
    assert evaluator.constant_answer() is not None
    (one,) = evaluator.evaluate_architectures([table.search_space.architecture(2)])
    assert one.score == table.mean_score()[2]
    assert repr(evaluator.task) == "<task houses: features (3,), 2 values, 0 + 0 + 0 examples>"


def test_label_smoothing_is_refused(houses: dict[str, Any]) -> None:
    with pytest.raises(NASGymError, match="label_smoothing is for classes"):
        tabulation(houses, recipe=RECIPE | {"label_smoothing": 0.1})


def test_only_counts_limit_the_size_of_a_part(
    houses: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nas_gym.tables.building.tabulation.LARGEST_PART", 10)
    tabulation(houses)
    with pytest.raises(NASGymError, match="must have fewer than 10 examples"):
        tabulation({"name": "digits", "train_size": 200})


def test_a_file_that_names_no_target_is_of_numbered_classes(tmp_path: Path) -> None:
    table = load_table("mlp", "digits")  # of the package, written before targets were recorded
    assert table.target is None
    assert (table.metric, table.measure) == ("accuracy", "validation accuracy")
    assert table_task(table).target == Classes(tuple("0123456789"))
    write_table(table, tmp_path / "again.npz")
    assert read_table(tmp_path / "again.npz").target is None


def test_a_target_of_another_number_of_outputs_is_refused() -> None:
    with pytest.raises(NASGymError, match="is of networks with 10 outputs, and its target has 2 classes"):
        replace(fake_table(), target=Classes(("a", "b")))


PRICE = Values(tuple(map(str, range(10))), (0.0,) * 10, (1.0,) * 10)


@pytest.mark.parametrize(
    ("target", "word", "other"),
    [(None, "accuracy", "R²"), (PRICE, "R²", "accuracy")],
    ids=["classes", "values"],
)
@pytest.mark.parametrize("selects_on_test", [False, True])
def test_a_landscape_is_told_in_the_words_of_the_metric(
    target: Values | None, word: str, other: str, selects_on_test: bool, shelf: Path
) -> None:
    table = replace(fake_table(counts=target is None), target=target, selects_on_test=selects_on_test)
    shelve(table)
    result = CliRunner().invoke(app, ["benchmark", "info", "fake", "--picture", str(shelf / "a.png")])
    assert result.exit_code == 0
    said = result.stdout
    seen = "test" if selects_on_test else "validation"
    assert f" mean {seen} {word}, of " in said
    assert f"correlation with {word} " in said
    assert (f"with test {word} (" in said) != selects_on_test
    assert (f"caution: a search on this table sees test {word}" in said) == selects_on_test
    assert other not in said


@pytest.mark.parametrize(
    ("target", "word", "other"),
    [(None, "accuracy", "R²"), (PRICE, "R²", "accuracy")],
    ids=["classes", "values"],
)
@pytest.mark.parametrize("fidelities", [(1, 3, 9), (9,)], ids=["fidelities", "one fidelity"])
def test_a_picture_has_the_words_of_the_metric(
    target: Values | None,
    word: str,
    other: str,
    fidelities: tuple[int, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: list[Any] = []

    class Kept(landscape_figure.Figure):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            drawn.append(self)

    monkeypatch.setattr(landscape_figure, "Figure", Kept)
    table = replace(fake_table(counts=target is None, fidelities=fidelities), target=target)
    draw_landscape(describe(table), tmp_path / "a.png")
    texts = [text.get_text() for text in drawn[0].findobj(match=lambda artist: hasattr(artist, "get_text"))]
    assert sum(word in text for text in texts) >= 4
    assert not any(other in text for text in texts)


def test_a_table_of_the_user_is_found_with_its_target(built: tuple[Table, Path], shelf: Path) -> None:
    write_table(built[0], table_path("mlp-houses"))
    table = load_table("mlp", "houses")
    assert table.target == built[0].target
    assert any("mean validation R², of" in sentence for sentence in sentences(describe(table)))
