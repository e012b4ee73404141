"""PPO of a policy that scores edited networks, on real and simulated steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sb3_contrib import MaskablePPO as Algorithm
from stable_baselines3.common.callbacks import BaseCallback

from nas_agents.agent import Session
from nas_agents.learning.experience import Experience
from nas_agents.learning.guide import Guide
from nas_agents.learning.policy import NumberedPolicy
from nas_agents.learning.states import States
from nas_agents.learning.steps import NumberedSteps
from nas_agents.sb3.common import learn
from nas_agents.sb3.real_and_simulated import RealAndSimulated
from nas_agents.sb3.successors import Beliefs, SuccessorActorCritic

if TYPE_CHECKING:
    from nas_agents.sb3.ppo import MaskablePPO

IMITATION_STEPS = 50


class SuccessorPPO:
    """A search by PPO whose policy scores the networks that edits lead to.

    Args:
        agent: the hyperparameters.
        session: the search.
    """

    def __init__(self, agent: MaskablePPO, session: Session) -> None:
        self._agent, self._session = agent, session
        self._states = States(session.search_space)
        self._experience = Experience(self._states, agent.normalise, session.rng)
        self._steps = NumberedSteps(session, self._experience, agent.episode, agent.novelty)
        self._beliefs = Beliefs(self._experience)
        envs = RealAndSimulated(self._steps, self._experience, agent.planning, agent.novelty, session.rng)
        self._model = Algorithm(
            SuccessorActorCritic,
            envs,
            learning_rate=agent.learning_rate,
            n_steps=agent.n_steps,
            batch_size=agent.batch_size * (1 + agent.planning),
            n_epochs=agent.n_epochs,
            gamma=agent.gamma,
            gae_lambda=agent.gae_lambda,
            clip_range=agent.clip_range,
            ent_coef=agent.ent_coef,
            policy_kwargs={
                "states": self._states,
                "width": agent.width,
                "beliefs": self._beliefs,
                "reads_beliefs": agent.beliefs,
            },
            seed=session.seed,
            device="cpu",
        )
        # The policy and the environment would draw the same bits otherwise.
        envs.seed(session.env_seed)
        evaluated = self._experience.rewards
        policy = NumberedPolicy(self._states, "probabilities", self._probabilities, lambda: list(evaluated))
        session.watch(policy)

    def run(self) -> None:
        """Demonstrate and imitate, if asked to, then learn until the session ends it."""
        self._imitate(self._demonstrated())
        learn(self._model, self._session.trace, _TakesBeliefs(self._beliefs))

    def _demonstrated(self) -> list[tuple[int, int]]:
        """Return states and edits of the demonstrations that made a network better."""
        guide = Guide(self._session, self._experience, self._agent.demonstrations, self._agent.warm_start)
        better: list[tuple[int, int]] = []
        over, rewards = True, self._experience.rewards
        while guide.leads:
            if over:
                self._steps.reset()
                guide.restart()
            here = self._steps.state
            action = guide.action(here)
            _, _, terminated, truncated, _ = self._steps.step(action)
            over = terminated or truncated
            if here in rewards and rewards.get(self._steps.state, -np.inf) > rewards[here]:
                better.append((here, action))
        return better

    def _imitate(self, demonstrated: list[tuple[int, int]]) -> None:
        """Raise the probability of demonstrated edits (behavioural cloning)."""
        if not demonstrated:
            return
        self._beliefs.take()
        states = torch.tensor([[here, 0] for here, _ in demonstrated], dtype=torch.float32)
        actions = torch.tensor([action for _, action in demonstrated])
        policy = self._model.policy
        for _ in range(IMITATION_STEPS):
            loss = torch.nn.functional.cross_entropy(policy.action_net(states), actions)
            policy.optimizer.zero_grad()
            loss.backward()
            policy.optimizer.step()

    def _probabilities(self, numbers: list[int], masks: np.ndarray) -> np.ndarray:
        """Return the probabilities of edits, float64 (states, n)."""
        observations = torch.tensor([[number, 0] for number in numbers], dtype=torch.float32)
        with torch.no_grad():
            found: Any = self._model.policy.get_distribution(observations, action_masks=masks)
        return np.asarray(found.distribution.probs.numpy(), dtype=np.float64)


class _TakesBeliefs(BaseCallback):
    """A callback that takes beliefs anew before every rollout, and leaves them within it."""

    def __init__(self, beliefs: Beliefs) -> None:
        super().__init__()
        self._beliefs = beliefs

    def _on_rollout_start(self) -> None:
        self._beliefs.take()

    def _on_step(self) -> bool:
        return True
