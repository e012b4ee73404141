"""Proximal policy optimisation with action masks (Schulman et al. 2017; Huang and Ontanon 2022)."""

from __future__ import annotations

from dataclasses import dataclass

from sb3_contrib import MaskablePPO as Algorithm

from nas_agents.agent import Agent, Environment, Session, check_discount, whole_number, within
from nas_agents.sb3.common import learn, policy_for, reproducible
from nas_gym.errors import ConfigError
from nas_gym.traces import NeuralPolicy


@dataclass(kw_only=True)
class MaskablePPO(Agent):
    """PPO of sb3-contrib whose policy gives illegal edits no probability.

    Sources: Schulman et al., "Proximal Policy Optimization Algorithms", 2017; Huang and Ontanon,
    "A Closer Look at Invalid Action Masking in Policy Gradient Algorithms", 2022.

    Attributes:
        learning_rate: learning rate of Adam.
        n_steps: steps between two updates; short, since budgets are tens to hundreds of networks.
        batch_size: examples of an update; it divides `n_steps`.
        n_epochs: passes over the steps of an update.
        gamma: discount.
        gae_lambda: lambda of generalised advantage estimation.
        clip_range: epsilon of the clipped objective.
        ent_coef: weight of the entropy bonus; near 0 the policy soon walks known networks alone.
        width: units of each of the two hidden layers of policy and value network.
    """

    name = "ppo"
    access = "walk"

    learning_rate: float = 5e-3
    n_steps: int = 20
    batch_size: int = 20
    n_epochs: int = 10
    gamma: float = 0.9
    gae_lambda: float = 0.95
    clip_range: float = 0.2
    ent_coef: float = 0.05
    width: int = 64

    def __post_init__(self) -> None:
        within("learning_rate", self.learning_rate, 0, 1, above_low=True)
        whole_number("n_steps", self.n_steps, at_least=2)
        whole_number("batch_size", self.batch_size, at_least=2)
        whole_number("n_epochs", self.n_epochs, at_least=1)
        within("gamma", self.gamma, 0, 1)
        within("gae_lambda", self.gae_lambda, 0, 1)
        within("clip_range", self.clip_range, 0, 1, above_low=True)
        within("ent_coef", self.ent_coef, 0, 1)
        whole_number("width", self.width, at_least=1)
        if self.n_steps % self.batch_size:
            raise ConfigError(
                f"batch_size must divide n_steps, {self.batch_size} does not divide {self.n_steps}"
            )

    def run(self, session: Session) -> None:
        check_discount(self.gamma, session)
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
