"""What an agent has seen in its steps: which networks were evaluated, and what they are worth to it."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from nas_agents.agent import Session
from nas_agents.learning.linear_model import LinearModel, RewardScale
from nas_agents.learning.states import States
from nas_gym.errors import ConfigError

NOISE = 0.1
"""What a linear model leaves unexplained, as a part of the variance of rewards."""
MEMBERS = 10


class Experience:
    """The networks that steps have shown, and a linear model of their rewards.

    Args:
        states: states of the search space.
        normalise: whether rewards are centred and divided by their spread.
        rng: generator of the model's draws.

    Attributes:
        rewards: the reward of each evaluated network, by number, in order of first evaluation.
        scale: the units of rewards.
        model: the reward model, over the evaluated networks.
    """

    def __init__(self, states: States, normalise: bool, rng: np.random.Generator) -> None:
        self.states, self.scale = states, RewardScale(normalise)
        self.rewards: dict[int, float] = {}
        self.model = LinearModel(states, NOISE, MEMBERS, rng)
        self._weights: dict[int | None, np.ndarray] = {}
        self._known = np.zeros(0, dtype=bool)

    def __len__(self) -> int:
        return len(self.rewards)

    def __contains__(self, number: object) -> bool:
        return number in self.rewards

    def tell(self, number: int, reward: float) -> None:
        """Learn what a network earned; of several answers for one the latest counts."""
        if self.rewards.get(number) != reward:
            self.rewards[number] = reward
            self.scale.fit(np.array(list(self.rewards.values())))
            self._weights.clear()
            self.known(np.array([number]))  # makes room
            self._known[number] = True
        self.model.add(number)

    def known(self, numbers: np.ndarray) -> np.ndarray:
        """Return which networks are evaluated, bool of the shape of `numbers`."""
        if len(self._known) < self.states.graph.rows:
            more = self.states.graph.rows - len(self._known)
            self._known = np.concatenate([self._known, np.zeros(more, dtype=bool)])
        return np.asarray(self._known[numbers])

    def expected(self, numbers: np.ndarray, member: int | None = None) -> np.ndarray:
        """Return rewards in units of `scale`, float64 (networks,): what was seen, else what the model says.

        Args:
            numbers: numbers of networks, int64 (networks,).
            member: draw from the model's posterior; None for its mean.
        """
        if member not in self._weights:
            targets = self.scale(np.array(list(self.rewards.values())))
            self._weights[member] = self.model.weights(targets, member)
        found = self.model.values(numbers, self._weights[member])
        known = self.known(numbers)
        if known.any():
            seen = np.array([self.rewards[number] for number in numbers[known].tolist()])
            found[known] = self.scale(seen)
        return found


class NumberedSteps(gym.Wrapper[Any, Any, Any, Any]):
    """The environment of an agent that reads networks by number and may restart its episodes early.

    Observations are the number of the state, and the steps left under an episodic reward, float32 (2,). A
    restart is a plain reset before the environment's own horizon, as any agent may do; it truncates.
    Rewards are in units of what was evaluated so far, less `novelty` where the network was evaluated
    before.

    Args:
        session: the search.
        experience: what is learned of rewards; every step tells it.
        episode: steps after which an episode is cut short; None for the environment's horizon. It does
            not apply under an episodic reward, which only the horizon pays.
        novelty: what a step to a network that was evaluated before costs, in units of the spread of rewards.

    Raises:
        NASGymError: if the environment pays a vector.
    """

    def __init__(self, session: Session, experience: Experience, episode: int | None, novelty: float) -> None:
        super().__init__(session.env)
        if session.objectives is not None:
            raise ConfigError(
                "this agent learns from one reward, not from a vector of several objectives: search by "
                "'preference-ppo', or give NAS-v0 a reward that weighs them"
            )
        unwrapped: Any = session.unwrapped
        self.experience, self._states = experience, experience.states
        self._episodic = bool(unwrapped.reward.episodic)
        # A gain belongs to an edit and not to a network, whose score is seen as well.
        self._by_score = bool(unwrapped.reward.needs_before)
        self.horizon = int(unwrapped.horizon)
        self.length = self.horizon if episode is None or self._episodic else min(episode, self.horizon)
        self.novelty = novelty
        self.observation_space = spaces.Box(0, np.inf, (2,), np.float32)
        self.state = self.steps = 0
        self.paid = 0.0
        self.seen = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Reset; the observation is the start state."""
        _, info = self.env.reset(seed=seed, options=options)
        self.state, self.steps = self._states.number(info["architecture"]), 0
        return self.observation(), info

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Step, tell what was seen, and pay in the agent's units.

        Afterwards `paid` is the reward as the environment paid it (the score, under a reward of gains), and
        `seen` whether this step evaluated the network or met it again.
        """
        _, reward, terminated, truncated, info = self.env.step(action)
        self.state = int(self._states.graph.follow(self.state, int(action))[0])
        self.steps += 1
        over = terminated or truncated
        self.seen = over or not self._episodic
        self.paid = info["score"] if self._by_score and self.seen else float(reward)
        shaped = 0.0
        if self.seen:
            again = self.state in self.experience
            self.experience.tell(self.state, self.paid)
            shaped = float(self.experience.scale(np.array(self.paid))) - self.novelty * again
        return self.observation(), shaped, terminated, truncated or self.steps >= self.length, info

    def observation(self) -> np.ndarray:
        """Return what the agent sees now."""
        return np.array([self.state, self.horizon - self.steps], dtype=np.float32)

    def action_masks(self) -> np.ndarray:
        """Return which actions are legal, bool (n,)."""
        return np.asarray(self._states.graph.masks[self.state], dtype=bool)
