"""MaskablePPO and masked DQN: illegal edits are neither taken nor valued, and they learn."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
import torch
from nas_agents import make_agent
from nas_agents.sb3 import common as stable_baselines
from nas_agents.sb3.common import reproducible
from nas_agents.sb3.dqn import with_mask
from nas_agents.sb3.masked_dqn import ILLEGAL, MASK, MaskedDQN, unmasked_policy

from nas_gym.errors import NASGymError
from nas_gym.traces import State, load_policy
from tests.helpers.environments import environment, relu_layers


@pytest.fixture(autouse=True)
def _reproducible():
    with reproducible():
        yield


class Watch(gym.Wrapper):
    """Keeps the score and the legality of every step."""

    def __init__(self, env):
        super().__init__(env)
        self.scores, self.illegal = [], 0

    def step(self, action):
        *result, info = super().step(action)
        self.scores.append(info["score"])
        self.illegal += info["illegal_action"]
        return *result, info


def dqn(env, epsilon=lambda: 0.1, **options):
    options = {"learning_starts": 10, "batch_size": 8, "train_freq": 1} | options
    return MaskedDQN(with_mask(env), epsilon=epsilon, seed=0, device="cpu", **options)


def test_exploration_draws_all_legal_actions_and_no_other():
    env = Watch(environment(relu_layers, horizon=5))
    model = dqn(env, epsilon=lambda: 1.0, learning_starts=400)
    model.learn(400)
    actions, masks = model.replay_buffer.actions[:400, 0, 0], model.replay_buffer.observations[MASK][:400, 0]
    assert env.illegal == 0
    assert masks[np.arange(400), actions].all()
    smallest = env.unwrapped.search_space.mask(env.unwrapped.search_space.smallest())
    at_smallest = actions[(masks == smallest).all(axis=1)]
    assert set(at_smallest) == set(np.flatnonzero(smallest))


def test_the_greedy_action_is_legal_whatever_the_network_says():
    env = environment()
    model = dqn(env)
    space = env.unwrapped.search_space
    with torch.no_grad():
        model.q_net.q_net[-1].bias += 1e4 * torch.as_tensor(~space.mask(space.smallest()))
    observation, _ = with_mask(env).reset(seed=0)
    action, _ = model.predict(observation, deterministic=True)
    assert space.mask(space.smallest())[action]


def test_the_target_never_uses_the_value_of_an_illegal_action():
    model = dqn(environment(relu_layers, initial="random"))
    model.learn(60)
    batch = model.replay_buffer.sample(32)
    with torch.no_grad():
        legal = batch.next_observations[MASK] > 0
        before = model.q_net_target(batch.next_observations)
        assert (before[~legal] == ILLEGAL).all()
        assert (
            before.max(dim=1).values == before.where(legal, torch.tensor(-torch.inf)).max(dim=1).values
        ).all()
        # Raising every illegal value in the network itself moves no target.
        for row in range(len(legal)):
            network = model.q_net_target.q_net[-1]
            old = network.bias.clone()
            network.bias += 1e6 * ~legal[row]
            after = model.q_net_target(
                {key: value[row : row + 1] for key, value in batch.next_observations.items()}
            )
            network.bias.copy_(old)
            assert after.max() == pytest.approx(float(before[row].max()), rel=1e-5)


def test_losses_stay_on_the_scale_of_returns():
    losses = []

    class Losses(MaskedDQN):
        def train(self, gradient_steps, batch_size=100):
            super().train(gradient_steps, batch_size)
            losses.append(self.logger.name_to_value["train/loss"])

    env = with_mask(environment(relu_layers, horizon=5))
    model = Losses(env, epsilon=lambda: 0.5, seed=0, device="cpu", learning_starts=5, train_freq=1, gamma=0.9)
    model.learn(100)
    assert len(losses) > 90
    assert max(losses) < 10


def test_the_mask_is_no_feature_of_the_network():
    env = environment()
    model = dqn(env)
    sizes = [space.nvec.sum() for space in env.observation_space.spaces.values()]
    assert model.q_net.q_net[0].in_features == sum(sizes)


@pytest.mark.parametrize("observation", ["dict", "dict+mask", "index"])
def test_the_recorded_policy_has_the_scores_of_the_agent_and_survives_saving(observation, tmp_path):
    env = environment(relu_layers, observation=observation)
    space = env.unwrapped.search_space
    states = [State(architecture) for architecture in space]
    masks = np.array([space.mask(architecture) for architecture in space])
    result = make_agent({"name": "dqn", "outputs": "actions"}).search(env, 8, 0)
    scores = result.policy.scores(states, masks)
    result.policy.save(tmp_path / "policy.pt")
    loaded = load_policy(tmp_path / "policy.pt", space)
    assert np.array_equal(loaded.scores(states, masks), scores)


def test_the_recorded_policy_shares_the_weights_of_the_agent():
    env = environment(relu_layers)
    model = dqn(env)
    policy = unmasked_policy(model, env.observation_space)
    model.learn(50)
    observation, info = with_mask(env).reset()
    batch = {key: torch.as_tensor(value)[None] for key, value in observation.items()}
    with torch.no_grad():
        masked = model.q_net(batch)[0].numpy()
        plain = policy.q_net({key: value for key, value in batch.items() if key != MASK})[0].numpy()
    legal = info["action_mask"].astype(bool)
    assert np.array_equal(masked[legal], plain[legal])


@pytest.mark.parametrize("name", ["dqn", "ppo"])
def test_it_learns_to_stay_where_networks_are_good(name):
    env = Watch(environment(relu_layers))
    agent = {"name": name, "outputs": "actions", "gamma": 0.9, "width": 64}
    if name == "ppo":
        agent |= {"n_steps": 20, "batch_size": 20, "n_epochs": 10, "learning_rate": 0.005, "ent_coef": 0.05}
    else:
        agent |= {"epsilon_start": 1.0}
    make_agent(agent).search(env, budget=20, seed=0)
    early, late = np.mean(env.scores[:200]), np.mean(env.scores[-200:])
    assert len(env.scores) == 1000
    assert late > early + 0.1


def test_scalars_of_updates_are_recorded():
    recorded = {}

    class Trace:
        def scalars(self, values):
            recorded.update(values)

    model = dqn(environment(relu_layers))
    model.learn(40, callback=stable_baselines._Scalars(Trace()))
    assert {"train/loss", "train/epsilon"} <= set(recorded)
    assert recorded["train/epsilon"] == 0.1
    assert all(np.isfinite(value) for value in recorded.values())


def test_a_batch_that_does_not_divide_the_steps_is_refused():
    with pytest.raises(NASGymError, match="3 does not divide 8"):
        make_agent({"name": "ppo", "batch_size": 3})
