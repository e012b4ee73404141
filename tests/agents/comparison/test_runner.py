"""A comparison from its plan to its files, interrupted, extended and failed runs too."""

import fcntl
import io
import json
from dataclasses import replace

import pytest
from nas_agents.comparison.plan import Plan, prepare
from nas_agents.comparison.progress import Advance, Tally
from nas_agents.comparison.publish import publish, publish_across
from nas_agents.comparison.runner import execute
from nas_agents.runs.progress import Progress
from nas_agents.runs.run import make_env, run_options
from rich.console import Console

from nas_gym._markdown import escaped
from nas_gym.cli.progress import comparison_bar
from nas_gym.errors import NASGymError
from nas_gym.traces import RunFolder, run_config


def plan(tmp_path, **others):
    values = {
        "agents": ["random", "q-learning"],
        "seeds": 2,
        "budget": 3,
        "env": {
            "search_space": {"name": "mlp", "max_layers": 2, "widths": [16]},
            "evaluator": {"name": "train", "recipe": {"epochs": 1}},
            "horizon": 4,
            "store": str(tmp_path / "store.sqlite"),
        },
        "tasks": ["breast_cancer"],
        "logdir": str(tmp_path / "logs"),
        "jobs": 2,
    }
    return Plan(**(values | others))


def times(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("result.json")}


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """A comparison that was made once, with its plan."""
    folder = tmp_path_factory.mktemp("compared")
    made = plan(folder)
    (experiment,) = prepare(made)
    assert execute([experiment], 2) == []
    return made, experiment


def test_a_comparison_runs_every_agent_with_every_seed(compared):
    _, experiment = compared
    assert experiment.folder.name == "NAS-v0-mlp-breast_cancer"
    results = sorted(str(path.relative_to(experiment.folder)) for path in times(experiment.folder))
    expected = [f"{agent}/seed{seed}/result.json" for agent in ("q-learning", "random") for seed in (0, 1)]
    assert results == expected


def test_a_finished_comparison_is_published_with_nothing_run_again(compared):
    made, experiment = compared
    before = times(experiment.folder)
    (again,) = prepare(made)
    assert all(again.finished)
    assert execute([again], 2) == []
    published = publish(made, again, [], "nas-gym compare ...")
    assert times(experiment.folder) == before
    assert {row.agent for row in published.analysis.agents} == {"random", "q-learning"}
    names = {path.name for path in experiment.folder.iterdir()}
    files = {"comparison.md", "comparison.json", "scores.png", "improvement.png"}
    assert names == files | {
        "incumbent_by_evaluations.png",
        "incumbent_by_seconds.png",
        "aggregate",
        "random",
        "q-learning",
    }
    values = json.loads((experiment.folder / "comparison.json").read_text())
    results = [json.loads(path.read_text()) for path in before]
    scores = [score for agent in values["test_scores"].values() for score in agent]
    assert sorted(scores) == sorted(result["test_score"] for result in results)


def test_more_seeds_of_the_same_comparison_leave_only_those_to_run(compared):
    made, _ = compared
    (larger,) = prepare(replace(made, seeds=3))
    assert larger.finished == (True,) * 4 + (False,) * 2


def test_another_budget_in_the_same_folder_is_refused_before_anything_runs(compared):
    made, _ = compared
    with pytest.raises(NASGymError, match=r"another config .*budget is 3 there and 4 here"):
        prepare(replace(made, budget=4))
    assert not any(prepare(replace(made, budget=4, name="longer"))[0].finished)


def test_a_failed_run_is_named_the_others_go_on_and_a_rerun_runs_it_alone(tmp_path):
    made = plan(tmp_path)
    (experiment,) = prepare(made)
    spec = experiment.specs[-1]
    busy = experiment.folder / "q-learning" / "seed1"
    assert spec.folder == str(busy)
    env = make_env(spec.env_id, spec.env)
    RunFolder(busy).prepare(run_config(env, "q-learning", run_options(spec)))
    with (busy / "trace.jsonl").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        failures = execute([experiment], 1)
    published = publish(made, experiment, failures, "")
    (sentence,) = published.setting.missing
    assert sentence.startswith("the run of q-learning with seed 1 on breast_cancer failed: ")
    assert "being written by a running search" in sentence
    assert escaped(sentence) in (experiment.folder / "comparison.md").read_text()
    assert str(busy) in (experiment.folder / "failures.log").read_text()
    assert {row.agent: row.runs for row in published.analysis.agents} == {"random": 2, "q-learning": 1}

    before = times(experiment.folder)
    (again,) = prepare(made)
    assert again.finished == (True, True, True, False)
    assert execute([again], 1) == []
    assert before.items() < times(experiment.folder).items()
    assert publish(made, again, [], "").setting.missing == ()
    assert not (experiment.folder / "failures.log").exists()


def test_several_tasks_have_a_report_each_and_one_over_all(tmp_path, compared):
    made, experiment = compared
    other = replace(experiment, task="another")
    published = [publish(made, experiment, [], ""), publish(made, other, [], "")]
    folder = publish_across(replace(made, logdir=str(tmp_path)), published)
    assert folder == tmp_path / "NAS-v0-mlp-2-tasks"
    text = (folder / "comparison.md").read_text()
    assert "on breast\\_cancer, another" in text
    assert "Tests over tasks need at least 6 tasks" in text
    assert publish_across(made, published[:1]) is None


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"agents": ["random"]}, "at least 2 agents, here are 1"),
        ({"agents": ["random", "random"]}, "agent 'random' is named twice"),
        ({"agents": ["random", "q-lerning"]}, "did you mean 'q-learning'"),
        ({"agents": ["random", {"name": "q-learning", "alfa": 1}]}, "did you mean 'alpha'"),
        ({"seeds": 0}, "seeds must be at least 1, not 0"),
        ({"jobs": 0}, "jobs must be at least 1, not 0"),
        ({"budget": 0}, "budget must be"),
        ({"budget": {"minutes": 2}}, "at equal budget, and the clock gives none"),
        ({"budget": {"evaluations": 9, "minutes": 2}}, "at equal budget, and the clock gives none"),
        ({"budget": {"evaluations": 9, "seconds": 2}}, "pass evaluations or seconds, not both"),
        ({"tasks": ["breast_cancer", "digtis"]}, "did you mean 'digits'"),
        ({"tasks": ["breast_cancer", "breast_cancer"]}, "have the same name"),
        ({"tasks": ["breast_cancer", "diabetes"]}, r"\(breast_cancer by accuracy, diabetes by R²\), which"),
    ],
)
def test_a_plan_that_does_not_fit_is_refused_before_anything_is_written(tmp_path, others, message):
    with pytest.raises(NASGymError, match=message):
        prepare(plan(tmp_path, **others))
    assert not (tmp_path / "logs").exists()


def test_progress_grows_with_evaluations_and_counts_finished_runs_as_done():
    told = []
    tally = Tally(runs=4, finished=1, budget=10, on_progress=told.append)
    assert (told[-1].done, told[-1].total) == (10, 40)
    tally.report(0, Progress(3, 90.0, 100.0, 0.5))
    tally.report(1, Progress(4, 90.0, 100.0, None))
    assert (told[-1].done, told[-1].runs_over, told[-1].runs) == (17, 1, 4)
    tally.report(0, None)
    assert (told[-1].done, told[-1].runs_over) == (24, 2)


def test_progress_under_a_budget_in_seconds_is_told_in_seconds():
    told = []
    Tally(2, 0, {"seconds": 30.0}, told.append).report(0, Progress(12, 31.0, 70.0, 0.5))
    assert (told[-1].done, told[-1].total, told[-1].unit) == (30, 60, "seconds")


def test_the_bar_of_a_comparison_shows_what_is_told():
    console = Console(file=io.StringIO(), width=120, force_terminal=True)
    with comparison_bar(console) as move:
        move(Advance(10, 40, "evaluations", 1, 4))
        move(Advance(17, 40, "evaluations", 2, 4))
    assert "17 of 40 evaluations; 0:00 by the clock; 2 of 4 runs" in console.file.getvalue()


def test_without_a_terminal_a_comparison_ends_with_one_plain_line():
    console = Console(file=io.StringIO(), width=40)
    with comparison_bar(console) as move:
        move(Advance(10, 60, "seconds", 1, 4))
        move(Advance(60, 60, "seconds", 4, 4))
    assert console.file.getvalue() == (
        "comparing: 60 of 60 s recorded training time; 0:00 by the clock; 4 of 4 runs\n"
    )
