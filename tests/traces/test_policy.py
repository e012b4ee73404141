"""Policies: scores of any state, and saving without pickle."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.wrappers import FlattenObservation
from hypothesis import given
from hypothesis import strategies as st
from sb3_contrib import MaskablePPO
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.dqn.policies import DQNPolicy

from nas_gym.errors import NASGymError
from nas_gym.search_spaces import make_search_space
from nas_gym.traces import NeuralPolicy, State, TabularPolicy, legal_weights, load_policy
from tests.helpers.fakes import SMALL, fake_env

MODELS = {
    "PPO": (PPO, "dict", "score", False),
    "PPO with the mask": (PPO, "dict+mask", "score", False),
    "PPO flattened": (PPO, "dict", "final", True),
    "A2C on the index": (A2C, "index", "score", False),
    "A2C on the index and the clock": (A2C, "index", "final", False),
    "DQN with the clock": (DQN, "dict", "final", False),
    "DQN": (DQN, "dict", "score", False),
    "MaskablePPO": (MaskablePPO, "dict", "score", False),
}


def make_model(name):
    cls, observation, reward, flat = MODELS[name]
    env = fake_env(observation=observation, reward=reward, horizon=7)
    env = FlattenObservation(env) if flat else env
    policy = "MultiInputPolicy" if isinstance(env.observation_space, gym.spaces.Dict) else "MlpPolicy"
    options = {"n_steps": 8, "batch_size": 8} if cls in (PPO, MaskablePPO) else {}
    kwargs = {"net_arch": [24], "activation_fn": torch.nn.ELU}
    return cls(policy, env, seed=3, device="cpu", policy_kwargs=kwargs, **options), env


def states_and_observations(env, count=5):
    """States with what the environment itself shows of them."""
    rng = np.random.default_rng(1)
    space, episodic = env.unwrapped.search_space, env.unwrapped.reward.episodic
    found = []
    for number in range(count):
        env.reset(options={"architecture": str(space.sample(rng))})
        observation = None
        for _ in range(number % 3 + 1):
            observation = env.step(0)[0]
        steps_left = 7 - (number % 3 + 1) if episodic else None
        found.append((State(env.unwrapped.architecture, steps_left), observation))
    return [state for state, _ in found], [observation for _, observation in found]


@pytest.mark.parametrize("name", MODELS)
def test_a_networks_scores_are_those_of_its_model_for_what_the_environment_shows(name):
    model, env = make_model(name)
    policy = NeuralPolicy(env.unwrapped.search_space, model)
    states, observations = states_and_observations(env)
    masks = np.array([env.unwrapped.search_space.mask(state.architecture) for state in states])
    scores = policy.scores(states, masks)
    assert scores.dtype == np.float64
    for row, (observation, mask) in enumerate(zip(observations, masks, strict=True)):
        shown, _ = model.policy.obs_to_tensor(observation)
        if isinstance(model, DQN):
            expected = model.q_net(shown)
            assert policy.kind == "q_values"
        else:
            options = {"action_masks": mask[None]} if isinstance(model, MaskablePPO) else {}
            expected = torch.softmax(model.policy.get_distribution(shown, **options).distribution.logits, 1)
            assert policy.kind == "probabilities"
        np.testing.assert_allclose(scores[row], expected[0].detach().numpy(), rtol=1e-4, atol=1e-6)
    if isinstance(model, MaskablePPO):
        assert scores[~masks].max() < 1e-6
    if policy.kind == "probabilities":
        assert scores.sum(1) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_a_saved_network_scores_alike_and_holds_no_pickled_object(name, tmp_path):
    model, env = make_model(name)
    space = env.unwrapped.search_space
    states, _ = states_and_observations(env)
    masks = np.array([space.mask(state.architecture) for state in states])
    policy = NeuralPolicy(space, model)
    policy.save(tmp_path / "10.pt")
    loaded = load_policy(tmp_path / "10.pt", space)
    assert loaded.kind == policy.kind
    assert (loaded.scores(states, masks) == policy.scores(states, masks)).all()
    assert set(torch.load(tmp_path / "10.pt", weights_only=True)) == {"description", "weights"}


def test_a_networks_scores_follow_its_training():
    model, env = make_model("A2C on the index")
    policy = NeuralPolicy(env.unwrapped.search_space, model)
    states, _ = states_and_observations(env)
    masks = np.ones((len(states), env.action_space.n), dtype=bool)
    before = policy.scores(states, masks)
    model.learn(50)
    assert not np.allclose(before, policy.scores(states, masks))


def test_scoring_draws_no_random_numbers_and_keeps_the_mode_of_training():
    model, env = make_model("PPO")
    states, _ = states_and_observations(env)
    model.policy.set_training_mode(True)
    state = torch.get_rng_state()
    NeuralPolicy(env.unwrapped.search_space, model).scores(
        states, np.ones((5, env.action_space.n), dtype=bool)
    )
    assert (torch.get_rng_state() == state).all()
    assert model.policy.training


def test_a_policy_class_that_only_acts_otherwise_is_saved_as_the_class_it_extends(tmp_path):
    class Careful(DQNPolicy):
        def _predict(self, obs, deterministic=True):
            return super()._predict(obs, deterministic)

    env = fake_env(observation="index")
    model = DQN(Careful, env, device="cpu", seed=0)
    policy = NeuralPolicy(env.unwrapped.search_space, model)
    policy.save(tmp_path / "1.pt")
    states, masks = (
        [State(env.unwrapped.search_space.smallest())],
        np.ones((1, env.action_space.n), dtype=bool),
    )
    loaded = load_policy(tmp_path / "1.pt", env.unwrapped.search_space)
    assert (loaded.scores(states, masks) == policy.scores(states, masks)).all()


def test_a_file_cannot_choose_what_is_imported(tmp_path):
    description = (
        '{"class": "os.path.join", "kind": "q_values", "parameters": {}, "view": ["dict", null, false]}'
    )
    torch.save({"description": description, "weights": {}}, tmp_path / "1.pt")
    with pytest.raises(NASGymError, match=r"class os.path.join, which is none of"):
        load_policy(tmp_path / "1.pt", fake_env().unwrapped.search_space)


@pytest.mark.parametrize("name", ["PPO", "DQN"])
def test_weights_of_another_search_space_give_one_sentence(name, tmp_path):
    model, env = make_model(name)
    NeuralPolicy(env.unwrapped.search_space, model).save(tmp_path / "1.pt")
    other = make_search_space({**SMALL, "max_layers": 2}, (30,), 2)
    with pytest.raises(NASGymError, match="do not fit this search space"):
        load_policy(tmp_path / "1.pt", other)


def test_observations_that_are_no_function_of_the_state_are_refused():
    env = gym.wrappers.TransformObservation(fake_env(), lambda _: np.zeros(3), gym.spaces.Box(-1, 1, (3,)))
    model = PPO("MlpPolicy", env, n_steps=8, batch_size=8, device="cpu")
    with pytest.raises(NASGymError, match="cannot be made from a state"):
        NeuralPolicy(env.unwrapped.search_space, model)


def test_a_table_is_a_live_view_and_unseen_states_score_zero():
    space = fake_env().unwrapped.search_space
    table = {}
    policy = TabularPolicy(space, table)
    states = [State(space.smallest()), State(space.smallest(), 3)]
    masks = np.array([space.mask(state.architecture) for state in states])
    assert not policy.scores(states, masks).any()
    table["relu-64 @ 3"] = np.arange(len(space.actions), dtype=np.float64)
    assert (policy.scores(states, masks)[1] == np.arange(len(space.actions))).all()
    assert not policy.scores(states, masks)[0].any()


@pytest.mark.parametrize("states", [0, 1, 5])
def test_a_saved_table_is_read_back_bit_for_bit(states, tmp_path):
    space = fake_env().unwrapped.search_space
    rng = np.random.default_rng(0)
    table = {str(space.architecture(index)): rng.normal(size=len(space.actions)) for index in range(states)}
    TabularPolicy(space, table).save(tmp_path / "5.npz")
    loaded = load_policy(tmp_path / "5.npz", space)
    assert loaded.kind == "q_values"
    assert list(loaded.table) == list(table)
    for key, values in table.items():
        assert (loaded.table[key] == values).all()


def test_a_table_of_another_search_space_gives_one_sentence(tmp_path):
    space = fake_env().unwrapped.search_space
    TabularPolicy(space, {"relu-64": np.zeros(len(space.actions))}).save(tmp_path / "1.npz")
    with pytest.raises(NASGymError, match=r"has values of \d+ actions, the search space has"):
        load_policy(tmp_path / "1.npz", make_search_space({**SMALL, "max_layers": 2}, (30,), 2))


def test_a_file_that_is_no_policy_gives_one_sentence(tmp_path):
    space = fake_env().unwrapped.search_space
    with pytest.raises(NASGymError, match="is missing"):
        load_policy(tmp_path / "1.npz", space)
    (tmp_path / "1.zip").touch()
    with pytest.raises(NASGymError, match=r"ends in '.zip': known: .npz"):
        load_policy(tmp_path / "1.zip", space)
    torch.save([1], tmp_path / "1.pt")
    with pytest.raises(NASGymError, match="is no saved policy"):
        load_policy(tmp_path / "1.pt", space)


rows = st.integers(2, 8).flatmap(
    lambda n: st.tuples(
        st.lists(st.floats(-100, 100), min_size=n, max_size=n),
        st.lists(st.booleans(), min_size=n, max_size=n),
    )
)


@given(rows, st.sampled_from(["q_values", "probabilities"]))
def test_weights_are_a_distribution_over_legal_actions_in_the_order_of_the_scores(row, kind):
    scores, mask = np.array(row[0]), np.array([True, *row[1][1:]])
    if kind == "probabilities":
        scores = np.abs(scores)
    weights = legal_weights(kind, scores, mask)
    assert weights.sum() == pytest.approx(1)
    assert not weights[~mask].any()
    assert (weights >= 0).all()
    legal = np.flatnonzero(mask)
    for first in legal:
        for second in legal:
            if weights[first] > weights[second] + 1e-12:
                assert scores[first] > scores[second]


def test_weights_of_a_table_that_knows_nothing_are_uniform_and_of_a_clear_winner_near_one():
    mask = np.ones(21, dtype=bool)
    assert legal_weights("q_values", np.zeros(21), mask) == pytest.approx(1 / 21)
    clear = np.zeros(21)
    clear[4] = 1.0
    assert legal_weights("q_values", clear, mask)[4] > 0.8
    assert legal_weights("q_values", 1000 * clear - 3, mask)[4] == pytest.approx(
        legal_weights("q_values", clear, mask)[4]
    )


def test_probabilities_are_renormalised_over_legal_actions():
    weights = legal_weights("probabilities", np.array([0.5, 0.3, 0.2]), np.array([True, False, True]))
    assert weights == pytest.approx([5 / 7, 0, 2 / 7])
