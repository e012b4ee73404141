"""Rewards of several objectives in one number, and that choices and rankings follow them."""

import json

import gymnasium as gym
import numpy as np
import pytest
from nas_agents import AGENTS, make_agent
from nas_agents.runs.scoring import score

from nas_gym import NASGymError
from nas_gym.envs import REWARDS, make_reward, worth_of
from nas_gym.evaluators import Evaluation
from nas_gym.traces import Trace, replay
from tests.helpers.environments import environment
from tests.helpers.own_rewards import Small, Smaller
from tests.helpers.scalarisations import OPTIONS as SPECS

CASES = [{"name": name, **options} for name, options in SPECS.items()]
QUERIES = [name for name in AGENTS if AGENTS[name].access == "query"]


def evaluation(score=0.8, parameters=1000, flops=2000, failed=False, **metrics):
    status, error = ("failed", "diverged") if failed else ("ok", "")
    seen = 0.0 if failed else score
    return Evaluation("", seen, (), parameters, flops, 1.0, status, error, (0,), metrics=metrics)


def paid(spec, **options):
    return make_reward(spec)(None, evaluation(**options), True)


def test_linear_is_the_weighted_sum_of_gains():
    costs = [{"name": "parameters", "scale": 4000}, {"name": "flops", "scale": 8000}]
    spec = {"name": "linear", "objectives": ["score", *costs], "weights": [1, 0.4, 0.2]}
    assert paid(spec) == pytest.approx(0.8 - 0.4 * 0.25 - 0.2 * 0.25)


def test_chebyshev_is_the_largest_weighted_distance_to_the_ideal():
    objectives = ["score", {"name": "parameters", "scale": 4000}]
    spec = {"name": "chebyshev", "objectives": objectives, "weights": [1, 2], "rho": 0.1}
    assert paid(spec) == pytest.approx(-max(0.2, 0.5) - 0.1 * 0.7)


def test_mnasnet_is_the_score_times_a_power_of_cost_over_target():
    soft = {"name": "mnasnet", "cost": "latency", "target": 2.0}
    assert paid(soft, latency=3.0) == pytest.approx(0.8 * 1.5**-0.07)
    hard = soft | {"below": 0, "above": -1}
    assert paid(hard, latency=1.0) == pytest.approx(0.8)
    assert paid(hard, latency=4.0) == pytest.approx(0.4)


def test_tunas_has_a_price_on_both_sides_of_the_target():
    spec = {"name": "tunas", "cost": "parameters", "target": 2000, "beta": -0.2}
    assert paid(spec, parameters=1000) == paid(spec, parameters=3000) == pytest.approx(0.8 - 0.1)
    assert paid(spec, parameters=2000) == pytest.approx(0.8)


def test_beyond_a_limit_nothing_is_worth_as_much_as_within():
    spec = {"name": "constraint", "at_most": {"parameters": 1000, "latency": 1.0}}
    within = paid(spec, score=0.0, latency=1.0)
    slightly, far = (paid(spec, score=1.0, parameters=n, latency=0.5) for n in (1001, 10**9))
    assert -1 < far < slightly < within == 0.0
    assert paid(spec, latency=0.9) == 0.8
    assert paid(spec, parameters=2000, latency=2.0) == pytest.approx(-2 / 3)
    assert paid(spec, failed=True, latency=0.5) == -1.0


@pytest.mark.parametrize("spec", CASES, ids=SPECS)
def test_a_failed_training_is_worth_no_more_than_the_worst_within_the_scale(spec):
    reward = gym.make("NASTable-MLP-v0", reward=spec).unwrapped.reward
    fine = worth_of(reward, evaluation(score=0.3), evaluation())
    assert worth_of(reward, evaluation(failed=True), evaluation()) < fine


def test_chebyshev_reaches_the_hollow_of_a_front_that_no_linear_reward_reaches():
    # Scores and costs on a hollow front: the middle is below the line between the ends.
    front = [(1.0, 1000), (0.45, 450), (0.0, 0)]
    networks = [evaluation(score=score, parameters=cost) for score, cost in front]
    objectives = ["score", {"name": "parameters", "scale": 1000}]

    def best(name, weights):
        reward = make_reward({"name": name, "objectives": objectives, "weights": list(weights)})
        return int(np.argmax([reward(None, each, True) for each in networks]))

    weights = [(w, 1 - w) for w in np.linspace(0.02, 0.98, 49)]
    hollow = [evaluation(score=0.4, parameters=450)]
    networks[1:2] = hollow
    assert {best("linear", each) for each in weights} == {0, 2}
    assert {best("chebyshev", each) for each in weights} == {0, 1, 2}


@pytest.mark.parametrize("spec", CASES, ids=SPECS)
@pytest.mark.parametrize("episodic", [False, True])
def test_many_environments_pay_what_single_ones_do(spec, episodic):
    options = {"reward": spec | {"episodic": episodic}, "horizon": 3}
    envs = gym.make_vec("NASTable-MLP-v0", num_envs=3, **options)
    singles = [gym.make("NASTable-MLP-v0", **options) for _ in range(3)]
    for row, single in enumerate(singles):
        single.reset(seed=row)
    _, info = envs.reset(seed=0)
    rng = np.random.default_rng(1)
    for step in range(3):
        actions = np.array([rng.choice(np.flatnonzero(mask)) for mask in info["action_mask"]])
        _, rewards, ended, _, info = envs.step(actions)
        assert rewards.tolist() == [one.step(action)[1] for one, action in zip(singles, actions, strict=True)]
        assert ended.all() == (episodic and step == 2)
        assert not (episodic and step < 2 and rewards.any())


@pytest.mark.parametrize("spec", CASES, ids=SPECS)
def test_the_config_builds_the_reward_again_with_its_scales(spec):
    reward = gym.make("NASTable-MLP-v0", reward=spec).unwrapped.reward
    again = make_reward(json.loads(json.dumps(reward.config())))
    assert again.config() == reward.config()
    assert worth_of(again, evaluation(), evaluation()) == worth_of(reward, evaluation(), evaluation())


def test_every_scalarisation_is_tested_here():
    assert {"score", "improvement", "final", *SPECS} == set(REWARDS)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"name": "linear", "objectives": ["score"]}, "needs the option 'weights'"),
        ({"name": "linear", "objectives": ["score"], "weights": [1, 2]}, "must be 1 numbers of at least 0"),
        ({"name": "linear", "objectives": ["score"], "weights": [0]}, "must be above 0"),
        ({"name": "linear", "objectives": ["score"], "weights": [-1]}, "numbers of at least 0"),
        ({"name": "chebyshev", "objectives": ["score"], "weights": [1], "rho": -1}, "rho"),
        ({"name": "mnasnet", "cost": "score", "target": 1}, "unknown cost of the reward 'mnasnet' 'score'"),
        ({"name": "mnasnet", "cost": "flops", "target": 0}, "target .* must be a number above 0"),
        ({"name": "mnasnet", "cost": "flops", "target": 1, "above": 1}, "must be a number of at most 0"),
        ({"name": "tunas", "cost": "flops", "target": 1, "beta": 0.1}, "must be a number of at most 0"),
        ({"name": "constraint", "at_most": {}}, "must be a dict of limits"),
        ({"name": "constraint", "at_most": {"score": 1}}, "unknown limit"),
        ({"name": "constraint", "at_most": {"flops": -1}}, "must be a number above 0"),
        ({"name": "constraint", "at_most": {"latency": 1}}, "'latency': 'here'"),
        ({"name": "constraint", "at_most": {"flops": 1}, "episodic": 1}, "must be True or False"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(spec, message):
    with pytest.raises(NASGymError, match=message) as caught:
        gym.make("NASTable-MLP-v0", reward=spec)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("reward", [*CASES, Small(), Smaller()], ids=[*SPECS, "Small", "Smaller"])
def test_the_choice_is_what_the_reward_pays_most_for(reward):
    env = gym.make("NASTable-MLP-v0", reward=reward)
    result = make_agent("random").search(env, 60, 0)
    asked = env.unwrapped.reward
    first = result.evaluations[0]
    paid = {one.architecture: asked(first, one, True) for one in result.evaluations}
    assert paid[result.architecture] == max(paid.values())
    assert env.unwrapped.ledger.best.architecture == result.architecture
    assert env.unwrapped.ledger.top(3)[0].architecture == result.architecture
    assert result.architecture != max(result.evaluations, key=lambda one: one.score).architecture


@pytest.mark.parametrize("name", QUERIES)
def test_every_agent_that_asks_follows_the_reward(name):
    """With a price on parameters, each finds smaller networks than without."""

    def chosen(weight):
        spec = {"name": "linear", "objectives": ["score", "parameters"], "weights": [1, weight]}
        env = gym.make("NASTable-MLP-v0", reward=spec)
        return make_agent(name).search(env, 40, 0)

    free, priced = chosen(0), chosen(20)
    sizes = [np.median([one.parameters for one in result.evaluations[20:]]) for result in (free, priced)]
    if name not in ("random", "optuna-random", "brute-force", "hyperband", "successive-halving"):
        assert sizes[1] < sizes[0]
    assert min(one.parameters for one in priced.evaluations) >= 1
    best = min(one.parameters for one in priced.evaluations if not one.failed)
    chosen_size = next(
        one.parameters for one in priced.evaluations if one.architecture == priced.architecture
    )
    assert chosen_size <= 1.5 * best


def test_under_a_reward_of_scores_the_worth_is_the_score():
    env = environment()
    env.unwrapped.start_run(5)
    found = env.unwrapped.evaluate(list(env.unwrapped.search_space)[:5])
    assert [env.unwrapped.ledger.worth(one) for one in found] == [one.score for one in found]


def test_the_regret_on_a_table_is_of_what_the_reward_pays():
    spec = {"name": "linear", "objectives": ["score", "parameters"], "weights": [1, 1]}
    env = gym.make("NASTable-MLP-v0", reward=spec)
    result = make_agent("random").search(env, 40, 0)
    values = score(env.unwrapped, result)
    table, reward = env.unwrapped.evaluator.table, env.unwrapped.reward
    every = table.mean_score() - table.parameters / table.parameters.max()
    index = table.search_space.index(table.search_space.parse(result.architecture))
    assert values["worth"] == pytest.approx(every[index])
    assert values["optimum"] == pytest.approx(every.max())
    assert values["regret"] == pytest.approx(every.max() - every[index])
    assert values["incumbents"][-1]["regret"] == values["regret"]
    assert [each["regret"] for each in values["incumbents"]] == sorted(
        (each["regret"] for each in values["incumbents"]), reverse=True
    )
    assert reward.config()["objectives"][1]["scale"] == table.parameters.max()


def test_a_traced_run_under_a_constraint_is_replayed(tmp_path):
    spec = {"name": "constraint", "at_most": {"parameters": 2000}}
    env = Trace(gym.make("NASTable-MLP-v0", reward=spec), tmp_path / "run")
    result = make_agent("q-learning").search(env, 40, 0)
    env.close()
    chosen = next(one for one in result.evaluations if one.architecture == result.architecture)
    assert chosen.parameters <= 2000
    assert replay(tmp_path / "run").ok
