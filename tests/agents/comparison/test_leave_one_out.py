"""Comparisons in which an agent starts from what it learned on the other tasks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from nas_agents import Plan, Pretrained, compare_tasks, read_weights
from nas_agents.comparison.carried import carry, sentences
from nas_agents.comparison.plan import prepare
from nas_agents.comparison.report import Setting
from nas_agents.pretrained.training import whole

from nas_gym.errors import NASGymError

TASKS = ("mnist1d", "digits")


def plan(logdir, agents=("random", "pretrained"), tasks=TASKS, **options):
    return Plan(
        agents=list(agents),
        seeds=1,
        budget=26,
        tasks=list(tasks),
        env_id="NASTable-MLP-v0",
        logdir=str(logdir),
        leave_one_out=True,
        **options,
    )


@pytest.fixture
def experiments(tmp_path):
    """Runs of which those that start from nothing are finished, but for one agent on the second task."""
    found = prepare(replace(plan(tmp_path, agents=("random", "tpe", "pretrained")), seeds=2))
    for experiment in found:
        for spec in experiment.specs:
            if spec.start is None and (experiment is found[0] or "tpe" not in spec.folder):
                Path(spec.folder).mkdir(parents=True)
                (Path(spec.folder) / "result.json").write_text("{}")
    return found


def test_an_agent_learns_for_each_task_from_the_finished_runs_of_the_others(experiments, monkeypatch):
    learned = {}
    monkeypatch.setattr(Pretrained, "learn", lambda agent, runs, out: learned.update({out: runs}))
    carry(experiments)
    first, second = experiments
    assert len(learned) == 2
    for experiment, other, runs in ((first, second, 2), (second, first, 4)):
        taught = learned[experiment.folder / "carried" / "pretrained.npz"]
        assert len(taught) == runs
        assert all(other.folder in run.parents for run in taught)
        starts = {spec.agent: spec.start for spec in experiment.specs}
        assert starts == {"random": None, "tpe": None, "pretrained": experiment.carried["pretrained"]}


def test_what_was_learned_before_is_not_learned_again(experiments, monkeypatch):
    monkeypatch.setattr(Pretrained, "learn", lambda agent, runs, out: pytest.fail("learned again"))
    for experiment in experiments:
        file = Path(experiment.carried["pretrained"])
        file.parent.mkdir(parents=True)
        file.with_suffix(".json").write_text("{}")
    carry(experiments)


def test_a_report_says_what_searches_started_from(experiments):
    said = sentences(experiments[0], experiments)
    assert said == (
        "pretrained did not start from nothing: it learned on the runs of the other agents on digits before, "
        "and on none of mnist1d (leave-one-out).",
    )
    setting = Setting("NAS-v0", "mlp", "mnist1d", "accuracy", 26, 1, "", {}, started=said)
    assert setting.cautions == said


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(whole, "OWN_RUNS", {"rounds": 1, "searches": 2, "passes": 1})


@pytest.mark.slow
@pytest.mark.usefixtures("short")
def test_each_task_is_searched_from_what_the_others_taught(tmp_path):
    comparisons, _ = compare_tasks(plan(tmp_path), "the command")
    taught = []
    for comparison, other in zip(comparisons, reversed(TASKS), strict=True):
        file = comparison.folder / "carried" / "pretrained.npz"
        weights = read_weights(file)
        runs = [Path(each) for each in weights.provenance["runs"]]
        assert [run.parent.name for run in runs] == ["random"]
        assert all(comparison.folder not in run.parents for run in runs)
        result = json.loads((comparison.folder / "pretrained" / "seed0" / "result.json").read_text())
        assert result["started_from"] == f"the policy of {file}, SHA-256 {weights.digest[:16]}"
        report = (comparison.folder / "comparison.md").read_text()
        assert f"learned on the runs of the other agents on {other}" in report
        taught.append(weights.arrays["first.weight"])
    assert not np.array_equal(*taught)
    times = [file.stat().st_mtime_ns for file in tmp_path.rglob("carried/*.npz")]
    compare_tasks(plan(tmp_path), "the command")
    assert [file.stat().st_mtime_ns for file in tmp_path.rglob("carried/*.npz")] == times


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tasks": ["digits"]}, "name at least 2 tasks"),
        ({"agents": ["random", "evolution"]}, "none of these does"),
        ({"agents": ["pretrained", "pretrained-walk"]}, "name one, such as random"),
    ],
)
def test_what_has_nothing_to_carry_or_to_learn_from_is_refused(tmp_path, options, said):
    with pytest.raises(NASGymError, match=said):
        compare_tasks(plan(tmp_path, **options), "the command")
