"""What a preference-conditioned policy sees and is paid, and what it is under fixed preferences."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from sb3_contrib.common.maskable.policies import (
    MaskableActorCriticPolicy,
    MaskableMultiInputActorCriticPolicy,
)
from stable_baselines3.common.policies import BasePolicy

from nas_agents.agent import Environment
from nas_gym.errors import ConfigError
from nas_gym.search_spaces import SearchSpace
from nas_gym.traces import NeuralPolicy

PREFERENCE, STATE = "preference", "state"
SCALARISATIONS = ("chebyshev", "linear")
RHO = 0.05


class Preferences(gym.Wrapper[Any, Any, Any, Any]):
    """Draws weights of the objectives for every episode, shows them, and pays their scalarisation.

    The observation is a Dict with ``"preference"``, float32 (objectives,), which are above 0 and sum to
    1: drawn uniformly (Dirichlet). Gains are scaled to [0, 1] by the lowest and the highest seen so far,
    so that weights mean the same of a score that differs by .1 as of FLOPs that differ by 10^6.

    An environment of one reward has the one weight 1, and is paid what it pays.

    Args:
        env: an environment of several objectives, or of one.
        scalarisation: ``"linear"``, the weighted sum; or ``"chebyshev"``, minus the largest weighted
            distance to the best of every objective, which leads into hollows of the front too.
        rng: generator of the weights.
    """

    def __init__(self, env: Environment, scalarisation: str, rng: np.random.Generator) -> None:
        super().__init__(env)
        self._scalarisation, self._rng = scalarisation, rng
        objectives = env.unwrapped.objectives  # type: ignore[attr-defined]
        self._several = objectives is not None
        count = len(objectives) if self._several else 1
        inner = env.observation_space
        self._is_dict = isinstance(inner, spaces.Dict)
        entries = dict(inner.spaces) if isinstance(inner, spaces.Dict) else {STATE: inner}
        preference = spaces.Box(0.0, 1.0, (count,), np.float32)
        self.observation_space = spaces.Dict({**entries, PREFERENCE: preference})
        self.weights = np.full(count, 1 / count)
        self._lowest, self._highest = np.full(count, np.inf), np.full(count, -np.inf)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Reset, and draw weights for the episode."""
        self.weights = self._rng.dirichlet(np.ones(len(self.weights)))
        observation, info = self.env.reset(seed=seed, options=options)
        return self._shown(observation), info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Step, and pay by the weights; nothing for a step that the environment pays nothing for."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        paid = self._paid(np.asarray(reward, dtype=np.float64)) if self._several else float(reward)
        return self._shown(observation), paid, terminated, truncated, info

    def _shown(self, observation: Any) -> dict[str, Any]:
        entries = observation if self._is_dict else {STATE: observation}
        return {**entries, PREFERENCE: self.weights.astype(np.float32)}

    def _paid(self, gains: np.ndarray) -> float:
        if not gains.any():
            return 0.0
        self._lowest, self._highest = np.minimum(self._lowest, gains), np.maximum(self._highest, gains)
        extent = self._highest - self._lowest
        scaled = (gains - self._lowest) / np.where(extent > 0, extent, 1.0)
        return scalarised(scaled, self.weights, self._scalarisation)


def scalarised(gains: np.ndarray, weights: np.ndarray, how: str) -> float:
    """Return one number for gains that are scaled to [0, 1]; it is in [0, 1] too.

    Args:
        gains: float64 (objectives,), higher is better.
        weights: of sum 1, (objectives,).
        how: one of `SCALARISATIONS`.
    """
    if how == "linear":
        return float(weights @ gains)
    lost = weights * (1.0 - gains)
    return float(1.0 - (lost.max() + RHO * lost.sum()) / (1.0 + RHO))


class PreferredPolicy(NeuralPolicy):
    """The policy that a preference-conditioned model is under fixed weights of the objectives.

    With fixed weights, what the first layers make of them is a constant, which is added to their biases.
    So it is an ordinary policy of sb3-contrib on the environment's own observations, saved and loaded as
    such.

    Args:
        search_space: search space whose architectures the model edits.
        model: the model; its current parameters are used at every call.
        observation_space: observations of the environment without preferences.
        weights: weights of the objectives, scaled here to sum 1.

    Raises:
        NASGymError: if the weights are not as many numbers of at least 0 as there are objectives.
    """

    def __init__(
        self,
        search_space: SearchSpace[Any],
        model: Any,
        observation_space: spaces.Space[Any],
        weights: Sequence[float] | np.ndarray,
    ) -> None:
        self._conditioned, self._space = model, observation_space
        given = np.asarray(weights, dtype=np.float64)
        shape = model.policy.observation_space[PREFERENCE].shape
        if given.shape != shape or not np.isfinite(given).all() or (given < 0).any() or not given.any():
            raise ConfigError(
                f"preferences must be {shape[0]} numbers of at least 0, one for each objective and one of "
                f"them above 0, not {weights!r}"
            )
        self.weights = given / given.sum()
        self._search_space = search_space
        super().__init__(search_space, _Fixed(self), "probabilities")

    def at(self, weights: Sequence[float] | np.ndarray) -> PreferredPolicy:
        """Return the policy of the same model under other weights."""
        return PreferredPolicy(self._search_space, self._conditioned, self._space, weights)

    def fixed(self) -> BasePolicy:
        """Return the present policy as one that sees no preferences."""
        policy = self._conditioned.policy
        kind: type[BasePolicy] = MaskableActorCriticPolicy
        if isinstance(self._space, spaces.Dict):
            kind = MaskableMultiInputActorCriticPolicy
        # Its first weights are drawn, and the model's own draws must not depend on who looks.
        with torch.random.fork_rng(devices=()):
            found = kind(
                self._space,
                policy.action_space,
                lambda _: 0.0,
                net_arch=policy.net_arch,
                activation_fn=policy.activation_fn,
            )
        seen = _columns(policy.observation_space)
        shown = torch.as_tensor(self.weights, dtype=torch.float32, device=policy.device)
        state = policy.state_dict()
        for branch in ("policy_net", "value_net"):
            name = f"mlp_extractor.{branch}.0"
            first = state[f"{name}.weight"]
            state[f"{name}.bias"] = state[f"{name}.bias"] + first[:, ~seen] @ shown
            state[f"{name}.weight"] = first[:, seen]
        found.load_state_dict(state)
        return found


class _Fixed(SimpleNamespace):
    """What a `NeuralPolicy` needs of a model: its policy, made anew from the model's present parameters."""

    def __init__(self, owner: PreferredPolicy) -> None:
        super().__init__(owner=owner)

    @property
    def policy(self) -> BasePolicy:
        return self.owner.fixed()  # type: ignore[no-any-return]


def _columns(space: spaces.Dict) -> torch.Tensor:
    """Return which inputs of the first layers are the state and not the preference, bool (inputs,)."""
    parts = [
        torch.full((spaces.flatdim(entry),), name != PREFERENCE, dtype=torch.bool)
        for name, entry in space.spaces.items()
    ]
    return torch.cat(parts)
