"""Deep Q-learning that never takes or values an illegal action, on stable-baselines3's DQN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3 import DQN
from stable_baselines3.common.torch_layers import CombinedExtractor
from stable_baselines3.dqn.policies import DQNPolicy, MultiInputPolicy, QNetwork

MASK = "action_mask"
# Finite, so that no sum or loss turns into NaN, and far below any return.
ILLEGAL = -1e8


def without_mask(space: spaces.Dict) -> spaces.Dict:
    """Return the Dict space without its mask."""
    return spaces.Dict({key: entry for key, entry in space.spaces.items() if key != MASK})


class WithoutMask(CombinedExtractor):
    """Features of a Dict observation but its mask, which says nothing that the state does not."""

    def __init__(self, observation_space: spaces.Dict, **options: Any) -> None:
        super().__init__(without_mask(observation_space), **options)


class MaskedQNetwork(QNetwork):
    """Q(s, .) with `ILLEGAL` for illegal actions, by the mask in the observation.

    The mask of s' is stored with s', so the maximum of the target is over legal actions too.
    """

    def forward(self, obs: Any) -> torch.Tensor:
        """Return Q-values, float32 (batch, n)."""
        return super().forward(obs).masked_fill(obs[MASK] == 0, ILLEGAL)


class MaskedDQNPolicy(MultiInputPolicy):
    """The policy of DQN with masked online and target networks."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **({"features_extractor_class": WithoutMask} | options))

    def make_q_net(self) -> MaskedQNetwork:
        """Return a network with fresh weights."""
        arguments = self._update_features_extractor(self.net_args, features_extractor=None)
        return MaskedQNetwork(**arguments).to(self.device)


def unmasked_policy(model: MaskedDQN, observation_space: spaces.Space[Any]) -> DQNPolicy:
    """Return the model's networks as a policy of stable-baselines3's own, on observations without a mask.

    It shares the weights, now and after later updates, and is saved and loaded without this module.
    """
    masked = model.policy
    kind: type[DQNPolicy] = DQNPolicy
    if isinstance(observation_space, spaces.Dict):
        kind, observation_space = MultiInputPolicy, without_mask(observation_space)
    policy = kind(
        observation_space,
        masked.q_net.action_space,
        lambda _: 0.0,
        net_arch=masked.net_arch,
        activation_fn=masked.activation_fn,
    )
    policy.q_net.q_net, policy.q_net_target.q_net = masked.q_net.q_net, masked.q_net_target.q_net
    return policy


class MaskedDQN(DQN):
    """DQN that explores among legal actions only, with its own generator.

    Args:
        env: environment whose Dict observation has ``action_mask``, (n,).
        epsilon: the probability of a random legal action now.
        seed: seed of the exploration and of everything that stable-baselines3 draws.
        options: keyword arguments of `stable_baselines3.DQN`.
    """

    def __init__(self, env: Any, *, epsilon: Callable[[], float], seed: int, **options: Any) -> None:
        self._epsilon = epsilon
        self._exploration = np.random.default_rng(seed)
        super().__init__(MaskedDQNPolicy, env, seed=seed, **options)

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = False,
    ) -> tuple[np.ndarray, Any]:
        """Return actions for observations, epsilon-greedy over legal actions unless `deterministic`."""
        actions, state = self.policy.predict(observation, state, episode_start, deterministic=True)
        if deterministic:
            return actions, state
        masks = np.reshape(observation[MASK], (-1, observation[MASK].shape[-1]))
        taken = [self._explore(mask, action) for mask, action in zip(masks, np.ravel(actions), strict=True)]
        return np.reshape(taken, np.shape(actions)), state

    def _explore(self, mask: np.ndarray, greedy: int) -> int:
        if self._exploration.random() < self.exploration_rate:
            return int(self._exploration.choice(np.flatnonzero(mask)))
        return int(greedy)

    def _sample_action(
        self, learning_starts: int, action_noise: Any = None, n_envs: int = 1
    ) -> tuple[np.ndarray, np.ndarray]:
        self.exploration_rate = 1.0 if self.num_timesteps < learning_starts else self._epsilon()
        action, _ = self.predict(self._last_obs)
        return action, action

    def _on_step(self) -> None:
        rate = self.exploration_rate
        super()._on_step()
        # DQN's own schedule runs over environment steps, the budget is evaluations.
        self.exploration_rate = rate
        self.logger.record("train/epsilon", rate)
