"""The real environment and simulated ones side by side: Dyna for agents of stable-baselines3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnv

from nas_agents.learning.experience import MEMBERS, Experience
from nas_agents.learning.steps import NumberedSteps

SIMULATED_STEPS = 5


class RealAndSimulated(VecEnv):
    """A vector environment: the real one first, then others that walk on the edit graph and evaluate nothing.

    A simulated episode starts at a uniformly drawn evaluated network, or where the real one stands while
    there is none, and is cut off after `SIMULATED_STEPS`. Its rewards are by a draw from the reward model, of
    its own for each episode; of evaluated networks they are what was seen. As in the real one, a network
    that is known, or that the episode has met, costs `novelty`.

    Args:
        steps: the real environment.
        experience: what it has shown.
        simulated: number of simulated environments.
        novelty: as that of the real environment.
        rng: generator of starts and draws.
    """

    def __init__(
        self,
        steps: NumberedSteps,
        experience: Experience,
        simulated: int,
        novelty: float,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(1 + simulated, steps.observation_space, steps.action_space)
        self.steps, self._experience, self._states = steps, experience, experience.states
        self._novelty, self._rng = novelty, rng
        self._here = np.zeros(simulated, dtype=np.int64)
        self._ages = np.zeros(simulated, dtype=np.int64)
        self._members = np.zeros(simulated, dtype=np.int64)
        self._met: list[set[int]] = [set() for _ in range(simulated)]
        self._actions = np.zeros(1 + simulated, dtype=np.int64)
        self._real = np.zeros(2, dtype=np.float32)

    def reset(self) -> np.ndarray:
        """Reset all of them."""
        self._real, _ = self.steps.reset(seed=self._seeds[0])
        self._seeds = [None] * self.num_envs
        for number in range(len(self._here)):
            self._restart(number)
        return self._observations()

    def step_async(self, actions: np.ndarray) -> None:
        """Take the actions of all environments."""
        self._actions = np.asarray(actions).ravel()

    def step_wait(self) -> Any:
        """Step in all of them: observations, rewards, ends, information."""
        self._real, reward, terminated, truncated, info = self.steps.step(int(self._actions[0]))
        rewards, dones = np.zeros(self.num_envs, np.float32), np.zeros(self.num_envs, dtype=bool)
        infos: list[dict[str, Any]] = [dict(info), *({} for _ in self._here)]
        rewards[0], dones[0] = reward, terminated or truncated
        infos[0]["TimeLimit.truncated"] = truncated and not terminated
        if len(self._here):
            after, _ = self._states.graph.follow_all(self._here, self._actions[1:])
            self._here, self._ages = after.astype(np.int64), self._ages + 1
            rewards[1:] = self._simulated_rewards()
            dones[1:] = self._ages >= SIMULATED_STEPS
        ended = self._observations()
        for number in np.flatnonzero(dones).tolist():
            infos[number]["terminal_observation"] = ended[number]
            if number:
                infos[number]["TimeLimit.truncated"] = True
                self._restart(number - 1)
            else:
                self._real, _ = self.steps.reset()
        return self._observations(), rewards, dones, infos

    def action_masks(self) -> np.ndarray:
        """Return which actions are legal, bool (environments, n)."""
        return self._states.graph.masks[[self.steps.state, *self._here.tolist()]].astype(bool)

    def _simulated_rewards(self) -> np.ndarray:
        rewards = np.zeros(len(self._here))
        for member in np.unique(self._members).tolist():
            chosen = self._members == member
            rewards[chosen] = self._experience.expected(self._here[chosen], member)
        again = self._experience.known(self._here)
        again |= [here in met for here, met in zip(self._here.tolist(), self._met, strict=True)]
        for met, here in zip(self._met, self._here.tolist(), strict=True):
            met.add(here)
        return np.asarray(rewards - self._novelty * again)

    def _restart(self, number: int) -> None:
        evaluated = list(self._experience.rewards)
        start = evaluated[int(self._rng.integers(len(evaluated)))] if evaluated else self.steps.state
        self._here[number], self._ages[number], self._met[number] = start, 0, {start}
        self._members[number] = self._rng.integers(MEMBERS)

    def _observations(self) -> np.ndarray:
        found = np.zeros((self.num_envs, 2), dtype=np.float32)
        found[0], found[1:, 0] = self._real, self._here
        return found

    def close(self) -> None:
        """Do nothing: the environment belongs to the search."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute of this environment, once for each."""
        return [getattr(self, attr_name, None) for _ in self._get_indices(indices)]

    def has_attr(self, attr_name: str) -> bool:
        """Return whether there is such an attribute."""
        return hasattr(self, attr_name)

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refuse: attributes belong to the search."""
        raise NotImplementedError

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **_: Any) -> list[Any]:
        """Return the action masks by environment, the only method that is asked for."""
        if method_name != "action_masks":
            raise NotImplementedError(f"{method_name} of simulated environments")
        masks = self.action_masks()
        return [masks[number] for number in self._get_indices(indices)]

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """Return False: none is wrapped by stable-baselines3."""
        return [False for _ in self._get_indices(indices)]

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Seed the start states of the real environment at the next reset."""
        self._seeds = [seed, *[None] * (self.num_envs - 1)]
        return self._seeds
