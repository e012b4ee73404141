"""Runs on a table: regret to the known optimum, hundreds of them without traces, seeds drawn at random."""

import json
from dataclasses import replace

import numpy as np
import pytest
from nas_agents import make_agent
from nas_agents.comparison.plan import Plan, prepare
from nas_agents.comparison.publish import publish
from nas_agents.runs.run import RunSpec, make_env, run

from nas_gym.tables.catalogue import FOLDER
from tests.helpers.data.tables import fake_table, shelve

ENV = "NASTable-MLP-v0"


@pytest.fixture(autouse=True)
def table(tmp_path, monkeypatch):
    """84 architectures with 3 seeds at 1, 3 and 9 epochs, in place of the table that is shipped."""
    monkeypatch.setenv(FOLDER, str(tmp_path / "tables"))
    return shelve(fake_table(benchmark="mlp"))


def spec(tmp_path, agent="random", seed=0, budget=20, trace=False, **env):
    return RunSpec(agent, budget, str(tmp_path / f"{agent}-{seed}-{trace}"), seed, ENV, env, trace)


def files(spec):
    from pathlib import Path

    return {path.name for path in Path(spec.folder).rglob("*")}


def test_regret_is_to_the_best_mean_over_all_seeds_at_full_fidelity(tmp_path, table):
    result = run(spec(tmp_path))
    means = table.validation[-1].mean(axis=1)
    space = table.search_space
    worth = [means[space.index(space.parse(each["architecture"]))] for each in result["evaluations"]]
    assert result["optimum"] == pytest.approx(means.max())
    assert result["regret"] == pytest.approx(means.max() - max(worth))
    assert result["validation_score"] == pytest.approx(max(worth))
    for each, following in zip(result["incumbents"], [*result["incumbents"][1:], None], strict=True):
        until = following["evaluation"] - 1 if following else len(worth)
        for number in range(each["evaluation"], until + 1):
            assert each["regret"] == pytest.approx(means.max() - max(worth[:number]))


def test_a_search_at_a_low_fidelity_is_scored_at_the_full_one(tmp_path, table):
    result = run(spec(tmp_path, evaluator={"name": "table", "benchmark": "mlp", "fidelity": 1}))
    means, index = table.validation[-1].mean(axis=1), table.search_space.index
    chosen = index(table.search_space.parse(result["architecture"]))
    assert result["score"] == pytest.approx(table.validation[0, chosen].mean())
    assert result["regret"] == pytest.approx(means.max() - means[chosen])
    assert result["test_score"] == pytest.approx(table.test[chosen].mean())


def test_the_optimum_once_found_has_no_regret_at_all(tmp_path):
    result = run(spec(tmp_path, budget=84))
    assert result["regret"] == result["incumbents"][-1]["regret"] == 0.0


def test_a_run_without_a_trace_keeps_its_result_alone_and_the_same(tmp_path):
    bare, traced = spec(tmp_path), spec(tmp_path, trace=True)
    assert run(bare) == run(traced)
    assert files(bare) == {"config.json", "result.json"}
    assert "trace.jsonl" in files(traced)
    assert run(bare) == json.loads((tmp_path / "random-0-False" / "result.json").read_text())


def test_a_run_without_a_trace_takes_the_place_of_an_unfinished_one_that_had_one(tmp_path):
    traced = spec(tmp_path, trace=True)
    result = run(traced)
    (tmp_path / "random-0-True" / "result.json").unlink()
    assert run(replace(traced, trace=False)) == result
    assert files(traced) == {"config.json", "result.json"}


def test_a_search_that_is_refused_leaves_no_folder(tmp_path):
    with pytest.raises(Exception, match="raise the budget"):
        run(spec(tmp_path, budget={"seconds": 1e-6}))
    assert [path.name for path in tmp_path.iterdir()] == ["tables"]


@pytest.mark.parametrize("agent", ["successive-halving", "hyperband"])
def test_going_on_from_a_shorter_training_is_charged_the_difference(tmp_path, agent):
    result = run(spec(tmp_path, agent, budget={"seconds": 60.0}))
    assert result["seconds"] == pytest.approx(sum(result["charges"]))
    assert result["seconds"] < sum(each["seconds"] for each in result["evaluations"])
    assert {each["fidelity"] for each in result["evaluations"]} == {1, 3, None}
    assert any(each["evaluation"] > 1 for each in result["incumbents"])


@pytest.mark.parametrize("agent", ["evolution", "local-search", "q-learning", "random", "reinforce"])
def test_drawn_seeds_belong_to_the_seed_of_the_search(agent):
    env = make_env(ENV, {"evaluator": {"name": "table", "benchmark": "mlp", "seeds": "random"}})
    results = [make_agent(agent).search(env, 20, seed) for seed in (0, 0, 1)]
    assert results[0] == results[1]
    drawn = [[each.seeds for each in result.evaluations] for result in results]
    assert drawn[0] != drawn[2]
    assert {seeds for each in drawn for seeds in each} == {(0,), (1,), (2,)}


def test_a_comparison_on_a_table_records_no_traces_and_reports_regret(tmp_path):
    plan = Plan(["random", "hyperband"], 4, 15, env_id=ENV, logdir=str(tmp_path / "logs"))
    (experiment,) = prepare(plan)
    assert not any(spec.trace for spec in experiment.specs)
    assert all(spec.trace for spec in prepare(replace(plan, trace=True))[0].specs)
    results = [run(spec) for spec in experiment.specs]
    published = publish(plan, experiment, [], "nas-gym compare ...")
    for row in published.analysis.agents:
        regrets = [result["regret"] for result in results if result["label"] == row.agent]
        assert row.regret.value == pytest.approx(np.mean(regrets))
    assert (experiment.folder / "regret_by_evaluations.png").exists()
    assert "mean regret" in (experiment.folder / "comparison.md").read_text()
    assert all(prepare(plan)[0].finished)
