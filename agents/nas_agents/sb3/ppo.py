"""Proximal policy optimisation with action masks (Schulman et al. 2017; Huang and Ontanon 2022)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sb3_contrib import MaskablePPO as Algorithm

from nas_agents.agent import (
    Agent,
    Environment,
    Session,
    UnderObjectives,
    check_discount,
    whole_number,
    within,
)
from nas_agents.learning.options import check_flag, check_learning
from nas_agents.sb3.common import learn, policy_for, reproducible
from nas_agents.warm_start import WarmStart
from nas_gym.errors import ConfigError, unknown
from nas_gym.traces import NeuralPolicy

OUTPUTS = ("successors", "actions")


@dataclass(kw_only=True)
class MaskablePPO(Agent):
    """PPO of sb3-contrib whose policy gives illegal edits no probability and scores networks, not edits.

    The policy scores every edit by the network that it leads to, with the same weights for all: by the
    choices of that network, by what a linear model of rewards expects of it, and by whether it was evaluated
    before. PPO trains it on its own steps and on steps that are simulated on the known edits and that
    model, side by side (see `nas_agents.sb3.ppo_on_successors`). After ten steps in a row that evaluated
    nothing new it restarts and goes to a network that was not evaluated, by a shortest way over the known
    edits (see `nas_agents.learning.escape`), whose steps PPO is not trained on. With ``outputs="actions"``
    it is plain MaskablePPO: a network of two hidden layers with an output for each action, on its own steps
    alone; its usual settings are ``n_steps=20, batch_size=20, n_epochs=10, learning_rate=5e-3, gamma=0.9,
    ent_coef=0.05, width=64``.

    Sources: Schulman et al., "Proximal Policy Optimization Algorithms", 2017; Huang and Ontanon,
    "A Closer Look at Invalid Action Masking in Policy Gradient Algorithms", 2022; Sutton, "Dyna, an
    integrated architecture for learning, planning, and reacting", 1991.

    Attributes:
        outputs: ``"successors"``, a score of each edited network, or ``"actions"``, an output an action.
        learning_rate: learning rate of Adam.
        n_steps: steps between two updates; short, since budgets are tens to hundreds of networks.
        batch_size: real steps of a gradient step, to which as many of each simulated environment come; it
            divides `n_steps`.
        n_epochs: passes over the steps of an update.
        gamma: discount.
        gae_lambda: lambda of generalised advantage estimation.
        clip_range: epsilon of the clipped objective.
        ent_coef: weight of the entropy bonus. An output for each action needs one, or the policy soon walks
            known networks alone; novelty keeps successors from them.
        width: units of a hidden layer of policy and value network.
        planning: of successors: simulated environments beside the real one; 0 for none.
        beliefs: of successors: whether the policy reads what the model of rewards expects of a network.
        novelty: of successors: what a step to a network that was evaluated before costs, in units of the
            spread of rewards.
        episode: of successors: steps after which the agent restarts by itself; None for the environment's
            horizon.
        normalise: of successors: whether rewards are centred and divided by their spread.
        demonstrations: of successors: first evaluations that a local search makes by steps; the policy begins
            by imitating its edits that made a network better.
        warm_start: of successors: networks that demonstrations go to first, see
            `nas_agents.warm_start.starts`; None for none.
    """

    name = "ppo"
    access = "walk"
    under_objectives: ClassVar[UnderObjectives] = "refused"

    outputs: str = "successors"
    learning_rate: float = 1e-2
    n_steps: int = 8
    batch_size: int = 4
    n_epochs: int = 4
    gamma: float = 0.5
    gae_lambda: float = 0.95
    clip_range: float = 0.2
    ent_coef: float = 0.0
    width: int = 16
    planning: int = 15
    beliefs: bool = True
    novelty: float = 3.0
    episode: int | None = None
    normalise: bool = True
    demonstrations: int = 0
    warm_start: WarmStart | None = None

    def __post_init__(self) -> None:
        if self.outputs not in OUTPUTS:
            raise unknown("outputs of PPO", self.outputs, OUTPUTS)
        within("learning_rate", self.learning_rate, 0, 1, above_low=True)
        whole_number("n_steps", self.n_steps, at_least=2)
        whole_number("batch_size", self.batch_size, at_least=2)
        whole_number("n_epochs", self.n_epochs, at_least=1)
        within("gamma", self.gamma, 0, 1)
        within("gae_lambda", self.gae_lambda, 0, 1)
        within("clip_range", self.clip_range, 0, 1, above_low=True)
        within("ent_coef", self.ent_coef, 0, 1)
        whole_number("width", self.width, at_least=1)
        whole_number("planning", self.planning, at_least=0)
        check_flag("beliefs", self.beliefs)
        check_learning(self)
        if self.n_steps % self.batch_size:
            raise ConfigError(
                f"batch_size must divide n_steps, {self.batch_size} does not divide {self.n_steps}"
            )

    def run(self, session: Session) -> None:
        check_discount(self.gamma, session)
        policy_for(session.env)
        if self.outputs == "successors":
            from nas_agents.sb3.ppo_on_successors import SuccessorPPO

            with reproducible():
                SuccessorPPO(self, session).run()
            return
        with reproducible():
            model = self.model(session.env, session.seed)
            session.watch(NeuralPolicy(session.search_space, model, "probabilities"))
            learn(model, session.trace)

    def model(self, env: Environment, seed: int) -> Algorithm:
        """Return a model that has learned nothing yet."""
        return Algorithm(
            policy_for(env),
            env,
            learning_rate=self.learning_rate,
            n_steps=self.n_steps,
            batch_size=self.batch_size,
            n_epochs=self.n_epochs,
            gamma=self.gamma,
            gae_lambda=self.gae_lambda,
            clip_range=self.clip_range,
            ent_coef=self.ent_coef,
            policy_kwargs={"net_arch": [self.width, self.width]},
            seed=seed,
            device="cpu",
        )
