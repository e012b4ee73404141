"""Tianshou's DQN with masks, on one environment and on several."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from gymnasium.wrappers import FlattenObservation

from nas_gym.envs import ActionMaskObservation
from tests.interop.tools import HORIZON, INFORMATION, needed, single

torch = needed("torch")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    needed("tianshou")
    dqn = needed("tianshou.algorithm.modelfree.dqn")
    data = needed("tianshou.data")
    environments = needed("tianshou.env")
    optim = needed("tianshou.algorithm.optim")
    common = needed("tianshou.utils.net.common")
    tools = needed("tianshou.utils.torch_utils")
pytestmark = pytest.mark.filterwarnings("ignore")


def masked():
    return ActionMaskObservation(
        FlattenObservation(single(initial="random")), mask_key="mask", observation_key="obs", dtype="bool"
    )


@pytest.mark.parametrize("count", [1, 3])
def test_a_masked_dqn_learns_and_takes_no_illegal_action(count):
    torch.manual_seed(0)
    envs = environments.DummyVectorEnv([masked] * count)
    envs.seed(0)
    env = masked()
    inputs = env.observation_space["obs"].shape
    net = common.Net(state_shape=inputs, action_shape=env.action_space.n, hidden_sizes=(32,))
    policy = dqn.DiscreteQLearningPolicy(model=net, action_space=env.action_space, eps_training=0.3)
    algorithm = dqn.DQN(
        policy=policy, optim=optim.AdamOptimizerFactory(lr=1e-2), gamma=0.9, target_update_freq=5
    )
    buffer = data.VectorReplayBuffer(200, count)
    collector = data.Collector(algorithm, envs, buffer, exploration_noise=True)
    collector.reset()
    before = [value.clone() for value in policy.parameters()]
    with tools.policy_within_training_step(policy):
        collected = collector.collect(n_step=20 * HORIZON)
        for _ in range(3):
            algorithm.update(buffer=buffer, sample_size=32)
    assert collected.n_collected_steps >= 20 * HORIZON
    assert any((value != old).any() for value, old in zip(policy.parameters(), before, strict=True))
    assert set(buffer.info.get_keys()) >= INFORMATION
    assert not np.asarray(buffer.info.illegal_action[: len(buffer)]).any()
