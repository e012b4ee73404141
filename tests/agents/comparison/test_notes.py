"""What is said beside the numbers: failures by name, guessing, short trainings, tuning, test data, access."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from nas_agents import Agent, make_agent
from nas_agents.comparison.analysis import analyse
from nas_agents.comparison.outcome import Comparison
from nas_agents.comparison.plan import Plan, prepare
from nas_agents.comparison.plots import curves
from nas_agents.comparison.publish import publish
from nas_agents.comparison.records import Run
from nas_agents.comparison.report import Setting, markdown
from nas_agents.runs.run import run
from rich.console import Console

from nas_gym.cli.commands.compare import show_comparison, terminal_table
from nas_gym.tables.catalogue import FOLDER
from tests.helpers.comparison_runs import field, made_up, on_a_table
from tests.helpers.data.tables import fake_table, shelve

SETTING = Setting("NAS-v0", "mlp", "mnist1d", "accuracy", 8, 6, "nas-gym compare", {})


def result_of(**others):
    evaluation = {"score": 0.5, "seconds": 2.0, "status": "ok", "fidelity": None}
    return {
        "label": "tpe",
        "access": "query",
        "seed": 3,
        "architecture": "relu-64",
        "test_score": 0.4,
        "validation_score": 0.45,
        "evaluations": [evaluation] * 3,
        "stopped": "budget",
        "metric_label": "accuracy",
        "classes": 4,
    } | others


def shown(comparison, setting=SETTING):
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(terminal_table(Comparison(Path(), setting, comparison, ())))
    return console.export_text()


def test_runs_whose_choice_failed_are_named_with_the_reason():
    runs = field(("a", "b"), 4)
    runs[2] = replace(runs[2], errors=("diverged", "diverged"))
    notes = analyse(runs).notes
    assert notes == (
        "Failed: the network that a chose with seed 1, in 2 retrainings (diverged); "
        "each counts as accuracy 0.",
    )
    assert notes[0] in markdown(analyse(runs), SETTING, [])


def test_many_failed_runs_are_named_briefly_and_completely():
    runs = [replace(run, errors=("diverged",)) for run in field(("a", "b"), 8)]
    notes = [note for note in analyse(runs).notes if " a " in note]
    assert len(notes) == 6
    assert notes[-1] == "Failed likewise: the networks that a chose with seeds 5, 6, 7."


def test_a_search_in_which_everything_failed_is_named():
    runs = [*field(("a", "b"), 3), made_up("a", 3, 0.2, (0.0, 0.0), failed=2)]
    assert any("every network that a evaluated with seed 3" in note for note in analyse(runs).notes)


def test_errors_and_the_best_constant_answer_are_read_from_a_result():
    final = [{"seed": 1, "error": ""}, {"seed": 2, "error": "diverged"}]
    constant = {"answer": "no", "validation": 0.95, "test": 0.96}
    read = Run.from_result(result_of(final=final, constant_answer=constant, shares=[1.0, 0.5, 0.1]))
    assert (read.errors, read.chance) == (("diverged",), 0.96)
    assert read.spent.tolist() == [1.0, 1.5, 1.6]
    on_table = Run.from_result(
        result_of(constant_answer=constant, incumbents=[{"evaluation": 1, "regret": 0.1}])
    )
    assert on_table.chance == 0.95
    assert Run.from_result(result_of(constant_answer=None)).chance == 0.25


def test_agents_that_may_only_be_guessing_are_said_to():
    runs = [replace(run, chance=0.96) for run in field(("a", "b"), 5, lead=0.4)]
    comparison = analyse([replace(run, test=0.99) if run.agent == "b" else run for run in runs])
    (note,) = comparison.notes
    assert note.startswith("The interval of a lies below 0.960, the accuracy of the best constant answer")
    widely = [replace(run, test=run.test + 0.25 * run.seed) for run in runs if run.agent == "a"]
    (note,) = analyse([*widely, *(replace(run, test=0.99) for run in runs if run.agent == "b")]).notes
    assert note.startswith("The interval of a includes 0.960")
    assert comparison.chance == comparison.as_dict()["constant_answer"] == 0.96
    assert "Its accuracy is 0.960, on the examples" in markdown(comparison, SETTING, [])


def test_what_a_budget_means_for_short_trainings_stands_beside_the_rank():
    short = {"fidelities": np.array([1.0, 3.0, np.inf]), "shares": np.array([0.1, 0.2, 0.7])}
    runs = field(("a", "b"), 3)
    charged = [made_up("halving", seed, 0.7, **short) for seed in range(3)]
    uncharged = [replace(run, shares=None) for run in charged]
    comparison = analyse(runs + charged)
    assert "its 3.0 evaluations a run are charged as 1.0 full ones" in comparison.notes[0]
    assert comparison.agents[0].agent == "halving"
    assert (comparison.agents[0].evaluations, comparison.agents[0].distinct) == (1.0, 3.0)
    assert "counted as a full one" in analyse(runs + uncharged).notes[0]
    assert comparison.notes[0] in markdown(comparison, SETTING, [])
    assert analyse(runs).notes == ()


def test_agents_of_each_access_are_shown_alone_with_the_same_p_values():
    runs = [
        replace(run, access="query" if run.agent in "ac" else "walk")
        for run in field(("a", "b", "c", "d"), 8)
    ]
    comparison = analyse(runs)
    alone = comparison.by_access()
    assert {access: [row.agent for row in each.agents] for access, each in alone.items()} == {
        "walk": ["d", "b"],
        "query": ["c", "a"],
    }
    for each in alone.values():
        assert each.pairs[0] in comparison.pairs
        assert each.verdict[0] == (
            f"Significant at 5% after Holm's correction: {each.agents[0].agent} above {each.agents[1].agent}."
        )
        assert set(each.scores) == set(each.evaluation_curves) == {row.agent for row in each.agents}
    assert comparison.as_dict()["by_access"]["walk"]["agents"] == ["d", "b"]
    text = markdown(comparison, SETTING, [])
    assert "Of the walk agents alone, in order: 1. d, 2. b. Significant" in text
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(terminal_table(Comparison(Path(), SETTING, comparison, ()), "walk"))
    assert "walk agents alone" in " ".join(console.export_text().split())


@pytest.mark.parametrize("by_access", [False, True])
def test_the_terminal_shows_all_agents_or_those_of_each_access(by_access, tmp_path):
    runs = field(("a", "b", "c", "d"), 8)
    runs = tuple(replace(run, access="query") if run.agent in "ac" else run for run in runs)
    outcome = Comparison(tmp_path, replace(SETTING, tuned=("b",)), analyse(runs), runs)
    console = Console(width=120, record=True, file=io.StringIO())
    show_comparison(outcome, console, console, by_access=by_access)
    text = console.export_text()
    assert ("walk agents alone" in text, "query agents alone" in text) == (by_access, by_access)
    assert ("d above a" in text, "--by-access shows each alone" in text) == (not by_access, not by_access)
    assert "d above b" in text
    assert "b was tuned on this table" in text


def test_a_comparison_of_one_access_is_not_split():
    assert analyse(field()).by_access() == {}
    assert "alone, in order" not in markdown(analyse(field()), SETTING, [])
    lone = [replace(run, access="query") if run.agent == "tpe" else run for run in field()]
    assert analyse(lone).by_access() == {}


def test_the_model_based_agent_says_which_tables_it_was_tuned_on():
    assert make_agent("model-based").tuned_on == ("conv-mnist1d", "mlp-mnist1d", "mlp-digits")
    assert Agent.tuned_on == make_agent("random").tuned_on == ()


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path / "tables"))
    return tmp_path


def published(folder, agents):
    plan = Plan(agents, 2, 8, env_id="NASTable-MLP-v0", logdir=str(folder / "logs"))
    (experiment,) = prepare(plan)
    for spec in experiment.specs:
        run(spec)
    return experiment.folder, publish(plan, experiment, [], "nas-gym compare ...")


def test_a_comparison_on_the_tables_of_its_agents_tuning_says_so(shelf):
    shelve(fake_table(benchmark="mlp"))
    folder, found = published(shelf, ["random", {"name": "model-based", "near": 2}])
    assert found.setting.tuned == ("model-based-near=2",)
    assert (
        "> **Caution:** model-based-near=2 was tuned on this table" in (folder / "comparison.md").read_text()
    )


def test_where_searches_select_on_test_scores_it_is_said_and_shown_once(shelf):
    table = fake_table(benchmark="mlp")
    shelve(replace(table, test=table.validation[-1].copy(), selects_on_test=True))
    folder, found = published(shelf, ["random", "evolution"])
    text = (folder / "comparison.md").read_text()
    ranking = next(line for line in text.splitlines() if line.startswith("| rank |"))
    networks = next(line for line in text.splitlines() if line.startswith("| agent | architecture |"))
    assert "> **Caution:** The searches selected on test accuracy" in text
    assert "test accuracy (selected on)" in ranking
    assert "validation" not in ranking + networks
    assert "Validation at full" not in text
    assert "test!" in shown(found.analysis, found.setting)
    values = json.loads((folder / "comparison.json").read_text())
    assert values["selects_on_test"]
    assert values["metric"] == "test accuracy at full fidelity (selected on)"


def test_elsewhere_validation_and_test_are_two_columns():
    comparison = analyse(on_a_table())
    text = markdown(comparison, SETTING, [])
    assert "| test accuracy | validation at full fidelity |" in text
    assert "Caution" not in text
    assert comparison.score_in_words == "validation accuracy at full fidelity"
    figure = curves(comparison, ["random", "tpe"], "evaluations", "here")
    assert figure.axes[0].get_ylabel() == "validation accuracy as seen (optimistic)"


def test_searches_on_shared_weights_are_a_point_at_their_end_and_a_note_says_why():
    late = [
        made_up("darts", seed, 0.5, (0.3,), access="gradient", shares=np.array([8.0])) for seed in range(6)
    ]
    comparison = analyse([*field(("random", "tpe"), 6), *late])
    (note,) = [each for each in comparison.notes if "networks share" in each]
    assert note.startswith("darts spends the budget on weights that networks share")
    (axes,) = curves(comparison, ["darts", "random", "tpe"], "evaluations", "here").axes
    points = {each.get_label(): each.lines[0].get_xdata().tolist() for each in axes.containers}
    assert points == {"darts": [8]}
    (legend,) = axes.figure.legends
    assert [each.get_text() for each in legend.texts] == [row.agent for row in comparison.agents]
    assert not [each for each in analyse(field(("a", "b"), 3)).notes if "networks share" in each]


def test_missing_runs_are_named_and_said_to_be_left_out():
    setting = replace(SETTING, missing=("the run of a with seed 1 on mnist1d failed: it was killed",))
    text = markdown(analyse(field(("a", "b"), 3)), setting, [])
    assert "> **Missing:** the run of a with seed 1 on mnist1d failed: it was killed" in text
    assert "left out of every figure" in text
    assert "left out of every figure" not in markdown(analyse(field(("a", "b"), 3)), SETTING, [])
