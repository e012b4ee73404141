"""A limit by the clock, for every registered agent: it ends the search, and the result says what follows."""

from __future__ import annotations

import json

import gymnasium as gym
import pytest
from nas_agents import AGENTS, Result, make_agent
from nas_agents.runs.run import RunSpec, run

from nas_gym.errors import NASGymError
from nas_gym.evaluators import TableEvaluator
from tests.helpers.clock import fake_clock
from tests.helpers.data.tables import fake_table
from tests.helpers.environments import environment, scattered, texts

# Searches on shared weights refuse a limit by the clock.
ALL = sorted(name for name in AGENTS if AGENTS[name].access != "gradient")
SECONDS_EACH = 6
LEARNING = ("dqn", "ppo", "preference-ppo")  # which learn for all the steps that they may take


@pytest.fixture
def clock(monkeypatch):
    return fake_clock(monkeypatch)


def slow_environment(clock, **options):
    """An environment in which an evaluation takes six seconds by the clock."""

    def slow(architecture, seed):
        clock.time += SECONDS_EACH
        return scattered(architecture, seed)

    return environment(slow, **options)


@pytest.mark.parametrize("name", ALL)
def test_the_clock_ends_a_search(name, clock):
    result = make_agent(name).search(slow_environment(clock), {"minutes": 0.5}, 0)
    assert result.stopped == "minutes"
    assert len(result.evaluations) == 5
    assert not result.repeatable
    assert result.note == (
        "ended by the clock after 0.5 minutes: another run would not end at the same evaluation, so this one "
        "cannot be repeated exactly"
    )
    assert Result.from_dict(json.loads(json.dumps(result.as_dict()))) == result


@pytest.mark.parametrize("name", ALL)
def test_a_search_that_the_clock_ends_is_the_beginning_of_the_one_without_it(name, clock):
    agent = make_agent(name)
    whole = agent.search(environment(), 9, 3)
    cut = agent.search(slow_environment(clock), {"evaluations": 9, "minutes": 0.5}, 3)
    assert cut.stopped == "minutes"
    assert texts(cut) == texts(whole)[:5]


@pytest.mark.parametrize("name", ALL)
def test_a_search_that_ends_before_its_time_is_the_one_without_a_clock(name, clock):
    agent = make_agent(name)
    plain = agent.search(environment(), 5, 3)
    limited = agent.search(slow_environment(clock), {"evaluations": 5, "minutes": 9}, 3)
    assert (limited.stopped, limited.repeatable, limited.note) == (plain.stopped, True, "")
    assert limited.evaluations == plain.evaluations
    assert limited.steps == plain.steps


@pytest.mark.parametrize("name", ALL)
def test_seconds_and_minutes_together_end_by_the_first_that_is_reached(name, clock):
    agent = make_agent(name)
    by_cost = agent.search(slow_environment(clock), {"seconds": 3.5, "minutes": 9}, 0)
    assert (by_cost.stopped, by_cost.seconds, by_cost.repeatable) == ("budget", 3.0, True)
    by_clock = agent.search(slow_environment(clock), {"seconds": 30, "minutes": 0.2}, 0)
    assert (by_clock.stopped, len(by_clock.evaluations)) == ("minutes", 2)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in LEARNING else ()) for name in ALL]
)
def test_a_space_that_is_exhausted_does_not_wait_for_the_clock(name, clock):
    result = make_agent(name).search(environment(), {"minutes": 9}, 0)
    assert result.stopped == ("max_steps" if AGENTS[name].access == "walk" else "space exhausted")
    assert result.repeatable == (not result.note)
    if name == "dqn":  # its exploration went by the clock
        assert "cannot be repeated exactly" in result.note
    if name in ("random", "brute-force", "evolution"):
        assert result.repeatable


@pytest.mark.parametrize("name", ALL)
def test_every_agent_searches_a_table_until_the_clock_ends_it(name, monkeypatch):
    fake_clock(monkeypatch, look=0.2)
    env = gym.make("NAS-v0", evaluator=TableEvaluator(fake_table()))
    result = make_agent(name).search(env, {"minutes": 0.1}, 0)
    assert result.stopped == "minutes"
    assert result.evaluations


def test_a_time_that_ends_before_the_first_evaluation_is_refused(monkeypatch):
    fake_clock(monkeypatch, look=10)
    with pytest.raises(NASGymError, match="raise the budget"):
        make_agent("random").search(environment(), {"minutes": 0.1}, 0)


def spec(tmp_path, budget, **others):
    evaluator = {"name": "function", "function": "tests.agents.test_clock:scattered"}
    options = {"search_space": {"name": "mlp", "max_layers": 3}, "task": "breast_cancer", "store": "memory"}
    return RunSpec("random", budget, str(tmp_path / "run"), env=options | {"evaluator": evaluator}, **others)


@pytest.mark.parametrize("trace", [True, False])
def test_the_file_of_the_result_says_that_the_clock_ended_the_run(tmp_path, monkeypatch, trace):
    fake_clock(monkeypatch, look=1)
    run(spec(tmp_path, {"minutes": 0.5}, trace=trace))
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["stopped"] == "minutes"
    assert result["repeatable"] is False
    assert result["note"].startswith("ended by the clock after 0.5 minutes")


@pytest.mark.parametrize("other", [5, {"minutes": 2}, {"evaluations": 5, "minutes": 0.5}])
def test_a_run_that_the_clock_ended_is_not_taken_for_one_of_another_budget(tmp_path, monkeypatch, other):
    fake_clock(monkeypatch, look=1)
    run(spec(tmp_path, {"minutes": 0.5}))
    with pytest.raises(NASGymError, match="another config"):
        run(spec(tmp_path, other))
