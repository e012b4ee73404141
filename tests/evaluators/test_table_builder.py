"""Building a table: the engine's own numbers, kept as they are finished, resumed, and trained again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nas_gym.errors import NASGymError
from nas_gym.evaluators import Request, TrainEvaluator
from nas_gym.tables import build_table, read_table
from nas_gym.tables.building.tabulation import RATE, Tabulation
from nas_gym.tables.building.verification import check_table, seed_deviation

SPACE = {"name": "mlp", "max_layers": 2, "widths": [4], "activations": ["relu", "tanh"]}
TASK = {"name": "digits", "train_size": 100, "validation_size": 100, "test_size": 150}
RECIPE = {"epochs": 2, "learning_rate": 0.05}


def tabulation(**changes: Any) -> Tabulation:
    return Tabulation.of(**{"search_space": SPACE, "task": TASK, "recipe": RECIPE, "seeds": [3, 5]} | changes)


def test_the_table_holds_what_the_evaluator_gives(tmp_path: Path) -> None:
    what = tabulation()
    table = build_table(what, "own", "few", tmp_path / "own-few.npz")
    evaluator = TrainEvaluator(what.search_space, what.task, recipe=RECIPE, seeds=(3, 5))
    requests = [Request(architecture, seed) for architecture in what.search_space for seed in (3, 5)]
    evaluations = evaluator.evaluate(requests)
    scores = np.array([each.score for each in evaluations]).reshape(-1, 2)
    curves = np.array([each.curve for each in evaluations]).reshape(-1, 2, 2)
    assert table.scores() == pytest.approx(scores, abs=1e-12)
    assert table.scores(1) == pytest.approx(curves[:, :, 0], abs=1e-12)
    scores = [evaluator.test(architecture, (3, 5)) for architecture in what.search_space]
    tests = np.array([[score.test_score for score in each] for each in scores])
    # One example whose two largest logits are within rounding may go either way.
    assert table.test == pytest.approx(tests, abs=1.5 / 150)
    assert table.parameters.tolist() == [each.parameters for each in evaluations[::2]]
    assert table.cost(1) == pytest.approx(table.flops * 3 * 100 / RATE)
    assert not table.failed.any()


def test_the_file_gives_the_table_back(tmp_path: Path) -> None:
    table = build_table(tabulation(), "own", "few", tmp_path / "own-few.npz")
    read = read_table(tmp_path / "own-few.npz")
    assert (read.validation == table.validation).all()
    assert (read.test == table.test).all()
    assert (read.cost() == table.cost()).all()
    assert (read.name, read.fidelities, read.resumable) == ("own-few", (1, 2), True)
    assert read.about == json.loads(json.dumps(table.about))
    assert [path.name for path in tmp_path.iterdir()] == ["own-few.npz"]


def test_an_interrupted_build_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, record = tmp_path / "own-few.npz", Tabulation.record
    asked: list[int] = []

    def interrupted(self: Tabulation, pairs: Any, progress: Any = None) -> Iterator[Any]:
        asked.append(len(pairs))
        for count, recorded in enumerate(record(self, pairs, progress)):
            if count == 5:
                raise KeyboardInterrupt
            yield recorded

    monkeypatch.setattr(Tabulation, "record", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build_table(tabulation(), "own", "few", path)
    monkeypatch.undo()
    partial = tmp_path / "own-few.npz.partial"
    assert not path.exists()
    assert partial.read_text().count("\n") == 6
    with partial.open("a") as file:
        file.write("[3, 5, [1")  # a line that a kill cut off

    def counted(self: Tabulation, pairs: Any, progress: Any = None) -> Iterator[Any]:
        asked.append(len(pairs))
        return record(self, pairs, progress)

    monkeypatch.setattr(Tabulation, "record", counted)
    resumed = build_table(tabulation(), "own", "few", path)
    whole = build_table(tabulation(), "own", "whole", tmp_path / "own-whole.npz")
    assert asked == [12, 7, 12]
    assert (resumed.validation == whole.validation).all()
    assert (resumed.test == whole.test).all()


def test_trainings_of_something_else_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "own-few.npz"
    other = json.dumps(tabulation(seeds=[7]).config(), sort_keys=True)
    (tmp_path / "own-few.npz.partial").write_text(f"{other}\n")
    with pytest.raises(NASGymError, match="holds trainings of another"):
        build_table(tabulation(), "own", "few", path)


def test_failures_are_recorded_with_score_0(tmp_path: Path) -> None:
    # A hidden layer and the output are 64 * 4 + 4 + 4 * 10 + 10 parameters, a second layer 20 more.
    what = tabulation(recipe=RECIPE | {"max_parameters": 310})
    table = build_table(what, "own", "few", tmp_path / "own-few.npz")
    deep = np.array([len(architecture.layers) == 2 for architecture in what.search_space])
    assert (read_table(tmp_path / "own-few.npz").failed.all(axis=1) == deep).all()
    assert (table.mean_score()[deep] == 0).all()
    assert (table.mean_score()[~deep] > 0).all()


def test_networks_of_a_table_can_be_trained_again(tmp_path: Path) -> None:
    table = build_table(tabulation(), "own", "few", tmp_path / "own-few.npz")
    again = Tabulation.of_table(read_table(tmp_path / "own-few.npz"))
    assert again.config() == tabulation().config()
    for recorded in again.record([(4, 5), (2, 3)]):
        column = table.seeds[2].index(recorded.seed)
        counts = np.rint(table.validation[:, recorded.number, column] * 100)
        assert list(recorded.validation) == counts.tolist()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"search_space": {"name": "mlp", "max_layers": 9}}, "a table holds at most"),
        ({"recipe": {"epochs": 0}}, "epochs"),
        ({"seeds": [1, 1]}, "seeds must be different"),
        ({"task": "nothing"}, "nothing"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(NASGymError, match=words):
        tabulation(**changes)


def test_a_check_finds_what_is_wrong(tmp_path: Path) -> None:
    table = build_table(tabulation(), "own", "few", tmp_path / "own-few.npz")
    check = check_table(read_table(tmp_path / "own-few.npz"), architectures=4)
    assert check.ok
    assert (check.exact, check.architectures, check.trainings) == (True, 4, 8)
    wrong = table.validation.copy()
    wrong[0] += 0.01
    assert len(check_table(replace(table, validation=wrong), architectures=4).wrong) == 8


def test_on_other_numerics_a_check_allows_for_rounding_alone(tmp_path: Path) -> None:
    table = build_table(tabulation(), "own", "few", tmp_path / "own-few.npz")
    elsewhere = replace(table, about={**table.about, "numerics": "cpu, torch 1.0, none"})
    near, far = elsewhere.validation.copy(), elsewhere.validation.copy()
    near[-1] += 2.9 * seed_deviation(table)
    far[-1] = np.where(far[-1] > 0.5, far[-1] - 0.5, far[-1] + 0.5)
    check = check_table(replace(elsewhere, validation=near.clip(0, 1)), architectures=6)
    assert not check.exact
    assert check.ok
    assert len(check_table(replace(elsewhere, validation=far), architectures=6).wrong) == 12
