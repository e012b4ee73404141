"""Several objectives at once: a vector reward in the conventions of MO-Gymnasium."""

import copy
import json
import pickle

import gymnasium as gym
import numpy as np
import pytest

from nas_gym import NASGymError
from nas_gym.envs import NASMultiObjectiveEnv, NASMultiObjectiveVectorEnv
from nas_gym.traces import Trace, replay
from tests.helpers.fakes import fake_env

MLP = {"name": "table", "benchmark": "mlp"}
THREE = ["score", "parameters", "flops"]


def made(**options):
    options = {"evaluator": MLP, "horizon": 5, "objectives": THREE} | options
    return gym.make("NASMultiObjective-v0", **options)


def walk(env, steps, seed=0):
    """Rewards, ends and evaluations of a random walk."""
    rng, found = np.random.default_rng(seed), []
    _, info = env.reset(seed=0)
    for _ in range(steps):
        action = rng.choice(np.flatnonzero(info["action_mask"]))
        _, reward, terminated, truncated, info = env.step(action)
        found.append((reward, terminated, truncated, env.unwrapped.evaluate(str(info["architecture"]))))
        if terminated or truncated:
            _, info = env.reset()
    return found


def expected(env, evaluation):
    table = env.unwrapped.evaluator.table
    return [
        evaluation.score,
        -evaluation.parameters / table.parameters.max(),
        -evaluation.flops / table.flops.max(),
    ]


def test_a_step_is_paid_the_score_and_the_negated_costs_as_shares_of_the_highest():
    env = made(reward="step")
    for reward, terminated, _, evaluation in walk(env, 12):
        assert (reward.dtype, reward.shape) == (np.float32, (3,))
        assert env.unwrapped.reward_space.contains(reward)
        assert reward == pytest.approx(np.array(expected(env, evaluation)), abs=1e-6)
        assert not terminated


def test_the_last_network_alone_is_paid_and_evaluated_by_default():
    env = made()
    assert "steps_left" in env.observation_space.spaces
    _, info = env.reset(seed=0)
    for _ in range(4):
        _, reward, terminated, _, info = env.step(1)
        assert reward.tolist() == [0.0, 0.0, 0.0]
        assert not terminated
    assert env.unwrapped.stats.unique == 0
    _, reward, terminated, truncated, info = env.step(0)
    evaluation = env.unwrapped.evaluate(str(info["architecture"]))
    assert (terminated, truncated, env.unwrapped.stats.unique) == (True, False, 1)
    assert reward == pytest.approx(np.array(expected(env, evaluation)), abs=1e-6)


@pytest.mark.parametrize("seeds", ["mean", "random"])
@pytest.mark.parametrize("paid", ["final", "step"])
@pytest.mark.parametrize("mode", ["next_step", "same_step"])
def test_many_environments_pay_what_single_ones_do(paid, seeds, mode):
    options = {"evaluator": MLP | {"seeds": seeds}, "horizon": 3, "objectives": THREE, "reward": paid}
    envs = gym.make_vec("NASMultiObjective-v0", num_envs=3, autoreset_mode=mode, **options)
    singles = [gym.make("NASMultiObjective-v0", **options) for _ in range(3)]
    _, info = envs.reset(seed=0)
    for row, single in enumerate(singles):
        single.reset(seed=row)
    rng, waits = np.random.default_rng(1), False
    for _ in range(9):
        actions = np.array([rng.choice(np.flatnonzero(mask)) for mask in info["action_mask"]])
        _, rewards, ended, cut, info = envs.step(actions)
        assert (rewards.dtype, rewards.shape) == (np.float32, (3, 3))
        if waits:
            assert not rewards.any()
            waits = False
            continue
        steps = [one.step(action) for one, action in zip(singles, actions, strict=True)]
        assert rewards.tolist() == [step[1].tolist() for step in steps]
        if (ended | cut).any():
            waits = mode == "next_step"
            for single in singles:
                single.reset()


def test_the_reward_space_says_what_rewards_are():
    env = made().unwrapped
    assert (env.reward_dim, env.reward_space.shape) == (3, (3,))
    assert env.reward_space.low.tolist() == [0, -1, -1]
    assert env.reward_space.high.tolist() == [1, 0, 0]
    envs = gym.make_vec("NASMultiObjective-v0", num_envs=2, evaluator=MLP)
    assert (envs.reward_space.shape, envs.single_reward_space.shape, envs.reward_dim) == ((2, 2), (2,), 2)


def test_the_front_of_a_table_is_that_of_all_pairs():
    env = made(objectives=["score", "parameters"], horizon=20).unwrapped
    table = env.evaluator.table
    every = np.stack([table.mean_score(), -table.parameters / table.parameters.max()], axis=1)
    best = {
        tuple(one)
        for one in every.tolist()
        if not ((every >= one).all(axis=1) & (every > one).any(axis=1)).any()
    }
    front = env.pareto_front(gamma=1.0)
    assert {tuple(point) for point in np.round(front, 12).tolist()} == {
        tuple(point) for point in np.round(list(best), 12).tolist()
    }
    shrunk = env.pareto_front(gamma=0.9)
    assert np.allclose(shrunk, 0.9**19 * np.array(front))
    assert all(one.architecture for one in env.pareto_networks())


def test_the_front_holds_what_the_horizon_reaches_alone():
    near = made(objectives=["score", "parameters"], horizon=1).unwrapped
    space = near.search_space
    reached = {str(space.smallest()), *(str(each) for each in space.neighbours(space.smallest()))}
    assert {one.architecture for one in near.pareto_networks()} <= reached


def test_the_return_of_an_episode_is_never_above_the_front():
    env = made(objectives=["score", "parameters"], horizon=4)
    front = np.array(env.unwrapped.pareto_front(gamma=1.0))
    for reward, terminated, _, _ in walk(env, 40):
        if terminated:
            dominated = (front >= reward - 1e-6).all(axis=1)
            assert dominated.any()


def test_a_front_that_is_not_known_is_refused():
    with pytest.raises(NASGymError, match="pass reward='final'"):
        made(reward="step").unwrapped.pareto_front(gamma=0.9)
    trained = gym.make("NASMultiObjective-v0", store="memory")
    with pytest.raises(NASGymError, match="known on tables"):
        trained.unwrapped.pareto_front(gamma=0.9)


def test_without_a_table_costs_are_compared_with_drawn_networks():
    one, other = (gym.make("NASMultiObjective-v0", store="memory").unwrapped for _ in range(2))
    assert one.objectives == other.objectives
    assert one.objectives[1].scale > 100
    assert one.reward_space.low.tolist() == [0, -np.inf]


def test_a_failed_training_is_paid_score_0_and_the_highest_cost():
    env = fake_env(score=lambda architecture, seed: float("nan"))
    options = env.spec.kwargs | {"objectives": ["score", {"name": "parameters", "scale": 10}]}
    failing = NASMultiObjectiveEnv(**options, reward="step", store="memory")
    failing.reset(seed=0)
    _, reward, _, _, info = failing.step(0)
    assert reward.tolist() == [0.0, -1.0]
    assert info["error"]


def test_the_config_builds_the_environment_again():
    env = made(objectives=["score", {"name": "flops", "scale": 1000}], reward="step").unwrapped
    config = json.loads(json.dumps(env.config()))
    assert NASMultiObjectiveEnv(**config).config() == env.config()
    envs = NASMultiObjectiveVectorEnv(num_envs=2, evaluator=MLP)
    assert NASMultiObjectiveVectorEnv(**json.loads(json.dumps(envs.config()))).config() == envs.config()


def test_forks_and_copies_go_on_alike():
    env = made(reward="step")
    env.reset(seed=0)
    env.step(3)
    copies = [env.unwrapped.fork(), copy.deepcopy(env).unwrapped, pickle.loads(pickle.dumps(env.unwrapped))]
    after = env.step(5)[1].tolist()
    assert [each.step(5)[1].tolist() for each in copies] == [after] * 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"objectives": ["score"]}, "at least 2"),
        ({"objectives": "score"}, "at least 2"),
        ({"objectives": ["score", "size"]}, "unknown objective 'size'"),
        ({"objectives": ["score", "score"]}, "'score' is there twice"),
        ({"objectives": ["score", {"name": "flops", "scale": 0}]}, "must be a number above 0, not 0"),
        ({"objectives": ["score", {"name": "flops", "unit": 1}]}, "unknown option"),
        ({"objectives": ["score", "latency"]}, "'latency': 'here'"),
        ({"reward": "score"}, "unknown reward of several objectives 'score'"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(options, message):
    with pytest.raises(NASGymError, match=message) as caught:
        made(**options)
    assert "\n" not in str(caught.value)


def test_a_trace_records_the_first_entry_of_a_vector_and_replays_it(tmp_path):
    env = Trace(made(reward="step"), tmp_path / "run")
    paid = [reward for reward, *_ in walk(env, 5)]
    env.close()
    lines = [json.loads(line) for line in (tmp_path / "run" / "trace.jsonl").read_text().splitlines()]
    recorded = [line["reward"] for line in lines if "reward" in line]
    assert recorded == [pytest.approx(float(vector[0])) for vector in paid]
    assert replay(tmp_path / "run").ok
