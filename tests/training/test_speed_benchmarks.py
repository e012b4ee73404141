"""The benchmarks of speed have a row for every built-in task, and cases that can be drawn."""

from __future__ import annotations

import pytest

from benchmarks.speed import tasks, training, training_worker
from nas_gym.search_spaces import SEARCH_SPACES
from nas_gym.tasks import TASKS, make_task
from nas_gym.training.kernels.registry import is_fusible


def test_every_built_in_task_is_measured_in_a_space() -> None:
    builtin = {name for name, load in TASKS.items() if ".builtin." in load.__module__}
    assert set(tasks.SPACES) == builtin


def test_a_row_of_fewer_epochs_is_of_all_that_the_recipe_has() -> None:
    row = tasks.measure("digits", "mlp", networks=2, epochs=1)
    assert (row["epochs"], row["trained"]) == (15, 1)
    assert row["on two cores"] == pytest.approx(row["seconds"] / 2)
    assert row["met"]


def test_every_case_names_a_space_and_a_task_there_is() -> None:
    for case in training.CASES.values():
        space = case["space"] if isinstance(case["space"], str) else case["space"]["name"]
        assert space in {*SEARCH_SPACES, training_worker.DILATED}
        assert case["task"] in training_worker.TASKS


def test_chains_of_dilated_convolutions_are_fused() -> None:
    case = {"space": training_worker.DILATED, "networks": 4}
    members = training_worker.draw(case, make_task("mnist1d"))
    assert len({str(member.network) for member in members}) == 4
    assert all(is_fusible(member.network) for member in members)
