"""The environment of an agent that reads networks by number."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from nas_agents.agent import Session
from nas_agents.learning.escape import PATIENCE, Escape
from nas_agents.learning.experience import Experience
from nas_gym.errors import ConfigError


class NumberedSteps(gym.Wrapper[Any, Any, Any, Any]):
    """The environment of an agent that reads networks by number and may restart its episodes early.

    Observations are the number of the state, and the steps left under an episodic reward, float32 (2,). A
    restart is a plain reset before the environment's own horizon, as any agent may do; it truncates.
    Rewards are in units of what was evaluated so far, less `novelty` where the network was evaluated
    before.

    After `PATIENCE` steps in a row that evaluated nothing new an episode ends too, and the next begins at a
    network that was not evaluated, to which a shortest way has led from the start state (see
    `nas_agents.learning.escape`). The steps of the way are ordinary ones, paid and recorded.

    Args:
        session: the search.
        experience: what is learned of rewards; every step tells it.
        episode: steps after which an episode is cut short; None for the environment's horizon. It does
            not apply under an episodic reward, which only the horizon pays.
        novelty: what a step to a network that was evaluated before costs, in units of the spread of rewards.

    Attributes:
        state: number of the present state.
        paid: the latest reward as the environment paid it (the score, under a reward of gains).
        seen: whether the latest step evaluated the network or met it again.
        idle: steps in a row that evaluated nothing new.
        met: networks that the way to the start of this episode was paid for, in order, with what was paid.

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
        self._escape = Escape(experience, session.rng)
        self.state = self.steps = self.idle = self._began = 0
        self.paid = 0.0
        self.seen = self._again = False
        self.met: list[tuple[int, float]] = []

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Reset, and get out of what is known if the walk went in circles; the observation is the state."""
        info, self.met = self._restart(seed, options), []
        if self.idle >= PATIENCE:
            info = self._get_out(info)
        return self.observation(), info

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Step, tell what was seen, and pay in the agent's units."""
        over, terminated, info = self._advance(int(action))
        shaped = 0.0
        if self.seen:
            shaped = float(self.experience.scale(np.array(self.paid))) - self.novelty * self._again
        cut = self.steps - self._began >= self.length or (self.idle >= PATIENCE and not self._episodic)
        return self.observation(), shaped, terminated, not terminated and (over or cut), info

    def observation(self) -> np.ndarray:
        """Return what the agent sees now."""
        return np.array([self.state, self.horizon - self.steps], dtype=np.float32)

    def action_masks(self) -> np.ndarray:
        """Return which actions are legal, bool (n,)."""
        return np.asarray(self._states.graph.masks[self.state], dtype=bool)

    def _restart(self, seed: int | None = None, options: dict[str, Any] | None = None) -> dict[str, Any]:
        _, info = self.env.reset(seed=seed, options=options)
        self.state, self.steps, self._began = self._states.number(info["architecture"]), 0, 0
        return info

    def _advance(self, action: int) -> tuple[bool, bool, dict[str, Any]]:
        """Step and tell what was seen; return whether the episode is over, by its end, and information."""
        _, reward, terminated, truncated, info = self.env.step(action)
        self.state = int(self._states.graph.follow(self.state, action)[0])
        self.steps += 1
        over = terminated or truncated
        self.seen = over or not self._episodic
        self.paid = info["score"] if self._by_score and self.seen else float(reward)
        if self.seen:
            self._again = self.state in self.experience
            self.experience.tell(self.state, self.paid)
            # Under an episodic reward a whole episode has shown one network.
            self.idle = self.idle + (self.steps if self._episodic else 1) if self._again else 0
        return over, terminated, info

    def _get_out(self, info: dict[str, Any]) -> dict[str, Any]:
        """Walk to a network that is not evaluated, by uniform edits where no way is known."""
        way, over = self._escape.way(self.state, self.horizon), False
        while not over and (way or self.idle >= PATIENCE):
            edit = self._escape.edit(self.state, way.pop(0)) if way else self._escape.aimless(self.state)
            over, _, info = self._advance(edit)
            if self.seen:
                self.met.append((self.state, self.paid))
        if over:
            return self._restart()
        self._began = self.steps
        return info
