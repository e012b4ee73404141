"""Preference-conditioned PPO: what it sees, what it is paid, and that it does what is preferred."""

import gymnasium as gym
import numpy as np
import pytest
from nas_agents import make_agent
from nas_agents.sb3.preferences import PREFERENCE, STATE, Preferences, scalarised

import nas_gym  # noqa: F401 - registers the ids
from nas_gym.errors import NASGymError
from nas_gym.traces import State, Trace, load_policy

OBJECTIVES = ("score", "parameters")


def environment(**options):
    evaluator = {"name": "table", "benchmark": "mlp"}
    options = {"objectives": OBJECTIVES, "horizon": 6} | options
    return gym.make("NASMultiObjective-v0", evaluator=evaluator, **options)


@pytest.fixture(scope="module")
def trained():
    """A search, and its environment."""
    env = environment()
    return env, make_agent("preference-ppo").search(env, 500, 0)


def states_and_masks(env, count=20):
    space = env.unwrapped.search_space
    rng = np.random.default_rng(0)
    drawn = [space.sample(rng) for _ in range(count)]
    return [State(each, 3) for each in drawn], np.array([space.mask(each) for each in drawn])


def walked(policy):
    """The network that the most probable edits lead to."""
    env = environment()
    env.reset(seed=0)
    for left in range(env.unwrapped.horizon, 0, -1):
        mask = env.unwrapped.action_masks()
        scores = policy.scores([State(env.unwrapped.architecture, left)], mask[None])[0]
        env.step(int(np.argmax(np.where(mask, scores, -1))))
    return env.unwrapped.evaluator.evaluate_architectures([env.unwrapped.architecture])[0]


def test_weights_are_drawn_for_each_episode_shown_and_sum_to_1():
    env = Preferences(environment(), "linear", np.random.default_rng(0))
    drawn = []
    for _ in range(50):
        shown, _ = env.reset()
        again = env.step(0)[0]
        assert np.array_equal(shown[PREFERENCE], again[PREFERENCE])
        assert env.observation_space.contains(shown)
        drawn.append(shown[PREFERENCE])
    assert np.allclose(np.sum(drawn, axis=1), 1)
    assert len({tuple(each) for each in drawn}) == 50
    assert np.mean(drawn, axis=0) == pytest.approx([0.5, 0.5], abs=0.15)


def test_an_observation_that_is_no_dict_stands_beside_the_weights():
    env = Preferences(environment(observation="index"), "linear", np.random.default_rng(0))
    shown, _ = env.reset()
    assert set(shown) == {STATE, PREFERENCE}


def test_only_the_end_of_an_episode_is_paid_where_the_environment_pays_only_it():
    env = Preferences(environment(), "chebyshev", np.random.default_rng(0))
    for _ in range(3):
        env.reset()
        paid = [env.step(0)[1] for _ in range(6)]
        assert paid[:-1] == [0.0] * 5
        assert 0 <= paid[-1] <= 1


@pytest.mark.parametrize(("how", "reached"), [("linear", 2), ("chebyshev", 3)])
def test_the_largest_distance_leads_into_a_hollow_of_the_front_and_the_sum_does_not(how, reached):
    hollow = np.array([[0.0, 1.0], [0.4, 0.4], [1.0, 0.0]])
    weights = [np.array([share, 1 - share]) for share in np.linspace(0.02, 0.98, 49)]
    chosen = {int(np.argmax([scalarised(point, one, how) for point in hollow])) for one in weights}
    assert len(chosen) == reached


def test_better_in_every_objective_is_paid_more_and_all_is_within_0_and_1():
    rng = np.random.default_rng(0)
    for how in ("linear", "chebyshev"):
        for _ in range(50):
            gains, weights = rng.random(3) * 0.9, rng.dirichlet(np.ones(3))
            less, more = scalarised(gains, weights, how), scalarised(gains + 0.05, weights, how)
            assert 0 <= less < more <= 1


def test_the_policy_under_fixed_weights_is_the_model_that_is_shown_them(trained):
    env, result = trained
    policy = result.policy.at([0.3, 0.7])
    states, masks = states_and_masks(env)
    observed = [policy._observer(each.architecture, each.steps_left) for each in states]
    shown = {name: np.stack([one[name] for one in observed]) for name in observed[0]}
    shown[PREFERENCE] = np.tile(np.float32([0.3, 0.7]), (len(states), 1))
    model = policy._conditioned.policy
    tensors, _ = model.obs_to_tensor(shown)
    expected = model.get_distribution(tensors, action_masks=masks).distribution.probs.detach().numpy()
    assert policy.scores(states, masks) == pytest.approx(expected, abs=1e-5)


def test_another_preference_leads_to_another_network(trained):
    _, result = trained
    good, small = (walked(result.policy.at(weights)) for weights in ([0.95, 0.05], [0.05, 0.95]))
    assert small.parameters < good.parameters
    assert small.score < good.score


def test_a_run_is_recorded_with_the_policy_of_equal_weights(tmp_path):
    env = Trace(environment(), tmp_path / "run", agent="preference-ppo")
    result = make_agent("preference-ppo").search(env, 20, 0)
    env.finish(result.as_dict())
    saved = max((tmp_path / "run" / "policy").iterdir(), key=lambda file: int(file.stem))
    space = env.unwrapped.search_space
    states, masks = states_and_masks(env)
    read = load_policy(saved, space)
    assert read.scores(states, masks) == pytest.approx(result.policy.scores(states, masks), abs=1e-5)


@pytest.mark.parametrize("weights", [[1.0], [0.5, -0.5], [0.0, 0.0], [np.nan, 1.0]])
def test_preferences_that_are_none_are_refused(trained, weights):
    _, result = trained
    with pytest.raises(NASGymError, match="preferences must be 2 numbers"):
        result.policy.at(weights)


def test_an_unknown_scalarisation_is_refused():
    with pytest.raises(NASGymError, match="unknown scalarisation"):
        make_agent({"name": "preference-ppo", "scalarisation": "sum"})
