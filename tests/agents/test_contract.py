"""What holds for every registered agent."""

from __future__ import annotations

import json
import random
import warnings

import gymnasium as gym
import numpy as np
import pytest
import torch
from nas_agents import AGENTS, Result, make_agent

from nas_gym.envs import NASEnv
from nas_gym.errors import NASGymError
from nas_gym.evaluators import TableEvaluator
from nas_gym.evaluators.store.store import make_store
from nas_gym.traces import State, Trace
from tests.helpers.data.tables import fake_table
from tests.helpers.environments import SMALL, environment, everything_fails, relu_layers, scattered, texts

# Those that search on shared weights have a contract of their own, tests/agents/one_shot.
ALL = sorted(name for name in AGENTS if AGENTS[name].access != "gradient")
WALKS = [name for name in ALL if AGENTS[name].access == "walk"]
QUERIES = [name for name in ALL if AGENTS[name].access == "query"]
NEURAL = ["dqn", "ppo", "preference-ppo"]
LEARNERS = [*NEURAL, "q-learning"]
HALVING = ["hyperband", "successive-halving"]
# Less simulation between real steps, where many steps are asked for.
CHEAP = {"dqn": {"planning": 1}, "ppo": {"planning": 1, "n_epochs": 1}}
SMALL_CONV = {"name": "conv", "max_layers": 2, "channels": [4], "activations": ["relu"]}
SMALL_CELL = {"name": "cell", "operations": ["none", "skip_connect", "nor_conv_1x1"]}
# They learn nothing of edits in a search, and score them by the architectures that they lead to.
SCORERS = ["pretrained", "pretrained-walk"]


def search(name, budget=8, seed=0, env=None, **hyperparameters):
    return make_agent({"name": name} | hyperparameters).search(env or environment(), budget, seed)


def half_fail(architecture, seed):
    return float("nan") if "sigmoid" in str(architecture) else scattered(architecture, seed)


@pytest.mark.parametrize("name", ALL)
def test_a_search_makes_no_more_distinct_evaluations_than_its_budget(name):
    env = environment()
    result = search(name, budget=6, env=env)
    trained = env.unwrapped.evaluator.trained
    assert len(trained) == len(set(trained)) <= 6
    assert texts(result) == trained


@pytest.mark.parametrize("name", ALL)
def test_a_budget_that_the_space_exceeds_is_spent_whole(name):
    result = search(name, budget=6)
    assert len(result.evaluations) == 6
    assert result.stopped == "budget"


@pytest.mark.parametrize("name", ALL)
def test_a_budget_in_seconds_is_respected(name):
    result = search(name, budget={"seconds": 5.5})
    assert result.seconds == sum(evaluation.seconds for evaluation in result.evaluations) == 5.0
    assert result.stopped == "budget"


@pytest.mark.parametrize("name", ALL)
def test_the_same_seed_gives_the_same_result(name):
    first, second = search(name, budget=10), search(name, budget=10)
    assert first == second
    assert first.as_dict() == second.as_dict()


@pytest.mark.parametrize("name", ALL)
def test_an_agent_carries_nothing_from_one_search_to_the_next(name):
    agent = make_agent(name)
    first = agent.search(environment(), 8, 0)
    agent.search(environment(relu_layers), 8, 1)
    assert agent.search(environment(), 8, 0) == first


@pytest.mark.parametrize("name", ALL)
def test_seeds_lead_to_different_histories(name):
    histories = {tuple(texts(search(name, budget=6, seed=seed))) for seed in range(4)}
    assert len(histories) >= 3


@pytest.mark.parametrize("name", ALL)
def test_the_chosen_architecture_is_the_best_seen(name):
    result = search(name, budget=9)
    best = max(evaluation.score for evaluation in result.evaluations)
    assert result.score == best
    chosen = next(e for e in result.evaluations if e.architecture == result.architecture)
    assert chosen.score == best


@pytest.mark.parametrize("name", ALL)
def test_a_space_smaller_than_the_budget_ends_the_search(name):
    result = search(name, budget=15, **CHEAP.get(name, {}))
    assert len(result.evaluations) <= 14
    assert result.stopped == ("space exhausted" if name in QUERIES else "max_steps")
    assert result.steps <= 50 * 15
    if name in QUERIES:
        assert len(result.evaluations) == 14


@pytest.mark.parametrize("name", ALL)
def test_a_search_in_which_everything_fails_gives_the_first_architecture(name):
    result = search(name, budget=5, env=environment(everything_fails))
    assert result.score == 0.0
    assert result.architecture == result.evaluations[0].architecture
    assert all(evaluation.failed for evaluation in result.evaluations)


@pytest.mark.parametrize("name", ALL)
def test_failed_evaluations_are_survived_kept_and_not_chosen(name):
    result = search(name, budget=12, env=environment(half_fail))
    assert any(evaluation.failed for evaluation in result.evaluations)
    assert "sigmoid" not in result.architecture


@pytest.mark.parametrize("name", ALL)
def test_a_result_survives_json(name):
    result = search(name, budget={"seconds": 3.0})
    read = Result.from_dict(json.loads(json.dumps(result.as_dict(), allow_nan=False)))
    assert read == result
    assert read.hyperparameters == make_agent(name).hyperparameters()


@pytest.mark.parametrize("reward", ["improvement", "final"])
@pytest.mark.parametrize("name", ALL)
def test_every_reward_can_be_searched(name, reward):
    result = search(name, budget=4, env=environment(reward=reward, horizon=5))
    assert 1 <= len(result.evaluations) <= 4


@pytest.mark.parametrize("space", [SMALL_CONV, SMALL_CELL], ids=["conv", "cell"])
@pytest.mark.parametrize("name", ALL)
def test_every_space_can_be_searched(name, space):
    assert len(search(name, budget=4, env=environment(space=space)).evaluations) == 4


@pytest.mark.parametrize("seeds", ["mean", "random"])
@pytest.mark.parametrize("name", ALL)
def test_every_agent_searches_a_table_and_never_its_test_scores(name, seeds):
    table = fake_table()
    table.test[:] = np.nan
    env = gym.make("NAS-v0", evaluator=TableEvaluator(table, seeds=seeds))
    found, again, other = (search(name, budget=12, seed=seed, env=env) for seed in (0, 0, 1))
    asked = {(e.architecture, e.seeds, e.fidelity) for e in found.evaluations}
    assert len(found.evaluations) == len(asked)
    # Epochs of trainings that are short or go on are a part of an evaluation.
    assert sum(found.shares) == pytest.approx(12, abs=1) if name in HALVING else len(asked) == 12
    assert sum(found.shares) <= 12 + 1e-9
    assert found == again
    assert found.evaluations != other.evaluations
    assert found.seconds == pytest.approx(sum(found.charges))
    drawn = {len(e.seeds) for e in found.evaluations}
    assert drawn == ({1} if seeds == "random" else {3})


@pytest.mark.parametrize("name", ALL)
def test_a_search_starts_a_run_of_its_own(name):
    env = environment()
    first = search(name, env=env)
    assert search(name, env=env) == first


@pytest.mark.parametrize("name", ALL)
def test_global_random_states_and_threads_are_left_alone(name):
    random.seed(1), np.random.seed(1), torch.manual_seed(1)  # noqa: NPY002
    threads = torch.get_num_threads()
    expected = random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    search(name)
    assert random.getstate() == expected[0]
    assert np.array_equal(np.random.get_state()[1], expected[1])  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), expected[2])
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("name", ALL)
def test_the_global_random_state_does_not_reach_the_search(name):
    first = search(name)
    random.seed(7), np.random.seed(7), torch.manual_seed(7)  # noqa: NPY002
    assert search(name) == first


@pytest.mark.parametrize("name", ALL)
def test_a_search_is_silent(name, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        search(name)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ALL)
def test_a_warm_store_gives_the_result_of_an_empty_one(name, tmp_path):
    def trained(store):
        evaluator = {"name": "train", "recipe": {"epochs": 1, "batch_size": 128}}
        env = gym.make("NAS-v0", search_space=SMALL, task="breast_cancer", evaluator=evaluator, store=store)
        return search(name, budget=5, env=env), env.unwrapped.stats

    store = f"sqlite:///{tmp_path}/store.db"
    cold, cold_stats = trained(store)
    warm, warm_stats = trained(store)
    assert cold_stats.stored == 0
    assert warm_stats.stored == warm_stats.unique == 5
    assert warm == cold


@pytest.mark.parametrize("name", ALL)
def test_recording_changes_nothing(name, tmp_path):
    env = Trace(environment(), tmp_path / "run", agent=name)
    traced = search(name, env=env)
    env.finish(traced.as_dict())
    assert traced == search(name)
    assert (tmp_path / "run" / "trace.jsonl").exists()


@pytest.mark.parametrize("name", WALKS)
def test_a_walk_only_steps(name, monkeypatch):
    def refuse(self, *arguments, **options):
        raise AssertionError("a walk asked for an architecture")

    monkeypatch.setattr(NASEnv, "evaluate", refuse)
    assert len(search(name).evaluations) == 8


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_never_steps(name, monkeypatch):
    def refuse(self, action):
        raise AssertionError("a query stepped")

    monkeypatch.setattr(NASEnv, "step", refuse)
    assert len(search(name).evaluations) == 8


@pytest.mark.parametrize("observation", ["index", "dict+mask"])
@pytest.mark.parametrize("name", WALKS)
def test_a_walk_takes_every_flat_observation(name, observation):
    assert len(search(name, env=environment(observation=observation)).evaluations) == 8


@pytest.mark.parametrize("name", WALKS)
def test_a_walk_takes_legal_actions_only(name):
    class Watch(gym.Wrapper):
        illegal = steps = 0

        def step(self, action):
            *result, info = super().step(action)
            self.steps += 1
            self.illegal += info["illegal_action"]
            return *result, info

    env = Watch(environment(initial="random", horizon=7))
    search(name, budget=15, env=env, **CHEAP.get(name, {}))
    assert env.steps == 50 * 15
    assert env.illegal == 0


@pytest.mark.parametrize("name", LEARNERS + SCORERS)
def test_a_walk_that_learns_hands_out_its_policy(name):
    env = environment()
    policy = search(name, env=env).policy
    space = env.unwrapped.search_space
    states = [State(architecture) for architecture in space]
    masks = np.array([space.mask(architecture) for architecture in space])
    scores = policy.scores(states, masks)
    assert scores.shape == masks.shape
    assert np.isfinite(scores[masks]).all()
    assert policy.kind == ("probabilities" if "ppo" in name else "q_values")


@pytest.mark.parametrize("name", sorted(set(ALL) - set(LEARNERS) - set(SCORERS)))
def test_what_learns_no_values_of_edits_has_no_policy_over_them(name):
    assert search(name).policy is None


@pytest.mark.parametrize("name", LEARNERS)
def test_gamma_1_needs_an_episodic_reward(name):
    with pytest.raises(NASGymError, match="gamma 1 with a reward that goes on"):
        search(name, gamma=1)
    assert search(name, budget=2, gamma=1, env=environment(reward="final", horizon=5)).evaluations


@pytest.mark.parametrize("name", NEURAL)
def test_an_observation_without_a_policy_network_is_refused(name):
    with pytest.raises(NASGymError, match="observation='dict'"):
        search(name, env=environment(observation="graph"))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("budget", [0, -3, 2.5, "ten", {"seconds": 0}])
def test_a_budget_below_one_is_refused(name, budget):
    with pytest.raises(NASGymError, match="budget"):
        search(name, budget=budget)


@pytest.mark.parametrize("name", ALL)
def test_a_budget_that_pays_for_nothing_is_refused(name):
    with pytest.raises(NASGymError, match="raise the budget"):
        search(name, budget={"seconds": 0.5})


@pytest.mark.parametrize("seed", [-1, 1.5, None])
def test_a_seed_that_is_no_whole_number_is_refused(seed):
    with pytest.raises(NASGymError, match="seed"):
        search("random", seed=seed)


def test_a_store_object_can_be_shared(tmp_path):
    store = make_store(str(tmp_path / "store.db"))
    recipe = {"name": "train", "recipe": {"epochs": 1, "batch_size": 256}}
    env = gym.make("NAS-v0", search_space=SMALL, task="breast_cancer", evaluator=recipe, store=store)
    assert search("random", budget=2, env=env).evaluations == search("random", budget=2, env=env).evaluations
