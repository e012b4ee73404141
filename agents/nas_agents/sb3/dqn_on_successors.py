"""DQN whose Q-values are of edited networks, on real and simulated steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import stable_baselines3
import torch
from stable_baselines3.common.callbacks import BaseCallback

from nas_agents.agent import Session
from nas_agents.learning.experience import Experience
from nas_agents.learning.guide import Guide
from nas_agents.learning.policy import NumberedPolicy
from nas_agents.learning.states import States
from nas_agents.learning.steps import NumberedSteps
from nas_agents.sb3.common import learn
from nas_agents.sb3.real_and_simulated import RealAndSimulated
from nas_agents.sb3.successors import Beliefs, SuccessorDQNPolicy

if TYPE_CHECKING:
    from nas_agents.sb3.dqn import DQN


def search_on_successors(agent: DQN, session: Session) -> None:
    """Search until the session ends it."""
    states = States(session.search_space)
    experience = Experience(states, agent.normalise, session.rng)
    # What a repeat costs is taken off Q itself: a network of a remembered step is known by now.
    steps = NumberedSteps(session, experience, agent.episode, novelty=0.0)
    envs = RealAndSimulated(steps, experience, agent.planning, 0.0, session.rng)
    guide = Guide(session, experience, agent.demonstrations, agent.warm_start)
    beliefs = Beliefs(experience)
    model = GuidedDQN(
        SuccessorDQNPolicy,
        envs,
        guide=guide,
        epsilon=lambda: agent.epsilon(session.progress()),
        exploration=session.rng,
        policy_kwargs={
            "states": states,
            "width": agent.width,
            "beliefs": beliefs,
            "reads_beliefs": agent.beliefs,
            "novelty": agent.novelty,
        },
        seed=session.seed,
        **agent.learning(),
    )
    # The networks and the environment would draw the same bits otherwise.
    envs.seed(session.env_seed)

    def q_values(numbers: list[int], masks: np.ndarray) -> np.ndarray:
        observations = torch.tensor([[number, 0] for number in numbers], dtype=torch.float32)
        with torch.no_grad():
            found = model.policy.q_net(observations).numpy()
        return np.where(masks, found, 0.0).astype(np.float64)

    session.watch(NumberedPolicy(states, "q_values", q_values, lambda: list(experience.rewards)))
    learn(model, session.trace, _TakesBeliefs(beliefs, guide))


class GuidedDQN(stable_baselines3.DQN):
    """DQN that explores among legal edits, and follows a guide in the real environment while that leads.

    Args:
        arguments: those of `stable_baselines3.DQN`.
        guide: what acts at first.
        epsilon: the probability of a random legal edit now.
        exploration: generator of random edits.
        options: keyword arguments of `stable_baselines3.DQN`.
    """

    def __init__(
        self,
        *arguments: Any,
        guide: Guide,
        epsilon: Callable[[], float],
        exploration: np.random.Generator,
        **options: Any,
    ) -> None:
        self._guide, self._epsilon, self._exploration = guide, epsilon, exploration
        super().__init__(*arguments, **options)

    def _sample_action(
        self, learning_starts: int, action_noise: Any = None, n_envs: int = 1
    ) -> tuple[np.ndarray, np.ndarray]:
        envs: Any = self.env
        seen: Any = self._last_obs
        self.exploration_rate = 1.0 if self.num_timesteps < learning_starts else self._epsilon()
        actions, _ = self.policy.predict(seen, deterministic=True)
        masks = envs.action_masks()
        explores = self._exploration.random(n_envs) < self.exploration_rate
        for number in np.flatnonzero(explores).tolist():
            actions[number] = self._exploration.choice(np.flatnonzero(masks[number]))
        if self._guide.leads:
            actions[0] = self._guide.action(envs.steps.state)
        return actions, actions

    def _on_step(self) -> None:
        rate = self.exploration_rate
        super()._on_step()
        # DQN's own schedule runs over environment steps, the budget is evaluations.
        self.exploration_rate = rate
        self.logger.record("train/epsilon", rate)


class _TakesBeliefs(BaseCallback):
    """A callback that takes beliefs anew after every step, and tells the guide of ended episodes."""

    def __init__(self, beliefs: Beliefs, guide: Guide) -> None:
        super().__init__()
        self._beliefs, self._guide = beliefs, guide

    def _on_step(self) -> bool:
        self._beliefs.take()
        if self.locals["dones"][0]:
            self._guide.restart()
        return True
